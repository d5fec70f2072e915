//! Thinning in plain chunks, merged in any order, voxel for voxel the thinning of the whole image.
//!
//! **Map** ([`thin_chunk`]): each chunk is thinned with everything beyond it unknown ([`simulation`]). Voxels that never were
//! unknown are *decided*, with the border step that deletes them or none; the others are *undecided*, and near the chunk's
//! faces. **Residue**: the undecided voxels, and those decided foreground voxels that touch an undecided voxel or one that is
//! not known, with their steps. The rest of a chunk is final and stays behind. **Merge** ([`merge`]): the undecided voxels of
//! several residues are run again from step 0, the decided ones following their script; more is known now, so more gets
//! decided. When the region is the whole image nothing is unknown and every voxel has the sequential method's decision.
//! **Finish** ([`write_chunk`]): the chunk's final voxels and those that merges left in it.
//!
//! Why it is exact: a decided voxel's history holds for every image beyond the region, so a later run may replay it; an
//! undecided voxel's neighbours are all in the residue. Merging is associative and commutative, since a voxel's history does not
//! depend on what was known when.
//!
//! Cost: a map is a thinning; a residue holds some voxels for each voxel of foreground on the chunk's faces, more where objects
//! are thick against the chunk (a tenth of the foreground of a vessel tree in chunks of 128³); a merge costs some hundred
//! nanoseconds an undecided voxel.

pub mod doubt;
pub mod region;
mod simulation;
pub mod words;

use ndarray::{ArrayView3, ArrayViewMut3};

use self::region::{Box3, Region};
use self::simulation::{Event, Simulation};
use self::words::{Around, FIRST, Frame, Key, Places, around, offset, rows, union, with_gaps};
use crate::image::bit_image::BitImage;
use crate::image::elements::Element;
use crate::image::word_shape::{Cube, Square, place_of, set_bits};
use crate::support::allocate::{Grow, try_collect, try_copy, try_sort_by, try_with_capacity, try_zeros};
use crate::support::errors::{Error, Result, check_numbers};
use crate::support::threads::Monitor;
use crate::thinning::method::Method;

/// What lists are called when there is no memory for them.
const WORDS: &str = "the words of chunks";
const SCRIPT: &str = "the script of chunks";
const STATE: &str = "the state of chunks";
const BOXES: &str = "the boxes of chunks";

/// The step of a decided voxel that is never deleted.
pub const NEVER: u32 = u32::MAX;

/// Voxels of a word with the step that deletes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scripted {
    /// The border step, or [`NEVER`].
    pub step: u32,
    /// The word.
    pub key: Key,
    /// The voxels.
    pub voxels: u64,
}

/// What a merge needs to know of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Residue {
    /// The words of the whole image.
    pub frame: Frame,
    /// How it is thinned.
    pub method: Method,
    /// The region.
    pub boxes: Vec<Box3>,
    /// Voxels that what is beyond the region may still decide, by key.
    pub undecided: Vec<(Key, u64)>,
    /// Decided foreground next to undecided voxels or to what is beyond, by step.
    pub script: Vec<Scripted>,
}

/// A region after its thinning or merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The skeleton's voxels that were decided here, by key.
    pub kept: Vec<(Key, u64)>,
    /// What is left to decide.
    pub residue: Residue,
}

/// Thins a region whose foreground is given as words by key.
///
/// # Errors
/// [`Error::OutOfMemory`]; [`Error::Interrupted`] through `monitor`; [`Error::InvalidArgument`] if boxes overlap.
///
/// # Panics
/// If the method is Zhang's and the image has more than one plane.
pub fn thin_words(
    foreground: Vec<(Key, u64)>,
    boxes: Vec<Box3>,
    frame: Frame,
    method: Method,
    monitor: &Monitor,
) -> Result<Resolved> {
    assert!(method.is_for(frame.shape[0]), "Zhang's method is for 2D images");
    resolve(&Residue { frame, method, boxes, undecided: foreground, script: Vec::new() }, monitor)
}

