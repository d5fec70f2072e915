//! Lee's recheck with three values: voxels next to unknown ones in raster order, the others as in memory.

use crate::image::word_shape::{WordShape, earlier_neighbours};
use crate::support::allocate::{Grow, try_sort_by};
use crate::support::errors::Result;
use crate::support::simd::{Vector, for_this_processor};
use crate::thinning::chunks::doubt::{self, Decision};
use crate::thinning::chunks::state::{State, neighbours};
use crate::thinning::chunks::words::{self, WORDS, row};
use crate::thinning::method::Method;
use crate::thinning::words::batch::{Batch, unsettled};
use crate::thinning::words::raster_order::in_raster_order;
use crate::thinning::words::simple_points::BORDERS;

/// Rechecks the collected voxels of a step of kind `kind`; `scripted` tells whether the script deletes any in it.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`].
pub fn recheck<W: WordShape>(state: &mut State<'_, W>, kind: usize, scripted: bool) -> Result<()> {
    if state.method == Method::LeePreserving {
        recheck_simple::<W>(state, kind, scripted)
    } else {
        recheck_connected::<W>(state, kind, scripted)
    }
}

for_this_processor! {
    fn recheck_connected<W: WordShape>(state: &mut State<'_, W>, kind: usize, scripted: bool) -> Result<()>
        = recheck_connected_lanes;
}

for_this_processor! {
    fn recheck_simple<W: WordShape>(state: &mut State<'_, W>, kind: usize, scripted: bool) -> Result<()> = recheck_simple_lanes;
}

#[inline(always)]
fn recheck_connected_lanes<W: WordShape, V: Vector>(
    state: &mut State<'_, W>,
    kind: usize,
    scripted: bool,
) -> Result<()> {
    recheck_lanes::<W, V, false>(state, kind, scripted)
}

#[inline(always)]
fn recheck_simple_lanes<W: WordShape, V: Vector>(state: &mut State<'_, W>, kind: usize, scripted: bool) -> Result<()> {
    recheck_lanes::<W, V, true>(state, kind, scripted)
}

/// Rechecks the collected voxels: at once where no order matters, the others in raster order.
#[inline(always)]
fn recheck_lanes<W: WordShape, V: Vector, const PRESERVING: bool>(
    state: &mut State<'_, W>,
    kind: usize,
    scripted: bool,
) -> Result<()> {
    // Voxels next to unknown ones, and those whose recheck depends on that of an earlier neighbour.
    let [mut doubtful, mut waiting] = [Vec::new(), Vec::new()];
    let [mut batch, mut earlier] = [Batch::new(), Batch::new()];
    let (touched, stored) = (std::mem::take(&mut state.touched), state.stored);
    for &index in &touched {
        let word = index as usize;
        let collected = state.collected[word] & !state.doubted[word];
        // Next to unknown voxels the order is kept.
        let in_order = collected & state.near_unknown[word];
        if in_order != 0 {
            doubtful.try_push(WORDS, (index, in_order))?;
        }
        let voxels = collected & !in_order;
        if voxels == 0 {
            continue;
        }
        let around = &stored.around[word];
        let earlier_row = |at: usize| {
            let collected = row(&state.collected, around, at);
            // Deletions of the script come in raster order too.
            let scripted = if scripted { row(&state.deleted, around, at) } else { [0; 4] };
            std::array::from_fn(|dx| collected[dx] | scripted[dx])
        };
        batch.push::<W>(word, voxels, |at| row(&state.sure, around, at));
        earlier.push_earlier::<W>(word, earlier_row);
        if batch.is_full() {
            recheck_batch::<W, V, PRESERVING>(state, &mut batch, &mut earlier, kind, &mut waiting)?;
        }
    }
    if batch.count > 0 {
        recheck_batch::<W, V, PRESERVING>(state, &mut batch, &mut earlier, kind, &mut waiting)?;
    }
    state.touched = touched;
    // Sorted lists one after the other, which this sort merges.
    waiting.try_extend_from_slice(WORDS, &doubtful)?;
    try_sort_by(WORDS, &mut waiting, Ord::cmp)?;
    waiting.dedup_by(|next, word| {
        let same = next.0 == word.0;
        word.1 |= if same { next.1 } else { 0 };
        same
    });
    in_raster_order::<W, u32>(
        &waiting,
        |word| u64::from(stored.rows[word as usize]),
        |word| stored.planes[stored.rows[word as usize] as usize],
        |_| {},
        |word, bit| recheck_voxel(state, word as usize, bit, kind),
    );
    Ok(())
}

#[inline(always)]
fn recheck_batch<W: WordShape, V: Vector, const PRESERVING: bool>(
    state: &mut State<'_, W>,
    batch: &mut Batch,
    earlier: &mut Batch,
    kind: usize,
    waiting: &mut Vec<(u32, u64)>,
) -> Result<()> {
    let unsettled = unsettled::<W, V, PRESERVING>(batch, earlier, &BORDERS[kind]);
    for lane in 0..batch.count {
        let word = batch.indices[lane];
        state.deleted[word] |= batch.voxels.0[lane] & !unsettled.0[lane];
        if unsettled.0[lane] != 0 {
            waiting.try_push(WORDS, (word as u32, unsettled.0[lane]))?;
        }
    }
    batch.clear();
    earlier.clear();
    Ok(())
}

/// Rechecks one collected voxel, all earlier ones being rechecked.
fn recheck_voxel<W: WordShape>(state: &mut State<'_, W>, word: usize, bit: usize, kind: usize) {
    let around = &state.stored.around[word];
    let gone = earlier_neighbours::<W>(|row, dx| words::at(&state.deleted, around, row, dx), bit);
    let doubted = earlier_neighbours::<W>(|row, dx| words::at(&state.doubted, around, row, dx), bit);
    let sure = neighbours::<W>(&state.sure, around, bit) & !gone & !doubted;
    if state.near_unknown[word] >> bit & 1 == 0 && doubted == 0 {
        debug_assert_eq!(neighbours::<W>(&state.unknown, around, bit), 0, "nothing around is unknown");
        state.deleted[word] |= u64::from(state.method.deletes(sure)) << bit;
        return;
    }
    let unknown = neighbours::<W>(&state.unknown, around, bit) | doubted;
    let decision = match state.method {
        Method::LeePreserving => state.collector.on_border(sure, unknown, 1 << BORDERS[kind].face),
        _ => doubt::recheck(sure, unknown),
    };
    state.deleted[word] |= u64::from(decision == Decision::Yes) << bit;
    state.doubted[word] |= u64::from(decision == Decision::Maybe) << bit;
}
