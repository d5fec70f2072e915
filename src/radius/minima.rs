//! The smallest sums along an axis, for some voxels at once: what [`super::dense`] is made of.
//!
//! Positions are taken by increasing distance, until none can lower any of the sums: a few one by one, the others in blocks whose
//! smallest number tells whether one of them can.
//!
//! These functions are compiled for each width of vectors, into the kernels that call them.

use std::ops::{Add, Mul};

use crate::image::word_shape::{WORD, set_bits};

/// Columns that are worked on at once.
pub(super) const LANES: usize = 16;

/// Rows, and columns, that are passed over together if none of them can be near enough; and steps before that is tried.
pub(super) const BLOCK: usize = LANES;
const NEAR: usize = 8;

/// Steps between two looks whether any lane can still find something nearer.
const STEPS: usize = 4;

/// A number of single or double precision.
pub(super) trait Number:
    Copy + PartialOrd + Add<Output = Self> + Mul<Output = Self> + Send + Sync + Into<f64> + 'static
{
    const INFINITY: Self;
    const ZERO: Self;
    const ONE: Self;
    fn of(value: f64) -> Self;
    /// The smaller number, as one instruction.
    #[inline(always)]
    fn or_less(self, other: Self) -> Self {
        if other < self { other } else { self }
    }
}

impl Number for f32 {
    const INFINITY: Self = Self::INFINITY;
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as Self
    }
}

impl Number for f64 {
    const INFINITY: Self = Self::INFINITY;
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }
}

pub(super) type Lane<T> = [T; LANES];

/// Whether any lane is above a square.
#[inline(always)]
fn any_above<T: Number>(lanes: &Lane<T>, square: T) -> bool {
    let mut any = 0;
    for &lane in lanes {
        any |= u32::from(lane > square);
    }
    any != 0
}

/// Lowers lanes to the sums with others.
#[inline(always)]
fn lower_to<T: Number>(best: &mut Lane<T>, others: &[T], square: T) {
    for (best, &other) in best.iter_mut().zip(&others[..LANES]) {
        *best = best.or_less(other + square);
    }
}

/// Whether any lane is above the sum of its `least` and a square.
#[inline(always)]
fn any_lowered<T: Number>(lanes: &Lane<T>, least: &Lane<T>, square: T) -> bool {
    let mut any = 0;
    for (&lane, &least) in lanes.iter().zip(least) {
        any |= u32::from(least + square < lane);
    }
    any != 0
}

/// The smallest sums of a strip's squares and those of the steps to its row `y`; where they are below `limit`.
#[inline(always)]
pub(super) fn along_second<T: Number>(
    strip: &[Lane<T>],
    blocks: &[Lane<T>],
    y: usize,
    squares: &[T],
    limit: T,
) -> Lane<T> {
    let mut best = strip[y];
    let (before, after) = (y, strip.len() - 1 - y);
    let most = before.max(after);
    let mut steps = 1;
    while steps <= most {
        let next = squares[steps];
        if next >= limit || !any_above(&best, next) {
            return best;
        }
        if steps > NEAR {
            break;
        }
        let end = (steps + STEPS).min(most + 1);
        while steps < end {
            if steps <= before {
                lower_to(&mut best, &strip[y - steps], squares[steps]);
            }
            if steps <= after {
                lower_to(&mut best, &strip[y + steps], squares[steps]);
            }
            steps += 1;
        }
    }
    if steps > most {
        return best;
    }
    let own = y / BLOCK;
    for away in 0..blocks.len() {
        let mut is_open = false;
        let sides = [own.checked_sub(away), Some(own + away).filter(|&at| at < blocks.len() && away > 0)];
        for at in sides.into_iter().flatten() {
            let from = at * BLOCK;
            let nearest = squares[from.saturating_sub(y).max(y.saturating_sub(from + BLOCK - 1))];
            if nearest < limit && any_above(&best, nearest) {
                is_open = true;
                if any_lowered(&best, &blocks[at], nearest) {
                    for (row, lanes) in (from..).zip(strip[from..].iter().take(BLOCK)) {
                        lower_to(&mut best, lanes, squares[row.abs_diff(y)]);
                    }
                }
            }
        }
        if !is_open {
            break;
        }
    }
    best
}

/// The smallest sums in the row in the middle of `row` of its numbers and the squares of steps, which `around` has from a row's
/// length before a column to as many after, for the `wanted` lanes from column `start` on. `smallest` has a number for
/// each strip.
#[inline(always)]
pub(super) fn along_last<T: Number>(
    [squares, around]: [&[T]; 2],
    row: &[T],
    smallest: &[T],
    start: usize,
    wanted: u32,
    limit: T,
) -> Lane<T> {
    let length = row.len() / 3;
    let mut best = [T::ZERO; LANES];
    for (lane, best) in best.iter_mut().enumerate() {
        // The others cannot be lowered.
        *best = if wanted & (1 << lane) == 0 { T::ZERO } else { row[length + start + lane] };
    }
    let mut steps = 1;
    while let Some(&next) = squares.get(steps) {
        if next > limit || !any_above(&best, next) {
            return best;
        }
        if steps > NEAR {
            break;
        }
        for (steps, &square) in (steps..).zip(squares[steps..].iter().take(STEPS)) {
            lower_to(&mut best, &row[length + start - steps..], square);
            lower_to(&mut best, &row[length + start + steps..], square);
        }
        steps += STEPS;
    }
    let own = start / LANES;
    for away in 0..smallest.len() {
        let mut is_open = false;
        let sides = [own.checked_sub(away), Some(own + away).filter(|&at| at < smallest.len() && away > 0)];
        for at in sides.into_iter().flatten() {
            let gap = (away * LANES).saturating_sub(LANES - 1);
            let Some(&nearest) = squares.get(gap) else { continue };
            if nearest <= limit && any_above(&best, nearest) {
                is_open = true;
                if any_above(&best, smallest[at] + nearest) {
                    for column in at * LANES..(at + 1) * LANES {
                        lower_to(&mut best, &around[length + start - column..], row[length + column]);
                    }
                }
            }
        }
        if !is_open {
            break;
        }
    }
    best
}

/// The most steps that a voxel of a row of `length` voxels can be from the row's background; none if there is none.
pub(super) fn widest(words: &[u64], length: usize) -> Option<usize> {
    let mut most = 0;
    // The first voxel of the run of objects that is open, and whether it is the first of the row.
    let mut start = Some(0);
    let mut before = 0;
    for (at, &word) in words.iter().enumerate() {
        for bit in set_bits(word ^ (word << 1 | before)) {
            let x = at * WORD + bit;
            match start.take() {
                Some(0) => most = x,
                Some(start) => most = most.max((x - start).div_ceil(2)),
                None => start = Some(x),
            }
        }
        before = word >> (WORD - 1);
    }
    match start {
        Some(0) => None,
        // Bits after the last voxel are no background.
        Some(start) => Some(most.max(length.saturating_sub(start))),
        None => Some(most),
    }
}
