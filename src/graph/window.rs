//! The neighbours of listed voxels, found in a window of packed rows that moves through the list.
//!
//! A voxel's neighbours lie on nine rows: its own and the adjacent ones in its plane, the plane before and the plane after. The
//! window holds the rows of three planes and a few more, one bit a voxel, in a ring. Voxels enter a plane and a row ahead of the
//! current one and leave as far behind it, those of many rows at a time, so that branches are predictable. The 27 bits of a
//! neighbourhood take nine reads and shifts and no search. An empty voxel before and after each row and an empty row around each
//! plane replace bounds checks; the first two rows of the ring are repeated at its end, so that three rows are always contiguous.
//! The number of a neighbour is that of the first voxel in its word, noted when it enters, plus the bits before it. The first two
//! neighbours are computed unconditionally, since most voxels of a skeleton have two.
//!
//! Bit `9 (dz + 1) + 3 (dy + 1) + (dx + 1)` of a mask is the neighbour at (dz, dy, dx), as in [`crate::image::neighbourhood`]. In an
//! image with fewer axes the middle axis, or the first two, have length 1.
//!
//! Cost: some 90 instructions a voxel, 15 for each neighbour after the second; 3/16 byte for each voxel of three planes, which fits
//! the second-level cache for planes of up to about 1500². Each range of voxels begins with those of the plane before it.

use std::ops::Range;

use crate::image::neighbourhood::CENTRE;
use crate::image::word_shape::WORD;
use crate::support::allocate::{Grow, try_zeros};
use crate::support::errors::Result;
#[cfg(target_arch = "x86_64")]
use crate::support::simd::{Width, width};

/// The neighbours of a voxel at most.
pub(crate) const MOST_NEIGHBOURS: usize = 26;

/// Where the rows of an image lie in a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// The lengths of the last two axes.
    length: Divisor,
    rows: Divisor,
    /// Words of a row in the window, and rows, a power of two.
    words: usize,
    ring: usize,
}

impl Layout {
    const LARGEST_WINDOW: usize = 1 << 23;

    /// Rows that enter and leave at a time, at least.
    const LEAST_STEP: usize = 32;

    /// The layout for an image of this shape; none if it has more than three axes or planes that are too large.
    pub(crate) fn new(shape: &[usize]) -> Option<Self> {
        let (rows, length) = match *shape {
            [length] | [_, length] => (1, length),
            [_, rows, length] => (rows, length),
            _ => return None,
        };
        // The empty positions around a row, and a word after it that is read with its last one.
        let words = length.checked_add(2)?.div_ceil(WORD) + 1;
        let ring = rows.checked_mul(2)?.checked_add(7 + Self::LEAST_STEP)?.checked_next_power_of_two()?;
        let layout = Self { length: Divisor::new(length), rows: Divisor::new(rows), words, ring };
        // Rows are numbered in 32 bits.
        let planes = if shape.len() == 1 { 1 } else { shape[0] };
        let numbered = u32::try_from(planes.checked_add(2)?.checked_mul(layout.plane())?).is_ok();
        (numbered && ring.checked_mul(words)? <= Self::LARGEST_WINDOW).then_some(layout)
    }

    /// Rows from a plane to the next, an empty one on both sides.
    fn plane(&self) -> usize {
        self.rows.divisor as usize + 2
    }

    /// How many rows before and after its own a voxel has neighbours.
    fn reach(&self) -> usize {
        self.plane() + 1
    }

    /// Where the voxel of a linear index lies.
    #[inline(always)]
    fn position(&self, id: i64) -> WindowPosition {
        let (row, x) = self.length.divide(id as u64);
        let (z, _) = self.rows.divide(row);
        // Two empty rows for each plane before, a plane before the first one, and an empty row.
        WindowPosition { row: (row + 2 * z + self.rows.divisor + 3) as u32, x: x as u32 }
    }

    /// The first word of a row in the window.
    #[inline(always)]
    fn base(&self, row: usize) -> usize {
        (row & (self.ring - 1)) * self.words
    }
}

/// Division by a number that is not known when this is compiled, without the instruction, which is slow.
#[derive(Debug, Clone, Copy)]
struct Divisor {
    divisor: u64,
    /// 2⁶⁴ / divisor, rounded down.
    reciprocal: u64,
}

impl Divisor {
    fn new(divisor: usize) -> Self {
        let divisor = divisor as u64;
        Self { divisor, reciprocal: u64::MAX.checked_div(divisor).unwrap_or(0) }
    }

