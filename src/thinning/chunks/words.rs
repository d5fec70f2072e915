//! Sparse words: only those of an image that hold voxels of interest, with their neighbours found beforehand.
//!
//! A word is known by its [`Key`], its position among the words of the whole image in raster order; so blocks at any offset cut
//! their voxels into the same words, and sorted keys are raster order. Words in a row lie side by side, with an empty one where
//! one that is not stored has a neighbour that is; so three words in a row need one index. Cost: 9 indices a word, looked up in
//! the rows around written out position by position, and up to two empty words for each run of words.

use std::ops::Range;

use crate::image::indices::check_shape;
use crate::image::word_shape::{self, logarithms};
use crate::support::allocate::{Grow, try_sort_by, try_with_capacity};
use crate::support::errors::Result;
use crate::thinning::words::batch::{Quad, around_word};

/// What lists of words are called when there is no memory for them.
pub(super) const WORDS: &str = "the words of chunks";

/// The position of a word among the words of the image.
pub type Key = u64;

/// The words of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Voxels along (z, y, x).
    pub shape: [usize; 3],
}

impl Frame {
    /// The words of an image of `shape`.
    ///
    /// # Errors
    /// That of [`check_shape`].
    pub fn new(shape: [usize; 3]) -> Result<Self> {
        check_shape(&shape)?;
        Ok(Self { shape })
    }

    /// Binary logarithms of the sides of a word.
    #[must_use]
    pub const fn log(&self) -> [u32; 3] {
        logarithms(self.shape[0])
    }

    /// Voxels of a word along an axis.
    #[must_use]
    pub const fn side(&self, axis: usize) -> usize {
        1 << self.log()[axis]
    }

    /// Words along an axis.
    #[must_use]
    pub const fn words_along(&self, axis: usize) -> usize {
        self.shape[axis].div_ceil(self.side(axis))
    }

    /// The number of words.
    #[must_use]
    pub fn words(&self) -> Key {
        (0..3).map(|axis| self.words_along(axis) as u64).product()
    }

    /// The key of a word.
    #[must_use]
    pub const fn key(&self, position: [usize; 3]) -> Key {
        (position[0] as u64 * self.words_along(1) as u64 + position[1] as u64) * self.words_along(2) as u64
            + position[2] as u64
    }

    /// The position of a key among the words along (z, y, x).
    #[must_use]
    pub const fn position(&self, key: Key) -> [usize; 3] {
        let [rows, words] = [self.words_along(1) as u64, self.words_along(2) as u64];
        let row = key / words;
        [(row / rows) as usize, (row % rows) as usize, (key % words) as usize]
    }

    /// The voxels that a word covers, from the first to the one after the last along each axis, as far as they are in the image.
    #[must_use]
    pub fn covered(&self, position: [usize; 3]) -> [[usize; 2]; 3] {
        [0, 1, 2].map(|axis| {
            let start = position[axis] * self.side(axis);
            [start, (start + self.side(axis)).min(self.shape[axis])]
        })
    }

    /// The bits of the word at `position` for the voxels of a box that lies within it.
    #[must_use]
    pub fn bits(&self, position: [usize; 3], voxels: [[usize; 2]; 3]) -> u64 {
        let within = |axis: usize| voxels[axis].map(|at| at - position[axis] * self.side(axis));
        word_shape::bits_of_box(self.log(), [within(0), within(1), within(2)])
    }

    /// The bits of a word that lie in the image.
    #[must_use]
    pub fn inside(&self, position: [usize; 3]) -> u64 {
        self.bits(position, self.covered(position))
    }

    /// The position of the word at an offset of −1, 0 or 1 along each axis, if there is one.
    #[must_use]
    pub fn moved(&self, position: [usize; 3], offset: [isize; 3]) -> Option<[usize; 3]> {
        let along = |axis: usize| {
            position[axis].checked_add_signed(offset[axis]).filter(|&at: &usize| at < self.words_along(axis))
        };
        Some([along(0)?, along(1)?, along(2)?])
    }

    /// The key of that word.
    #[must_use]
    pub fn neighbour(&self, position: [usize; 3], offset: [isize; 3]) -> Option<Key> {
        self.moved(position, offset).map(|position| self.key(position))
    }
}

/// The positions of keys, fast where one key after the other is in the same row of words.
#[derive(Debug)]
pub struct KeyPositions {
    frame: Frame,
    /// The keys of the row of the last one, and its position.
    keys: Range<Key>,
    row: [usize; 2],
}

impl KeyPositions {
    /// No key was asked for yet.
    #[must_use]
    pub const fn new(frame: Frame) -> Self {
        Self { frame, keys: 0..0, row: [0; 2] }
    }

