//! Thinning of a part of an image with three values, present, absent and unknown, on sparse words.
//!
//! What lies beyond the known region is unknown for ever. Border steps are counted from 0, the same for every part of the image.
//! A decision is taken only if it is the same for every assignment of the unknown neighbours, otherwise the voxel becomes
//! unknown too, for good. Voxels that an earlier run decided follow their script: such a voxel is present to the collecting of its step,
//! and to the recheck if it comes later in raster order.
//!
//! Invariants: background never changes, so doubt spreads through foreground only; a voxel that was never unknown took the
//! decisions of the sequential method on the whole image, whatever is beyond; the run ends when a whole round changes nothing
//! and no script is left, for decisions are functions of the state.
//!
//! Cost: where nothing is unknown a third more than thinning in memory, for finding the words around each; elsewhere voxels are
//! decided one by one ([`super::doubt`]), each until it becomes unknown. A block of 256³ inside a vessel tree takes twice as long
//! as it would in memory, for packing, thinning and saying what is left.

use std::marker::PhantomData;

use super::super::batch::{Batch, near};
use super::super::collect::behind;
use super::super::queue::{Queue, take_active};
use super::super::recheck::{in_raster_order, settled};
use super::super::rounds::rows_of;
use super::super::simple_points::{BORDERS, EARLIER, simple_and_no_endpoint};
use super::super::vectors::{Lanes, Vector, for_this_processor};
use super::super::zhang::removed_pixels;
use super::super::{Method, steps};
use super::doubt::{self, Collector, Decision};
use super::words::{self, Around, FIRST, Places, row};
use super::{Residue, SCRIPT, STATE, Stored, WORDS};
use crate::bit_image::{WORD, set_bits, try_zeros};
use crate::buffers::{Grow, try_collect};
use crate::errors::Result;
use crate::prefetch::prefetch;
use crate::threads::Monitor;
use crate::word_shape::{self, WordShape, earlier_neighbours};

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
    around: &'a [Around],
    /// The row and the plane of words that each word lies in.
    rows: Vec<u64>,
    planes: Vec<u64>,
    /// Voxels that are present or unknown.
    present: Vec<u64>,
    /// Voxels that are present for sure.
    sure: Vec<u64>,
    /// Voxels to decide.
    mine: &'a [u64],
    /// Voxels to decide that were unknown at some time.
    undecided: Vec<u64>,
    /// What this step collects for sure, and what it may collect.
    collected: Vec<u64>,
    maybe: Vec<u64>,
    /// What this step deletes, and what becomes unknown.
    deleted: Vec<u64>,
    doubted: Vec<u64>,
    /// Kinds of steps that have to look at a word, and whether there is anything unknown around it.
    active: Vec<u8>,
    doubtful: Vec<bool>,
    /// Words that this step touches, ascending.
    touched: Vec<u32>,
    collector: Collector,
    log: Vec<Event>,
    shape: PhantomData<W>,
}

/// What a run has found, by word.
pub struct Outcome {
    /// Voxels that were unknown at some time.
    pub undecided: Vec<u64>,
    /// Voxels to decide that are left; those undecided are not to be read.
    pub left: Vec<u64>,
    /// The deletions of voxels to decide, in the order of steps; those undecided are not to be read.
    pub log: Vec<Event>,
    /// Words around which something is or was unknown.
    pub doubtful: Vec<bool>,
}

