//! The smallest and the largest value of an image, and whether it has others.
//!
//! Cost: one pass.

use super::sample::Sample;
use super::values::{Values, fold};
use crate::support::errors::Result;
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
        let mut numbers = row.iter().copied().filter(is_number);
        let Some(first) = numbers.next() else {
            return Self { has_nan: !row.is_empty(), only_two: row.is_empty(), ..Self::EMPTY };
        };
        let (mut low, mut high, mut has_nan) = (first, first, false);
        for &value in row {
            low = if value < low { value } else { low };
            high = if value > high { value } else { high };
            has_nan |= !is_number(&value);
        }
        Self { ends: Some((low, high)), has_nan, only_two: !has_nan }
    }

    fn add(&mut self, row: &[T]) {
        let mut of_row = Self::of(row);
        if let (true, true, Some((low, high))) = (self.only_two, of_row.only_two, of_row.ends) {
            of_row.only_two = row.iter().all(|&value| value == low || value == high);
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
