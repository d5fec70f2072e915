//! The machinery of border steps: which words are looked at, in slabs of rows, on all threads.
//!
//! A word is *active* for a kind of step if one of its voxels or their neighbours was deleted since that kind of step last
//! looked at it. Nothing else needs a look: collecting is a function of the neighbourhood alone, and a failed recheck means
//! that a neighbour was just deleted. One byte a word and one byte a row hold a bit for each kind of step, so finding the
//! active words costs a scan of the rows' bytes.
//!
//! A step has three phases, each parallel over slabs: collect (reads the image, writes the collected voxels of its own slab),
//! recheck (reads both, writes a list of voxels that wait, see [`super::recheck`]), delete (writes the image and the activity
//! of its own slab, and lists the rows of other slabs that it activates). Between them little is done in sequence: the waiting
//! voxels and those lists.

use rayon::prelude::*;

use super::recheck;
use super::simple_points::{BORDERS, Border, Neighbours, simple_and_no_endpoint};
use super::vectors::{LANES, Lanes, Vector, for_this_processor};
use super::zhang::removed_pixels;
use super::{Method, steps};
use crate::bit_image::{BitImage, try_zeros};
use crate::errors::Result;

/// Steps that look at fewer words than this run on one thread: waking the others would take longer.
const WORDS_WORTH_THREADS: usize = 2048;

/// An image in the course of thinning.
pub struct Rounds<'a> {
    image: &'a mut BitImage,
    method: Method,
    /// The voxels collected in this step; empty between steps.
    collected: Vec<u64>,
    active_words: Vec<u8>,
    active_rows: Vec<u8>,
    slabs: Vec<Slab>,
    rows_in_slab: usize,
    /// Words looked at the last time, for each kind of step.
    work: [usize; 6],
    geometry: Geometry,
}

/// Strides of the image, as the phases need them.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Words from a row to the next.
    pub row: usize,
    /// Words from a plane to the next.
    pub plane: usize,
    /// Words in all planes but the empty ones before and after.
    inner: usize,
    /// The nine rows around a voxel's row, as word offsets in raster order.
    pub rows_around: [isize; 9],
    /// The bits of all kinds of steps.
    every_step: u8,
}

/// What a slab found in a step.
#[derive(Default)]
pub struct Slab {
    /// Words with collected voxels, in raster order.
    pub collected: Vec<usize>,
    /// Voxels whose recheck waits for others, in raster order.
    pub waiting: Vec<(usize, u64)>,
    /// Words of other slabs that a deletion activates.
    beyond: Vec<(usize, u64)>,
    looked_at: usize,
    deleted: u64,
}

/// A slab with its part of what it may write.
struct Part<'a> {
    slab: &'a mut Slab,
    /// The first word of the part.
    start: usize,
    words: &'a mut [u64],
    active_words: &'a mut [u8],
    active_rows: &'a mut [u8],
}

impl<'a> Rounds<'a> {
    /// Everything that holds foreground is active.
    pub fn new(image: &'a mut BitImage, method: Method) -> Result<Self> {
        let (row, plane) = (image.row_stride(), image.plane_stride());
        let [nz, ny, _] = image.shape();
        let geometry = Geometry {
            row,
            plane,
            inner: nz * plane,
            rows_around: std::array::from_fn(|at| {
                (at as isize / 3 - 1) * plane as isize + (at as isize % 3 - 1) * row as isize
            }),
            every_step: (1 << steps(method, nz)) - 1,
        };
        let mut active_words = try_zeros::<u8>("the active words", image.words().len())?;
        let mut active_rows = try_zeros::<u8>("the active rows", (nz + 2) * (ny + 2))?;
        let rows = image.words().par_chunks(row).zip(active_words.par_chunks_mut(row)).zip(&mut active_rows);
        rows.for_each(|((words, active), active_row)| {
            for (&word, active) in words.iter().zip(active) {
                if word != 0 {
                    *active = geometry.every_step;
                    *active_row = geometry.every_step;
                }
            }
        });
        let rows = nz * (ny + 2);
        let threads = rayon::current_num_threads();
        let rows_in_slab = if threads == 1 { rows } else { rows.div_ceil(8 * threads).max(16) };
        let mut slabs = Vec::new();
        slabs.resize_with(rows.div_ceil(rows_in_slab), Slab::default);
        let collected = try_zeros("the collected voxels", image.words().len())?;
        let work = [usize::MAX; 6];
        Ok(Self { image, method, collected, active_words, active_rows, slabs, rows_in_slab, work, geometry })
    }

