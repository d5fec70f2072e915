//! Four and eight words: AVX2 and AVX-512.
//!
//! A value of these types exists only inside functions that [`crate::support::simd::for_this_processor`] calls after it
//! asked the processor for the features: that is the safety of every intrinsic here.

use std::arch::x86_64::{
    __m256i, __m512i, _mm_cvtsi64_si128, _mm256_and_si256, _mm256_andnot_si256, _mm256_load_si256, _mm256_or_si256,
    _mm256_permute2x128_si256, _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_sll_epi64, _mm256_srl_epi64,
    _mm256_store_si256, _mm256_testz_si256, _mm256_unpackhi_epi64, _mm256_unpacklo_epi64, _mm256_xor_si256,
    _mm512_and_si512, _mm512_andnot_si512, _mm512_load_si512, _mm512_or_si512, _mm512_permutex2var_epi64,
    _mm512_set1_epi64, _mm512_setr_epi64, _mm512_setzero_si512, _mm512_shuffle_i64x2, _mm512_sll_epi64,
    _mm512_srl_epi64, _mm512_store_si512, _mm512_ternarylogic_epi64, _mm512_test_epi64_mask, _mm512_xor_si512,
};
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, Not};

use crate::support::simd::doubles::{Eight, Four};
use crate::support::simd::vector::{Lanes, Quads, Vector};

macro_rules! vector {
    (
        $(#[$attribute:meta])* $name:ident($inner:ty, $doubles:ty), $words:literal: $and:ident $or:ident $xor:ident $and_not:ident
        $zero:ident $set:ident, $load:ident $store:ident $up:ident $down:ident, |$value:ident| $is_empty:expr,
        |$a:ident, $b:ident, $c:ident| $sum:expr, $carry:expr,
        |$q0:ident, $q1:ident, $q2:ident, $q3:ident| $columns:expr
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name($inner);

        impl BitAnd for $name {
            type Output = Self;

            #[inline(always)]
            fn bitand(self, other: Self) -> Self {
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $and(self.0, other.0) })
            }
        }

        impl BitOr for $name {
            type Output = Self;

            #[inline(always)]
            fn bitor(self, other: Self) -> Self {
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $or(self.0, other.0) })
            }
        }

        impl BitXor for $name {
            type Output = Self;

            #[inline(always)]
            fn bitxor(self, other: Self) -> Self {
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $xor(self.0, other.0) })
            }
        }

        impl Not for $name {
            type Output = Self;

            #[inline(always)]
            fn not(self) -> Self {
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $xor(self.0, $set(-1)) })
            }
        }

        impl BitAndAssign for $name {
            #[inline(always)]
            fn bitand_assign(&mut self, other: Self) {
                *self = *self & other;
            }
        }

        impl BitOrAssign for $name {
            #[inline(always)]
            fn bitor_assign(&mut self, other: Self) {
                *self = *self | other;
            }
        }

        impl Vector for $name {
            const WORDS: usize = $words;

            type Doubles = $doubles;

            #[inline(always)]
            fn none() -> Self {
                // SAFETY: the callers are kernels that were chosen for the feature.
                Self(unsafe { $zero() })
            }

            #[inline(always)]
            fn load(lanes: &Lanes, first: usize) -> Self {
                let words = &lanes.0[first..first + $words];
                // SAFETY: the slice has the vector's length; lanes are aligned to 64 bytes and `first` is a multiple
                // of the vector's words; the callers are kernels that were chosen for the feature.
                Self(unsafe { $load(words.as_ptr().cast()) })
            }

            #[inline(always)]
            fn load_columns(quads: &Quads, first: usize) -> [Self; 3] {
                let words = quads.0[first..first + $words].as_flattened();
                // SAFETY: each pointer is that of as many of the words as a vector has, four times in all; quads are
                // aligned as lanes are, and the callers are kernels that were chosen for the feature.
                let [$q0, $q1, $q2, $q3]: [$inner; 4] =
                    std::array::from_fn(|at| unsafe { $load(words[at * $words..][..$words].as_ptr().cast()) });
                // SAFETY: the callers are kernels that were chosen for the feature.
                unsafe { $columns }
            }

            #[inline(always)]
            fn store(self, lanes: &mut Lanes, first: usize) {
                let words = &mut lanes.0[first..first + $words];
                // SAFETY: as for `load`.
                unsafe { $store(words.as_mut_ptr().cast(), self.0) }
            }

            #[inline(always)]
            fn is_empty(self) -> bool {
                let $value = self.0;
                // SAFETY: a value of this type exists, so the processor has the feature.
                unsafe { $is_empty }
            }

            #[inline(always)]
            fn splat(word: u64) -> Self {
                // SAFETY: the callers are kernels that were chosen for the feature.
                Self(unsafe { $set(word.cast_signed()) })
            }

            #[inline(always)]
            fn up(self, places: u32) -> Self {
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $up(self.0, _mm_cvtsi64_si128(places.into())) })
            }

            #[inline(always)]
            fn down(self, places: u32) -> Self {
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $down(self.0, _mm_cvtsi64_si128(places.into())) })
            }

            #[inline(always)]
            fn sum(self, second: Self, third: Self) -> Self {
                let ($a, $b, $c) = (self.0, second.0, third.0);
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $sum })
            }

            #[inline(always)]
            fn carry(self, second: Self, third: Self) -> Self {
                let ($a, $b, $c) = (self.0, second.0, third.0);
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $carry })
            }

            #[inline(always)]
            fn without(self, other: Self) -> Self {
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $and_not(other.0, self.0) })
            }
        }
    };
}

