//! The numbers of branches.

mod ends;
mod shortest_paths;

use pyo3::prelude::*;

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    ends::register(module)?;
    shortest_paths::register(module)
}
