//! Territories: which branch each voxel of the mask belongs to, the one of the nearest skeleton voxel within its own object.
//!
//! An object is a component of the mask, its voxels connected by 26 neighbours. Each voxel of the skeleton, a **site**, has the
//! number of its branch; of equally near sites of the object the one with the smallest number counts. Voxels of objects without
//! sites have 0. The squared distance is computed from the differences of voxels, each operation rounded by itself: a function
//! of both voxels alone. So the answer is that of asking all sites of the object, for any number of threads and any blocks.
//!
//! **Objects.** The mask is cut into runs along the last axis. Runs of neighbouring rows that touch are joined. A label image is cut
//! into runs of one label, and only runs of one label are joined: so its territories are those of each label alone.
//!
//! **Search.** A block is halved, and each half keeps the sites that may be nearest to one of its voxels.
//! Between two sites the difference of squared distances is linear in the voxel, so a site of an object stays unless the one of
//! that object which is nearest to the middle of the box is nearer everywhere, by more than rounding may hide. Sites of objects
//! whose bounding box does not meet the box are dropped. What has one site left is filled run by run.
//!
//! Cost: linear in the foreground, whatever its thickness. Memory: 8 bytes a row, 20 a run, 40 a site, and lists of candidates.

use ndarray::{ArrayView3, ArrayViewMut3, Axis, s};

use crate::graph::junctions::DisjointSets;
use crate::image::elements::{Element, Shared};
use crate::image::indices::{check_voxels, position};
use crate::image::mask_rows::MaskRows;
use crate::image::word_shape::WORD;
use crate::support::allocate::{Grow, try_filled, try_with_capacity};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// What the buffers are for.
const TERRITORIES: &str = "the territories of branches";

/// Boxes up to this long are searched voxel by voxel.
const SMALL: usize = 4;

/// Boxes longer than this are shared out to threads.
const PARALLEL: usize = 32;

/// An object without sites.
const NONE: u32 = u32::MAX;

/// The sites of a mask by objects.
#[derive(Debug)]
pub struct Territories {
    spacing: [f64; 3],
    runs: Runs,
    /// Sorted by object, then by number.
    sites: Vec<Site>,
    /// The box around each object that has sites.
    boxes: Vec<Region>,
}

/// A voxel of the skeleton.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Site {
    object: u32,
    number: i32,
    voxel: [i64; 3],
}

/// The foreground as runs along the last axis.
#[derive(Debug)]
struct Runs {
    shape: [usize; 3],
    /// Where the runs of each row begin, and the end of the last.
    rows: Vec<usize>,
    /// The first voxel of each run and the one behind it.
    spans: Vec<[u32; 2]>,
    /// The object of each run.
    objects: Vec<u32>,
}

/// A box of voxels.
#[derive(Debug, Clone, Copy)]
struct Region {
    start: [usize; 3],
    end: [usize; 3],
}

impl Region {
    fn length(self, axis: usize) -> usize {
        self.end[axis] - self.start[axis]
    }

    fn meets(self, other: Self) -> bool {
        (0..3).all(|axis| self.start[axis] < other.end[axis] && other.start[axis] < self.end[axis])
    }
}

impl Territories {
    /// The territories of the branches whose `numbers` these voxels of the mask have; a voxel of number 0 is no site.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the arrays do not fit each other or a voxel is background, [`Error::OutOfMemory`], or
    /// [`Error::Interrupted`] through `monitor`.
    pub fn new(mask: &MaskRows, voxels: &[i64], numbers: &[i32], spacing: [f64; 3], monitor: &Monitor) -> Result<Self> {
        let runs = Runs::of(mask, monitor)?;
        let sets = runs.join(|_, _| true, monitor)?;
        Self::of_runs(runs, sets, voxels, numbers, spacing)
    }

    /// The territories of branches in a label image: a component of voxels of one label is an object.
    ///
    /// # Errors
    /// As for [`Territories::new`].
    pub fn of_labels<T: Element>(
        image: &ArrayView3<'_, Shared<T>>,
        voxels: &[i64],
        numbers: &[i32],
        spacing: [f64; 3],
        monitor: &Monitor,
    ) -> Result<Self> {
        let (runs, labels) = Runs::of_labels(image, monitor)?;
        let sets = runs.join(|one, other| labels[one] == labels[other], monitor)?;
        Self::of_runs(runs, sets, voxels, numbers, spacing)
    }

