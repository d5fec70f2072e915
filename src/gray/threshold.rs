//! The foreground of a gray image.
//!
//! Cost: one pass.

use ndarray::{ArrayViewMut3, Axis};
use rayon::prelude::*;

use super::gaussian::cut;
use super::sample::Sample;
use super::values::{Box3, Values};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// Which values are foreground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Those that are not zero.
    Nonzero,
    /// Those above a threshold.
    Above(f64),
}

impl Rule {
    /// Marks the foreground of a row by 1.
    fn apply<T: Sample>(self, row: &[T], mask: &mut [u8]) {
        let zero = T::default();
        match self {
            Self::Nonzero => mask.iter_mut().zip(row).for_each(|(mask, &value)| *mask = u8::from(value != zero)),
            Self::Above(threshold) => {
                mask.iter_mut().zip(row).for_each(|(mask, value)| *mask = u8::from(value.to_f64() > threshold));
            }
        }
    }
}

/// Marks the foreground of an image in `mask`, which has its shape and contiguous rows, by 1 and the background by 0; returns
/// the number of foreground voxels. A threshold for values in single precision has to be one of them.
///
/// # Errors
/// [`Error::InvalidArgument`] if the shapes differ; [`Error::OutOfMemory`], [`Error::Interrupted`] through `monitor`.
pub fn foreground<V: Values>(values: &V, rule: Rule, mask: ArrayViewMut3<'_, u8>, monitor: &Monitor) -> Result<u64> {
    if mask.shape() != values.shape() || mask.strides()[2] != 1 && mask.dim().2 > 1 {
        let reason = format!("expected shape {:?}, rows contiguous, got {:?}", values.shape(), mask.shape());
        return Err(Error::InvalidArgument { name: "mask", reason });
    }
    let boxes = cut(mask, values.sides());
    monitor.expect(boxes.len() as u64);
    let counts = boxes.into_par_iter().map_init(
        || values.scratch(),
        |scratch, (offset, mut mask)| {
            monitor.check()?;
            let scratch = scratch.as_mut().map_err(|error| error.clone())?;
            let (region, mut count) = (Box3 { offset, shape: mask.dim().into() }, 0);
            values.rows(scratch, &region, |[z, y], row| {
                let mut plane = mask.index_axis_mut(Axis(0), z);
                let mut line = plane.index_axis_mut(Axis(0), y);
                let Some(line) = line.as_slice_mut() else { unreachable!("rows are contiguous") };
                rule.apply(row, line);
                count += line.iter().map(|&voxel| u64::from(voxel)).sum::<u64>();
            });
            monitor.advance(1);
            Ok(count)
        },
    );
    counts.try_reduce(|| 0, |one, other| Ok(one + other))
}
