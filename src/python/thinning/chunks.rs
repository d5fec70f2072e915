//! Thinning in chunks, with every object as the numpy arrays that it travels in.
//!
//! What comes from outside is checked here, for it may come from a file or another process: keys in order and in the image,
//! voxels in the image, boxes in the image.

use numpy::{Element as PyElement, IntoPyArray, PyArray1, PyReadonlyArray3, PyReadwriteArray3, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::method::method;
use crate::image::elements::Element;
use crate::python::support::arrays::AlignedArray1;
use crate::python::support::elements::{with_elements, writable};
use crate::python::support::threads::run;
use crate::support::allocate::try_collect;
use crate::thinning::Method;
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
    module.add_function(wrap_pyfunction!(unpack_chunk, module)?)
}
