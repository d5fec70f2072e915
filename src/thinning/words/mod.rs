//! The predicates of thinning on words of 64 voxels, eight words at a time, for whole images and for chunks.

pub(crate) mod batch;
pub(crate) mod queue;
pub(crate) mod raster_order;
pub mod simple_points;
pub(crate) mod zhang;
