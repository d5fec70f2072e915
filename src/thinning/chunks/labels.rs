//! Label images in chunks: each label is thinned as the image of its voxels alone.
//!
//! A voxel of another label is absent, and what lies beyond the region is unknown for every label. So restricted to one label this
//! is [`super::merge`] of the chunks of its voxels alone, and exact for the same reasons. The region is the same for all labels:
//! a chunk without a voxel of a label is known background of it.
//!
//! Cost: that of the binary runs on the words of each label. A label without undecided voxels and without script costs nothing in
//! a merge.

use ndarray::{ArrayView3, ArrayViewMut3};

use super::region::{BOXES, Box3, Region};
use super::residue::{Residue, SCRIPT, Scripted};
use super::words::{Frame, Key, WORDS, union};
use super::{for_each_voxel, region_of, resolve_in};
use crate::image::elements::Element;
use crate::image::word_shape::WORD;
use crate::support::allocate::{Grow, try_collect, try_copy, try_sort_by};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;
use crate::thinning::method::Method;

/// The words of one label, by key.
pub type WordsOfLabel = (u64, Vec<(Key, u64)>);

/// What a merge needs to know of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartOfLabel {
    /// The label.
    pub label: u64,
    /// As in [`Residue`].
    pub undecided: Vec<(Key, u64)>,
    /// As in [`Residue`].
    pub script: Vec<Scripted>,
}

/// What a merge needs to know of the labels in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelResidue {
    /// The words of the whole image.
    pub frame: Frame,
    /// How it is thinned.
    pub method: Method,
    /// The region.
    pub boxes: Vec<Box3>,
    /// The labels with undecided voxels or a script, ascending.
    pub parts: Vec<PartOfLabel>,
}

/// The labels of a region after its thinning or merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelResolved {
    /// The skeletons' voxels that were decided here, by label.
    pub kept: Vec<WordsOfLabel>,
    /// What is left to decide.
    pub residue: LabelResidue,
}

/// Joins residues of one image, of regions that share no voxel; a chunk before its thinning has all its voxels undecided.
///
/// # Errors
/// [`Error::InvalidArgument`] if there is none or regions overlap; [`Error::OutOfMemory`]; [`Error::Interrupted`] through
/// `monitor`.
///
/// # Panics
/// If residues are of different images or methods, or the method is Zhang's and the image has more than one plane.
pub fn merge_labels(residues: &[&LabelResidue], monitor: &Monitor) -> Result<LabelResolved> {
    let Some(first) = residues.first() else {
        return Err(Error::InvalidArgument { name: "chunks", reason: "expected at least one, got none".to_owned() });
    };
    let (frame, method) = (first.frame, first.method);
    assert!(residues.iter().all(|residue| residue.frame == frame && residue.method == method), "of one image");
    assert!(method.is_for(frame.shape[0]), "Zhang's method is for 2D images");
    let boxes = try_collect(BOXES, residues.iter().flat_map(|residue| residue.boxes.iter().copied()))?;
    let region = region_of(&frame, &boxes)?;
    let mut parts = try_collect(WORDS, residues.iter().flat_map(|residue| &residue.parts))?;
    // Sorted lists one after the other, which this sort merges; as below.
    try_sort_by(WORDS, &mut parts, |one, other| one.label.cmp(&other.label))?;
    let mut resolved = LabelResolved {
        kept: Vec::new(),
        residue: LabelResidue { frame, method, boxes: try_copy(BOXES, region.boxes())?, parts: Vec::new() },
    };
    for of_label in parts.chunk_by(|one, other| one.label == other.label) {
        resolve_label(of_label, &region, &mut resolved, monitor)?;
    }
    Ok(resolved)
}

