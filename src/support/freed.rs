//! Memory that was freed and that the allocator keeps.
//!
//! With glibc each thread allocates from an arena of its own and keeps what it frees for itself, some tens of megabytes. Before a
//! stage that needs much memory of another kind the system may have it back. On other systems nothing is done.

/// Gives freed memory back to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn return_freed_memory() {
    // SAFETY: it changes nothing that is allocated.
    let _ = unsafe { libc::malloc_trim(0) };
}

/// Does nothing on this system.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn return_freed_memory() {}
