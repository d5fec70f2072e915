//! Histograms of the values of an image: one bin for each integer, or bins of equal width.
//!
//! Bins of equal width are those of `numpy.histogram`: the position of a value is computed in the type of the edges, and then
//! corrected by one where the edges say otherwise.
//!
//! Cost: one pass; the bins of each thread.

use super::correlate::LANES;
use super::sample::{Float, Sample};
use super::values::{Values, fold};
use crate::support::allocate::try_filled;
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// What the bins are called in errors.
const BINS: &str = "a histogram";

/// The most bins that are counted.
const MOST: usize = 1 << 16;

/// Tables that neighbours are counted in, in turns: equal values would wait for each other.
const TABLES: usize = 4;

/// Counts integers from `low` on, one bin for each of `count` values; what is farther counts in none.
///
/// # Errors
/// [`Error::InvalidArgument`] for more bins than [`MOST`]; [`Error::OutOfMemory`], [`Error::Interrupted`] through `monitor`.
pub fn count_each<V: Values>(values: &V, low: V::Value, count: usize, monitor: &Monitor) -> Result<Vec<i64>> {
    if count > MOST {
        let reason = format!("expected at most {MOST} bins, got {count}");
        return Err(Error::InvalidArgument { name: "count", reason });
    }
    // One more bin takes what is out of range.
    let tables = fold(
        values,
        monitor,
        || try_filled(BINS, TABLES * (count + 1), 0_i64),
        |bins, row| {
            let (fours, rest) = row.as_chunks::<TABLES>();
            for four in fours {
                for (table, value) in four.iter().enumerate() {
                    bins[table * (count + 1) + value.bin(low).min(count)] += 1;
                }
            }
            for value in rest {
                bins[value.bin(low).min(count)] += 1;
            }
        },
        add,
    )?;
    Ok((0..count).map(|bin| tables.iter().skip(bin).step_by(count + 1).sum()).collect())
}

/// Counts values in bins of equal width, whose edges these are.
///
/// # Errors
/// [`Error::InvalidArgument`] without at least two edges; [`Error::OutOfMemory`], [`Error::Interrupted`] through `monitor`.
pub fn count_bins<V: Values>(
    values: &V,
    low: <V::Value as Sample>::Bins,
    span: <V::Value as Sample>::Bins,
    edges: &[<V::Value as Sample>::Bins],
    monitor: &Monitor,
) -> Result<Vec<i64>> {
    let count = edges.len().saturating_sub(1);
    if count == 0 || count > MOST {
        let reason = format!("expected 2 to 65,537 values, got {}", edges.len());
        return Err(Error::InvalidArgument { name: "edges", reason });
    }
    let (number, last) = (<V::Value as Sample>::Bins::from_f64(count as f64), count as u32 - 1);
    let tables = fold(
        values,
        monitor,
        || try_filled(BINS, TABLES * count, 0_i64),
        |bins, row| {
            for row in row.chunks(LANES) {
                let mut places = [0_u32; LANES];
                for (place, value) in places.iter_mut().zip(row) {
                    *place = ((value.in_bins() - low) / span * number).truncated().min(last);
                }
                for (at, (&place, value)) in places.iter().zip(row).enumerate() {
                    let (value, place) = (value.in_bins(), place as usize);
                    let place = place - usize::from(place > 0 && value < edges[place]);
                    let place = place + usize::from(place < last as usize && value >= edges[place + 1]);
                    bins[at % TABLES * count + place] += 1;
                }
            }
        },
        add,
    )?;
    Ok((0..count).map(|bin| tables.iter().skip(bin).step_by(count).sum()).collect())
}

fn add(mut one: Vec<i64>, other: Vec<i64>) -> Vec<i64> {
    one.iter_mut().zip(other).for_each(|(one, other)| *one += other);
    one
}
