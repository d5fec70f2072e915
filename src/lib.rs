//! Kernels for skeletons of binary images and their branch tables.
//!
//! # Map
//!
//! Each folder is a room; a room uses those above it in this list and none below (`tests/layers.rs` checks it).
//!
//! | room | what it computes |
//! |---|---|
//! | [`support`] | errors, fallible allocation, threads, vectors of the processor, prefetching, large pages |
//! | [`image`] | elements in shared memory, images of one bit a voxel, neighbourhoods, foreground, linear indices |
//! | [`gray`] | smoothing, histograms and thresholds of gray images |
//! | [`thinning`] | the skeleton, of a whole image in memory or of chunks that are merged |
//! | [`graph`] | the pixel graph in compressed rows, clusters of junctions, topology |
//! | [`radius`] | distances from the skeleton to the background |
//! | [`branches`] | paths, their ends and lengths; longest shortest paths |
//! | [`centreline`] | smooth paths, their lengths, sections and radii |
//! | [`cells`] | the part of the mask that belongs to each voxel of a skeleton, volumes and surfaces |
//! | [`pruning`] | removal of short end branches, thinning of a list of voxels |
//! | [`chunk_graph`] | graph and table from blocks of an image, merged in any order |
//! | [`csv`] | rows of tables as text |
//! | [`network`] | nodes, rooted trees and territories of the network that branches make |
//! | [`labels`] | the skeletons of a label image, each measured in its own label |
//! | `python` | the extension module; nothing outside it knows of Python |
//!
//! # Terms
//!
//! Axes are ordered (z, y, x); the last varies fastest.
//!
//! - A **voxel** is one element of an image. It is **foreground** if it is nonzero, else **background**.
//! - The **26-neighbourhood** of a voxel is the 3×3×3 voxels around it without itself. A **simple point** can be removed without
//!   changing the topology.
//! - A voxel has a **position** along the axes and a **linear index**, its number in C order. The **stride** of an axis is the
//!   difference of linear indices from one voxel to the next along it; its **spacing** is their physical distance.
//! - A **word** is 64 bits, one for each voxel of a cube of 4×4×4 or, in 2D, of a square of 8×8 ([`image::word_shape`]).
//! - A **border step** of thinning deletes on one side of the object; a **round** is one border step of each kind.
//! - A **band** is a few consecutive planes of words that one thread works on ([`thinning`]).
//! - A **chunk**, or **block**, is a box of a larger image; its **offset** is the position of its first voxel. A **region** is
//!   a union of chunks that were merged.
//! - A **node** is a foreground voxel in a graph, an **entry** one direction of an edge, a **row** the entries of one node.
//! - An **endpoint** has one neighbour, a **junction** three or more. A **branch**, or **path**, leads from one endpoint or
//!   junction to the next.
//! - A **network** is a connected component of branches. Its **nodes** are its junctions, each a cluster of junction voxels that
//!   touch, and its **tips**, the endpoints ([`network::nodes`]).
//! - A **centreline** is the smooth curve of a branch. A **section** is the cut of the mask perpendicular to it, measured by
//!   **rays** ([`centreline`]).
//! - A **cell** is the part of the mask that belongs to one voxel of the skeleton ([`cells`]), a **territory** the part nearest to
//!   one branch ([`network::territories`]).
//! - A **label** is the value of a voxel of a label image; the voxels of one label are an **object** ([`image::label_words`]).
//! - A mask is **cleaned**, in Python, before it is thinned: gaps are closed, cavities filled, small objects removed.
//! - A **column** of a table has a value for each branch; [`csv`] formats **rows**, pieces of them in parallel.

#[cfg(not(all(target_pointer_width = "64", target_endian = "little")))]
compile_error!("skanrs is made for 64-bit little-endian processors");

pub mod branches;
pub mod cells;
pub mod centreline;
pub mod chunk_graph;
pub mod csv;
pub mod graph;
pub mod gray;
pub mod image;
pub mod labels;
pub mod network;
pub mod pruning;
pub mod radius;
pub mod support;
pub mod thinning;

#[cfg(feature = "python")]
mod python;
