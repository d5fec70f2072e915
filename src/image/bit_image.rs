//! A binary 2D or 3D image, one bit a voxel: words of 64 voxels, with an empty border all around.
//!
//! A word holds a cube of 4×4×4 voxels, or a square of 8×8 where the image is a single plane ([`crate::image::word_shape`]).
//! Words lie in raster order. A plane of empty words lies before and after the image, an empty row of words before each plane,
//! which also serves as the one after the plane before, and an empty word before each row likewise. So every voxel has all its
//! 26 neighbours in memory and no kernel asks where the border is; voxels of a word beyond the image are empty too. One more
//! word at the end lets four words be read where three are wanted.
//!
//! Cost: a bit a voxel and the border; pages that hold no foreground are never touched. Packing reads each voxel once, in the
//! order of memory, at the speed of memory where background prevails.

use std::ops::Range;

use ndarray::{ArrayView3, ArrayViewMut3, Axis, s};
use rayon::prelude::*;

use crate::image::elements::{AnyBit, Element, Foreground, Shared};
use crate::image::foreground::join;
use crate::image::mask_rows::MaskRows;
use crate::image::word_shape::{WORD, logarithms, set_bits};
use crate::support::allocate::{Grow, try_filled, try_zeros};
use crate::support::errors::{Error, Result};
use crate::support::huge_pages;
use crate::support::prefetch::prefetch;
use crate::support::threads::Monitor;

/// Bytes that come from memory at a time.
const LINE: usize = 64;

/// A binary image, one bit a voxel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitImage {
    shape: [usize; 3],
    /// Binary logarithms of the sides of a word.
    log: [u32; 3],
    words: Vec<u64>,
}

impl BitImage {
    /// An image of background.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if the words cannot be reserved.
    pub fn zeros(shape: [usize; 3]) -> Result<Self> {
        Self::zeros_of(shape, logarithms(shape[0]))
    }

    fn zeros_of(shape: [usize; 3], log: [u32; 3]) -> Result<Self> {
        let words = length(shape, log).ok_or(Error::out_of_memory::<u64>("the bit image", usize::MAX))?;
        let mut words = try_zeros("the bit image", words)?;
        huge_pages::advise_huge_pages(&mut words);
        Ok(Self { shape, log, words })
    }

    /// How many words an image of `shape` has, border included; none if they cannot be counted.
    #[must_use]
    pub fn length_of(shape: [usize; 3]) -> Option<usize> {
        length(shape, logarithms(shape[0]))
    }

    /// Makes an image of background one of another shape, in the memory that it has.
    ///
    /// # Panics
    /// If the image of that shape has more words.
    pub fn reshape(&mut self, shape: [usize; 3]) {
        debug_assert!(self.words.iter().all(|&word| word == 0), "there is no foreground");
        (self.shape, self.log) = (shape, logarithms(shape[0]));
        let words = Self::length_of(shape).filter(|&words| words <= self.words.len());
        self.words.truncate(words.expect("the image is not larger than the one before"));
    }

    /// The foreground of `view`: the voxels with any bit of `mask`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or [`Error::Interrupted`] through `monitor`.
    pub fn pack<T: Element>(view: &ArrayView3<'_, T>, mask: T, monitor: &Monitor) -> Result<Self> {
        Self::pack_at([0; 3], view, mask, logarithms(view.dim().0), monitor)
    }

    /// The foreground of `view` in an image that begins so many voxels before it, fewer than a word has; `log` are the binary
    /// logarithms of the sides of the words. So the words of a chunk are those of the image that it was cut from.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or [`Error::Interrupted`] through `monitor`.
    pub fn pack_at<T: Element>(
        origin: [usize; 3],
        view: &ArrayView3<'_, T>,
        mask: T,
        log: [u32; 3],
        monitor: &Monitor,
    ) -> Result<Self> {
        Self::pack_by(origin, view, &AnyBit(mask), log, monitor)
    }

