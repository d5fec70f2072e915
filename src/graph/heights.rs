//! Heights of voxels, whose differences are rounded as numpy rounds them in the type of the image.

/// The types of heights whose differences numpy rounds differently. A height by itself is 64 bits: those of an integer, or of
/// a float in double precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeightType {
    /// Half precision.
    Half,
    /// Single precision.
    Single,
    /// Double precision.
    Double,
    /// Signed integers; the difference is exact.
    Signed,
    /// Unsigned integers; the difference is exact and never wraps.
    Unsigned,
}

impl HeightType {
    /// The height `one` above `other`.
    #[inline]
    #[must_use]
    pub fn difference(self, one: u64, other: u64) -> f64 {
        let double = [one, other].map(f64::from_bits);
        match self {
            Self::Half => f64::from(round_to_half(double[0] as f32 - double[1] as f32)),
            Self::Single => f64::from(double[0] as f32 - double[1] as f32),
            Self::Double => double[0] - double[1],
            Self::Signed => (i128::from(one as i64) - i128::from(other as i64)) as f64,
            Self::Unsigned => (i128::from(one) - i128::from(other)) as f64,
        }
    }
}

/// The voxels' heights, whose difference is taken as numpy takes it in their type.
#[derive(Debug, Clone, Copy)]
pub enum Heights<'a> {
    /// Half precision, given in single precision.
    Half(&'a [f32]),
    /// Single precision.
    Single(&'a [f32]),
    /// Double precision.
    Double(&'a [f64]),
    /// Signed integers; the difference is exact.
    Signed(&'a [i64]),
    /// Unsigned integers; the difference is exact and never wraps.
    Unsigned(&'a [u64]),
}

impl Heights<'_> {
    /// The height of `node` above `other`.
    #[inline]
    pub(crate) fn difference(&self, node: usize, other: usize) -> f64 {
        let single = |heights: &[f32], at: usize| f64::from(heights[at]).to_bits();
        match self {
            Self::Half(heights) => HeightType::Half.difference(single(heights, node), single(heights, other)),
            Self::Single(heights) => HeightType::Single.difference(single(heights, node), single(heights, other)),
            Self::Double(heights) => HeightType::Double.difference(heights[node].to_bits(), heights[other].to_bits()),
            Self::Signed(heights) => HeightType::Signed.difference(heights[node] as u64, heights[other] as u64),
            Self::Unsigned(heights) => HeightType::Unsigned.difference(heights[node], heights[other]),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Half(heights) | Self::Single(heights) => heights.len(),
            Self::Double(heights) => heights.len(),
            Self::Signed(heights) => heights.len(),
            Self::Unsigned(heights) => heights.len(),
        }
    }
}

/// The nearest number of half precision, ties to even; differences of halves are never smaller than its smallest.
fn round_to_half(value: f32) -> f32 {
    const DROPPED: u32 = f32::MANTISSA_DIGITS - 11;
    const LARGEST: f32 = 65504.0;
    let bits = value.to_bits();
    let even = (bits >> DROPPED) & 1;
    let rounded = f32::from_bits((bits + ((1 << (DROPPED - 1)) - 1) + even) & !((1 << DROPPED) - 1));
    if rounded.abs() > LARGEST { f32::INFINITY.copysign(rounded) } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_to_even() {
        for (value, expected) in [
            (1.0, 1.0),
            (2049.0, 2048.0),
            (2051.0, 2052.0),
            (-2050.0, -2050.0),
            (65519.0, 65504.0),
            (65520.0, f32::INFINITY),
        ] {
            assert_eq!(round_to_half(value).to_bits(), f32::to_bits(expected));
        }
    }
}
