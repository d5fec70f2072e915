//! The radius of voxels: the exact Euclidean distance to the nearest background voxel, computed for a list of voxels.
//!
//! The distance between two voxels is the root of the sum of squares of (steps × spacing), from the first axis to the last, where
//! each operation rounds. A radius is the smallest of these numbers over all background voxels. Rounding is monotonic: a voxel
//! that is not farther along any axis is not farther after rounding either. The search uses nothing else, so it is exact for
//! every spacing and for blocks of any shape ([`faces`]).
//!
//! The mask is packed, one bit per voxel ([`background`]). In a row along the last axis only the nearest background on either
//! side matters, which a window of 64 voxels usually shows. Rows are searched by increasing distance ([`rows`]), until the next
//! row is farther than the best voxel.
//!
//! Cost: packing reads the mask once. A voxel of radius r ≤ 25 voxels looks at about π r² rows. Where many voxels are deep inside,
//! whole rows are faster ([`dense`]), in a time that hardly depends on the radius; [`choice`] estimates both. Memory: one bit per
//! voxel, and some 32 MB for whole rows. `make bench-radii` compares it with a distance transform of the image.
//!
//! Source: `scipy.ndimage.distance_transform_edt` defines the numbers; it needs 20 bytes per voxel and more. If the squares of
//! the spacing are exact, results are equal to the last bit. Otherwise scipy compares rounded numbers other than those it
//! returns, and may return a distance that is larger by some units in the last surroundings.

pub mod background;
mod choice;
mod dense;
pub mod faces;
mod minima;
mod rows;
pub mod squares;
#[cfg(test)]
mod tests;

pub use background::Background;
pub use squares::Squares;

use choice::Way;
use rayon::prelude::*;
use rows::Scanlines;

use crate::image::indices::position;
use crate::support::allocate::{Grow, try_filled};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// What the lists of voxels deep inside an object are for, in messages.
const DEEP: &str = "voxels of thick objects";

/// Voxels per task.
const TASK: usize = 1 << 10;

/// The position of a block in its image, and the axes along which voxels outside the image count as background.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// The block's first voxel.
    pub offset: [usize; 3],
    /// The shape of the image.
    pub image: [usize; 3],
    /// For each axis, whether voxels outside the image along it are background; else there are none.
    pub border: [bool; 3],
}

impl Surroundings {
    /// The squared distance to the background outside the image; infinite if there is none.
    fn to_border(self, position: [usize; 3], squares: &Squares) -> f64 {
        let mut nearest = f64::INFINITY;
        for axis in (0..3).filter(|&axis| self.border[axis]) {
            let at = self.offset[axis] + position[axis];
            nearest = nearest.min(squares.along(axis, (at + 1).min(self.image[axis] - at)));
        }
        nearest
    }

    /// The squared distance to the nearest voxel of the image outside a block of `shape`; infinite if there is none.
    #[must_use]
    pub fn to_unknown(self, position: [usize; 3], shape: [usize; 3], squares: &Squares) -> f64 {
        let mut nearest = f64::INFINITY;
        for axis in 0..3 {
            if self.offset[axis] > 0 {
                nearest = nearest.min(squares.along(axis, position[axis] + 1));
            }
            if self.offset[axis] + shape[axis] < self.image[axis] {
                nearest = nearest.min(squares.along(axis, shape[axis] - position[axis]));
            }
        }
        nearest
    }
}

/// The squared distance of each voxel to the nearest background of the block, or outside the image where that is background.
/// Infinite if there is none; 0 for a background voxel. The linear indices of voxels in the block ascend.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`], or [`crate::support::errors::Error::Interrupted`] through `monitor`.
///
/// # Panics
/// If a voxel lies outside the block.
pub fn squared_radii(
    background: &Background,
    nodes: &[i64],
    surroundings: &Surroundings,
    squares: &Squares,
    monitor: &Monitor,
) -> Result<Vec<f64>> {
    squared_radii_by(Way::Faster, background, nodes, surroundings, squares, monitor)
}

/// The same in a given way.
fn squared_radii_by(
    way: Way,
    background: &Background,
    nodes: &[i64],
    surroundings: &Surroundings,
    squares: &Squares,
    monitor: &Monitor,
) -> Result<Vec<f64>> {
    let shape = background.shape();
    let mut radii = try_filled("the radii", nodes.len(), f64::INFINITY)?;
    if surroundings.border.contains(&true) {
        radii.par_iter_mut().zip(nodes).for_each(|(radius, &node)| {
            *radius = surroundings.to_border(position(node, shape), squares);
        });
    }
    monitor.expect(nodes.len() as u64);
    if background.is_empty() {
        return Ok(radii);
    }
    if way.is_whole_rows(background, nodes, &radii, squares) {
        dense::lower(background, nodes, &mut radii, squares, monitor)?;
        return Ok(radii);
    }
    let rows = Scanlines::new(background, squares);
    let tasks = radii.par_chunks_mut(TASK).zip(nodes.par_chunks(TASK)).enumerate();
    let deep = tasks.map(|(task, (radii, nodes))| {
        monitor.check()?;
        let mut deep = Deep::default();
        for (number, (radius, &node)) in radii.iter_mut().zip(nodes).enumerate() {
            let (square, is_radius) = rows.nearest(position(node, shape), *radius);
            *radius = square;
            if !is_radius {
                deep.numbers.try_push(DEEP, task * TASK + number)?;
                deep.nodes.try_push(DEEP, node)?;
                deep.radii.try_push(DEEP, square)?;
            }
        }
        monitor.advance((nodes.len() - deep.nodes.len()) as u64);
        Ok(deep)
    });
    let mut deep = deep.try_reduce(Deep::default, Deep::and)?;
    if way.is_whole_rows(background, &deep.nodes, &deep.radii, squares) {
        dense::lower(background, &deep.nodes, &mut deep.radii, squares, monitor)?;
    } else {
        deep.radii.par_iter_mut().zip(&deep.nodes).with_max_len(1).try_for_each(|(radius, &node)| {
            monitor.check()?;
            *radius = rows.nearest_beyond(position(node, shape), *radius);
            monitor.advance(1);
            Ok(())
        })?;
    }
    for (number, radius) in deep.numbers.into_iter().zip(deep.radii) {
        radii[number] = radius;
    }
    Ok(radii)
}

/// Voxels whose radius is beyond the rows of the first table.
#[derive(Default)]
struct Deep {
    /// Their numbers in the list of all voxels.
    numbers: Vec<usize>,
    nodes: Vec<i64>,
    /// The squared radii, or upper bounds of them.
    radii: Vec<f64>,
}

impl Deep {
    /// These and others that follow.
    fn and(mut self, later: Self) -> Result<Self> {
        if self.nodes.is_empty() {
            return Ok(later);
        }
        self.numbers.try_extend_from_slice(DEEP, &later.numbers)?;
        self.nodes.try_extend_from_slice(DEEP, &later.nodes)?;
        self.radii.try_extend_from_slice(DEEP, &later.radii)?;
        Ok(self)
    }
}
