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
        let failed =
            |error: io::Error| Error::File { kind: error.kind(), reason: format!("{}: {error}", path.display()) };
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

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::image::elements::Shared;
    use crate::image::mask_rows::MaskRows;
    use crate::support::threads::Monitor;

    fn mask(shape: [usize; 3], border: [bool; 3]) -> (Array3<u8>, MaskRows) {
        let image = Array3::from_shape_fn(shape, |(z, y, x)| u8::from((z * 31 + y * 17 + x * x * 7) % 3 == 0));
        let mut mask = MaskRows::zeros(shape, border).unwrap();
        mask.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()).unwrap();
        (image, mask)
    }

    #[test]
    fn a_file_is_the_mask_whose_words_it_has() {
        for shape in [[7, 5, 130], [1, 9, 64], [300, 70, 70], [4, 0, 9], [0, 3, 3]] {
            let (image, owned) = mask(shape, [false, true, false]);
            let mapped = owned.in_a_file();
            assert_eq!(mapped, owned);
            assert_eq!((mapped.shape(), mapped.border(), mapped.count()), (shape, owned.border(), owned.count()));
            for (first, end) in
                [(0, 0), (0, shape[0]), (shape[0] / 3, shape[0] / 2), (shape[0] - shape[0].min(2), shape[0])]
            {
                let planes = mapped.planes(first, end).unwrap();
                assert_eq!(planes, owned.planes(first, end).unwrap());
                let mut unpacked = Array3::zeros([end - first, shape[1], shape[2]]);
                planes.unpack_into(unpacked.view_mut(), &Monitor::new()).unwrap();
                assert_eq!(unpacked, image.slice(ndarray::s![first..end, .., ..]));
                let inner = planes.planes((end - first) / 2, end - first).unwrap();
                assert_eq!(inner, owned.planes(first + (end - first) / 2, end).unwrap());
                // What is given back is read again.
                planes.release();
                inner.release();
                assert_eq!(planes, owned.planes(first, end).unwrap());
            }
            owned.release();
            mapped.release();
            assert_eq!(mapped, owned);
            // A part keeps the file.
            let planes = mapped.planes(0, shape[0]).unwrap();
            drop(mapped);
            assert_eq!(planes, owned);
        }
    }

    #[test]
    fn planes_are_those_of_the_mask() {
        let (_, owned) = mask([6, 3, 70], [false; 3]);
        for mask in [&owned, &owned.in_a_file()] {
            for (first, end) in [(3, 2), (0, 7), (7, 7), (usize::MAX, usize::MAX)] {
                assert!(matches!(mask.planes(first, end), Err(Error::InvalidArgument { name: "planes", .. })));
            }
        }
        // Beyond a cut there is no background.
        let (_, owned) = mask([6, 3, 70], [true; 3]);
        for mask in [&owned, &owned.in_a_file()] {
            assert_eq!(mask.planes(0, 6).as_ref(), Ok(mask));
            assert!(matches!(mask.planes(0, 5), Err(Error::InvalidArgument { name: "planes", .. })));
        }
    }

    #[test]
    fn a_file_is_read_only() {
        let (image, owned) = mask([6, 3, 70], [false; 3]);
        let mut mapped = owned.in_a_file();
        let refused = |result: Result<()>| assert!(matches!(result, Err(Error::InvalidArgument { name: "mask", .. })));
        refused(mapped.set(&[1]));
        refused(mapped.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()));
        refused(mapped.words_mut().map(drop));
        assert_eq!(mapped.take_words(), None);
        assert_eq!(mapped, owned);
    }

    #[test]
    fn refuses_files_of_another_length() {
        let path = std::env::temp_dir().join(format!("skanrs-length-{}", std::process::id()));
        let map = |shape| MaskRows::map(&path, shape, [false; 3]).map(drop);
        assert!(matches!(map([1, 1, 64]), Err(Error::File { kind: io::ErrorKind::NotFound, .. })));
        std::fs::write(&path, [0; 24]).unwrap();
        assert_eq!((map([1, 3, 64]), map([3, 1, 1])), (Ok(()), Ok(())));
        for shape in [[1, 2, 64], [1, 3, 65], [0, 1, 1], [1 << 30, 1 << 30, 64]] {
            assert!(matches!(map(shape), Err(Error::InvalidArgument { name: "path", .. })), "{shape:?}");
        }
        assert!(matches!(map([1 << 40, 1 << 40, 64]), Err(Error::OutOfMemory { .. })));
        std::fs::remove_file(path).unwrap();
    }
}
