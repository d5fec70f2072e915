//! Thinning in chunks, with every object as the numpy arrays that it travels in.
//!
//! What comes from outside is checked here, for it may come from a file or another process: keys in order and in the image,
//! voxels in the image, boxes in the image.

use std::ops::Range;

use numpy::{Element as PyElement, IntoPyArray, PyArray1, PyReadonlyArray3, PyReadwriteArray3, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::method::method;
use crate::image::elements::Element;
use crate::python::support::arrays::AlignedArray1;
use crate::python::support::elements::{with_elements, writable};
use crate::python::support::threads::run;
use crate::support::allocate::{Grow, try_collect};
use crate::thinning::Method;
use crate::thinning::chunks::labels::{
    LabelResidue, LabelResolved, PartOfLabel, WordsOfLabel, label_words, merge_labels, write_labels,
};
use crate::thinning::chunks::region::Box3;
use crate::thinning::chunks::words::{Frame, Key, KeyPositions, union};
use crate::thinning::chunks::{Residue, Resolved, Scripted, chunk_words, merge, thin_words, write_chunk};

type Array<'py, T> = Bound<'py, PyArray1<T>>;
/// Keys and voxels of words.
type Words<'py> = (Array<'py, u64>, Array<'py, u64>);
type WordsIn<'py> = (AlignedArray1<'py, u64>, AlignedArray1<'py, u64>);
/// Steps, keys and voxels of a script.
type Script<'py> = (Array<'py, u32>, Array<'py, u64>, Array<'py, u64>);
type ScriptIn<'py> = (AlignedArray1<'py, u32>, AlignedArray1<'py, u64>, AlignedArray1<'py, u64>);
/// Boxes, undecided words and script of a residue.
type ResidueOut<'py> = (Vec<Box3>, Words<'py>, Script<'py>);
type ResidueIn<'py> = (Vec<Box3>, WordsIn<'py>, ScriptIn<'py>);

/// The words of the voxels of `block` that have any bit of `mask`, the block lying at `offset` of an image of `shape`.
#[pyfunction]
fn pack_chunk<'py>(
    py: Python<'py>,
    block: &Bound<'py, PyAny>,
    mask: u64,
    offset: [usize; 3],
    shape: [usize; 3],
) -> PyResult<Words<'py>> {
    with_elements!(block: PyReadonlyArray3, mask => pack(py, &block, mask, offset, shape))
}

fn pack<'py, T: Element + PyElement>(
    py: Python<'py>,
    block: &PyReadonlyArray3<'py, T>,
    mask: T,
    offset: [usize; 3],
    shape: [usize; 3],
) -> PyResult<Words<'py>> {
    let block = block.as_array();
    let frame = Frame::new(shape)?;
    check_boxes(&frame, &[box_at(offset, block.shape())])?;
    let words = run(py, false, |monitor| chunk_words(&block, mask, offset, &frame, monitor))?;
    words_out(py, &words)
}

/// Thins the region of `boxes`, whose foreground is in the words; returns what is kept and the residue.
#[pyfunction]
fn thin_chunks<'py>(
    py: Python<'py>,
    words: Vec<WordsIn<'py>>,
    boxes: Vec<Box3>,
    shape: [usize; 3],
    method: &str,
) -> PyResult<(Words<'py>, ResidueOut<'py>)> {
    let (frame, method) = (Frame::new(shape)?, self::method(method, shape[0])?);
    check_boxes(&frame, &boxes)?;
    let words = words.iter().map(|words| words_in(&frame, words)).collect::<PyResult<Vec<_>>>()?;
    let resolved = run(py, false, |monitor| {
        let lists: Vec<&[(Key, u64)]> = words.iter().map(Vec::as_slice).collect();
        thin_words(union(&lists)?, boxes, frame, method, monitor)
    })?;
    resolved_out(py, resolved)
}

