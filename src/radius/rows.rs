//! The rows around a voxel by their distance, and the search through them.
//!
//! A table lists the rows near a voxel, nearest first; it is made once and serves all voxels. What lies farther than the table
//! reaches is searched plane by plane, row by row: few voxels are that thick.

use std::f64::consts::PI;

use super::{Background, Squares};

/// How many rows the table lists, about.
const TABLE: f64 = 8192.0;

/// A row by its place relative to the voxel's own.
struct Row {
    /// The squared distance between the rows.
    square: f64,
    dz: i32,
    dy: i32,
    /// Words from the voxel's row to this one.
    words: isize,
}

/// The rows of a block.
pub(super) struct Rows<'a> {
    background: &'a Background,
    squares: &'a Squares,
    table: Vec<Row>,
    /// The table has all rows whose squared distance is at most this.
    reach: f64,
}

impl<'a> Rows<'a> {
    pub(super) fn new(background: &'a Background, squares: &'a Squares) -> Self {
        let [nz, ny, _] = background.shape();
        let step = |axis| squares.along(axis, 1).sqrt();
        let reach = (TABLE * step(0) * step(1) / PI).min(f64::MAX);
        let within = |axis: usize, length: usize| {
            (1..length).take_while(|&steps| squares.along(axis, steps) <= reach).count() as i32
        };
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
            .filter(|row| row.square <= reach)
            .collect();
        table.sort_by(|one, other| one.square.total_cmp(&other.square));
        Self { background, squares, table, reach }
    }

    /// The squared distance from a voxel to the nearest background that is nearer than `limit`, or `limit`.
    pub(super) fn nearest(&self, [z, y, x]: [usize; 3], limit: f64) -> f64 {
        let [nz, ny, _] = self.background.shape();
        let start = self.background.index(z, y);
        let mut best = limit;
        for row in &self.table {
            if row.square >= best {
                return best;
            }
            let inside = z.wrapping_add_signed(row.dz as isize) < nz && y.wrapping_add_signed(row.dy as isize) < ny;
            if inside {
                let steps = [row.dz.unsigned_abs() as usize, row.dy.unsigned_abs() as usize];
                best = self.nearest_in_row(start.wrapping_add_signed(row.words), x, steps, best);
            }
        }
        self.nearest_beyond([z, y, x], best)
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

    /// The same through the rows that the table does not have.
    fn nearest_beyond(&self, [z, y, x]: [usize; 3], limit: f64) -> f64 {
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
                if square <= self.reach {
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

/// The places at a distance from another along an axis of a length.
fn both_sides(at: usize, distance: usize, length: usize) -> [Option<usize>; 2] {
    let before = at.checked_sub(distance);
    let after = Some(at + distance).filter(|&after| after < length && distance > 0);
    [before, after]
}
