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

use super::Method;
use super::lanes::{LANES, Lanes, for_this_processor};
use super::recheck;
use super::simple_points::{BORDERS, Neighbours, simple_and_no_endpoint};
use super::zhang::removed_pixels;
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
        let collect = |mut part: Part<'_>| {
            let mut found = Found { part: &mut part, words };
            match method {
                Method::Lee => collect_border(&mut found, geometry, step),
                Method::Zhang => collect_removed(&mut found, geometry, step),
            }
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

const fn steps(method: Method, planes: usize) -> usize {
    match (method, planes) {
        (Method::Zhang, _) => 2,
        (Method::Lee, 1) => 4,
        (Method::Lee, _) => 6,
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

/// A part whose words are the collected voxels, and the image.
struct Found<'a, 'b> {
    part: &'a mut Part<'b>,
    words: &'a [u64],
}

for_this_processor! {
    fn collect_border(found: &mut Found<'_, '_>, geometry: &Geometry, step: usize) = collect_border_lanes;
}

for_this_processor! {
    fn collect_removed(found: &mut Found<'_, '_>, geometry: &Geometry, step: usize) = collect_removed_lanes;
}

#[inline(always)]
fn collect_border_lanes(found: &mut Found<'_, '_>, geometry: &Geometry, step: usize) {
    let border = &BORDERS[step];
    let around = geometry.rows_around[border.face / 3];
    let candidates = |words: &[u64], index: usize| {
        let row = index.wrapping_add_signed(around);
        words[index] & !shifted(words, row, border.face % 3)
    };
    let collect = |neighbours: &Neighbours, voxels| simple_and_no_endpoint(neighbours, voxels, border);
    collect_where(found, geometry, step, candidates, collect);
}

#[inline(always)]
fn collect_removed_lanes(found: &mut Found<'_, '_>, geometry: &Geometry, step: usize) {
    let collect = |neighbours: &Neighbours, voxels| removed_pixels(neighbours, voxels, step);
    collect_where(found, geometry, step, |words, index| words[index], collect);
}

/// Runs over the active words of a part and keeps what `collect` makes of their candidates, eight words at a time.
#[inline(always)]
fn collect_where(
    found: &mut Found<'_, '_>,
    geometry: &Geometry,
    step: usize,
    candidates: impl Fn(&[u64], usize) -> u64,
    collect: impl Fn(&Neighbours, Lanes) -> Lanes,
) {
    let Found { part, words } = found;
    let start = part.start;
    let active = 1_u8 << step;
    let mut batch = Batch::new();
    part.slab.collected.clear();
    part.slab.looked_at = 0;
    let flush = |batch: &mut Batch, slab: &mut Slab, collected: &mut [u64]| {
        let result = collect(&batch.neighbours, batch.voxels);
        for lane in 0..batch.count {
            if result.0[lane] != 0 {
                collected[batch.indices[lane] - start] = result.0[lane];
                slab.collected.push(batch.indices[lane]);
            }
        }
        batch.clear();
    };
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
                let index = start + at;
                let voxels = candidates(words, index);
                part.slab.looked_at += 1;
                if voxels != 0 {
                    batch.push(words, index, voxels, geometry);
                    if batch.count == LANES {
                        flush(&mut batch, part.slab, part.words);
                    }
                }
            }
        }
    }
    if batch.count > 0 {
        flush(&mut batch, part.slab, part.words);
    }
}

/// Up to eight words with their neighbours.
pub struct Batch {
    pub neighbours: Neighbours,
    pub voxels: Lanes,
    pub indices: [usize; LANES],
    pub count: usize,
}

impl Batch {
    #[inline(always)]
    pub fn new() -> Self {
        Self { neighbours: [Lanes::NONE; 27], voxels: Lanes::NONE, indices: [0; LANES], count: 0 }
    }

    #[inline(always)]
    pub fn clear(&mut self) {
        self.voxels = Lanes::NONE;
        self.count = 0;
    }

    #[inline(always)]
    pub fn push(&mut self, words: &[u64], index: usize, voxels: u64, geometry: &Geometry) {
        let lane = self.count;
        self.voxels.0[lane] = voxels;
        self.indices[lane] = index;
        for (at, &around) in geometry.rows_around.iter().enumerate() {
            let row = index.wrapping_add_signed(around);
            for dx in 0..3 {
                self.neighbours[3 * at + dx].0[lane] = shifted(words, row, dx);
            }
        }
        self.count += 1;
    }
}

/// Word `index` moved so that each bit holds the voxel at x + `dx` − 1.
#[inline(always)]
pub fn shifted(words: &[u64], index: usize, dx: usize) -> u64 {
    let [before, word, after] = *words[index - 1..].first_chunk().expect("a border surrounds the image");
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
