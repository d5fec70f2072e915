//! The thread pool of the kernels: owned, sized by the caller, safe after a fork.
//!
//! Rayon's global pool is not used: it cannot be resized, and a child made by `fork` inherits the pool's memory but none of
//! its threads, so that its first parallel call would wait for ever. Here a pool remembers the process that built it; another
//! process builds its own. Pools are kept, so a call pays for threads once.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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

/// Whether somebody set how many threads a call uses.
#[must_use]
pub fn is_set() -> bool {
    DEFAULT_THREADS.load(Ordering::Relaxed) != 0
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

/// A request to stop that a running kernel looks at now and then.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// Nobody asked yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asks the kernel to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// [`Error::Interrupted`] once somebody asked.
    pub fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }
}

/// Runs `kernel` on a pool of `count` threads, while the calling thread asks `poll` now and then whether to go on.
///
/// `poll` runs on the calling thread because only Python's main thread learns of signals.
///
/// # Errors
/// Those of `kernel` and `poll`, and [`Error::Threads`].
///
/// # Panics
/// If `kernel` panics.
pub fn run<T: Send, E: From<Error>>(
    count: usize,
    mut poll: impl FnMut() -> std::result::Result<(), E>,
    kernel: impl FnOnce(&Cancel) -> Result<T> + Send,
) -> std::result::Result<T, E> {
    const POLL_EVERY: Duration = Duration::from_millis(50);
    let cancel = Cancel::new();
    let (sender, receiver) = mpsc::sync_channel(1);
    let mut stopped = Ok(());
    let mut result = None;
    pool(count)?.in_place_scope(|scope| {
        let cancel = &cancel;
        scope.spawn(move |_| {
            // The receiver outlives the scope.
            let _ = sender.send(kernel(cancel));
        });
        loop {
            match receiver.recv_timeout(POLL_EVERY) {
                Ok(value) => {
                    result = Some(value);
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    if stopped.is_ok() {
                        stopped = poll();
                        if stopped.is_err() {
                            cancel.request();
                        }
                    }
                }
            }
        }
    });
    stopped?;
    Ok(result.expect("a kernel that panicked has ended the scope with its panic")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_on_as_many_threads_as_asked() {
        for count in [1, 3] {
            assert_eq!(run::<_, Error>(count, || Ok(()), |_| Ok(rayon::current_num_threads())), Ok(count));
        }
    }

    #[test]
    fn stops_when_the_poll_says_so() {
        let endless = |cancel: &Cancel| {
            loop {
                cancel.check()?;
                std::thread::yield_now();
            }
        };
        assert_eq!(run::<(), Error>(2, || Err(Error::Interrupted), endless), Err(Error::Interrupted));
        assert_eq!(run::<_, Error>(2, || Ok(()), |_| Ok(7)), Ok(7));
    }
}