/// Thins what several residues have of one label.
fn resolve_label(
    parts: &[&PartOfLabel],
    region: &Region,
    resolved: &mut LabelResolved,
    monitor: &Monitor,
) -> Result<()> {
    let LabelResidue { frame, method, .. } = resolved.residue;
    let label = parts[0].label;
    let undecided = union(&try_collect(WORDS, parts.iter().map(|part| part.undecided.as_slice()))?)?;
    let mut script = try_collect(SCRIPT, parts.iter().flat_map(|part| part.script.iter().copied()))?;
    try_sort_by(SCRIPT, &mut script, Ord::cmp)?;
    let (kept, residue) =
        resolve_in(&Residue { frame, method, boxes: Vec::new(), undecided, script }, region, monitor)?;
    if !kept.is_empty() {
        resolved.kept.try_push(WORDS, (label, kept))?;
    }
    if residue.undecided.is_empty() && residue.script.is_empty() {
        return Ok(());
    }
    let Residue { undecided, script, .. } = residue;
    resolved.residue.parts.try_push(WORDS, PartOfLabel { label, undecided, script })
}

/// The labels of a chunk at `offset` of the image, those of `chosen`, which ascend, or all, as words by label.
///
/// # Errors
/// [`Error::OutOfMemory`], or [`Error::Interrupted`] through `monitor`.
///
/// # Panics
/// If the chunk does not lie in the image.
pub fn label_words<T: Element>(
    chunk: &ArrayView3<'_, T>,
    chosen: Option<&[u64]>,
    offset: [usize; 3],
    frame: &Frame,
    monitor: &Monitor,
) -> Result<Vec<WordsOfLabel>> {
    let end = [0, 1, 2].map(|axis| offset[axis] + chunk.shape()[axis]);
    assert!((0..3).all(|axis| end[axis] <= frame.shape[axis]), "the chunk lies in the image");
    let (mut words, log): (Vec<(u64, (Key, u64))>, _) = (Vec::new(), frame.log());
    if chunk.is_empty() {
        return Ok(Vec::new());
    }
    let [in_z, in_y, in_x] = [0, 1, 2].map(|axis| offset[axis] / frame.side(axis)..=(end[axis] - 1) / frame.side(axis));
    for (z, y) in in_z.flat_map(|z| in_y.clone().map(move |y| (z, y))) {
        monitor.check()?;
        for x in in_x.clone() {
            let covered = frame.covered([z, y, x]);
            let [of_z, of_y, of_x] =
                [0, 1, 2].map(|axis| covered[axis][0].max(offset[axis])..covered[axis][1].min(end[axis]));
            // The labels of a word are few.
            let (mut found, mut count) = ([(0, 0); WORD], 0);
            for (at_z, at_y) in of_z.flat_map(|z| of_y.clone().map(move |y| (z, y))) {
                for at_x in of_x.clone() {
                    let at = [at_z, at_y, at_x];
                    let value = chunk[[0, 1, 2].map(|axis| at[axis] - offset[axis])].bits();
                    if value == 0 {
                        continue;
                    }
                    let number = found[..count].iter().position(|&(label, _)| label == value).unwrap_or(count);
                    count = count.max(number + 1);
                    let [in_z, in_y, in_x] = [0, 1, 2].map(|axis| at[axis] - covered[axis][0]);
                    let bit = in_z << (log[1] + log[2]) | in_y << log[2] | in_x;
                    found[number] = (value, found[number].1 | 1 << bit);
                }
            }
            let is_chosen = |label: u64| chosen.is_none_or(|chosen| chosen.binary_search(&label).is_ok());
            let key = frame.key([z, y, x]);
            let found = found[..count].iter().filter(|(label, _)| is_chosen(*label));
            words.try_extend(WORDS, found.map(|&(label, voxels)| (label, (key, voxels))))?;
        }
    }
    words.sort_unstable();
    let mut of_labels = Vec::new();
    for of_label in words.chunk_by(|one, other| one.0 == other.0) {
        of_labels.try_push(WORDS, (of_label[0].0, try_collect(WORDS, of_label.iter().map(|word| word.1))?))?;
    }
    Ok(of_labels)
}

/// Writes those voxels of labels that lie in the chunk at `offset` into `output`, which has the chunk's shape.
pub fn write_labels<T: Element>(
    words: &[WordsOfLabel],
    frame: &Frame,
    offset: [usize; 3],
    mut output: ArrayViewMut3<'_, T>,
) {
    let shape = [0, 1, 2].map(|axis| output.shape()[axis]);
    for (label, words) in words {
        for_each_voxel(words, frame, offset, shape, |at| output[at] = T::from_bits(*label));
    }
}
