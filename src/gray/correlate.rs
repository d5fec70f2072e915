//! Sums of weighted values along an axis, in vectors, in scipy's order.
//!
//! The inner loops run over [`LANES`] values of constant number, so that the compiler makes vectors of them; sums wait in the
//! innermost cache between one distance and the next.

#![allow(clippy::extra_unused_type_parameters, reason = "the vectors are the compiler's, the dispatch names them")]

use super::sample::{Float, Sample};
use crate::image::elements::Shared;
use crate::support::simd::for_this_processor;

/// Values that are computed side by side. Buffers are padded to a multiple of it; what is computed there is never used.
pub const LANES: usize = 64;

for_this_processor! {
    /// Correlates with `weights`, of the centre and then of each distance, across lines; the one in the middle is the centre.
    pub fn along_lines<S: Float>(weights: &[f64], lines: &[&[S]], sums: &mut [f64]) = along_lines_lanes;
}

#[inline(always)]
fn along_lines_lanes<S: Float, V>(weights: &[f64], lines: &[&[S]], sums: &mut [f64]) {
    let reach = lines.len() / 2;
    let (sums, _) = sums.as_chunks_mut::<LANES>();
    for (at, sums) in sums.iter_mut().enumerate() {
        weigh::<S>(weights, lines[reach], at * LANES, sums);
        for distance in (1..=reach).rev() {
            add::<S>(weights[distance], lines[reach - distance], lines[reach + distance], at * LANES, sums);
        }
    }
}

for_this_processor! {
    /// Correlates with `weights`, of the centre and then of each distance, along a row; the first centre is `reach` from its start.
    pub fn along_row<S: Float>(weights: &[f64], row: &[S], sums: &mut [f64]) = along_row_lanes;
}

#[inline(always)]
fn along_row_lanes<S: Float, V>(weights: &[f64], row: &[S], sums: &mut [f64]) {
    let reach = weights.len() - 1;
    let (sums, _) = sums.as_chunks_mut::<LANES>();
    for (at, sums) in sums.iter_mut().enumerate() {
        weigh::<S>(weights, &row[reach..], at * LANES, sums);
        for distance in (1..=reach).rev() {
            add::<S>(weights[distance], &row[reach - distance..], &row[reach + distance..], at * LANES, sums);
        }
    }
}

/// The values from `start` on times a weight.
#[inline(always)]
fn weigh<S: Float>(weights: &[f64], values: &[S], start: usize, sums: &mut [f64; LANES]) {
    let values = lanes(values, start);
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum = value.to_f64() * weights[0];
    }
}

/// Adds the sums of two values times a weight.
#[inline(always)]
fn add<S: Float>(weight: f64, before: &[S], after: &[S], start: usize, sums: &mut [f64; LANES]) {
    let (before, after) = (lanes(before, start), lanes(after, start));
    for ((sum, before), after) in sums.iter_mut().zip(before).zip(after) {
        *sum += (before.to_f64() + after.to_f64()) * weight;
    }
}

#[inline(always)]
fn lanes<S>(values: &[S], start: usize) -> &[S; LANES] {
    let Some(lanes) = values[start..].first_chunk() else { unreachable!("buffers are padded") };
    lanes
}

for_this_processor! {
    /// Rounds sums to a type.
    pub fn round<F: Sample>(sums: &mut [f64]) = round_lanes;
}

#[inline(always)]
fn round_lanes<F: Sample, V>(sums: &mut [f64]) {
    for sum in sums {
        *sum = F::of_sum(*sum).to_f64();
    }
}

for_this_processor! {
    /// Stores sums in their type.
    pub fn store<F: Sample>(sums: &[f64], stored: &mut [F]) = store_lanes;
}

#[inline(always)]
fn store_lanes<F: Sample, V>(sums: &[f64], stored: &mut [F]) {
    for (stored, sum) in stored.iter_mut().zip(sums) {
        *stored = F::of_sum(*sum);
    }
}

for_this_processor! {
    /// Copies elements that another thread may be writing, as floats.
    pub fn load<T: Sample>(from: &[Shared<T>], to: &mut [T::Exact]) = load_lanes;
}

#[inline(always)]
fn load_lanes<T: Sample, V>(from: &[Shared<T>], to: &mut [T::Exact]) {
    let (chunks, rest) = from.as_chunks::<LANES>();
    let (copies, rest_of_copies) = to.as_chunks_mut::<LANES>();
    for (chunk, copy) in chunks.iter().zip(copies) {
        let values = Shared::get_all(chunk);
        for (copy, value) in copy.iter_mut().zip(values) {
            *copy = value.exact();
        }
    }
    for (copy, element) in rest_of_copies.iter_mut().zip(rest) {
        *copy = element.get().exact();
    }
}