    /// The position of a key.
    #[inline]
    pub fn key(&mut self, key: Key) -> [usize; 3] {
        if !self.keys.contains(&key) {
            let [z, y, x] = self.frame.position(key);
            let start = key - x as u64;
            self.keys = start..start + self.frame.words_along(2) as u64;
            self.row = [z, y];
        }
        [self.row[0], self.row[1], (key - self.keys.start) as usize]
    }
}

/// The words around a word: the middle one of three in each of nine rows.
pub type RowsAround = [u32; 9];

/// An index with empty words around it.
const NOTHING: u32 = 1;

/// The first index that holds a word of the image.
pub const FIRST: usize = 3;

/// Empty words after the last: two, and one that is read for the fourth of a quad.
const AFTER: usize = 3;

/// The keys by index. An empty word is put wherever one of a row is not stored but a neighbour along x is, so that the words
/// before and after each lie beside it in memory; it has the key before, so that the first index of a key is that of the word.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`].
pub fn with_gaps(frame: &Frame, words: impl ExactSizeIterator<Item = Key>) -> Result<Vec<Key>> {
    let mut keys = try_with_capacity(WORDS, 2 * words.len())?;
    keys.try_extend(WORDS, [0; FIRST])?;
    let mut row = 0..0;
    let mut last: Option<Key> = None;
    for key in words {
        if let Some(last) = last {
            // Of what is not stored between two words of a row, the first and the last have neighbours that are.
            let gap = if row.contains(&key) { (key - last - 1).min(2) } else { 2 };
            keys.try_extend(WORDS, std::iter::repeat_n(last, gap as usize))?;
        }
        if !row.contains(&key) {
            let along = frame.words_along(2) as u64;
            let start = key / along * along;
            row = start..start + along;
        }
        keys.try_push(WORDS, key)?;
        last = Some(key);
    }
    keys.try_extend(WORDS, [last.unwrap_or(0); AFTER])?;
    Ok(keys)
}

/// The offset of a direction.
#[must_use]
pub const fn offset(direction: usize) -> [isize; 3] {
    [direction as isize / 9 - 1, direction as isize / 3 % 3 - 1, direction as isize % 3 - 1]
}

/// A row of words.
#[derive(Debug)]
pub struct Row {
    /// Its number among those of the image.
    pub number: Key,
    /// The indices of its words.
    pub words: Range<usize>,
}

/// The rows of keys [`with_gaps`], with the empty words after each.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`].
pub fn rows(frame: &Frame, keys: &[Key]) -> Result<Vec<Row>> {
    let along = frame.words_along(2) as u64;
    let mut rows = Vec::new();
    let mut start = FIRST;
    while start < keys.len() - AFTER {
        let number = keys[start] / along;
        let next = (number + 1) * along;
        let end = start + keys[start..keys.len() - AFTER].iter().take_while(|&&key| key < next).count();
        rows.try_push(WORDS, Row { number, words: start..end })?;
        start = end;
    }
    Ok(rows)
}

/// So many words along x are looked up at a time.
const WINDOW: usize = 1 << 10;

/// The index at each position of a row from two words before a window to one after it.
type Indices = [u32; WINDOW + 4];

const EMPTY: Indices = [NOTHING; WINDOW + 4];

/// A part of a row of words by position, with the empty words that are stored beside words.
struct Line {
    indices: Box<Indices>,
    /// The key at the beginning of the window.
    window: Option<Key>,
    /// The positions that are written.
    written: Range<usize>,
}

impl Line {
    fn new() -> Self {
        Self { indices: Box::new(EMPTY), window: None, written: 0..0 }
    }

    /// Shows a row's words in the window of keys that begins with `window`.
    fn show(&mut self, row: &Row, window: Key, keys: &[Key]) {
        if self.window.replace(window) == Some(window) {
            return;
        }
        self.indices[self.written.clone()].fill(NOTHING);
        let end = window + WINDOW as u64;
        let all = &keys[row.words.clone()];
        let within = all.partition_point(|&key| key + 1 < window)..all.partition_point(|&key| key <= end);
        let position = |key: Key| (key + 1 - window) as usize;
        let shown = &all[within.clone()];
        self.written = shown.first().map_or(0, |&key| position(key))..shown.last().map_or(0, |&key| position(key) + 3);
        // From the last to the first, so that each word overwrites what the empty ones after it say.
        let first = (row.words.start + within.start) as u32;
        for (&key, index) in shown.iter().zip(first..first + shown.len() as u32).rev() {
            self.indices[position(key)..][..3].copy_from_slice(&[index - 1, index, index + 1]);
        }
    }
}