    /// As [`BitImage::pack_at`], by any rule. If the rule is given up, the image is not complete.
    pub(super) fn pack_by<T: Element>(
        origin: [usize; 3],
        view: &ArrayView3<'_, T>,
        rule: &impl Foreground<T>,
        log: [u32; 3],
        monitor: &Monitor,
    ) -> Result<Self> {
        let (nz, ny, nx) = view.dim();
        let mut image = Self::zeros_of([nz + origin[0], ny + origin[1], nx + origin[2]], log)?;
        if view.is_empty() {
            return Ok(image);
        }
        let view = Shared::view(view);
        if view.strides()[2] == 1 || nx == 1 {
            image.pack_rows(origin, &view, rule, monitor)?;
        } else {
            image.pack_lanes(origin, &view, rule, monitor)?;
        }
        Ok(image)
    }

    /// The foreground of a mask that is packed in rows.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or [`Error::Interrupted`] through `monitor`.
    pub fn of_rows(mask: &MaskRows, monitor: &Monitor) -> Result<Self> {
        let mut image = Self::zeros(mask.shape())?;
        let [depth, height, _] = image.shape;
        if image.shape.contains(&0) {
            return Ok(image);
        }
        let strides = WordStrides::of(&image);
        let [side_z, side_y, side_x] = image.sides();
        let planes = image.words[strides.plane..].par_chunks_mut(strides.plane).enumerate();
        planes.take(depth.div_ceil(side_z)).try_for_each(|(plane, words)| {
            monitor.check()?;
            for (row, words) in words[strides.row..].chunks_exact_mut(strides.row).enumerate() {
                let mut rows: [&[u64]; MOST_ROWS] = [&[]; MOST_ROWS];
                for z in covered(plane * side_z, side_z, 0, depth) {
                    for y in covered(row * side_y, side_y, 0, height) {
                        rows[z % side_z * side_y + y % side_y] = mask.row(z, y);
                    }
                }
                for (column, words) in words[1..].chunks_mut(WORD / side_x).enumerate() {
                    gather(rows.iter().map(|row| row.get(column).unwrap_or(&0)), side_x, words);
                }
            }
            Ok(())
        })?;
        Ok(image)
    }

    /// The linear indices of the foreground, ascending.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], or [`Error::Interrupted`] through `monitor`.
    pub fn indices(&self, monitor: &Monitor) -> Result<Vec<i64>> {
        let strides = WordStrides::of(self);
        let [side_z, side_y, side_x] = self.sides();
        let [_, height, width] = self.shape;
        let planes = (0..self.words_along(0)).into_par_iter().map(|plane| {
            monitor.check()?;
            let mut found = Vec::new();
            let rows = self.words[(plane + 1) * strides.plane + strides.row..].chunks(strides.row);
            for (row, words) in rows.take(self.words_along(1)).enumerate() {
                for (column, &word) in words[1..].iter().enumerate() {
                    let index = |bit: usize| {
                        let (line, x) = (bit / side_x, column * side_x + bit % side_x);
                        let (z, y) = (plane * side_z + line / side_y, row * side_y + line % side_y);
                        ((z * height + y) * width + x) as i64
                    };
                    found.try_extend("the foreground", set_bits(word).map(index))?;
                }
            }
            found.sort_unstable();
            Ok(found)
        });
        join(planes.collect::<Result<_>>()?)
    }

