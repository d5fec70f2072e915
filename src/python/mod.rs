//! The extension module `skanrs._core`: arrays in, arrays out, errors mapped in one place.

#![allow(clippy::needless_pass_by_value, reason = "pyo3 hands arguments over by value")]

mod chunk_graph;
mod elements;
mod ends;
mod errors;
mod graph;
mod measures;
mod pruning;
mod radius;
mod shortest_paths;
mod thinning;
mod threads;
mod topology;

use pyo3::prelude::*;

/// The compiled kernels of skanrs.
///
/// A free-threaded interpreter, for which they can be built, is told to take its lock: no such build is tested.
#[pymodule(gil_used = true)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Levels are asked for anew at each record, so that a level set later in the session takes effect.
    let _ = pyo3_log::Logger::new(module.py(), pyo3_log::Caching::Loggers)?.install();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("debug_assertions", cfg!(debug_assertions))?;
    chunk_graph::register(module)?;
    ends::register(module)?;
    graph::register(module)?;
    measures::register(module)?;
    pruning::register(module)?;
    radius::register(module)?;
    shortest_paths::register(module)?;
    thinning::register(module)?;
    threads::register(module)?;
    topology::register(module)
}
