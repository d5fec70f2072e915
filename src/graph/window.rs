//! The neighbours of listed voxels, found in a window of packed rows that moves through the list.
//!
//! A voxel's neighbours lie on nine rows: those next to its own in its plane and in the planes before and after. The window
//! holds the rows of three planes, one bit a voxel, in a ring: voxels enter a plane and a row ahead of the one that is looked at and leave
//! as far behind it. So the 27 bits of a neighbourhood are nine shifts and no search, and how they come out needs no branch
//! to be predicted. A row has an empty place before and after it, a plane an empty row: nothing asks where the image ends.
//! A neighbour's number is that of the first voxel in its word, which is noted when it enters, and the bits before it.
//!
//! Bit `9 (dz + 1) + 3 (dy + 1) + (dx + 1)` of a mask is the neighbour at (dz, dy, dx), as in [`crate::neighbourhood`]. An image
//! with fewer axes is one whose middle axis, or first two, are of length 1.
//!
//! Cost: some 60 instructions a voxel and 15 a neighbour; 3/16 byte for each voxel of three planes, which stays in the second
//! level of the cache up to planes of about 1500². Each range of voxels begins with those of the plane before it.

use std::ops::Range;

use crate::bit_image::{WORD, try_zeros};
use crate::buffers::Grow;
use crate::errors::Result;
use crate::neighbourhood::CENTRE;

/// The neighbours of a voxel at most.
pub(crate) const MOST_NEIGHBOURS: usize = 26;

/// Where the rows of an image lie in a window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// The lengths of the last two axes.
    length: i64,
    rows: i64,
    /// Words of a row in the window, and rows, a power of two.
    words: usize,
    ring: usize,
}

impl Layout {
    const LARGEST_WINDOW: usize = 1 << 23;

    /// The layout for an image of this shape; none if it has more than three axes or planes that are too large.
    pub(crate) fn new(shape: &[usize]) -> Option<Self> {
        let (rows, length) = match *shape {
            [length] | [_, length] => (1, length),
            [_, rows, length] => (rows, length),
            _ => return None,
        };
        // The empty places around a row, and a word after it that is read with its last one.
        let words = length.checked_add(2)?.div_ceil(WORD) + 1;
        let ring = rows.checked_mul(2)?.checked_add(7)?.checked_next_power_of_two()?;
        let layout = Self { length: length as i64, rows: rows as i64, words, ring };
        // Rows are numbered in 32 bits.
        let planes = if shape.len() == 1 { 1 } else { shape[0] };
        let numbered = u32::try_from(planes.checked_add(2)?.checked_mul(layout.plane())?).is_ok();
        (numbered && ring.checked_mul(words)? <= Self::LARGEST_WINDOW).then_some(layout)
    }

    /// Rows from a plane to the next, an empty one on both sides.
    fn plane(&self) -> usize {
        self.rows as usize + 2
    }

    /// How many rows before and after its own a voxel has neighbours.
    fn reach(&self) -> usize {
        self.plane() + 1
    }

    #[inline]
    fn row_of(&self, id: i64) -> Row {
        let row = id / self.length;
        let (z, y) = (row / self.rows, row % self.rows);
        Row { start: row * self.length, y, number: (z as usize + 1) * self.plane() + y as usize + 1 }
    }

    /// The row of `id`, which is not before `row`; rows that follow each other are reached without a division.
    #[inline(always)]
    fn advance(&self, mut row: Row, id: i64) -> Row {
        const STEPS: usize = 4;
        for _ in 0..STEPS {
            if id < row.start + self.length {
                return row;
            }
            row.start += self.length;
            row.y += 1;
            row.number += 1;
            if row.y == self.rows {
                row.y = 0;
                row.number += 2;
            }
        }
        if id < row.start + self.length { row } else { self.row_of(id) }
    }

    fn base(&self, row: usize) -> usize {
        (row & (self.ring - 1)) * self.words
    }
}

/// A row of the image: the linear index of its first voxel, its place in its plane, and its number among all rows, the empty
/// ones included.
#[derive(Clone, Copy)]
struct Row {
    start: i64,
    y: i64,
    number: usize,
}

/// Where a voxel lies in a window.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The number of its row, and its place in that.
    row: u32,
    x: u32,
}