/// Joins residues; returns what is kept and the residue that is left.
#[pyfunction]
fn merge_residues<'py>(
    py: Python<'py>,
    residues: Vec<ResidueIn<'py>>,
    shape: [usize; 3],
    method: &str,
) -> PyResult<(Words<'py>, ResidueOut<'py>)> {
    let (frame, method) = (Frame::new(shape)?, self::method(method, shape[0])?);
    let residues =
        residues.into_iter().map(|residue| residue_in(frame, method, residue)).collect::<PyResult<Vec<_>>>()?;
    let resolved = run(py, false, |monitor| merge(&residues.iter().collect::<Vec<_>>(), monitor))?;
    resolved_out(py, resolved)
}

/// A box of the image that is in none of `boxes`, or `None`.
#[pyfunction]
fn missing_box(boxes: Vec<Box3>, shape: [usize; 3]) -> PyResult<Option<Box3>> {
    let frame = Frame::new(shape)?;
    check_boxes(&frame, &boxes)?;
    Ok(Residue { frame, method: Method::Lee, boxes, undecided: Vec::new(), script: Vec::new() }.missing()?)
}

/// Writes those voxels of the words that lie in the chunk at `offset` into `output`, which holds zeros.
#[pyfunction]
fn unpack_chunk(
    py: Python<'_>,
    words: Vec<WordsIn<'_>>,
    offset: [usize; 3],
    shape: [usize; 3],
    mut output: PyReadwriteArray3<'_, u8>,
) -> PyResult<()> {
    let frame = Frame::new(shape)?;
    let words = words.iter().map(|words| words_in(&frame, words)).collect::<PyResult<Vec<_>>>()?;
    check_boxes(&frame, &[box_at(offset, output.shape())])?;
    let Some(mut output) = writable(&mut output) else { return Ok(()) };
    py.detach(|| {
        for words in &words {
            write_chunk(words, &frame, offset, output.view_mut());
        }
    });
    Ok(())
}

/// Labels, keys and voxels of words, by label.
type LabelWords<'py> = (Array<'py, u64>, Array<'py, u64>, Array<'py, u64>);
type LabelWordsIn<'py> = (AlignedArray1<'py, u64>, AlignedArray1<'py, u64>, AlignedArray1<'py, u64>);
/// Labels, steps, keys and voxels of scripts, by label.
type LabelScript<'py> = (Array<'py, u64>, Array<'py, u32>, Array<'py, u64>, Array<'py, u64>);
type LabelScriptIn<'py> =
    (AlignedArray1<'py, u64>, AlignedArray1<'py, u32>, AlignedArray1<'py, u64>, AlignedArray1<'py, u64>);
/// Boxes, undecided words and scripts of a residue of labels.
type LabelResidueOut<'py> = (Vec<Box3>, LabelWords<'py>, LabelScript<'py>);
type LabelResidueIn<'py> = (Vec<Box3>, LabelWordsIn<'py>, LabelScriptIn<'py>);

/// The words of the labels in `block`, those of `chosen`, which ascend, or all, the block lying at `offset` of an image of `shape`.
#[pyfunction]
fn pack_label_chunk<'py>(
    py: Python<'py>,
    block: &Bound<'py, PyAny>,
    chosen: Option<AlignedArray1<'py, u64>>,
    offset: [usize; 3],
    shape: [usize; 3],
) -> PyResult<LabelWords<'py>> {
    let chosen = chosen.as_ref().map(AlignedArray1::as_slice);
    with_elements!(block: PyReadonlyArray3 => pack_labels(py, &block, chosen, offset, shape))
}

fn pack_labels<'py, T: Element + PyElement>(
    py: Python<'py>,
    block: &PyReadonlyArray3<'py, T>,
    chosen: Option<&[u64]>,
    offset: [usize; 3],
    shape: [usize; 3],
) -> PyResult<LabelWords<'py>> {
    let block = block.as_array();
    let frame = Frame::new(shape)?;
    check_boxes(&frame, &[box_at(offset, block.shape())])?;
    let words = run(py, false, |monitor| label_words(&block, chosen, offset, &frame, monitor))?;
    label_words_out(py, &words)
}