impl<'a, W: WordShape> Simulation<'a, W> {
    /// A part of an image before its first step.
    pub fn new(part: &Residue, stored: &'a Stored) -> Result<Self> {
        let Stored { keys, around, mine, scripted, beyond } = stored;
        let count = keys.len();
        let zeros = || try_zeros::<u64>(STATE, count);
        let (mut present, mut sure) = (zeros()?, zeros()?);
        let (mut rows, mut planes) = (zeros()?, zeros()?);
        let mut place_of = Places::new(part.frame);
        for index in 0..count {
            sure[index] = mine[index] | scripted[index];
            present[index] = sure[index] | beyond[index];
        }
        for index in (FIRST..count).filter(|&index| present[index] != 0) {
            let [z, y, _] = place_of.key(keys[index]);
            rows[index] = (z * part.frame.words_along(1) + y) as u64;
            planes[index] = z as u64;
        }
        let steps = steps(part.method, part.frame.shape[0]);
        let mut active = try_zeros::<u8>("the active words", count)?;
        let mut doubtful = try_zeros::<bool>("the doubtful words", count)?;
        for index in FIRST..count {
            active[index] = if mine[index] == 0 { 0 } else { (1 << steps) - 1 };
            if beyond[index] != 0 {
                mark_doubtful(&mut doubtful, &around[index]);
            }
        }
        Ok(Self {
            method: part.method,
            steps,
            around,
            rows,
            planes,
            present,
            sure,
            mine,
            undecided: zeros()?,
            collected: zeros()?,
            maybe: zeros()?,
            deleted: zeros()?,
            doubted: zeros()?,
            active,
            doubtful,
            touched: Vec::new(),
            collector: Collector::new()?,
            log: Vec::new(),
            shape: PhantomData,
        })
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
            step += 1;
            if quiet >= self.steps {
                // Nothing happens until the next deletion of the script.
                let Some(event) = script.get(next) else { break };
                step = step.max(event.step);
                quiet = 0;
            }
        }
        let left = self.present.iter().zip(self.mine).map(|(present, mine)| present & mine);
        let left = try_collect(STATE, left)?;
        Ok(Outcome { undecided: self.undecided, left, log: self.log, doubtful: self.doubtful })
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
            self.deleted[word] |= self.collected[word];
            self.doubted[word] |= self.maybe[word] & self.sure[word];
        }
    }

    /// Makes the step's decisions the state.
    fn apply(&mut self, step: u32) -> Result<bool> {
        let mut changed = false;
        let every_step = ((1 << self.steps) - 1) as u8;
        for &index in &self.touched {
            let word = index as usize;
            self.collected[word] = 0;
            self.maybe[word] = 0;
            let deleted = std::mem::take(&mut self.deleted[word]) & self.present[word];
            let doubted = std::mem::take(&mut self.doubted[word]);
            if deleted | doubted == 0 {
                continue;
            }
            changed = true;
            self.present[word] &= !deleted;
            self.sure[word] &= !(deleted | doubted);
            let all = self.around;
            let around = &all[word];
            if doubted != 0 {
                self.undecided[word] |= doubted;
                mark_doubtful(&mut self.doubtful, around);
            }
            if deleted & self.mine[word] != 0 {
                self.log.try_push(SCRIPT, Event { step, word: index, voxels: deleted & self.mine[word] })?;
            }
            for row in rows_of::<W>() {
                // Without branches: which words are touched is hard to foretell, but this one is.
                for direction in 3 * row..3 * row + 3 {
                    let touched = (deleted | doubted) & W::TOUCHING[direction] != 0;
                    self.active[if touched { words::word(around, direction) } else { word }] = every_step;
                }
            }
        }
        Ok(changed)
    }

    /// Collects voxels with unknown neighbours, one by one.
    fn collect_doubtful(&mut self, word: usize, voxels: u64, kind: usize) {
        let around = &self.around[word];
        for bit in set_bits(voxels) {
            let sure = neighbours::<W>(&self.sure, around, bit);
            let present = neighbours::<W>(&self.present, around, bit);
            let decision = match self.method {
                Method::Lee | Method::LeePreserving => {
                    self.collector.on_border(sure, present & !sure, 1 << BORDERS[kind].face)
                }
                Method::Zhang => doubt::in_table(sure, present & !sure, kind),
            };
            match decision {
                Decision::Yes => self.collected[word] |= 1 << bit,
                Decision::Maybe => self.maybe[word] |= 1 << bit,
                Decision::No => {}
            }
        }
    }

    /// Rechecks one voxel, all earlier ones being rechecked.
    fn recheck_voxel(&mut self, word: usize, bit: usize, kind: usize) {
        let around = &self.around[word];
        let gone = earlier_neighbours::<W>(|row, dx| words::at(&self.deleted, around, row, dx), bit);
        let doubted = earlier_neighbours::<W>(|row, dx| words::at(&self.doubted, around, row, dx), bit);
        let present = neighbours::<W>(&self.present, around, bit) & !gone;
        if !self.doubtful[word] && doubted == 0 {
            debug_assert_eq!(present, neighbours::<W>(&self.sure, around, bit) & !gone, "nothing around is unknown");
            self.deleted[word] |= u64::from(self.method.deletes(present)) << bit;
            return;
        }
        let sure = neighbours::<W>(&self.sure, around, bit) & !gone & !doubted;
        let decision = match self.method {
            Method::LeePreserving => self.collector.on_border(sure, present & !sure, 1 << BORDERS[kind].face),
            _ => doubt::recheck(sure, present & !sure),
        };
        if decision == Decision::Yes && self.collected[word] >> bit & 1 == 1 {
            self.deleted[word] |= 1 << bit;
        } else if decision != Decision::No {
            self.doubted[word] |= self.sure[word] & 1 << bit;
        }
    }

    /// The voxels of a word that are unknown or have an unknown neighbour.
    fn near_unknown(&self, word: usize) -> u64 {
        let around = &self.around[word];
        near::<W>(|at| {
            let [present, sure] = [row(&self.present, around, at), row(&self.sure, around, at)];
            std::array::from_fn(|dx| present[dx] & !sure[dx])
        })
    }
}

/// The neighbours of one voxel of a word, as a mask of 27.
#[inline(always)]
fn neighbours<W: WordShape>(words: &[u64], around: &Around, bit: usize) -> u32 {
    word_shape::neighbours::<W>(|row, dx| words::at(words, around, row, dx), bit)
}