vector!(
    /// Eight words: AVX-512.
    Avx512(__m512i, Eight), 8: _mm512_and_si512 _mm512_or_si512 _mm512_xor_si512 _mm512_andnot_si512
    _mm512_setzero_si512 _mm512_set1_epi64, _mm512_load_si512 _mm512_store_si512
    _mm512_sll_epi64 _mm512_srl_epi64, |value| _mm512_test_epi64_mask(value, value) == 0,
    |a, b, c| _mm512_ternarylogic_epi64::<0x96>(a, b, c), _mm512_ternarylogic_epi64::<0xe8>(a, b, c),
    |q0, q1, q2, q3| {
        // Each vector holds the four words of two lanes. First and third words of four lanes, then second words.
        let outer = _mm512_setr_epi64(0, 4, 8, 12, 2, 6, 10, 14);
        let inner = _mm512_setr_epi64(1, 5, 9, 13, 1, 5, 9, 13);
        let [outer_low, outer_high] =
            [_mm512_permutex2var_epi64(q0, outer, q1), _mm512_permutex2var_epi64(q2, outer, q3)];
        let [inner_low, inner_high] =
            [_mm512_permutex2var_epi64(q0, inner, q1), _mm512_permutex2var_epi64(q2, inner, q3)];
        [
            Self(_mm512_shuffle_i64x2::<0x44>(outer_low, outer_high)),
            Self(_mm512_shuffle_i64x2::<0x44>(inner_low, inner_high)),
            Self(_mm512_shuffle_i64x2::<0xee>(outer_low, outer_high)),
        ]
    }
);

vector!(
    /// Four words: AVX2.
    Avx2(__m256i, Four), 4: _mm256_and_si256 _mm256_or_si256 _mm256_xor_si256 _mm256_andnot_si256
    _mm256_setzero_si256 _mm256_set1_epi64x, _mm256_load_si256 _mm256_store_si256
    _mm256_sll_epi64 _mm256_srl_epi64, |value| _mm256_testz_si256(value, value) == 1,
    |a, b, c| _mm256_xor_si256(_mm256_xor_si256(a, b), c),
    _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(_mm256_xor_si256(a, b), c)),
    |q0, q1, q2, q3| {
        // Each vector holds the four words of a lane. First and third words of two lanes, then second and fourth ones.
        let [outer_low, outer_high] = [_mm256_unpacklo_epi64(q0, q1), _mm256_unpacklo_epi64(q2, q3)];
        let [inner_low, inner_high] = [_mm256_unpackhi_epi64(q0, q1), _mm256_unpackhi_epi64(q2, q3)];
        [
            Self(_mm256_permute2x128_si256::<0x20>(outer_low, outer_high)),
            Self(_mm256_permute2x128_si256::<0x20>(inner_low, inner_high)),
            Self(_mm256_permute2x128_si256::<0x31>(outer_low, outer_high)),
        ]
    }
);
