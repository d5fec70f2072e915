//! The words of a region and of its edge, sorted and numbered for a simulation.

use super::region::Region;
use super::residue::Residue;
use super::words::{FIRST, Key, KeyPositions, RowsAround, WORDS, around, offset, rows, union, with_gaps};
use crate::support::allocate::{Grow, try_collect, try_sort_by, try_zeros};
use crate::support::errors::{Result, check_numbers};

/// What the arrays of a simulation are called when there is no memory for them.
pub(super) const STATE: &str = "the state of chunks";

/// The words that a run works on, by index, and empty ones between them.
pub(super) struct Stored {
    pub(super) keys: Vec<Key>,
    pub(super) around: Vec<RowsAround>,
    /// The row of words that each lies in, as the number of rows before, and the plane of each row.
    pub(super) rows: Vec<u32>,
    pub(super) planes: Vec<u64>,
    pub(super) mine: Vec<u64>,
    pub(super) scripted: Vec<u64>,
    pub(super) beyond: Vec<u64>,
    /// The words at the edge of the region.
    pub(super) edge: Vec<u32>,
}

impl Stored {
    pub(super) fn new(part: &Residue, region: &Region) -> Result<Self> {
        let scripted = try_collect(WORDS, part.script.iter().map(|script| (script.key, script.voxels)))?;
        let scripted = union(&[&scripted])?;
        let mut words = union(&[&part.undecided, &scripted])?;
        let mut position_of = KeyPositions::new(part.frame);
        // Words at the edge of the region, and those beyond that hold nothing but unknown voxels next to the foreground.
        let (mut edge, mut halo) = (Vec::new(), Vec::new());
        let interior = region.interior(&part.frame);
        for &(key, _) in &words {
            let position = position_of.key(key);
            if (0..3).all(|axis| interior[axis].contains(&position[axis])) {
                continue;
            }
            let inside = region.inside_around(&part.frame, position);
            if inside != [[true; 3]; 3] {
                edge.try_push(WORDS, (key, inside))?;
            }
        }
        // Each of the rows of words around gives its words in order.
        for [z, y] in (0..9).map(|row| [row / 3, row % 3]) {
            let mut next = 0;
            for &(key, inside) in &edge {
                let row_is_inside = inside[0][z] && inside[1][y];
                for x in (0..3).filter(|&x| !(row_is_inside && inside[2][x])) {
                    let neighbour = part.frame.neighbour(position_of.key(key), offset(9 * z + 3 * y + x));
                    if let Some(neighbour) = neighbour.filter(|&neighbour| neighbour >= next) {
                        halo.try_push(WORDS, neighbour)?;
                        next = neighbour + 1;
                    }
                }
            }
        }
        halo.sort_unstable();
        halo.dedup();
        let halo = halo.into_iter().map(|key| (key, region.beyond(&part.frame, position_of.key(key))));
        let halo = try_collect(WORDS, halo.filter(|word| word.1 != 0))?;
        words.try_extend_from_slice(WORDS, &halo)?;
        // Sorted lists one after the other, which this sort merges; as below.
        try_sort_by(WORDS, &mut words, Ord::cmp)?;
        words.dedup_by_key(|word| word.0);
        let at_edge = edge.iter().map(|&(key, _)| (key, region.beyond(&part.frame, position_of.key(key))));
        let mut beyond = try_collect(WORDS, at_edge)?;
        beyond.try_extend_from_slice(WORDS, &halo)?;
        try_sort_by(WORDS, &mut beyond, Ord::cmp)?;
        beyond.dedup();
        let keys = with_gaps(&part.frame, words.iter().map(|word| word.0))?;
        check_numbers("chunks", keys.len())?;
        let all_rows = rows(&part.frame, &keys)?;
        let mut row_of_word = try_zeros(WORDS, keys.len())?;
        for (row, number) in all_rows.iter().zip(0..) {
            row_of_word[row.words.clone()].fill(number);
        }
        let planes = all_rows.iter().map(|row| row.number / part.frame.words_along(1) as u64);
        Ok(Self {
            around: around(&part.frame, &keys, &all_rows)?,
            rows: row_of_word,
            planes: try_collect(WORDS, planes)?,
            mine: spread(&part.undecided, &keys)?,
            scripted: spread(&scripted, &keys)?,
            beyond: spread(&beyond, &keys)?,
            edge: try_collect(WORDS, indices(&edge, &keys).map(|(index, _)| index as u32))?,
            keys,
        })
    }

    /// Voxels by key, for each word that has any.
    pub(super) fn list(&self, voxels: impl Fn(usize) -> u64) -> Result<Vec<(Key, u64)>> {
        let words = (FIRST..self.keys.len()).map(|index| (self.keys[index], voxels(index)));
        try_collect(WORDS, words.filter(|word| word.1 != 0))
    }

    /// The index of a stored word.
    pub(super) fn index(&self, key: Key) -> usize {
        FIRST + self.keys[FIRST..].partition_point(|&stored| stored < key)
    }
}

/// Words by key as words by index.
fn spread(words: &[(Key, u64)], keys: &[Key]) -> Result<Vec<u64>> {
    let mut all = try_zeros(STATE, keys.len())?;
    for (index, &voxels) in indices(words, keys) {
        all[index] = voxels;
    }
    Ok(all)
}

/// What is given by ascending keys of words, by index.
fn indices<'a, T>(words: &'a [(Key, T)], keys: &[Key]) -> impl Iterator<Item = (usize, &'a T)> {
    let mut index = FIRST;
    words.iter().map(move |(key, value)| {
        while keys[index] < *key {
            index += 1;
        }
        (index, value)
    })
}