    /// The number of kinds of steps in a round.
    pub fn steps(&self) -> usize {
        steps(self.method, self.image.shape()[0])
    }

    /// One border step; returns the number of voxels deleted.
    pub fn step(&mut self, step: usize) -> u64 {
        let parallel = self.slabs.len() > 1 && self.work[step] >= WORDS_WORTH_THREADS;
        self.collect(step, parallel);
        self.work[step] = self.slabs.iter().map(|slab| slab.looked_at).sum();
        if self.slabs.iter().all(|slab| slab.collected.is_empty()) {
            return 0;
        }
        if self.method == Method::Lee {
            let (words, collected, geometry) = (self.image.words(), &self.collected, &self.geometry);
            let recheck = |slab: &mut Slab| recheck::find_waiting(slab, words, collected, geometry);
            if parallel {
                self.slabs.par_iter_mut().for_each(recheck);
            } else {
                self.slabs.iter_mut().for_each(recheck);
            }
            let waiting = self.slabs.iter().map(|slab| slab.waiting.as_slice());
            recheck::decide_waiting(waiting, words, &mut self.collected, geometry);
        }
        self.delete(parallel);
        self.slabs.iter().map(|slab| slab.deleted).sum()
    }

    fn collect(&mut self, step: usize, parallel: bool) {
        let (words, geometry, method) = (self.image.words(), &self.geometry, self.method);
        let parts = parts(
            &mut self.slabs,
            &mut self.collected,
            &mut self.active_words,
            &mut self.active_rows,
            geometry,
            self.rows_in_slab,
        );
        let collect = |mut part: Part<'_>| match method {
            Method::Lee => collect_border(&mut part, words, geometry, step),
            Method::Zhang => collect_removed(&mut part, words, geometry, step),
        };
        if parallel {
            parts.into_par_iter().for_each(collect);
        } else {
            parts.into_iter().for_each(collect);
        }
    }

    fn delete(&mut self, parallel: bool) {
        let (collected, geometry) = (&mut self.collected, &self.geometry);
        let rows_in_slab = self.rows_in_slab;
        let words = self.image.words_mut();
        let parts =
            parts(&mut self.slabs, words, &mut self.active_words, &mut self.active_rows, geometry, rows_in_slab);
        let deletions = collected[geometry.plane..][..geometry.inner].chunks_mut(rows_in_slab * geometry.row);
        let delete = |(part, deletions): (Part<'_>, &mut [u64])| delete_collected(part, deletions, geometry);
        if parallel {
            parts.into_par_iter().zip(deletions.collect::<Vec<_>>()).for_each(delete);
        } else {
            parts.into_iter().zip(deletions).for_each(delete);
        }
        for slab in &mut self.slabs {
            for (index, deleted) in slab.beyond.drain(..) {
                activate(&mut self.active_words, &mut self.active_rows, index, deleted, geometry);
            }
        }
    }
}

/// The slabs, each with its part of the arrays.
fn parts<'a>(
    slabs: &'a mut [Slab],
    words: &'a mut [u64],
    active_words: &'a mut [u8],
    active_rows: &'a mut [u8],
    geometry: &Geometry,
    rows_in_slab: usize,
) -> Vec<Part<'a>> {
    let words_in_slab = rows_in_slab * geometry.row;
    let words = words[geometry.plane..][..geometry.inner].chunks_mut(words_in_slab);
    let active_words = active_words[geometry.plane..][..geometry.inner].chunks_mut(words_in_slab);
    let active_rows =
        active_rows[geometry.plane / geometry.row..][..geometry.inner / geometry.row].chunks_mut(rows_in_slab);
    slabs
        .iter_mut()
        .zip(words.zip(active_words).zip(active_rows))
        .enumerate()
        .map(|(at, (slab, ((words, active_words), active_rows)))| Part {
            slab,
            start: geometry.plane + at * words_in_slab,
            words,
            active_words,
            active_rows,
        })
        .collect()
}

/// What a kind of step collects.
///
/// A trait rather than closures, because only functions that are always inlined are compiled for this processor.
trait Collect {
    /// The voxels of a word that are worth the predicate.
    fn candidates(&self, words: &[u64], index: usize) -> u64;
    /// Those of `voxels` that satisfy the predicate.
    fn collect<V: Vector>(&self, neighbours: &Neighbours<V>, voxels: V) -> V;
}