/// Joins residues of one image, of regions that share no voxel, in any order.
///
/// # Errors
/// [`Error::InvalidArgument`] if there is none, if they are of different images or methods, or if regions overlap;
/// [`Error::OutOfMemory`]; [`Error::Interrupted`] through `monitor`.
pub fn merge(residues: &[&Residue], monitor: &Monitor) -> Result<Resolved> {
    let invalid = |reason: String| Error::InvalidArgument { name: "chunks", reason };
    let first = residues.first().ok_or_else(|| invalid("expected at least one, got none".to_owned()))?;
    for residue in residues {
        if residue.frame != first.frame {
            let shapes = (first.frame.shape, residue.frame.shape);
            return Err(invalid(format!("expected parts of one image, got shapes {:?} and {:?}", shapes.0, shapes.1)));
        }
        if residue.method != first.method {
            let methods = (first.method, residue.method);
            return Err(invalid(format!("expected parts thinned by one method, got {} and {}", methods.0, methods.1)));
        }
    }
    let lists = try_collect(WORDS, residues.iter().map(|residue| residue.undecided.as_slice()))?;
    let undecided = union(&lists)?;
    let mut script = try_with_capacity(SCRIPT, residues.iter().map(|residue| residue.script.len()).sum())?;
    for residue in residues {
        script.extend_from_slice(&residue.script);
    }
    // Sorted lists one after the other, which this sort merges; as below.
    try_sort_by(SCRIPT, &mut script, Ord::cmp)?;
    let boxes = try_collect(BOXES, residues.iter().flat_map(|residue| residue.boxes.iter().copied()))?;
    resolve(&Residue { frame: first.frame, method: first.method, boxes, undecided, script }, monitor)
}

/// The foreground of a chunk at `offset` of the image, the voxels with any bit of `mask`, as words by key.
///
/// # Errors
/// [`Error::OutOfMemory`], or [`Error::Interrupted`] through `monitor`.
///
/// # Panics
/// If the chunk does not lie in the image.
pub fn chunk_words<T: Element>(
    chunk: &ArrayView3<'_, T>,
    mask: T,
    offset: [usize; 3],
    frame: &Frame,
    monitor: &Monitor,
) -> Result<Vec<(Key, u64)>> {
    assert!((0..3).all(|axis| offset[axis] + chunk.shape()[axis] <= frame.shape[axis]), "the chunk lies in the image");
    let (first, origin) =
        ([0, 1, 2].map(|axis| offset[axis] / frame.side(axis)), [0, 1, 2].map(|axis| offset[axis] % frame.side(axis)));
    let packed = BitImage::pack_at(origin, chunk, mask, frame.log(), monitor)?;
    let filled = packed.words().iter().filter(|&&word| word != 0).count();
    let mut words = try_with_capacity(WORDS, filled)?;
    for (z, y) in (0..packed.words_along(0)).flat_map(|z| (0..packed.words_along(1)).map(move |y| (z, y))) {
        let row = &packed.words()[packed.index(z, y)..][..packed.words_along(2)];
        let start = frame.key([first[0] + z, first[1] + y, first[2]]);
        words.extend((start..).zip(row.iter().copied()).filter(|word| word.1 != 0));
    }
    Ok(words)
}

/// The words that a run works on, by index, and empty ones between them.
struct Stored {
    keys: Vec<Key>,
    around: Vec<Around>,
    /// The row of words that each lies in, as the number of rows before, and the plane of each row.
    rows: Vec<u32>,
    planes: Vec<u64>,
    mine: Vec<u64>,
    scripted: Vec<u64>,
    beyond: Vec<u64>,
    /// The words at the edge of the region.
    edge: Vec<u32>,
}