    /// Packs an image whose rows are contiguous: the rows that share words at a time.
    fn pack_rows<T: Element>(
        &mut self,
        origin: [usize; 3],
        view: &ArrayView3<'_, Shared<T>>,
        rule: &impl Foreground<T>,
        monitor: &Monitor,
    ) -> Result<()> {
        let strides = WordStrides::of(self);
        let [side_z, side_y, side_x] = self.sides();
        let (nz, ny, _) = view.dim();
        let columns = self.shape[2].div_ceil(WORD);
        // Rows with gaps between them, as a chunk's are, come from memory one by one unless they are asked for.
        let has_gaps = view.strides()[1] != view.dim().2.cast_signed();
        let ahead = has_gaps.then(|| side_y.cast_signed() * view.strides()[1]);
        let planes = self.words[strides.plane..].par_chunks_mut(strides.plane).enumerate();
        planes.take(self.shape[0].div_ceil(side_z)).try_for_each(|(plane, words)| {
            monitor.check()?;
            let rows = words[strides.row..].chunks_exact_mut(strides.row);
            let mut packed = try_filled("rows of the bit image", side_z * side_y * columns, 0)?;
            let z = covered(plane * side_z, side_z, origin[0], nz);
            for (row, words) in rows.enumerate().take_while(|_| !rule.is_given_up()) {
                packed.fill(0);
                let y = covered(row * side_y, side_y, origin[1], ny);
                for (z, y) in z.clone().flat_map(|z| y.clone().map(move |y| (z, y))) {
                    let voxels = view.slice(s![z, y, ..]);
                    let Some(voxels) = voxels.to_slice() else { unreachable!("a row of unit stride is a slice") };
                    let at = (z + origin[0]) % side_z * side_y + (y + origin[1]) % side_y;
                    if let Some(ahead) = ahead {
                        let line = (LINE / size_of::<T>()).max(1);
                        (0..voxels.len()).step_by(line).for_each(|x| prefetch(voxels, x.wrapping_add_signed(ahead)));
                    }
                    let packed = &mut packed[at * columns..][..columns];
                    pack_row(voxels, rule, packed);
                    shift_row(packed, origin[2]);
                }
                for (column, words) in words[1..].chunks_mut(WORD / side_x).enumerate() {
                    gather(packed[column..].iter().step_by(columns), side_x, words);
                }
            }
            Ok(())
        })
    }

    /// Packs an image of any strides along its densest axis.
    fn pack_lanes<T: Element>(
        &mut self,
        origin: [usize; 3],
        view: &ArrayView3<'_, Shared<T>>,
        rule: &impl Foreground<T>,
        monitor: &Monitor,
    ) -> Result<()> {
        const PLANES: usize = 16;
        let strides = WordStrides::of(self);
        let (log, sides) = (self.log, self.sides());
        let mut axes = [0, 1, 2];
        axes.sort_by_key(|&axis| std::cmp::Reverse(view.strides()[axis].unsigned_abs()));
        let slabs = self.words[strides.plane..].par_chunks_mut(PLANES * strides.plane).enumerate();
        let count = self.shape[0].div_ceil(PLANES * sides[0]);
        slabs.take(count).try_for_each(|(slab, words)| {
            let z = covered(slab * PLANES * sides[0], PLANES * sides[0], origin[0], view.dim().0);
            let first = [z.start + origin[0], origin[1], origin[2]];
            let slab_start = (slab * PLANES + 1) * strides.plane;
            let slab = view.slice(s![z, .., ..]).permuted_axes(axes);
            for (outer, plane) in slab.outer_iter().enumerate().take_while(|_| !rule.is_given_up()) {
                monitor.check()?;
                for (middle, lane) in plane.outer_iter().enumerate() {
                    let mut position = first;
                    position[axes[0]] += outer;
                    position[axes[1]] += middle;
                    for value in lane {
                        if rule.is_foreground(value.get()) {
                            let (index, bit) = strides.locate(log, position);
                            words[index - slab_start] |= 1 << bit;
                        }
                        position[axes[2]] += 1;
                    }
                }
            }
            Ok(())
        })
    }

