//! The background of a mask, one bit per voxel, and its nearest voxel in a row.
//!
//! A row is stored as words of 64 voxels, with an empty word before each row and after the last. So voxels outside a row are not
//! background, and a window around any voxel of the row is in memory.

use ndarray::{ArrayView3, Axis, s};
use rayon::prelude::*;

use crate::image::elements::{Element, Shared};
use crate::image::mask_rows::MaskRows;
use crate::image::word_shape::WORD;
use crate::support::allocate::{make_room_exactly, try_zeros};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// The voxels of a window before and after its own voxel.
const BACK: usize = WORD / 2;

/// Planes that a task reads, so that memory that runs along them is read in lines.
const PLANES: usize = 16;

/// The background of a block.
#[derive(Debug)]
pub struct Background {
    shape: [usize; 3],
    words: Vec<u64>,
    is_empty: bool,
}

impl Background {
    /// The voxels of `view` that have no bit of `mask`.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`], or [`crate::support::errors::Error::Interrupted`] through `monitor`.
    pub fn pack<T: Element>(view: &ArrayView3<'_, Shared<T>>, mask: T, monitor: &Monitor) -> Result<Self> {
        let (nz, ny, nx) = view.dim();
        let mut background = Self { shape: [nz, ny, nx], words: Vec::new(), is_empty: true };
        if view.is_empty() {
            return Ok(background);
        }
        let (row, plane) = (background.row_stride(), background.plane_stride());
        background.words = try_zeros("the background", nz * plane + 2)?;
        let slabs = background.words[1..=nz * plane].par_chunks_mut(PLANES * plane).enumerate();
        let any = slabs.map(|(slab, words)| {
            monitor.check()?;
            let from = slab * PLANES;
            let view = view.slice(s![from..(from + PLANES).min(nz), .., ..]);
            if view.strides()[2] == 1 || nx == 1 {
                for (words, row) in words.chunks_exact_mut(row).zip(view.lanes(Axis(2))) {
                    let Some(row) = row.to_slice() else { unreachable!("a row of unit stride is a slice") };
                    pack_row(row, mask, words);
                }
            } else {
                pack_lanes(&view, mask, words, [plane, row]);
            }
            Ok(words.chunks_exact_mut(row).fold(0, |any, words| any | turn_over(&mut words[..row - 1], nx)))
        });
        let any = any.try_reduce(|| 0, |one, other| Ok(one | other))?;
        background.is_empty = any == 0;
        Ok(background)
    }

