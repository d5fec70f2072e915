//! The thread pool of the kernels: owned, sized by the caller, safe after a fork.
//!
//! Rayon's global pool is not used: it cannot be resized, and a child made by `fork` inherits the pool's memory but none of
//! its threads, so that its first parallel call would never return. Here each process has pools of its own. The lock around them
//! belongs to one process too: a thread of the parent may have held it during the fork.
//!
//! Each call has a pool of its own, so it never waits for another call: the tasks of a scheduler run in parallel, and a short call
//! returns while a long one runs. Pools are kept and reused, so that later calls start no threads.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::support::errors::{Error, Result};

/// 0: not set, use what the machine offers.
static DEFAULT_THREADS: AtomicUsize = AtomicUsize::new(0);

/// The pools that no call uses, by their number of threads.
type Pools = HashMap<usize, Vec<Arc<ThreadPool>>>;

/// The pools of a process, and those of the process that was forked from it. What a child inherits is never dropped: that
/// would join threads which stayed in the parent.
struct OfProcess {
    process: u32,
    pools: Mutex<Pools>,
    child: OnceLock<Box<Self>>,
}

impl OfProcess {
    fn new() -> Self {
        Self { process: process::id(), pools: Mutex::default(), child: OnceLock::new() }
    }

    /// The last of those that led to this process, or one more after it.
    fn current() -> &'static Self {
        static FIRST: OnceLock<OfProcess> = OnceLock::new();
        let mut last = FIRST.get_or_init(Self::new);
        while let Some(child) = last.child.get() {
            last = child;
        }
        if last.process == process::id() { last } else { last.child.get_or_init(|| Box::new(Self::new())) }
    }
}

/// Sets the number of threads of calls that do not specify it; `None` means the number of processors.
pub fn set_default_threads(count: Option<NonZeroUsize>) {
    DEFAULT_THREADS.store(count.map_or(0, NonZeroUsize::get), Ordering::Relaxed);
}

/// The number of threads of a call that does not specify it.
#[must_use]
pub fn default_threads() -> usize {
    match DEFAULT_THREADS.load(Ordering::Relaxed) {
        0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        count => count,
    }
}

/// Whether the number of threads was set.
#[must_use]
pub fn is_set() -> bool {
    DEFAULT_THREADS.load(Ordering::Relaxed) != 0
}

/// Creates the registry of pools of this process; called at import, before another thread could create it during a fork.
pub fn prepare() {
    OfProcess::current();
}

/// Does something with the pools of this process.
fn with_pools<T>(run: impl FnOnce(&mut Pools) -> T) -> T {
    run(&mut OfProcess::current().pools.lock().unwrap_or_else(PoisonError::into_inner))
}

fn build(count: usize) -> Result<Arc<ThreadPool>> {
    let pool = ThreadPoolBuilder::new().num_threads(count).thread_name(|index| format!("skanrs-{index}")).build();
    pool.map(Arc::new).map_err(|error| Error::Threads { reason: error.to_string() })
}

/// A pool that belongs to one call.
pub struct Pool(Arc<ThreadPool>);

impl Pool {
    /// A pool of `count` threads.
    ///
    /// # Errors
    /// [`Error::Threads`] if the operating system refuses the threads.
    pub fn take(count: usize) -> Result<Self> {
        let idle = with_pools(|pools| pools.get_mut(&count).and_then(Vec::pop));
        idle.map_or_else(|| build(count), Ok).map(Self)
    }
}

impl Deref for Pool {
    type Target = ThreadPool;

    fn deref(&self) -> &ThreadPool {
        &self.0
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let pool = Arc::clone(&self.0);
        with_pools(|pools| pools.entry(pool.current_num_threads()).or_default().push(pool));
    }
}

/// What a running kernel and its caller tell each other: a request to stop, and how far the work is.
#[derive(Debug, Default)]
pub struct Monitor {
    stop: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

impl Monitor {
    /// No request to stop, and no progress.
    #[must_use]
    pub const fn new() -> Self {
        Self { stop: AtomicBool::new(false), done: AtomicU64::new(0), total: AtomicU64::new(0) }
    }

