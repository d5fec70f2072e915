//! The smallest and the largest value of an image, and whether it has others.
//!
//! Cost: one pass.

use super::sample::Sample;
use super::values::{Values, fold};
use crate::support::errors::Result;
use crate::support::simd::for_this_processor;
use crate::support::threads::Monitor;

/// What values an image has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueRange<T> {
    /// The smallest and the largest value that is a number; None without any.
    pub ends: Option<(T, T)>,
    /// Whether a value is not a number.
    pub has_nan: bool,
    /// Whether every value is one of the two ends.
    pub only_two: bool,
}

impl<T: Sample> ValueRange<T> {
    const EMPTY: Self = Self { ends: None, has_nan: false, only_two: true };

    fn of(row: &[T]) -> Self {
        if row.is_empty() {
            return Self::EMPTY;
        }
        let (low, high) = extremes(row);
        let (low, high) = (T::of_key(low), T::of_key(high));
        if is_number(&low) && is_number(&high) {
            return Self { ends: Some((low, high)), has_nan: false, only_two: true };
        }
        let mut ends: Option<(T, T)> = None;
        for &value in row.iter().filter(|value| is_number(*value)) {
            let (low, high) = ends.unwrap_or((value, value));
            ends = Some((if value < low { value } else { low }, if value > high { value } else { high }));
        }
        Self { ends, has_nan: true, only_two: false }
    }

    fn add(&mut self, row: &[T]) {
        let mut of_row = Self::of(row);
        if let (true, true, Some((low, high))) = (self.only_two, of_row.only_two, of_row.ends) {
            of_row.only_two = count_of(row, low, high) == row.len();
        }
        *self = self.join(of_row);
    }

    fn join(self, other: Self) -> Self {
        let (Some((low, high)), Some(ends)) = (self.ends, other.ends) else {
            return Self {
                ends: self.ends.or(other.ends),
                has_nan: self.has_nan | other.has_nan,
                only_two: self.only_two & other.only_two,
            };
        };
        let joined = (if ends.0 < low { ends.0 } else { low }, if ends.1 > high { ends.1 } else { high });
        let is_end = |value: T| value == joined.0 || value == joined.1;
        Self {
            ends: Some(joined),
            has_nan: self.has_nan | other.has_nan,
            only_two: self.only_two & other.only_two && [low, high, ends.0, ends.1].into_iter().all(is_end),
        }
    }
}

for_this_processor! {
    /// The smallest and the largest key of a row that is not empty.
    fn extremes<T: Sample>(row: &[T]) -> (T::Key, T::Key) = extremes_lanes;
}

#[inline(always)]
fn extremes_lanes<T: Sample, V>(row: &[T]) -> (T::Key, T::Key) {
    let first = row[0].key();
    row.iter().fold((first, first), |(low, high), value| (low.min(value.key()), high.max(value.key())))
}

for_this_processor! {
    /// How many values of a row equal one of two.
    fn count_of<T: Sample>(row: &[T], low: T, high: T) -> usize = count_of_lanes;
}

#[inline(always)]
fn count_of_lanes<T: Sample, V>(row: &[T], low: T, high: T) -> usize {
    row.iter().map(|&value| usize::from(value == low || value == high)).sum()
}

#[inline(always)]
#[allow(clippy::eq_op, reason = "NaN is unequal to itself")]
fn is_number<T: PartialEq>(value: &T) -> bool {
    value == value
}

/// The range of the values of an image.
///
/// # Errors
/// [`Error::OutOfMemory`](crate::support::errors::Error), [`Error::Interrupted`](crate::support::errors::Error) through `monitor`.
pub fn value_range<V: Values>(values: &V, monitor: &Monitor) -> Result<ValueRange<V::Value>> {
    fold(values, monitor, || Ok(ValueRange::EMPTY), ValueRange::add, ValueRange::join)
}
