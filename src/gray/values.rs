//! The values of an image, as they are or smoothed, a box at a time.

use ndarray::{ArrayView3, Axis};
use rayon::prelude::*;

use super::sample::Sample;
use crate::image::elements::Shared;
use crate::support::allocate::try_filled;
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// Values that are computed or read a box at a time.
pub trait Values: Sync {
    /// Their type.
    type Value: Sample;

    /// What a thread works in.
    type Scratch: Send;

    /// The shape of the image.
    fn shape(&self) -> [usize; 3];

    /// The shape of a box, whose last side is a multiple of [`WORD`](crate::image::word_shape::WORD).
    fn sides(&self) -> [usize; 3];

    /// # Errors
    /// [`Error::OutOfMemory`].
    fn scratch(&self) -> Result<Self::Scratch>;

    /// Calls `give` with the position of each row of a box, in the box, and the row.
    fn rows(&self, scratch: &mut Self::Scratch, region: &Box3, give: impl FnMut([usize; 2], &[Self::Value]));
}

/// A box of an image.
#[derive(Debug, Clone, Copy)]
pub struct Box3 {
    /// Where it begins.
    pub offset: [usize; 3],
    /// Its shape.
    pub shape: [usize; 3],
}

/// The boxes of `sides` that cover an image of `shape`.
#[must_use]
pub fn boxes(shape: [usize; 3], sides: [usize; 3]) -> impl IndexedParallelIterator<Item = Box3> {
    let counts = [0, 1, 2].map(|axis| shape[axis].div_ceil(sides[axis]));
    (0..counts.iter().product::<usize>()).into_par_iter().map(move |number| {
        let (rest, x) = (number / counts[2], number % counts[2]);
        let offset = [rest / counts[1] * sides[0], rest % counts[1] * sides[1], x * sides[2]];
        Box3 { offset, shape: [0, 1, 2].map(|axis| sides[axis].min(shape[axis] - offset[axis])) }
    })
}

/// Folds all rows of the boxes on all threads; the result does not depend on the order if `fold` and `join` do not.
///
/// # Errors
/// [`Error::OutOfMemory`], [`Error::Interrupted`] through `monitor`.
pub fn fold<V: Values, A: Send>(
    values: &V,
    monitor: &Monitor,
    start: impl Fn() -> Result<A> + Sync,
    row: impl Fn(&mut A, &[V::Value]) + Sync,
    join: impl Fn(A, A) -> A + Sync,
) -> Result<A> {
    let boxes = boxes(values.shape(), values.sides()).map(|region| (region, ()));
    fold_boxes(values, boxes, monitor, start, |folded, (), _, values| row(folded, values), join)
}

/// Folds all rows of these boxes, each of which comes with something of its own, as [`fold`] does; rows come with their positions
/// in the box.
///
/// # Errors
/// [`Error::OutOfMemory`], [`Error::Interrupted`] through `monitor`.
pub fn fold_boxes<V: Values, I: Send, A: Send>(
    values: &V,
    boxes: impl IndexedParallelIterator<Item = (Box3, I)>,
    monitor: &Monitor,
    start: impl Fn() -> Result<A> + Sync,
    row: impl Fn(&mut A, &mut I, [usize; 2], &[V::Value]) + Sync,
    join: impl Fn(A, A) -> A + Sync,
) -> Result<A> {
    monitor.expect(boxes.len() as u64);
    let folded = boxes.try_fold(
        || None,
        |folded, (region, mut item)| {
            monitor.check()?;
            let (mut scratch, mut folded) = match folded {
                Some(both) => both,
                None => (values.scratch()?, start()?),
            };
            values.rows(&mut scratch, &region, |position, values| row(&mut folded, &mut item, position, values));
            monitor.advance(1);
            Ok::<_, Error>(Some((scratch, folded)))
        },
    );
    let whole = folded.map(|folded| Ok(folded?.map(|(_, folded)| folded))).try_reduce(
        || None,
        |one, other| {
            Ok(match (one, other) {
                (Some(one), Some(other)) => Some(join(one, other)),
                (one, other) => one.or(other),
            })
        },
    )?;
    whole.map_or_else(start, Ok)
}

/// The values of an image as they are.
#[derive(Debug)]
pub struct Plain<'a, T>(pub ArrayView3<'a, Shared<T>>);

impl<T: Sample> Values for Plain<'_, T> {
    type Value = T;
    type Scratch = Vec<T>;

    fn shape(&self) -> [usize; 3] {
        self.0.dim().into()
    }

    fn sides(&self) -> [usize; 3] {
        [8, 32, 1024]
    }

    fn scratch(&self) -> Result<Vec<T>> {
        try_filled("a row", self.sides()[2], T::default())
    }

    fn rows(&self, scratch: &mut Vec<T>, region: &Box3, mut give: impl FnMut([usize; 2], &[T])) {
        let [z0, y0, x0] = region.offset;
        let copy = &mut scratch[..region.shape[2]];
        for z in 0..region.shape[0] {
            let plane = self.0.index_axis(Axis(0), z0 + z);
            for y in 0..region.shape[1] {
                let row = plane.index_axis(Axis(0), y0 + y);
                match row.to_slice() {
                    Some(row) => T::copy(&row[x0..x0 + copy.len()], copy),
                    None => copy.iter_mut().enumerate().for_each(|(x, copy)| *copy = row[x0 + x].get()),
                }
                give([z, y], copy);
            }
        }
    }
}
