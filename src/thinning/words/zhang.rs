//! Zhang's thinning of 2D images: which pixels a step deletes, for up to 512 pixels at once.
//!
//! Whether a pixel is deleted is a function of its eight neighbours, stated as a table of 256 entries for each of the two kinds
//! of step. The lookup is made on words: 16 products for each half of the neighbours, then for each product of the upper half
//! the sum of those of the lower half that the table wants; about 200 operations for up to 512 pixels, and no memory but
//! registers.
//!
//! Source: Zhang and Suen (1984), with the exceptions that scikit-image's table makes.

use crate::image::neighbourhood::bit;
use crate::support::simd::Vector;
use crate::thinning::words::simple_points::Neighbours;

/// The eight neighbours in the order of the table's bits: clockwise from the upper left.
const RING: [usize; 8] = [
    bit(0, -1, -1) as usize,
    bit(0, -1, 0) as usize,
    bit(0, -1, 1) as usize,
    bit(0, 0, 1) as usize,
    bit(0, 1, 1) as usize,
    bit(0, 1, 0) as usize,
    bit(0, 1, -1) as usize,
    bit(0, 0, -1) as usize,
];

/// Where scikit-image's table departs from Zhang and Suen's conditions: (neighbours, first step, second step).
///
/// Three groups: ends of lines two pixels wide lose one corner instead of both, so that they do not shrink; two neighbours that
/// meet at a right angle (a corner of a staircase) leave the corner deletable; and of those corners with a tail, one side.
const EXCEPTIONS: [(u8, bool, bool); 25] = [
    (0b0000_0011, true, false),
    (0b0000_0110, true, false),
    (0b0000_1100, true, false),
    (0b0000_1110, true, false),
    (0b0001_1000, false, true),
    (0b0011_0000, false, false),
    (0b0011_1000, false, true),
    (0b0110_0000, false, true),
    (0b1000_0001, false, false),
    (0b1000_0011, true, false),
    (0b1100_0000, false, true),
    (0b1110_0000, false, true),
    (0b0000_1010, true, true),
    (0b0010_1000, true, true),
    (0b1000_0010, true, true),
    (0b1010_0000, true, true),
    (0b0000_1011, true, false),
    (0b1000_0110, true, false),
    (0b1010_0001, true, false),
    (0b1100_0010, true, false),
    (0b1100_0110, true, false),
    (0b0001_1010, false, true),
    (0b0110_1000, false, true),
    (0b0110_1100, false, true),
    (0b1011_0000, false, true),
];

/// Whether a pixel with these neighbours is deleted, for the first and the second kind of step.
pub const REMOVED: [[bool; 256]; 2] = removed();

const fn removed() -> [[bool; 256]; 2] {
    let mut table = [[false; 256]; 2];
    let mut index = 0;
    while index < 256 {
        let (north, east, south, west) = (index >> 1 & 1, index >> 3 & 1, index >> 5 & 1, index >> 7 & 1);
        let mut entries = 0;
        let mut k = 0;
        while k < 8 {
            if index >> k & 1 == 0 && index >> ((k + 1) % 8) & 1 == 1 {
                entries += 1;
            }
            k += 1;
        }
        let count = (index as u8).count_ones();
        let candidate = entries == 1 && count >= 2 && count <= 6;
        table[0][index] = candidate && north & east & south == 0 && east & south & west == 0;
        table[1][index] = candidate && north & east & west == 0 && north & south & west == 0;
        index += 1;
    }
    let mut at = 0;
    while at < EXCEPTIONS.len() {
        let (index, first, second) = EXCEPTIONS[at];
        table[0][index as usize] = first;
        table[1][index as usize] = second;
        at += 1;
    }
    table
}

/// For each upper half of the neighbours, the lower halves with which a pixel is deleted, as 16 bits.
const WANTED: [[u16; 16]; 2] = wanted();

const fn wanted() -> [[u16; 16]; 2] {
    let mut wanted = [[0; 16]; 2];
    let mut index = 0;
    while index < 512 {
        let (step, neighbours) = (index / 256, index % 256);
        if REMOVED[step][neighbours] {
            wanted[step][neighbours / 16] |= 1 << (neighbours % 16);
        }
        index += 1;
    }
    wanted
}

/// The index of a pixel's neighbours in the table.
pub const fn table_index(neighbours: u32) -> usize {
    let plane = neighbours >> 9;
    let [row_above, row, row_below] = [plane & 7, plane >> 3 & 7, plane >> 6 & 7];
    let [left, right] = [row & 1, row >> 2];
    let below = (row_below & 1) << 2 | row_below & 2 | row_below >> 2;
    (row_above | right << 3 | below << 4 | left << 7) as usize
}

/// Those of `pixels` that step `step` (0 or 1) deletes.
#[inline(always)]
pub fn removed_pixels<V: Vector>(neighbours: &Neighbours<V>, pixels: V, step: usize) -> V {
    if step == 0 { removed_in::<V, 0>(neighbours, pixels) } else { removed_in::<V, 1>(neighbours, pixels) }
}

#[inline(always)]
fn removed_in<V: Vector, const STEP: usize>(neighbours: &Neighbours<V>, pixels: V) -> V {
    let ring = |at: usize| neighbours[RING[at]];
    let lower = products([ring(0), ring(1), ring(2), ring(3)]);
    let upper = products([ring(4), ring(5), ring(6), ring(7)]);
    let mut removed = V::none();
    // Written out, so that the table is in the code and not read by it.
    macro_rules! for_upper {
        ($($half:literal)*) => {$({
            let mut sum = V::none();
            for_lower!($half, sum: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            removed |= upper[$half] & sum;
        })*};
    }
    macro_rules! for_lower {
        ($half:literal, $sum:ident: $($at:literal)*) => {$(
            if const { WANTED[STEP][$half] >> $at & 1 == 1 } {
                $sum |= lower[$at];
            }
        )*};
    }
    for_upper!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    pixels & removed
}

/// The 16 products of four words and their complements.
#[inline(always)]
fn products<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 16] {
    let low = [!(a | b), a.without(b), b.without(a), a & b];
    let high = [!(c | d), c.without(d), d.without(c), c & d];
    let mut products = [V::none(); 16];
    for (at, product) in products.iter_mut().enumerate() {
        *product = low[at % 4] & high[at / 4];
    }
    products
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_the_neighbours_in_the_order_of_the_ring() {
        for neighbours in (0..1 << 9).map(|plane| plane << 9) {
            let bits = RING.iter().enumerate().map(|(at, &direction)| (neighbours >> direction & 1) << at);
            assert_eq!(table_index(neighbours), bits.sum::<u32>() as usize);
        }
    }
}
