//! Thinning of a label image: each label alone, as the image of its voxels and background would be thinned.
//!
//! Equivalently, a neighbour counts only if its label is equal. A label is cut out by the words of the whole image, so what is beyond
//! its box is background as it is beyond the image, and a label in one plane of a volume has the six border steps of a volume.
//!
//! Large labels are thinned one after another by all threads ([`super::dense::rounds`]), the others by one thread each, with arrays
//! that a thread keeps ([`super::dense::alone`]): what a label costs is its words, not its box. Those with small boxes share an image, with
//! background between them, so that a step has more to do than to begin. Larger images come first, so that the arrays only shrink.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::image::bit_image::BitImage;
use crate::image::label_words::{LabelEntries, LabelWords};
use crate::image::word_shape::{Cube, Square, WordShape, logarithms};
use crate::support::allocate::{Grow, try_with_capacity};
use crate::support::errors::Result;
use crate::support::threads::Monitor;
use crate::thinning::dense::alone::Alone;
use crate::thinning::method::Method;
use crate::thinning::thin;

/// What the lists are for.
const LABELS: &str = "the labels to thin";

/// Labels of more words are thinned by all threads.
const WORDS_OF_LARGE: usize = if cfg!(test) { 30 } else { 1 << 16 };

/// Words of an image that several labels share, at most: it is to stay in the cache of a core.
const WORDS_OF_SHARED: usize = if cfg!(test) { 200 } else { 1 << 12 };

/// A label to thin: its number and its box in words.
struct Task {
    label: usize,
    words: [Range<usize>; 3],
}

impl Task {
    /// The shape of the box in words.
    fn shape(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.words[axis].len())
    }

    /// The index of a word in an image in which the box begins at word `start`.
    fn index(&self, image: &BitImage, start: [usize; 3], word: [usize; 3]) -> usize {
        let [z, y, x] = [0, 1, 2].map(|axis| start[axis] + word[axis] - self.words[axis].start);
        image.index(z, y) + x
    }
}

/// Labels that share an image: their boxes follow one another along an axis, with an empty word between.
struct Group<'a> {
    tasks: &'a [Task],
    axis: usize,
    /// The shape of the image in words.
    shape: [usize; 3],
}

impl<'a> Group<'a> {
    /// The labels in the images that they share, the largest image first.
    fn all<W: WordShape>(tasks: &'a mut [Task]) -> Result<Vec<Self>> {
        // An image of one plane has other border steps than one of several.
        let axis = usize::from(W::SIDES[0] == 1);
        tasks.sort_unstable_by_key(|task| std::cmp::Reverse(length::<W>(task.shape())));
        let tasks = &*tasks;
        let (mut groups, mut group) = (Vec::new(), 0..0);
        let mut shape = [0; 3];
        for task in tasks {
            let alone = task.shape();
            let mut joined = [0, 1, 2].map(|axis| alone[axis].max(shape[axis]));
            joined[axis] = shape[axis] + 1 + alone[axis];
            if !group.is_empty() && length::<W>(joined).is_none_or(|words| words > WORDS_OF_SHARED) {
                groups.try_push(LABELS, Self { tasks: &tasks[group.clone()], axis, shape })?;
                group.start = group.end;
            }
            shape = if group.is_empty() { alone } else { joined };
            group.end += 1;
        }
        if !group.is_empty() {
            groups.try_push(LABELS, Self { tasks: &tasks[group], axis, shape })?;
        }
        groups.sort_unstable_by_key(|group| std::cmp::Reverse(length::<W>(group.shape)));
        Ok(groups)
    }

    /// The labels, and the words at which their boxes begin.
    fn places(&self) -> impl Iterator<Item = (&Task, [usize; 3])> {
        self.tasks.iter().scan([0; 3], |next, task| {
            let start = *next;
            next[self.axis] += task.shape()[self.axis] + 1;
            Some((task, start))
        })
    }
}

/// The shape in voxels of an image of so many words.
fn in_voxels<W: WordShape>(words: [usize; 3]) -> [usize; 3] {
    [0, 1, 2].map(|axis| words[axis] * W::SIDES[axis])
}

