//! What every room needs and what is not about images: errors, fallible allocation, threads, vectors of the processor, and
//! hints about memory.

pub mod allocate;
pub mod errors;
pub mod freed;
pub mod huge_pages;
pub mod prefetch;
#[cfg(test)]
pub mod random;
pub mod simd;
pub mod threads;