    /// The voxels that are not in `mask`.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn of_mask(mask: &MaskRows) -> Result<Self> {
        let mut background = Self { shape: mask.shape(), words: Vec::new(), is_empty: true };
        let [nz, ny, nx] = background.shape;
        if background.shape.contains(&0) {
            return Ok(background);
        }
        let (row, plane) = (background.row_stride(), background.plane_stride());
        background.words = try_zeros("the background", nz * plane + 2)?;
        let planes = background.words[1..=nz * plane].par_chunks_exact_mut(plane).enumerate();
        let any = planes.map(|(z, words)| {
            words.chunks_exact_mut(row).zip(0..ny).fold(0, |any, (words, y)| {
                words[..row - 1].copy_from_slice(mask.row(z, y));
                any | turn_over(&mut words[..row - 1], nx)
            })
        });
        background.is_empty = any.reduce(|| 0, |one, other| one | other) == 0;
        Ok(background)
    }

    /// Calls a function with the voxels that are not in `mask`, in whose memory they are in the meantime; those of a file are copied.
    ///
    /// # Errors
    /// Those of the function, or [`crate::support::errors::Error::OutOfMemory`]; the mask is as it was then, too.
    pub fn within<T>(mask: &mut MaskRows, function: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let mut background = Self { shape: mask.shape(), words: Vec::new(), is_empty: true };
        let [nz, ny, nx] = background.shape;
        if background.shape.contains(&0) {
            return function(&background);
        }
        let (row, rows) = (background.row_stride(), nz * ny);
        let Some(mut words) = mask.take_words() else { return function(&Self::of_mask(mask)?) };
        let count = words.len();
        if let Err(error) = make_room_exactly("the background", &mut words, rows * row + 2 - count) {
            mask.put_words(words);
            return Err(error);
        }
        words.resize(rows * row + 2, 0);
        let mut any = 0;
        // From the last row on, so that none is overwritten before it has moved.
        for at in (0..rows).rev() {
            let first = 1 + at * row;
            words.copy_within(at * (row - 1)..(at + 1) * (row - 1), first);
            any |= turn_over(&mut words[first..first + row - 1], nx);
            words[first + row - 1] = 0;
        }
        words[0] = 0;
        (background.words, background.is_empty) = (words, any == 0);
        let result = function(&background);
        let mut words = background.words;
        for at in 0..rows {
            let first = at * (row - 1);
            words.copy_within(1 + at * row..(at + 1) * row, first);
            turn_over(&mut words[first..first + row - 1], nx);
        }
        words.truncate(count);
        words.shrink_to_fit();
        mask.put_words(words);
        result
    }

    /// Words from a row to the next, including the empty one.
    pub(super) fn row_stride(&self) -> usize {
        self.shape[2].div_ceil(WORD) + 1
    }

    /// Words from a plane to the next.
    pub(super) fn plane_stride(&self) -> usize {
        self.row_stride() * self.shape[1]
    }

    /// The first word of row (z, y).
    pub(super) fn index(&self, z: usize, y: usize) -> usize {
        1 + z * self.plane_stride() + y * self.row_stride()
    }

    /// The words of the row whose first one is given.
    pub(super) fn row(&self, first: usize) -> &[u64] {
        &self.words[first..][..self.shape[2].div_ceil(WORD)]
    }

    /// Whether a voxel is background.
    pub(super) fn contains(&self, [z, y, x]: [usize; 3]) -> bool {
        self.words[self.index(z, y) + x / WORD] >> (x % WORD) & 1 != 0
    }

    /// The shape of the block.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Whether no voxel is background.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// The distance in steps along the row whose first word is `row` from voxel `x` to the nearest background in it, if it is
    /// less than `limit`.
    #[inline]
    pub(super) fn nearest_in_row(&self, row: usize, x: usize, limit: impl Fn(usize) -> bool) -> Option<usize> {
        let window = self.window(row * WORD + x - BACK);
        // None on a side counts as beyond the window.
        let before = (window << BACK).leading_zeros() as usize + 1;
        let after = (window >> BACK).trailing_zeros() as usize;
        let nearest = before.min(after);
        if nearest < BACK {
            return Some(nearest);
        }
        if limit(BACK) { self.nearest_beyond(row, x, limit) } else { None }
    }

    /// The 64 voxels that begin at a bit, counted from the first word.
    #[inline]
    fn window(&self, bit: usize) -> u64 {
        let words = &self.words;
        let (at, shift) = (bit / WORD, bit % WORD);
        // Two shifts, since one of 64 is none.
        words[at] >> shift | words[at + 1] << 1 << (WORD - 1 - shift)
    }

    /// The same outside the window; `limit` tells whether a number of steps is small enough.
    fn nearest_beyond(&self, row: usize, x: usize, limit: impl Fn(usize) -> bool) -> Option<usize> {
        let words = self.row(row);
        let at = x / WORD;
        let before = words[..=at].iter().enumerate().rev().find_map(|(number, &word)| {
            let word = if number == at { word & (u64::MAX >> (WORD - 1 - x % WORD)) } else { word };
            let edge = x.saturating_sub(number * WORD + WORD - 1);
            if word == 0 {
                (!limit(edge)).then_some(None)
            } else {
                Some(Some(x - number * WORD - word.ilog2() as usize))
            }
        });
        let after = words[at..].iter().zip(at..).find_map(|(&word, number)| {
            let word = if number == at { word & (u64::MAX << (x % WORD)) } else { word };
            let edge = (number * WORD).saturating_sub(x);
            let first = number * WORD + word.trailing_zeros() as usize;
            if word == 0 { (!limit(edge)).then_some(None) } else { Some(Some(first - x)) }
        });
        [before.flatten(), after.flatten()].into_iter().flatten().min()
    }
}

/// Packs the foreground of a row.
fn pack_row<T: Element>(voxels: &[Shared<T>], mask: T, words: &mut [u64]) {
    let (chunks, rest) = voxels.as_chunks::<WORD>();
    for (chunk, word) in chunks.iter().zip(words.iter_mut()) {
        if Shared::any(chunk, mask) {
            *word = T::pack(&Shared::get_all(chunk), mask);
        }
    }
    for (x, voxel) in rest.iter().enumerate() {
        words[chunks.len()] |= u64::from(voxel.get().is_foreground(mask)) << x;
    }
}

/// Packs the foreground of planes of any strides, in the order of memory.
fn pack_lanes<T: Element>(view: &ArrayView3<'_, Shared<T>>, mask: T, words: &mut [u64], strides: [usize; 2]) {
    let mut axes = [0, 1, 2];
    axes.sort_by_key(|&axis| std::cmp::Reverse(view.strides()[axis].unsigned_abs()));
    for (outer, plane) in view.view().permuted_axes(axes).outer_iter().enumerate() {
        for (middle, lane) in plane.outer_iter().enumerate() {
            let mut position = [0; 3];
            position[axes[0]] = outer;
            position[axes[1]] = middle;
            for voxel in lane {
                if voxel.get().is_foreground(mask) {
                    words[position[0] * strides[0] + position[1] * strides[1] + position[2] / WORD] |=
                        1 << (position[2] % WORD);
                }
                position[axes[2]] += 1;
            }
        }
    }
}

/// Inverts the foreground of a row of `length` voxels to its background; returns nonzero if there is any.
fn turn_over(words: &mut [u64], length: usize) -> u64 {
    let mut any = 0;
    for (at, word) in words.iter_mut().enumerate() {
        *word = !*word & (u64::MAX >> (WORD - (length - at * WORD).min(WORD)));
        any |= *word;
    }
    any
}
