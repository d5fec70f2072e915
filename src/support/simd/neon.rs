//! Two words: NEON, which every processor of this architecture has. That is the safety of every intrinsic here.

use std::arch::aarch64::{
    uint64x2_t, vandq_u64, vbicq_u64, vbslq_u64, vdupq_n_s64, vdupq_n_u64, veorq_u64, vgetq_lane_u64, vld1q_u64,
    vld4q_u64, vorrq_u64, vshlq_u64, vst1q_u64,
};
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, Not};

use crate::support::simd::doubles::Two;
use crate::support::simd::vector::{Lanes, Quads, Vector};

/// Two words.
#[derive(Debug, Clone, Copy)]
pub struct Neon(uint64x2_t);

impl BitAnd for Neon {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        // SAFETY: the architecture has the feature.
        Self(unsafe { vandq_u64(self.0, other.0) })
    }
}

impl BitOr for Neon {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        // SAFETY: the architecture has the feature.
        Self(unsafe { vorrq_u64(self.0, other.0) })
    }
}

impl BitXor for Neon {
    type Output = Self;

    #[inline(always)]
    fn bitxor(self, other: Self) -> Self {
        // SAFETY: the architecture has the feature.
        Self(unsafe { veorq_u64(self.0, other.0) })
    }
}

impl Not for Neon {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        self ^ Self::splat(u64::MAX)
    }
}

impl BitAndAssign for Neon {
    #[inline(always)]
    fn bitand_assign(&mut self, other: Self) {
        *self = *self & other;
    }
}

impl BitOrAssign for Neon {
    #[inline(always)]
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl Vector for Neon {
    const WORDS: usize = 2;

    type Doubles = Two;

    #[inline(always)]
    fn none() -> Self {
        Self::splat(0)
    }

    #[inline(always)]
    fn load(lanes: &Lanes, first: usize) -> Self {
        let words = &lanes.0[first..first + 2];
        // SAFETY: the slice has two words, and the architecture has the feature.
        Self(unsafe { vld1q_u64(words.as_ptr()) })
    }

    #[inline(always)]
    fn load_columns(quads: &Quads, first: usize) -> [Self; 3] {
        let words = quads.0[first..first + 2].as_flattened();
        // SAFETY: the slice has eight words, as many as are loaded, and the architecture has the feature.
        let columns = unsafe { vld4q_u64(words.as_ptr()) };
        [Self(columns.0), Self(columns.1), Self(columns.2)]
    }

    #[inline(always)]
    fn store(self, lanes: &mut Lanes, first: usize) {
        let words = &mut lanes.0[first..first + 2];
        // SAFETY: as for `load`.
        unsafe { vst1q_u64(words.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn is_empty(self) -> bool {
        // SAFETY: the architecture has the feature.
        unsafe { vgetq_lane_u64::<0>(self.0) | vgetq_lane_u64::<1>(self.0) == 0 }
    }

    #[inline(always)]
    fn splat(word: u64) -> Self {
        // SAFETY: the architecture has the feature.
        Self(unsafe { vdupq_n_u64(word) })
    }

    #[inline(always)]
    fn up(self, places: u32) -> Self {
        // SAFETY: the architecture has the feature.
        Self(unsafe { vshlq_u64(self.0, vdupq_n_s64(places.into())) })
    }

    #[inline(always)]
    fn down(self, places: u32) -> Self {
        // SAFETY: the architecture has the feature; it shifts down by a negative number of places.
        Self(unsafe { vshlq_u64(self.0, vdupq_n_s64(-i64::from(places))) })
    }

    #[inline(always)]
    fn sum(self, second: Self, third: Self) -> Self {
        self ^ second ^ third
    }

    #[inline(always)]
    fn carry(self, second: Self, third: Self) -> Self {
        // Where the first two differ the third decides.
        // SAFETY: the architecture has the feature.
        Self(unsafe { vbslq_u64((self ^ second).0, third.0, self.0) })
    }

    #[inline(always)]
    fn without(self, other: Self) -> Self {
        // SAFETY: the architecture has the feature.
        Self(unsafe { vbicq_u64(self.0, other.0) })
    }
}
