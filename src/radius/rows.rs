//! The search for background through the rows around a voxel, nearest rows first.
//!
//! A table lists the rows near a voxel by distance; it is built once for all voxels. A second table, built when it is first
//! needed, lists rows farther away. Beyond those, rows are searched plane by plane.

use std::f64::consts::PI;
use std::sync::OnceLock;

use super::background::Background;
use super::squares::Squares;

/// The approximate number of rows in the first table, and in both: radii of up to 25 and 200 voxels.
const NEAR: f64 = 2048.0;
const ALL: f64 = 131_072.0;

/// A row, relative to that of the voxel.
struct Row {
    /// The squared distance between the rows.
    square: f64,
    dz: i32,
    dy: i32,
    /// Words from the voxel's row to this one.
    words: isize,
}

/// The rows of a block.
pub(super) struct Scanlines<'a> {
    background: &'a Background,
    squares: &'a Squares,
    near: Vec<Row>,
    far: OnceLock<Vec<Row>>,
    /// The squared distance up to which the first table, and both together, list all rows.
    reach: [f64; 2],
}

impl<'a> Scanlines<'a> {
    pub(super) fn new(background: &'a Background, squares: &'a Squares) -> Self {
        let step = |axis| squares.along(axis, 1).sqrt();
        let reach = [NEAR, ALL].map(|rows| (rows * step(0) * step(1) / PI).min(f64::MAX));
        let near = table(background, squares, |square| square <= reach[0], reach[0]);
        Self { background, squares, near, far: OnceLock::new(), reach }
    }

    /// The squared distance from a voxel to the nearest background in the first table's rows, at most `limit`; and whether no
    /// other row can be nearer.
    pub(super) fn nearest(&self, at: [usize; 3], limit: f64) -> (f64, bool) {
        let best = self.nearest_of(&self.near, at, limit);
        (best, best <= self.reach[0])
    }

    /// The squared distance to the nearest background in all other rows, at most `limit`.
    pub(super) fn nearest_beyond(&self, at: [usize; 3], limit: f64) -> f64 {
        let [near, all] = self.reach;
        let is_far = |square| square > near && square <= all;
        let far = self.far.get_or_init(|| table(self.background, self.squares, is_far, all));
        let best = self.nearest_of(far, at, limit);
        if best <= all { best } else { self.nearest_outside(at, best) }
    }

    fn nearest_of(&self, table: &[Row], [z, y, x]: [usize; 3], limit: f64) -> f64 {
        let [nz, ny, _] = self.background.shape();
        let start = self.background.index(z, y);
        let mut best = limit;
        for row in table {
            if row.square >= best {
                return best;
            }
            let inside = z.wrapping_add_signed(row.dz as isize) < nz && y.wrapping_add_signed(row.dy as isize) < ny;
            if inside {
                let steps = [row.dz.unsigned_abs() as usize, row.dy.unsigned_abs() as usize];
                best = self.nearest_in_row(start.wrapping_add_signed(row.words), x, steps, best);
            }
        }
        best
    }

    #[inline]
    fn nearest_in_row(&self, row: usize, x: usize, [dz, dy]: [usize; 2], best: f64) -> f64 {
        let square = |dx: usize| self.squares.sum([dz, dy, dx]);
        let found = self.background.nearest_in_row(row, x, |dx| {
            // No row is longer than the squares.
            self.squares.0[2].get(dx).is_some_and(|along| self.squares.sum([dz, dy, 0]) + along < best)
        });
        found.map_or(best, |dx| best.min(square(dx)))
    }

    /// The same for rows that are in no table.
    fn nearest_outside(&self, [z, y, x]: [usize; 3], limit: f64) -> f64 {
        let [nz, ny, _] = self.background.shape();
        let mut best = limit;
        for dz in 0..nz {
            if self.squares.along(0, dz) >= best {
                break;
            }
            let planes = both_sides(z, dz, nz);
            for dy in 0..ny {
                let square = self.squares.sum([dz, dy, 0]);
                if square >= best {
                    break;
                }
                if square <= self.reach[1] {
                    continue;
                }
                for z in planes.into_iter().flatten() {
                    for y in both_sides(y, dy, ny).into_iter().flatten() {
                        best = self.nearest_in_row(self.background.index(z, y), x, [dz, dy], best);
                    }
                }
            }
        }
        best
    }
}

/// The rows of a block whose squared distances are within `reach` and `wanted`, nearest first.
fn table(background: &Background, squares: &Squares, wanted: impl Fn(f64) -> bool, reach: f64) -> Vec<Row> {
    let [nz, ny, _] = background.shape();
    let within = |axis: usize, length: usize| squares.steps_within(axis, reach).min(length.saturating_sub(1)) as i32;
    let (far_z, far_y) = (within(0, nz), within(1, ny));
    let (plane, row) = (background.plane_stride() as isize, background.row_stride() as isize);
    let mut table: Vec<Row> = (-far_z..=far_z)
        .flat_map(|dz| (-far_y..=far_y).map(move |dy| (dz, dy)))
        .map(|(dz, dy)| Row {
            square: squares.sum([dz.unsigned_abs() as usize, dy.unsigned_abs() as usize, 0]),
            dz,
            dy,
            words: dz as isize * plane + dy as isize * row,
        })
        .filter(|row| wanted(row.square))
        .collect();
    table.sort_unstable_by(|one, other| one.square.total_cmp(&other.square));
    table
}

/// The two positions at a distance from `at` along an axis of `length`, where they exist.
fn both_sides(at: usize, distance: usize, length: usize) -> [Option<usize>; 2] {
    let before = at.checked_sub(distance);
    let after = Some(at + distance).filter(|&after| after < length && distance > 0);
    [before, after]
}
