//! How the 64 voxels of a word lie in the image: a cube of 4×4×4 in 3D, a square of 8×8 in 2D.
//!
//! Objects that are thin against the image touch far fewer cubes than rows of 64 voxels (a quarter, in a vessel tree), so
//! whatever is done a word at a time is done that much less often. The price is that neighbours are moved into place along
//! all three axes and not along one.
//!
//! Within a word the voxels are in raster order: bit `(z · sides[1] + y) · sides[2] + x`.

use crate::image::neighbourhood::{CENTRE, EARLIER};

/// Voxels in a word.
pub const WORD: usize = 64;

/// The sides of a word along (z, y, x), at compile time.
pub trait WordShape: Copy + Send + Sync + 'static {
    /// Binary logarithms of the sides; their sum is 6.
    const LOG: [u32; 3];
    /// Voxels along each axis.
    const SIDES: [usize; 3] = [1 << Self::LOG[0], 1 << Self::LOG[1], 1 << Self::LOG[2]];
    /// Bits from a voxel to the next along each axis.
    const STRIDES: [u32; 3] = [1 << (Self::LOG[1] + Self::LOG[2]), 1 << Self::LOG[2], 1];
    /// The voxels whose coordinate along an axis is 0.
    const FIRST: [u64; 3] = [face(Self::LOG, 0, false), face(Self::LOG, 1, false), face(Self::LOG, 2, false)];
    /// The voxels whose coordinate along an axis is the largest.
    const LAST: [u64; 3] = [face(Self::LOG, 0, true), face(Self::LOG, 1, true), face(Self::LOG, 2, true)];
    /// For each of the 27 words around a word, the voxels of the middle one that touch it.
    const TOUCHING: [u64; 27] = touching(Self::LOG);
}

/// 4×4×4 voxels: images of several planes.
#[derive(Debug, Clone, Copy)]
pub struct Cube;

impl WordShape for Cube {
    const LOG: [u32; 3] = [2, 2, 2];
}

/// 8×8 voxels: images of one plane.
#[derive(Debug, Clone, Copy)]
pub struct Square;

impl WordShape for Square {
    const LOG: [u32; 3] = [0, 3, 3];
}

/// Binary logarithms of the sides of the words of an image of so many planes.
#[must_use]
pub const fn logarithms(planes: usize) -> [u32; 3] {
    if planes == 1 { Square::LOG } else { Cube::LOG }
}

/// The coordinate of a bit along an axis.
const fn coordinate(log: [u32; 3], bit: usize, axis: usize) -> usize {
    let shift = [log[1] + log[2], log[2], 0][axis];
    bit >> shift & ((1 << log[axis]) - 1)
}

const fn face(log: [u32; 3], axis: usize, last: bool) -> u64 {
    let wanted = if last { (1 << log[axis]) - 1 } else { 0 };
    let (mut mask, mut bit) = (0, 0);
    while bit < WORD {
        if coordinate(log, bit, axis) == wanted {
            mask |= 1 << bit;
        }
        bit += 1;
    }
    mask
}

const fn touching(log: [u32; 3]) -> [u64; 27] {
    let mut masks = [u64::MAX; 27];
    let mut direction = 0;
    while direction < 27 {
        let offset = [direction / 9, direction / 3 % 3, direction % 3];
        let mut axis = 0;
        while axis < 3 {
            match offset[axis] {
                0 => masks[direction] &= face(log, axis, false),
                2 => masks[direction] &= face(log, axis, true),
                _ => {}
            }
            axis += 1;
        }
        direction += 1;
    }
    masks
}

/// The bits of a box within a word: the first voxel and the one after the last, along each axis.
#[must_use]
pub fn bits_of_box(log: [u32; 3], voxels: [[usize; 2]; 3]) -> u64 {
    let strides = [1_usize << (log[1] + log[2]), 1 << log[2], 1];
    let [z, y, x] = voxels.map(|[start, end]| start..end);
    let row = x.fold(0_u64, |bits, x| bits | 1 << x);
    let plane = y.fold(0, |bits, y| bits | row << (y * strides[1]));
    z.fold(0, |bits, z| bits | plane << (z * strides[0]))
}

/// The position of a bit in a word along (z, y, x).
#[must_use]
pub const fn position_of(log: [u32; 3], bit: usize) -> [usize; 3] {
    [coordinate(log, bit, 0), coordinate(log, bit, 1), coordinate(log, bit, 2)]
}

