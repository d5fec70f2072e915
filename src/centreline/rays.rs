//! Rays through a mask, voxel by voxel: how far it is to where the mask ends.
//!
//! [`exit`] defines a ray. [`Fan`] sends the rays of a section side by side: each does what [`exit`] does, in the same order and
//! with the same rounding, so that distances are the same to the bit. A fan that may reach the border goes ray by ray.

use std::f64::consts::PI;

use super::smooth::Point;
use crate::image::mask_rows::MaskRows;
use crate::image::word_shape::set_bits;
use crate::support::simd::{Vector, for_this_processor};

/// Rays of a section.
pub const RAYS: usize = 16;

/// A position among voxels: the voxel and what lies beyond its middle, in voxels, so that no image is too large for the digits.
#[derive(Debug, Clone, Copy)]
pub struct Position {
    /// The voxel.
    pub voxel: [i64; 3],
    /// From −½ to ½ along each axis.
    pub rest: Point,
}

impl Position {
    /// The position `point`, in units of the spacing from the middle of voxel `origin`.
    #[must_use]
    pub fn new(origin: [i64; 3], point: Point, spacing: Point) -> Self {
        let steps = [0, 1, 2].map(|axis| point[axis] / spacing[axis]);
        let whole = steps.map(f64::round);
        Self {
            voxel: [0, 1, 2].map(|axis| origin[axis].saturating_add(whole[axis] as i64)),
            rest: [0, 1, 2].map(|axis| steps[axis] - whole[axis]),
        }
    }
}

/// Crossings of two axes that are relatively this near to each other are at one edge, whatever the rounding.
const CORNER: f64 = 1e-12;

/// Where a ray ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Exit {
    /// At background, or at the longest distance.
    Known(f64),
    /// At the border of the image, of which the outside is unknown.
    Border(f64),
}

/// How far a ray goes from a position in a direction of length 1 until it enters a voxel that is not of the mask, `most` at most.
/// The voxel where it starts is not asked. A ray through an edge or a corner enters the voxel opposite.
#[must_use]
pub fn exit(mask: &MaskRows, from: Position, direction: Point, spacing: Point, most: f64) -> Exit {
    let shape = mask.shape();
    let mut voxel = from.voxel;
    let mut crossings = [f64::INFINITY; 3];
    // An axis along which the ray does not move is never crossed.
    let mut first = [f64::INFINITY; 3];
    let mut each = [1.0; 3];
    let mut count = [0.0; 3];
    let mut step = [0; 3];
    for axis in 0..3 {
        if direction[axis] != 0.0 {
            let is_forward = direction[axis] > 0.0;
            step[axis] = if is_forward { 1 } else { -1 };
            each[axis] = spacing[axis] / direction[axis].abs();
            first[axis] = if is_forward { 0.5 - from.rest[axis] } else { 0.5 + from.rest[axis] };
            crossings[axis] = first[axis] * each[axis];
        }
    }
    loop {
        let distance = crossings[0].min(crossings[1]).min(crossings[2]);
        if distance >= most {
            return Exit::Known(most);
        }
        // Without branches, since which axis comes next cannot be predicted.
        let limit = distance * (1.0 + CORNER);
        for axis in 0..3 {
            let is_crossed = crossings[axis] <= limit;
            voxel[axis] = voxel[axis].wrapping_add(if is_crossed { step[axis] } else { 0 });
            count[axis] += if is_crossed { 1.0 } else { 0.0 };
            crossings[axis] = (first[axis] + count[axis]) * each[axis];
        }
        match mask.get(voxel) {
            Some(true) => {}
            Some(false) => return Exit::Known(distance),
            None => {
                let is_out = |axis: usize| !(0..shape[axis] as i64).contains(&voxel[axis]);
                let is_background = (0..3).any(|axis| is_out(axis) && mask.border()[axis]);
                return if is_background { Exit::Known(distance) } else { Exit::Border(distance) };
            }
        }
    }
}

/// The directions of a section's rays.
#[derive(Debug)]
pub struct Fan {
    cosines: [f64; RAYS],
    sines: [f64; RAYS],
}

impl Default for Fan {
    fn default() -> Self {
        let turns: [(f64, f64); RAYS] = std::array::from_fn(|ray| (2.0 * PI * ray as f64 / RAYS as f64).sin_cos());
        Self { cosines: turns.map(|(_, cosine)| cosine), sines: turns.map(|(sine, _)| sine) }
    }
}

