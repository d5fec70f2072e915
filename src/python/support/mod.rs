//! What every function of the module needs: views of arrays, exceptions, and calls that can be interrupted.

pub mod arrays;
pub mod elements;
mod errors;
pub mod threads;
