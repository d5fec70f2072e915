//! The element types of gray images: how they are read, computed with, and rounded to.

use crate::image::elements::Shared;
use crate::support::simd::Doubles;

/// A real number as it stands in an image.
pub trait Sample: Copy + Default + PartialOrd + Send + Sync + 'static {
    /// Integers in the order of the values.
    type Key: Ord + Copy + Send + Sync;

    /// The type that a histogram with bins of equal width computes in, as `numpy.histogram` does.
    type Bins: Float;

    /// The value, in the type of the edges of bins.
    fn in_bins(self) -> Self::Bins;

    /// The value in double precision, rounded where it has more than 53 bits.
    fn to_f64(self) -> f64;

    /// The value that is stored for a sum: the nearest one for floats, the integer towards zero for integers.
    fn of_sum(sum: f64) -> Self;

    /// Sums rounded to the values that are stored for them, where these have no more than 53 bits.
    fn rounded<D: Doubles>(sums: D) -> D;

    /// An integer in the order of the values; beyond those of all numbers where it is not a number.
    fn key(self) -> Self::Key;

    /// The number of a key.
    fn of_key(key: Self::Key) -> Self;

    /// The position among bins of one value each that begin at `low`.
    fn bin(self, low: Self) -> usize;

    /// Copies elements that another thread may be writing.
    #[inline]
    fn copy(from: &[Shared<Self>], to: &mut [Self]) {
        let (chunks, rest) = from.as_chunks::<64>();
        let (copies, rest_of_copies) = to.as_chunks_mut::<64>();
        for (chunk, copy) in chunks.iter().zip(copies) {
            *copy = Shared::get_all(chunk);
        }
        for (element, copy) in rest.iter().zip(rest_of_copies) {
            *copy = element.get();
        }
    }
}

/// A floating point type.
pub trait Float:
    Sample
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
{
    /// A sum with it has no digits below one, and its last bits are the other, rounded to an integer, below 2²².
    const WHOLE: Self;

    /// A number of this type.
    fn from_f64(value: f64) -> Self;

    /// The last bits of a sum with [`Self::WHOLE`]; any number for what is no such sum.
    fn last_bits(self) -> u32;
}

macro_rules! sample {
    ($($element:ty, $bins:ty, $key:ty, $rounded:ident,
        |$value:ident, $low:ident| $bin:expr, |$number:ident| $to_key:expr, |$of:ident| $of_key:expr;)*) => {$(
        #[allow(clippy::cast_lossless, reason = "the same for all types")]
        impl Sample for $element {
            type Key = $key;
            type Bins = $bins;

            #[inline(always)]
            fn in_bins(self) -> $bins {
                self as $bins
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }

            #[inline(always)]
            fn of_sum(sum: f64) -> Self {
                sum as Self
            }

            #[inline(always)]
            fn rounded<D: Doubles>(sums: D) -> D {
                $rounded!(sums)
            }

            #[inline(always)]
            fn key(self) -> $key {
                let $number = self;
                $to_key
            }

            #[inline(always)]
            fn of_key($of: $key) -> Self {
                $of_key
            }

            #[inline(always)]
            fn bin(self, $low: Self) -> usize {
                let $value = self;
                $bin
            }
        }
    )*};
}

macro_rules! to_single {
    ($sums:ident) => {
        $sums.to_single()
    };
}

macro_rules! truncated {
    ($sums:ident) => {
        $sums.truncated()
    };
}

macro_rules! as_they_are {
    ($sums:ident) => {
        $sums
    };
}

/// The bits of a float as an integer in the order of the numbers, and back: those of negative ones are turned over but the sign.
macro_rules! in_order {
    ($bits:expr, $sign:literal) => {{
        let bits = $bits;
        bits ^ ((bits >> $sign).cast_unsigned() >> 1).cast_signed()
    }};
}

sample! {
    u8, f64, u8, truncated, |value, low| value.wrapping_sub(low) as usize, |value| value, |key| key;
    i8, f64, i8, truncated, |value, low| value.wrapping_sub(low) as u8 as usize, |value| value, |key| key;
    u16, f64, u16, truncated, |value, low| value.wrapping_sub(low) as usize, |value| value, |key| key;
    i16, f64, i16, truncated, |value, low| value.wrapping_sub(low) as u16 as usize, |value| value, |key| key;
    u32, f64, u32, truncated, |value, low| value.wrapping_sub(low) as usize, |value| value, |key| key;
    i32, f64, i32, truncated, |value, low| value.wrapping_sub(low) as u32 as usize, |value| value, |key| key;
    u64, f64, u64, truncated, |value, low| value.wrapping_sub(low) as usize, |value| value, |key| key;
    i64, f64, i64, truncated, |value, low| value.wrapping_sub(low) as usize, |value| value, |key| key;
    f32, f32, i32, to_single, |value, low| (value - low) as usize,
        |value| in_order!(value.to_bits().cast_signed(), 31), |key| Self::from_bits(in_order!(key, 31).cast_unsigned());
    f64, f64, i64, as_they_are, |value, low| (value - low) as usize,
        |value| in_order!(value.to_bits().cast_signed(), 63), |key| Self::from_bits(in_order!(key, 63).cast_unsigned());
}

macro_rules! float {
    ($($float:ty, $whole:expr;)*) => {$(
        #[allow(clippy::cast_lossless, reason = "the same for all types")]
        impl Float for $float {
            const WHOLE: Self = $whole;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn last_bits(self) -> u32 {
                self.to_bits().wrapping_sub(Self::WHOLE.to_bits()) as u32
            }
        }
    )*};
}

float! {
    f32, 1.5 * (1_u32 << 23) as f32;
    f64, 1.5 * (1_u64 << 52) as f64;
}
