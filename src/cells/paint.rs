//! The owners of most of a tile, where power distances are whole numbers: each ball is painted over the voxels near it.
//!
//! A voxel of the canvas keeps the least key, which is a power distance and then the number of the ball. A ball is painted as far as
//! its power distance does not exceed [`LIMIT`]. So where the least is within the limit, it is the least of all, and its number the
//! first of equals. The few voxels beyond ask all balls.
//!
//! Cost: a ball of radius r looks at about π r² rows, 16 voxels at a time, or at all rows of the tile; a voxel beyond the limit at
//! all balls, 16 at a time.

use super::sites::{CELLS, Candidate};
use super::strays::WIDTH;
use crate::centreline::smooth::Point;
use crate::support::allocate::Grow;
use crate::support::errors::Result;
use crate::support::simd::{Vector, for_this_processor};

/// The shape of a tile.
pub const TILE: [usize; 3] = [16, 32, WIDTH];

/// Bits of a key for the number of a ball.
const NUMBER: u32 = 14;

/// Power distances below this have a key.
const MOST: f64 = (1 << (30 - NUMBER)) as f64;

/// The largest power distance that is painted: a larger one makes more rows, a smaller one more voxels that ask all balls.
pub const LIMIT: i32 = 1;

/// Balls that reach less far are painted as cubes.
const SMALL: i32 = 4;

/// Voxels of a row that a small ball looks at, half of the row.
const WINDOW: usize = WIDTH / 2;

/// The least key of each voxel of a row of a tile, where vectors are aligned.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([i32; WIDTH]);

/// Those of a plane.
type Keys = [Line; TILE[1]];

/// The power distance of a key.
#[inline]
#[must_use]
pub fn power(key: i32) -> i32 {
    key >> NUMBER
}

/// The number of the ball of a key.
#[inline]
#[must_use]
pub fn ball(key: i32) -> usize {
    (key & ((1 << NUMBER) - 1)) as usize
}

/// A tile that is painted.
#[derive(Debug)]
pub struct Canvas {
    keys: Vec<Keys>,
    /// The voxel of each ball, relative to the tile, its square, and how far it is painted.
    balls: [Vec<i32>; 5],
}

impl Canvas {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { keys: vec![[Line([i32::MAX; WIDTH]); TILE[1]]; TILE[0]], balls: Default::default() }
    }

    /// Paints the balls that may own voxels of a tile at a power distance of at most `most`, numbered by their order; does nothing
    /// and returns false if they have no keys.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn paint(&mut self, candidates: &[Candidate], corner: Point, most: f64) -> Result<bool> {
        // No power distance within the tile exceeds that of its farthest corner.
        let has_key = |ball: &Candidate| {
            let away = (0..3).map(|axis| (ball.at[axis] - corner[axis]).abs() + TILE[axis] as f64);
            away.map(|away| away * away).sum::<f64>().max(ball.square + most) < MOST
        };
        if candidates.len() >= 1 << NUMBER || !candidates.iter().all(has_key) {
            return Ok(false);
        }
        for (column, of) in self.balls.iter_mut().zip(0..) {
            let value = |ball: &Candidate| match of {
                0..3 => (ball.at[of] - corner[of]) as i32,
                3 => ball.square as i32,
                _ => (ball.square as f32 + LIMIT as f32).sqrt() as i32,
            };
            column.clear();
            column.try_extend(CELLS, candidates.iter().map(value))?;
        }
        paint_balls(&self.balls, &mut self.keys);
        Ok(true)
    }

    /// The keys of the voxels of a row.
    #[inline]
    #[must_use]
    pub fn row(&self, [z, y]: [usize; 2]) -> &[i32; WIDTH] {
        &self.keys[z][y].0
    }

    /// The least key of a voxel that is beyond the limit of all balls.
    #[must_use]
    pub fn least_key(&self, at: [usize; 3]) -> i32 {
        least_key(&self.balls, at.map(|at| at as i32))
    }
}

for_this_processor! {
    fn least_key(balls: &[Vec<i32>; 5], at: [i32; 3]) -> i32 = least_key_of;
}

/// The least key of a voxel among all balls.
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters, reason = "the processor's width is that of the whole function")]
fn least_key_of<V: Vector>([z, y, x, squares, _]: &[Vec<i32>; 5], at: [i32; 3]) -> i32 {
    let count = z.len();
    let (z, y, x, squares) = (&z[..count], &y[..count], &x[..count], &squares[..count]);
    let mut least = i32::MAX;
    for ball in 0..count {
        let away = [at[0] - z[ball], at[1] - y[ball], at[2] - x[ball]];
        let power = away[0] * away[0] + away[1] * away[1] + away[2] * away[2] - squares[ball];
        least = least.min((power << NUMBER) + ball as i32);
    }
    least
}

for_this_processor! {
    fn paint_balls(balls: &[Vec<i32>; 5], keys: &mut [Keys]) = paint_all;
}

#[inline(always)]
#[allow(clippy::extra_unused_type_parameters, reason = "the processor's width is that of the whole function")]
fn paint_all<V: Vector>([z, y, x, squares, reaches]: &[Vec<i32>; 5], keys: &mut [Keys]) {
    keys.fill([Line([i32::MAX; WIDTH]); TILE[1]]);
    let middle = WINDOW as i32;
    for (number, ((((&z, &y), &x), &square), &reach)) in z.iter().zip(y).zip(x).zip(squares).zip(reaches).enumerate() {
        if x + reach < middle {
            paint_ball::<WINDOW>(number as i32, [z, y, x, square], reach, 0, keys);
        } else if x - reach >= middle {
            paint_ball::<WINDOW>(number as i32, [z, y, x, square], reach, WINDOW, keys);
        } else {
            paint_ball::<WIDTH>(number as i32, [z, y, x, square], reach, 0, keys);
        }
    }
}

/// Paints a ball over `N` voxels of each row from the first on.
#[inline(always)]
fn paint_ball<const N: usize>(number: i32, [z, y, x, square]: [i32; 4], reach: i32, first: usize, keys: &mut [Keys]) {
    let along: [i32; N] = std::array::from_fn(|lane| ((first + lane) as i32 - x).pow(2) << NUMBER);
    let near = |axis: usize, at: i32| {
        let end = (at + reach + 1).clamp(0, TILE[axis] as i32);
        (at - reach).max(0)..end
    };
    for plane in near(0, z) {
        let of_plane = (plane - z).pow(2) - square;
        for row in near(1, y) {
            let of_row = of_plane + (row - y).pow(2);
            // To paint more is right too: a test of each row takes longer where there are few.
            if reach < SMALL || of_row <= LIMIT {
                let key = (of_row << NUMBER) + number;
                let row = &mut keys[plane as usize][row as usize].0[first..first + N];
                for (least, along) in row.iter_mut().zip(along) {
                    *least = (*least).min(key + along);
                }
            }
        }
    }
}
