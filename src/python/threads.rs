//! The number of threads, as Python sets and reads it.

use std::num::NonZeroUsize;

use pyo3::prelude::*;

use crate::errors::Result;
use crate::threads::{self, Cancel};

/// Runs `kernel` without the GIL on as many threads as set, or one if its work is not worth more; Ctrl-C stops it.
///
/// A signal handler that raises something else than `KeyboardInterrupt` has its exception passed on.
pub(super) fn run<T: Send>(
    py: Python<'_>,
    worth_threads: bool,
    kernel: impl FnOnce(&Cancel) -> Result<T> + Send,
) -> PyResult<T> {
    let count = if worth_threads { threads_of_call(py) } else { 1 };
    py.detach(|| threads::run(count, check_signals, kernel))
}

/// How many threads a call uses: what was set, else one in a worker of dask, which runs as many calls as it has threads, else
/// what the machine offers.
fn threads_of_call(py: Python<'_>) -> usize {
    if !threads::is_set() && is_in_worker(py) { 1 } else { threads::default_threads() }
}

/// Whether a task of `dask.distributed` calls, which is not imported for the question.
fn is_in_worker(py: Python<'_>) -> bool {
    let modules = py.import(c"sys").and_then(|sys| sys.getattr(c"modules"));
    let distributed = modules.and_then(|modules| modules.get_item(c"distributed"));
    distributed.is_ok_and(|distributed| distributed.call_method0(c"get_worker").is_ok())
}

#[expect(clippy::redundant_closure_for_method_calls, reason = "the method's lifetime is not general enough")]
fn check_signals() -> PyResult<()> {
    Python::attach(|py| py.check_signals())
}

#[pyfunction]
fn set_num_threads(count: Option<NonZeroUsize>) {
    threads::set_default_threads(count);
}

#[pyfunction]
fn get_num_threads(py: Python<'_>) -> usize {
    threads_of_call(py)
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(get_num_threads, module)?)
}
