//! What all chunks of an image share: shape, spacing, the directions to a voxel's neighbours, and the kind of values.
//!
//! A direction is a number below 3ᵈ. Its digits in base 3, the first axis highest, are the differences of position plus one. So
//! directions are ordered like the neighbours' linear indices, and the opposite of direction k is 3ᵈ − 1 − k. A set of
//! directions has 128 bits, enough for four axes.

use crate::graph::heights::HeightType;
use crate::graph::pixel_graph::Neighbourhood;
use crate::image::indices::{check_shape, strides};
use crate::support::errors::{Error, Result};

/// A set of directions, one bit each.
pub(super) type Directions = u128;

/// What the values of voxels are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// None: the image is of bool.
    Absent,
    /// Bits of an `f64`, of which paths have statistics.
    Numbers,
    /// Labels: voxels of different ones are no neighbours.
    Labels,
    /// Numbers that are also heights, each 64 bits of a [`HeightType`].
    Heights(HeightType),
}

/// Shape, spacing and kind of values of the whole image.
#[derive(Debug, Clone)]
pub struct Geometry {
    shape: Vec<usize>,
    spacing: Vec<f64>,
    values: Values,
    strides: Vec<usize>,
    steps: Vec<i64>,
    distances: Vec<f64>,
    /// For each axis the directions towards lower positions, and those towards higher ones.
    sides: Vec<[Directions; 2]>,
}

impl PartialEq for Geometry {
    fn eq(&self, other: &Self) -> bool {
        let same_spacing = self.spacing.iter().zip(&other.spacing).all(|(one, other)| one.to_bits() == other.to_bits());
        self.shape == other.shape && same_spacing && self.values == other.values
    }
}

impl Geometry {
    /// The most axes of an image in chunks, so that a set of directions fits 128 bits.
    pub const LARGEST_DIMENSION: usize = 4;

    /// An image of `shape`, whose neighbours are `spacing` apart along each axis.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there are no axes or too many, if `spacing` has another length, or if the image has more
    /// voxels, or longer steps between neighbours, than a linear index of 63 bits can tell apart.
    pub fn new(shape: &[usize], spacing: &[f64], values: Values) -> Result<Self> {
        let ndim = shape.len();
        let wrong = |name, reason| Err(Error::InvalidArgument { name, reason });
        if !(1..=Self::LARGEST_DIMENSION).contains(&ndim) {
            return wrong("shape", format!("expected 1 to {} axes, got {ndim}", Self::LARGEST_DIMENSION));
        }
        if spacing.len() != ndim {
            return wrong("spacing", format!("expected {ndim} numbers, got {}", spacing.len()));
        }
        check_shape(shape)?;
        let strides = strides(shape);
        let digit = |direction: usize, axis: usize| direction / 3_usize.pow((ndim - 1 - axis) as u32) % 3;
        let directions = 3_usize.pow(ndim as u32);
        let step = |direction| (0..ndim).map(|axis| (digit(direction, axis) as i64 - 1) * strides[axis] as i64).sum();
        let side = |axis, side| {
            (0..directions).filter(|&direction| digit(direction, axis) == side).fold(0, |set, at| set | 1 << at)
        };
        Ok(Self {
            shape: shape.to_vec(),
            spacing: spacing.to_vec(),
            values,
            steps: (0..directions).map(step).collect(),
            distances: Neighbourhood::new(shape, spacing, ndim).distances().to_vec(),
            sides: (0..ndim).map(|axis| [side(axis, 0), side(axis, 2)]).collect(),
            strides,
        })
    }

    /// The shape of the image.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The spacing along each axis.
    #[must_use]
    pub fn spacing(&self) -> &[f64] {
        &self.spacing
    }

    /// The kind of values.
    #[must_use]
    pub fn values(&self) -> Values {
        self.values
    }

    pub(super) fn has_values(&self) -> bool {
        self.values != Values::Absent
    }

    /// Whether the values are labels.
    #[must_use]
    pub fn has_labels(&self) -> bool {
        self.values == Values::Labels
    }

    /// Whether paths have statistics of values.
    pub(super) fn has_statistics(&self) -> bool {
        self.has_values() && !self.has_labels()
    }

    /// Whether voxels of these values that touch are neighbours.
    #[inline]
    pub(super) fn are_neighbours(&self, values: [u64; 2]) -> bool {
        !self.has_labels() || values[0] == values[1]
    }

    pub(super) fn has_heights(&self) -> bool {
        matches!(self.values, Values::Heights(_))
    }

    /// How many voxels the image has.
    #[must_use]
    pub fn voxels(&self) -> u64 {
        self.shape.iter().product::<usize>() as u64
    }

    pub(super) fn strides(&self) -> &[usize] {
        &self.strides
    }

    /// The coordinates of a linear index.
    pub(super) fn coordinates(&self, index: u64) -> Vec<usize> {
        self.strides.iter().zip(&self.shape).map(|(stride, length)| index as usize / stride % length).collect()
    }

    /// The number of directions, including the middle one, from a voxel to itself.
    pub(super) fn directions(&self) -> usize {
        self.steps.len()
    }

    /// Whether a number is a direction to a neighbour.
    pub(super) fn is_direction(&self, direction: u8) -> bool {
        usize::from(direction) < self.directions() && usize::from(direction) != self.directions() / 2
    }

    /// The directions towards lower and towards higher positions along an axis.
    pub(super) fn sides(&self, axis: usize) -> [Directions; 2] {
        self.sides[axis]
    }

    /// The neighbour of `index` in a direction.
    pub(super) fn neighbour(&self, index: u64, direction: u8) -> u64 {
        index.wrapping_add_signed(self.steps[usize::from(direction)])
    }

    /// The opposite direction.
    pub(super) fn back(&self, direction: u8) -> u8 {
        (self.directions() - 1) as u8 - direction
    }

    /// The length of a step between neighbours with these values.
    #[inline]
    pub(super) fn length(&self, direction: u8, values: impl Fn() -> [u64; 2]) -> f64 {
        let distance = self.distances[usize::from(direction)];
        match self.values {
            Values::Heights(heights) => {
                let [one, other] = values();
                heights.difference(one, other).hypot(distance)
            }
            Values::Absent | Values::Numbers | Values::Labels => distance,
        }
    }

    /// A value as a number for statistics.
    #[inline]
    pub(super) fn number(&self, value: u64) -> f64 {
        match self.values {
            Values::Heights(HeightType::Signed) => value as i64 as f64,
            Values::Heights(HeightType::Unsigned) => value as f64,
            _ => f64::from_bits(value),
        }
    }
}
