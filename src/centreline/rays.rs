//! Rays through a mask, voxel by voxel: how far it is to where the mask ends.

use super::smooth::Point;
use crate::image::mask_rows::MaskRows;

/// A place among voxels: the voxel and what lies beyond its middle, in voxels, so that no image is too large for the digits.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The voxel.
    pub voxel: [i64; 3],
    /// From −½ to ½ along each axis.
    pub rest: Point,
}

impl Place {
    /// The place `point`, in units of the spacing from the middle of voxel `origin`.
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

/// How far a ray goes from a place in a direction of length 1 until it enters a voxel that is not of the mask, `most` at most.
/// The voxel where it starts is not asked. A ray through an edge or a corner enters the voxel opposite.
#[must_use]
pub fn exit(mask: &MaskRows, from: Place, direction: Point, spacing: Point, most: f64) -> Exit {
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
