//! Pixel graphs: which foreground voxels touch which, and what follows from that alone.

pub mod adjacency;
pub mod csr;
pub mod heights;
pub mod junctions;
pub mod pixel_graph;
pub mod topology;
pub(crate) mod window;

#[cfg(test)]
mod tests;
