//! Gray images before they become binary: smoothing, the range of the values, their histogram, and the comparison with a threshold.
//!
//! Each is one pass on all threads, of the image or of what it is when smoothed ([`values::Values`]): boxes of it are worked on in
//! the cache, so that no smoothed copy of the image need exist, and no mask of bytes.

#![allow(clippy::extra_unused_type_parameters, reason = "the dispatch names the vectors that the compiler makes")]

mod correlate;
pub mod gaussian;
pub mod histogram;
pub mod range;
pub mod sample;
pub mod threshold;
pub mod values;
