//! The foreground of a gray image, as bytes or packed to a bit a voxel.
//!
//! Cost: one pass.

use ndarray::{ArrayViewMut3, Axis, s};
use rayon::prelude::*;

use super::gaussian::cut;
use super::histogram::{Bins, add};
use super::sample::Sample;
use super::values::{Box3, Values, fold_boxes};
use crate::image::elements::Element;
use crate::image::mask_rows::MaskRows;
use crate::image::word_shape::WORD;
use crate::support::allocate::Grow;
use crate::support::errors::{Error, Result};
use crate::support::simd::for_this_processor;
use crate::support::threads::Monitor;

/// What there may be no memory for.
const UNDECIDED: &str = "voxels near a threshold";

/// Which values are foreground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Those that are not zero.
    Nonzero,
    /// Those above a threshold.
    Above(f64),
}

for_this_processor! {
    /// Marks the foreground of a row by 1.
    fn mark<T: Sample>(rule: Rule, row: &[T], mask: &mut [u8]) = mark_lanes;
}

#[inline(always)]
fn mark_lanes<T: Sample, V>(rule: Rule, row: &[T], mask: &mut [u8]) {
    let zero = T::default();
    let marks = mask.iter_mut().zip(row);
    match rule {
        Rule::Nonzero => marks.for_each(|(mask, &value)| *mask = u8::from(value != zero)),
        Rule::Above(threshold) => marks.for_each(|(mask, value)| *mask = u8::from(value.to_f64() > threshold)),
    }
}

/// Marks the foreground of an image in `mask`, which has its shape and contiguous rows, by 1 and the background by 0; returns
/// the number of foreground voxels. A threshold for values in single precision has to be one of them.
///
/// # Errors
/// [`Error::InvalidArgument`] if the shapes differ; [`Error::OutOfMemory`], [`Error::Interrupted`] through `monitor`.
pub fn foreground<V: Values>(values: &V, rule: Rule, mask: ArrayViewMut3<'_, u8>, monitor: &Monitor) -> Result<u64> {
    if mask.shape() != values.shape() || mask.strides()[2] != 1 && mask.dim().2 > 1 {
        let reason = format!("expected shape {:?}, rows contiguous, got {:?}", values.shape(), mask.shape());
        return Err(Error::InvalidArgument { name: "mask", reason });
    }
    let write = |count: &mut u64, _: [usize; 3], row: &[_], marks: &mut [u8]| {
        mark(rule, row, marks);
        *count += marks.iter().map(|&voxel| u64::from(voxel)).sum::<u64>();
    };
    mark_boxes(values, mask, 1, monitor, || Ok(0), write, |one, other| one + other)
}

/// Writes the foreground of whole planes of an image into `mask`, the first one of them at plane `first`; see [`foreground`].
///
/// # Errors
/// Those of [`foreground`].
pub fn packed_foreground<V: Values>(
    values: &V,
    rule: Rule,
    mask: &mut MaskRows,
    first: usize,
    monitor: &Monitor,
) -> Result<u64> {
    let words = planes_of(mask, values.shape(), first)?;
    let write = |count: &mut u64, _: [usize; 3], row: &[_], words: &mut [u64]| {
        for (word, row) in words.iter_mut().zip(row.chunks(WORD)) {
            *word = pack(rule, row);
            *count += u64::from(word.count_ones());
        }
    };
    mark_boxes(values, words, WORD, monitor, || Ok(0), write, |one, other| one + other)
}

/// The foreground of at most a word of voxels, one bit each.
fn pack<T: Sample>(rule: Rule, row: &[T]) -> u64 {
    let mut marks = [0; WORD];
    mark(rule, row, &mut marks);
    u8::pack(&marks, 1)
}

/// The words of as many planes of a mask as an image of this shape has.
fn planes_of(mask: &mut MaskRows, shape: [usize; 3], first: usize) -> Result<ArrayViewMut3<'_, u64>> {
    let [depth, height, width] = shape;
    let end = first.saturating_add(depth);
    if [height, width] != mask.shape()[1..] || end > mask.shape()[0] {
        let reason = format!("expected room for shape {shape:?} at plane {first}, got {:?}", mask.shape());
        return Err(Error::InvalidArgument { name: "mask", reason });
    }
    Ok(mask.words_mut()?.slice_move(s![first..end, .., ..]))
}

/// Voxels that are foreground or not as the threshold will be.
#[derive(Debug)]
pub struct Undecided<T> {
    /// Their bits in the mask.
    pub bits: Vec<u64>,
    /// Their values.
    pub values: Vec<T>,
}

impl<T: Sample> Undecided<T> {
    const NONE: Self = Self { bits: Vec::new(), values: Vec::new() };

    /// Adds those of a word whose bits are set; None if that makes more than `most`, or if there is no memory for them.
    fn with(mut self, start: u64, mut bits: u64, row: &[T], most: usize) -> Option<Self> {
        while bits != 0 {
            let at = bits.trailing_zeros();
            self.bits.try_push(UNDECIDED, start + u64::from(at)).ok()?;
            self.values.try_push(UNDECIDED, row[at as usize]).ok()?;
            bits &= bits - 1;
        }
        (self.bits.len() <= most).then_some(self)
    }

    fn joined(mut self, other: &Self, most: usize) -> Option<Self> {
        self.bits.try_extend_from_slice(UNDECIDED, &other.bits).ok()?;
        self.values.try_extend_from_slice(UNDECIDED, &other.values).ok()?;
        (self.bits.len() <= most).then_some(self)
    }
}

/// The counts of bins, and what is undecided, if it is not too much.
pub type Counted<T> = (Vec<i64>, Option<Undecided<T>>);

