//! The nonzero voxels of an image or of a block of it, as ascending linear indices of the whole image.
//!
//! Cost: one pass at the speed of memory, since 64 voxels of background are passed over by one test; 8 bytes of output for
//! each voxel found, twice while the threads' lists are joined. Nothing is copied whatever the order of the axes: an image
//! whose last axis is not the densest in memory is read in its own order, and the indices are sorted afterwards.

use ndarray::{ArrayViewD, Axis, Dimension};
use rayon::prelude::*;

use crate::bit_image::{Element, WORD, set_bits};
use crate::errors::{Result, try_with_capacity};
use crate::threads::Cancel;

/// Voxels that a task reads before it looks whether to stop.
const TASK: usize = 1 << 20;

/// The linear indices, in an image of `shape`, of the voxels of `block` with any bit of `mask`, ascending.
///
/// `offset` is where the block's first voxel lies in the image.
///
/// # Errors
/// [`crate::errors::Error::OutOfMemory`], or [`crate::errors::Error::Interrupted`] through `cancel`.
///
/// # Panics
/// If the block does not lie in the image.
pub fn foreground<T: Element>(
    block: &ArrayViewD<'_, T>,
    mask: T,
    offset: &[usize],
    shape: &[usize],
    cancel: &Cancel,
) -> Result<Vec<i64>> {
    assert!(block.ndim() == shape.len() && offset.len() == shape.len(), "block, offset and image have the same axes");
    let inside = block.shape().iter().zip(offset).zip(shape).all(|((&length, &at), &whole)| at + length <= whole);
    assert!(inside, "the block lies in the image");
    if block.is_empty() {
        return Ok(Vec::new());
    }
    match block.to_slice() {
        Some(voxels) => join(scan_contiguous(voxels, mask, &Runs::new(block.shape(), offset, shape), cancel)?),
        None => scan_strided(block, mask, offset, shape, cancel),
    }
}

/// The steps of the linear index along each axis of an image of `shape`.
#[must_use]
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The stretches of a block in C order whose linear indices in the image follow each other.
struct Runs {
    length: usize,
    first: usize,
    /// Lengths and steps of the axes that lead from run to run.
    leading: Vec<(usize, usize)>,
}

impl Runs {
    fn new(block: &[usize], offset: &[usize], shape: &[usize]) -> Self {
        let strides = strides(shape);
        let whole_from = (0..shape.len()).rev().find(|&axis| block[axis] != shape[axis]).unwrap_or(0);
        Self {
            length: block[whole_from..].iter().product(),
            first: offset.iter().zip(&strides).map(|(at, stride)| at * stride).sum(),
            leading: block[..whole_from].iter().copied().zip(strides).collect(),
        }
    }

    fn start(&self, mut run: usize) -> usize {
        let mut start = self.first;
        for &(length, stride) in self.leading.iter().rev() {
            start += run % length * stride;
            run /= length;
        }
        start
    }
}

fn scan_contiguous<T: Element>(voxels: &[T], mask: T, runs: &Runs, cancel: &Cancel) -> Result<Vec<Vec<i64>>> {
    (0..voxels.len().div_ceil(TASK))
        .into_par_iter()
        .map(|task| {
            cancel.check()?;
            let mut found = Vec::new();
            let mut at = task * TASK;
            let end = (at + TASK).min(voxels.len());
            while at < end {
                let (run, within) = (at / runs.length, at % runs.length);
                let length = (runs.length - within).min(end - at);
                scan_row(&voxels[at..at + length], mask, runs.start(run) + within, 1, &mut found);
                at += length;
            }
            Ok(found)
        })
        .collect()
}

