//! Thinning of a part of an image with three values, present, absent and unknown, on sparse words.
//!
//! What lies beyond the known region stays unknown. Border steps are counted from 0, the same for every part of the image. A
//! decision is taken only if it is the same for every assignment of the unknown neighbours, otherwise the voxel becomes unknown
//! too, for good. Voxels that an earlier run decided follow their script: such a voxel is present to the collecting of its
//! step, and to the recheck if it comes later in raster order.
//!
//! Invariants: background never changes, so doubt spreads through foreground only; a voxel that was never unknown took the
//! decisions of the sequential method on the whole image, whatever is beyond; the run ends when a whole round changes nothing
//! and no script is left, for decisions are functions of the state.
//!
//! Cost: where nothing is unknown that of thinning in memory. Next to unknown voxels each word is looked at twice, with all of
//! those absent and with all of them present, and a third of the voxels one by one ([`crate::thinning::chunks::doubt`]); what
//! may be deleted becomes unknown, which costs a few nanoseconds for each of the words around. Of a block of 250³ inside a
//! vessel tree three quarters of the time are steps, a sixth finding the words around each, the rest saying what is left.

use std::marker::PhantomData;

use crate::image::word_shape::{self, WORD, WordShape, earlier_neighbours, set_bits};
use crate::support::allocate::{Grow, try_collect, try_copy, try_sort_by, try_zeros};
use crate::support::errors::Result;
use crate::support::prefetch::prefetch;
use crate::support::simd::{LANES, Lanes, Vector, for_this_processor};
use crate::support::threads::Monitor;
use crate::thinning::chunks::doubt::{self, Collector, Decision};
use crate::thinning::chunks::residue::{Residue, SCRIPT};
use crate::thinning::chunks::stored::{STATE, Stored};
use crate::thinning::chunks::words::{self, RowsAround, WORDS, row};
use crate::thinning::method::{Method, steps};
use crate::thinning::words::batch::{Batch, behind, near, rows_of, spread_around};
use crate::thinning::words::queue::{Queue, take_active};
use crate::thinning::words::raster_order::in_raster_order;
use crate::thinning::words::simple_points::{BORDERS, EARLIER, Neighbours, settled, simple_and_no_endpoint};
use crate::thinning::words::zhang::removed_pixels;

/// Voxels of a word deleted in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// The border step.
    pub step: u32,
    /// The word's index.
    pub word: u32,
    /// The voxels.
    pub voxels: u64,
}

/// A part of an image in the course of thinning. Every list is by the index of a word; empty words lie between them.
pub struct Simulation<'a, W> {
    method: Method,
    steps: usize,
    stored: &'a Stored,
    /// Voxels that are present for sure, and those that are unknown, for good.
    sure: Vec<u64>,
    unknown: Vec<u64>,
    /// Unknown voxels and all neighbours of such.
    near_unknown: Vec<u64>,
    /// Voxels to decide that this step collects or may collect.
    collected: Vec<u64>,
    /// What this step deletes, and what becomes unknown.
    deleted: Vec<u64>,
    doubted: Vec<u64>,
    /// Kinds of steps that have to look at a word.
    active: Vec<u8>,
    /// Words that this step touches.
    touched: Vec<u32>,
    /// Candidates of this step in words that have any next to something unknown.
    doubtful: Vec<(usize, u64)>,
    collector: Collector,
    log: Vec<Event>,
    shape: PhantomData<W>,
}

/// What a run has found, by word.
pub struct Outcome {
    /// Voxels that are left for sure.
    pub sure: Vec<u64>,
    /// Voxels that were unknown at some time.
    pub unknown: Vec<u64>,
    /// Those and their neighbours.
    pub near_unknown: Vec<u64>,
    /// The deletions of voxels to decide, in the order of steps.
    pub log: Vec<Event>,
}