/// Counts values in bins, and writes what is above the second of two thresholds into `mask` as [`packed_foreground`] does. Voxels
/// above the first only are returned too, unless they are more than `most`. So a threshold that follows from the counts, if it
/// is one of the two or lies between them, takes no other pass.
///
/// # Errors
/// Those of [`foreground`].
pub fn count_and_pack<V: Values>(
    values: &V,
    bins: &Bins<'_, <V::Value as Sample>::Bins>,
    between: [f64; 2],
    most: usize,
    mask: &mut MaskRows,
    first: usize,
    monitor: &Monitor,
) -> Result<Counted<V::Value>> {
    let [plane, row_bits, _] = mask.bit_steps();
    let words = planes_of(mask, values.shape(), first)?;
    let [low, high] = between.map(Rule::Above);
    let write = |found: &mut Counted<V::Value>, at: [usize; 3], row: &[_], words: &mut [u64]| {
        let (tables, undecided) = found;
        bins.count(row, tables);
        let [z, y, x] = at.map(|at| at as u64);
        let start = (first as u64 + z) * plane as u64 + y * row_bits as u64 + x;
        for ((word, row), start) in words.iter_mut().zip(row.chunks(WORD)).zip((start..).step_by(WORD)) {
            *word = pack(high, row);
            let near = pack(low, row) & !*word;
            if near != 0 {
                *undecided = undecided.take().and_then(|found| found.with(start, near, row, most));
            }
        }
    };
    let start = || Ok((bins.tables()?, Some(Undecided::NONE)));
    let (tables, undecided) = mark_boxes(values, words, WORD, monitor, start, write, |one, other| {
        (add(one.0, other.0), one.1.zip(other.1).and_then(|(one, other)| one.joined(&other, most)))
    })?;
    Ok((bins.counts(&tables), undecided))
}

/// Folds all rows of an image by `write`, which gets the position of each and its part of `marks`, of which each is that of so many
/// voxels.
fn mark_boxes<V: Values, M: Send, A: Send>(
    values: &V,
    marks: ArrayViewMut3<'_, M>,
    voxels: usize,
    monitor: &Monitor,
    start: impl Fn() -> Result<A> + Sync,
    write: impl Fn(&mut A, [usize; 3], &[V::Value], &mut [M]) + Sync,
    join: impl Fn(A, A) -> A + Sync,
) -> Result<A> {
    let [depth, height, width] = values.sides();
    let boxes = cut(marks, [depth, height, width / voxels]).into_par_iter().map(|([z, y, x], marks)| {
        let offset = [z, y, x * voxels];
        let shape = [0, 1, 2].map(|axis| values.sides()[axis].min(values.shape()[axis] - offset[axis]));
        (Box3 { offset, shape }, (offset, marks))
    });
    let row =
        |folded: &mut A, (offset, marks): &mut ([usize; 3], ArrayViewMut3<'_, M>), [z, y]: [usize; 2], row: &[_]| {
            let mut plane = marks.index_axis_mut(Axis(0), z);
            let mut line = plane.index_axis_mut(Axis(0), y);
            let Some(line) = line.as_slice_mut() else { unreachable!("rows are contiguous") };
            write(folded, [offset[0] + z, offset[1] + y, offset[2]], row, line);
        };
    fold_boxes(values, boxes, monitor, start, row, join)
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::gray::gaussian::{Gaussian, Smoothed};
    use crate::gray::histogram::count_bins;
    use crate::gray::values::Plain;
    use crate::image::elements::Shared;
    use crate::support::random::Random;

    static MONITOR: Monitor = Monitor::new();

    fn compare<V: Values<Value = f32>>(values: &V) {
        let (shape, edges) = (values.shape(), std::array::from_fn::<f32, 9, _>(|edge| edge as f32 / 8.0));
        let bins = Bins::new(0.0, 1.0, &edges).unwrap();
        let counts = count_bins(values, 0.0, 1.0, &edges, &MONITOR).unwrap();
        let empty = || MaskRows::zeros([shape[0] + 2, shape[1], shape[2]], [false; 3]).unwrap();
        for threshold in [0.25, 0.5, 0.75] {
            let mut expected = empty();
            packed_foreground(values, Rule::Above(threshold), &mut expected, 1, &MONITOR).unwrap();
            let mut mask = empty();
            let pack =
                |most, mask: &mut _| count_and_pack(values, &bins, [0.25, 0.75], most, mask, 1, &MONITOR).unwrap();
            let (found, undecided) = pack(usize::MAX, &mut mask);
            let undecided = undecided.unwrap();
            assert_eq!(found, counts);
            assert_eq!(undecided.bits.len(), undecided.values.len());
            let above =
                undecided.bits.iter().zip(&undecided.values).filter(|(_, value)| f64::from(**value) > threshold);
            mask.set(&above.map(|(bit, _)| *bit).collect::<Vec<_>>()).unwrap();
            assert_eq!(format!("{mask:?}"), format!("{expected:?}"));
            let count = undecided.bits.len();
            assert!(count > 0 && pack(count, &mut mask).1.is_some() && pack(count - 1, &mut mask).1.is_none());
        }
    }

    #[test]
    fn one_pass_counts_and_packs() {
        let mut random = Random(7);
        let image = Array3::from_shape_simple_fn([19, 35, 270], || (random.bits() >> 40) as f32 / (1 << 24) as f32);
        let view = Shared::view(&image.view());
        compare(&Plain(view));
        let filter = Gaussian::new([&[], &[0.1, 0.8, 0.1], &[0.05, 0.9, 0.05]]).unwrap();
        compare(&Smoothed::<f32, f32>::of_planes(&view, &filter, 2..17));
    }
}
