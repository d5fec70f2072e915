//! Collecting with three values: the voxels that a border step would delete, certainly or possibly.

use crate::image::word_shape::{WORD, WordShape, set_bits};
use crate::support::allocate::Grow;
use crate::support::errors::Result;
use crate::support::prefetch::prefetch;
use crate::support::simd::{LANES, Lanes, Vector, for_this_processor};
use crate::thinning::chunks::doubt::{self, Decision};
use crate::thinning::chunks::state::{State, neighbours};
use crate::thinning::chunks::stored::Stored;
use crate::thinning::chunks::words::{self, WORDS, row};
use crate::thinning::method::Method;
use crate::thinning::words::batch::{Batch, behind};
use crate::thinning::words::queue::{Queue, take_active};
use crate::thinning::words::simple_points::{BORDERS, Neighbours, simple_and_no_endpoint};
use crate::thinning::words::zhang::removed_pixels;

for_this_processor! {
    /// Collects the border voxels of the active words.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn collect<W: WordShape>(state: &mut State<'_, W>, kind: usize) -> Result<()> = collect_lanes;
}

#[inline(always)]
fn collect_lanes<W: WordShape, V: Vector>(state: &mut State<'_, W>, kind: usize) -> Result<()> {
    let (mut queue, mut batch) = (Queue::new(), Batch::new());
    let mut start = 0;
    while start < state.active.len() {
        let end = state.active.len().min(start + WORD);
        let mut found = take_active(&mut state.active[start..end], kind);
        while found != 0 {
            queue.add_first(&mut found, start, |index| prefetch(state.stored.around.as_slice(), index));
            if queue.is_full() {
                collect_queue::<W, V>(state, &mut queue, &mut batch, kind)?;
            }
        }
        start = end;
    }
    collect_queue::<W, V>(state, &mut queue, &mut batch, kind)?;
    if batch.count > 0 {
        collect_batch::<W, V>(state, &mut batch, kind)?;
    }
    collect_doubtful::<W, V>(state, kind)
}

/// Collects from the queued words.
#[inline(always)]
fn collect_queue<W: WordShape, V: Vector>(
    state: &mut State<'_, W>,
    queue: &mut Queue,
    batch: &mut Batch,
    kind: usize,
) -> Result<()> {
    let (Stored { around: all, mine, .. }, border) = (state.stored, &BORDERS[kind]);
    let is_lee = state.method != Method::Zhang;
    let candidates = queue.take(|word| {
        let sure = state.sure[word];
        // One in a thousand unknown voxels would later certainly be deleted; testing them again costs more than the rest.
        let voxels = mine[word] & sure;
        if is_lee {
            voxels & !behind::<W>(sure, state.sure[words::word(&all[word], border.face)], border)
        } else {
            voxels
        }
    });
    for &(word, voxels) in candidates {
        if voxels & state.near_unknown[word] != 0 {
            state.doubtful.try_push(WORDS, (word, voxels))?;
            continue;
        }
        batch.push::<W>(word, voxels, |at| row(&state.sure, &all[word], at));
        if batch.is_full() {
            collect_batch::<W, V>(state, batch, kind)?;
        }
    }
    Ok(())
}

#[inline(always)]
fn collect_batch<W: WordShape, V: Vector>(state: &mut State<'_, W>, batch: &mut Batch, kind: usize) -> Result<()> {
    let mut result = Lanes::NONE;
    for first in (0..batch.count).step_by(V::WORDS) {
        let voxels = V::load(&batch.voxels, first);
        let neighbours = batch.neighbours::<W, V>(first);
        collected_of(state.method, &neighbours, voxels, kind).store(&mut result, first);
    }
    for lane in 0..batch.count {
        state.note_collected(batch.indices[lane], result.0[lane], 0)?;
    }
    batch.clear();
    Ok(())
}

/// Those of `voxels`, candidates of a step, that it collects.
#[inline(always)]
fn collected_of<V: Vector>(method: Method, neighbours: &Neighbours<V>, voxels: V, kind: usize) -> V {
    match method {
        Method::Lee | Method::LeePreserving => simple_and_no_endpoint(neighbours, voxels, &BORDERS[kind]),
        Method::Zhang => removed_pixels(neighbours, voxels, kind),
    }
}

/// Collects from words with unknown voxels in or next to them. They are evaluated eight at a time, with none of the unknown voxels
/// present and with all of them. Two in three answers differ; the other voxels are decided one by one.
#[inline(always)]
fn collect_doubtful<W: WordShape, V: Vector>(state: &mut State<'_, W>, kind: usize) -> Result<()> {
    let mut doubtful = std::mem::take(&mut state.doubtful);
    let all = &state.stored.around;
    let [mut with_none, mut with_all] = [Batch::new(), Batch::new()];
    for words in doubtful.chunks(LANES) {
        for &(word, voxels) in words {
            let around = &all[word];
            with_none.push::<W>(word, voxels, |at| row(&state.sure, around, at));
            with_all.push::<W>(word, voxels, |at| {
                let [sure, unknown] = [row(&state.sure, around, at), row(&state.unknown, around, at)];
                std::array::from_fn(|dx| sure[dx] | unknown[dx])
            });
        }
        let mut results = [Lanes::NONE; 2];
        for (batch, result) in [&with_none, &with_all].into_iter().zip(&mut results) {
            for first in (0..batch.count).step_by(V::WORDS) {
                let neighbours = batch.neighbours::<W, V>(first);
                let voxels = V::load(&batch.voxels, first);
                let candidates = match state.method {
                    Method::Lee | Method::LeePreserving => voxels.without(neighbours[BORDERS[kind].face]),
                    Method::Zhang => voxels,
                };
                collected_of(state.method, &neighbours, candidates, kind).store(result, first);
            }
        }
        for (lane, &(word, voxels)) in words.iter().enumerate() {
            let [with_none, with_all] = results.map(|result| result.0[lane]);
            let near_unknown = voxels & state.near_unknown[word];
            let (mut collected, mut doubted) = (with_none & !near_unknown, (with_none ^ with_all) & near_unknown);
            for bit in set_bits(near_unknown & !doubted) {
                let decision = is_collected(state, word, bit, kind);
                collected |= u64::from(decision == Decision::Yes) << bit;
                doubted |= u64::from(decision == Decision::Maybe) << bit;
            }
            state.note_collected(word, collected, doubted)?;
        }
        with_none.clear();
        with_all.clear();
    }
    doubtful.clear();
    state.doubtful = doubtful;
    Ok(())
}

/// Whether a step collects a voxel some of whose neighbours are unknown.
fn is_collected<W: WordShape>(state: &mut State<'_, W>, word: usize, bit: usize, kind: usize) -> Decision {
    let around = &state.stored.around[word];
    let sure = neighbours::<W>(&state.sure, around, bit);
    let unknown = neighbours::<W>(&state.unknown, around, bit);
    match state.method {
        Method::Lee | Method::LeePreserving => state.collector.on_border(sure, unknown, 1 << BORDERS[kind].face),
        Method::Zhang => doubt::in_table(sure, unknown, kind),
    }
}
