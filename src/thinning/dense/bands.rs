//! The arrays of an image during thinning, in bands that several threads work on at the same time.
//!
//! A band is one or more planes of words, in 2D one or more rows of words. A [`Claim`] gives exclusive access to a few bands;
//! [`crate::thinning::dense::schedule`] guarantees that no two overlap.
//!
//! A task on band `b` of a step, reading and writing:
//!
//! | | image | collected voxels | activity |
//! |---|---|---|---|
//! | collect, recheck `b` | reads `b - 1` to `b + 2` | writes `b - 1` to `b + 2` | writes `b` |
//! | delete `b - 1` | writes `b - 1` | writes `b - 1` | writes `b - 2` to `b + 1` |
//!
//! (The last of them for the border: what comes after the last word of a band's neighbour lies in the band after that.)
//!
//! A claim of the step before is on band `b + 4` or later, one of the step after on `b - 4` or earlier, so no band that one
//! writes is read or written by another.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use crate::image::bit_image::BitImage;
use crate::image::word_shape::WordShape;
use crate::support::allocate::{try_filled, try_zeros};
use crate::support::errors::Result;
use crate::support::huge_pages;
use crate::support::prefetch::prefetch;
use crate::thinning::dense::schedule::{Claim, LAG, Schedule};
use crate::thinning::method::{Method, steps};
use crate::thinning::words::batch::{Quad, around_word};
use crate::thinning::words::raster_order::in_raster_order;

/// The most words of a band, unless a single plane (in 2D, row) has more: a band and those around it should fit into the cache
/// of one core.
const WORDS_IN_BAND: usize = if cfg!(test) { 200 } else { 1 << 14 };

/// Strides of the image, as the phases need them.
#[derive(Debug, Clone, Copy)]
pub struct Strides {
    /// Words from a row to the next, and from a plane to the next.
    pub row: usize,
    plane: usize,
    /// The nine rows of words around a word's, as distances in raster order.
    pub rows_around: [isize; 9],
    /// The same distances in rows.
    pub row_distances: [isize; 9],
    /// The words of a band.
    band: usize,
    /// The bits of all kinds of steps.
    pub every_step: u8,
}

impl Strides {
    /// The strides of an image; bands are for so many threads.
    pub fn new(image: &BitImage, method: Method, threads: usize) -> Self {
        let (row, plane) = (image.row_stride(), image.plane_stride());
        let distances = |plane: usize, row: usize| {
            std::array::from_fn(|at| {
                (at as isize / 3 - 1) * plane.cast_signed() + (at as isize % 3 - 1) * row.cast_signed()
            })
        };
        let (unit, units) = if image.shape()[0] == 1 { (row, plane / row) } else { (plane, image.words_along(0)) };
        // Small bands cost time for each, but there are to be enough for steps of all threads side by side.
        let most = if threads == 1 { units } else { units / (2 * (LAG + 1) * threads) };
        let in_band = (WORDS_IN_BAND / unit).min(most).max(1);
        Self {
            row,
            plane,
            rows_around: distances(plane, row),
            row_distances: distances(plane / row, 1),
            band: in_band * unit,
            every_step: (1 << steps(method, image.shape()[0])) - 1,
        }
    }

    /// The words of one of the nine rows of words around a word.
    #[inline(always)]
    pub fn row_around(&self, words: &[u64], index: usize, row: usize) -> Quad {
        around_word(words, index.wrapping_add_signed(self.rows_around[row]))
    }

    /// Asks for the memory around a word, in some of the nine rows.
    #[inline(always)]
    pub fn prefetch<T>(&self, array: *const [T], index: usize, rows: Range<usize>) {
        for row in rows {
            prefetch(array, index.wrapping_add_signed(self.rows_around[row]));
        }
    }

    /// Calls `decide` with the word and the bit of each of the voxels, which are given by word, in the raster order of the
    /// image, and `ask` with each word some time before.
    #[inline(always)]
    pub fn in_raster_order<W: WordShape>(
        &self,
        voxels: &[(usize, u64)],
        ask: impl Fn(usize),
        decide: impl FnMut(usize, usize),
    ) {
        in_raster_order::<W, usize>(
            voxels,
            |index| (index / self.row) as u64,
            |index| (index / self.plane) as u64,
            ask,
            decide,
        );
    }
}

