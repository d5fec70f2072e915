//! Thinning in chunks without overlap, merged in any order; the result equals thinning the whole image, voxel for voxel.
//!
//! **Map** ([`thin_words`]): each chunk is thinned while all voxels outside it are unknown ([`simulation`]). A voxel that never
//! becomes unknown is *decided*: it has the border step that deletes it, or none. The others, near the chunk's faces, are
//! *undecided*. **Residue**: the undecided voxels, and with their steps the decided foreground voxels next to undecided or
//! unknown ones. The rest of a chunk is final. **Merge** ([`merge`]): the undecided voxels of several residues are thinned again
//! from step 0, while decided ones follow their script. More voxels are known, so more are decided. When the region is the
//! whole image, no voxel is unknown, and every voxel has the decision of the sequential method. **Finish** ([`write_chunk`]):
//! the final voxels of the chunk, and those that merges kept in it.
//!
//! Why it is exact: the history of a decided voxel holds for every image outside the region, so a later run can replay it. All
//! neighbours of an undecided voxel are in the residue. Merging is associative and commutative, because a voxel's history does
//! not depend on the order in which voxels become known.
//!
//! Cost: a map costs a thinning. A residue holds some voxels per foreground voxel on the chunk's faces, more if objects are
//! thick compared with the chunk (a tenth of the foreground of a vessel tree in chunks of 128³). A merge costs some hundred
//! nanoseconds per undecided voxel.

mod collect;
pub mod doubt;
pub mod labels;
mod recheck;
pub mod region;
mod residue;
mod simulation;
mod state;
mod stored;
pub mod words;

use ndarray::{ArrayView3, ArrayViewMut3};

pub use residue::{NEVER, Residue, Resolved, Scripted};

use self::region::{BOXES, Box3, Region};
use self::residue::SCRIPT;
use self::simulation::run;
use self::state::Event;
use self::stored::Stored;
use self::words::{FIRST, Frame, Key, WORDS, union};
use crate::image::bit_image::BitImage;
use crate::image::elements::Element;
use crate::image::word_shape::{Cube, Square, position_of, set_bits};
use crate::support::allocate::{try_collect, try_copy, try_sort_by, try_with_capacity};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;
use crate::thinning::method::Method;

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

/// Thins the undecided voxels of a region, while the decided ones follow their script.
fn resolve(part: &Residue, monitor: &Monitor) -> Result<Resolved> {
    let region = region_of(&part.frame, &part.boxes)?;
    let (kept, residue) = resolve_in(part, &region, monitor)?;
    Ok(Resolved { kept, residue: Residue { boxes: try_copy(BOXES, region.boxes())?, ..residue } })
}

/// The region of boxes.
fn region_of(frame: &Frame, boxes: &[Box3]) -> Result<Region> {
    Region::new(frame.shape, boxes)?.map_err(|overlap| Error::InvalidArgument {
        name: "chunks",
        reason: format!(
            "expected parts that share no voxel, got {} and {}",
            describe(&overlap.0),
            describe(&overlap.1)
        ),
    })
}

/// Thins the undecided voxels of a region, and returns what is kept and the residue, without boxes.
fn resolve_in(part: &Residue, region: &Region, monitor: &Monitor) -> Result<(Vec<(Key, u64)>, Residue)> {
    let stored = Stored::new(part, region)?;
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
        run::<Square>(part, &stored, &events, monitor)?
    } else {
        run::<Cube>(part, &stored, &events, monitor)?
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
        // A merge needs the decided foreground next to undecided or unknown voxels.
        voxels: voxels & outcome.near_unknown[word],
    });
    let mut script = try_collect(SCRIPT, all.filter(|script| script.voxels != 0))?;
    try_sort_by(SCRIPT, &mut script, Ord::cmp)?;
    let residue = Residue {
        boxes: Vec::new(),
        undecided: stored.list(|index| stored.mine[index] & outcome.unknown[index])?,
        script,
        frame: part.frame,
        method: part.method,
    };
    Ok((stored.list(kept)?, residue))
}

/// Describes a box, for messages.
#[must_use]
pub fn describe(each: &Box3) -> String {
    let [z, y, x] = each;
    format!("the chunk at offset {:?} of shape {:?}", [z[0], y[0], x[0]], [z[1] - z[0], y[1] - y[0], x[1] - x[0]])
}

/// Writes those of the voxels that lie in the chunk at `offset` into `output`, which has the chunk's shape.
pub fn write_chunk(words: &[(Key, u64)], frame: &Frame, offset: [usize; 3], mut output: ArrayViewMut3<'_, u8>) {
    let shape = [0, 1, 2].map(|axis| output.shape()[axis]);
    for_each_voxel(words, frame, offset, shape, |at| output[at] = 1);
}

/// Calls `visit` with the place in the chunk at `offset` of each of the voxels that lie in it.
fn for_each_voxel(
    words: &[(Key, u64)],
    frame: &Frame,
    offset: [usize; 3],
    shape: [usize; 3],
    mut visit: impl FnMut([usize; 3]),
) {
    if shape.contains(&0) {
        return;
    }
    let end = [0, 1, 2].map(|axis| offset[axis] + shape[axis]);
    let position = |voxel: [usize; 3]| [0, 1, 2].map(|axis| voxel[axis] / frame.side(axis));
    let (first, last) = (position(offset), position(end.map(|end| end - 1)));
    let after = |key: Key| words.partition_point(|word| word.0 < key);
    for &(key, voxels) in &words[after(frame.key(first))..after(frame.key(last) + 1)] {
        let position = frame.position(key);
        if (1..3).any(|axis| position[axis] < first[axis] || position[axis] > last[axis]) {
            continue;
        }
        for bit in set_bits(voxels) {
            let within = position_of(frame.log(), bit);
            let voxel = [0, 1, 2].map(|axis| position[axis] * frame.side(axis) + within[axis]);
            if (0..3).all(|axis| (offset[axis]..end[axis]).contains(&voxel[axis])) {
                visit([0, 1, 2].map(|axis| voxel[axis] - offset[axis]));
            }
        }
    }
}

#[cfg(test)]
mod tests;