    fn of_runs(
        mut runs: Runs,
        mut sets: DisjointSets<i64>,
        voxels: &[i64],
        numbers: &[i32],
        spacing: [f64; 3],
    ) -> Result<Self> {
        check_voxels(voxels, &runs.shape)?;
        let wrong = |name, reason: &str| Err(Error::InvalidArgument { name, reason: reason.to_owned() });
        if voxels.len() != numbers.len() || numbers.iter().any(|&number| number < 0) {
            return wrong("numbers", "expected a number from 0 up for each voxel");
        }
        if spacing.iter().any(|step| !(*step > 0.0 && step.is_finite())) {
            return wrong("spacing", "expected finite numbers above 0");
        }
        // Objects are numbered in the order of their first site.
        let mut object_of = try_filled(TERRITORIES, runs.spans.len(), NONE)?;
        let (mut sites, mut boxes) = (try_with_capacity(TERRITORIES, voxels.len())?, Vec::new());
        for (&voxel, &number) in voxels.iter().zip(numbers) {
            let at = position(voxel, runs.shape);
            let Some(run) = runs.find(at) else {
                return wrong("skeleton", "expected voxels of the mask only");
            };
            if number == 0 {
                continue;
            }
            let object = &mut object_of[sets.find(run)];
            if *object == NONE {
                *object = boxes.len() as u32;
                boxes.try_push(TERRITORIES, Region { start: at, end: at.map(|along| along + 1) })?;
            }
            sites.push(Site { object: *object, number, voxel: at.map(|along| along as i64) });
        }
        sites.sort_unstable();
        for run in 0..runs.spans.len() {
            runs.objects[run] = object_of[sets.find(run)];
        }
        runs.grow(&mut boxes);
        Ok(Self { spacing, runs, sites, boxes })
    }

    /// Writes the number of each voxel of a block of the image.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the block does not lie in the image, [`Error::OutOfMemory`], or [`Error::Interrupted`] through
    /// `monitor`.
    pub fn draw(&self, offset: [usize; 3], mut block: ArrayViewMut3<'_, i32>, monitor: &Monitor) -> Result<()> {
        let extent = block.dim();
        let end = [0, 1, 2].map(|axis| offset[axis].saturating_add([extent.0, extent.1, extent.2][axis]));
        if (0..3).any(|axis| end[axis] > self.runs.shape[axis]) {
            let reason = "the block does not lie in the image".to_owned();
            return Err(Error::InvalidArgument { name: "offset", reason });
        }
        block.fill(0);
        if block.is_empty() {
            return Ok(());
        }
        let mut all = try_with_capacity(TERRITORIES, self.sites.len())?;
        all.extend(0..self.sites.len() as u32);
        self.share_out(Region { start: offset, end }, block, &all, monitor)
    }

    /// Writes the numbers of a region, none of whose voxels has another site than the candidates.
    fn share_out(
        &self,
        region: Region,
        block: ArrayViewMut3<'_, i32>,
        candidates: &[u32],
        monitor: &Monitor,
    ) -> Result<()> {
        if !self.runs.meet(region) {
            return Ok(());
        }
        let (kept, objects) = self.candidates(region, candidates)?;
        let longest = (0..3).map(|axis| region.length(axis)).max().unwrap_or(0);
        if longest <= SMALL || kept.len() == objects {
            self.fill(region, block, &kept);
            return Ok(());
        }
        let axis = (0..3).rev().find(|&axis| region.length(axis) == longest).unwrap_or(0);
        let half = longest.next_power_of_two() / 2;
        let (mut first, mut last) = (region, region);
        first.end[axis] = region.start[axis] + half;
        last.start[axis] = first.end[axis];
        let (of_first, of_last) = block.split_at(Axis(axis), half);
        if longest > PARALLEL {
            monitor.check()?;
            let (one, other) = rayon::join(
                || self.share_out(first, of_first, &kept, monitor),
                || self.share_out(last, of_last, &kept, monitor),
            );
            return one.and(other);
        }
        self.share_out(first, of_first, &kept, monitor)?;
        self.share_out(last, of_last, &kept, monitor)
    }

