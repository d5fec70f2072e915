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
mod graph;
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
pub use graph::ChunkGraph;
pub use intervals::Shifts;
pub use shed::Shed;
pub use table::Table;
