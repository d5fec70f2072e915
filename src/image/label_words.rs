//! A label image as words of single labels: for each word of the image and each label in it, the voxels of that label.
//!
//! The value of a voxel is its *label*; 0 is background. Words are those of [`crate::image::word_shape`]. One pass reads every voxel
//! once and finds the labels, their voxels and their words. An object of n voxels has about n / 40 words, wherever it lies and
//! however large its bounding box is.
//!
//! Cost: a comparison of 64 voxels for each label in a word; a word without a label, or with one only, takes one look. Memory: 28
//! bytes a word and label, one byte for two voxels where objects are solid.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::{ArrayView1, ArrayView3, ArrayViewMut3, Axis, s};
use rayon::prelude::*;

use crate::image::elements::{Element, Shared};
use crate::image::word_shape::{Cube, Square, WORD, WordShape, logarithms, set_bits};
use crate::support::allocate::{Grow, try_collect, try_filled};
use crate::support::errors::{Error, Result, check_numbers};
use crate::support::prefetch::{AHEAD, prefetch};
use crate::support::threads::Monitor;

/// What its buffers are for.
const LABELS: &str = "the labels";

/// Rows of voxels in a word, at most.
const MOST_ROWS: usize = 16;

/// The words of a plane of words, in raster order; a word stands once for each of its labels.
#[derive(Default)]
struct Plane {
    /// The number of the label: first in the plane, then in the image.
    labels: Vec<u32>,
    /// The number of the word in the plane.
    indices: Vec<u32>,
    /// The voxels, which several threads replace, each those of its own label.
    voxels: Vec<AtomicU64>,
    /// The values of the labels in this plane, and how many voxels they have.
    values: Vec<u64>,
    counts: Vec<u64>,
}

/// A label image by words.
pub struct LabelWords {
    shape: [usize; 3],
    /// Words of an image along (y, x).
    along: [usize; 2],
    planes: Vec<Plane>,
    /// The labels, ascending as unsigned integers.
    values: Vec<u64>,
    counts: Vec<u64>,
    /// Where the entries of each label begin: the number of the plane, of the entry there and of the word there, in raster order.
    starts: Vec<usize>,
    entries: Vec<[u32; 3]>,
}

/// The words of one label.
pub struct LabelEntries<'a> {
    words: &'a LabelWords,
    entries: &'a [[u32; 3]],
}

impl LabelWords {
    /// The words of `view`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], [`Error::Interrupted`] through `monitor`, and [`Error::InvalidArgument`] for planes of more words, or
    /// images of more labels, than 32 bits number.
    pub fn of<T: Element>(view: &ArrayView3<'_, T>, monitor: &Monitor) -> Result<Self> {
        if logarithms(view.dim().0) == Square::LOG {
            Self::of_words::<T, Square>(view, monitor)
        } else {
            Self::of_words::<T, Cube>(view, monitor)
        }
    }

    fn of_words<T: Element, W: WordShape>(view: &ArrayView3<'_, T>, monitor: &Monitor) -> Result<Self> {
        let shape: [usize; 3] = view.dim().into();
        let [in_z, in_y, in_x]: [usize; 3] = std::array::from_fn(|axis| shape[axis].div_ceil(W::SIDES[axis]));
        check_numbers("image", in_y.saturating_mul(in_x).max(in_z))?;
        let view = Shared::view(view);
        let planes = (0..in_z).into_par_iter().map(|z| {
            monitor.check()?;
            plane_of::<T, W>(&view, z)
        });
        let mut planes = planes.collect::<Result<Vec<_>>>()?;
        let (values, counts) = number_labels(&mut planes)?;
        let mut starts = try_filled(LABELS, values.len() + 1, 0_usize)?;
        for &label in planes.iter().flat_map(|plane| &plane.labels) {
            starts[label as usize + 1] += 1;
        }
        for label in 0..values.len() {
            starts[label + 1] += starts[label];
        }
        let mut next = try_collect(LABELS, starts.iter().copied())?;
        let mut entries = try_filled(LABELS, starts[values.len()], [0; 3])?;
        for (z, plane) in planes.iter().enumerate() {
            for (at, (&label, &index)) in plane.labels.iter().zip(&plane.indices).enumerate() {
                entries[next[label as usize]] = [z as u32, at as u32, index];
                next[label as usize] += 1;
            }
        }
        Ok(Self { shape, along: [in_y, in_x], planes, values, counts, starts, entries })
    }

    /// The labels, ascending as unsigned integers.
    #[must_use]
    pub fn values(&self) -> &[u64] {
        &self.values
    }

    /// How many voxels each label had when the image was read.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The smallest box of whole words, as far as they lie in the image, that holds the label of this number, in voxels.
    #[must_use]
    pub fn box_of(&self, label: usize) -> [Range<usize>; 3] {
        let (sides, words) = (logarithms(self.shape[0]).map(|log| 1 << log), self.of_label(label).box_of_words());
        std::array::from_fn(|axis| {
            words[axis].start * sides[axis]..(words[axis].end * sides[axis]).min(self.shape[axis])
        })
    }

