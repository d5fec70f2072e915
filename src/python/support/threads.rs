//! Calls of kernels from Python: the number of threads, interrupts and progress.

use std::num::NonZeroUsize;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::support::errors::Result;
use crate::support::threads::{self, Monitor};

/// Smaller graphs are worked on before other threads are awake.
pub(in crate::python) const NODES_WORTH_THREADS: usize = 1 << 14;

/// Runs `kernel` without the GIL on as many threads as set, or one if its work is not worth more; Ctrl-C stops it.
/// Meanwhile it calls the function of [`on_progress`].
///
/// A signal handler that raises something else than `KeyboardInterrupt` has its exception passed on.
pub(in crate::python) fn run<T: Send>(
    py: Python<'_>,
    worth_threads: bool,
    kernel: impl FnOnce(&Monitor) -> Result<T> + Send,
) -> PyResult<T> {
    let count = if worth_threads { threads_of_call(py) } else { 1 };
    py.detach(|| threads::run(count, poll, kernel))
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

/// The function that receives progress.
static LISTENER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Handles signals and reports progress.
fn poll(monitor: &Monitor) -> PyResult<()> {
    let done = monitor.done();
    Python::attach(|py| {
        py.check_signals()?;
        LISTENER.get(py).map_or(Ok(()), |listener| listener.call1(py, (done,)).map(drop))
    })
}

/// Has `listener` called on the calling thread every 50 ms while a kernel works, with the part that is done, or None if that is
/// not known. The first listener stays.
#[pyfunction]
fn on_progress(py: Python<'_>, listener: Py<PyAny>) {
    LISTENER.get_or_init(py, || listener);
}

#[pyfunction]
fn set_num_threads(count: Option<NonZeroUsize>) {
    threads::set_default_threads(count);
}

#[pyfunction]
fn get_num_threads(py: Python<'_>) -> usize {
    threads_of_call(py)
}

pub(in crate::python) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    threads::prepare();
    module.add_function(wrap_pyfunction!(set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(get_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(on_progress, module)?)
}