/// The arrays of an image in the course of thinning, and the only schedule by which they are used.
pub struct Bands<'a> {
    pub strides: Strides,
    pub schedule: Schedule,
    /// How many threads can work on it by that schedule.
    pub workers: usize,
    /// The number of bands.
    pub count: usize,
    /// Foreground voxels at the beginning.
    pub foreground: u64,
    /// The words of the image but for its empty first and last planes.
    inner: usize,
    words: SharedSlice<'a, u64>,
    /// The voxels that a step collected, from then until it deletes them.
    collected: SharedSlice<'a, u64>,
    /// Words near a deletion since a kind of step last looked at them, a bit for each kind, and rows that may have such.
    active_words: SharedSlice<'a, u8>,
    active_rows: SharedSlice<'a, u8>,
    /// The same of bands.
    activity: SharedSlice<'a, u8>,
}

/// What collecting a band and rechecking it sees. Words are numbered from the beginning of the band
/// before (of the array, where there is no whole one).
pub struct BandView<'a> {
    /// The words of the band.
    pub own: Range<usize>,
    pub words: &'a [u64],
    pub collected: &'a mut [u64],
    /// Those of the band only.
    pub active_words: &'a mut [u8],
    pub active_rows: &'a mut [u8],
}

/// What deleting from a band sees. Words are numbered from the beginning of the band
/// before (of the array, where there is no whole one).
pub struct Deletion<'a> {
    /// The first word of the band.
    pub start: usize,
    /// Those of the band only.
    pub words: &'a mut [u64],
    pub collected: &'a mut [u64],
    pub active_words: &'a mut [u8],
    pub active_rows: &'a mut [u8],
    pub active_bands: &'a mut [u8],
}

/// The arrays that a [`Bands`] borrows beside the image.
#[derive(Default)]
pub struct Buffers {
    collected: Vec<u64>,
    active_words: Vec<u8>,
    active_rows: Vec<u8>,
    active_bands: Vec<u8>,
}