    /// The number of voxels along (z, y, x).
    #[must_use]
    pub const fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// The words of the label of this number.
    #[must_use]
    pub fn of_label(&self, label: usize) -> LabelEntries<'_> {
        LabelEntries { words: self, entries: &self.entries[self.starts[label]..self.starts[label + 1]] }
    }

    /// Writes the labels for which `is_kept` holds into `output`, which is zero and of this image's shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn write_into<T: Element>(&self, mut output: ArrayViewMut3<'_, T>, is_kept: &[bool]) {
        assert_eq!(output.shape(), self.shape, "the output has the shape of the image");
        let [_, side_y, side_x] = logarithms(self.shape[0]).map(|log| 1 << log);
        let slabs = output.axis_chunks_iter_mut(Axis(0), 1 << logarithms(self.shape[0])[0]).into_par_iter();
        slabs.zip(&self.planes).for_each(|(mut slab, plane)| {
            for ((&label, &index), voxels) in plane.labels.iter().zip(&plane.indices).zip(&plane.voxels) {
                if !is_kept[label as usize] {
                    continue;
                }
                let value = T::from_bits(self.values[label as usize]);
                let (y, x) = (index as usize / self.along[1] * side_y, index as usize % self.along[1] * side_x);
                for bit in set_bits(voxels.load(Ordering::Relaxed)) {
                    let row = bit / side_x;
                    slab[(row / side_y, y + row % side_y, x + bit % side_x)] = value;
                }
            }
        });
    }
}

impl LabelEntries<'_> {
    /// The number of words.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The smallest box of words that holds them.
    #[must_use]
    pub fn box_of_words(&self) -> [Range<usize>; 3] {
        let mut ends = [[usize::MAX, 0]; 3];
        for at in 0..self.len() {
            for (end, word) in ends.iter_mut().zip(self.position(at)) {
                *end = [end[0].min(word), end[1].max(word + 1)];
            }
        }
        ends.map(|[start, end]| start..end)
    }

    /// The position of a word along (z, y, x), in words.
    #[must_use]
    pub fn position(&self, at: usize) -> [usize; 3] {
        let [z, _, index] = self.entries[at];
        // Planes have no more words than 32 bits number.
        let in_row = self.words.along[1] as u32;
        [z, index / in_row, index % in_row].map(|number| number as usize)
    }

    /// The voxels of the label in a word.
    #[must_use]
    pub fn voxels(&self, at: usize) -> u64 {
        self.entry(at).load(Ordering::Relaxed)
    }

    /// Calls `visit` with the voxels of each row of each word: where it begins, and a bit for each voxel from there on.
    pub fn for_each_row(&self, mut visit: impl FnMut([usize; 3], u64)) {
        let [side_z, side_y, side_x] = logarithms(self.words.shape[0]).map(|log| 1 << log);
        for at in 0..self.len() {
            let ([z, y, x], voxels) = (self.position(at), self.voxels(at));
            for row in 0..side_z * side_y {
                let bits = voxels >> (row * side_x) & (u64::MAX >> (WORD - side_x));
                if bits != 0 {
                    visit([z * side_z + row / side_y, y * side_y + row % side_y, x * side_x], bits);
                }
            }
        }
    }

    /// The words with their numbers, whose voxels are asked for some time before: they lie in planes far from each other.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        (0..self.len()).map(|at| {
            if let Some(&[z, later, _]) = self.entries.get(at + AHEAD) {
                prefetch(self.words.planes[z as usize].voxels.as_slice(), later as usize);
            }
            (at, self.voxels(at))
        })
    }

    /// Replaces the voxels of the label in a word.
    pub fn replace(&self, at: usize, voxels: u64) {
        self.entry(at).store(voxels, Ordering::Relaxed);
    }

    fn entry(&self, at: usize) -> &AtomicU64 {
        let [z, entry, _] = self.entries[at];
        &self.words.planes[z as usize].voxels[entry as usize]
    }
}

