//! A binary 3D image, one bit a voxel: rows of 64-voxel words along the last axis, with an empty border all around.
//!
//! Voxel (z, y, x) is bit `x % 64` of word `index(z, y) + x / 64`. A plane of empty rows lies before and after the image, an
//! empty row before and after each plane, and an empty word before each row, which also serves as the one after the row before; one more
//! ends the image.
//! So every voxel of the image has all its 26 neighbours in memory and no kernel asks where the border is.
//!
//! Cost: (nx / 64 + 1) · (ny + 2) · (nz + 2) words; pages that hold no foreground are never touched. Packing reads each voxel
//! once, in the order of memory.

use ndarray::{ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;

use crate::errors::{Error, Result};
use crate::threads::Cancel;

/// Voxels in a word.
pub const WORD: usize = 64;

/// An element of an image, read as the unsigned integer of its size.
pub trait Element: Copy + Send + Sync {
    /// Whether any bit of `mask` is set.
    fn is_foreground(self, mask: Self) -> bool;

    /// Packs a contiguous row, `words` being zero.
    fn pack_row(row: &[Self], mask: Self, words: &mut [u64]) {
        for (chunk, word) in row.chunks(WORD).zip(words) {
            *word =
                chunk.iter().enumerate().fold(0, |word, (x, value)| word | u64::from(value.is_foreground(mask)) << x);
        }
    }
}

macro_rules! element {
    ($($integer:ty),*) => {$(
        impl Element for $integer {
            #[inline]
            fn is_foreground(self, mask: Self) -> bool {
                self & mask != 0
            }
        }
    )*};
}

element!(u16, u32, u64);

impl Element for u8 {
    #[inline]
    fn is_foreground(self, mask: Self) -> bool {
        self & mask != 0
    }

    fn pack_row(row: &[Self], mask: Self, words: &mut [u64]) {
        let wide_mask = u64::from_ne_bytes([mask; 8]);
        let (chunks, rest) = row.as_chunks::<WORD>();
        for (chunk, word) in chunks.iter().zip(words.iter_mut()) {
            let (eights, _) = chunk.as_chunks::<8>();
            // Most of an image is background: one test settles 64 voxels.
            if eights.iter().fold(0, |any, eight| any | u64::from_ne_bytes(*eight)) & wide_mask != 0 {
                *word = eights
                    .iter()
                    .enumerate()
                    .fold(0, |word, (at, eight)| word | pack_eight(u64::from_le_bytes(*eight) & wide_mask) << (8 * at));
            }
        }
        if !rest.is_empty() {
            words[chunks.len()] =
                rest.iter().enumerate().fold(0, |word, (x, value)| word | u64::from(value & mask != 0) << x);
        }
    }
}

/// One bit for each nonzero byte, the lowest byte first.
#[inline]
fn pack_eight(bytes: u64) -> u64 {
    const LOW_SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let nonzero = (((bytes & LOW_SEVEN) + LOW_SEVEN) | bytes) & !LOW_SEVEN;
    // The multiplication gathers the eight flags, now at bits 0, 8, …, 56, in the highest byte.
    (nonzero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// A binary 3D image, one bit a voxel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitImage {
    shape: [usize; 3],
    words: Vec<u64>,
}

impl BitImage {
    /// An image of background.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the words cannot be reserved.
    pub fn zeros(shape: [usize; 3]) -> Result<Self> {
        let mut image = Self { shape, words: Vec::new() };
        let words = [image.plane_stride(), shape[0] + 2]
            .iter()
            .try_fold(1_usize, |total, &n| total.checked_mul(n))
            .and_then(|total| total.checked_add(1));
        let words = words.ok_or(Error::out_of_memory::<u64>("the bit image", usize::MAX))?;
        image.words = try_zeros("the bit image", words)?;
        Ok(image)
    }

    /// The foreground of `view`: the voxels with any bit of `mask`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or [`Error::Interrupted`] through `cancel`.
    pub fn pack<T: Element>(view: &ArrayView3<'_, T>, mask: T, cancel: &Cancel) -> Result<Self> {
        let (nz, ny, nx) = view.dim();
        let mut image = Self::zeros([nz, ny, nx])?;
        if view.is_empty() {
            return Ok(image);
        }
        let (row_stride, plane_stride) = (image.row_stride(), image.plane_stride());
        let planes = image.words[plane_stride..][..nz * plane_stride].par_chunks_mut(plane_stride);
        planes.zip(view.axis_iter(Axis(0)).into_par_iter()).try_for_each(|(words, plane)| {
            cancel.check()?;
            let rows = words.chunks_exact_mut(row_stride).skip(1).zip(plane.rows());
            if plane.strides()[1] == 1 || nx == 1 {
                for (words, row) in rows {
                    let Some(row) = row.to_slice() else { unreachable!("a row of unit stride is a slice") };
                    T::pack_row(row, mask, &mut words[1..]);
                }
            } else if plane.strides()[0].unsigned_abs() >= plane.strides()[1].unsigned_abs() {
                for (words, row) in rows {
                    for (x, value) in row.iter().enumerate() {
                        words[1 + x / WORD] |= u64::from(value.is_foreground(mask)) << (x % WORD);
                    }
                }
            } else {
                // Columns are nearer to each other in memory than the voxels of a row.
                for (x, column) in plane.columns().into_iter().enumerate() {
                    for (y, value) in column.iter().enumerate() {
                        words[(y + 1) * row_stride + 1 + x / WORD] |=
                            u64::from(value.is_foreground(mask)) << (x % WORD);
                    }
                }
            }
            Ok(())
        })?;
        Ok(image)
    }

    /// Writes the foreground into `output`, which is zero and of this image's shape; background is not touched.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn unpack_into(&self, mut output: ArrayViewMut3<'_, u8>) {
        assert_eq!(output.shape(), self.shape, "the output has the shape of the image");
        let (row_stride, plane_stride) = (self.row_stride(), self.plane_stride());
        output.axis_iter_mut(Axis(0)).into_par_iter().enumerate().for_each(|(z, mut plane)| {
            let words = &self.words[(z + 1) * plane_stride..];
            for (mut row, words) in plane.rows_mut().into_iter().zip(words.chunks(row_stride).skip(1)) {
                for (at, &word) in words[1..row_stride].iter().enumerate() {
                    for bit in set_bits(word) {
                        row[at * WORD + bit] = 1;
                    }
                }
            }
        });
    }

    /// The number of voxels along (z, y, x).
    #[must_use]
    pub const fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Words from a row to the next, the empty one included.
    #[must_use]
    pub const fn row_stride(&self) -> usize {
        self.shape[2].div_ceil(WORD) + 1
    }

    /// Words from a plane to the next, the empty rows included.
    #[must_use]
    pub const fn plane_stride(&self) -> usize {
        self.row_stride() * (self.shape[1] + 2)
    }

    /// The first word of row (z, y).
    #[must_use]
    pub const fn index(&self, z: usize, y: usize) -> usize {
        (z + 1) * self.plane_stride() + (y + 1) * self.row_stride() + 1
    }

    /// Whether voxel (z, y, x) is foreground.
    #[must_use]
    pub fn get(&self, z: usize, y: usize, x: usize) -> bool {
        self.words[self.index(z, y) + x / WORD] >> (x % WORD) & 1 == 1
    }

    /// All words, border included.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// All words, border included. Whoever writes keeps the border empty.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// The number of foreground voxels.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.words
            .par_chunks(1 << 16)
            .map(|words| words.iter().map(|word| u64::from(word.count_ones())).sum::<u64>())
            .sum()
    }
}

