//! Sums of weighted values along an axis, in vectors, in scipy's order.
//!
//! Several vectors of sums stay in registers while all distances are added to them: [`VECTORS`] of a row, or one of each of
//! [`ROWS`] rows, where a row of numbers serves several sums.

use super::sample::Sample;
use crate::image::elements::Shared;
use crate::support::simd::{Doubles, Vector, for_this_processor};

/// Buffers are padded to a multiple of so many numbers, a vector of the widest kind; what is computed in the padding is never used.
pub const LANES: usize = 8;

/// Vectors of sums that are computed side by side, so that an addition need not wait for the one before.
const VECTORS: usize = 4;

/// Rows of sums that are computed side by side, so that each row of numbers is loaded less often.
pub const ROWS: usize = 4;

for_this_processor! {
    /// Correlates the columns of rows of `length` numbers, a multiple of [`LANES`], with `weights`, of the centre and then of each
    /// distance. The sums are rounded to a type; their rows begin `stride` apart, and are fewer by the reach on both sides.
    pub fn along_columns<F: Sample>(weights: &[f64], rows: &[f64], length: usize, sums: &mut [f64], stride: usize) = along_columns_lanes;
}

#[inline(always)]
fn along_columns_lanes<F: Sample, V: Vector>(
    weights: &[f64],
    rows: &[f64],
    length: usize,
    sums: &mut [f64],
    stride: usize,
) {
    let count = rows.len() / length - 2 * (weights.len() - 1);
    let blocks = count / ROWS * ROWS;
    for row in (0..blocks).step_by(ROWS) {
        correlate_rows::<F, V, ROWS>(weights, &rows[row * length..], length, &mut sums[row * stride..], stride);
    }
    for row in blocks..count {
        correlate_rows::<F, V, 1>(weights, &rows[row * length..], length, &mut sums[row * stride..], stride);
    }
}

/// Fills the first rows of sums. Each distance needs one more row on either side; the others are those of the distance before.
#[inline(always)]
fn correlate_rows<F: Sample, V: Vector, const N: usize>(
    weights: &[f64],
    rows: &[f64],
    length: usize,
    sums: &mut [f64],
    stride: usize,
) {
    let reach = weights.len() - 1;
    let rows = &rows[..(N + 2 * reach) * length];
    for x in (0..length / V::Doubles::COUNT * V::Doubles::COUNT).step_by(V::Doubles::COUNT) {
        let load = |row: usize| {
            let start = row * length + x;
            // SAFETY: `x` is a vector short of `length` at most, and only the first `N + 2 * reach` rows are loaded.
            V::Doubles::load(unsafe { rows.get_unchecked(start..start + V::Doubles::COUNT) })
        };
        let centre = V::Doubles::splat(weights[0]);
        let mut registers: [_; N] = std::array::from_fn(|row| load(reach + row).times(centre));
        let mut before: [_; N] = std::array::from_fn(load);
        let mut after: [_; N] = std::array::from_fn(|row| load(2 * reach + row));
        for (distance, &weight) in weights.iter().enumerate().skip(1).rev() {
            let weight = V::Doubles::splat(weight);
            for (sum, (before, &after)) in registers.iter_mut().zip(before.iter().zip(&after)) {
                *sum = sum.plus(before.plus(after).times(weight));
            }
            // Not `rotate_left`, which goes through memory.
            before = std::array::from_fn(|row| if row + 1 < N { before[row + 1] } else { load(reach - distance + N) });
            after = std::array::from_fn(|row| if row > 0 { after[row - 1] } else { load(reach + distance - 1) });
        }
        for (row, sum) in registers.into_iter().enumerate() {
            F::rounded(sum).store(&mut sums[row * stride + x..]);
        }
    }
}

for_this_processor! {
    /// Correlates with `weights`, of the centre and then of each distance, along a row; the first centre is `reach` from its
    /// start. The sums are not rounded.
    pub fn along_row(weights: &[f64], row: &[f64], sums: &mut [f64]) = along_row_lanes;
}

#[inline(always)]
fn along_row_lanes<V: Vector>(weights: &[f64], row: &[f64], sums: &mut [f64]) {
    let block = VECTORS * V::Doubles::COUNT;
    let blocks = sums.len() / block * block;
    for at in (0..blocks).step_by(block) {
        correlate_block::<V, VECTORS>(weights, &row[at..], &mut sums[at..at + block]);
    }
    for at in (blocks..sums.len()).step_by(V::Doubles::COUNT) {
        correlate_block::<V, 1>(weights, &row[at..], &mut sums[at..at + V::Doubles::COUNT]);
    }
}

#[inline(always)]
fn correlate_block<V: Vector, const N: usize>(weights: &[f64], row: &[f64], sums: &mut [f64]) {
    let (count, reach) = (V::Doubles::COUNT, weights.len() - 1);
    let mut registers = [V::Doubles::splat(weights[0]); N];
    let centre = &row[reach..][..N * count];
    for (at, sum) in registers.iter_mut().enumerate() {
        *sum = V::Doubles::load(&centre[at * count..]).times(*sum);
    }
    for (distance, &weight) in weights.iter().enumerate().skip(1).rev() {
        let (before, after) = (&row[reach - distance..][..N * count], &row[reach + distance..][..N * count]);
        let weight = V::Doubles::splat(weight);
        for (at, sum) in registers.iter_mut().enumerate() {
            let pair = V::Doubles::load(&before[at * count..]).plus(V::Doubles::load(&after[at * count..]));
            *sum = sum.plus(pair.times(weight));
        }
    }
    for (at, sum) in registers.into_iter().enumerate() {
        sum.store(&mut sums[at * count..]);
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