impl Fan {
    /// How far rays at equal angles go in the plane of two perpendicular vectors of length 1, as [`exit`] tells; infinite where
    /// that is not known.
    #[must_use]
    pub fn ways(&self, mask: &MaskRows, from: Position, plane: [Point; 2], spacing: Point, most: f64) -> [f64; RAYS] {
        let along = |axis: usize| -> [f64; RAYS] {
            std::array::from_fn(|ray| plane[0][axis] * self.cosines[ray] + plane[1][axis] * self.sines[ray])
        };
        let directions = [along(0), along(1), along(2)];
        // Two voxels more than the steps that fit, for rounding.
        let stays_inside = most.is_finite()
            && (0..3).all(|axis| {
                let reach = ((most / spacing[axis]) as i64).saturating_add(2);
                from.voxel[axis] >= reach && from.voxel[axis].saturating_add(reach) < mask.shape()[axis] as i64
            });
        if stays_inside {
            return ways_inside(mask, from, &directions, spacing, most);
        }
        std::array::from_fn(|ray| match exit(mask, from, [0, 1, 2].map(|axis| directions[axis][ray]), spacing, most) {
            Exit::Known(way) => way,
            Exit::Border(_) => f64::INFINITY,
        })
    }
}

for_this_processor! {
    fn ways_inside(mask: &MaskRows, from: Position, directions: &[[f64; RAYS]; 3], spacing: Point, most: f64) -> [f64; RAYS] =
        ways_side_by_side;
}

/// How far rays go that do not leave the image.
#[inline(always)]
#[allow(
    clippy::extra_unused_type_parameters,
    clippy::needless_range_loop,
    reason = "the processor's width is that of the whole function"
)]
fn ways_side_by_side<V: Vector>(
    mask: &MaskRows,
    from: Position,
    directions: &[[f64; RAYS]; 3],
    spacing: Point,
    most: f64,
) -> [f64; RAYS] {
    let mut crossings = [[f64::INFINITY; RAYS]; 3];
    let mut first = [[f64::INFINITY; RAYS]; 3];
    let mut each = [[1.0; RAYS]; 3];
    let mut count = [[0.0; RAYS]; 3];
    let mut step = [[0; RAYS]; 3];
    let bits = mask.bit_steps();
    for axis in 0..3 {
        for ray in 0..RAYS {
            let direction = directions[axis][ray];
            let steps = spacing[axis] / direction.abs();
            let is_forward = direction > 0.0;
            // An axis along which the ray hardly moves is never crossed.
            let moves = steps < f64::INFINITY;
            let to_edge = if is_forward { 0.5 - from.rest[axis] } else { 0.5 + from.rest[axis] };
            step[axis][ray] = if is_forward { bits[axis] } else { -bits[axis] };
            each[axis][ray] = if moves { steps } else { 1.0 };
            first[axis][ray] = if moves { to_edge } else { f64::INFINITY };
            crossings[axis][ray] = first[axis][ray] * each[axis][ray];
        }
    }
    let mut at = [mask.bit(from.voxel); RAYS];
    let mut ways = [most; RAYS];
    let mut left = u64::MAX >> (u64::BITS as usize - RAYS);
    let mut distances = [0.0; RAYS];
    loop {
        for ray in 0..RAYS {
            let least = |one: f64, other: f64| if one < other { one } else { other };
            let distance = least(least(crossings[0][ray], crossings[1][ray]), crossings[2][ray]);
            let limit = distance * (1.0 + CORNER);
            let mut moved = 0;
            for axis in 0..3 {
                let is_crossed = crossings[axis][ray] <= limit;
                moved += if is_crossed { step[axis][ray] } else { 0 };
                count[axis][ray] += if is_crossed { 1.0 } else { 0.0 };
                crossings[axis][ray] = (first[axis][ray] + count[axis][ray]) * each[axis][ray];
            }
            at[ray] += moved;
            distances[ray] = distance;
        }
        for ray in set_bits(left) {
            if distances[ray] >= most {
                left &= !(1 << ray);
            } else if !mask.is_set(at[ray]) {
                ways[ray] = distances[ray];
                left &= !(1 << ray);
            }
        }
        if left == 0 {
            return ways;
        }
    }
}