    /// Quotient and remainder of a number below 2⁶³.
    #[inline(always)]
    fn divide(self, number: u64) -> (u64, u64) {
        let quotient = ((u128::from(number) * u128::from(self.reciprocal)) >> 64) as u64;
        let remainder = number - quotient * self.divisor;
        // What was rounded down makes the quotient too small by one at most.
        let more = u64::from(remainder >= self.divisor);
        (quotient + more, remainder - more * self.divisor)
    }
}

/// Where a voxel lies in a window.
#[derive(Debug, Clone, Copy)]
struct WindowPosition {
    /// The number of its row among all rows, the empty ones included, and its position in that.
    row: u32,
    x: u32,
}

/// Packed rows around the voxel that is looked at; empty between two uses.
#[derive(Debug)]
pub(crate) struct Window {
    layout: Layout,
    /// The words of the rows as bytes, for what is read of them may begin at any.
    bits: Vec<u8>,
    /// For each word with voxels the number of its first one; the high bits are those of the voxel that asks.
    first: Vec<u32>,
    /// The voxels that have entered since the scan began.
    positions: Vec<WindowPosition>,
}

/// The numbers of a voxel's neighbours; as many as there are.
pub(crate) type Found = [usize; MOST_NEIGHBOURS];

/// The plane, the row and the column of a direction, and for what is no direction those of the voxel itself.
const STEPS: [(u8, u8, u8); 32] = {
    let mut steps = [(1, 1, 1); 32];
    let mut bit = 0;
    while bit < 27 {
        steps[bit as usize] = (bit / 9, bit / 3 % 3, bit % 3);
        bit += 1;
    }
    steps
};

/// Rows of the ring that are there twice.
const AGAIN: usize = 2;

/// Bytes of a word.
const BYTES: usize = WORD / 8;

