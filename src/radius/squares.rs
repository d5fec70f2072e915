//! Squared distances along the axes.

use crate::support::allocate::try_collect;
use crate::support::errors::{Error, Result};

/// The squares of 0, 1, 2, … steps along each axis.
#[derive(Debug)]
pub struct Squares(pub(super) [Vec<f64>; 3], [f64; 3]);

impl Squares {
    /// The squares for an image of `shape` with `spacing`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if an axis has 2³¹ voxels or more, beyond which steps do not fit their type; [`Error::OutOfMemory`].
    pub fn new(shape: [usize; 3], spacing: [f64; 3]) -> Result<Self> {
        if let Some(length) = shape.into_iter().find(|&length| length > i32::MAX as usize) {
            let reason = format!("expected fewer than 2**31 voxels along an axis, got {length}");
            return Err(Error::InvalidArgument { name: "shape", reason });
        }
        let squares = |axis: usize| {
            try_collect(
                "the squares of distances",
                (0..=shape[axis].max(1)).map(|steps| {
                    let length = steps as f64 * spacing[axis];
                    length * length
                }),
            )
        };
        Ok(Self([squares(0)?, squares(1)?, squares(2)?], spacing))
    }

    /// The squared distance of this many steps along each axis.
    #[inline]
    pub(super) fn sum(&self, steps: [usize; 3]) -> f64 {
        self.0[0][steps[0]] + self.0[1][steps[1]] + self.0[2][steps[2]]
    }

    /// The length of a step along the first axis.
    pub(super) fn first_spacing(&self) -> f64 {
        self.1[0]
    }

    /// Whether numbers of single precision hold all sums: whole numbers that are not too large.
    pub(super) fn are_single(&self) -> bool {
        const MOST: f64 = (1 << f32::MANTISSA_DIGITS) as f64;
        let most: f64 = self.0.iter().filter_map(|squares| squares.last()).sum();
        most <= MOST && self.1.iter().all(|step| step.fract() == 0.0)
    }

    pub(super) fn along(&self, axis: usize, steps: usize) -> f64 {
        self.0[axis][steps]
    }

    /// The number of steps along an axis within a squared distance.
    pub(super) fn steps_within(&self, axis: usize, square: f64) -> usize {
        self.0[axis].partition_point(|&along| along <= square).saturating_sub(1)
    }
}
