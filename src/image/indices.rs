//! Linear indices of voxels, positions along the axes, and the checks of both.
//!
//! A linear index numbers the voxels of an image in C order: the last axis varies fastest.

use rayon::prelude::*;

use crate::support::allocate::try_zeros;
use crate::support::errors::{Error, Result};

/// Checks that linear indices of 63 bits tell the voxels of `shape` apart, and steps between neighbours, which may be longer than
/// all of it where axes have length one.
///
/// # Errors
/// [`Error::InvalidArgument`] if they do not.
pub fn check_shape(shape: &[usize]) -> Result<()> {
    let mut step = Some(1_usize);
    let mut longest = Some(0_usize);
    for &length in shape.iter().rev() {
        longest = longest.and_then(|longest| longest.checked_add(step?));
        step = step.and_then(|step| step.checked_mul(length.max(1)));
    }
    if [step, longest].iter().all(|most| most.is_some_and(|most| most < 1 << 63)) {
        return Ok(());
    }
    let reason = format!("expected fewer voxels and shorter steps than 63 bits can number, got {shape:?}");
    Err(Error::InvalidArgument { name: "shape", reason })
}

/// Checks that `voxels` could be what [`crate::image::foreground::foreground`] found in an image, or in a block, of `shape`.
///
/// # Errors
/// [`Error::InvalidArgument`] if they do not ascend, or lie outside; that of [`check_shape`].
pub fn check_voxels(voxels: &[i64], shape: &[usize]) -> Result<()> {
    check_shape(shape)?;
    let size = shape.iter().product::<usize>() as i64;
    let inside = voxels.first().is_none_or(|&first| first >= 0) && voxels.last().is_none_or(|&last| last < size);
    if inside && voxels.is_sorted_by(|one, other| one < other) {
        return Ok(());
    }
    let reason = format!("expected ascending linear indices in shape {shape:?}");
    Err(Error::InvalidArgument { name: "nodes", reason })
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

/// The linear indices `first + Σ position · stride` of all positions in a box, in C order, each from the one before.
#[derive(Debug, Clone)]
pub struct Starts {
    /// Lengths and steps of the axes, and the position along them.
    axes: Vec<(usize, usize, usize)>,
    next: usize,
    left: usize,
}

impl Starts {
    /// A box of these lengths whose first position is at `first`.
    #[must_use]
    pub fn new(first: usize, lengths_and_strides: impl Iterator<Item = (usize, usize)>) -> Self {
        let axes: Vec<_> = lengths_and_strides.map(|(length, stride)| (length, stride, 0)).collect();
        let left = axes.iter().map(|(length, ..)| length).product();
        Self { axes, next: first, left }
    }
}

impl Iterator for Starts {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let start = self.next;
        for (length, stride, position) in self.axes.iter_mut().rev() {
            self.next += *stride;
            *position += 1;
            if *position < *length {
                break;
            }
            self.next -= *length * *stride;
            *position = 0;
        }
        Some(start)
    }
}

/// The position of a linear index in a block of `shape`.
#[inline]
#[must_use]
pub fn position(node: i64, shape: [usize; 3]) -> [usize; 3] {
    let node = node as usize;
    let row = node / shape[2];
    [row / shape[1], row % shape[1], node % shape[2]]
}

/// The coordinates of linear indices in an image of `shape`, axis by axis.
///
/// # Errors
/// [`Error::OutOfMemory`]; [`Error::InvalidArgument`] if there are indices but no such voxels, or too many to be numbered.
pub fn coordinates(nodes: &[i64], shape: &[usize]) -> Result<Vec<i64>> {
    let voxels = shape.iter().try_fold(1_usize, |voxels, &length| voxels.checked_mul(length));
    if !nodes.is_empty() && (shape.is_empty() || voxels.is_none_or(|voxels| voxels == 0)) {
        let reason = format!("expected between 1 and 2**64 - 1 voxels, got {shape:?}");
        return Err(Error::InvalidArgument { name: "shape", reason });
    }
    let mut coordinates = try_zeros("the coordinates", nodes.len() * shape.len())?;
    if nodes.is_empty() {
        return Ok(coordinates);
    }
    let strides = strides(shape);
    coordinates.par_chunks_mut(nodes.len()).zip(shape).zip(strides).for_each(|((axis, &length), stride)| {
        for (coordinate, &node) in axis.iter_mut().zip(nodes) {
            *coordinate = (node as usize / stride % length) as i64;
        }
    });
    Ok(coordinates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_undo_linear_indices() {
        assert_eq!(coordinates(&[0, 5, 23], &[2, 3, 4]).unwrap(), [0, 0, 1, 0, 1, 2, 0, 1, 3]);
    }
}
