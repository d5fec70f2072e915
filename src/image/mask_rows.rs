//! A mask, one bit a voxel in rows along the last axis: in memory, filled block by block, or in a file that is mapped.
//!
//! Cost: a bit a voxel, each row rounded up to whole words. Blocks are read once, in any order.

use std::path::Path;

use ndarray::{ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;

use crate::image::elements::{Element, Shared};
use crate::image::mask_words::Words;
use crate::image::word_shape::WORD;
use crate::support::allocate::{try_copy, try_zeros};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// The foreground of an image of three axes, and what lies outside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskRows {
    shape: [usize; 3],
    border: [bool; 3],
    words: Words,
}

impl MaskRows {
    /// An image of background; `border` tells along which axes the outside is background, else nothing is known of it.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn zeros(shape: [usize; 3], border: [bool; 3]) -> Result<Self> {
        Ok(Self { shape, border, words: Words::Owned(try_zeros("the mask", count_words(shape)?)?) })
    }

    /// The mask whose words, row by row, are those of a file that nobody changes while the mask or a part of it is in use; it
    /// can only be read.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::InvalidArgument`] if the file has another length.
    pub fn map(path: &Path, shape: [usize; 3], border: [bool; 3]) -> Result<Self> {
        Ok(Self { shape, border, words: Words::map(path, count_words(shape)?)? })
    }

    /// The planes from `first` to `end`: of a file without a copy. Of what is beyond them nothing is known.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are no such planes, or if background is known to follow the first or the last one of
    /// the mask and the planes are not all of it; [`Error::OutOfMemory`].
    pub fn planes(&self, first: usize, end: usize) -> Result<Self> {
        let depth = self.shape[0];
        let wrong = |reason| Err(Error::InvalidArgument { name: "planes", reason });
        if first > end || end > depth {
            return wrong(format!("expected some of {depth}, got {first} to {end}"));
        }
        if self.border[0] && (first, end) != (0, depth) {
            return wrong(format!("expected all {depth} of a mask with background beyond them, got {first} to {end}"));
        }
        let plane = self.row_stride() * self.shape[1];
        let words = self.words.part(first * plane..end * plane)?;
        Ok(Self { shape: [end - first, self.shape[1], self.shape[2]], border: self.border, words })
    }

    /// Gives memory with words of a file back to the system, which reads them again where they are asked for.
    pub fn release(&self) {
        self.words.release();
    }

    /// A copy of the words, row by row.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn to_words(&self) -> Result<Vec<u64>> {
        try_copy("the words of a mask", &self.words)
    }

    /// Adds the foreground of a block, the voxels with any bit of `mask`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the block does not lie in the image, or if that is a file, or [`Error::Interrupted`] through
    /// `monitor`.
    pub fn insert<T: Element>(
        &mut self,
        offset: [usize; 3],
        block: &ArrayView3<'_, Shared<T>>,
        mask: T,
        monitor: &Monitor,
    ) -> Result<()> {
        let (nz, ny, nx) = block.dim();
        if (0..3).any(|axis| offset[axis].saturating_add([nz, ny, nx][axis]) > self.shape[axis]) {
            return Err(Error::InvalidArgument {
                name: "offset",
                reason: format!("expected a block inside the image of shape {:?}, got offset {offset:?}", self.shape),
            });
        }
        if block.is_empty() {
            return Ok(());
        }
        let (row, plane) = (self.row_stride(), self.row_stride() * self.shape[1]);
        let words = self.words.owned()?;
        let planes = words[offset[0] * plane..].par_chunks_mut(plane).zip(block.axis_iter(Axis(0)).into_par_iter());
        planes.try_for_each(|(words, block)| {
            monitor.check()?;
            for (words, voxels) in words[offset[1] * row..].chunks_mut(row).zip(block.outer_iter()) {
                if let Some(voxels) = voxels.to_slice() {
                    pack_row(voxels, mask, offset[2], words);
                } else {
                    for (x, voxel) in voxels.iter().enumerate() {
                        put(u64::from(voxel.get().is_foreground(mask)), offset[2] + x, words);
                    }
                }
            }
            Ok(())
        })
    }

    /// Adds voxels of row (z, y) from `x` on, one a bit.
    ///
    /// # Panics
    /// If the row does not lie in the image, or that is a file.
    pub fn insert_bits(&mut self, [z, y, x]: [usize; 3], bits: u64) {
        let row = self.row_stride();
        let Ok(words) = self.words.owned() else { panic!("the words of a file do not change") };
        put(bits, x, &mut words[(z * self.shape[1] + y) * row..][..row]);
    }

    /// Makes the voxels of these bits foreground.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if one is that of no voxel, those before it are set; or if the mask is a file.
    pub fn set(&mut self, bits: &[u64]) -> Result<()> {
        let row = (self.row_stride() * WORD) as u64;
        let words = self.words.owned()?;
        for &bit in bits {
            let word = usize::try_from(bit / WORD as u64).ok().and_then(|word| words.get_mut(word));
            let Some(word) = word.filter(|_| bit % row < self.shape[2] as u64) else {
                let reason = format!("expected bits of voxels of shape {:?}, got {bit}", self.shape);
                return Err(Error::InvalidArgument { name: "bits", reason });
            };
            *word |= 1 << (bit % WORD as u64);
        }
        Ok(())
    }

    /// The words of all rows, one row after the other, which are left without any; None if they are those of a file.
    pub(crate) fn take_words(&mut self) -> Option<Vec<u64>> {
        self.words.owned().ok().map(std::mem::take)
    }

    /// Takes back what [`Self::take_words`] gave.
    pub(crate) fn put_words(&mut self, words: Vec<u64>) {
        self.words = Words::Owned(words);
    }

    /// The words of all rows, along the last axis.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if they are those of a file.
    pub fn words_mut(&mut self) -> Result<ArrayViewMut3<'_, u64>> {
        let shape = [self.shape[0], self.shape[1], self.row_stride()];
        let words = self.words.owned()?;
        let Ok(words) = ArrayViewMut3::from_shape(shape, words) else { unreachable!("of this length") };
        Ok(words)
    }

    /// Writes 1 for the foreground and 0 for the background into `output`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it has another shape, [`Error::Interrupted`] through `monitor`.
    pub fn unpack_into(&self, mut output: ArrayViewMut3<'_, u8>, monitor: &Monitor) -> Result<()> {
        if output.shape() != self.shape {
            let reason = format!("expected shape {:?}, got {:?}", self.shape, output.shape());
            return Err(Error::InvalidArgument { name: "output", reason });
        }
        output.axis_iter_mut(Axis(0)).into_par_iter().enumerate().try_for_each(|(z, mut plane)| {
            monitor.check()?;
            for (y, mut row) in plane.outer_iter_mut().enumerate() {
                let words = self.row(z, y);
                row.iter_mut().enumerate().for_each(|(x, voxel)| *voxel = (words[x / WORD] >> (x % WORD) & 1) as u8);
            }
            Ok(())
        })
    }

    fn row_stride(&self) -> usize {
        self.shape[2].div_ceil(WORD)
    }

    /// The number of voxels along each axis.
    #[must_use]
    pub const fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Whether what lies outside along an axis is background.
    #[must_use]
    pub const fn border(&self) -> [bool; 3] {
        self.border
    }

    /// The words of row (z, y).
    #[inline]
    #[must_use]
    pub fn row(&self, z: usize, y: usize) -> &[u64] {
        &self.words[(z * self.shape[1] + y) * self.row_stride()..][..self.row_stride()]
    }

    /// Whether a voxel is foreground; None outside the image.
    #[inline]
    #[must_use]
    pub fn get(&self, at: [i64; 3]) -> Option<bool> {
        let [z, y, x] = at.map(|at| at as usize);
        // A negative coordinate is a large one.
        if z >= self.shape[0] || y >= self.shape[1] || x >= self.shape[2] {
            return None;
        }
        Some(self.words[(z * self.shape[1] + y) * self.row_stride() + x / WORD] >> (x % WORD) & 1 == 1)
    }

    /// The bit of a voxel of the image, or where it would be.
    #[inline]
    #[must_use]
    pub fn bit(&self, at: [i64; 3]) -> i64 {
        let [plane, row, _] = self.bit_steps();
        at[0] * plane + at[1] * row + at[2]
    }

    /// Bits from a voxel to the next along each axis.
    #[inline]
    #[must_use]
    pub fn bit_steps(&self) -> [i64; 3] {
        let row = self.row_stride() * WORD;
        [(row * self.shape[1]) as i64, row as i64, 1]
    }

    /// Whether the voxel of a bit is foreground.
    #[inline]
    #[must_use]
    pub fn is_set(&self, bit: i64) -> bool {
        self.words[bit as usize / WORD] >> (bit as usize % WORD) & 1 == 1
    }

    /// The voxels from x to x + `count`, at most 62, with the one before and the one behind; foreground where the outside is
    /// unknown.
    #[inline]
    #[must_use]
    pub fn window(&self, z: i64, y: i64, x: usize, count: usize) -> u64 {
        let all = u64::MAX >> (WORD - count - 2);
        let is_out = [z as usize >= self.shape[0], y as usize >= self.shape[1]];
        let bits = if is_out[0] || is_out[1] {
            if is_out[0] && self.border[0] || is_out[1] && self.border[1] {
                return 0;
            }
            u64::MAX
        } else if x == 0 {
            self.row(z as usize, y as usize)[0] << 1
        } else {
            let row = self.row(z as usize, y as usize);
            let (at, shift) = ((x - 1) / WORD, (x - 1) % WORD);
            // Two shifts, since one of 64 is none.
            row[at] >> shift | row.get(at + 1).map_or(0, |next| next << 1 << (WORD - 1 - shift))
        };
        let behind = if x + count >= self.shape[2] { u64::MAX << (self.shape[2] + 1 - x) } else { 0 };
        let outside = behind | u64::from(x == 0);
        (if self.border[2] { bits & !outside } else { bits | outside }) & all
    }

    /// [`Self::window`] of rows that follow each other along the second axis, from row `y` on.
    pub fn windows(&self, z: i64, y: i64, x: usize, count: usize, windows: &mut [u64]) {
        let stays = |at: i64, end: i64, axis: usize| at >= 0 && end <= self.shape[axis] as i64;
        let is_inside = stays(z, z + 1, 0)
            && stays(y, y + windows.len() as i64, 1)
            && stays(x as i64 - 1, (x + count + 1) as i64, 2);
        if !is_inside {
            for (window, y) in windows.iter_mut().zip(y..) {
                *window = self.window(z, y, x, count);
            }
            return;
        }
        let (all, row) = (u64::MAX >> (WORD - count - 2), self.row_stride());
        let (at, shift) = ((x - 1) / WORD, (x - 1) % WORD);
        let words = &self.words[(z as usize * self.shape[1] + y as usize) * row..][..windows.len() * row];
        // Where the window ends in its first word, the bits of the next are masked out, whichever it is.
        let next = (at + 1).min(row - 1);
        for (window, words) in windows.iter_mut().zip(words.chunks_exact(row)) {
            *window = (words[at] >> shift | words[next] << 1 << (WORD - 1 - shift)) & all;
        }
    }

    /// Whether a box has any foreground.
    #[must_use]
    pub fn has_foreground(&self, start: [usize; 3], end: [usize; 3]) -> bool {
        let (first, last) = (start[2] / WORD, (end[2] - 1) / WORD);
        let of_first = u64::MAX << (start[2] % WORD);
        let of_last = u64::MAX >> (WORD - 1 - (end[2] - 1) % WORD);
        (start[0]..end[0]).flat_map(|z| (start[1]..end[1]).map(move |y| (z, y))).any(|(z, y)| {
            let row = &self.row(z, y)[first..=last];
            if first == last {
                return row[0] & of_first & of_last != 0;
            }
            row[0] & of_first != 0
                || row[last - first] & of_last != 0
                || row[1..last - first].iter().any(|&word| word != 0)
        })
    }

    /// The number of foreground voxels.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.words.par_iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