impl<'a> Bands<'a> {
    /// The arrays at the beginning: everything that holds foreground is active.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn new(image: &'a mut BitImage, buffers: &'a mut Buffers, method: Method, threads: usize) -> Result<Self> {
        let strides = Strides::new(image, method, threads);
        let (row, plane) = (strides.row, strides.plane);
        let (inner, kinds) = (image.words_along(0) * plane, steps(method, image.shape()[0]));
        let words = image.words_mut();
        let Buffers { collected, active_words, active_rows, active_bands } = buffers;
        *collected = try_zeros("the collected voxels", words.len())?;
        huge_pages::advise_huge_pages(collected);
        *active_words = try_zeros("the active words", words.len())?;
        huge_pages::advise_huge_pages(active_words);
        *active_rows = try_zeros("the active rows", words.len().div_ceil(row))?;
        let all_rows = words.par_chunks(row).zip(active_words.par_chunks_mut(row)).zip(&mut *active_rows);
        let activate = |((words, active), active_row): ((&[u64], &mut [u8]), &mut u8)| {
            let mut foreground = 0;
            for (&word, active) in words.iter().zip(active) {
                if word != 0 {
                    foreground += u64::from(word.count_ones());
                    *active = strides.every_step;
                    *active_row = strides.every_step;
                }
            }
            foreground
        };
        let foreground = all_rows.map(activate).sum();
        let count = inner.div_ceil(strides.band);
        *active_bands = try_filled("the active bands", count, strides.every_step)?;
        // One task more than bands: it deletes from the last.
        let tasks = count + 1;
        let side_by_side = (tasks / (LAG + 1)).clamp(1, threads);
        // Two steps side by side are less than what many threads do together.
        let workers = if side_by_side < threads.min(3) { 1 } else { side_by_side };
        Ok(Self {
            schedule: Schedule::new(kinds, tasks, inner, workers),
            workers,
            count,
            foreground,
            inner,
            words: SharedSlice::new(words),
            collected: SharedSlice::new(collected),
            active_words: SharedSlice::new(active_words),
            active_rows: SharedSlice::new(active_rows),
            activity: SharedSlice::new(active_bands),
            strides,
        })
    }

    /// The words of a band with those of so many bands before and after.
    const fn words_of(&self, band: usize, before: usize, after: usize) -> Range<usize> {
        let Strides { plane, band: length, .. } = self.strides;
        (plane + band * length).saturating_sub(before * length)..plane + (band + after + 1) * length
    }

    /// The words of a band.
    fn own_words(&self, band: usize) -> Range<usize> {
        let words = self.words_of(band, 0, 0);
        words.start..words.end.min(self.strides.plane + self.inner)
    }

    fn rows_of(&self, words: &Range<usize>) -> Range<usize> {
        words.start / self.strides.row..words.end.div_ceil(self.strides.row)
    }

    /// Whether one of the claimed bands is active for the claimed step; it is no longer.
    pub fn take_active(&self, claim: &mut Claim<'_>, band: usize) -> bool {
        assert!(claim.is_of(&self.schedule) && claim.tasks().contains(&band), "the band is claimed");
        // SAFETY: as in `around`.
        let active = unsafe { self.activity.write(band..band + 1) };
        let bit = 1 << claim.kind;
        active.iter_mut().any(|active| std::mem::replace(active, *active & !bit) & bit != 0)
    }

    /// What collecting one of the claimed bands may use.
    pub fn around<'c>(&'c self, claim: &'c mut Claim<'_>, band: usize) -> BandView<'c> {
        assert!(
            claim.is_of(&self.schedule) && claim.tasks().contains(&band) && band < self.count,
            "the band is claimed"
        );
        let (own, around) = (self.own_words(band), self.words_of(band, 1, 2));
        // SAFETY: as the head of the module says: the schedule gave no other claim on this step, and those on others are further
        // away than what is read and written. The claim is borrowed as long as the slices, so there are no others of its own.
        unsafe {
            BandView {
                own: own.start - around.start..own.end - around.start,
                words: self.words.read(around.clone()),
                collected: self.collected.write(around),
                active_rows: self.active_rows.write(self.rows_of(&own)),
                active_words: self.active_words.write(own),
            }
        }
    }

    /// What deleting from the band before one of the claimed may use.
    pub fn deletion<'c>(&'c self, claim: &'c mut Claim<'_>, task: usize) -> Deletion<'c> {
        assert!(claim.is_of(&self.schedule) && claim.tasks().contains(&task) && task > 0, "the band is claimed");
        let (own, around) = (self.own_words(task - 1), self.words_of(task - 1, 1, 2));
        // SAFETY: as in `around`.
        unsafe {
            Deletion {
                start: own.start - around.start,
                words: self.words.write(own.clone()),
                collected: self.collected.write(own),
                active_rows: self.active_rows.write(self.rows_of(&around)),
                active_words: self.active_words.write(around),
                active_bands: self.activity.write((task - 1).saturating_sub(1)..task + 1),
            }
        }
    }
}

/// An array of which several threads write parts.
struct SharedSlice<'a, T> {
    start: *mut T,
    length: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

// SAFETY: it gives out slices only, and its callers guarantee that slices of different threads do not overlap.
unsafe impl<T: Send + Sync> Sync for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    const fn new(array: &'a mut [T]) -> Self {
        Self { start: array.as_mut_ptr(), length: array.len(), borrowed: PhantomData }
    }

    fn inside(&self, range: Range<usize>) -> Range<usize> {
        range.start.min(self.length)..range.end.min(self.length)
    }

    /// # Safety
    /// No other reference may write the range while the slice lives.
    unsafe fn read(&self, range: Range<usize>) -> &[T] {
        let range = self.inside(range);
        // SAFETY: the range lies inside the array; the caller guarantees the rest.
        unsafe { std::slice::from_raw_parts(self.start.add(range.start), range.len()) }
    }

    /// # Safety
    /// No other reference may read or write the range while the slice lives.
    #[expect(clippy::mut_from_ref, reason = "the caller guarantees that there is no other")]
    unsafe fn write(&self, range: Range<usize>) -> &mut [T] {
        let range = self.inside(range);
        // SAFETY: the range lies inside the array; the caller guarantees the rest.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