    /// The candidates that may be nearest to a voxel of a region, and of how many objects they are.
    fn candidates(&self, region: Region, candidates: &[u32]) -> Result<(Vec<u32>, usize)> {
        let ends = [0, 1, 2].map(|axis| [region.start[axis] as f64, (region.end[axis] - 1) as f64]);
        let middle = [0, 1, 2].map(|axis| f64::midpoint(ends[axis][0], ends[axis][1]) * self.spacing[axis]);
        let half = [0, 1, 2].map(|axis| (ends[axis][1] - ends[axis][0]) / 2.0 * self.spacing[axis]);
        // The vector from a site to the middle, and its square.
        let from_middle = |candidate: u32| {
            let voxel = self.sites[candidate as usize].voxel;
            let away = [0, 1, 2].map(|axis| middle[axis] - voxel[axis] as f64 * self.spacing[axis]);
            (away, away[0] * away[0] + away[1] * away[1] + away[2] * away[2])
        };
        let object = |candidate: u32| self.sites[candidate as usize].object;
        let (mut kept, mut objects) = (try_with_capacity(TERRITORIES, candidates.len().min(64))?, 0);
        for group in candidates.chunk_by(|&one, &other| object(one) == object(other)) {
            if !self.boxes[object(group[0]) as usize].meets(region) {
                continue;
            }
            objects += 1;
            let best = group.iter().fold((f64::INFINITY, group[0]), |best, &candidate| {
                let square = from_middle(candidate).1;
                if square < best.0 { (square, candidate) } else { best }
            });
            let (best_away, best_square) = from_middle(best.1);
            for &candidate in group {
                let (away, square) = from_middle(candidate);
                let swing: f64 = (0..3).map(|axis| 2.0 * (away[axis] - best_away[axis]).abs() * half[axis]).sum();
                let rounding = 1e-12 * (square + best_square + swing);
                if square - best_square <= swing + rounding {
                    kept.try_push(TERRITORIES, candidate)?;
                }
            }
        }
        Ok((kept, objects))
    }

    /// Writes the numbers of a region run by run.
    fn fill(&self, region: Region, mut block: ArrayViewMut3<'_, i32>, candidates: &[u32]) {
        let [from, to] = [region.start[2], region.end[2]];
        for z in region.start[0]..region.end[0] {
            for y in region.start[1]..region.end[1] {
                for (span, object) in self.runs.within(z, y, from, to) {
                    let first = candidates.partition_point(|&site| self.sites[site as usize].object < object);
                    let own = &candidates[first..];
                    let count = own.partition_point(|&site| self.sites[site as usize].object == object);
                    let own = &own[..count];
                    for x in span {
                        block[[z - region.start[0], y - region.start[1], x - from]] = match own {
                            [] => 0,
                            [one] => self.sites[*one as usize].number,
                            _ => self.nearest([z, y, x], own),
                        };
                    }
                }
            }
        }
    }

    /// The number of the nearest of sites, which are sorted by number.
    fn nearest(&self, voxel: [usize; 3], sites: &[u32]) -> i32 {
        let mut best = (f64::INFINITY, 0);
        for &site in sites {
            let site = &self.sites[site as usize];
            let along = [0, 1, 2].map(|axis| (voxel[axis] as i64 - site.voxel[axis]) as f64 * self.spacing[axis]);
            let square = along[0] * along[0] + along[1] * along[1] + along[2] * along[2];
            if square < best.0 {
                best = (square, site.number);
            }
        }
        best.1
    }
}

impl Runs {
    /// No runs of an image of this shape, with room for the ends of its rows.
    fn none(shape: [usize; 3]) -> Result<Self> {
        if shape[2] > u32::MAX as usize {
            let reason = format!("expected at most {} voxels along the last axis", u32::MAX);
            return Err(Error::InvalidArgument { name: "mask", reason });
        }
        let mut rows = try_with_capacity(TERRITORIES, shape[0] * shape[1] + 1)?;
        rows.push(0);
        Ok(Self { shape, rows, spans: Vec::new(), objects: Vec::new() })
    }

