//! Fallible allocation: out of memory is an `Err`, not an abort.
//!
//! Rust's own `push`, `extend`, `collect` and `clone` abort the process when an allocation fails. Use them only where the length
//! is that of an image's axes, of a task's scratch memory or of a list of tasks; use these functions everywhere else.

use std::collections::{BinaryHeap, TryReserveError};

use crate::support::errors::{Error, Result};

/// Growth that can fail. A push costs as much as that of a vector: the capacity is checked once.
pub trait Grow<T> {
    /// Adds a value.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] for `what`; nothing is added then.
    fn try_push(&mut self, what: &'static str, value: T) -> Result<()>;

    /// Adds values until memory runs out.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] for `what`; a part may have been added then.
    fn try_extend(&mut self, what: &'static str, values: impl IntoIterator<Item = T>) -> Result<()>;

    /// Adds copies of values.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] for `what`; nothing is added then.
    fn try_extend_from_slice(&mut self, what: &'static str, values: &[T]) -> Result<()>
    where
        T: Copy;
}

/// Reserves capacity for `more` values; not inlined, since it is rare.
///
/// # Errors
/// [`Error::OutOfMemory`] for `what`.
#[cold]
#[inline(never)]
pub fn make_room<T>(what: &'static str, vector: &mut Vec<T>, more: usize) -> Result<()> {
    let wanted = vector.len().saturating_add(more);
    vector.try_reserve(more).map_err(|_| Error::out_of_memory::<T>(what, wanted))
}

/// Reserves capacity for `more` values and no others.
///
/// # Errors
/// [`Error::OutOfMemory`] for `what`.
pub fn make_room_exactly<T>(what: &'static str, vector: &mut Vec<T>, more: usize) -> Result<()> {
    let wanted = vector.len().saturating_add(more);
    vector.try_reserve_exact(more).map_err(|_| Error::out_of_memory::<T>(what, wanted))
}

impl<T> Grow<T> for Vec<T> {
    #[inline]
    fn try_push(&mut self, what: &'static str, value: T) -> Result<()> {
        if self.len() == self.capacity() {
            make_room(what, self, 1)?;
        }
        self.push(value);
        Ok(())
    }

    #[inline]
    fn try_extend(&mut self, what: &'static str, values: impl IntoIterator<Item = T>) -> Result<()> {
        let values = values.into_iter();
        let least = values.size_hint().0;
        if self.capacity() - self.len() < least {
            make_room(what, self, least)?;
        }
        for value in values {
            self.try_push(what, value)?;
        }
        Ok(())
    }

    #[inline]
    fn try_extend_from_slice(&mut self, what: &'static str, values: &[T]) -> Result<()>
    where
        T: Copy,
    {
        if self.capacity() - self.len() < values.len() {
            make_room(what, self, values.len())?;
        }
        self.extend_from_slice(values);
        Ok(())
    }
}

/// A vector of `count` copies of `value`, or [`Error::OutOfMemory`].
///
/// # Errors
/// If the memory cannot be reserved.
pub fn try_filled<T: Clone>(what: &'static str, count: usize, value: T) -> Result<Vec<T>> {
    let mut vector = try_with_capacity(what, count)?;
    vector.resize(count, value);
    Ok(vector)
}

/// An empty vector with room for `count` elements, or [`Error::OutOfMemory`].
///
/// # Errors
/// If the memory cannot be reserved.
pub fn try_with_capacity<T>(what: &'static str, count: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(count).map_err(|_: TryReserveError| Error::out_of_memory::<T>(what, count))?;
    Ok(vector)
}

/// `count` zeros, whose pages are not accessed.
///
/// # Errors
/// [`Error::OutOfMemory`] if they cannot be reserved.
pub fn try_zeros<T: bytemuck::Zeroable>(what: &'static str, count: usize) -> Result<Vec<T>> {
    if count.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(Error::out_of_memory::<T>(what, count));
    }
    bytemuck::allocation::try_zeroed_vec(count).map_err(|()| Error::out_of_memory::<T>(what, count))
}

/// The values of an iterator.
///
/// # Errors
/// [`Error::OutOfMemory`] for `what`.
pub fn try_collect<T>(what: &'static str, values: impl IntoIterator<Item = T>) -> Result<Vec<T>> {
    let values = values.into_iter();
    let mut collected = try_with_capacity(what, values.size_hint().0)?;
    collected.try_extend(what, values)?;
    Ok(collected)
}

/// A copy of a slice.
///
/// # Errors
/// [`Error::OutOfMemory`] for `what`.
pub fn try_copy<T: Copy>(what: &'static str, values: &[T]) -> Result<Vec<T>> {
    let mut copy = try_with_capacity(what, values.len())?;
    copy.extend_from_slice(values);
    Ok(copy)
}

/// Adds a value to a heap.
///
/// # Errors
/// [`Error::OutOfMemory`] for `what`; nothing is added then.
#[inline]
pub fn try_push_to_heap<T: Ord>(what: &'static str, heap: &mut BinaryHeap<T>, value: T) -> Result<()> {
    if heap.len() == heap.capacity() {
        let wanted = heap.len() + 1;
        heap.try_reserve(1).map_err(|_| Error::out_of_memory::<T>(what, wanted))?;
    }
    heap.push(value);
    Ok(())
}

/// Sorts stably by `compare`. The standard library allocates a buffer for that.
///
/// That buffer cannot be passed in, so as much memory is reserved and freed right before the sort: only another thread that takes
/// it in between could still make the process abort.
///
/// # Errors
/// [`Error::OutOfMemory`] for `what`; nothing is moved then.
pub fn try_sort_by<T>(
    what: &'static str,
    values: &mut [T],
    compare: impl FnMut(&T, &T) -> std::cmp::Ordering,
) -> Result<()> {
    drop(try_with_capacity::<T>(what, values.len())?);
    values.sort_by(compare);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_as_a_vector_does() {
        let mut values = Vec::new();
        for value in 0..100 {
            values.try_push("a test", value).unwrap();
        }
        values.try_extend("a test", (100..200).filter(|_| true)).unwrap();
        values.try_extend_from_slice("a test", &[200, 201]).unwrap();
        assert_eq!(values, (0..202).collect::<Vec<_>>());
        assert_eq!(try_copy("a test", &values), Ok(values.clone()));
        assert_eq!(try_collect("a test", 0..202), Ok(values));
    }

    #[test]
    fn sorts_stably() {
        let mut pairs: Vec<(u32, u32)> = (0..1000).map(|at| (at * 7919 % 13, at)).collect();
        try_sort_by("a test", &mut pairs, |one, other| one.0.cmp(&other.0)).unwrap();
        assert!(pairs.is_sorted());
    }

    #[test]
    fn says_what_there_is_no_memory_for() {
        let endless = try_collect("a test", std::iter::repeat_n(0_u64, usize::MAX));
        let bytes = 8 * usize::MAX as u128;
        assert_eq!(endless, Err(Error::OutOfMemory { what: "a test", bytes }));
    }
}
