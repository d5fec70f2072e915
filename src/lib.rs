//! Kernels for skeletons of binary images and their branch tables.
//!
//! The words of the field, used alike in every module: a **voxel** is one element of an image; it is **foreground** if it is
//! nonzero; its **26-neighbourhood** is the 3×3×3 voxels around it without itself; a **simple point** can be removed without
//! changing the topology; an **endpoint** has one neighbour, a **junction** three or more; a **branch** (or **path**) leads from
//! one endpoint or junction to the next; a **chunk** (or **block**) is a box of a larger image, at its **offset**. Axes are
//! ordered (z, y, x), and the last varies fastest.
//!
//! From an image to its skeleton: [`elements`] are read, [`bit_image`] packs them into words of a [`word_shape`],
//! [`neighbourhood`] states what a voxel's neighbours allow, and [`thinning`] deletes, in memory or in chunks. From a skeleton to
//! its table: [`foreground`] lists its voxels, [`adjacency`] and [`graph`] join neighbours to a graph of compressed rows ([`csr`]),
//! [`junctions`] prunes clusters of junctions, [`branches`] traces the paths, [`summary`] and [`ends`] compute their numbers;
//! [`chunk_graph`] does all of it from blocks. [`shortest_paths`] finds main branches and centres. From a mask and its skeleton to
//! thickness: [`radius`], and what follows for branches: [`measures`], [`pruning`]; [`topology`] counts tunnels. [`support`] serves all.
//!
//! Nothing outside `python` knows of Python.

pub mod branches;
pub mod chunk_graph;
pub mod graph;
pub mod image;
pub mod pruning;
pub mod radius;
pub mod support;
pub mod thinning;

#[cfg(feature = "python")]
mod python;
