//! Histograms of the values of an image: one bin for each integer, or bins of equal width.
//!
//! Bins of equal width are those of `numpy.histogram`: the position of a value is computed in the type of the edges, and then
//! corrected by one where the edges say otherwise. Only values close to an edge need that; a row with such a value is corrected.
//!
//! Cost: one pass; the bins of each thread.

use super::sample::{Float, Sample};
use super::values::{Values, fold};
use crate::support::allocate::try_filled;
use crate::support::errors::{Error, Result};
use crate::support::simd::for_this_processor;
use crate::support::threads::Monitor;

/// What the bins are called in errors.
const BINS: &str = "a histogram";

/// Values whose bins are found before they are counted.
const AT_ONCE: usize = 256;

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
    let bins = Bins::new(low, span, edges)?;
    let tables = fold(values, monitor, || bins.tables(), |tables, row| bins.count(row, tables), add)?;
    Ok(bins.counts(&tables))
}

/// Bins of equal width.
#[derive(Debug)]
pub struct Bins<'a, F> {
    low: F,
    span: F,
    edges: &'a [F],
    /// The number of bins.
    number: F,
    /// The last bin.
    last: u32,
    /// Positions as far as this from an edge are surely on the right side of it.
    margin: F,
}

impl<'a, F: Float> Bins<'a, F> {
    /// The position of a value is monotonic in it, for each of the three operations is, rounded. So where no edge's position is
    /// farther than a margin from its number, values whose positions lie deeper between two numbers lie between these edges.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] without at least two edges, or for more bins than [`MOST`].
    pub fn new(low: F, span: F, edges: &'a [F]) -> Result<Self> {
        let count = edges.len().saturating_sub(1);
        if count == 0 || count > MOST {
            let reason = format!("expected 2 to 65,537 values, got {}", edges.len());
            return Err(Error::InvalidArgument { name: "edges", reason });
        }
        let mut bins = Self {
            low,
            span,
            edges,
            number: F::from_f64(count as f64),
            last: count as u32 - 1,
            margin: F::from_f64(1.0),
        };
        let offset = |number, edge| (bins.position(edge).to_f64() - number as f64).abs();
        let is_wide_enough =
            |&margin: &f64| edges.iter().enumerate().all(|(number, &edge)| offset(number, edge) <= margin);
        // Powers of two, so that one minus it is exact.
        let margin = (2..20).map(|power| 0.5_f64.powi(power)).take_while(is_wide_enough).last();
        bins.margin = F::from_f64(margin.unwrap_or(1.0));
        Ok(bins)
    }

    /// Tables to count in.
    pub(super) fn tables(&self) -> Result<Vec<i64>> {
        try_filled(BINS, TABLES * (self.edges.len() - 1), 0)
    }

    /// The counts of all tables.
    pub(super) fn counts(&self, tables: &[i64]) -> Vec<i64> {
        let count = self.edges.len() - 1;
        (0..count).map(|bin| tables.iter().skip(bin).step_by(count).sum()).collect()
    }

    /// Counts a row of values.
    pub(super) fn count<T: Sample<Bins = F>>(&self, row: &[T], tables: &mut [i64]) {
        for row in row.chunks(AT_ONCE) {
            self.count_some(row, tables);
        }
    }

    #[inline(always)]
    fn position(&self, value: F) -> F {
        (value - self.low) / self.span * self.number
    }

    /// Counts at most [`AT_ONCE`] values, neighbours in different tables.
    fn count_some<T: Sample<Bins = F>>(&self, row: &[T], counts: &mut [i64]) {
        let mut places = [0; AT_ONCE];
        let places = &mut places[..row.len()];
        if (place(self, row, places) as usize) < row.len() {
            for (place, value) in places.iter_mut().zip(row) {
                let (value, at) = (value.in_bins(), *place as usize);
                let at = at - usize::from(at > 0 && value < self.edges[at]);
                *place = at as u32 + u32::from(at < self.last as usize && value >= self.edges[at + 1]);
            }
        }
        let count = self.edges.len() - 1;
        let (fours, rest) = places.as_chunks::<TABLES>();
        for four in fours {
            for (table, &place) in four.iter().enumerate() {
                counts[table * count + place as usize] += 1;
            }
        }
        for &place in rest {
            counts[place as usize] += 1;
        }
    }
}

for_this_processor! {
    /// Finds the bin that each value's position is in; returns how many are surely in theirs.
    fn place<T: Sample>(bins: &Bins<'_, T::Bins>, row: &[T], places: &mut [u32]) -> u32 = place_lanes;
}

#[inline(always)]
fn place_lanes<T: Sample, V>(bins: &Bins<'_, T::Bins>, row: &[T], places: &mut [u32]) -> u32 {
    let [half, whole] = [T::Bins::from_f64(0.5), T::Bins::WHOLE];
    let (above, below) = (bins.margin, T::Bins::from_f64(1.0) - bins.margin);
    let mut sure = 0;
    for (place, value) in places.iter_mut().zip(row) {
        let position = bins.position(value.in_bins());
        // Rounded this way, and not by a cast, many are at once.
        let bin = position - half + whole;
        let within = position - (bin - whole);
        sure += u32::from(within > above && within < below);
        *place = bin.last_bits().min(bins.last);
    }
    sure
}

pub(super) fn add(mut one: Vec<i64>, other: Vec<i64>) -> Vec<i64> {
    one.iter_mut().zip(other).for_each(|(one, other)| *one += other);
    one
}