/// Reads the axes in the order of memory, whichever that is.
fn scan_strided<T: Element>(
    block: &ArrayViewD<'_, T>,
    mask: T,
    offset: &[usize],
    shape: &[usize],
    cancel: &Cancel,
) -> Result<Vec<i64>> {
    let mut axes: Vec<usize> = (0..block.ndim()).collect();
    axes.sort_by_key(|&axis| std::cmp::Reverse(block.strides()[axis].unsigned_abs()));
    let steps = strides(shape);
    let first: usize = offset.iter().zip(&steps).map(|(at, step)| at * step).sum();
    let (&dense, sparse) = axes.split_last().expect("a block has axes");
    let permuted = block.view().permuted_axes(axes.as_slice());
    let lists = permuted
        .axis_iter(Axis(0))
        .into_par_iter()
        .enumerate()
        .map(|(at, plane)| {
            cancel.check()?;
            let mut found = Vec::new();
            let first = first + at * steps[axes[0]];
            if sparse.is_empty() {
                if plane.first().is_some_and(|value| value.is_foreground(mask)) {
                    found.push(first as i64);
                }
                return Ok(found);
            }
            let lanes = Axis(plane.ndim() - 1);
            let rows = ndarray::indices(&plane.shape()[..plane.ndim() - 1]);
            for (row, lane) in rows.into_iter().zip(plane.lanes(lanes)) {
                let start =
                    row.slice().iter().zip(&sparse[1..]).map(|(at, &axis)| at * steps[axis]).sum::<usize>() + first;
                if let Some(voxels) = lane.to_slice() {
                    scan_row(voxels, mask, start, steps[dense], &mut found);
                } else {
                    let hits = lane.iter().enumerate().filter(|(_, value)| value.is_foreground(mask));
                    found.extend(hits.map(|(x, _)| (start + x * steps[dense]) as i64));
                }
            }
            Ok(found)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut found = join(lists)?;
    if !axes.is_sorted() {
        found.par_sort_unstable();
    }
    Ok(found)
}

/// Adds the foreground of `voxels`, whose linear indices begin at `start` and are `step` apart.
fn scan_row<T: Element>(voxels: &[T], mask: T, start: usize, step: usize, found: &mut Vec<i64>) {
    let (chunks, rest) = voxels.as_chunks::<WORD>();
    for (at, chunk) in chunks.iter().enumerate() {
        if chunk.iter().fold(false, |any, value| any | value.is_foreground(mask)) {
            let mut word = [0];
            T::pack_row(chunk, mask, &mut word);
            found.extend(set_bits(word[0]).map(|bit| (start + (at * WORD + bit) * step) as i64));
        }
    }
    let hits = rest.iter().enumerate().filter(|(_, value)| value.is_foreground(mask));
    found.extend(hits.map(|(x, _)| (start + (chunks.len() * WORD + x) * step) as i64));
}

fn join(lists: Vec<Vec<i64>>) -> Result<Vec<i64>> {
    if lists.len() == 1 {
        return Ok(lists.into_iter().flatten().collect());
    }
    let mut joined = try_with_capacity("the foreground", lists.iter().map(Vec::len).sum())?;
    for list in lists {
        joined.extend_from_slice(&list);
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn, Slice};

    use super::*;

    fn image(shape: &[usize]) -> ArrayD<u16> {
        let mut state = 7_u32;
        ArrayD::from_shape_simple_fn(shape, || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 28 == 0 { (state >> 8) as u16 & 0x8001 } else { 0 }
        })
    }

    fn naive(image: &ArrayD<u16>, mask: u16) -> Vec<i64> {
        image.iter().enumerate().filter(|(_, value)| *value & mask != 0).map(|(at, _)| at as i64).collect()
    }

    #[test]
    fn finds_what_a_plain_loop_finds_in_any_order_of_axes() {
        for shape in [&[300][..], &[3, 200], &[5, 7, 130], &[1, 1, 65], &[2, 3, 4, 5], &[0, 3], &[70, 1, 1]] {
            let image = image(shape);
            let all = vec![0; shape.len()];
            for mask in [u16::MAX, 0x7fff] {
                let found = foreground(&image.view(), mask, &all, shape, &Cancel::new()).unwrap();
                assert_eq!(found, naive(&image, mask));
                let turned: Vec<usize> = shape.iter().rev().copied().collect();
                let transposed = image.view().reversed_axes();
                let standard = ArrayD::from_shape_vec(turned.as_slice(), transposed.iter().copied().collect()).unwrap();
                let found = foreground(&transposed, mask, &all, &turned, &Cancel::new()).unwrap();
                assert_eq!(found, naive(&standard, mask));
            }
        }
    }

    #[test]
    fn numbers_a_block_by_its_place_in_the_image() {
        let shape = [6, 9, 70];
        let image = image(&shape);
        for (offset, block) in [([1, 2, 3], [4, 5, 66]), ([0, 3, 0], [6, 6, 70]), ([2, 0, 0], [3, 9, 70])] {
            let mut only = ArrayD::zeros(IxDyn(&shape));
            let slices = |axis: ndarray::AxisDescription| {
                Slice::from(offset[axis.axis.0]..offset[axis.axis.0] + block[axis.axis.0])
            };
            only.slice_each_axis_mut(slices).assign(&image.slice_each_axis(slices));
            let view = image.slice_each_axis(slices);
            assert_eq!(foreground(&view, u16::MAX, &offset, &shape, &Cancel::new()).unwrap(), naive(&only, u16::MAX));
            let copy = view.to_owned();
            let found = foreground(&copy.view(), u16::MAX, &offset, &shape, &Cancel::new()).unwrap();
            assert_eq!(found, naive(&only, u16::MAX));
        }
    }
}
