//! Words of 64 voxels side by side, as wide as the processor computes at once: the unit of the predicates of thinning.
//!
//! The formulas are written once over [`Vector`] and compiled for each width. Left to the compiler, arrays of eight words came
//! out as scalar code, six times slower; hence the processor's own vectors, and their `unsafe`.

use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, Not};

/// Words that are worked on together, in one vector or in several.
pub const LANES: usize = 8;

/// One word for each lane, in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub struct Lanes(pub [u64; LANES]);

impl Lanes {
    /// No voxel.
    pub const NONE: Self = Self([0; LANES]);
}

/// Four words for each lane, in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub struct Quads(pub [[u64; 4]; LANES]);

impl Quads {
    /// No voxel.
    pub const NONE: Self = Self([[0; 4]; LANES]);
}

/// One or more words; each bit is one voxel's answer.
pub trait Vector:
    Copy
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
    + BitAndAssign
    + BitOrAssign
{
    /// Words in a vector.
    const WORDS: usize;

    /// No voxel.
    fn none() -> Self;

    /// The words from lane `first` on.
    fn load(lanes: &Lanes, first: usize) -> Self;

    /// The first, second and third words from lane `first` on.
    fn load_columns(quads: &Quads, first: usize) -> [Self; 3];

    /// Writes the words from lane `first` on.
    fn store(self, lanes: &mut Lanes, first: usize);

    /// Whether no voxel is set.
    fn is_empty(self) -> bool;

    /// The same word in each place.
    fn splat(word: u64) -> Self;

    /// Each bit moved up by so many places, a constant where it is called; below 64.
    #[must_use]
    fn up(self, places: u32) -> Self;

    /// Each bit moved down by so many places, a constant where it is called; below 64.
    #[must_use]
    fn down(self, places: u32) -> Self;

    /// The bits that are in an odd number of three sets: the sum of three digits.
    #[must_use]
    fn sum(self, second: Self, third: Self) -> Self;

    /// The bits that are in two or three of three sets: the carry of three digits.
    #[must_use]
    fn carry(self, second: Self, third: Self) -> Self;

    /// The bits that are not in `other`.
    #[must_use]
    #[inline(always)]
    fn without(self, other: Self) -> Self {
        self & !other
    }
}

impl Vector for u64 {
    const WORDS: usize = 1;

    #[inline(always)]
    fn none() -> Self {
        0
    }

    #[inline(always)]
    fn load(lanes: &Lanes, first: usize) -> Self {
        lanes.0[first]
    }

    #[inline(always)]
    fn load_columns(quads: &Quads, first: usize) -> [Self; 3] {
        let [before, word, after, _] = quads.0[first];
        [before, word, after]
    }

    #[inline(always)]
    fn store(self, lanes: &mut Lanes, first: usize) {
        lanes.0[first] = self;
    }

    #[inline(always)]
    fn is_empty(self) -> bool {
        self == 0
    }

    #[inline(always)]
    fn splat(word: u64) -> Self {
        word
    }

    #[inline(always)]
    fn sum(self, second: Self, third: Self) -> Self {
        self ^ second ^ third
    }

    #[inline(always)]
    fn carry(self, second: Self, third: Self) -> Self {
        self & second | third & (self ^ second)
    }

    #[inline(always)]
    fn up(self, places: u32) -> Self {
        self << places
    }

