//! The owners of most of a tile, where power distances are whole numbers: each ball is painted over the voxels near it.
//!
//! A voxel of the canvas keeps the least key, which is a power distance and then the number of the ball. A ball is painted as far as
//! its power distance does not exceed a limit. So where the least is within the limit, it is the least of all, and its number the
//! first of equals.
//!
//! Cost: a ball of radius r looks at about π r² rows, 16 voxels at a time, or at all rows of the tile.

use super::sites::{CELLS, Candidate};
use super::strays::WIDTH;
use crate::centreline::smooth::Point;
use crate::support::allocate::Grow;
use crate::support::errors::Result;
use crate::support::simd::{Vector, for_this_processor};

/// The shape of a tile.
pub const TILE: [usize; 3] = [16, 16, WIDTH];

/// Bits of a key for the number of a ball.
const NUMBER: u32 = 12;

/// Power distances below this have a key.
const MOST: f64 = (1 << (30 - NUMBER)) as f64;

/// Voxels of a row that a small ball looks at, from half of them before its own.
const WINDOW: usize = 16;

/// The least key of each voxel of a plane of a tile.
type Keys = [[i32; WIDTH]; TILE[1]];

/// A ball: its voxel, relative to the tile, and its square.
#[derive(Debug, Clone, Copy)]
struct Ball {
    at: [i32; 3],
    square: i32,
}

/// A tile that is painted.
#[derive(Debug)]
pub struct Canvas {
    keys: Vec<Keys>,
    balls: Vec<Ball>,
    limit: i32,
}

impl Canvas {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { keys: vec![[[i32::MAX; WIDTH]; TILE[1]]; TILE[0]], balls: Vec::new(), limit: 0 }
    }

    /// Paints the balls that may own voxels of a tile at a power distance of at most `limit`, numbered by their order; does
    /// nothing and returns false if they have no keys.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn paint(&mut self, candidates: &[Candidate], corner: Point, limit: f64) -> Result<bool> {
        // No power distance within the tile exceeds that of its farthest corner.
        let has_key = |ball: &Candidate| {
            let away = (0..3).map(|axis| (ball.at[axis] - corner[axis]).abs() + TILE[axis] as f64);
            away.map(|away| away * away).sum::<f64>().max(ball.square + limit) < MOST
        };
        if candidates.len() >= 1 << NUMBER || !candidates.iter().all(has_key) {
            return Ok(false);
        }
        self.balls.clear();
        self.balls.try_extend(
            CELLS,
            candidates.iter().map(|ball| Ball {
                at: [0, 1, 2].map(|axis| (ball.at[axis] - corner[axis]) as i32),
                square: ball.square as i32,
            }),
        )?;
        self.limit = limit as i32;
        paint_balls(&self.balls, self.limit, &mut self.keys);
        Ok(true)
    }

    /// The number of the ball that owns a voxel, and whether the voxel lies in it; None if it is beyond the limit.
    #[inline]
    #[must_use]
    pub fn owner(&self, [z, y, x]: [usize; 3]) -> Option<(usize, bool)> {
        let key = self.keys[z][y][x];
        (key >> NUMBER <= self.limit).then_some(((key & ((1 << NUMBER) - 1)) as usize, key < 0))
    }
}

for_this_processor! {
    fn paint_balls(balls: &[Ball], limit: i32, keys: &mut [Keys]) = paint_all;
}

#[inline(always)]
#[allow(clippy::extra_unused_type_parameters, reason = "the processor's width is that of the whole function")]
fn paint_all<V: Vector>(balls: &[Ball], limit: i32, keys: &mut [Keys]) {
    keys.fill([[i32::MAX; WIDTH]; TILE[1]]);
    for (number, ball) in balls.iter().enumerate() {
        let reach = f64::from(ball.square + limit).sqrt() as i32;
        if reach < WINDOW as i32 / 2 {
            let first = (ball.at[2] - WINDOW as i32 / 2).clamp(0, (WIDTH - WINDOW) as i32);
            paint_ball::<WINDOW>(number as i32, ball, [reach, limit], first as usize, keys);
        } else {
            paint_ball::<WIDTH>(number as i32, ball, [reach, limit], 0, keys);
        }
    }
}

/// Paints a ball over `N` voxels of each row from the first on.
#[inline(always)]
fn paint_ball<const N: usize>(number: i32, ball: &Ball, [reach, limit]: [i32; 2], first: usize, keys: &mut [Keys]) {
    let along: [i32; N] = std::array::from_fn(|lane| ((first + lane) as i32 - ball.at[2]).pow(2) << NUMBER);
    let near = |axis: usize| {
        let end = (ball.at[axis] + reach + 1).clamp(0, TILE[axis] as i32);
        (ball.at[axis] - reach).max(0)..end
    };
    for z in near(0) {
        let of_plane = (z - ball.at[0]).pow(2) - ball.square;
        for y in near(1) {
            let of_row = of_plane + (y - ball.at[1]).pow(2);
            if of_row <= limit {
                let key = (of_row << NUMBER) + number;
                let row = &mut keys[z as usize][y as usize][first..first + N];
                for (least, along) in row.iter_mut().zip(along) {
                    *least = (*least).min(key + along);
                }
            }
        }
    }
}
