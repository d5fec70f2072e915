//! Thinning of a region with three values, present, absent and unknown, on sparse words.
//!
//! Voxels outside the known region are unknown. Border steps are counted from 0, the same for all regions of the image. A
//! decision is taken only if it is the same for every assignment of the unknown neighbours; otherwise the voxel becomes unknown
//! and stays so. Voxels that an earlier run decided follow their script: such a voxel is present when its step collects, and
//! present to the rechecks that come before it in raster order.
//!
//! Invariants: background never changes, so unknown voxels spread through foreground only. A voxel that was never unknown took
//! the decisions of the sequential method on the whole image, whatever is outside the region. The run ends when a whole round
//! changes nothing and no script is left, because decisions are functions of the state.
//!
//! Cost: without unknown voxels that of thinning in memory. Near unknown voxels each word is evaluated twice, with all of them
//! absent and with all of them present, and a third of the voxels one by one ([`crate::thinning::chunks::doubt`]). Each word
//! with voxels that become unknown costs a few nanoseconds for each word around it. For a block of 250³ inside a vessel tree
//! three quarters of the time are steps, a sixth finds the words around each, the rest writes the residue.

use crate::image::word_shape::WordShape;
use crate::support::allocate::Grow;
use crate::support::errors::Result;
use crate::support::threads::Monitor;
use crate::thinning::chunks::collect::collect;
use crate::thinning::chunks::recheck::recheck;
use crate::thinning::chunks::residue::{Residue, SCRIPT};
use crate::thinning::chunks::state::{Event, State};
use crate::thinning::chunks::stored::Stored;
use crate::thinning::chunks::words::WORDS;
use crate::thinning::method::Method;
use crate::thinning::words::batch::rows_of;

/// The result of a run, by word.
pub struct Outcome {
    /// Voxels that are certainly left.
    pub sure: Vec<u64>,
    /// Voxels that were unknown at some time.
    pub unknown: Vec<u64>,
    /// Voxels that were unknown at some time, and their neighbours.
    pub near_unknown: Vec<u64>,
    /// The deletions of voxels to decide, in the order of steps.
    pub log: Vec<Event>,
}

/// Thins a part of an image to the end; `script` holds the deletions of decided voxels, in the order of steps.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`], or [`crate::support::errors::Error::Interrupted`] through `monitor`.
pub fn run<W: WordShape>(part: &Residue, stored: &Stored, script: &[Event], monitor: &Monitor) -> Result<Outcome> {
    let mut state = State::<W>::new(part, stored)?;
    let (mut step, mut quiet, mut next) = (0_u32, 0, 0);
    loop {
        monitor.check()?;
        let first = next;
        while next < script.len() && script[next].step == step {
            next += 1;
        }
        quiet = if advance(&mut state, step, &script[first..next])? { 0 } else { quiet + 1 };
        step = step.saturating_add(1);
        if quiet >= state.steps {
            // Nothing happens until the next deletion of the script.
            let Some(event) = script.get(next) else { break };
            step = step.max(event.step);
            quiet = 0;
        }
    }
    let State { sure, unknown, near_unknown, log, .. } = state;
    Ok(Outcome { sure, unknown, near_unknown, log })
}

/// One border step; returns whether anything changed.
fn advance<W: WordShape>(state: &mut State<'_, W>, step: u32, events: &[Event]) -> Result<bool> {
    let kind = step as usize % state.steps;
    state.touched.clear();
    collect::<W>(state, kind)?;
    for event in events {
        state.deleted[event.word as usize] |= event.voxels;
        state.touched.try_push(WORDS, event.word)?;
    }
    if !events.is_empty() {
        state.touched.sort_unstable();
        state.touched.dedup();
    }
    match state.method {
        Method::Lee | Method::LeePreserving => recheck::<W>(state, kind, !events.is_empty())?,
        Method::Zhang => take_collected(state),
    }
    apply(state, step)
}

/// Deletes the collected voxels: Zhang's steps have no recheck.
fn take_collected<W: WordShape>(state: &mut State<'_, W>) {
    for &word in &state.touched {
        let word = word as usize;
        state.deleted[word] |= state.collected[word] & !state.doubted[word];
    }
}

/// Applies the step's decisions to the state; returns whether anything changed.
fn apply<W: WordShape>(state: &mut State<'_, W>, step: u32) -> Result<bool> {
    let mut changed = false;
    let every_step = ((1 << state.steps) - 1) as u8;
    let touched = std::mem::take(&mut state.touched);
    for &index in &touched {
        let word = index as usize;
        state.collected[word] = 0;
        let deleted = std::mem::take(&mut state.deleted[word]);
        let doubted = std::mem::take(&mut state.doubted[word]);
        if deleted | doubted == 0 {
            continue;
        }
        changed = true;
        state.sure[word] &= !(deleted | doubted);
        if doubted != 0 {
            state.unknown[word] |= doubted;
            state.mark_near(word, doubted);
        }
        let mine = deleted & state.stored.mine[word];
        if mine != 0 {
            state.log.try_push(SCRIPT, Event { step, word: index, voxels: mine })?;
        }
        let around = &state.stored.around[word];
        for row in rows_of::<W>() {
            // Without branches: which words are touched is hard to predict.
            let three = state.active[around[row] as usize - 1..].first_chunk_mut::<3>();
            for (dx, active) in three.expect("empty words surround each").iter_mut().enumerate() {
                let is_touched = (deleted | doubted) & W::TOUCHING[3 * row + dx] != 0;
                *active |= if is_touched { every_step } else { 0 };
            }
        }
    }
    state.touched = touched;
    Ok(changed)
}