impl<'a, W: WordShape> Simulation<'a, W> {
    /// A part of an image before its first step.
    pub fn new(part: &Residue, stored: &'a Stored) -> Result<Self> {
        let Stored { keys, mine, scripted, beyond, .. } = stored;
        let count = keys.len();
        let zeros = || try_zeros::<u64>(STATE, count);
        let steps = steps(part.method, part.frame.shape[0]);
        let every_step = (1 << steps) - 1;
        let active = mine.iter().map(|&mine| if mine == 0 { 0 } else { every_step });
        let mut simulation = Self {
            method: part.method,
            steps,
            stored,
            sure: try_collect(STATE, mine.iter().zip(scripted).map(|(mine, scripted)| mine | scripted))?,
            unknown: try_copy(STATE, beyond)?,
            near_unknown: zeros()?,
            collected: zeros()?,
            deleted: zeros()?,
            doubted: zeros()?,
            active: try_collect("the active words", active)?,
            touched: Vec::new(),
            doubtful: Vec::new(),
            collector: Collector::new()?,
            log: Vec::new(),
            shape: PhantomData,
        };
        for index in stored.edge.iter().map(|&index| index as usize) {
            simulation.near_unknown[index] = near::<W>(|at| row(beyond, &stored.around[index], at));
        }
        Ok(simulation)
    }

    /// Runs to the end; `script` are the deletions of decided voxels, in the order of steps.
    pub fn run(mut self, script: &[Event], monitor: &Monitor) -> Result<Outcome> {
        let (mut step, mut quiet, mut next) = (0_u32, 0, 0);
        loop {
            monitor.check()?;
            let first = next;
            while next < script.len() && script[next].step == step {
                next += 1;
            }
            quiet = if self.step(step, &script[first..next])? { 0 } else { quiet + 1 };
            step = step.saturating_add(1);
            if quiet >= self.steps {
                // Nothing happens until the next deletion of the script.
                let Some(event) = script.get(next) else { break };
                step = step.max(event.step);
                quiet = 0;
            }
        }
        let Self { sure, unknown, near_unknown, log, .. } = self;
        Ok(Outcome { sure, unknown, near_unknown, log })
    }

    /// One border step; returns whether anything changed.
    fn step(&mut self, step: u32, events: &[Event]) -> Result<bool> {
        let kind = step as usize % self.steps;
        self.touched.clear();
        collect::<W>(self, kind)?;
        for event in events {
            self.deleted[event.word as usize] |= event.voxels;
            self.touched.try_push(WORDS, event.word)?;
        }
        if !events.is_empty() {
            self.touched.sort_unstable();
            self.touched.dedup();
        }
        match self.method {
            Method::Lee | Method::LeePreserving => recheck::<W>(self, kind, !events.is_empty())?,
            Method::Zhang => self.take_collected(),
        }
        self.apply(step)
    }

    /// Zhang's steps delete what they collect.
    fn take_collected(&mut self) {
        for &word in &self.touched {
            let word = word as usize;
            self.deleted[word] |= self.collected[word] & !self.doubted[word];
        }
    }

    /// Makes the step's decisions the state.
    fn apply(&mut self, step: u32) -> Result<bool> {
        let mut changed = false;
        let every_step = ((1 << self.steps) - 1) as u8;
        let touched = std::mem::take(&mut self.touched);
        for &index in &touched {
            let word = index as usize;
            self.collected[word] = 0;
            let deleted = std::mem::take(&mut self.deleted[word]);
            let doubted = std::mem::take(&mut self.doubted[word]);
            if deleted | doubted == 0 {
                continue;
            }
            changed = true;
            self.sure[word] &= !(deleted | doubted);
            if doubted != 0 {
                self.unknown[word] |= doubted;
                self.mark_near(word, doubted);
            }
            let mine = deleted & self.stored.mine[word];
            if mine != 0 {
                self.log.try_push(SCRIPT, Event { step, word: index, voxels: mine })?;
            }
            let around = &self.stored.around[word];
            for row in rows_of::<W>() {
                // Without branches: which words are touched is hard to predict.
                let three = self.active[around[row] as usize - 1..].first_chunk_mut::<3>();
                for (dx, active) in three.expect("empty words surround each").iter_mut().enumerate() {
                    let is_touched = (deleted | doubted) & W::TOUCHING[3 * row + dx] != 0;
                    *active |= if is_touched { every_step } else { 0 };
                }
            }
        }
        self.touched = touched;
        Ok(changed)
    }

    /// Notes unknown voxels of a word, for those near.
    fn mark_near(&mut self, word: usize, unknown: u64) {
        let around = &self.stored.around[word];
        for (direction, near) in spread_around::<W>(unknown).into_iter().enumerate() {
            self.near_unknown[words::word(around, direction)] |= near;
        }
    }

