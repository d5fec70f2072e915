//! The words of a mask: in memory, or those of a file that is mapped into it.
//!
//! A mapped file is read only and shared by all views of it; the system reads its pages when they are asked for.
//!
//! Cost: memory for the pages of a file that were read, until [`Words::release`] or the system gives them back.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::support::allocate::try_copy;
use crate::support::errors::{Error, Result};

/// Words of 64 voxels.
#[derive(Clone)]
pub(super) enum Words {
    Owned(Vec<u64>),
    /// The bytes of a file in this range.
    Mapped(Arc<Mmap>, Range<usize>),
}

impl Words {
    /// Those of a file of exactly `count` words.
    pub(super) fn map(path: &Path, count: usize) -> Result<Self> {
        let failed = |error: io::Error| Error::File {
            path: path.to_string_lossy().into_owned(),
            kind: error.kind(),
            reason: error.to_string(),
        };
        let file = File::open(path).map_err(failed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        if count.checked_mul(size_of::<u64>()).is_none_or(|expected| expected as u64 != bytes) {
            let reason = format!("expected {count} words of 8 bytes in {}, got {bytes} bytes", path.display());
            return Err(Error::InvalidArgument { name: "path", reason });
        }
        if count == 0 {
            // Nothing is no map on some systems.
            return Ok(Self::Owned(Vec::new()));
        }
        // SAFETY: the caller made the file in the scratch folder of this process, where nobody else writes; it is neither changed
        // nor cut off while it is mapped.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        let range = 0..map.len();
        Ok(Self::Mapped(Arc::new(map), range))
    }

    /// Those in memory, to change them.
    pub(super) fn owned(&mut self) -> Result<&mut Vec<u64>> {
        match self {
            Self::Owned(words) => Ok(words),
            Self::Mapped(..) => {
                let reason = "expected one in memory, got one of a file, which is read only".to_owned();
                Err(Error::InvalidArgument { name: "mask", reason })
            }
        }
    }

    /// Some of them: of the same file, or a copy.
    pub(super) fn part(&self, part: Range<usize>) -> Result<Self> {
        match self {
            Self::Owned(words) => Ok(Self::Owned(try_copy("the mask", &words[part])?)),
            Self::Mapped(map, range) => {
                let [start, end] = [part.start, part.end].map(|word| range.start + word * size_of::<u64>());
                Ok(Self::Mapped(Arc::clone(map), start..end))
            }
        }
    }

    /// Gives the pages of a file back to the system, which reads them again where they are asked for.
    pub(super) fn release(&self) {
        #[cfg(unix)]
        if let Self::Mapped(map, range) = self {
            // SAFETY: the map is read only and of a file, so that no page of it loses anything. A system that refuses keeps them.
            let _ = unsafe { map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len()) };
        }
    }
}

impl Deref for Words {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        match self {
            Self::Owned(words) => words,
            // Maps begin with a page, and ranges with a word.
            Self::Mapped(map, range) => bytemuck::cast_slice(&map[range.clone()]),
        }
    }
}

impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Words {}

impl fmt::Debug for Words {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}
