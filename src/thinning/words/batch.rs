//! Up to eight words with the words around them, and the neighbours of all their voxels.
//!
//! A voxel's neighbour in one direction lies in the same word or in one of the 26 around it. Moving the words by one voxel along
//! x, then y, then z puts every neighbour at the bit of its voxel: 54 moves of three instructions for 26 directions, for up to
//! 512 voxels.

use std::ops::Range;

use crate::image::word_shape::WordShape;
use crate::support::simd::{LANES, Lanes, Quads, Vector};
use crate::thinning::words::simple_points::{Border, EARLIER, Neighbours, settled};

/// Three words along x in each of the nine rows of words around: z, then y.
pub type WordRows<T> = [[T; 3]; 9];

/// The word before a word, the word itself, the word after, and one that is not read: as many as an instruction moves.
pub type Quad = [u64; 4];

/// The words around that at `index`.
#[inline(always)]
pub fn around_word(words: &[u64], index: usize) -> Quad {
    *words[index - 1..].first_chunk().expect("a border surrounds the image")
}

/// Rows of words around a word that hold earlier neighbours: all but those of the next plane.
pub const EARLIER_ROWS: usize = 6;

/// Up to eight words with those around them.
///
/// The words around are kept as they come, four at a time, and sorted by direction when they are read: word by word they would
/// cost three times as many stores, and the loads that follow would have to wait for each.
pub struct Batch {
    rows: [Quads; 9],
    pub voxels: Lanes,
    pub indices: [usize; LANES],
    pub count: usize,
}

impl Batch {
    #[inline(always)]
    pub fn new() -> Self {
        Self { rows: [Quads::NONE; 9], voxels: Lanes::NONE, indices: [0; LANES], count: 0 }
    }

    #[inline(always)]
    pub fn clear(&mut self) {
        self.voxels = Lanes::NONE;
        self.count = 0;
    }

    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.count == LANES
    }

    /// Adds the voxels of a word with the rows around it.
    #[inline(always)]
    pub fn push<W: WordShape>(&mut self, index: usize, voxels: u64, row: impl Fn(usize) -> Quad) {
        self.voxels.0[self.count % LANES] = voxels;
        self.push_rows::<W>(index, 0..9, row);
    }

    /// Adds the rows around a word that hold earlier neighbours, in a batch whose other rows are empty.
    #[inline(always)]
    pub fn push_earlier<W: WordShape>(&mut self, index: usize, row: impl Fn(usize) -> Quad) {
        self.push_rows::<W>(index, 0..EARLIER_ROWS, row);
    }

    #[inline(always)]
    fn push_rows<W: WordShape>(&mut self, index: usize, rows: Range<usize>, row: impl Fn(usize) -> Quad) {
        let lane = self.count % LANES;
        self.indices[lane] = index;
        for at in rows {
            if W::SIDES[0] == 1 && at / 3 != 1 {
                continue;
            }
            self.rows[at].0[lane] = row(at);
        }
        self.count += 1;
    }

    /// The words from lane `first` on, moved so that each bit holds the neighbour in a direction.
    #[inline(always)]
    pub fn neighbours<W: WordShape, V: Vector>(&self, first: usize) -> Neighbours<V> {
        let mut rows = [[V::none(); 3]; 9];
        for (row, quads) in rows.iter_mut().zip(&self.rows) {
            *row = V::load_columns(quads, first);
        }
        neighbours::<W, V>(&rows)
    }
}

/// The voxels of a batch, collected on `border`, whose recheck depends on what happens to the `earlier` ones.
#[inline(always)]
pub fn unsettled<W: WordShape, V: Vector, const PRESERVING: bool>(
    batch: &Batch,
    earlier: &Batch,
    border: &Border,
) -> Lanes {
    let mut unsettled = Lanes::NONE;
    for first in (0..batch.count).step_by(V::WORDS) {
        let voxels = V::load(&batch.voxels, first);
        let mut certain = batch.neighbours::<W, V>(first);
        let waiting = earlier.neighbours::<W, V>(first);
        for direction in 0..EARLIER {
            certain[direction] = certain[direction].without(waiting[direction]);
        }
        let waiting = waiting.first_chunk().expect("the earlier directions are the first");
        let settled = settled::<V, PRESERVING>(&certain, waiting, voxels, border);
        voxels.without(settled).store(&mut unsettled, first);
    }
    unsettled
}

/// For each direction the words whose bits are the neighbours of the middle word's voxels.
#[inline(always)]
pub fn neighbours<W: WordShape, V: Vector>(rows: &WordRows<V>) -> Neighbours<V> {
    let mut neighbours = [V::none(); 27];
    let planes = if W::SIDES[0] == 1 { 1..2 } else { 0..3 };
    for plane in planes {
        for y in 0..3 {
            let at = 9 * plane + 3 * y;
            [neighbours[at], neighbours[at + 1], neighbours[at + 2]] = moved::<W, V>(rows[3 * plane + y], 2);
        }
        for x in 0..3 {
            let at = 9 * plane + x;
            let moved = moved::<W, V>([neighbours[at], neighbours[at + 3], neighbours[at + 6]], 1);
            [neighbours[at], neighbours[at + 3], neighbours[at + 6]] = moved;
        }
    }
    if W::SIDES[0] > 1 {
        for row in 0..9 {
            let moved = moved::<W, V>([neighbours[row], neighbours[row + 9], neighbours[row + 18]], 0);
            [neighbours[row], neighbours[row + 9], neighbours[row + 18]] = moved;
        }
    }
    neighbours
}