/// The words of an image of this shape in words, with its border, if they can be counted.
fn length<W: WordShape>(words: [usize; 3]) -> Option<usize> {
    BitImage::length_of(in_voxels::<W>(words))
}

/// Thins the labels for which `is_chosen` holds, in place, on the threads of the current pool.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`], or [`crate::support::errors::Error::Interrupted`] through `monitor`; the labels are then in the
/// middle of thinning.
///
/// # Panics
/// If the method is Zhang's and the image has more than one plane.
pub fn thin_labels(labels: &LabelWords, is_chosen: &[bool], method: Method, monitor: &Monitor) -> Result<()> {
    assert!(method.is_for(labels.shape()[0]), "Zhang's method is for 2D images");
    if logarithms(labels.shape()[0]) == Square::LOG {
        thin_in_words::<Square>(labels, is_chosen, method, monitor)
    } else {
        thin_in_words::<Cube>(labels, is_chosen, method, monitor)
    }
}

fn thin_in_words<W: WordShape>(
    labels: &LabelWords,
    is_chosen: &[bool],
    method: Method,
    monitor: &Monitor,
) -> Result<()> {
    let chosen = || (0..is_chosen.len()).filter(|&label| is_chosen[label]);
    monitor.expect(chosen().map(|label| labels.counts()[label]).sum());
    let mut small = Vec::new();
    for label in chosen() {
        let entries = labels.of_label(label);
        let task = Task { label, words: entries.box_of_words() };
        if entries.len() > WORDS_OF_LARGE {
            thin_large::<W>(&entries, &task, method, monitor)?;
        } else {
            small.try_push(LABELS, task)?;
        }
    }
    let groups = Group::all::<W>(&mut small)?;
    let next = AtomicUsize::new(0);
    let workers = rayon::current_num_threads().min(groups.len());
    let mut results = vec![Ok(()); workers];
    rayon::scope(|scope| {
        for result in &mut results {
            scope.spawn(|_| *result = thin_small::<W>(labels, &groups, &next, method, monitor));
        }
    });
    results.into_iter().collect()
}

/// Thins one label on all threads.
fn thin_large<W: WordShape>(entries: &LabelEntries<'_>, task: &Task, method: Method, monitor: &Monitor) -> Result<()> {
    let mut image = BitImage::zeros(in_voxels::<W>(task.shape()))?;
    for at in 0..entries.len() {
        let index = task.index(&image, [0; 3], entries.position(at));
        image.words_mut()[index] = entries.voxels(at);
    }
    thin(&mut image, method, monitor)?;
    for at in 0..entries.len() {
        entries.replace(at, image.words()[task.index(&image, [0; 3], entries.position(at))]);
    }
    Ok(())
}