/// Thins the labels in the region of `boxes`, which are in the words; returns what is kept and the residue.
#[pyfunction]
fn thin_label_chunks<'py>(
    py: Python<'py>,
    words: Vec<LabelWordsIn<'py>>,
    boxes: Vec<Box3>,
    shape: [usize; 3],
    method: &str,
) -> PyResult<(LabelWords<'py>, LabelResidueOut<'py>)> {
    let (frame, method) = (Frame::new(shape)?, self::method(method, shape[0])?);
    check_boxes(&frame, &boxes)?;
    let mut residues = vec![LabelResidue { frame, method, boxes, parts: Vec::new() }];
    for words in &words {
        let parts = label_words_in(&frame, words)?.into_iter();
        let parts = parts.map(|(label, undecided)| PartOfLabel { label, undecided, script: Vec::new() });
        residues.push(LabelResidue { frame, method, boxes: Vec::new(), parts: try_collect(PARTS, parts)? });
    }
    label_resolved_out(py, run(py, false, |monitor| merge_labels(&residues.iter().collect::<Vec<_>>(), monitor))?)
}

/// Joins residues of labels; returns what is kept and the residue that is left.
#[pyfunction]
fn merge_label_residues<'py>(
    py: Python<'py>,
    residues: Vec<LabelResidueIn<'py>>,
    shape: [usize; 3],
    method: &str,
) -> PyResult<(LabelWords<'py>, LabelResidueOut<'py>)> {
    let (frame, method) = (Frame::new(shape)?, self::method(method, shape[0])?);
    let residues =
        residues.into_iter().map(|residue| label_residue_in(frame, method, residue)).collect::<PyResult<Vec<_>>>()?;
    label_resolved_out(py, run(py, false, |monitor| merge_labels(&residues.iter().collect::<Vec<_>>(), monitor))?)
}

/// Writes those voxels of the words that lie in the chunk at `offset`, as their labels, into `output`, which holds zeros.
#[pyfunction]
fn unpack_label_chunk(
    py: Python<'_>,
    words: Vec<LabelWordsIn<'_>>,
    offset: [usize; 3],
    shape: [usize; 3],
    output: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let frame = Frame::new(shape)?;
    let words = words.iter().map(|words| label_words_in(&frame, words)).collect::<PyResult<Vec<_>>>()?;
    with_elements!(output: PyReadwriteArray3 => unpack_labels(py, &words, offset, &frame, output))
}

fn unpack_labels<T: Element + PyElement>(
    py: Python<'_>,
    words: &[Vec<WordsOfLabel>],
    offset: [usize; 3],
    frame: &Frame,
    mut output: PyReadwriteArray3<'_, T>,
) -> PyResult<()> {
    check_boxes(frame, &[box_at(offset, output.shape())])?;
    let Some(mut output) = writable(&mut output) else { return Ok(()) };
    py.detach(|| {
        for words in words {
            write_labels(words, frame, offset, output.view_mut());
        }
    });
    Ok(())
}

/// The numbers of items from each change of their label to the next; labels ascend.
fn runs_of_labels(labels: &[u64]) -> PyResult<Vec<Range<usize>>> {
    if !labels.is_sorted() {
        return Err(malformed("labels are out of order"));
    }
    let mut start = 0;
    let runs = labels.chunk_by(|one, other| one == other).map(|run| {
        start += run.len();
        start - run.len()..start
    });
    Ok(try_collect(PARTS, runs)?)
}

fn label_words_in(frame: &Frame, words: &LabelWordsIn<'_>) -> PyResult<Vec<WordsOfLabel>> {
    let [labels, keys, voxels] = [&words.0, &words.1, &words.2].map(AlignedArray1::as_slice);
    if labels.len() != keys.len() || keys.len() != voxels.len() {
        return Err(malformed("lengths differ"));
    }
    let mut checker = Checker::new(frame);
    let runs = runs_of_labels(labels)?.into_iter();
    let of_labels = runs.map(|run| {
        let label = labels[run.start];
        let words = keys[run.clone()].iter().copied().zip(voxels[run].iter().copied());
        let words = try_collect(PARTS, words)?;
        for &(key, voxels) in &words {
            checker.check(key, voxels)?;
        }
        let in_order = words.is_sorted_by(|a, b| a.0 < b.0);
        if in_order { Ok((label, words)) } else { Err(malformed("words are out of order")) }
    });
    of_labels.collect()
}

