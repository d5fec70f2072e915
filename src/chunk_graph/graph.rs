//! [`ChunkGraph`], the graph of a region of an image, and its properties.

use super::geometry::Geometry;
use super::intervals::{Intervals, missing_box};
use super::live::Edge;
use super::settle::Parts;
use crate::support::errors::Result;

/// The graph of a region of an image.
#[derive(Debug)]
pub struct ChunkGraph {
    pub(super) geometry: Geometry,
    /// The corners of the bounding box.
    pub(super) start: Vec<usize>,
    pub(super) end: Vec<usize>,
    pub(super) covered: Intervals,
    pub(super) parts: Parts,
}

impl ChunkGraph {
    /// The shape, spacing and values of the whole image.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The first voxel of the bounding box.
    #[must_use]
    pub fn offset(&self) -> &[usize] {
        &self.start
    }

    /// The shape of the bounding box.
    #[must_use]
    pub fn extent(&self) -> Vec<usize> {
        self.start.iter().zip(&self.end).map(|(start, end)| end - start).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start.iter().zip(&self.end).any(|(start, end)| start == end)
    }

    /// The bounding box, for messages.
    pub(super) fn describe(&self) -> String {
        format!("at offset {:?} of shape {:?}", self.start, self.extent())
    }

    /// The number of finished branches.
    #[must_use]
    pub fn finished(&self) -> usize {
        self.parts.rows.len()
    }

    /// The number of open paths.
    #[must_use]
    pub fn open(&self) -> usize {
        self.parts.chains.len()
    }

    /// The number of foreground voxels.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::InvalidArgument`] if the intervals are damaged.
    pub fn foreground(&self) -> Result<u64> {
        Ok(self.covered.unpack(self.geometry.voxels())?.iter().map(|interval| interval.count).sum())
    }

    /// Whether the region is the whole image.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::InvalidArgument`] if the intervals are damaged.
    pub fn is_complete(&self) -> Result<bool> {
        let intervals = self.covered.unpack(self.geometry.voxels())?;
        Ok(intervals.iter().map(|interval| interval.end - interval.start).sum::<u64>() == self.geometry.voxels())
    }

    /// A box of the image that is not covered, as offset and shape, if there is one.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::InvalidArgument`] if the intervals are damaged.
    pub fn missing_box(&self) -> Result<Option<[Vec<usize>; 2]>> {
        let intervals = self.covered.unpack(self.geometry.voxels())?;
        Ok(missing_box(&intervals, self.geometry.shape(), self.geometry.strides()))
    }

    /// Memory in bytes.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        let Parts { live, waiting, chains, rows, isolated } = &self.parts;
        let small = size_of::<Self>() + 64 * self.geometry.directions();
        let edges = waiting.len() * size_of::<Edge>() + isolated.len() * 8;
        small + self.covered.packed.len() + live.nbytes() + edges + chains.nbytes() + rows.nbytes()
    }
}
