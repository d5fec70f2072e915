//! Lee's recheck: the collected voxels in raster order, each deleted if its neighbours present by then are connected.
//!
//! Only earlier collected neighbours make the order matter. A voxel without any is deleted: it was simple when collected and
//! nothing changed since. For the others a formula finds those that are deleted whatever happens to the earlier ones, 512
//! voxels at a time and in any order ([`deleted_whatever_happens`]); that settles nine in ten. The rest is decided in raster
//! order, by flood fill. Later collected neighbours are always present, as in the sequential method.

use super::rounds::{Batch, Geometry, Slab, around_word};
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
    let mut earlier = [[Lanes::NONE; 3]; 5];
    for &index in indices.iter() {
        // The rows that come earlier, and the voxel's own.
        let mut rows = [[0; 3]; 5];
        for (row, &around) in rows.iter_mut().zip(&geometry.rows_around) {
            *row = around_word(collected, index.wrapping_add_signed(around));
        }
        let [before, word, after] = [0, 1, 2].map(|at| rows[0][at] | rows[1][at] | rows[2][at] | rows[3][at]);
        let own = rows[4];
        let any = word | (word | own[1]) << 1 | (before | own[0]) >> 63 | word >> 1 | after << 63;
        let voxels = own[1] & any;
        if voxels == 0 {
            continue;
        }
        let lane = batch.push(words, index, voxels, geometry);
        for (lanes, row) in earlier.iter_mut().zip(rows) {
            for (lanes, word) in lanes.iter_mut().zip(row) {
                lanes.0[lane] = word;
            }
        }
        if batch.count == LANES {
            keep_waiting::<V>(&mut batch, &earlier, waiting);
        }
    }
    if batch.count > 0 {
        keep_waiting::<V>(&mut batch, &earlier, waiting);
    }
}

/// Keeps the voxels of the batch that are not deleted whatever happens.
#[inline(always)]
fn keep_waiting<V: Vector>(batch: &mut Batch, earlier: &[[Lanes; 3]; 5], waiting: &mut Vec<(usize, u64)>) {
    let mut left = Lanes::NONE;
    for first in (0..batch.count).step_by(V::WORDS) {
        let voxels = V::load(&batch.voxels, first);
        let mut certain = batch.neighbours::<V>(first);
        let maybe = earlier_neighbours::<V>(earlier, first);
        for direction in 0..EARLIER {
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

/// The words of the 13 earlier directions, from the five rows they lie in.
#[inline(always)]
pub fn earlier_neighbours<V: Vector>(rows: &[[Lanes; 3]; 5], first: usize) -> [V; EARLIER] {
    let mut earlier = [V::none(); EARLIER];
    for (at, [before, word, after]) in rows.iter().enumerate() {
        let word = V::load(word, first);
        earlier[3 * at] = word.shifted_up(V::load(before, first));
        if at < 4 {
            earlier[3 * at + 1] = word;
            earlier[3 * at + 2] = word.shifted_down(V::load(after, first));
        }
    }
    earlier
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
