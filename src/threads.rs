//! The thread pool of the kernels: owned, sized by the caller, safe after a fork.
//!
//! Rayon's global pool is not used: it cannot be resized, and a child made by `fork` inherits the pool's memory but none of
//! its threads, so that its first parallel call would wait for ever. Here a pool remembers the process that built it; another
//! process builds its own. Pools are kept, so a call pays for threads once.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::errors::{Error, Result};

/// 0: not set, use what the machine offers.
static DEFAULT_THREADS: AtomicUsize = AtomicUsize::new(0);

struct Pools {
    process: u32,
    by_size: HashMap<usize, Arc<ThreadPool>>,
}

static POOLS: Mutex<Option<Pools>> = Mutex::new(None);

/// Sets how many threads a call uses that does not say; `None` returns to the number of processors.
pub fn set_default_threads(count: Option<NonZeroUsize>) {
    DEFAULT_THREADS.store(count.map_or(0, NonZeroUsize::get), Ordering::Relaxed);
}

/// How many threads a call uses that does not say.
#[must_use]
pub fn default_threads() -> usize {
    match DEFAULT_THREADS.load(Ordering::Relaxed) {
        0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        count => count,
    }
}

/// The pool of `count` threads of this process.
///
/// # Errors
/// [`Error::Threads`] if the operating system refuses the threads.
pub fn pool(count: usize) -> Result<Arc<ThreadPool>> {
    let process = process::id();
    let mut guard = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if guard.as_ref().is_some_and(|pools| pools.process != process)
        && let Some(inherited) = guard.take()
    {
        // Dropping a pool joins its threads, and those stayed in the parent.
        std::mem::forget(inherited);
    }
    let pools = guard.get_or_insert_with(|| Pools { process, by_size: HashMap::new() });
    if let Some(pool) = pools.by_size.get(&count) {
        return Ok(Arc::clone(pool));
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(count)
        .thread_name(|index| format!("skanrs-{index}"))
        .build()
        .map_err(|error| Error::Threads { reason: error.to_string() })?;
    let pool = Arc::new(pool);
    pools.by_size.insert(count, Arc::clone(&pool));
    Ok(pool)
}
