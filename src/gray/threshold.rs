//! The foreground of a gray image, as bytes or packed to a bit a voxel.
//!
//! Cost: one pass.

use ndarray::{ArrayViewMut3, Axis, s};
use rayon::prelude::*;

use super::gaussian::cut;
use super::sample::Sample;
use super::values::{Box3, Values};
use crate::image::elements::Element;
use crate::image::mask_rows::MaskRows;
use crate::image::word_shape::WORD;
use crate::support::errors::{Error, Result};
use crate::support::simd::for_this_processor;
use crate::support::threads::Monitor;

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
    mark_boxes(values, mask, 1, monitor, |row, marks| {
        mark(rule, row, marks);
        marks.iter().map(|&voxel| u64::from(voxel)).sum()
    })
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
    let [depth, height, width] = values.shape();
    let end = first.saturating_add(depth);
    if [height, width] != mask.shape()[1..] || end > mask.shape()[0] {
        let reason = format!("expected room for shape {:?} at plane {first}, got {:?}", values.shape(), mask.shape());
        return Err(Error::InvalidArgument { name: "mask", reason });
    }
    let mut words = mask.words_mut();
    mark_boxes(values, words.slice_mut(s![first..end, .., ..]), WORD, monitor, |row, words| {
        let mut count = 0;
        for (word, row) in words.iter_mut().zip(row.chunks(WORD)) {
            let mut marks = [0; WORD];
            mark(rule, row, &mut marks);
            *word = u8::pack(&marks, 1);
            count += u64::from(word.count_ones());
        }
        count
    })
}

/// Calls `write` with each row of the boxes of an image and its part of `marks`, of which each is that of so many voxels;
/// returns the sum of the results.
fn mark_boxes<V: Values, M: Send>(
    values: &V,
    marks: ArrayViewMut3<'_, M>,
    voxels: usize,
    monitor: &Monitor,
    write: impl Fn(&[V::Value], &mut [M]) -> u64 + Sync,
) -> Result<u64> {
    let [depth, height, width] = values.sides();
    let boxes = cut(marks, [depth, height, width / voxels]);
    monitor.expect(boxes.len() as u64);
    let counts = boxes.into_par_iter().map_init(
        || values.scratch(),
        |scratch, (offset, mut marks)| {
            monitor.check()?;
            let scratch = scratch.as_mut().map_err(|error| error.clone())?;
            let offset = [offset[0], offset[1], offset[2] * voxels];
            let shape = [0, 1, 2].map(|axis| values.sides()[axis].min(values.shape()[axis] - offset[axis]));
            let mut count = 0;
            values.rows(scratch, &Box3 { offset, shape }, |[z, y], row| {
                let mut plane = marks.index_axis_mut(Axis(0), z);
                let mut line = plane.index_axis_mut(Axis(0), y);
                let Some(line) = line.as_slice_mut() else { unreachable!("rows are contiguous") };
                count += write(row, line);
            });
            monitor.advance(1);
            Ok(count)
        },
    );
    counts.try_reduce(|| 0, |one, other| Ok(one + other))
}