    /// Whether a step collects a voxel some of whose neighbours are unknown.
    fn is_collected(&mut self, word: usize, bit: usize, kind: usize) -> Decision {
        let around = &self.stored.around[word];
        let sure = neighbours::<W>(&self.sure, around, bit);
        let unknown = neighbours::<W>(&self.unknown, around, bit);
        match self.method {
            Method::Lee | Method::LeePreserving => self.collector.on_border(sure, unknown, 1 << BORDERS[kind].face),
            Method::Zhang => doubt::in_table(sure, unknown, kind),
        }
    }

    /// Notes what a step collects or may collect of a word. What it may collect becomes unknown at once: the recheck would
    /// spare one in two thousand.
    #[inline(always)]
    fn note_collected(&mut self, word: usize, collected: u64, doubted: u64) -> Result<()> {
        if collected | doubted != 0 {
            self.collected[word] = collected | doubted;
            self.doubted[word] = doubted;
            self.touched.try_push(WORDS, word as u32)?;
        }
        Ok(())
    }

    /// Rechecks one collected voxel, all earlier ones being rechecked.
    fn recheck_voxel(&mut self, word: usize, bit: usize, kind: usize) {
        let around = &self.stored.around[word];
        let gone = earlier_neighbours::<W>(|row, dx| words::at(&self.deleted, around, row, dx), bit);
        let doubted = earlier_neighbours::<W>(|row, dx| words::at(&self.doubted, around, row, dx), bit);
        let sure = neighbours::<W>(&self.sure, around, bit) & !gone & !doubted;
        if self.near_unknown[word] >> bit & 1 == 0 && doubted == 0 {
            debug_assert_eq!(neighbours::<W>(&self.unknown, around, bit), 0, "nothing around is unknown");
            self.deleted[word] |= u64::from(self.method.deletes(sure)) << bit;
            return;
        }
        let unknown = neighbours::<W>(&self.unknown, around, bit) | doubted;
        let decision = match self.method {
            Method::LeePreserving => self.collector.on_border(sure, unknown, 1 << BORDERS[kind].face),
            _ => doubt::recheck(sure, unknown),
        };
        self.deleted[word] |= u64::from(decision == Decision::Yes) << bit;
        self.doubted[word] |= u64::from(decision == Decision::Maybe) << bit;
    }
}

/// The neighbours of one voxel of a word, as a mask of 27.
#[inline(always)]
fn neighbours<W: WordShape>(words: &[u64], around: &RowsAround, bit: usize) -> u32 {
    word_shape::neighbours::<W>(|row, dx| words::at(words, around, row, dx), bit)
}