/// Thins the labels of one group after another until there are none.
fn thin_small<W: WordShape>(
    labels: &LabelWords,
    groups: &[Group<'_>],
    next: &AtomicUsize,
    method: Method,
    monitor: &Monitor,
) -> Result<()> {
    let take = || groups.get(next.fetch_add(1, Ordering::Relaxed));
    let Some(first) = take() else { return Ok(()) };
    let mut alone = Alone::new(in_voxels::<W>(first.shape))?;
    let mut voxels = try_with_capacity(LABELS, WORDS_OF_LARGE)?;
    for group in std::iter::once(first).chain(std::iter::from_fn(&take)) {
        let image = alone.reshape(in_voxels::<W>(group.shape));
        voxels.clear();
        for (task, start) in group.places() {
            let entries = labels.of_label(task.label);
            let words = entries.iter().map(|(at, voxels)| (task.index(image, start, entries.position(at)), voxels));
            voxels.try_extend(LABELS, words)?;
        }
        monitor.advance(alone.thin::<W>(&mut voxels, method, monitor)?);
        let mut left = voxels.iter();
        for task in group.tasks {
            let entries = labels.of_label(task.label);
            (0..entries.len()).zip(&mut left).for_each(|(at, &(_, voxels))| entries.replace(at, voxels));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::support::random::Random;
    use crate::support::threads::Pool;
    use crate::thinning::naive;

    /// Cells of a Voronoi diagram, some of whose voxels are of another label or none.
    fn random_labels(shape: (usize, usize, usize), seed: u64) -> Array3<u64> {
        let mut random = Random(seed);
        let values = [1, 255, 1 << 16, 1 << 31, 1 << 53, (1 << 53) + 1, 1 << 63, u64::MAX, 0];
        let mut voxel = || [shape.0, shape.1, shape.2].map(|length| random.below(length) as i64);
        let cells: Vec<[i64; 3]> = (0..=seed % 12).map(|_| voxel()).collect();
        let noise = seed as usize % 7;
        let label = |(z, y, x): (usize, usize, usize)| {
            let distance =
                |cell: &[i64; 3]| [z, y, x].iter().zip(cell).map(|(&at, cell)| (at as i64 - cell).pow(2)).sum::<i64>();
            let nearest = (0..cells.len()).min_by_key(|&cell| distance(&cells[cell])).unwrap();
            values[if random.below(20) < noise { random.below(9) } else { nearest % values.len() }]
        };
        Array3::from_shape_fn(shape, label)
    }

    fn compare(image: &Array3<u64>, method: Method, threads: usize) {
        let labels = LabelWords::of(&image.view(), &Monitor::new()).unwrap();
        let all = vec![true; labels.values().len()];
        let mut expected = Array3::zeros(image.dim());
        for (&value, &count) in labels.values().iter().zip(labels.counts()) {
            let alone = image.mapv(|other| u8::from(other == value));
            assert_eq!(alone.iter().map(|&voxel| u64::from(voxel)).sum::<u64>(), count);
            naive::thin(&alone, method)
                .iter()
                .zip(&mut expected)
                .filter(|(left, _)| **left == 1)
                .for_each(|(_, label)| *label = value);
        }
        Pool::take(threads).unwrap().install(|| thin_labels(&labels, &all, method, &Monitor::new())).unwrap();
        let mut found = Array3::zeros(image.dim());
        labels.write_into::<u64>(found.view_mut(), &all);
        assert_eq!(found, expected, "{:?} {method:?} {threads} threads", image.dim());
    }

    #[test]
    fn each_label_is_thinned_as_if_alone() {
        for seed in 0..60 {
            let side = |k: u64| 1 + ((seed * 7 + k * 5) % 17) as usize;
            let image = random_labels((side(1), side(2), side(3) * 5), seed);
            compare(&image, Method::Lee, 1 + (seed % 3) as usize);
            compare(&image, Method::LeePreserving, 1 + (seed % 3) as usize);
            let plane = random_labels((1, 3 * side(1), 4 * side(2)), seed);
            compare(&plane, [Method::Lee, Method::LeePreserving, Method::Zhang][seed as usize % 3], 2);
        }
    }

    #[test]
    fn a_label_in_one_plane_of_a_volume_has_six_border_steps() {
        let plane = random_labels((1, 20, 30), 4);
        let volume = Array3::from_shape_fn((2, 20, 30), |(z, y, x)| if z == 1 { plane[(0, y, x)] } else { 7 });
        compare(&volume, Method::Lee, 1);
    }

    #[test]
    fn any_order_of_memory_is_read() {
        let image = random_labels((9, 10, 70), 5);
        let expected = LabelWords::of(&image.view(), &Monitor::new()).unwrap();
        let other = Array3::from_shape_vec(ndarray::ShapeBuilder::f((9, 10, 70)), image.t().iter().copied().collect());
        let other = LabelWords::of(&other.unwrap().view(), &Monitor::new()).unwrap();
        assert_eq!(expected.values(), other.values());
        for label in 0..expected.values().len() {
            let [one, other] = [&expected, &other].map(|labels| labels.of_label(label));
            assert!(
                (0..one.len()).all(|at| one.position(at) == other.position(at) && one.voxels(at) == other.voxels(at))
            );
        }
    }

    #[test]
    fn stops_when_asked() {
        let labels = LabelWords::of(&random_labels((4, 4, 4), 3).view(), &Monitor::new()).unwrap();
        let monitor = Monitor::new();
        monitor.request_stop();
        let stopped = thin_labels(&labels, &vec![true; labels.values().len()], Method::Lee, &monitor);
        assert_eq!(stopped, Err(crate::support::errors::Error::Interrupted));
    }
}