    #[inline(always)]
    fn down(self, places: u32) -> Self {
        self >> places
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
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

    use super::{Lanes, Quads, Vector};

    macro_rules! vector {
        (
            $(#[$attribute:meta])* $name:ident($inner:ty), $words:literal: $and:ident $or:ident $xor:ident $and_not:ident
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
        Avx512(__m512i), 8: _mm512_and_si512 _mm512_or_si512 _mm512_xor_si512 _mm512_andnot_si512
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
        Avx2(__m256i), 4: _mm256_and_si256 _mm256_or_si256 _mm256_xor_si256 _mm256_andnot_si256
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
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

/// Defines a function that runs `$kernel`, an `#[inline(always)]` function over a [`Vector`], compiled for the widest vectors
/// of this processor; it may also be generic over one more type, such as the shape of a word, and one flag.
macro_rules! for_this_processor {
    (
        $(#[$attribute:meta])* $visibility:vis fn $name:ident $(<$shape:ident: $bound:path $(, const $flag:ident: bool)?>)? ($($argument:ident: $type:ty),* $(,)?)
            $(-> $result:ty)? = $kernel:ident;
    ) => {
        $(#[$attribute])*
        $visibility fn $name $(<$shape: $bound $(, const $flag: bool)?>)? ($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::support::simd::{Avx2, Avx512, Width, width};

                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt,lzcnt")]
                fn with_avx512 $(<$shape: $bound $(, const $flag: bool)?>)? ($($argument: $type),*) $(-> $result)? {
                    $kernel::<$($shape,)? Avx512 $($(, $flag)?)?>($($argument),*)
                }
                #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
                fn with_avx2 $(<$shape: $bound $(, const $flag: bool)?>)? ($($argument: $type),*) $(-> $result)? {
                    $kernel::<$($shape,)? Avx2 $($(, $flag)?)?>($($argument),*)
                }
                match width() {
                    // SAFETY: the processor was asked for these features.
                    Width::Avx512 => return unsafe { with_avx512 $(::<$shape $(, $flag)?>)? ($($argument),*) },
                    // SAFETY: the processor was asked for these features.
                    Width::Avx2 => return unsafe { with_avx2 $(::<$shape $(, $flag)?>)? ($($argument),*) },
                    Width::Word => {}
                }
            }
            $kernel::<$($shape,)? u64 $($(, $flag)?)?>($($argument),*)
        }
    };
}
pub(crate) use for_this_processor;

/// The vectors to compute with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Eight words.
    Avx512,
    /// Four words.
    Avx2,
    /// One word: on every processor.
    Word,
}

impl Width {
    /// As `SKANRS_VECTORS` names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Word => "word",
        }
    }
}

/// The widest vectors of this processor. The environment variable `SKANRS_VECTORS` (`word`, `avx2`) narrows them, so that the
/// tests can compare the widths.
pub fn width() -> Width {
    static WIDTH: std::sync::OnceLock<Width> = std::sync::OnceLock::new();
    *WIDTH.get_or_init(|| match (widest(), std::env::var("SKANRS_VECTORS").as_deref()) {
        (_, Ok("word")) => Width::Word,
        (Width::Avx512, Ok("avx2")) => Width::Avx2,
        (widest, _) => widest,
    })
}

#[cfg(target_arch = "x86_64")]
fn widest() -> Width {
    let bits = is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("lzcnt");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (bits && avx512, bits && is_x86_feature_detected!("avx2")) {
        (true, _) => Width::Avx512,
        (_, true) => Width::Avx2,
        _ => Width::Word,
    }
}

#[cfg(not(target_arch = "x86_64"))]
const fn widest() -> Width {
    Width::Word
}

#[cfg(test)]
mod tests {
    use super::*;

    for_this_processor! {
        fn columns(quads: &Quads, found: &mut [Lanes; 3]) = columns_lanes;
    }

    #[inline(always)]
    fn columns_lanes<V: Vector>(quads: &Quads, found: &mut [Lanes; 3]) {
        for first in (0..LANES).step_by(V::WORDS) {
            for (column, found) in V::load_columns(quads, first).into_iter().zip(&mut *found) {
                column.store(found, first);
            }
        }
    }

    #[test]
    fn sorts_words_by_direction() {
        let quads = Quads(std::array::from_fn(|lane| std::array::from_fn(|at| (10 * lane + at) as u64)));
        let mut found = [Lanes::NONE; 3];
        columns(&quads, &mut found);
        for (at, lanes) in found.iter().enumerate() {
            assert_eq!(lanes.0, std::array::from_fn(|lane| (10 * lane + at) as u64));
        }
    }
}