for_this_processor! {
    fn collect<W: WordShape>(simulation: &mut Simulation<'_, W>, kind: usize) -> Result<()> = collect_lanes;
}

/// Collects the border voxels of the active words.
#[inline(always)]
fn collect_lanes<W: WordShape, V: Vector>(simulation: &mut Simulation<'_, W>, kind: usize) -> Result<()> {
    let (mut queue, mut batch) = (Queue::new(), Batch::new());
    let mut start = 0;
    while start < simulation.active.len() {
        let end = simulation.active.len().min(start + WORD);
        let mut found = take_active(&mut simulation.active[start..end], kind);
        while found != 0 {
            queue.add_first(&mut found, start, |index| prefetch(simulation.stored.around.as_slice(), index));
            if queue.is_full() {
                collect_queue::<W, V>(simulation, &mut queue, &mut batch, kind)?;
            }
        }
        start = end;
    }
    collect_queue::<W, V>(simulation, &mut queue, &mut batch, kind)?;
    if batch.count > 0 {
        collect_batch::<W, V>(simulation, &mut batch, kind)?;
    }
    collect_doubtful::<W, V>(simulation, kind)
}

/// Collects from the queued words.
#[inline(always)]
fn collect_queue<W: WordShape, V: Vector>(
    simulation: &mut Simulation<'_, W>,
    queue: &mut Queue,
    batch: &mut Batch,
    kind: usize,
) -> Result<()> {
    let (Stored { around: all, mine, .. }, border) = (simulation.stored, &BORDERS[kind]);
    let is_lee = simulation.method != Method::Zhang;
    let candidates = queue.take(|word| {
        let sure = simulation.sure[word];
        // One in a thousand unknown voxels would later be deleted for certain; asking again costs more than all the rest.
        let voxels = mine[word] & sure;
        if is_lee {
            voxels & !behind::<W>(sure, simulation.sure[words::word(&all[word], border.face)], border)
        } else {
            voxels
        }
    });
    for &(word, voxels) in candidates {
        if voxels & simulation.near_unknown[word] != 0 {
            simulation.doubtful.try_push(WORDS, (word, voxels))?;
            continue;
        }
        batch.push::<W>(word, voxels, |at| row(&simulation.sure, &all[word], at));
        if batch.is_full() {
            collect_batch::<W, V>(simulation, batch, kind)?;
        }
    }
    Ok(())
}

#[inline(always)]
fn collect_batch<W: WordShape, V: Vector>(
    simulation: &mut Simulation<'_, W>,
    batch: &mut Batch,
    kind: usize,
) -> Result<()> {
    let mut result = Lanes::NONE;
    for first in (0..batch.count).step_by(V::WORDS) {
        let voxels = V::load(&batch.voxels, first);
        let neighbours = batch.neighbours::<W, V>(first);
        collected_of(simulation.method, &neighbours, voxels, kind).store(&mut result, first);
    }
    for lane in 0..batch.count {
        simulation.note_collected(batch.indices[lane], result.0[lane], 0)?;
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

/// Collects from words with unknown voxels in or next to them. With none of those present and with all of them, eight words at a
/// time, two in three answers differ; only the others are asked for one by one.
#[inline(always)]
fn collect_doubtful<W: WordShape, V: Vector>(simulation: &mut Simulation<'_, W>, kind: usize) -> Result<()> {
    let mut doubtful = std::mem::take(&mut simulation.doubtful);
    let all = &simulation.stored.around;
    let [mut with_none, mut with_all] = [Batch::new(), Batch::new()];
    for words in doubtful.chunks(LANES) {
        for &(word, voxels) in words {
            let around = &all[word];
            with_none.push::<W>(word, voxels, |at| row(&simulation.sure, around, at));
            with_all.push::<W>(word, voxels, |at| {
                let [sure, unknown] = [row(&simulation.sure, around, at), row(&simulation.unknown, around, at)];
                std::array::from_fn(|dx| sure[dx] | unknown[dx])
            });
        }
        let mut results = [Lanes::NONE; 2];
        for (batch, result) in [&with_none, &with_all].into_iter().zip(&mut results) {
            for first in (0..batch.count).step_by(V::WORDS) {
                let neighbours = batch.neighbours::<W, V>(first);
                let voxels = V::load(&batch.voxels, first);
                let candidates = match simulation.method {
                    Method::Lee | Method::LeePreserving => voxels.without(neighbours[BORDERS[kind].face]),
                    Method::Zhang => voxels,
                };
                collected_of(simulation.method, &neighbours, candidates, kind).store(result, first);
            }
        }
        for (lane, &(word, voxels)) in words.iter().enumerate() {
            let [with_none, with_all] = results.map(|result| result.0[lane]);
            let near_unknown = voxels & simulation.near_unknown[word];
            let (mut collected, mut doubted) = (with_none & !near_unknown, (with_none ^ with_all) & near_unknown);
            for bit in set_bits(near_unknown & !doubted) {
                let decision = simulation.is_collected(word, bit, kind);
                collected |= u64::from(decision == Decision::Yes) << bit;
                doubted |= u64::from(decision == Decision::Maybe) << bit;
            }
            simulation.note_collected(word, collected, doubted)?;
        }
        with_none.clear();
        with_all.clear();
    }
    doubtful.clear();
    simulation.doubtful = doubtful;
    Ok(())
}

/// Rechecks the collected voxels of a step.
fn recheck<W: WordShape>(simulation: &mut Simulation<'_, W>, kind: usize, scripted: bool) -> Result<()> {
    if simulation.method == Method::LeePreserving {
        recheck_simple::<W>(simulation, kind, scripted)
    } else {
        recheck_connected::<W>(simulation, kind, scripted)
    }
}

for_this_processor! {
    fn recheck_connected<W: WordShape>(simulation: &mut Simulation<'_, W>, kind: usize, scripted: bool) -> Result<()>
        = recheck_connected_lanes;
}

for_this_processor! {
    fn recheck_simple<W: WordShape>(simulation: &mut Simulation<'_, W>, kind: usize, scripted: bool) -> Result<()> = recheck_simple_lanes;
}

#[inline(always)]
fn recheck_connected_lanes<W: WordShape, V: Vector>(
    simulation: &mut Simulation<'_, W>,
    kind: usize,
    scripted: bool,
) -> Result<()> {
    recheck_lanes::<W, V, false>(simulation, kind, scripted)
}

#[inline(always)]
fn recheck_simple_lanes<W: WordShape, V: Vector>(
    simulation: &mut Simulation<'_, W>,
    kind: usize,
    scripted: bool,
) -> Result<()> {
    recheck_lanes::<W, V, true>(simulation, kind, scripted)
}

/// Rechecks the collected voxels: at once where no order matters, the others in raster order.
#[inline(always)]
fn recheck_lanes<W: WordShape, V: Vector, const PRESERVING: bool>(
    simulation: &mut Simulation<'_, W>,
    kind: usize,
    scripted: bool,
) -> Result<()> {
    // Voxels next to anything unknown, and those whose recheck depends on an earlier neighbour's.
    let [mut doubtful, mut waiting] = [Vec::new(), Vec::new()];
    let [mut batch, mut earlier] = [Batch::new(), Batch::new()];
    let (touched, stored) = (std::mem::take(&mut simulation.touched), simulation.stored);
    for &index in &touched {
        let word = index as usize;
        let collected = simulation.collected[word] & !simulation.doubted[word];
        // Next to anything unknown the order is kept.
        let in_order = collected & simulation.near_unknown[word];
        if in_order != 0 {
            doubtful.try_push(WORDS, (index, in_order))?;
        }
        let voxels = collected & !in_order;
        if voxels == 0 {
            continue;
        }
        let around = &stored.around[word];
        let earlier_row = |at: usize| {
            let collected = row(&simulation.collected, around, at);
            // Deletions of the script come in raster order too.
            let scripted = if scripted { row(&simulation.deleted, around, at) } else { [0; 4] };
            std::array::from_fn(|dx| collected[dx] | scripted[dx])
        };
        batch.push::<W>(word, voxels, |at| row(&simulation.sure, around, at));
        earlier.push_earlier::<W>(word, earlier_row);
        if batch.is_full() {
            recheck_batch::<W, V, PRESERVING>(simulation, &mut batch, &mut earlier, kind, &mut waiting)?;
        }
    }
    if batch.count > 0 {
        recheck_batch::<W, V, PRESERVING>(simulation, &mut batch, &mut earlier, kind, &mut waiting)?;
    }
    simulation.touched = touched;
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
        |word, bit| simulation.recheck_voxel(word as usize, bit, kind),
    );
    Ok(())
}

#[inline(always)]
fn recheck_batch<W: WordShape, V: Vector, const PRESERVING: bool>(
    simulation: &mut Simulation<'_, W>,
    batch: &mut Batch,
    earlier: &mut Batch,
    kind: usize,
    waiting: &mut Vec<(u32, u64)>,
) -> Result<()> {
    let mut deleted = Lanes::NONE;
    for first in (0..batch.count).step_by(V::WORDS) {
        let voxels = V::load(&batch.voxels, first);
        let mut certain = batch.neighbours::<W, V>(first);
        let maybe = earlier.neighbours::<W, V>(first);
        for direction in 0..EARLIER {
            certain[direction] = certain[direction].without(maybe[direction]);
        }
        let maybe = maybe.first_chunk().expect("the earlier directions are the first");
        settled::<V, PRESERVING>(&certain, maybe, voxels, &BORDERS[kind]).store(&mut deleted, first);
    }
    for lane in 0..batch.count {
        let word = batch.indices[lane];
        simulation.deleted[word] |= deleted.0[lane];
        let left = batch.voxels.0[lane] & !deleted.0[lane];
        if left != 0 {
            waiting.try_push(WORDS, (word as u32, left))?;
        }
    }
    batch.clear();
    earlier.clear();
    Ok(())
}