/// How many words a mask of this shape has.
fn count_words([planes, rows, width]: [usize; 3]) -> Result<usize> {
    let words = planes.checked_mul(rows).and_then(|rows| rows.checked_mul(width.div_ceil(WORD)));
    words.ok_or(Error::out_of_memory::<u64>("the mask", usize::MAX))
}

fn put(bits: u64, at: usize, words: &mut [u64]) {
    let (word, shift) = (at / WORD, at % WORD);
    words[word] |= bits << shift;
    if shift > 0 {
        let over = bits >> (WORD - shift);
        if over != 0 {
            words[word + 1] |= over;
        }
    }
}

fn pack_row<T: Element>(voxels: &[Shared<T>], mask: T, start: usize, words: &mut [u64]) {
    let (chunks, rest) = voxels.as_chunks::<WORD>();
    for (at, chunk) in chunks.iter().enumerate() {
        if Shared::any(chunk, mask) {
            put(T::pack(&Shared::get_all(chunk), mask), start + at * WORD, words);
        }
    }
    for (x, voxel) in rest.iter().enumerate() {
        put(u64::from(voxel.get().is_foreground(mask)), start + chunks.len() * WORD + x, words);
    }
}

#[cfg(test)]
impl MaskRows {
    /// The same mask, its words in a file.
    pub(crate) fn in_a_file(&self) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static FILES: AtomicU32 = AtomicU32::new(0);
        let name = format!("skanrs-mask-{}-{}", std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, bytemuck::cast_slice(&self.words)).unwrap();
        let mask = Self::map(&path, self.shape, self.border).unwrap();
        // Where a file that is mapped cannot be removed, it stays.
        let _ = std::fs::remove_file(path);
        mask
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    fn voxel(z: usize, y: usize, x: usize) -> bool {
        (z * 31 + y * 17 + x * x * 7 + z * y * x).is_multiple_of(3)
    }