    /// Asks the kernel to stop.
    pub fn request_stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// [`Error::Interrupted`] after a request to stop.
    pub fn check(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// Says how many steps, of whatever kind, the work has; a part of the work, which has fewer, may say so too.
    pub fn expect(&self, total: u64) {
        self.total.fetch_max(total, Ordering::Relaxed);
    }

    /// Says that so many more steps are done.
    pub fn advance(&self, count: u64) {
        self.done.fetch_add(count, Ordering::Relaxed);
    }

    /// The part of the work that is done, from 0 to 1, if the kernel told.
    #[must_use]
    pub fn done(&self) -> Option<f64> {
        let total = self.total.load(Ordering::Relaxed);
        (total > 0).then(|| (self.done.load(Ordering::Relaxed) as f64 / total as f64).min(1.0))
    }
}

/// Runs `kernel` on a pool of `count` threads, while the calling thread asks `poll` now and then whether to go on; `poll`
/// may look at how far the kernel is.
///
/// It runs on the calling thread because only Python's main thread learns of signals.
///
/// # Errors
/// Those of `kernel` and `poll`, and [`Error::Threads`].
///
/// # Panics
/// If `kernel` panics.
pub fn run<T: Send, E: From<Error>>(
    count: usize,
    mut poll: impl FnMut(&Monitor) -> std::result::Result<(), E>,
    kernel: impl FnOnce(&Monitor) -> Result<T> + Send,
) -> std::result::Result<T, E> {
    const POLL_EVERY: Duration = Duration::from_millis(50);
    let threads = Pool::take(count)?;
    let monitor = Monitor::new();
    let (sender, receiver) = mpsc::sync_channel(1);
    let mut stopped = Ok(());
    let mut result = None;
    threads.in_place_scope(|scope| {
        let monitor = &monitor;
        scope.spawn(move |_| {
            // The receiver outlives the scope.
            let _ = sender.send(kernel(monitor));
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
                        stopped = poll(monitor);
                        if stopped.is_err() {
                            monitor.request_stop();
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
            assert_eq!(run::<_, Error>(count, |_| Ok(()), |_| Ok(rayon::current_num_threads())), Ok(count));
        }
    }

    #[test]
    fn calls_run_side_by_side() {
        for count in [1, 2] {
            // One call more than each has threads, and each waits for all: in one pool they would deadlock.
            let meeting = std::sync::Barrier::new(count + 1);
            let meet = |_: &Monitor| {
                meeting.wait();
                Ok(())
            };
            std::thread::scope(|scope| {
                for _ in 0..=count {
                    scope.spawn(|| run::<_, Error>(count, |_| Ok(()), meet).unwrap());
                }
            });
        }
    }

    #[test]
    fn pools_are_used_again() {
        let ids = || run::<_, Error>(5, |_| Ok(()), |_| Ok(rayon::broadcast(|_| std::thread::current().id()))).unwrap();
        let [one, other] = [ids(), ids()];
        assert_eq!(one, other);
    }

    #[test]
    fn stops_when_the_poll_says_so() {
        let endless = |monitor: &Monitor| {
            loop {
                monitor.check()?;
                std::thread::yield_now();
            }
        };
        assert_eq!(run::<(), Error>(2, |_| Err(Error::Interrupted), endless), Err(Error::Interrupted));
        assert_eq!(run::<_, Error>(2, |_| Ok(()), |_| Ok(7)), Ok(7));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_fork_while_another_thread_holds_the_pools_does_not_deadlock() {
        let meeting = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                with_pools(|_| {
                    meeting.wait();
                    meeting.wait();
                });
            });
            meeting.wait();
            // SAFETY: the child only calls what is tested, and ends without running what the parent registered.
            let child = unsafe { libc::fork() };
            if child == 0 {
                let found = run::<_, Error>(2, |_| Ok(()), |_| Ok(7)) == Ok(7);
                unsafe { libc::_exit(i32::from(!found)) };
            }
            let (mut status, mut ended) = (-1, 0);
            for _ in 0..1000 {
                // SAFETY: the child is ours, and the status is there to be written.
                ended = unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) };
                if ended != 0 {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            if ended == 0 {
                // SAFETY: the child is ours.
                unsafe { libc::kill(child, libc::SIGKILL) };
            }
            meeting.wait();
            assert_eq!((ended, status), (child, 0));
        });
    }

    #[test]
    fn tells_how_far_a_kernel_is() {
        let looked = AtomicBool::new(false);
        let kernel = |monitor: &Monitor| {
            while !looked.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            monitor.advance(3);
            monitor.expect(4);
            while monitor.check().is_ok() {
                std::thread::yield_now();
            }
            monitor.check()
        };
        let mut seen = Vec::new();
        let look = |monitor: &Monitor| {
            seen.push(monitor.done());
            looked.store(true, Ordering::Relaxed);
            if seen.last() == Some(&None) { Ok(()) } else { Err(Error::Interrupted) }
        };
        assert_eq!(run::<_, Error>(2, look, kernel), Err(Error::Interrupted));
        assert_eq!((seen.first(), seen.last()), (Some(&None), Some(&Some(0.75))));
    }
}
