//! Elements of an image: read from memory that another thread may write, and packed to one bit a voxel.
//!
//! Python shares the memory of an array with other threads. A plain `&[T]` promises the compiler that nothing changes behind it. A
//! [`Shared`] element promises nothing: it is read once, by a volatile read, into a local copy, and every decision is made on the
//! copy. So an image that changes during a call gives the result of some mixture of its states.
//!
//! Cost: background is skipped by one read and one `or` for eight bytes, at the speed of memory; 64 elements with foreground among
//! them are copied first.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

use ndarray::{ArrayView, Dimension};

use crate::image::word_shape::WORD;

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

/// An element of an image, read as the unsigned integer of its size.
pub trait Element: Copy + PartialEq + Send + Sync {
    /// Whether any bit of `mask` is set.
    fn is_foreground(self, mask: Self) -> bool;

    /// Its bits, the upper ones zero.
    fn bits(self) -> u64;

    /// The element of these bits.
    fn from_bits(bits: u64) -> Self;

    /// The foreground of 64 voxels in a row, one bit each.
    fn pack(voxels: &[Self; WORD], mask: Self) -> u64 {
        voxels.iter().enumerate().fold(0, |word, (x, value)| word | u64::from(value.is_foreground(mask)) << x)
    }
}

/// Which elements of an image are foreground.
pub trait Foreground<T: Element>: Sync {
    /// What without a bit of it is background.
    fn mask(&self) -> T;

    /// Whether an element is foreground.
    fn is_foreground(&self, value: T) -> bool;

    /// The foreground of 64 voxels in a row, of which some is there, one bit each.
    fn pack(&self, voxels: &[T; WORD]) -> u64;

    /// Whether the foreground is not asked for any more.
    fn is_given_up(&self) -> bool;
}

/// Foreground has any bit of a mask.
pub struct AnyBit<T>(pub T);

impl<T: Element> Foreground<T> for AnyBit<T> {
    #[inline]
    fn mask(&self) -> T {
        self.0
    }

    #[inline]
    fn is_foreground(&self, value: T) -> bool {
        value.is_foreground(self.0)
    }

    #[inline]
    fn pack(&self, voxels: &[T; WORD]) -> u64 {
        T::pack(voxels, self.0)
    }

    #[inline]
    fn is_given_up(&self) -> bool {
        false
    }
}

macro_rules! element {
    ($($integer:ty),*) => {$(
        impl Element for $integer {
            #[inline]
            fn is_foreground(self, mask: Self) -> bool {
                self & mask != 0
            }

            #[inline]
            fn bits(self) -> u64 {
                u64::from(self)
            }

            #[inline]
            fn from_bits(bits: u64) -> Self {
                bits as Self
            }
        }
    )*};
}

element!(u16, u32, u64);

impl Element for u8 {
    #[inline]
    fn is_foreground(self, mask: Self) -> bool {
        self & mask != 0
    }

    #[inline]
    fn bits(self) -> u64 {
        u64::from(self)
    }

    #[inline]
    fn from_bits(bits: u64) -> Self {
        bits as Self
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn pack(voxels: &[Self; WORD], mask: Self) -> u64 {
        // SAFETY: every processor of this kind has SSE2.
        unsafe { pack_by_sse2(voxels, mask) }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn pack(voxels: &[Self; WORD], mask: Self) -> u64 {
        pack_by_eights(voxels, mask)
    }
}

/// One bit for each byte that has any bit of `mask`, eight at a time, on any processor.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn pack_by_eights(voxels: &[u8; WORD], mask: u8) -> u64 {
    let wide_mask = u64::from_ne_bytes([mask; 8]);
    let (eights, _) = voxels.as_chunks::<8>();
    eights
        .iter()
        .enumerate()
        .fold(0, |word, (at, eight)| word | pack_eight(u64::from_le_bytes(*eight) & wide_mask) << (8 * at))
}

/// One bit for each byte that has any bit of `mask`, sixteen at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
fn pack_by_sse2(voxels: &[u8; WORD], mask: u8) -> u64 {
    use std::arch::x86_64::{
        _mm_and_si128, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8, _mm_setzero_si128,
    };

    let (mask, zero) = (_mm_set1_epi8(mask.cast_signed()), _mm_setzero_si128());
    let (sixteens, _) = voxels.as_chunks::<16>();
    sixteens.iter().enumerate().fold(0, |word, (at, voxels)| {
        let [low, high] = [0, 8].map(|from| i64::from_le_bytes(std::array::from_fn(|byte| voxels[from + byte])));
        let background = _mm_cmpeq_epi8(_mm_and_si128(_mm_set_epi64x(high, low), mask), zero);
        word | u64::from(!_mm_movemask_epi8(background) as u16) << (16 * at)
    })
}

/// One bit for each nonzero byte, the lowest byte first.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[inline]
fn pack_eight(bytes: u64) -> u64 {
    const LOW_SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let nonzero = (((bytes & LOW_SEVEN) + LOW_SEVEN) | bytes) & !LOW_SEVEN;
    // The multiplication gathers the eight flags, now at bits 0, 8, …, 56, in the highest byte.
    (nonzero >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::support::random::Random;

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

    #[test]
    fn bytes_are_packed_alike_on_every_processor() {
        let mut random = Random(3);
        for mask in [0, 1, 0x80, 0xff] {
            for _ in 0..200 {
                let voxels: [u8; WORD] = std::array::from_fn(|_| {
                    let bits = random.bits();
                    if bits >> 62 == 0 { (bits >> 40) as u8 } else { 0 }
                });
                let expected = (0..WORD).fold(0, |word, x| word | u64::from(voxels[x] & mask != 0) << x);
                assert_eq!(u8::pack(&voxels, mask), expected);
                assert_eq!(pack_by_eights(&voxels, mask), expected);
            }
        }
    }
}