/// The positions of the set bits of a word, ascending.
pub fn set_bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as usize;
        (word != 0).then(|| {
            word &= word - 1;
            bit
        })
    })
}

/// `count` zeros whose memory is not touched.
///
/// # Errors
/// [`Error::OutOfMemory`] if they cannot be reserved.
pub fn try_zeros<T: bytemuck::Zeroable>(what: &'static str, count: usize) -> Result<Vec<T>> {
    if count.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(Error::out_of_memory::<T>(what, count));
    }
    bytemuck::allocation::try_zeroed_vec(count).map_err(|()| Error::out_of_memory::<T>(what, count))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, ShapeBuilder};

    use super::*;

    fn pattern(shape: (usize, usize, usize)) -> Array3<u8> {
        Array3::from_shape_fn(shape, |(z, y, x)| match (z * 31 + y * 17 + x * x * 7) % 5 {
            0 => 1,
            1 => 255,
            2 => 128,
            _ => 0,
        })
    }

    #[test]
    fn packs_and_unpacks_every_width_and_order() {
        for nx in [1, 2, 7, 63, 64, 65, 128, 200] {
            let shape = (3, 4, nx);
            let image = pattern(shape);
            let packed = BitImage::pack(&image.view(), 0xff, &Cancel::new()).unwrap();
            let mut unpacked = Array3::zeros(shape);
            packed.unpack_into(unpacked.view_mut());
            assert_eq!(unpacked, image.mapv(|value| u8::from(value != 0)));
            assert_eq!(packed.count(), image.iter().filter(|&&value| value != 0).count() as u64);
            for axes in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                let transposed = image.view().permuted_axes(axes);
                let copy = Array3::from_shape_vec(transposed.raw_dim(), transposed.iter().copied().collect()).unwrap();
                let from_view = BitImage::pack(&transposed, 0xff, &Cancel::new()).unwrap();
                assert_eq!(from_view, BitImage::pack(&copy.view(), 0xff, &Cancel::new()).unwrap());
            }
        }
    }

    #[test]
    fn packs_wider_elements_by_their_mask() {
        let values = [0_u64, 1 << 63, 1, u64::MAX];
        let image = Array3::from_shape_vec((1, 1, 4).f(), values.to_vec()).unwrap();
        let packed = BitImage::pack(&image.view(), u64::MAX >> 1, &Cancel::new()).unwrap();
        assert_eq!([0, 1, 2, 3].map(|x| packed.get(0, 0, x)), [false, false, true, true]);
    }

    #[test]
    fn refuses_what_cannot_be_reserved() {
        assert!(matches!(BitImage::zeros([1 << 40, 1 << 40, 64]), Err(Error::OutOfMemory { .. })));
    }
}
