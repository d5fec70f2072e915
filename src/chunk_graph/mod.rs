//! Graphs of regions of an image, which are small and can be merged to the branch table of the whole image, to the last bit.
//!
//! A chunk graph is computed from a block without overlap. What voxels outside cannot change is final: finished branches become
//! rows of the table ([`rows`]), voxels inside a branch one direction each, isolated voxels an index. The rest is kept as a
//! graph: voxels at the faces, edges of junction clusters that may still be dropped, and paths that end at such voxels
//! ([`live`]). A merge joins any number of graphs at any positions and settles what has become final ([`mod@settle`]). The
//! table of the union depends neither on the blocks nor on the order of merges.
//!
//! Voxels are identified by their linear index in the whole image. The intervals of covered indices, with their numbers of
//! foreground voxels, give each voxel its rank, which is its number in the table ([`intervals`]).
//!
//! Invariants: every live voxel has a missing neighbour or a waiting edge; every chain has an open end; ranks are those among
//! the covered foreground; rows are in the order of the table.
//!
//! Cost: for a block that of its pixel graph; a merge is linear in its arguments. Memory: some tens of bytes per finished branch
//! and live voxel, a byte per step of an open path, one or two bytes per row of voxels at the boundary.
//!
//! Source: the semantics are skan's. The forest of a union is contained in the union of its parts' forests by the cycle
//! property of minimum spanning trees; [`forest`] proves which of its edges are final.

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
mod split;
mod table;
#[cfg(test)]
mod tests;

pub use from_block::Block;
pub use geometry::{Geometry, Values};
pub use graph::ChunkGraph;
pub use intervals::Shifts;
pub use split::Finished;
pub use table::Table;
