//! Lee's recheck: the collected voxels in raster order, each deleted if its neighbours present by then are connected.
//!
//! Only earlier collected neighbours make the order matter. A voxel without any is deleted: it was simple when collected and
//! nothing changed since. For the others a formula finds those that are deleted whatever happens to the earlier ones, 512
//! voxels at a time and in any order ([`deleted_whatever_happens`]); that settles nine in ten. The rest is decided in raster
//! order, by flood fill. Later collected neighbours are always present, as in the sequential method.

use super::rounds::{Batch, Geometry, Slab, shifted};
use super::simple_points::{EARLIER, deleted_whatever_happens};
use super::vectors::{LANES, Lanes, Vector, for_this_processor};
use crate::bit_image::set_bits;
use crate::neighbourhood::at_most_one_component;

for_this_processor! {
    /// Lists the voxels of a slab whose recheck depends on that of an earlier neighbour.
    pub fn find_waiting(slab: &mut Slab, words: &[u64], collected: &[u64], geometry: &Geometry) = find_waiting_lanes;
}

#[inline(always)]
fn find_waiting_lanes<V: Vector>(slab: &mut Slab, words: &[u64], collected: &[u64], geometry: &Geometry) {
    let Slab { collected: indices, waiting, .. } = slab;
    waiting.clear();
    let mut batch = Batch::new();
    let mut uncertain = [Lanes::NONE; EARLIER];
    for &index in indices.iter() {
        let earlier: [u64; EARLIER] = std::array::from_fn(|direction| {
            let row = index.wrapping_add_signed(geometry.rows_around[direction / 3]);
            shifted(collected, row, direction % 3)
        });
        let voxels = collected[index] & earlier.iter().fold(0, |any, word| any | word);
        if voxels == 0 {
            continue;
        }
        let lane = batch.push(words, index, voxels, geometry);
        for (direction, &word) in earlier.iter().enumerate() {
            uncertain[direction].0[lane] = word;
        }
        if batch.count == LANES {
            keep_waiting::<V>(&mut batch, &uncertain, waiting);
        }
    }
    if batch.count > 0 {
        keep_waiting::<V>(&mut batch, &uncertain, waiting);
    }
}

/// Keeps the voxels of the batch that are not deleted whatever happens.
#[inline(always)]
fn keep_waiting<V: Vector>(batch: &mut Batch, uncertain: &[Lanes; EARLIER], waiting: &mut Vec<(usize, u64)>) {
    let mut left = Lanes::NONE;
    for first in (0..batch.count).step_by(V::WORDS) {
        let voxels = V::load(&batch.voxels, first);
        let mut certain = batch.neighbours::<V>(first);
        let mut maybe = [V::none(); EARLIER];
        for direction in 0..EARLIER {
            maybe[direction] = V::load(&uncertain[direction], first);
            certain[direction] = certain[direction].without(maybe[direction]);
        }
        voxels.without(deleted_whatever_happens(&certain, &maybe, voxels)).store(&mut left, first);
    }
    for lane in 0..batch.count {
        if left.0[lane] != 0 {
            waiting.push((batch.indices[lane], left.0[lane]));
        }
    }
    batch.clear();
}

/// Decides the waiting voxels in raster order and leaves in `collected` what is deleted.
pub fn decide_waiting<'a>(
    waiting: impl Iterator<Item = &'a [(usize, u64)]> + Clone,
    words: &[u64],
    collected: &mut [u64],
    geometry: &Geometry,
) {
    for &(index, voxels) in waiting.clone().flatten() {
        collected[index] &= !voxels;
    }
    for &(index, voxels) in waiting.flatten() {
        for bit in set_bits(voxels) {
            if at_most_one_component(present(words, collected, index, bit, geometry)) {
                collected[index] |= 1 << bit;
            }
        }
    }
}

/// The neighbours of a voxel when its turn comes: the earlier ones that are not deleted, and all later ones.
fn present(words: &[u64], deleted: &[u64], index: usize, bit: usize, geometry: &Geometry) -> u32 {
    let mut neighbours = 0;
    for (at, &around) in geometry.rows_around.iter().enumerate() {
        let row = index.wrapping_add_signed(around);
        let here = three(words, row, bit);
        let gone = match at {
            0..4 => three(deleted, row, bit),
            4 => three(deleted, row, bit) & 0b001 | 0b010,
            _ => 0,
        };
        neighbours |= (here & !gone) << (3 * at);
    }
    neighbours
}

/// The voxels at x − 1, x and x + 1 of a row.
fn three(words: &[u64], index: usize, bit: usize) -> u32 {
    let word = words[index];
    let three = match bit {
        0 => word << 1 | words[index - 1] >> 63,
        63 => word >> 62 | words[index + 1] << 2,
        _ => word >> (bit - 1),
    };
    (three & 0b111) as u32
}