    #[test]
    fn windows_are_those_of_each_row() {
        let shape = [4, 5, 200];
        let whole = Array3::from_shape_fn(shape, |(z, y, x)| u8::from(voxel(z, y, x)));
        for border in [false, true] {
            let mut mask = MaskRows::zeros(shape, [border; 3]).unwrap();
            mask.insert([0; 3], &Shared::view(&whole.view()), 1, &Monitor::new()).unwrap();
            for (z, y, rows) in [(-1, -1, 7), (1, 1, 3), (2, 0, 5), (3, 2, 4), (4, 0, 1)] {
                for (x, count) in [(0, 32), (1, 62), (3, 62), (32, 32), (63, 62), (64, 32), (150, 49), (150, 50)] {
                    let mut windows = vec![0; rows];
                    mask.windows(z, y, x, count, &mut windows);
                    let each: Vec<u64> = (y..).take(rows).map(|y| mask.window(z, y, x, count)).collect();
                    assert_eq!(windows, each, "{z} {y} {x} {count}");
                }
            }
        }
    }

    #[test]
    fn blocks_give_the_mask_of_the_whole() {
        let shape = [3, 4, 150];
        let whole = Array3::from_shape_fn(shape, |(z, y, x)| u8::from(voxel(z, y, x)));
        let monitor = Monitor::new();
        let mut mask = MaskRows::zeros(shape, [false; 3]).unwrap();
        for (from, to) in [(0, 3), (3, 70), (70, 150)] {
            let block = whole.slice(ndarray::s![.., .., from..to]);
            mask.insert([0, 0, from], &Shared::view(&block), 1, &monitor).unwrap();
        }
        let mut other = MaskRows::zeros(shape, [false; 3]).unwrap();
        let turned = whole.t();
        other.insert([0; 3], &Shared::view(&turned.t()), 1, &monitor).unwrap();
        assert_eq!(mask.words, other.words);
        assert_eq!(mask.count(), whole.iter().map(|&voxel| u64::from(voxel)).sum::<u64>());
        assert!(whole.indexed_iter().all(|((z, y, x), &v)| mask.get([z, y, x].map(|at| at as i64)) == Some(v == 1)));
        assert_eq!(mask.get([-1, 0, 0]), None);
        assert!(mask.insert([0, 0, 1], &Shared::view(&whole.view()), 1, &monitor).is_err());
    }

