//! Collecting: what a border step would delete, of the words that are active for it.
//!
//! The active words are found 64 at a time in the bytes that tell them, or one by one in a list, and their candidates (voxels on
//! the border) by their own word and the one behind the border; what has candidates goes to the predicate, eight words at a time.

use crate::image::word_shape::{WORD, WordShape};
use crate::support::allocate::Grow;
use crate::support::errors::Result;
use crate::support::prefetch::prefetch;
use crate::support::simd::{Lanes, Vector, for_this_processor};
use crate::thinning::dense::bands::Strides;
use crate::thinning::words::batch::{Batch, behind, rows_of};
use crate::thinning::words::queue::{QUEUED, Queue, take_active};
use crate::thinning::words::simple_points::{BORDERS, Border, Neighbours, simple_and_no_endpoint};
use crate::thinning::words::zhang::removed_pixels;

/// What a list of words with collected voxels is called when there is no memory for it.
pub const COLLECTED: &str = "the collected words";

/// The words that a step looks at, a bit in a byte for each kind of step.
pub enum Active<'a> {
    /// Rows of words, and which of them may have active words.
    Rows { words: &'a mut [u8], rows: &'a mut [u8] },
    /// Listed words, by ascending indices of those of the part.
    Listed { words: &'a mut [u8], indices: &'a [usize] },
}

/// A part of an image.
pub struct Part<'a> {
    /// The first word's index.
    pub start: usize,
    pub collected: &'a mut [u64],
    pub active: Active<'a>,
    /// The words with collected voxels, in raster order, and the number of words looked at.
    pub found: Vec<usize>,
    pub looked_at: usize,
}

/// What a kind of step collects.
///
/// A trait rather than closures, because only functions that are always inlined are compiled for this processor.
trait Collect {
    /// The distance of the word that the candidates are found with, beside their own.
    fn behind(&self) -> isize;
    /// The voxels of a word that are worth the predicate.
    fn candidates<W: WordShape>(&self, words: &[u64], index: usize) -> u64;
    /// Those of `voxels` that satisfy the predicate.
    fn collect<V: Vector>(&self, neighbours: &Neighbours<V>, voxels: V) -> V;
}

/// Lee's: simple voxels on a border that are no endpoints.
struct OnBorder {
    border: &'static Border,
    behind: isize,
}

impl Collect for OnBorder {
    #[inline(always)]
    fn behind(&self) -> isize {
        self.behind
    }

    #[inline(always)]
    fn candidates<W: WordShape>(&self, words: &[u64], index: usize) -> u64 {
        let word = words[index];
        word & !behind::<W>(word, words[index.wrapping_add_signed(self.behind)], self.border)
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
    fn behind(&self) -> isize {
        0
    }

    #[inline(always)]
    fn candidates<W: WordShape>(&self, words: &[u64], index: usize) -> u64 {
        words[index]
    }

    #[inline(always)]
    fn collect<V: Vector>(&self, neighbours: &Neighbours<V>, voxels: V) -> V {
        removed_pixels(neighbours, voxels, self.step)
    }
}

for_this_processor! {
    /// Collects Lee's voxels of a part.
    pub fn collect_border<W: WordShape>(part: &mut Part<'_>, words: &[u64], strides: &Strides, step: usize) -> Result<()>
        = collect_border_lanes;
}

for_this_processor! {
    /// Collects Zhang's pixels of a part.
    pub fn collect_removed<W: WordShape>(part: &mut Part<'_>, words: &[u64], strides: &Strides, step: usize) -> Result<()>
        = collect_removed_lanes;
}

#[inline(always)]
fn collect_border_lanes<W: WordShape, V: Vector>(
    part: &mut Part<'_>,
    words: &[u64],
    strides: &Strides,
    step: usize,
) -> Result<()> {
    let border = &BORDERS[step];
    let behind = strides.rows_around[border.face / 3] + border.face as isize % 3 - 1;
    collect_active::<W, V>(part, words, strides, step, &OnBorder { border, behind })
}

#[inline(always)]
fn collect_removed_lanes<W: WordShape, V: Vector>(
    part: &mut Part<'_>,
    words: &[u64],
    strides: &Strides,
    step: usize,
) -> Result<()> {
    collect_active::<W, V>(part, words, strides, step, &InTable { step })
}

/// Runs over the active words of a part and keeps what is collected of their candidates, eight words at a time.
#[inline(always)]
fn collect_active<W: WordShape, V: Vector>(
    part: &mut Part<'_>,
    words: &[u64],
    strides: &Strides,
    step: usize,
    rule: &impl Collect,
) -> Result<()> {
    let (mut queue, mut batch) = (Queue::new(), Batch::new());
    let ask = |index: usize| {
        prefetch(words, index);
        prefetch(words, index.wrapping_add_signed(rule.behind()));
    };
    match std::mem::replace(&mut part.active, Active::Listed { words: &mut [], indices: &[] }) {
        Active::Rows { words: active_words, rows } => {
            let active = 1_u8 << step;
            for (row, (active_row, bytes)) in rows.iter_mut().zip(active_words.chunks_mut(strides.row)).enumerate() {
                if *active_row & active == 0 {
                    continue;
                }
                *active_row &= !active;
                let start = part.start + row * strides.row;
                for (at, bytes) in bytes.chunks_mut(WORD).enumerate() {
                    let mut found = take_active(bytes, step);
                    while found != 0 {
                        queue.add_first(&mut found, start + at * WORD, ask);
                        if queue.is_full() {
                            collect_queue::<W, V>(part, &mut queue, &mut batch, words, strides, rule)?;
                        }
                    }
                }
            }
        }
        Active::Listed { words: active_words, indices } => {
            for indices in indices.chunks(QUEUED) {
                queue.add_active(indices, active_words, step, ask);
                collect_queue::<W, V>(part, &mut queue, &mut batch, words, strides, rule)?;
            }
        }
    }
    collect_queue::<W, V>(part, &mut queue, &mut batch, words, strides, rule)?;
    if batch.count > 0 {
        collect_batch::<W, V>(part, &mut batch, rule)?;
    }
    Ok(())
}

/// Collects from the queued words.
#[inline(always)]
fn collect_queue<W: WordShape, V: Vector>(
    part: &mut Part<'_>,
    queue: &mut Queue,
    batch: &mut Batch,
    words: &[u64],
    strides: &Strides,
    rule: &impl Collect,
) -> Result<()> {
    part.looked_at += queue.count();
    let candidates = queue.take(|index| rule.candidates::<W>(words, index));
    for &(index, _) in candidates {
        strides.prefetch(words, index, rows_of::<W>());
        prefetch(part.collected, index - part.start);
    }
    for &(index, voxels) in candidates {
        batch.push::<W>(index, voxels, |row| strides.row_around(words, index, row));
        if batch.is_full() {
            collect_batch::<W, V>(part, batch, rule)?;
        }
    }
    Ok(())
}

#[inline(always)]
fn collect_batch<W: WordShape, V: Vector>(part: &mut Part<'_>, batch: &mut Batch, rule: &impl Collect) -> Result<()> {
    let mut result = Lanes::NONE;
    for first in (0..batch.count).step_by(V::WORDS) {
        let voxels = V::load(&batch.voxels, first);
        rule.collect(&batch.neighbours::<W, V>(first), voxels).store(&mut result, first);
    }
    for lane in 0..batch.count {
        if result.0[lane] != 0 {
            part.collected[batch.indices[lane] - part.start] = result.0[lane];
            part.found.try_push(COLLECTED, batch.indices[lane])?;
        }
    }
    batch.clear();
    Ok(())
}