fn label_residue_in(frame: Frame, method: Method, residue: LabelResidueIn<'_>) -> PyResult<LabelResidue> {
    let (boxes, undecided, script) = residue;
    check_boxes(&frame, &boxes)?;
    let [labels, keys, voxels] = [&script.0, &script.2, &script.3].map(AlignedArray1::as_slice);
    let steps = script.1.as_slice();
    if labels.len() != steps.len() || steps.len() != keys.len() || keys.len() != voxels.len() {
        return Err(malformed("lengths differ"));
    }
    let undecided = label_words_in(&frame, &undecided)?.into_iter();
    let words = undecided.map(|(label, undecided)| PartOfLabel { label, undecided, script: Vec::new() });
    let mut parts = try_collect(PARTS, words)?;
    let mut checker = Checker::new(&frame);
    for run in runs_of_labels(labels)? {
        let label = labels[run.start];
        let of_label = run.map(|at| Scripted { step: steps[at], key: keys[at], voxels: voxels[at] });
        let script = try_collect(PARTS, of_label)?;
        for each in &script {
            checker.check(each.key, each.voxels)?;
        }
        parts.try_push(PARTS, PartOfLabel { label, undecided: Vec::new(), script })?;
    }
    Ok(LabelResidue { frame, method, boxes, parts })
}

fn label_words_out<'py>(py: Python<'py>, words: &[WordsOfLabel]) -> PyResult<LabelWords<'py>> {
    let each = || words.iter().flat_map(|(label, words)| words.iter().map(move |word| (label, word)));
    let labels = try_collect(PARTS, each().map(|(&label, _)| label))?;
    let keys = try_collect(PARTS, each().map(|(_, word)| word.0))?;
    let voxels = try_collect(PARTS, each().map(|(_, word)| word.1))?;
    Ok((labels.into_pyarray(py), keys.into_pyarray(py), voxels.into_pyarray(py)))
}

fn label_resolved_out(py: Python<'_>, resolved: LabelResolved) -> PyResult<(LabelWords<'_>, LabelResidueOut<'_>)> {
    let LabelResidue { boxes, parts, .. } = resolved.residue;
    let each = || parts.iter().flat_map(|part| part.script.iter().map(|each| (part.label, each)));
    let labels = try_collect(PARTS, each().map(|(label, _)| label))?;
    let steps = try_collect(PARTS, each().map(|(_, each)| each.step))?;
    let keys = try_collect(PARTS, each().map(|(_, each)| each.key))?;
    let voxels = try_collect(PARTS, each().map(|(_, each)| each.voxels))?;
    let script = (labels.into_pyarray(py), steps.into_pyarray(py), keys.into_pyarray(py), voxels.into_pyarray(py));
    let undecided = parts.into_iter().filter(|part| !part.undecided.is_empty());
    let undecided = try_collect(PARTS, undecided.map(|part| (part.label, part.undecided)))?;
    Ok((label_words_out(py, &resolved.kept)?, (boxes, label_words_out(py, &undecided)?, script)))
}

/// What the lists of a chunk are called when there is no memory for them.
const PARTS: &str = "the parts of a chunk";

fn malformed(what: &str) -> PyErr {
    PyValueError::new_err(format!("data: expected those of a thinned chunk, got damaged ones: {what}"))
}

fn box_at(offset: [usize; 3], lengths: &[usize]) -> Box3 {
    [0, 1, 2].map(|axis| [offset[axis], offset[axis].saturating_add(lengths[axis])])
}

fn check_boxes(frame: &Frame, boxes: &[Box3]) -> PyResult<()> {
    let inside = |each: &Box3| (0..3).all(|axis| each[axis][0] <= each[axis][1] && each[axis][1] <= frame.shape[axis]);
    if boxes.iter().all(inside) { Ok(()) } else { Err(malformed("a box leaves the image")) }
}

