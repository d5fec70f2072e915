//! The extension module `skanrs._core`: arrays in, arrays out, errors mapped in one place.

#![allow(clippy::needless_pass_by_value, reason = "pyo3 hands arguments over by value")]

mod branches;
mod centreline;
mod chunk_graph;
mod csv;
mod graph;
mod gray;
mod labels;
mod network;
mod pruning;
mod radius;
mod support;
mod thinning;

use pyo3::prelude::*;

/// The compiled kernels of skanrs.
///
/// A free-threaded interpreter, for which they can be built, is told to take its lock: no such build is tested.
#[pymodule(gil_used = true)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Levels are read again for each record, so that a level set later in the session takes effect.
    let _ = pyo3_log::Logger::new(module.py(), pyo3_log::Caching::Loggers)?.install();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("debug_assertions", cfg!(debug_assertions))?;
    branches::register(module)?;
    centreline::register(module)?;
    chunk_graph::register(module)?;
    csv::register(module)?;
    graph::register(module)?;
    gray::register(module)?;
    labels::register(module)?;
    network::register(module)?;
    pruning::register(module)?;
    radius::register(module)?;
    support::threads::register(module)?;
    thinning::register(module)
}
