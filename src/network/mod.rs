//! The network that branches make: its nodes, trees in it, and the parts of the mask that belong to its branches.

pub mod nodes;
pub mod root;
pub mod territories;