fn mark_doubtful(doubtful: &mut [bool], around: &Around) {
    for &middle in around {
        doubtful[middle as usize - 1..][..3].fill(true);
    }
}

for_this_processor! {
    fn collect<W>(simulation: &mut Simulation<'_, W>, kind: usize) -> Result<()> = collect_lanes;
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
            queue.add_first(&mut found, start, |index| prefetch(simulation.around, index));
            if queue.is_full() {
                collect_queue::<W, V>(simulation, &mut queue, &mut batch, kind)?;
            }
        }
        start = end;
    }
    collect_queue::<W, V>(simulation, &mut queue, &mut batch, kind)?;
    if batch.count > 0 {
        collect_batch::<W, V>(simulation, &mut batch, kind);
    }
    Ok(())
}

/// Collects from the queued words.
#[inline(always)]
fn collect_queue<W: WordShape, V: Vector>(
    simulation: &mut Simulation<'_, W>,
    queue: &mut Queue,
    batch: &mut Batch,
    kind: usize,
) -> Result<()> {
    let (all, border) = (simulation.around, &BORDERS[kind]);
    let is_lee = simulation.method != Method::Zhang;
    let candidates = queue.take(|word| {
        let sure = simulation.sure[word];
        // One in a thousand unknown voxels would later be deleted for certain; asking again costs more than all the rest.
        let voxels = simulation.mine[word] & sure;
        if is_lee {
            voxels & !behind::<W>(sure, simulation.sure[words::word(&all[word], border.face)], border)
        } else {
            voxels
        }
    });
    for &(word, mut voxels) in candidates {
        simulation.touched.try_push(WORDS, word as u32)?;
        if simulation.doubtful[word] {
            let doubtful = voxels & simulation.near_unknown(word);
            simulation.collect_doubtful(word, doubtful, kind);
            voxels &= !doubtful;
        }
        if voxels != 0 {
            batch.push::<W>(word, voxels, |at| row(&simulation.sure, &all[word], at));
            if batch.is_full() {
                collect_batch::<W, V>(simulation, batch, kind);
            }
        }
    }
    Ok(())
}

#[inline(always)]
fn collect_batch<W: WordShape, V: Vector>(simulation: &mut Simulation<'_, W>, batch: &mut Batch, kind: usize) {
    let mut result = Lanes::NONE;
    for first in (0..batch.count).step_by(V::WORDS) {
        let voxels = V::load(&batch.voxels, first);
        let neighbours = batch.neighbours::<W, V>(first);
        let collected = match simulation.method {
            Method::Lee | Method::LeePreserving => simple_and_no_endpoint(&neighbours, voxels, &BORDERS[kind]),
            Method::Zhang => removed_pixels(&neighbours, voxels, kind),
        };
        collected.store(&mut result, first);
    }
    for lane in 0..batch.count {
        simulation.collected[batch.indices[lane]] |= result.0[lane];
    }
    batch.clear();
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
    fn recheck_connected<W>(simulation: &mut Simulation<'_, W>, kind: usize, scripted: bool) -> Result<()>
        = recheck_connected_lanes;
}

for_this_processor! {
    fn recheck_simple<W>(simulation: &mut Simulation<'_, W>, kind: usize, scripted: bool) -> Result<()> = recheck_simple_lanes;
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
    let mut waiting = Vec::new();
    let [mut batch, mut earlier] = [Batch::new(), Batch::new()];
    let touched = std::mem::take(&mut simulation.touched);
    for &index in &touched {
        let word = index as usize;
        let voxels = simulation.collected[word] | simulation.maybe[word];
        if voxels == 0 {
            continue;
        }
        let all = simulation.around;
        let around = &all[word];
        // Next to anything unknown the order is kept.
        let in_order =
            if simulation.doubtful[word] { simulation.maybe[word] | voxels & simulation.near_unknown(word) } else { 0 };
        if in_order != 0 {
            waiting.try_push(WORDS, (index, in_order))?;
        }
        let voxels = voxels & !in_order;
        if voxels == 0 {
            continue;
        }
        let earlier_row = |at: usize| {
            let [collected, maybe] = [row(&simulation.collected, around, at), row(&simulation.maybe, around, at)];
            // Deletions of the script come in raster order too.
            let scripted = if scripted { row(&simulation.deleted, around, at) } else { [0; 4] };
            std::array::from_fn(|dx| collected[dx] | maybe[dx] | scripted[dx])
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
    waiting.sort_unstable();
    waiting.dedup_by(|next, word| {
        let same = next.0 == word.0;
        word.1 |= if same { next.1 } else { 0 };
        same
    });
    let [rows, planes] = [std::mem::take(&mut simulation.rows), std::mem::take(&mut simulation.planes)];
    in_raster_order::<W, u32>(
        &waiting,
        |word| rows[word as usize],
        |word| planes[word as usize],
        |_| {},
        |word, bit| simulation.recheck_voxel(word as usize, bit, kind),
    );
    (simulation.rows, simulation.planes) = (rows, planes);
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
