//! The machinery of border steps: which words are looked at, in slabs of rows, on all threads.
//!
//! A word is *active* for a kind of step if one of its voxels or their neighbours was deleted since that kind of step last
//! looked at it. Nothing else needs a look: collecting is a function of the neighbourhood alone, and a failed recheck means
//! that a neighbour was just deleted. One byte a word and one byte a row hold a bit for each kind of step, so finding the
//! active words costs a scan of the active rows' bytes.
//!
//! A step has four phases, each parallel over slabs: collect (reads the image, writes the collected voxels of its own slab; see
//! [`super::collect`]), find what waits (reads both), decide that (writes the collected voxels of its own slab; see
//! [`super::recheck`]), delete (writes the image and the activity of its own slab, and lists the words of other slabs that it
//! activates). Between them little is done in sequence: the voxels that wait for those of another slab, and those lists.

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

use super::batch::{Quad, around_word};
use super::collect::{collect_border, collect_removed};
use super::recheck::{self, Recheck};
use super::simple_points::BORDERS;
use super::{Method, steps};
use crate::bit_image::{BitImage, try_zeros};
use crate::buffers::{Grow, try_collect};
use crate::errors::Result;
use crate::huge_pages;
use crate::prefetch::prefetch;
use crate::word_shape::WordShape;

/// Steps that look at fewer words than this run on one thread: waking the others would take longer.
/// (In tests any work goes to all threads, and slabs are small, so that many voxels wait for another slab.)
const WORDS_WORTH_THREADS: usize = if cfg!(test) { 1 } else { 2048 };

/// The fewest rows of words that make a slab.
const ROWS_IN_SLAB: usize = if cfg!(test) { 2 } else { 16 };

/// How many words ahead of its use memory is asked for.
pub const AHEAD: usize = 16;

/// What a list of waiting voxels is called when there is no memory for it.
pub const WAITING: &str = "the voxels that wait";

/// An image in the course of thinning.
pub struct Rounds<'a, W> {
    image: &'a mut BitImage,
    method: Method,
    /// The voxels collected in this step; empty between steps.
    collected: Vec<u64>,
    /// Those of them that wait for voxels of another slab.
    deferred: Vec<u64>,
    active_words: Vec<u8>,
    active_rows: Vec<u8>,
    slabs: Vec<Slab>,
    /// Words looked at the last time, for each kind of step.
    work: [usize; 6],
    geometry: Geometry,
    shape: PhantomData<W>,
}

/// Strides of the image, as the phases need them.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Words from a row to the next, and from a plane to the next.
    pub row: usize,
    plane: usize,
    /// The nine rows of words around a word's, as distances in raster order.
    pub rows_around: [isize; 9],
    /// The same distances in rows.
    row_distances: [isize; 9],
    /// The first word that is not of the empty plane before the image, and the words from there to the empty plane after it.
    start: usize,
    inner: usize,
    words_in_slab: usize,
    /// The bits of all kinds of steps.
    every_step: u8,
}

impl Geometry {
    /// The distance of the farthest of the words around a word.
    pub const fn reach(&self) -> usize {
        self.plane + self.row + 1
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
        recheck::in_raster_order::<W, usize>(
            voxels,
            |index| (index / self.row) as u64,
            |index| (index / self.plane) as u64,
            ask,
            decide,
        );
    }
}

/// What a slab found in a step.
#[derive(Default)]
pub struct Slab {
    /// Words with collected voxels, in raster order.
    pub collected: Vec<usize>,
    /// Voxels whose recheck waits for others, by word.
    pub waiting: Vec<(usize, u64)>,
    /// Voxels whose recheck waits for those of another slab, by word.
    pub deferred: Vec<(usize, u64)>,
    /// Words of other slabs that a deletion activates.
    beyond: Vec<usize>,
    pub looked_at: usize,
    deleted: u64,
}

/// A slab with its part of what it may write.
pub struct Part<'a> {
    pub slab: &'a mut Slab,
    /// The first word of the part.
    pub start: usize,
    pub words: &'a mut [u64],
    pub active_words: &'a mut [u8],
    pub active_rows: &'a mut [u8],
}

