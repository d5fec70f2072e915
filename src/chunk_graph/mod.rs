//! The graph of a part of an image, small and mergeable: from plain blocks to the branch table of the whole, to the last bit.
//!
//! A chunk graph is made of a block without any overlap. What the outside cannot change leaves at once: finished branches are
//! rows of the table ([`rows`]), voxels inside a branch are one direction code, isolated voxels an index. What it can change
//! stays: voxels at the faces, edges of junction clusters that may still be dropped, and paths that end at such voxels
//! ([`live`]). Merging joins graphs of any number and position and settles what can be settled ([`mod@settle`]); the table of
//! the union depends neither on the blocks nor on the order of merging.
//!
//! Ids are linear indices of the whole image; the intervals of them that are covered, with their counts of foreground, give
//! each its rank, which is its number in the table ([`intervals`]).
//!
//! Invariants: every live voxel misses a neighbour or has an edge that waits; every chain has an open end; ranks are those
//! among the covered foreground; rows are in the order of the table.
//!
//! Cost: a block, that of its pixel graph; a merge, linear in what is merged. At rest some tens of bytes for each finished
//! branch and live voxel, a byte for each step of an open path, a byte or two for each row of voxels at the boundary.
//!
//! Source: the semantics are skan's. That a minimum spanning forest of a union is contained in the union of its parts' forests
//! is the cycle property; which part of a forest is final is argued in [`forest`].

mod bytes;
mod encode;
mod forest;
mod from_block;
mod geometry;
mod intervals;
mod join;
mod live;
mod merge;
mod rows;
mod rules;
mod settle;
mod shed;
mod table;
#[cfg(test)]
mod tests;

pub use from_block::Block;
pub use geometry::{Geometry, Values};
use intervals::Intervals;
pub use intervals::Shifts;
use settle::Parts;
pub use shed::Shed;
pub use table::Table;

use crate::support::errors::Result;

/// What is known of a part of an image.
#[derive(Debug)]
pub struct ChunkGraph {
    geometry: Geometry,
    /// The corners of the box around the part.
    start: Vec<usize>,
    end: Vec<usize>,
    covered: Intervals,
    parts: Parts,
}

impl ChunkGraph {
    /// The image that this is a part of.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The first voxel of the box around the part.
    #[must_use]
    pub fn offset(&self) -> &[usize] {
        &self.start
    }

    /// The shape of that box.
    #[must_use]
    pub fn extent(&self) -> Vec<usize> {
        self.start.iter().zip(&self.end).map(|(start, end)| end - start).collect()
    }

    fn is_empty(&self) -> bool {
        self.start.iter().zip(&self.end).any(|(start, end)| start == end)
    }

    /// The box in words.
    fn place(&self) -> String {
        format!("at offset {:?} of shape {:?}", self.start, self.extent())
    }

    /// How many branches are finished.
    #[must_use]
    pub fn finished(&self) -> usize {
        self.parts.rows.len()
    }

    /// How many paths are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.parts.chains.len()
    }

    /// How many foreground voxels the part has.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::InvalidArgument`] if the intervals are damaged.
    pub fn foreground(&self) -> Result<u64> {
        Ok(self.covered.unpack(self.geometry.voxels())?.iter().map(|interval| interval.count).sum())
    }

    /// Whether the part is the whole image.
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
        Ok(intervals::missing_box(&intervals, self.geometry.shape(), self.geometry.strides()))
    }

    /// The memory that it takes, in bytes.
    #[must_use]
    pub fn nbytes(&self) -> usize {
        let Parts { live, waiting, chains, rows, isolated } = &self.parts;
        let small = size_of::<Self>() + 64 * self.geometry.directions();
        let edges = waiting.len() * size_of::<live::Edge>() + isolated.len() * 8;
        small + self.covered.packed.len() + live.nbytes() + edges + chains.nbytes() + rows.nbytes()
    }
}