/// Lee's: simple voxels on a border that are no endpoints.
struct OnBorder {
    border: &'static Border,
    /// The row of the voxels' neighbours behind the border.
    row: isize,
}

impl Collect for OnBorder {
    #[inline(always)]
    fn candidates(&self, words: &[u64], index: usize) -> u64 {
        match words[index] {
            0 => 0,
            word => word & !shifted(words, index.wrapping_add_signed(self.row), self.border.face % 3),
        }
    }

    #[inline(always)]
    fn collect<V: Vector>(&self, neighbours: &Neighbours<V>, voxels: V) -> V {
        simple_and_no_endpoint(neighbours, voxels, self.border)
    }
}

/// Zhang's: the pixels that the table deletes.
struct InTable {
    step: usize,
}

impl Collect for InTable {
    #[inline(always)]
    fn candidates(&self, words: &[u64], index: usize) -> u64 {
        words[index]
    }

    #[inline(always)]
    fn collect<V: Vector>(&self, neighbours: &Neighbours<V>, voxels: V) -> V {
        removed_pixels(neighbours, voxels, self.step)
    }
}

for_this_processor! {
    fn collect_border(part: &mut Part<'_>, words: &[u64], geometry: &Geometry, step: usize) = collect_border_lanes;
}

for_this_processor! {
    fn collect_removed(part: &mut Part<'_>, words: &[u64], geometry: &Geometry, step: usize) = collect_removed_lanes;
}

#[inline(always)]
fn collect_border_lanes<V: Vector>(part: &mut Part<'_>, words: &[u64], geometry: &Geometry, step: usize) {
    let border = &BORDERS[step];
    let row = geometry.rows_around[border.face / 3];
    collect_active::<V>(part, words, geometry, step, &OnBorder { border, row });
}

#[inline(always)]
fn collect_removed_lanes<V: Vector>(part: &mut Part<'_>, words: &[u64], geometry: &Geometry, step: usize) {
    collect_active::<V>(part, words, geometry, step, &InTable { step });
}

/// Runs over the active words of a part and keeps what is collected of their candidates, eight words at a time.
#[inline(always)]
fn collect_active<V: Vector>(
    part: &mut Part<'_>,
    words: &[u64],
    geometry: &Geometry,
    step: usize,
    rule: &impl Collect,
) {
    let active = 1_u8 << step;
    let mut batch = Batch::new();
    part.slab.collected.clear();
    part.slab.looked_at = 0;
    for group in 0..part.active_rows.len().div_ceil(8) {
        let rows = 8 * group..part.active_rows.len().min(8 * group + 8);
        if part.active_rows[rows.clone()].iter().fold(0, |any, row| any | row) & active == 0 {
            continue;
        }
        for row in rows {
            if part.active_rows[row] & active == 0 {
                continue;
            }
            part.active_rows[row] &= !active;
            for at in row * geometry.row + 1..(row + 1) * geometry.row {
                if part.active_words[at] & active == 0 {
                    continue;
                }
                part.active_words[at] &= !active;
                let index = part.start + at;
                let voxels = rule.candidates(words, index);
                part.slab.looked_at += 1;
                if voxels != 0 {
                    batch.push(words, index, voxels, geometry);
                    if batch.count == LANES {
                        collect_batch::<V>(part, &mut batch, rule);
                    }
                }
            }
        }
    }
    if batch.count > 0 {
        collect_batch::<V>(part, &mut batch, rule);
    }
}

#[inline(always)]
fn collect_batch<V: Vector>(part: &mut Part<'_>, batch: &mut Batch, rule: &impl Collect) {
    let mut result = Lanes::NONE;
    for first in (0..batch.count).step_by(V::WORDS) {
        let voxels = V::load(&batch.voxels, first);
        rule.collect(&batch.neighbours(first), voxels).store(&mut result, first);
    }
    for lane in 0..batch.count {
        if result.0[lane] != 0 {
            part.words[batch.indices[lane] - part.start] = result.0[lane];
            part.slab.collected.push(batch.indices[lane]);
        }
    }
    batch.clear();
}

/// Up to eight words with the rows around them.
pub struct Batch {
    /// For each of the nine rows, the word before, the word and the word after.
    rows: [[Lanes; 3]; 9],
    pub voxels: Lanes,
    pub indices: [usize; LANES],
    pub count: usize,
}

impl Batch {
    #[inline(always)]
    pub fn new() -> Self {
        Self { rows: [[Lanes::NONE; 3]; 9], voxels: Lanes::NONE, indices: [0; LANES], count: 0 }
    }

    #[inline(always)]
    pub fn clear(&mut self) {
        self.voxels = Lanes::NONE;
        self.count = 0;
    }

    /// Adds a word; returns its lane.
    #[inline(always)]
    pub fn push(&mut self, words: &[u64], index: usize, voxels: u64, geometry: &Geometry) -> usize {
        let row = |at: usize| around_word(words, index.wrapping_add_signed(geometry.rows_around[at]));
        self.push_rows(index, voxels, row)
    }

    /// Adds a word whose nine rows are given by `row`; returns its lane.
    #[inline(always)]
    pub fn push_rows(&mut self, index: usize, voxels: u64, row: impl Fn(usize) -> [u64; 3]) -> usize {
        let lane = self.count;
        self.voxels.0[lane] = voxels;
        self.indices[lane] = index;
        for (at, lanes) in self.rows.iter_mut().enumerate() {
            let [before, word, after] = row(at);
            lanes[0].0[lane] = before;
            lanes[1].0[lane] = word;
            lanes[2].0[lane] = after;
        }
        self.count += 1;
        lane
    }

    /// The words from lane `first` on, moved so that each bit holds the neighbour in a direction.
    #[inline(always)]
    pub fn neighbours<V: Vector>(&self, first: usize) -> Neighbours<V> {
        let mut neighbours = [V::none(); 27];
        for (at, [before, word, after]) in self.rows.iter().enumerate() {
            let word = V::load(word, first);
            neighbours[3 * at] = word.shifted_up(V::load(before, first));
            neighbours[3 * at + 1] = word;
            neighbours[3 * at + 2] = word.shifted_down(V::load(after, first));
        }
        neighbours
    }
}

/// The word before, the word at `index` and the word after.
#[inline(always)]
pub fn around_word(words: &[u64], index: usize) -> [u64; 3] {
    *words[index - 1..].first_chunk().expect("a border surrounds the image")
}

/// Word `index` moved so that each bit holds the voxel at x + `dx` − 1.
#[inline(always)]
fn shifted(words: &[u64], index: usize, dx: usize) -> u64 {
    let [before, word, after] = around_word(words, index);
    match dx {
        0 => word << 1 | before >> 63,
        1 => word,
        _ => word >> 1 | after << 63,
    }
}

/// Applies and clears the collected voxels of a slab.
fn delete_collected(part: Part<'_>, deletions: &mut [u64], geometry: &Geometry) {
    let Part { slab, start, words, active_words, active_rows } = part;
    let own = start..start + words.len();
    let first_row = start / geometry.row;
    slab.deleted = 0;
    for &index in &slab.collected {
        let deleted = std::mem::take(&mut deletions[index - start]);
        if deleted == 0 {
            continue;
        }
        words[index - start] &= !deleted;
        slab.deleted += u64::from(deleted.count_ones());
        for around in geometry.rows_around {
            let row = index.wrapping_add_signed(around);
            if own.contains(&row) {
                activate_part(
                    active_words,
                    active_rows,
                    (row - start, row / geometry.row - first_row),
                    deleted,
                    geometry,
                );
            } else {
                slab.beyond.push((row, deleted));
            }
        }
    }
}

fn activate(active_words: &mut [u8], active_rows: &mut [u8], index: usize, deleted: u64, geometry: &Geometry) {
    activate_part(active_words, active_rows, (index, index / geometry.row), deleted, geometry);
}

/// Activates the words of one row that touch the deleted voxels.
#[inline(always)]
fn activate_part(
    active_words: &mut [u8],
    active_rows: &mut [u8],
    at: (usize, usize),
    deleted: u64,
    geometry: &Geometry,
) {
    let (word, row) = at;
    active_rows[row] = geometry.every_step;
    active_words[word] = geometry.every_step;
    if deleted & 1 == 1 && word > 0 {
        active_words[word - 1] = geometry.every_step;
    }
    if deleted >> 63 == 1 && word + 1 < active_words.len() {
        active_words[word + 1] = geometry.every_step;
    }
}
