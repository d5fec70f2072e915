//! A skeleton in its mask, as the kernels of measures take it.

use super::smooth::{Ends, Point};
use super::vectors::norm;
use crate::graph::csr::{Index, check_indptr, check_nodes};
use crate::image::indices::{check_voxels, position};
use crate::image::mask_rows::MaskRows;
use crate::support::allocate::try_filled;
use crate::support::errors::{Error, Result};

/// What the buffers are for.
pub(super) const CENTRELINES: &str = "centrelines";

/// A skeleton in its mask: its voxels with the distance to the background, and the paths through them.
#[derive(Debug, Clone, Copy)]
pub struct Skeleton<'a, I> {
    /// The mask.
    pub mask: &'a MaskRows,
    /// The distance between voxels along each axis.
    pub spacing: Point,
    /// The axes of the image: those of two stand for the last of three, the first having one plane.
    pub axes: usize,
    /// Where the first voxel of the mask lies in the image.
    pub origin: [i64; 3],
    /// Linear indices of the voxels in the mask, ascending.
    pub nodes: &'a [i64],
    /// Their distances to the background.
    pub radii: &'a [f64],
    /// Where the voxels of each path begin, and the end of the last.
    pub starts: &'a [I],
    /// Numbers of voxels, path by path.
    pub paths: &'a [I],
}

/// Checks the distances between voxels of an image of so many axes.
///
/// # Errors
/// [`Error::InvalidArgument`].
pub fn check_spacing(spacing: Point, axes: usize) -> Result<()> {
    if !(2..=3).contains(&axes) || spacing.iter().any(|step| !(*step > 0.0 && step.is_finite())) {
        let reason = "expected finite numbers above 0 along two or three axes".to_owned();
        return Err(Error::InvalidArgument { name: "spacing", reason });
    }
    Ok(())
}

impl<I: Index> Skeleton<'_, I> {
    /// Checks that the arrays fit each other.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn check(&self) -> Result<()> {
        check_indptr("paths", self.starts, self.paths.len())?;
        check_nodes("paths", self.paths, self.nodes.len())?;
        check_voxels(self.nodes, &self.mask.shape())?;
        if self.radii.len() != self.nodes.len() {
            let reason = "expected one for each voxel of the skeleton".to_owned();
            return Err(Error::InvalidArgument { name: "radii", reason });
        }
        check_spacing(self.spacing, self.axes)
    }

    /// The voxel of a node in the mask.
    #[must_use]
    pub fn voxel(&self, node: usize) -> [i64; 3] {
        position(self.nodes[node], self.mask.shape()).map(|at| at as i64)
    }

    /// The voxel of a node in the image.
    #[must_use]
    pub fn voxel_of_image(&self, node: usize) -> [i64; 3] {
        let voxel = self.voxel(node);
        [0, 1, 2].map(|axis| voxel[axis] + self.origin[axis])
    }

    /// The voxels of a path.
    #[must_use]
    pub fn path(&self, path: usize) -> &[I] {
        &self.paths[self.starts[path].get()..self.starts[path + 1].get()]
    }

    /// How many paths there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many ends of paths lie at each voxel.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn path_ends(&self) -> Result<Vec<u32>> {
        let mut ends = try_filled(CENTRELINES, self.nodes.len(), 0)?;
        for path in 0..self.count() {
            if let [first, .., last] = self.path(path) {
                ends[first.get()] += 1;
                ends[last.get()] += 1;
            }
        }
        Ok(ends)
    }

    /// How a path ends: an end is held where another path ends too, as at a junction.
    #[must_use]
    pub fn ends(&self, path: usize, path_ends: &[u32]) -> Ends {
        let [first, .., last] = self.path(path) else { return Ends { is_closed: false, held: [false; 2] } };
        let is_closed = first == last && path_ends[first.get()] == 2;
        Ends { is_closed, held: [first, last].map(|end| !is_closed && path_ends[end.get()] > 1) }
    }

    /// The length of the diagonal of a voxel.
    pub(super) fn diagonal(&self) -> f64 {
        norm([0, 1, 2].map(|axis| if self.has(axis) { self.spacing[axis] } else { 0.0 }))
    }

    fn has(&self, axis: usize) -> bool {
        axis + self.axes >= 3
    }

    /// The spacing along the axes of the image.
    #[must_use]
    pub fn steps(&self) -> &[f64] {
        &self.spacing[3 - self.axes..]
    }

    pub(super) fn longest_step(&self) -> f64 {
        self.steps().iter().fold(0.0, |longest, &step| longest.max(step))
    }
}
