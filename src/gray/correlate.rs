//! Sums of weighted values along an axis, in vectors, in scipy's order.
//!
//! [`VECTORS`] vectors of sums stay in registers while all distances are added to them; values are loaded from the innermost cache.

use super::sample::Sample;
use crate::image::elements::Shared;
use crate::support::simd::{Doubles, Vector, for_this_processor};

/// Buffers are padded to a multiple of so many numbers, a vector of the widest kind; what is computed in the padding is never used.
pub const LANES: usize = 8;

/// Vectors of sums that are computed side by side, so that an addition need not wait for the one before.
const VECTORS: usize = 4;

for_this_processor! {
    /// Correlates with `weights`, of the centre and then of each distance, across lines; the one in the middle is the centre.
    /// The sums are rounded to a type.
    pub fn along_lines<F: Sample>(weights: &[f64], lines: &[&[f64]], sums: &mut [f64]) = along_lines_lanes;
}

#[inline(always)]
fn along_lines_lanes<F: Sample, V: Vector>(weights: &[f64], lines: &[&[f64]], sums: &mut [f64]) {
    let reach = lines.len() / 2;
    correlate::<F, V>(weights, sums, |at, offset| &lines[reach.wrapping_add_signed(offset)][at..]);
}

for_this_processor! {
    /// Correlates with `weights`, of the centre and then of each distance, along a row; the first centre is `reach` from its
    /// start.
    pub fn along_row<F: Sample>(weights: &[f64], row: &[f64], sums: &mut [f64]) = along_row_lanes;
}

#[inline(always)]
fn along_row_lanes<F: Sample, V: Vector>(weights: &[f64], row: &[f64], sums: &mut [f64]) {
    let reach = weights.len() - 1;
    correlate::<F, V>(weights, sums, |at, offset| &row[(at + reach).wrapping_add_signed(offset)..]);
}

/// Fills `sums`, of which `values` returns what stands at an offset from a position on.
#[inline(always)]
fn correlate<'a, F: Sample, V: Vector>(weights: &[f64], sums: &mut [f64], values: impl Fn(usize, isize) -> &'a [f64]) {
    let block = VECTORS * V::Doubles::COUNT;
    let blocks = sums.len() / block * block;
    for at in (0..blocks).step_by(block) {
        correlate_block::<F, V, VECTORS>(weights, &mut sums[at..at + block], |offset| values(at, offset));
    }
    for at in (blocks..sums.len()).step_by(V::Doubles::COUNT) {
        correlate_block::<F, V, 1>(weights, &mut sums[at..at + V::Doubles::COUNT], |offset| values(at, offset));
    }
}

#[inline(always)]
fn correlate_block<'a, F: Sample, V: Vector, const N: usize>(
    weights: &[f64],
    sums: &mut [f64],
    values: impl Fn(isize) -> &'a [f64],
) {
    let count = V::Doubles::COUNT;
    let mut registers = [V::Doubles::splat(weights[0]); N];
    let centre = &values(0)[..N * count];
    for (at, sum) in registers.iter_mut().enumerate() {
        *sum = V::Doubles::load(&centre[at * count..]).times(*sum);
    }
    for (distance, &weight) in weights.iter().enumerate().skip(1).rev() {
        let distance = distance.cast_signed();
        let (before, after) = (&values(-distance)[..N * count], &values(distance)[..N * count]);
        let weight = V::Doubles::splat(weight);
        for (at, sum) in registers.iter_mut().enumerate() {
            let pair = V::Doubles::load(&before[at * count..]).plus(V::Doubles::load(&after[at * count..]));
            *sum = sum.plus(pair.times(weight));
        }
    }
    for (at, sum) in registers.into_iter().enumerate() {
        F::rounded(sum).store(&mut sums[at * count..]);
    }
}

for_this_processor! {
    /// Stores numbers in a type that holds them.
    pub fn store<F: Sample>(numbers: &[f64], stored: &mut [F]) = store_lanes;
}

#[inline(always)]
fn store_lanes<F: Sample, V>(numbers: &[f64], stored: &mut [F]) {
    for (stored, number) in stored.iter_mut().zip(numbers) {
        *stored = F::of_sum(*number);
    }
}

/// Copies elements that another thread may be writing, as numbers of double precision; `copies` has room for them.
pub fn load<T: Sample>(from: &[Shared<T>], copies: &mut [T], numbers: &mut [f64]) {
    let copies = &mut copies[..from.len()];
    T::copy(from, copies);
    convert(copies, numbers);
}

for_this_processor! {
    fn convert<T: Sample>(values: &[T], numbers: &mut [f64]) = convert_lanes;
}

#[inline(always)]
fn convert_lanes<T: Sample, V>(values: &[T], numbers: &mut [f64]) {
    for (number, value) in numbers.iter_mut().zip(values) {
        *number = value.to_f64();
    }
}