/// Packed rows around the voxel that is looked at; empty between two uses.
#[derive(Debug)]
pub(crate) struct Window {
    layout: Layout,
    bits: Vec<u64>,
    /// For each word with voxels the number of its first one; the high bits are those of the voxel that asks.
    first: Vec<u32>,
    /// The voxels that have entered since the scan began.
    places: Vec<Place>,
}

impl Window {
    /// An empty window.
    ///
    /// # Errors
    /// [`crate::errors::Error::OutOfMemory`].
    pub(crate) fn new(layout: Layout) -> Result<Self> {
        let words = layout.ring * layout.words;
        Ok(Self {
            layout,
            bits: try_zeros("the window", words)?,
            first: try_zeros("the window", words)?,
            places: Vec::new(),
        })
    }

    /// Calls `visit(node, mask, neighbours)` for each node in `range`, in order: which of the neighbours in `wanted` are in the
    /// list `nodes` of ascending linear indices, and their numbers, in order. It ends with the first error of `visit`.
    pub(crate) fn scan(
        &mut self,
        nodes: &[i64],
        range: Range<usize>,
        wanted: u32,
        mut visit: impl FnMut(usize, u32, &[usize]) -> Result<()>,
    ) -> Result<()> {
        let layout = self.layout;
        let (between, reach) = (layout.plane(), layout.reach());
        let Some(&first) = nodes[range.clone()].first() else { return Ok(()) };
        let wanted = wanted & !(1 << CENTRE);
        let before = layout.row_of(first).number - reach;
        // Voxels from `origin` on enter one after the other, and leave.
        let origin = nodes.partition_point(|&id| layout.row_of(id).number < before);
        let (mut entering, mut leaving) = (origin, origin);
        let mut row_entering = layout.row_of(nodes[origin]);
        let mut row = None;
        self.places.clear();
        let mut bases = [0; 9];
        let mut neighbours = [0; MOST_NEIGHBOURS];
        let mut result = Ok(());
        for node in range {
            let own = match self.places.get(node - origin) {
                Some(place) => place.row as usize,
                None => layout.advance(row_entering, nodes[node]).number,
            };
            if row != Some(own) {
                row = Some(own);
                while leaving < entering {
                    let place = self.places[leaving - origin];
                    if place.row as usize + reach >= own {
                        break;
                    }
                    self.bits[word_of(&layout, place).0] = 0;
                    leaving += 1;
                }
                while let Some(&id) = nodes.get(entering) {
                    row_entering = layout.advance(row_entering, id);
                    if row_entering.number > own + reach {
                        break;
                    }
                    let place = Place { row: row_entering.number as u32, x: (id - row_entering.start) as u32 };
                    self.places.try_push("the window", place)?;
                    let (word, bit) = word_of(&layout, place);
                    if self.bits[word] == 0 {
                        self.first[word] = entering as u32;
                    }
                    self.bits[word] |= 1 << bit;
                    entering += 1;
                }
                let corner = own - between - 1;
                bases = std::array::from_fn(|line| layout.base(corner + line / 3 * between + line % 3));
            }
            // The place before the voxel's own.
            let x = self.places[node - origin].x as usize;
            let (word, bit) = (x / WORD, x % WORD);
            let mut mask = 0;
            for (line, base) in bases.into_iter().enumerate() {
                let pair = &self.bits[base + word..base + word + 2];
                let three = (pair[0] >> bit | pair[1] << 1 << (WORD - 1 - bit)) & 7;
                mask |= (three as u32) << (3 * line);
            }
            mask &= wanted;
            let (mut left, mut count) = (mask, 0);
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                let at = x + bit % 3;
                let word = bases[bit / 3] + at / WORD;
                let before = self.bits[word] & ((1 << (at % WORD)) - 1);
                let ahead = self.first[word].wrapping_sub(node as u32).cast_signed() as isize;
                neighbours[count] = node.wrapping_add_signed(ahead) + before.count_ones() as usize;
                count += 1;
            }
            result = visit(node, mask, &neighbours[..count]);
            if result.is_err() {
                break;
            }
        }
        for &place in &self.places[leaving - origin..] {
            self.bits[word_of(&layout, place).0] = 0;
        }
        result
    }
}

/// The word of a voxel and its bit in that.
#[inline]
fn word_of(layout: &Layout, place: Place) -> (usize, usize) {
    let at = place.x as usize + 1;
    (layout.base(place.row as usize) + at / WORD, at % WORD)
}
