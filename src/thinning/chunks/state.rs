//! The state of thinning with three values.

use std::marker::PhantomData;

use crate::image::word_shape::{self, WordShape};
use crate::support::allocate::{Grow, try_collect, try_copy, try_zeros};
use crate::support::errors::Result;
use crate::thinning::chunks::doubt::Collector;
use crate::thinning::chunks::residue::Residue;
use crate::thinning::chunks::stored::{STATE, Stored};
use crate::thinning::chunks::words::{self, RowsAround, WORDS, row};
use crate::thinning::method::{Method, steps};
use crate::thinning::words::batch::{near, spread_around};

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

/// The state of a region during thinning. Each list is indexed by word; empty words separate the rows.
pub struct State<'a, W> {
    pub method: Method,
    pub steps: usize,
    pub stored: &'a Stored,
    /// Voxels that are certainly present, and those that are unknown, which they stay.
    pub sure: Vec<u64>,
    pub unknown: Vec<u64>,
    /// Unknown voxels and their neighbours.
    pub near_unknown: Vec<u64>,
    /// Voxels to decide that this step collects or may collect.
    pub collected: Vec<u64>,
    /// What this step deletes, and what becomes unknown.
    pub deleted: Vec<u64>,
    pub doubted: Vec<u64>,
    /// The kinds of steps that must look at a word, a bit each.
    pub active: Vec<u8>,
    /// Words that this step touches.
    pub touched: Vec<u32>,
    /// Candidates of this step in words where some are unknown or next to an unknown voxel.
    pub doubtful: Vec<(usize, u64)>,
    pub collector: Collector,
    pub log: Vec<Event>,
    pub shape: PhantomData<W>,
}

impl<'a, W: WordShape> State<'a, W> {
    /// The state before the first step.
    pub fn new(part: &Residue, stored: &'a Stored) -> Result<Self> {
        let Stored { keys, mine, scripted, beyond, .. } = stored;
        let count = keys.len();
        let zeros = || try_zeros::<u64>(STATE, count);
        let steps = steps(part.method, part.frame.shape[0]);
        let every_step = (1 << steps) - 1;
        let active = mine.iter().map(|&mine| if mine == 0 { 0 } else { every_step });
        let mut state = Self {
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
            state.near_unknown[index] = near::<W>(|at| row(beyond, &stored.around[index], at));
        }
        Ok(state)
    }

    /// Adds unknown voxels of a word, and their neighbours, to `near_unknown`.
    pub fn mark_near(&mut self, word: usize, unknown: u64) {
        let around = &self.stored.around[word];
        for (direction, near) in spread_around::<W>(unknown).into_iter().enumerate() {
            self.near_unknown[words::word(around, direction)] |= near;
        }
    }

    /// Records the voxels of a word that a step collects, and those that it may collect. The latter become unknown at once: the
    /// recheck would keep one in two thousand.
    #[inline(always)]
    pub fn note_collected(&mut self, word: usize, collected: u64, doubted: u64) -> Result<()> {
        if collected | doubted != 0 {
            self.collected[word] = collected | doubted;
            self.doubted[word] = doubted;
            self.touched.try_push(WORDS, word as u32)?;
        }
        Ok(())
    }
}

/// The neighbours of one voxel of a word, as a mask of 27.
#[inline(always)]
pub fn neighbours<W: WordShape>(words: &[u64], around: &RowsAround, bit: usize) -> u32 {
    word_shape::neighbours::<W>(|row, dx| words::at(words, around, row, dx), bit)
}