    fn of(mask: &MaskRows, monitor: &Monitor) -> Result<Self> {
        let shape = mask.shape();
        let mut runs = Self::none(shape)?;
        let Self { rows, spans, .. } = &mut runs;
        for z in 0..shape[0] {
            monitor.check()?;
            for y in 0..shape[1] {
                let mut is_open = false;
                for (at, &word) in mask.row(z, y).iter().enumerate() {
                    // A bit is set where a run begins or ends.
                    let mut changes = word ^ (word << 1 | u64::from(is_open));
                    while changes != 0 {
                        let x = (at * WORD) as u32 + changes.trailing_zeros();
                        if is_open {
                            if let Some(last) = spans.last_mut() {
                                last[1] = x;
                            }
                        } else {
                            spans.try_push(TERRITORIES, [x, shape[2] as u32])?;
                        }
                        is_open = !is_open;
                        changes &= changes - 1;
                    }
                }
                rows.push(spans.len());
            }
        }
        runs.without_objects()
    }

    /// The runs of one label each, and their labels.
    fn of_labels<T: Element>(image: &ArrayView3<'_, Shared<T>>, monitor: &Monitor) -> Result<(Self, Vec<u64>)> {
        let shape: [usize; 3] = image.dim().into();
        let mut runs = Self::none(shape)?;
        let (Self { rows, spans, .. }, mut labels) = (&mut runs, Vec::new());
        for z in 0..shape[0] {
            monitor.check()?;
            for y in 0..shape[1] {
                let mut last = 0;
                for (x, voxel) in image.slice(s![z, y, ..]).iter().enumerate() {
                    let label = voxel.get().bits();
                    if label == last {
                        continue;
                    }
                    if let Some(open) = spans.last_mut().filter(|_| last != 0) {
                        open[1] = x as u32;
                    }
                    if label != 0 {
                        spans.try_push(TERRITORIES, [x as u32, shape[2] as u32])?;
                        labels.try_push(TERRITORIES, label)?;
                    }
                    last = label;
                }
                rows.push(spans.len());
            }
        }
        Ok((runs.without_objects()?, labels))
    }

    fn without_objects(mut self) -> Result<Self> {
        if self.spans.len() >= NONE as usize {
            let reason = format!("{} runs of foreground are more than 32 bits can number", self.spans.len());
            return Err(Error::InvalidArgument { name: "mask", reason });
        }
        self.objects = try_filled(TERRITORIES, self.spans.len(), NONE)?;
        Ok(self)
    }

    fn row(&self, z: usize, y: usize) -> std::ops::Range<usize> {
        let row = z * self.shape[1] + y;
        self.rows[row]..self.rows[row + 1]
    }

    /// The sets of runs that touch, also at an edge or a corner, and that `are_one` object then.
    fn join(&self, are_one: impl Fn(usize, usize) -> bool + Copy, monitor: &Monitor) -> Result<DisjointSets<i64>> {
        let mut sets = DisjointSets::new(self.spans.len())?;
        for z in 0..self.shape[0] {
            monitor.check()?;
            for y in 0..self.shape[1] {
                if y > 0 {
                    self.join_rows(&mut sets, self.row(z, y), self.row(z, y - 1), are_one);
                }
                for before in y.saturating_sub(1)..(y + 2).min(self.shape[1]) {
                    if z > 0 {
                        self.join_rows(&mut sets, self.row(z, y), self.row(z - 1, before), are_one);
                    }
                }
            }
        }
        Ok(sets)
    }

    fn join_rows(
        &self,
        sets: &mut DisjointSets<i64>,
        mut row: std::ops::Range<usize>,
        mut other: std::ops::Range<usize>,
        are_one: impl Fn(usize, usize) -> bool,
    ) {
        let mut join = |one: usize, two: usize| {
            let [first, second] = [self.spans[one], self.spans[two]];
            if first[0] <= second[1] && second[0] <= first[1] && are_one(one, two) {
                sets.join(one, two);
            }
        };
        while !row.is_empty() && !other.is_empty() {
            join(row.start, other.start);
            // The one that ends first touches none of the next; of two that end together, each may touch the next at a corner.
            let ends = [row.start, other.start].map(|run| self.spans[run][1]);
            if ends[0] == ends[1] && other.len() > 1 {
                join(row.start, other.start + 1);
            }
            if ends[0] <= ends[1] {
                row.start += 1;
            } else {
                other.start += 1;
            }
        }
    }

