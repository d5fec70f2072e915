//! The errors of the kernels: one enum, whose variants have the fields that a message needs.
//!
//! `src/python/support/errors.rs` maps it to Python exceptions. Python validates the arguments of users, whose names it knows;
//! the kernels report only what they alone can detect.

use std::fmt;

/// Why a kernel stopped without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The caller asked to stop (Ctrl-C in Python).
    Interrupted,
    /// A buffer could not be reserved.
    OutOfMemory {
        /// What the buffer was for.
        what: &'static str,
        /// How many bytes were asked for.
        bytes: u128,
    },
    /// The thread pool could not be built.
    Threads {
        /// The reason given by the operating system.
        reason: String,
    },
    /// A file could not be read.
    File {
        /// What went wrong.
        kind: std::io::ErrorKind,
        /// Its path, and the reason given by the operating system.
        reason: String,
    },
    /// An argument that only the kernel can judge is out of range.
    InvalidArgument {
        /// The argument's name, as the caller knows it.
        name: &'static str,
        /// What was expected and what came.
        reason: String,
    },
}

impl Error {
    /// An [`Error::OutOfMemory`] for a buffer of `count` elements of type `T`.
    #[must_use]
    pub fn out_of_memory<T>(what: &'static str, count: usize) -> Self {
        Self::OutOfMemory { what, bytes: count as u128 * size_of::<T>() as u128 }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => write!(formatter, "interrupted"),
            Self::OutOfMemory { what, bytes } => {
                write!(formatter, "not enough memory for {what}: {bytes} bytes could not be reserved")
            }
            Self::Threads { reason } => write!(formatter, "the thread pool could not be built: {reason}"),
            Self::File { reason, .. } => write!(formatter, "{reason}"),
            Self::InvalidArgument { name, reason } => write!(formatter, "{name}: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;

/// Checks that `count` items can be numbered in 32 bits, with [`u32::MAX`] reserved for "none".
///
/// # Errors
/// [`Error::InvalidArgument`] for the argument `name`, where numbers would wrap.
pub fn check_numbers(name: &'static str, count: usize) -> Result<()> {
    if count < u32::MAX as usize {
        return Ok(());
    }
    Err(Error::InvalidArgument { name, reason: format!("expected fewer than 2**32 - 1, got {count}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_counts_whose_numbers_would_wrap() {
        assert_eq!(check_numbers("nodes", u32::MAX as usize - 1), Ok(()));
        for count in [u32::MAX as usize, 1 << 32, usize::MAX] {
            assert!(matches!(check_numbers("nodes", count), Err(Error::InvalidArgument { name: "nodes", .. })));
        }
    }
}