/// The middle one of three words along an axis, moved so that each bit holds the voxel before, the voxel, the voxel after.
#[inline(always)]
pub fn moved<W: WordShape, V: Vector>([before, word, after]: [V; 3], axis: usize) -> [V; 3] {
    [from_before::<W, V>(before, word, axis), word, from_after::<W, V>(word, after, axis)]
}

/// The voxel before each along an axis.
#[inline(always)]
pub fn from_before<W: WordShape, V: Vector>(before: V, word: V, axis: usize) -> V {
    let (stride, first) = (W::STRIDES[axis], V::splat(W::FIRST[axis]));
    word.up(stride).without(first) | before.down(stride * (W::SIDES[axis] as u32 - 1)) & first
}

/// The voxel after each along an axis.
#[inline(always)]
pub fn from_after<W: WordShape, V: Vector>(word: V, after: V, axis: usize) -> V {
    let (stride, last) = (W::STRIDES[axis], V::splat(W::LAST[axis]));
    word.down(stride).without(last) | after.up(stride * (W::SIDES[axis] as u32 - 1)) & last
}

/// The voxels of the middle word that are in a set or have a neighbour in it; `row` tells the set's words.
#[inline(always)]
pub fn near<W: WordShape>(row: impl Fn(usize) -> Quad) -> u64 {
    let row = |at| three(row(at));
    let middle = plane_near::<W>(row(3), row(4), row(5));
    if W::SIDES[0] == 1 {
        return middle;
    }
    let before = plane_near::<W>(row(0), row(1), row(2));
    spread::<W>([before, middle, plane_near::<W>(row(6), row(7), row(8))], 0)
}

/// For each of the 27 words around a word, the voxels that are in a set of the middle word or have a neighbour in it.
pub fn spread_around<W: WordShape>(set: u64) -> [u64; 27] {
    let mut words = [0; 27];
    let planes = if W::SIDES[0] == 1 { [0, set, 0] } else { spread_out::<W>(set, 0) };
    for (z, plane) in planes.into_iter().enumerate() {
        for (y, row) in spread_out::<W>(plane, 1).into_iter().enumerate() {
            words[9 * z + 3 * y..][..3].copy_from_slice(&spread_out::<W>(row, 2));
        }
    }
    words
}

/// A set and its neighbours along an axis, in the word before, in its own, and in the word after.
#[inline(always)]
fn spread_out<W: WordShape>(set: u64, axis: usize) -> [u64; 3] {
    [from_after::<W, u64>(0, set, axis), spread::<W>([0, set, 0], axis), from_before::<W, u64>(set, 0, axis)]
}

/// The words of a quad that are read.
#[inline(always)]
const fn three([before, word, after, _]: Quad) -> [u64; 3] {
    [before, word, after]
}

/// The voxels in a set and their neighbours along an axis.
#[inline(always)]
fn spread<W: WordShape>([before, word, after]: [u64; 3], axis: usize) -> u64 {
    word | from_before::<W, u64>(before, word, axis) | from_after::<W, u64>(word, after, axis)
}

/// The voxels in a set and their neighbours in a plane.
#[inline(always)]
fn plane_near<W: WordShape>(before: [u64; 3], row: [u64; 3], after: [u64; 3]) -> u64 {
    spread::<W>([spread::<W>(before, 2), spread::<W>(row, 2), spread::<W>(after, 2)], 1)
}

/// The neighbours behind a border; `next` is the next word in that direction.
#[inline(always)]
pub fn behind<W: WordShape>(word: u64, next: u64, border: &Border) -> u64 {
    // Each arm with its axis at compile time.
    match (border.axis, border.forward) {
        (0, false) => from_before::<W, u64>(next, word, 0),
        (0, true) => from_after::<W, u64>(word, next, 0),
        (1, false) => from_before::<W, u64>(next, word, 1),
        (1, true) => from_after::<W, u64>(word, next, 1),
        (_, false) => from_before::<W, u64>(next, word, 2),
        (_, true) => from_after::<W, u64>(word, next, 2),
    }
}

/// The rows of words around a word that hold anything: in 2D those of its own plane.
pub const fn rows_of<W: WordShape>() -> Range<usize> {
    if W::SIDES[0] == 1 { 3..6 } else { 0..9 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::word_shape::{self, Cube, Square, WORD};
    use crate::support::random::Random;

    fn compare<W: WordShape>() {
        let mut generator = Random(3);
        let mut random = || {
            let bits = generator.bits();
            bits ^ bits >> 29
        };
        let quad = |[before, word, after]: [u64; 3]| [before, word, after, u64::MAX];
        for round in 0..50 {
            let rows: WordRows<u64> = std::array::from_fn(|_| {
                std::array::from_fn(
                    |_| if round % 2 == 0 { random() } else { random() & random() & random() & random() },
                )
            });
            let moved = neighbours::<W, u64>(&rows);
            let near = near::<W>(|row| quad(rows[row]));
            let mut gathered = 0;
            for (direction, words) in rows.as_flattened().iter().map(|&word| spread_around::<W>(word)).enumerate() {
                gathered |= words[26 - direction];
            }
            assert_eq!(gathered, near);
            for bit in 0..WORD {
                let expected = word_shape::neighbours::<W>(|row, dx| rows[row][dx], bit);
                for (direction, word) in moved.iter().enumerate().filter(|&(direction, _)| direction != 13) {
                    assert_eq!(word >> bit & 1, u64::from(expected >> direction & 1), "bit {bit}, {direction}");
                }
                assert_eq!(near >> bit & 1 == 1, expected != 0 || rows[4][1] >> bit & 1 == 1);
            }
        }
    }

    #[test]
    fn moves_words_as_single_voxels() {
        compare::<Cube>();
        compare::<Square>();
    }
}
