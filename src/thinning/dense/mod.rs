//! Thinning of a whole image in memory: border steps that follow one another over the image, band by band.

pub mod alone;
pub mod bands;
pub mod collect;
pub mod recheck;
pub mod rounds;
pub mod schedule;
