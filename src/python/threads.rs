//! The number of threads, as Python sets and reads it.

use std::num::NonZeroUsize;

use pyo3::prelude::*;

use crate::threads;

#[pyfunction]
fn set_num_threads(count: Option<NonZeroUsize>) {
    threads::set_default_threads(count);
}

#[pyfunction]
fn get_num_threads() -> usize {
    threads::default_threads()
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(get_num_threads, module)?)
}
