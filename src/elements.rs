//! Elements of an array that somebody else may be writing while it is read: another thread of Python holds the same memory.
//!
//! A plain `&[T]` promises that nothing changes behind it, and code compiled on that promise may do anything where it is broken.
//! A [`Shared`] element promises nothing: it is read once, by a volatile read, into a copy that cannot change any more, and
//! every decision is made on the copy. So an image that changes during a call gives the result of some mixture of its states.
//!
//! Cost: background is passed over by one read and one `or` for eight bytes, as fast as memory; 64 elements with foreground
//! among them are copied first.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

use ndarray::{ArrayView, Dimension};

/// An element that can be read, and that may change between two reads.
#[derive(Debug)]
#[repr(transparent)]
pub struct Shared<T>(UnsafeCell<T>);

/// What is read at once, aligned or not.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Eight(u64);

// SAFETY: there is no way to write through it, and reads are volatile.
unsafe impl<T: Copy + Sync> Sync for Shared<T> {}

impl<T: Copy> Shared<T> {
    /// What the element is now.
    #[inline]
    #[must_use]
    pub fn get(&self) -> T {
        // SAFETY: the reference says that the memory is there and aligned; every element type is valid for all bits.
        unsafe { self.0.get().read_volatile() }
    }

    /// Whether any element has a bit of `mask` now; together they take a multiple of eight bytes.
    ///
    /// Nothing is copied, so that long stretches without one are passed over at the speed of memory.
    #[inline]
    #[must_use]
    pub fn any<const N: usize>(elements: &[Self; N], mask: T) -> bool {
        const { assert!(size_of::<[T; N]>().is_multiple_of(size_of::<Eight>()), "whole words") };
        const { assert!(size_of::<T>() <= size_of::<Eight>(), "an element fits a word") };
        // SAFETY: at least a word of them is there, all of whose bits are those of elements.
        let mask = unsafe { std::ptr::from_ref(&[mask; size_of::<Eight>()]).cast::<Eight>().read().0 };
        let from = std::ptr::from_ref(elements).cast::<Eight>();
        let words = 0..size_of::<[T; N]>() / size_of::<Eight>();
        // SAFETY: the array is of this many words, which need no alignment.
        words.fold(0, |any, at| any | unsafe { from.add(at).read_volatile().0 }) & mask != 0
    }

    /// What the elements are now; together they take a multiple of eight bytes.
    #[inline]
    #[must_use]
    pub fn get_all<const N: usize>(elements: &[Self; N]) -> [T; N] {
        const { assert!(size_of::<[T; N]>().is_multiple_of(size_of::<Eight>()), "whole words") };
        let from = std::ptr::from_ref(elements).cast::<Eight>();
        let mut copy = MaybeUninit::<[T; N]>::uninit();
        let to = copy.as_mut_ptr().cast::<Eight>();
        for at in 0..size_of::<[T; N]>() / size_of::<Eight>() {
            // SAFETY: both arrays are of this many words, which need no alignment; `Shared<T>` has the layout of `T`.
            unsafe { to.add(at).write(from.add(at).read_volatile()) };
        }
        // SAFETY: all of it was written; every element type is valid for all bits.
        unsafe { copy.assume_init() }
    }

    /// Elements that do not change, as those that may.
    #[must_use]
    pub fn view<'a, D: Dimension>(array: &ArrayView<'a, T, D>) -> ArrayView<'a, Self, D> {
        // SAFETY: the layout is the same, and nothing is ever written through a `Shared`.
        unsafe { array.raw_view().cast::<Self>().deref_into_view() }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn reads_what_is_there() {
        let array = Array2::from_shape_fn((3, 64), |(y, x)| (64 * y + x) as u16);
        let shared = Shared::view(&array.view());
        assert!(array.iter().zip(shared.iter()).all(|(value, shared)| *value == shared.get()));
        let row = shared.row(1);
        let (chunks, _) = row.to_slice().unwrap().as_chunks::<64>();
        assert_eq!(Shared::get_all(&chunks[0]), std::array::from_fn(|x| 64 + x as u16));
        assert!(Shared::any(&chunks[0], 0x40) && !Shared::any(&chunks[0], 0x80));
    }
}
