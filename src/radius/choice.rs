//! Which way to search: the rows around each voxel, or whole rows for all voxels at once.
//!
//! Both give the same radii; only the time differs. It is estimated from the nearest background along the axes of some voxels,
//! which is an upper bound of their radii, and from the rows that hold voxels. So the choice depends on the image alone.

use std::f64::consts::PI;

use super::background::Background;
use super::minima::LANES;
use super::squares::Squares;
use crate::image::indices::position;
use crate::image::word_shape::WORD;

/// The most voxels that are looked at.
const SAMPLE: usize = 256;

/// Measured times in nanoseconds: of a voxel and of each row that is searched from it, if the background in its own row is within
/// the window of one look or farther; of a voxel in a plane that is swept, of a column that is near a voxel in its row.
const VOXEL: f64 = 10.0;
const NEAR_ROW: f64 = 5.0;
const FAR_ROW: f64 = 25.0;
const SWEPT: f64 = 3.0;
const COLUMN: f64 = 9.0;

/// A way to search; the tests take each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The one that is likely faster.
    Faster,
    #[cfg(test)]
    WholeRows,
    #[cfg(test)]
    Single,
}

impl Way {
    /// Whether to search whole rows; see [`whole_rows_are_faster`].
    pub(super) fn is_whole_rows(
        self,
        background: &Background,
        nodes: &[i64],
        limits: &[f64],
        squares: &Squares,
    ) -> bool {
        match self {
            Self::Faster => whole_rows_are_faster(background, nodes, limits, squares),
            #[cfg(test)]
            Self::WholeRows => true,
            #[cfg(test)]
            Self::Single => false,
        }
    }
}

/// Whether distances of whole rows are likely faster than one search a voxel. The linear indices of `nodes` ascend, and their
/// radii are at most the root of `limits`.
fn whole_rows_are_faster(background: &Background, nodes: &[i64], limits: &[f64], squares: &Squares) -> bool {
    let (Some(&first), Some(&last)) = (nodes.first(), nodes.last()) else { return false };
    let [nz, ny, nx] = background.shape();
    let step = |axis| squares.along(axis, 1).sqrt();
    let row_of = |node: i64| node as usize / nx;
    let (mut single, mut columns, mut starts, mut count) = (0.0, 0.0, 1.0, 0.0);
    // Some of a few voxels too. An odd number, so that rows of even length are not met at the same column each time.
    for at in (0..nodes.len()).step_by(nodes.len().div_ceil(SAMPLE).max(8) | 1) {
        let place = position(nodes[at], background.shape());
        let (square, along_row) = along_axes(background, place, limits[at], squares);
        let along = |axis: usize| square.sqrt() / step(axis);
        let rows = (PI * along(0) * along(1)).min((nz * ny) as f64);
        single += VOXEL + rows * if along_row < WORD / 2 { NEAR_ROW } else { FAR_ROW };
        columns += (2.0 * along(2)).min(nx as f64) + LANES as f64;
        starts += f64::from(u8::from(at == 0 || row_of(nodes[at]) != row_of(nodes[at - 1])));
        count += 1.0;
    }
    let share = nodes.len() as f64 / count;
    let planes = (row_of(last) / ny - row_of(first) / ny + 1) as f64;
    let columns = (share * columns).min(share * starts * nx as f64);
    let whole = SWEPT * planes * (ny * nx) as f64 + COLUMN * columns + VOXEL * nodes.len() as f64;
    whole < share * single
}

/// The squared distance to the nearest background along the axes, at most `limit`; and the steps to that in the row.
fn along_axes(background: &Background, at: [usize; 3], limit: f64, squares: &Squares) -> (f64, usize) {
    let shape = background.shape();
    let row = background.index(at[0], at[1]);
    let near = |steps: usize| squares.0[2].get(steps).is_some_and(|&along| along < limit);
    let found = background.nearest_in_row(row, at[2], near);
    let mut best = found.map_or(limit, |steps| squares.along(2, steps).min(limit));
    for axis in 0..2 {
        for steps in 1..shape[axis] {
            let square = squares.along(axis, steps);
            if square >= best {
                break;
            }
            let sides = [at[axis].checked_sub(steps), Some(at[axis] + steps).filter(|&to| to < shape[axis])];
            let is_background = sides.into_iter().flatten().any(|to| {
                let mut row = [at[0], at[1]];
                row[axis] = to;
                background.contains([row[0], row[1], at[2]])
            });
            if is_background {
                best = square;
            }
        }
    }
    (best, found.unwrap_or(usize::MAX))
}
