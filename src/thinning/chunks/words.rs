//! Sparse words: only those of an image that hold voxels of interest, with their neighbours found beforehand.
//!
//! A word is known by its [`Key`], its place among the words of the whole image in raster order; so blocks at any offset cut
//! their voxels into the same words, and sorted keys are raster order. Index 0 is an empty word that stands for everything
//! that is not stored. Cost: 27 indices a word, found by 9 pointers that move through the sorted keys once.

use crate::bit_image::WORD;
use crate::errors::{Error, Result, try_filled, try_with_capacity};

/// The place of a word among the words of the image.
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
    /// [`Error::InvalidArgument`] if it has more than 2⁶³ words.
    pub fn new(shape: [usize; 3]) -> Result<Self> {
        let frame = Self { shape };
        let too_large =
            || Error::InvalidArgument { name: "shape", reason: "expected fewer than 2**63 voxels".to_owned() };
        frame.words().map(|_| frame).ok_or_else(too_large)
    }

    /// Words in a row.
    #[must_use]
    pub const fn words_in_row(&self) -> usize {
        self.shape[2].div_ceil(WORD)
    }

    /// The number of words, or `None` beyond 2⁶³.
    #[must_use]
    pub fn words(&self) -> Option<Key> {
        let factors = [self.shape[0], self.shape[1], self.words_in_row()];
        let words = factors.iter().try_fold(1_u64, |words, &factor| words.checked_mul(factor as u64));
        words.filter(|&words| i64::try_from(words).is_ok())
    }

    /// The key of a word.
    #[must_use]
    pub const fn key(&self, z: usize, y: usize, word: usize) -> Key {
        (z as u64 * self.shape[1] as u64 + y as u64) * self.words_in_row() as u64 + word as u64
    }

    /// The plane, row and word of a key.
    #[must_use]
    pub const fn place(&self, key: Key) -> [usize; 3] {
        let (row, word) = (key / self.words_in_row() as u64, key % self.words_in_row() as u64);
        [(row / self.shape[1] as u64) as usize, (row % self.shape[1] as u64) as usize, word as usize]
    }

    /// The bits of a word that lie in the image.
    #[must_use]
    pub const fn inside(&self, word: usize) -> u64 {
        let rest = self.shape[2] - word * WORD;
        if rest < WORD { (1 << rest) - 1 } else { u64::MAX }
    }

    /// The key of the word at an offset of −1, 0 or 1 along each axis, if there is one.
    #[must_use]
    pub fn neighbour(&self, place: [usize; 3], offset: [isize; 3]) -> Option<Key> {
        let moved =
            |axis: usize, length: usize| place[axis].checked_add_signed(offset[axis]).filter(|&at: &usize| at < length);
        Some(self.key(moved(0, self.shape[0])?, moved(1, self.shape[1])?, moved(2, self.words_in_row())?))
    }
}

/// The 27 words around a word: three for each of nine rows, raster order; 0 where none is stored.
pub type Around = [u32; 27];

/// The offset of a direction.
#[must_use]
pub const fn offset(direction: usize) -> [isize; 3] {
    [direction as isize / 9 - 1, direction as isize / 3 % 3 - 1, direction as isize % 3 - 1]
}

/// The neighbours of each stored word; `keys[0]` stands for the empty word and is not read.
///
/// # Errors
/// [`crate::errors::Error::OutOfMemory`].
pub fn around(frame: &Frame, keys: &[Key]) -> Result<Vec<Around>> {
    let mut all = try_filled("the neighbours of words", keys.len(), [0; 27])?;
    let mut next = [1_usize; 9];
    for (index, around) in all.iter_mut().enumerate().skip(1) {
        let place = frame.place(keys[index]);
        let (has_before, has_after) = (place[2] > 0, place[2] + 1 < frame.words_in_row());
        for (row, at) in next.iter_mut().enumerate() {
            let [dz, dy, _] = offset(3 * row + 1);
            let Some(wanted) = frame.neighbour(place, [dz, dy, 0]) else { continue };
            // The pointer stops at the word before, the word itself or the one after, whichever is stored first.
            while *at < keys.len() && keys[*at] + u64::from(has_before) < wanted {
                *at += 1;
            }
            let mut found = *at;
            for (dx, exists) in [has_before, true, has_after].into_iter().enumerate() {
                if exists && found < keys.len() && keys[found] + 1 == wanted + dx as u64 {
                    around[3 * row + dx] = found as u32;
                    found += 1;
                }
            }
        }
    }
    Ok(all)
}

/// Words by key, ascending, those of the same key joined.
///
/// # Errors
/// [`crate::errors::Error::OutOfMemory`].
pub fn union(lists: &[&[(Key, u64)]]) -> Result<Vec<(Key, u64)>> {
    let mut words = try_with_capacity("the words of chunks", lists.iter().map(|list| list.len()).sum())?;
    for list in lists {
        words.extend_from_slice(list);
    }
    words.sort_unstable();
    words.dedup_by(|next, word| {
        let same = next.0 == word.0;
        if same {
            word.1 |= next.1;
        }
        same
    });
    Ok(words)
}

/// The three words of a row around a word.
#[must_use]
#[inline(always)]
pub fn row(words: &[u64], around: &Around, at: usize) -> [u64; 3] {
    [0, 1, 2].map(|dx| words[around[3 * at + dx] as usize])
}

/// The neighbours of one voxel of a word, as a mask of 27.
#[must_use]
#[inline(always)]
pub fn neighbours(words: &[u64], around: &Around, bit: usize) -> u32 {
    let mut mask = 0;
    if (1..63).contains(&bit) {
        // All three voxels of each row are in one word.
        for at in 0..9 {
            mask |= ((words[around[3 * at + 1] as usize] >> (bit - 1) & 0b111) as u32) << (3 * at);
        }
    } else {
        for at in 0..9 {
            mask |= three(row(words, around, at), bit) << (3 * at);
        }
    }
    mask
}

/// The voxels at x − 1, x and x + 1 of a row.
#[must_use]
#[inline(always)]
pub fn three([before, word, after]: [u64; 3], bit: usize) -> u32 {
    let three = match bit {
        0 => word << 1 | before >> 63,
        63 => word >> 62 | after << 2,
        _ => word >> (bit - 1),
    };
    (three & 0b111) as u32
}

/// The voxels of a word that are in a set or have a neighbour in it; `word` tells the set.
#[inline(always)]
pub fn near(around: &Around, word: impl Fn(usize) -> u64) -> u64 {
    let mut all = [0; 3];
    for (direction, &index) in around.iter().enumerate() {
        all[direction % 3] |= word(index as usize);
    }
    let [before, word, after] = all;
    word | word << 1 | before >> 63 | word >> 1 | after << 63
}