    #[test]
    fn sets_bits_of_voxels_only() {
        let mut mask = MaskRows::zeros([2, 3, 70], [false; 3]).unwrap();
        let at = [[0, 0, 0], [0, 0, 69], [1, 2, 64]];
        let bits = at.map(|at| mask.bit(at) as u64);
        mask.set(&bits).unwrap();
        assert!(mask.count() == 3 && at.iter().all(|&at| mask.get(at) == Some(true)));
        for bit in [70, 127, 6 * 128, u64::MAX] {
            assert!(mask.set(&[bit]).is_err());
        }
        assert!(MaskRows::zeros([0, 3, 0], [false; 3]).unwrap().set(&[0]).is_err());
    }

    #[test]
    fn windows_show_the_neighbours_and_the_border() {
        let shape = [2, 3, 130];
        let whole = Array3::from_shape_fn(shape, |(z, y, x)| u8::from(voxel(z, y, x)));
        for border in [[false; 3], [true; 3], [false, true, true]] {
            let mut mask = MaskRows::zeros(shape, border).unwrap();
            mask.insert([0; 3], &Shared::view(&whole.view()), 1, &Monitor::new()).unwrap();
            let expected = |at: [i64; 3]| {
                mask.get(at)
                    .unwrap_or_else(|| !(0..3).any(|axis| border[axis] && !(0..shape[axis] as i64).contains(&at[axis])))
            };
            for (z, y, x, count) in (-1..3).flat_map(|z| (-1..4).map(move |y| (z, y))).flat_map(|(z, y)| {
                [(0, 62), (0, 4), (1, 32), (63, 5), (64, 32), (126, 4), (129, 1)].map(|(x, n)| (z, y, x, n))
            }) {
                let window = mask.window(z, y, x, count);
                for bit in 0..count + 2 {
                    let at = [z, y, (x + bit) as i64 - 1];
                    assert_eq!(window >> bit & 1 == 1, expected(at), "{at:?} {border:?}");
                }
                assert_eq!(window >> 1 >> (count + 1), 0);
            }
        }
    }
}
