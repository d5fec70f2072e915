//! Lee's recheck: the collected voxels in raster order, each deleted if its neighbours present by then are connected.
//!
//! Only earlier collected neighbours make the order matter. A formula finds the voxels that are deleted whatever happens to
//! those, 512 at a time and in any order ([`unsettled`]): all that have none, since they were simple when they
//! were collected and nothing changed, and nine in ten of the others. The rest is decided in raster order, by flood fill. Later
//! collected neighbours are always present, as in the sequential method.
//!
//! A band is decided when those before it are, so all earlier voxels are.

use crate::image::word_shape::{WordShape, earlier_neighbours, neighbours};
use crate::support::allocate::Grow;
use crate::support::errors::Result;
use crate::support::prefetch::AHEAD;
use crate::support::simd::{Vector, for_this_processor};
use crate::thinning::dense::bands::Strides;
use crate::thinning::method::Method;
use crate::thinning::words::batch::{Batch, EARLIER_ROWS, unsettled};
use crate::thinning::words::simple_points::Border;

/// What a list of waiting voxels is called when there is no memory for it.
pub const WAITING: &str = "the voxels that wait";

/// What a step rechecks by.
#[derive(Debug, Clone, Copy)]
pub struct Recheck {
    pub method: Method,
    /// The border that the voxels were collected on.
    pub border: &'static Border,
}

for_this_processor! {
    /// Adds the collected voxels of the words at `indices` to `waiting` whose recheck depends on that of an earlier neighbour.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn find_waiting<W: WordShape, const PRESERVING: bool>(
        waiting: &mut Vec<(usize, u64)>,
        indices: &[usize],
        words: &[u64],
        collected: &[u64],
        strides: &Strides,
        border: &Border,
    ) -> Result<()> = find_waiting_lanes;
}

#[inline(always)]
fn find_waiting_lanes<W: WordShape, V: Vector, const PRESERVING: bool>(
    waiting: &mut Vec<(usize, u64)>,
    indices: &[usize],
    words: &[u64],
    collected: &[u64],
    strides: &Strides,
    border: &Border,
) -> Result<()> {
    let [mut batch, mut earlier] = [Batch::new(), Batch::new()];
    for (at, &index) in indices.iter().enumerate() {
        if let Some(&later) = indices.get(at + AHEAD) {
            strides.prefetch(words, later, 0..9);
            strides.prefetch(collected, later, 0..EARLIER_ROWS);
        }
        batch.push::<W>(index, collected[index], |row| strides.row_around(words, index, row));
        earlier.push_earlier::<W>(index, |row| strides.row_around(collected, index, row));
        if batch.is_full() {
            keep_waiting::<W, V, PRESERVING>(&mut batch, &mut earlier, border, waiting)?;
        }
    }
    if batch.count > 0 {
        keep_waiting::<W, V, PRESERVING>(&mut batch, &mut earlier, border, waiting)?;
    }
    Ok(())
}

/// Keeps the voxels of the batch that are not deleted whatever happens.
#[inline(always)]
fn keep_waiting<W: WordShape, V: Vector, const PRESERVING: bool>(
    batch: &mut Batch,
    earlier: &mut Batch,
    border: &Border,
    waiting: &mut Vec<(usize, u64)>,
) -> Result<()> {
    let unsettled = unsettled::<W, V, PRESERVING>(batch, earlier, border);
    for lane in 0..batch.count {
        if unsettled.0[lane] != 0 {
            waiting.try_push(WAITING, (batch.indices[lane], unsettled.0[lane]))?;
        }
    }
    batch.clear();
    earlier.clear();
    Ok(())
}

/// Decides waiting voxels, given by word, with all others decided, and leaves in `collected` what is deleted.
pub fn decide<W: WordShape>(
    waiting: &[(usize, u64)],
    words: &[u64],
    collected: &mut [u64],
    strides: &Strides,
    rule: Recheck,
) {
    for &(index, voxels) in waiting {
        collected[index] &= !voxels;
    }
    let gone: *const [u64] = collected;
    let ask = |index: usize| {
        strides.prefetch(words, index, 0..9);
        strides.prefetch(gone, index, 0..EARLIER_ROWS);
    };
    strides.in_raster_order::<W>(waiting, ask, |index, bit| {
        let gone = earlier_neighbours::<W>(around(index, strides, collected), bit);
        let present = neighbours::<W>(around(index, strides, words), bit);
        if rule.method.deletes(present & !gone) {
            collected[index] |= 1 << bit;
        }
    });
}

/// The words around a word.
#[inline(always)]
fn around(index: usize, strides: &Strides, words: &[u64]) -> impl Fn(usize, usize) -> u64 {
    move |row, dx| words[index.wrapping_add_signed(strides.rows_around[row]) + dx - 1]
}
