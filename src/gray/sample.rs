//! The element types of gray images: how they are read, computed with, and rounded to.

use crate::image::elements::Shared;

/// A real number as it stands in an image.
pub trait Sample: Copy + Default + PartialOrd + Send + Sync + 'static {
    /// A type that holds every value as double precision does, and is no wider than it must be.
    type Exact: Float;

    /// The type that a histogram with bins of equal width computes in, as `numpy.histogram` does.
    type Bins: Float;

    /// The value as a floating point number.
    fn exact(self) -> Self::Exact;

    /// The value, in the type of the edges of bins.
    fn in_bins(self) -> Self::Bins;

    /// The value in double precision, rounded where it has more than 53 bits.
    fn to_f64(self) -> f64;

    /// The value that is stored for a sum: the nearest one for floats, the integer towards zero for integers.
    fn of_sum(sum: f64) -> Self;

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
    Sample + std::ops::Sub<Output = Self> + std::ops::Mul<Output = Self> + std::ops::Div<Output = Self>
{
    /// A number of this type.
    fn from_f64(value: f64) -> Self;

    /// The integer towards zero; the nearest bound outside of `u32`, zero for NaN.
    fn truncated(self) -> u32;
}

macro_rules! sample {
    ($($element:ty, $exact:ty, $bins:ty, |$value:ident, $low:ident| $bin:expr;)*) => {$(
        #[allow(clippy::cast_lossless, reason = "the same for all types")]
        impl Sample for $element {
            type Exact = $exact;
            type Bins = $bins;

            #[inline(always)]
            fn exact(self) -> $exact {
                self as $exact
            }

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
            fn bin(self, $low: Self) -> usize {
                let $value = self;
                $bin
            }
        }
    )*};
}

sample! {
    u8, f32, f64, |value, low| value.wrapping_sub(low) as usize;
    i8, f32, f64, |value, low| value.wrapping_sub(low) as u8 as usize;
    u16, f32, f64, |value, low| value.wrapping_sub(low) as usize;
    i16, f32, f64, |value, low| value.wrapping_sub(low) as u16 as usize;
    u32, f64, f64, |value, low| value.wrapping_sub(low) as usize;
    i32, f64, f64, |value, low| value.wrapping_sub(low) as u32 as usize;
    u64, f64, f64, |value, low| value.wrapping_sub(low) as usize;
    i64, f64, f64, |value, low| value.wrapping_sub(low) as usize;
    f32, f32, f32, |value, low| (value - low) as usize;
    f64, f64, f64, |value, low| (value - low) as usize;
}

macro_rules! float {
    ($($float:ty),*) => {$(
        #[allow(clippy::cast_lossless, reason = "the same for all types")]
        impl Float for $float {
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn truncated(self) -> u32 {
                self as u32
            }
        }
    )*};
}

float!(f32, f64);