    /// The run of a voxel.
    fn find(&self, [z, y, x]: [usize; 3]) -> Option<usize> {
        let row = self.row(z, y);
        let run = row.start + self.spans[row.clone()].partition_point(|span| span[1] as usize <= x);
        (run < row.end && self.spans[run][0] as usize <= x).then_some(run)
    }

    /// The parts of the runs of a row from one voxel to another, with their objects.
    fn within(
        &self,
        z: usize,
        y: usize,
        from: usize,
        to: usize,
    ) -> impl Iterator<Item = (std::ops::Range<usize>, u32)> + '_ {
        let row = self.row(z, y);
        let first = row.start + self.spans[row.clone()].partition_point(|span| span[1] as usize <= from);
        let runs = (first..row.end).take_while(move |&run| (self.spans[run][0] as usize) < to);
        runs.map(move |run| {
            let [start, end] = self.spans[run].map(|x| x as usize);
            (start.max(from)..end.min(to), self.objects[run])
        })
    }

    /// Whether a region has foreground.
    fn meet(&self, region: Region) -> bool {
        let rows = (region.start[0]..region.end[0]).flat_map(|z| (region.start[1]..region.end[1]).map(move |y| (z, y)));
        rows.into_iter().any(|(z, y)| self.within(z, y, region.start[2], region.end[2]).next().is_some())
    }

    /// Makes the boxes hold all runs of their objects.
    fn grow(&self, boxes: &mut [Region]) {
        for z in 0..self.shape[0] {
            for y in 0..self.shape[1] {
                for run in self.row(z, y).filter(|&run| self.objects[run] != NONE) {
                    let bounds = &mut boxes[self.objects[run] as usize];
                    let span = self.spans[run].map(|x| x as usize);
                    for (axis, (start, end)) in [(z, z + 1), (y, y + 1), (span[0], span[1])].into_iter().enumerate() {
                        bounds.start[axis] = bounds.start[axis].min(start);
                        bounds.end[axis] = bounds.end[axis].max(end);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::image::elements::Shared;
    use crate::support::random::Random;

    fn territories(image: &Array3<u8>, sites: &[(i64, i32)], spacing: [f64; 3]) -> Result<Territories> {
        let (depth, height, width) = image.dim();
        let mut mask = MaskRows::zeros([depth, height, width], [false; 3]).unwrap();
        mask.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()).unwrap();
        let (voxels, numbers): (Vec<i64>, Vec<i32>) = sites.iter().copied().unzip();
        Territories::new(&mask, &voxels, &numbers, spacing, &Monitor::new())
    }

    /// Floods each object, of voxels of one value, from its first voxel, and asks all its sites for each voxel.
    fn naive(image: &Array3<u8>, sites: &[(i64, i32)], spacing: [f64; 3]) -> Array3<i32> {
        let (depth, height, width) = image.dim();
        let shape = [depth, height, width];
        let mut labels = Array3::<usize>::zeros(image.dim());
        let mut count = 0;
        for start in ndarray::indices_of(image) {
            if image[start] == 0 || labels[start] > 0 {
                continue;
            }
            count += 1;
            labels[start] = count;
            let mut waiting = vec![start];
            while let Some((z, y, x)) = waiting.pop() {
                for step in 0..27 {
                    let at = (z + step / 9, y + step / 3 % 3, x + step % 3);
                    if at.0 > 0 && at.1 > 0 && at.2 > 0 && at.0 <= depth && at.1 <= height && at.2 <= width {
                        let at = (at.0 - 1, at.1 - 1, at.2 - 1);
                        if image[at] == image[start] && labels[at] == 0 {
                            labels[at] = count;
                            waiting.push(at);
                        }
                    }
                }
            }
        }
        Array3::from_shape_fn(image.dim(), |(z, y, x)| {
            let mut best = (f64::INFINITY, 0);
            for &(voxel, number) in sites {
                let at = position(voxel, shape);
                if image[[z, y, x]] != 0 && labels[at] == labels[[z, y, x]] {
                    let along = [0, 1, 2].map(|axis| ([z, y, x][axis] as f64 - at[axis] as f64) * spacing[axis]);
                    let square = along[0] * along[0] + along[1] * along[1] + along[2] * along[2];
                    let nearer = square.total_cmp(&best.0).then(number.cmp(&best.1)).is_lt();
                    best = if nearer { (square, number) } else { best };
                }
            }
            best.1
        })
    }

    #[test]
    fn are_what_asking_all_sites_of_the_object_gives() {
        for (seed, shape) in
            [(1_u64, [9, 11, 70]), (2, [1, 30, 41]), (3, [12, 13, 14]), (4, [20, 1, 130]), (5, [8, 8, 8])]
        {
            let mut random = Random(seed);
            let density = [0, 3, 5, 6, 4, 8][seed as usize];
            let image = Array3::from_shape_fn(shape, |_| u8::from(random.below(10) < density));
            let voxels: Vec<i64> =
                (0..image.len() as i64).filter(|&at| image.as_slice().unwrap()[at as usize] == 1).collect();
            let sites: Vec<(i64, i32)> =
                voxels.into_iter().filter(|_| random.below(20) == 0).map(|at| (at, 1 + (at * 7 % 11) as i32)).collect();
            for spacing in [[1.0; 3], [0.5, 2.0, 1.25]] {
                let found = territories(&image, &sites, spacing).unwrap();
                let expected = naive(&image, &sites, spacing);
                let mut whole = Array3::from_elem(shape, -1);
                found.draw([0; 3], whole.view_mut(), &Monitor::new()).unwrap();
                assert_eq!(whole, expected);
                let half = [0, 1, 2].map(|axis| shape[axis] / 2);
                let mut part = Array3::from_elem([0, 1, 2].map(|axis| shape[axis] - half[axis]), -1);
                found.draw(half, part.view_mut(), &Monitor::new()).unwrap();
                assert_eq!(part, expected.slice(ndarray::s![half[0].., half[1].., half[2]..]));
            }
        }
    }

    #[test]
    fn of_labels_are_those_of_each_label() {
        for seed in 1..40 {
            let mut random = Random(seed);
            let shape = [1 + random.below(6), 1 + random.below(6), 1 + random.below(90)];
            let (length, labels) = (1 + random.below(9), 2 + random.below(3));
            let of_runs: Vec<u8> = (0..400).map(|_| random.below(labels) as u8).collect();
            let image = Array3::from_shape_fn(shape, |(z, y, x)| of_runs[(z * 90 + y * 11 + x / length) % 400]);
            let voxels = (0..image.len() as i64).filter(|&at| image.as_slice().unwrap()[at as usize] != 0);
            let sites: Vec<(i64, i32)> =
                voxels.filter(|_| random.below(9) == 0).map(|at| (at, (at * 7 % 11) as i32)).collect();
            let (voxels, numbers): (Vec<i64>, Vec<i32>) = sites.iter().copied().unzip();
            let view = image.view();
            let view = Shared::view(&view);
            let monitor = Monitor::new();
            let found = Territories::of_labels(&view, &voxels, &numbers, [0.5, 2.0, 1.25], &monitor).unwrap();
            let sites: Vec<(i64, i32)> = sites.into_iter().filter(|&(_, number)| number != 0).collect();
            let mut whole = Array3::from_elem(shape, -1);
            found.draw([0; 3], whole.view_mut(), &monitor).unwrap();
            assert_eq!(whole, naive(&image, &sites, [0.5, 2.0, 1.25]), "{seed}");
        }
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let image = Array3::from_shape_fn([2, 3, 4], |(_, _, x)| u8::from(x > 0));
        for sites in [&[(0, 1)][..], &[(0, 0)], &[(1, -1)], &[(2, 1), (1, 1)], &[(24, 1)]] {
            assert!(territories(&image, sites, [1.0; 3]).is_err());
        }
        assert!(territories(&image, &[(1, 1)], [1.0, 0.0, 1.0]).is_err());
        let found = territories(&image, &[(1, 1)], [1.0; 3]).unwrap();
        assert!(found.draw([1, 0, 0], Array3::zeros([2, 3, 4]).view_mut(), &Monitor::new()).is_err());
    }
}