/// The words of plane `z` of words, with labels numbered as they come.
fn plane_of<T: Element, W: WordShape>(view: &ArrayView3<'_, Shared<T>>, z: usize) -> Result<Plane> {
    let (mut plane, mut numbers) = (Plane::default(), HashMap::new());
    let [side_z, side_y, side_x] = W::SIDES;
    let (nz, ny, nx) = view.dim();
    let in_row = nx.div_ceil(side_x);
    let mut rows = [[T::from_bits(0); WORD]; MOST_ROWS];
    // The label before and its number, for neighbours mostly are of one label.
    let mut last = (0, 0);
    let mut add = |index: usize, value: u64, voxels: u64| -> Result<()> {
        if last.0 != value {
            let new = plane.values.len() as u32;
            numbers.try_reserve(1).map_err(|_| Error::out_of_memory::<[u64; 2]>(LABELS, numbers.len()))?;
            last = (value, *numbers.entry(value).or_insert(new));
            if last.1 == new {
                plane.values.try_push(LABELS, value)?;
                plane.counts.try_push(LABELS, 0)?;
            }
        }
        plane.counts[last.1 as usize] += u64::from(voxels.count_ones());
        plane.labels.try_push(LABELS, last.1)?;
        plane.indices.try_push(LABELS, index as u32)?;
        plane.voxels.try_push(LABELS, AtomicU64::new(voxels))
    };
    for y in 0..ny.div_ceil(side_y) {
        let of_image: [_; MOST_ROWS] = std::array::from_fn(|row| {
            let (z, y) = (z * side_z + row / side_y, y * side_y + row % side_y);
            (row < side_z * side_y && z < nz && y < ny).then(|| view.slice(s![z, y, ..]))
        });
        for column in 0..nx.div_ceil(WORD) {
            let mut any = false;
            for (row, voxels) in of_image.iter().zip(&mut rows).take(side_z * side_y) {
                let has_labels = row.as_ref().is_some_and(|row| read_row(row, column * WORD, voxels));
                if !has_labels {
                    voxels.fill(T::from_bits(0));
                }
                any |= has_labels;
            }
            if !any {
                continue;
            }
            let first = y * in_row + column * (WORD / side_x);
            let words = 0..(WORD / side_x).min(in_row - column * (WORD / side_x));
            let of_column = &rows[..side_z * side_y];
            if let Some(value) = only_label(of_column) {
                let packed: [u64; MOST_ROWS] =
                    std::array::from_fn(|row| of_column.get(row).map_or(0, |row| T::pack(row, T::from_bits(u64::MAX))));
                for x in words {
                    let bits = |row: usize| packed[row] >> (x * side_x) & (u64::MAX >> (WORD - side_x));
                    let voxels = (0..of_column.len()).fold(0, |voxels, row| voxels | bits(row) << (row * side_x));
                    if voxels != 0 {
                        add(first + x, value.bits(), voxels)?;
                    }
                }
                continue;
            }
            for x in words {
                let word = std::array::from_fn(|bit| rows[bit / side_x][x * side_x + bit % side_x]);
                for_each_label(&word, |value, voxels| add(first + x, value, voxels))?;
            }
        }
    }
    plane.labels.shrink_to_fit();
    plane.indices.shrink_to_fit();
    plane.voxels.shrink_to_fit();
    Ok(plane)
}

/// The label of all voxels of these rows that have one, if it is the same.
#[inline]
fn only_label<T: Element>(rows: &[[T; WORD]]) -> Option<T> {
    let zero = T::from_bits(0);
    let value = *rows.iter().flatten().find(|&&voxel| voxel != zero)?;
    let is_other = |&voxel: &T| voxel != zero && voxel != value;
    let has_other = |row: &[T; WORD]| row.iter().fold(false, |any, voxel| any | is_other(voxel));
    (!rows.iter().any(has_other)).then_some(value)
}

/// Reads up to 64 voxels of a row from `start` on; whether any is a label. Those beyond the image are background.
#[inline]
fn read_row<T: Element>(row: &ArrayView1<'_, Shared<T>>, start: usize, voxels: &mut [T; WORD]) -> bool {
    if let Some(chunk) = row.to_slice().and_then(|row| row[start..].first_chunk::<WORD>()) {
        let any = Shared::any(chunk, T::from_bits(u64::MAX));
        if any {
            *voxels = Shared::get_all(chunk);
        }
        return any;
    }
    let mut any = false;
    voxels.fill(T::from_bits(0));
    for (to, from) in voxels.iter_mut().zip(row.iter().skip(start)) {
        *to = from.get();
        any |= to.bits() != 0;
    }
    any
}

/// Calls `visit` with each label of a word and its voxels, in the order of their first voxels.
#[inline]
fn for_each_label<T: Element>(word: &[T; WORD], mut visit: impl FnMut(u64, u64) -> Result<()>) -> Result<()> {
    let mut left = u64::MAX;
    while left != 0 {
        let value = word[left.trailing_zeros() as usize];
        let others: [u8; WORD] = std::array::from_fn(|bit| u8::from(word[bit] != value));
        let voxels = !u8::pack(&others, 1);
        left &= !voxels;
        if value.bits() != 0 {
            visit(value.bits(), voxels)?;
        }
    }
    Ok(())
}

/// Numbers the labels of all planes by their values; returns these and how many voxels they have.
fn number_labels(planes: &mut [Plane]) -> Result<(Vec<u64>, Vec<u64>)> {
    let mut values = Vec::new();
    for plane in &*planes {
        values.try_extend_from_slice(LABELS, &plane.values)?;
    }
    values.sort_unstable();
    values.dedup();
    check_numbers("image", values.len())?;
    let mut counts = try_filled(LABELS, values.len(), 0)?;
    for plane in planes {
        let in_image = plane.values.iter().map(|value| values.partition_point(|other| other < value) as u32);
        let in_image = try_collect(LABELS, in_image)?;
        for (&number, count) in in_image.iter().zip(&plane.counts) {
            counts[number as usize] += count;
        }
        plane.labels.iter_mut().for_each(|label| *label = in_image[*label as usize]);
    }
    Ok((values, counts))
}
