//! Branches of a pixel graph: their paths, their ends, their numbers, and the longest of shortest paths along them.

pub mod ends;
pub mod lengths;
pub mod shortest_paths;
pub mod trace;