impl<'a, W: WordShape> Rounds<'a, W> {
    /// Everything that holds foreground is active.
    pub fn new(image: &'a mut BitImage, method: Method) -> Result<Self> {
        assert_eq!(image.sides(), W::SIDES, "the image has words of this shape");
        let (row, plane) = (image.row_stride(), image.plane_stride());
        let planes = image.words_along(0);
        let rows = planes * (plane / row);
        let threads = rayon::current_num_threads();
        // Whole planes of words where there are enough: then only few voxels wait for another slab.
        let rows_in_slab = match rows.div_ceil(8 * threads).max(ROWS_IN_SLAB) {
            _ if threads == 1 => rows,
            wanted if wanted >= plane / row => wanted.next_multiple_of(plane / row),
            wanted => wanted,
        };
        let geometry = Geometry {
            row,
            plane,
            rows_around: std::array::from_fn(|at| {
                (at as isize / 3 - 1) * plane as isize + (at as isize % 3 - 1) * row as isize
            }),
            row_distances: std::array::from_fn(|at| {
                (at as isize / 3 - 1) * (plane / row) as isize + at as isize % 3 - 1
            }),
            start: plane,
            inner: rows * row,
            words_in_slab: rows_in_slab * row,
            every_step: (1 << steps(method, image.shape()[0])) - 1,
        };
        let mut active_words = try_zeros::<u8>("the active words", image.words().len())?;
        huge_pages::ask_for(&mut active_words);
        let mut active_rows = try_zeros::<u8>("the active rows", image.words().len().div_ceil(row))?;
        let all_rows = image.words().par_chunks(row).zip(active_words.par_chunks_mut(row)).zip(&mut active_rows);
        all_rows.for_each(|((words, active), active_row)| {
            for (&word, active) in words.iter().zip(active) {
                if word != 0 {
                    *active = geometry.every_step;
                    *active_row = geometry.every_step;
                }
            }
        });
        let mut slabs = Vec::new();
        slabs.resize_with(rows.div_ceil(rows_in_slab), Slab::default);
        let mut collected = try_zeros("the collected voxels", image.words().len())?;
        huge_pages::ask_for(&mut collected);
        let deferred = try_zeros("the deferred voxels", image.words().len())?;
        let work = [usize::MAX; 6];
        let shape = PhantomData;
        Ok(Self { image, method, collected, deferred, active_words, active_rows, slabs, work, geometry, shape })
    }

    /// The number of kinds of steps in a round.
    pub fn steps(&self) -> usize {
        steps(self.method, self.image.shape()[0])
    }

    /// The number of voxels that are left.
    pub fn count(&self) -> u64 {
        self.image.count()
    }

    /// One border step; returns the number of voxels deleted.
    ///
    /// # Errors
    /// [`crate::errors::Error::OutOfMemory`]; nothing more can be done with the image then.
    pub fn step(&mut self, step: usize) -> Result<u64> {
        let parallel = self.slabs.len() > 1 && self.work[step] >= WORDS_WORTH_THREADS;
        self.collect(step, parallel)?;
        self.work[step] = self.slabs.iter().map(|slab| slab.looked_at).sum();
        if self.slabs.iter().all(|slab| slab.collected.is_empty()) {
            return Ok(0);
        }
        if self.method != Method::Zhang {
            self.recheck(step, parallel)?;
        }
        self.delete(parallel)?;
        Ok(self.slabs.iter().map(|slab| slab.deleted).sum())
    }

    fn collect(&mut self, step: usize, parallel: bool) -> Result<()> {
        let (words, geometry, method) = (self.image.words(), &self.geometry, self.method);
        let parts =
            parts(&mut self.slabs, &mut self.collected, &mut self.active_words, &mut self.active_rows, geometry);
        let collect = |mut part: Part<'_>| match method {
            Method::Lee | Method::LeePreserving => collect_border::<W>(&mut part, words, geometry, step),
            Method::Zhang => collect_removed::<W>(&mut part, words, geometry, step),
        };
        for_each(parts, parallel, collect)
    }

    fn recheck(&mut self, step: usize, parallel: bool) -> Result<()> {
        let (words, geometry) = (self.image.words(), &self.geometry);
        let rule = Recheck { method: self.method, border: &BORDERS[step] };
        let (start, length) = (geometry.start, geometry.words_in_slab);
        let collected = &self.collected;
        for_each(self.slabs.iter_mut().enumerate().collect(), parallel, |(at, slab)| {
            let own = if parallel { start + at * length..start + (at + 1) * length } else { 0..words.len() };
            recheck::find_waiting::<W>(slab, words, collected, geometry, &own, rule)
        })?;
        if !parallel {
            let waiting = try_collect(WAITING, self.slabs.iter().flat_map(|slab| slab.waiting.iter().copied()))?;
            recheck::decide::<W>(&waiting, words, &mut self.collected, geometry, rule);
            return Ok(());
        }
        let collected = self.collected[start..][..geometry.inner].chunks_mut(length);
        let deferred = self.deferred[start..][..geometry.inner].chunks_mut(length);
        let parts = self.slabs.iter_mut().zip(collected.zip(deferred)).enumerate().collect();
        for_each(parts, parallel, |(at, (slab, (collected, deferred)))| {
            recheck::decide_slab::<W>(slab, words, start + at * length, collected, deferred, geometry, rule)
        })?;
        let waiting = try_collect(WAITING, self.slabs.iter().flat_map(|slab| slab.deferred.iter().copied()))?;
        recheck::decide::<W>(&waiting, words, &mut self.collected, geometry, rule);
        for (index, _) in waiting {
            self.deferred[index] = 0;
        }
        Ok(())
    }

    fn delete(&mut self, parallel: bool) -> Result<()> {
        let (collected, geometry) = (&mut self.collected, &self.geometry);
        let words = self.image.words_mut();
        let deletions = collected[geometry.start..][..geometry.inner].chunks_mut(geometry.words_in_slab);
        let parts = parts(&mut self.slabs, words, &mut self.active_words, &mut self.active_rows, geometry);
        for_each(parts.into_iter().zip(deletions).collect(), parallel, |(part, deletions)| {
            delete_collected::<W>(part, deletions, geometry)
        })?;
        for slab in &mut self.slabs {
            for index in slab.beyond.drain(..) {
                self.active_words[index] = geometry.every_step;
                self.active_rows[index / geometry.row] = geometry.every_step;
            }
        }
        Ok(())
    }
}