    /// Writes ones at the foreground into `output`, which is zero and of this image's shape; background is not touched.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn unpack_into(&self, output: ArrayViewMut3<'_, u8>) {
        self.unpack_as(1, output);
    }

    /// Writes a value at the foreground, as [`BitImage::unpack_into`] does ones.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn unpack_as<T: Element>(&self, value: T, mut output: ArrayViewMut3<'_, T>) {
        assert_eq!(output.shape(), self.shape, "the output has the shape of the image");
        let strides = WordStrides::of(self);
        let [side_z, side_y, side_x] = self.sides();
        output.axis_chunks_iter_mut(Axis(0), side_z).into_par_iter().enumerate().for_each(|(at, mut slab)| {
            let words = &self.words[(at + 1) * strides.plane + strides.row..];
            for (mut band, words) in slab.axis_chunks_iter_mut(Axis(1), side_y).zip(words.chunks(strides.row)) {
                for (column, &word) in words[1..].iter().enumerate() {
                    for bit in set_bits(word) {
                        let (row, x) = (bit / side_x, bit % side_x);
                        band[(row / side_y, row % side_y, column * side_x + x)] = value;
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

    /// The voxels of a word along (z, y, x).
    #[must_use]
    pub fn sides(&self) -> [usize; 3] {
        self.log.map(|log| 1 << log)
    }

    /// The number of words along an axis, without the border.
    #[must_use]
    pub const fn words_along(&self, axis: usize) -> usize {
        self.shape[axis].div_ceil(1 << self.log[axis])
    }

    /// Words from a row to the next, the empty one included.
    #[must_use]
    pub const fn row_stride(&self) -> usize {
        self.words_along(2) + 1
    }

    /// Words from a plane to the next, the empty row included.
    #[must_use]
    pub const fn plane_stride(&self) -> usize {
        self.row_stride() * (self.words_along(1) + 1)
    }

    /// All words but those of the empty planes before and after the image.
    #[must_use]
    pub const fn inner(&self) -> Range<usize> {
        self.plane_stride()..(self.words_along(0) + 1) * self.plane_stride()
    }

    /// The first word of row `y` of plane `z` of words.
    #[must_use]
    pub const fn index(&self, z: usize, y: usize) -> usize {
        (z + 1) * self.plane_stride() + (y + 1) * self.row_stride() + 1
    }

    /// Whether voxel (z, y, x) is foreground.
    #[must_use]
    pub fn get(&self, z: usize, y: usize, x: usize) -> bool {
        let (index, bit) = WordStrides::of(self).locate(self.log, [z, y, x]);
        self.words[index] >> bit & 1 == 1
    }

    /// All words, border included.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// All words, including the border, which the caller must keep empty.
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

/// How many words an image has, border included.
fn length(shape: [usize; 3], log: [u32; 3]) -> Option<usize> {
    let [z, y, x]: [usize; 3] = std::array::from_fn(|axis| shape[axis].div_ceil(1 << log[axis]));
    let rows = z.checked_add(2)?.checked_mul(y.checked_add(1)?)?.checked_add(1)?;
    rows.checked_mul(x.checked_add(1)?)?.checked_add(2)
}

/// The strides of a bit image.
#[derive(Clone, Copy)]
struct WordStrides {
    row: usize,
    plane: usize,
}

impl WordStrides {
    const fn of(image: &BitImage) -> Self {
        Self { row: image.row_stride(), plane: image.plane_stride() }
    }

    /// The word of a voxel, and its bit there.
    #[inline]
    fn locate(self, log: [u32; 3], position: [usize; 3]) -> (usize, usize) {
        let [z, y, x] = [0, 1, 2].map(|axis| position[axis] >> log[axis]);
        let bit = (0..3).fold(0, |bit, axis| bit << log[axis] | (position[axis] & ((1 << log[axis]) - 1)));
        ((z + 1) * self.plane + (y + 1) * self.row + 1 + x, bit)
    }
}

/// Packs a contiguous row, `words` being zero.
fn pack_row<T: Element>(row: &[Shared<T>], rule: &impl Foreground<T>, words: &mut [u64]) {
    let (chunks, rest) = row.as_chunks::<WORD>();
    // Most of an image is background, which is passed over uncopied.
    let mask = rule.mask();
    let pack = |chunk| if Shared::any(chunk, mask) { rule.pack(&Shared::get_all(chunk)) } else { 0 };
    for (chunk, word) in chunks.iter().zip(words.iter_mut()) {
        *word = pack(chunk);
    }
    if rest.is_empty() {
        return;
    }
    words[chunks.len()] = match row.last_chunk() {
        // Those before the rest were packed already.
        Some(last) => pack(last) >> (WORD - rest.len()),
        None => {
            rest.iter().enumerate().fold(0, |word, (x, value)| word | u64::from(rule.is_foreground(value.get())) << x)
        }
    };
}

/// The voxels of a view that lie in the `length` coordinates from `start` of an image in which the view begins at `origin`.
fn covered(start: usize, length: usize, origin: usize, voxels: usize) -> Range<usize> {
    start.saturating_sub(origin)..(start + length).saturating_sub(origin).min(voxels)
}

/// Moves the voxels of a packed row by a number of bits.
fn shift_row(row: &mut [u64], count: usize) {
    if count > 0 {
        let mut carried = 0;
        for word in row {
            (*word, carried) = (*word << count | carried, *word >> (WORD - count));
        }
    }
}

/// The words of a column of 64 voxels, from the rows that they share: `side` bits of each row, one after the other.
#[inline]
fn gather<'a>(rows: impl Iterator<Item = &'a u64>, side: usize, words: &mut [u64]) {
    let mut parts = [0; MOST_ROWS];
    for (part, row) in parts.iter_mut().zip(rows) {
        *part = *row;
    }
    if parts.iter().fold(0, |any, row| any | row) == 0 {
        return;
    }
    match side {
        4 => transpose::<4>(&mut parts),
        _ => transpose::<8>(&mut parts),
    }
    for (word, part) in words.iter_mut().zip(parts) {
        *word |= part;
    }
}

/// The most rows that share words: those of a cube.
const MOST_ROWS: usize = 16;

/// Exchanges rows and columns of a square matrix whose elements have so many bits, a row a word: halves of rows with those of
/// the rows that many on, then quarters, and so on.
#[inline]
fn transpose<const BITS: usize>(rows: &mut [u64; MOST_ROWS]) {
    let mut half = WORD / BITS / 2;
    while half > 0 {
        let shift = half * BITS;
        // The lower half of each pair of halves.
        let lower = u64::MAX / ((1 << shift) + 1);
        for row in (0..WORD / BITS).filter(|row| row & half == 0) {
            let exchanged = (rows[row] >> shift ^ rows[row + half]) & lower;
            rows[row] ^= exchanged << shift;
            rows[row + half] ^= exchanged;
        }
        half /= 2;
    }
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
            let packed = BitImage::pack(&image.view(), 0xff, &Monitor::new()).unwrap();
            let mut unpacked = Array3::zeros(shape);
            packed.unpack_into(unpacked.view_mut());
            assert_eq!(unpacked, image.mapv(|value| u8::from(value != 0)));
            assert_eq!(packed.count(), image.iter().filter(|&&value| value != 0).count() as u64);
            for axes in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                let transposed = image.view().permuted_axes(axes);
                let copy = Array3::from_shape_vec(transposed.raw_dim(), transposed.iter().copied().collect()).unwrap();
                let from_view = BitImage::pack(&transposed, 0xff, &Monitor::new()).unwrap();
                assert_eq!(from_view, BitImage::pack(&copy.view(), 0xff, &Monitor::new()).unwrap());
            }
        }
    }

    #[test]
    fn rows_give_the_same_image_and_its_indices_ascend() {
        for shape in [(1, 9, 70), (3, 4, 200), (9, 10, 64), (0, 4, 5), (5, 1, 1)] {
            let image = pattern(shape);
            let mut rows = MaskRows::zeros(shape.into(), [false; 3]).unwrap();
            rows.insert([0; 3], &Shared::view(&image.view()), 0xff, &Monitor::new()).unwrap();
            let packed = BitImage::of_rows(&rows, &Monitor::new()).unwrap();
            assert_eq!(packed, BitImage::pack(&image.view(), 0xff, &Monitor::new()).unwrap());
            let expected: Vec<i64> =
                image.iter().zip(0..).filter(|&(&value, _)| value != 0).map(|(_, at)| at).collect();
            assert_eq!(packed.indices(&Monitor::new()).unwrap(), expected);
            let mut unpacked = Array3::from_elem(shape, 7);
            rows.unpack_into(unpacked.view_mut(), &Monitor::new()).unwrap();
            assert_eq!(unpacked, image.mapv(|value| u8::from(value != 0)));
        }
    }

    #[test]
    fn packs_wider_elements_by_their_mask() {
        let values = [0_u64, 1 << 63, 1, u64::MAX];
        let image = Array3::from_shape_vec((1, 1, 4).f(), values.to_vec()).unwrap();
        let packed = BitImage::pack(&image.view(), u64::MAX >> 1, &Monitor::new()).unwrap();
        assert_eq!([0, 1, 2, 3].map(|x| packed.get(0, 0, x)), [false, false, true, true]);
    }

    #[test]
    fn refuses_what_cannot_be_reserved() {
        assert!(matches!(BitImage::zeros([1 << 40, 1 << 40, 64]), Err(Error::OutOfMemory { .. })));
    }
}