/// The neighbours of one voxel of a word, as [`crate::image::neighbourhood`] numbers them, without the voxel itself.
///
/// `word` tells the word at `dx` (0, 1 or 2, the middle one being 1) of one of the nine rows of words around.
#[must_use]
#[inline(always)]
pub fn neighbours<W: WordShape>(word: impl Fn(usize, usize) -> u64, bit: usize) -> u32 {
    neighbours_in::<W>(word, bit, 3) & !(1 << CENTRE)
}

/// Those of the neighbours that come before the voxel in raster order.
#[must_use]
#[inline(always)]
pub fn earlier_neighbours<W: WordShape>(word: impl Fn(usize, usize) -> u64, bit: usize) -> u32 {
    neighbours_in::<W>(word, bit, 2) & EARLIER
}

/// The voxels of the first planes of the 3×3×3 around a voxel.
#[inline(always)]
fn neighbours_in<W: WordShape>(word: impl Fn(usize, usize) -> u64, bit: usize, planes: usize) -> u32 {
    let [z, y, x] = [0, 1, 2].map(|axis| coordinate(W::LOG, bit, axis));
    let side = W::SIDES[2];
    let mut mask = 0;
    for dz in 0..planes {
        if W::SIDES[0] == 1 && dz != 1 {
            continue;
        }
        let (word_z, z) = split(z + dz, W::SIDES[0]);
        for dy in 0..3 {
            let (word_y, y) = split(y + dy, W::SIDES[1]);
            let row = 3 * word_z + word_y;
            let shift = (z << (W::LOG[1] + W::LOG[2])) | (y << W::LOG[2]);
            let middle = word(row, 1) >> shift;
            let three = if x == 0 {
                middle << 1 | (word(row, 0) >> (shift + side - 1) & 1)
            } else if x + 1 == side {
                (middle >> (side - 2) & 0b11) | (word(row, 2) >> shift & 1) << 2
            } else {
                middle >> (x - 1)
            };
            mask |= ((three & 0b111) as u32) << (9 * dz + 3 * dy);
        }
    }
    mask
}

/// Which word a coordinate lies in, of three in a row, and its position there; `at` is one more than the coordinate.
#[inline(always)]
const fn split(at: usize, side: usize) -> (usize, usize) {
    let from_first = at + side - 1;
    (from_first / side, from_first % side)
}

/// The positions of the set bits of a word, ascending.
pub fn set_bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as usize;
        (word != 0).then(|| {
            word &= word - 1;
            bit
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three words along each axis, a pattern of voxels, and what `neighbours` makes of each voxel of the middle one.
    fn compare<W: WordShape>() {
        let [sides_z, sides_y, sides_x] = W::SIDES;
        let voxel = |z: usize, y: usize, x: usize| (z * 31 + y * 17 + x * x * 7 + z * y * x).is_multiple_of(3);
        let word = |row: usize, dx: usize| {
            (0..WORD).fold(0, |word, bit| {
                let [z, y, x] = [0, 1, 2].map(|axis| coordinate(W::LOG, bit, axis));
                let at = (row / 3 * sides_z + z, row % 3 * sides_y + y, dx * sides_x + x);
                word | u64::from(voxel(at.0, at.1, at.2)) << bit
            })
        };
        for bit in 0..WORD {
            let [z, y, x] = [0, 1, 2].map(|axis| coordinate(W::LOG, bit, axis) + W::SIDES[axis]);
            let expected = (0..27)
                .filter(|&at| at != 13 && (W::SIDES[0] > 1 || at / 9 == 1))
                .filter(|at| voxel(z + at / 9 - 1, y + at / 3 % 3 - 1, x + at % 3 - 1))
                .fold(0, |mask, at| mask | 1 << at);
            assert_eq!(neighbours::<W>(word, bit), expected, "bit {bit}");
            assert_eq!(earlier_neighbours::<W>(word, bit), expected & EARLIER, "bit {bit}");
        }
    }

    #[test]
    fn finds_neighbours_across_words() {
        compare::<Cube>();
        compare::<Square>();
    }

    #[test]
    fn counts_the_voxels_that_touch_other_words() {
        let counts = |masks: [u64; 27]| masks.map(u64::count_ones);
        let cube = counts(Cube::TOUCHING);
        assert_eq!((cube[0], cube[1], cube[4], cube[13]), (1, 4, 16, 64));
        assert_eq!(Cube::FIRST, [0xffff, 0x000f_000f_000f_000f, 0x1111_1111_1111_1111]);
        assert_eq!(counts(Square::TOUCHING)[9..18], [1, 8, 1, 8, 64, 8, 1, 8, 1]);
    }
}