/// Runs over all parts, on all threads or on one.
fn for_each<T: Send>(parts: Vec<T>, parallel: bool, run: impl Fn(T) -> Result<()> + Sync + Send) -> Result<()> {
    if parallel { parts.into_par_iter().with_max_len(1).try_for_each(run) } else { parts.into_iter().try_for_each(run) }
}

/// The slabs, each with its part of the arrays.
fn parts<'a>(
    slabs: &'a mut [Slab],
    words: &'a mut [u64],
    active_words: &'a mut [u8],
    active_rows: &'a mut [u8],
    geometry: &Geometry,
) -> Vec<Part<'a>> {
    let &Geometry { row, start, inner, words_in_slab, .. } = geometry;
    let words = words[start..][..inner].chunks_mut(words_in_slab);
    let active_words = active_words[start..][..inner].chunks_mut(words_in_slab);
    let active_rows = active_rows[start / row..][..inner / row].chunks_mut(words_in_slab / row);
    slabs
        .iter_mut()
        .zip(words.zip(active_words).zip(active_rows))
        .enumerate()
        .map(|(at, (slab, ((words, active_words), active_rows)))| Part {
            slab,
            start: start + at * words_in_slab,
            words,
            active_words,
            active_rows,
        })
        .collect()
}

/// Applies and clears the collected voxels of a slab.
fn delete_collected<W: WordShape>(part: Part<'_>, deletions: &mut [u64], geometry: &Geometry) -> Result<()> {
    let Part { slab, start, words, active_words, active_rows } = part;
    slab.deleted = 0;
    let inside = start + geometry.reach()..(start + words.len()).saturating_sub(geometry.reach());
    // The last word's row and its words, for a division costs as much as the rest.
    let (mut own_row, mut in_row) = (0, 0..0);
    for (at, &index) in slab.collected.iter().enumerate() {
        if let Some(&later) = slab.collected.get(at + AHEAD) {
            prefetch(deletions, later - start);
            prefetch(words, later - start);
            geometry.prefetch(active_words, later - start, rows_of::<W>());
        }
        let deleted = std::mem::take(&mut deletions[index - start]);
        if deleted == 0 {
            continue;
        }
        words[index - start] &= !deleted;
        slab.deleted += u64::from(deleted.count_ones());
        if inside.contains(&index) {
            if !in_row.contains(&index) {
                own_row = (index - start) / geometry.row;
                in_row = start + own_row * geometry.row..start + (own_row + 1) * geometry.row;
            }
            let (own, every_step) = (index - start, geometry.every_step);
            for row in rows_of::<W>() {
                // Without branches: which words are touched is hard to foretell, but this one is.
                let at = index.wrapping_add_signed(geometry.rows_around[row]) - start;
                let touched = |dx: usize| deleted & W::TOUCHING[3 * row + dx] != 0;
                active_words[if touched(0) { at - 1 } else { own }] = every_step;
                active_words[if touched(1) { at } else { own }] = every_step;
                active_words[if touched(2) { at + 1 } else { own }] = every_step;
                let row = own_row.wrapping_add_signed(geometry.row_distances[row]);
                active_rows[if touched(1) { row } else { own_row }] = every_step;
            }
            continue;
        }
        let mut pushed = Ok(());
        touched_words::<W>(deleted, |direction| {
            let touched = index.wrapping_add_signed(geometry.rows_around[direction / 3] + direction as isize % 3 - 1);
            match touched.checked_sub(start) {
                Some(at) if at < words.len() => {
                    active_words[at] = geometry.every_step;
                    active_rows[at / geometry.row] = geometry.every_step;
                }
                _ if pushed.is_ok() => pushed = slab.beyond.try_push("the words of other slabs", touched),
                _ => {}
            }
        });
        pushed?;
    }
    Ok(())
}

/// The rows of words around a word that hold anything: in 2D those of its own plane.
pub const fn rows_of<W: WordShape>() -> Range<usize> {
    if W::SIDES[0] == 1 { 3..6 } else { 0..9 }
}

/// The directions of the words that voxels of a word touch, its own too.
#[inline(always)]
fn touched_words<W: WordShape>(voxels: u64, mut touch: impl FnMut(usize)) {
    for row in rows_of::<W>() {
        let touching = voxels & W::TOUCHING[3 * row + 1];
        if touching != 0 {
            touch(3 * row + 1);
            if touching & W::FIRST[2] != 0 {
                touch(3 * row);
            }
            if touching & W::LAST[2] != 0 {
                touch(3 * row + 2);
            }
        }
    }
}