/// Whether words hold voxels of the image only.
struct Checker {
    frame: Frame,
    words: Key,
    keys: KeyPositions,
    /// Whether no word reaches beyond the image.
    is_filled: bool,
}

impl Checker {
    fn new(frame: &Frame) -> Self {
        let is_filled = (0..3).all(|axis| frame.shape[axis].is_multiple_of(frame.side(axis)));
        Self { frame: *frame, words: frame.words(), keys: KeyPositions::new(*frame), is_filled }
    }

    fn check(&mut self, key: Key, voxels: u64) -> PyResult<()> {
        let inside = key < self.words && (self.is_filled || voxels & !self.frame.inside(self.keys.key(key)) == 0);
        if inside { Ok(()) } else { Err(malformed("a voxel leaves the image")) }
    }
}

fn words_in(frame: &Frame, words: &WordsIn<'_>) -> PyResult<Vec<(Key, u64)>> {
    let (keys, voxels) = (words.0.as_array(), words.1.as_array());
    if keys.len() != voxels.len() {
        return Err(malformed("lengths differ"));
    }
    let words = try_collect(PARTS, keys.iter().copied().zip(voxels.iter().copied()))?;
    let mut checker = Checker::new(frame);
    for &(key, voxels) in &words {
        checker.check(key, voxels)?;
    }
    if words.is_sorted_by(|a, b| a.0 < b.0) { Ok(words) } else { Err(malformed("words are out of order")) }
}

fn residue_in(frame: Frame, method: Method, residue: ResidueIn<'_>) -> PyResult<Residue> {
    let (boxes, undecided, script) = residue;
    check_boxes(&frame, &boxes)?;
    let (steps, keys, voxels) = (script.0.as_array(), script.1.as_array(), script.2.as_array());
    if steps.len() != keys.len() || keys.len() != voxels.len() {
        return Err(malformed("lengths differ"));
    }
    let script = steps.iter().zip(keys).zip(voxels);
    let script = try_collect(PARTS, script.map(|((&step, &key), &voxels)| Scripted { step, key, voxels }))?;
    let mut checker = Checker::new(&frame);
    for each in &script {
        checker.check(each.key, each.voxels)?;
    }
    Ok(Residue { frame, method, boxes, undecided: words_in(&frame, &undecided)?, script })
}

fn words_out<'py>(py: Python<'py>, words: &[(Key, u64)]) -> PyResult<Words<'py>> {
    let keys = try_collect(PARTS, words.iter().map(|word| word.0))?;
    let voxels = try_collect(PARTS, words.iter().map(|word| word.1))?;
    Ok((keys.into_pyarray(py), voxels.into_pyarray(py)))
}

fn resolved_out(py: Python<'_>, resolved: Resolved) -> PyResult<(Words<'_>, ResidueOut<'_>)> {
    let Residue { boxes, undecided, script, .. } = resolved.residue;
    let steps = try_collect(PARTS, script.iter().map(|each| each.step))?;
    let keys = try_collect(PARTS, script.iter().map(|each| each.key))?;
    let voxels = try_collect(PARTS, script.iter().map(|each| each.voxels))?;
    let script = (steps.into_pyarray(py), keys.into_pyarray(py), voxels.into_pyarray(py));
    Ok((words_out(py, &resolved.kept)?, (boxes, words_out(py, &undecided)?, script)))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(pack_chunk, module)?)?;
    module.add_function(wrap_pyfunction!(thin_chunks, module)?)?;
    module.add_function(wrap_pyfunction!(merge_residues, module)?)?;
    module.add_function(wrap_pyfunction!(missing_box, module)?)?;
    module.add_function(wrap_pyfunction!(merge_label_residues, module)?)?;
    module.add_function(wrap_pyfunction!(pack_label_chunk, module)?)?;
    module.add_function(wrap_pyfunction!(thin_label_chunks, module)?)?;
    module.add_function(wrap_pyfunction!(unpack_label_chunk, module)?)?;
    module.add_function(wrap_pyfunction!(unpack_chunk, module)?)
}