/// The words around each word, of keys [`with_gaps`] in these rows.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`].
pub fn around(frame: &Frame, keys: &[Key], rows: &[Row]) -> Result<Vec<RowsAround>> {
    let mut all = try_with_capacity("the neighbours of words", keys.len())?;
    all.extend([[NOTHING; 9]; FIRST]);
    let along = frame.words_along(2) as u64;
    // The three rows of each of three planes, each shown until the row three further on is, or its next window.
    let mut lines: [Line; 9] = std::array::from_fn(|_| Line::new());
    let mut next = [0; 9];
    for own in rows {
        let position = frame.position(own.number * along);
        let around: [Option<&Row>; 9] = std::array::from_fn(|row| {
            let [dz, dy, _] = offset(3 * row + 1);
            let wanted = frame.neighbour(position, [dz, dy, 0])? / along;
            let at = &mut next[row];
            while rows.get(*at)?.number < wanted {
                *at += 1;
            }
            rows.get(*at).filter(|row| row.number == wanted)
        });
        let line = |row: usize, shown: &Row| row / 3 * 3 + (shown.number % 3) as usize;
        let mut rest = own.words.clone();
        while !rest.is_empty() {
            let start = (keys[rest.start] - own.number * along) / WINDOW as u64 * WINDOW as u64;
            for (row, shown) in around.iter().enumerate().filter_map(|(row, shown)| Some((row, (*shown)?))) {
                lines[line(row, shown)].show(shown, shown.number * along + start, keys);
            }
            let shown: [&Indices; 9] =
                std::array::from_fn(|row| around[row].map_or(&EMPTY, |shown| &*lines[line(row, shown)].indices));
            let window = own.number * along + start;
            let count = keys[rest.clone()].partition_point(|&key| key < window + WINDOW as u64);
            all.extend((rest.start..rest.start + count).map(|index| {
                if index > FIRST && keys[index] == keys[index - 1] {
                    return [NOTHING; 9];
                }
                let position = (keys[index] + 2 - window) as usize;
                shown.map(|indices| indices[position])
            }));
            rest.start += count;
        }
    }
    all.extend([[NOTHING; 9]; AFTER]);
    Ok(all)
}

/// Words by key, ascending, those of the same key joined.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`].
pub fn union(lists: &[&[(Key, u64)]]) -> Result<Vec<(Key, u64)>> {
    let mut words = try_with_capacity("the words of chunks", lists.iter().map(|list| list.len()).sum())?;
    for list in lists {
        words.extend_from_slice(list);
    }
    if lists.len() > 1 || !words.is_sorted() {
        try_sort_by(WORDS, &mut words, Ord::cmp)?;
    }
    words.dedup_by(|next, word| {
        let same = next.0 == word.0;
        if same {
            word.1 |= next.1;
        }
        same
    });
    Ok(words)
}

/// The words of a row around a word.
#[must_use]
#[inline(always)]
pub fn row(words: &[u64], around: &RowsAround, at: usize) -> Quad {
    around_word(words, around[at] as usize)
}

/// One of the words of a row around a word.
#[must_use]
#[inline(always)]
pub const fn at(words: &[u64], around: &RowsAround, row: usize, dx: usize) -> u64 {
    words[around[row] as usize + dx - 1]
}

/// The index of the word in a direction.
#[must_use]
#[inline(always)]
pub const fn word(around: &RowsAround, direction: usize) -> usize {
    around[direction / 3] as usize + direction % 3 - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::random::Random;

    #[test]
    fn finds_the_words_around_each_as_a_search_does() {
        for shape in [[12, 18, 30], [5, 9, 4 * WINDOW + 20], [1, 20, 16 * WINDOW + 3]] {
            compare(Frame { shape });
        }
    }

    fn compare(frame: Frame) {
        let along = [0, 1, 2].map(|axis| frame.words_along(axis));
        let count = frame.words();
        let mut random = Random(9);
        for keep in [0, 1, 2, 4, 7, 8] {
            let words: Vec<(Key, u64)> =
                (0..count).filter_map(|key| (random.below(8) < keep).then_some((key, key + 1))).collect();
            let keys = with_gaps(&frame, words.iter().map(|word| word.0)).unwrap();
            let mut stored = vec![0; keys.len()];
            for &(key, word) in &words {
                let index = FIRST + keys[FIRST..].partition_point(|&stored| stored < key);
                assert_eq!((keys[index], stored[index]), (key, 0));
                stored[index] = word;
            }
            let all = around(&frame, &keys, &rows(&frame, &keys).unwrap()).unwrap();
            for (index, around) in all.iter().enumerate().filter(|&(index, _)| stored[index] != 0) {
                for direction in 0..27 {
                    let neighbour = frame.neighbour(frame.position(keys[index]), offset(direction));
                    let expected = neighbour.filter(|&key| words.binary_search(&(key, key + 1)).is_ok());
                    let expected = expected.map_or(0, |key| key + 1);
                    assert_eq!(at(&stored, around, direction / 3, direction % 3), expected, "{along:?} {direction}");
                    assert_eq!(stored[word(around, direction)], expected);
                    assert_eq!(row(&stored, around, direction / 3)[direction % 3], expected);
                }
            }
        }
    }
}
