//! What a vector of words can do, and one word as the plainest of them.

use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, Not};

use crate::support::simd::doubles::Doubles;

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

    /// As many numbers of double precision.
    type Doubles: Doubles;

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

    type Doubles = f64;

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