impl Stored {
    fn new(part: &Residue, region: &Region) -> Result<Self> {
        let scripted = try_collect(WORDS, part.script.iter().map(|script| (script.key, script.voxels)))?;
        let scripted = union(&[&scripted])?;
        let mut words = union(&[&part.undecided, &scripted])?;
        let mut place_of = Places::new(part.frame);
        // Words at the edge of the region, and those beyond that hold nothing but unknown voxels next to the foreground.
        let (mut edge, mut halo) = (Vec::new(), Vec::new());
        let interior = region.interior(&part.frame);
        for &(key, _) in &words {
            let place = place_of.key(key);
            if (0..3).all(|axis| interior[axis].contains(&place[axis])) {
                continue;
            }
            let inside = region.inside_around(&part.frame, place);
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
                    let neighbour = part.frame.neighbour(place_of.key(key), offset(9 * z + 3 * y + x));
                    if let Some(neighbour) = neighbour.filter(|&neighbour| neighbour >= next) {
                        halo.try_push(WORDS, neighbour)?;
                        next = neighbour + 1;
                    }
                }
            }
        }
        halo.sort_unstable();
        halo.dedup();
        let halo = halo.into_iter().map(|key| (key, region.beyond(&part.frame, place_of.key(key))));
        let halo = try_collect(WORDS, halo.filter(|word| word.1 != 0))?;
        words.try_extend_from_slice(WORDS, &halo)?;
        // Sorted lists one after the other, which this sort merges; as below.
        try_sort_by(WORDS, &mut words, Ord::cmp)?;
        words.dedup_by_key(|word| word.0);
        let at_edge = edge.iter().map(|&(key, _)| (key, region.beyond(&part.frame, place_of.key(key))));
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
    fn list(&self, voxels: impl Fn(usize) -> u64) -> Result<Vec<(Key, u64)>> {
        let words = (FIRST..self.keys.len()).map(|index| (self.keys[index], voxels(index)));
        try_collect(WORDS, words.filter(|word| word.1 != 0))
    }

    /// The index of a stored word.
    fn index(&self, key: Key) -> usize {
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

/// Runs the undecided voxels of a region among its script.
fn resolve(part: &Residue, monitor: &Monitor) -> Result<Resolved> {
    let region = Region::new(part.frame.shape, &part.boxes)?.map_err(|overlap| Error::InvalidArgument {
        name: "chunks",
        reason: format!(
            "expected parts that share no voxel, got {} and {}",
            described(&overlap.0),
            described(&overlap.1)
        ),
    })?;
    let stored = Stored::new(part, &region)?;
    let deletions = part.script.iter().filter(|script| script.step != NEVER);
    let mut events = try_collect(
        SCRIPT,
        deletions.map(|script| Event {
            step: script.step,
            word: stored.index(script.key) as u32,
            voxels: script.voxels,
        }),
    )?;
    events.sort_unstable();
    let outcome = if part.frame.shape[0] == 1 {
        Simulation::<Square>::new(part, &stored)?.run(&events, monitor)?
    } else {
        Simulation::<Cube>::new(part, &stored)?.run(&events, monitor)?
    };

    let decided = |index: usize| stored.mine[index] & !outcome.unknown[index];
    let kept = |index: usize| stored.mine[index] & outcome.sure[index];
    let old = part.script.iter().map(|script| (stored.index(script.key), script.step, script.voxels));
    // Damaged data may have voxels that are in the script and undecided as well.
    let new = outcome.log.iter().map(|event| {
        let word = event.word as usize;
        (word, event.step, event.voxels & decided(word))
    });
    let never = (FIRST..stored.keys.len()).map(|word| (word, NEVER, kept(word)));
    let all = old.chain(new).chain(never).map(|(word, step, voxels)| Scripted {
        step,
        key: stored.keys[word],
        // What another region's run may ask about: the decided foreground next to what is undecided or beyond.
        voxels: voxels & outcome.near_unknown[word],
    });
    let mut script = try_collect(SCRIPT, all.filter(|script| script.voxels != 0))?;
    try_sort_by(SCRIPT, &mut script, Ord::cmp)?;
    Ok(Resolved {
        kept: stored.list(kept)?,
        residue: Residue {
            boxes: try_copy(BOXES, region.boxes())?,
            undecided: stored.list(|index| stored.mine[index] & outcome.unknown[index])?,
            script,
            frame: part.frame,
            method: part.method,
        },
    })
}

impl Residue {
    /// A box of the image that the region lacks, if there is one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if its boxes overlap; [`Error::OutOfMemory`].
    pub fn missing(&self) -> Result<Option<Box3>> {
        let region = Region::new(self.frame.shape, &self.boxes)?
            .map_err(|_| Error::InvalidArgument { name: "merged", reason: "its boxes overlap".to_owned() })?;
        Ok(region.missing())
    }
}

/// A box in words, for messages.
#[must_use]
pub fn described(each: &Box3) -> String {
    let [z, y, x] = each;
    format!("the chunk at offset {:?} of shape {:?}", [z[0], y[0], x[0]], [z[1] - z[0], y[1] - y[0], x[1] - x[0]])
}

/// Writes those of the voxels that lie in the chunk at `offset` into `output`, which has the chunk's shape.
pub fn write_chunk(words: &[(Key, u64)], frame: &Frame, offset: [usize; 3], mut output: ArrayViewMut3<'_, u8>) {
    if output.is_empty() {
        return;
    }
    let end = [0, 1, 2].map(|axis| offset[axis] + output.shape()[axis]);
    let place = |voxel: [usize; 3]| [0, 1, 2].map(|axis| voxel[axis] / frame.side(axis));
    let (first, last) = (place(offset), place(end.map(|end| end - 1)));
    let after = |key: Key| words.partition_point(|word| word.0 < key);
    for &(key, voxels) in &words[after(frame.key(first))..after(frame.key(last) + 1)] {
        let place = frame.place(key);
        if (1..3).any(|axis| place[axis] < first[axis] || place[axis] > last[axis]) {
            continue;
        }
        for bit in set_bits(voxels) {
            let within = place_of(frame.log(), bit);
            let voxel = [0, 1, 2].map(|axis| place[axis] * frame.side(axis) + within[axis]);
            if (0..3).all(|axis| (offset[axis]..end[axis]).contains(&voxel[axis])) {
                output[[0, 1, 2].map(|axis| voxel[axis] - offset[axis])] = 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