impl Window {
    /// An empty window.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub(crate) fn new(layout: Layout) -> Result<Self> {
        let words = (layout.ring + AGAIN) * layout.words;
        Ok(Self {
            layout,
            bits: try_zeros("the window", words * BYTES)?,
            first: try_zeros("the window", words)?,
            positions: Vec::new(),
        })
    }

    /// Calls `visit(node, mask, neighbours, count)` for each node in `range`, in order: which of the neighbours in `wanted` are in
    /// the list `nodes` of ascending linear indices, and their numbers, in order. It ends where `visit` says false.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub(crate) fn scan(
        &mut self,
        nodes: &[i64],
        range: Range<usize>,
        wanted: u32,
        visit: impl FnMut(usize, u32, &Found, usize) -> bool,
    ) -> Result<()> {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "bmi1,bmi2,popcnt,lzcnt")]
            fn with_bit_instructions(
                window: &mut Window,
                nodes: &[i64],
                range: Range<usize>,
                wanted: u32,
                visit: impl FnMut(usize, u32, &Found, usize) -> bool,
            ) -> Result<()> {
                window.scan_range(nodes, range, wanted, visit)
            }
            if width() != Width::Word {
                // SAFETY: the processor was asked for these features, which vectors need as well.
                return unsafe { with_bit_instructions(self, nodes, range, wanted, visit) };
            }
        }
        self.scan_range(nodes, range, wanted, visit)
    }

    #[inline(always)]
    fn scan_range(
        &mut self,
        nodes: &[i64],
        range: Range<usize>,
        wanted: u32,
        mut visit: impl FnMut(usize, u32, &Found, usize) -> bool,
    ) -> Result<()> {
        let layout = self.layout;
        let (between, reach) = (layout.plane(), layout.reach());
        let [first, last] = match &nodes[range.clone()] {
            [] => return Ok(()),
            [first, .., last] => [*first, *last],
            [only] => [*only; 2],
        };
        let wanted = wanted & !(1 << CENTRE);
        let row = |id: i64| layout.position(id).row as usize;
        // Voxels from `origin` on enter one after the other, and leave; those beyond `end` are never read.
        let (before, end) = (row(first) - reach, row(last) + reach + 1);
        let origin = nodes.partition_point(|&id| row(id) < before);
        let (mut entering, mut leaving) = (origin, origin);
        let mut entered = 0;
        self.positions.clear();
        let mut neighbours = [0; MOST_NEIGHBOURS];
        for node in range {
            let position = self.positions.get(node - origin).copied();
            let position = position.unwrap_or_else(|| layout.position(nodes[node]));
            let own = position.row as usize;
            if own + reach >= entered {
                leaving = self.leave(origin, leaving, own - reach);
                entered = (own - reach + layout.ring).min(end);
                entering = self.enter(nodes, entering, entered)?;
            }
            // The position before the voxel's own.
            let x = position.x as usize;
            let bases = [own - between - 1, own - 1, own + between - 1].map(|row| layout.base(row));
            let mut mask = 0;
            for (plane, base) in bases.into_iter().enumerate() {
                let rows = &self.bits[BYTES * base + x / 8..][..2 * BYTES * layout.words + size_of::<u32>()];
                for row in 0..3 {
                    let three = read_u32(rows, row * BYTES * layout.words) >> (x % 8) & 7;
                    mask |= three << (9 * plane + 3 * row);
                }
            }
            mask &= wanted;
            let mut left = mask;
            let mut next = || {
                let (z, y, column) = STEPS[(left | 1 << 31).trailing_zeros() as usize];
                left &= left.wrapping_sub(1);
                let at = x + usize::from(column);
                let word = bases[usize::from(z)] + usize::from(y) * layout.words + at / WORD;
                let before = read_u64(&self.bits, word) & ((1 << (at % WORD)) - 1);
                let ahead = self.first[word].wrapping_sub(node as u32).cast_signed() as isize;
                node.wrapping_add_signed(ahead).wrapping_add(before.count_ones() as usize)
            };
            neighbours[0] = next();
            neighbours[1] = next();
            let count = mask.count_ones() as usize;
            for neighbour in neighbours.iter_mut().take(count).skip(2) {
                *neighbour = next();
            }
            if !visit(node, mask, &neighbours, count) {
                break;
            }
        }
        self.leave(origin, leaving, usize::MAX);
        Ok(())
    }

    /// Lets voxels from the number `entering` on enter whose rows are before `end`; returns the number of the next one.
    #[inline(always)]
    fn enter(&mut self, nodes: &[i64], mut entering: usize, end: usize) -> Result<usize> {
        while let Some(&id) = nodes.get(entering) {
            let position = self.layout.position(id);
            if position.row as usize >= end {
                break;
            }
            self.positions.try_push("the window", position)?;
            let at = position.x as usize + 1;
            self.for_each_word(position, |bits, first| {
                let word = u64::from_le_bytes(*bits);
                *first = if word == 0 { entering as u32 } else { *first };
                *bits = (word | 1 << (at % WORD)).to_le_bytes();
            });
            entering += 1;
        }
        Ok(entering)
    }

    /// Lets voxels from the number `leaving` on leave whose rows are before `end`; returns the number of the next one.
    #[inline(always)]
    fn leave(&mut self, origin: usize, mut leaving: usize, end: usize) -> usize {
        while let Some(&position) = self.positions.get(leaving - origin) {
            if position.row as usize >= end {
                break;
            }
            self.for_each_word(position, |bits, _| *bits = [0; BYTES]);
            leaving += 1;
        }
        leaving
    }

    /// Runs over the words that hold a voxel: one, or two in rows that are there twice.
    #[inline(always)]
    fn for_each_word(&mut self, position: WindowPosition, run: impl Fn(&mut [u8; BYTES], &mut u32)) {
        let row = position.row as usize & (self.layout.ring - 1);
        let word = row * self.layout.words + (position.x as usize + 1) / WORD;
        let mut run_at = |word: usize| {
            let bits = self.bits[BYTES * word..].first_chunk_mut().expect("a word has all its bytes");
            run(bits, &mut self.first[word]);
        };
        run_at(word);
        if row < AGAIN {
            run_at(word + self.layout.ring * self.layout.words);
        }
    }
}

#[inline(always)]
fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("a row ends with a word that is read with its last one"))
}

/// The word of this number.
#[inline(always)]
fn read_u64(bytes: &[u8], word: usize) -> u64 {
    u64::from_le_bytes(*bytes[BYTES * word..].first_chunk().expect("a word has all its bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::random::Random;

    #[test]
    fn divides_as_the_instruction_does() {
        let mut random = Random(7);
        for divisor in [1, 2, 3, 5, 7, 64, 255, 1000, 65_537, (1 << 32) + 1, (1 << 62) - 1] {
            let checked = Divisor::new(divisor);
            let divisor = divisor as u64;
            for multiple in [0, 1, 2, 1000, u64::MAX] {
                let number = multiple.min((1 << 62) / divisor) * divisor;
                for number in [number.saturating_sub(1), number, number + 1, random.bits() >> 1] {
                    assert_eq!(checked.divide(number), (number / divisor, number % divisor), "{number} / {divisor}");
                }
            }
        }
    }
}
