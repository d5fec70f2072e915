//! Thinning of label images.

use numpy::{Element as PyElement, PyArray1, PyReadonlyArray3, PyReadwriteArray3, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::image::elements::Element;
use crate::image::label_words::LabelWords;
use crate::image::one_label::pack_one_label;
use crate::python::support::arrays::AlignedArray1;
use crate::python::support::elements::{with_elements, writable};
use crate::python::support::threads::run;
use crate::python::thinning::method;
use crate::thinning::labels::thin_labels;
use crate::thinning::thin;

/// Images with fewer voxels are read and thinned before other threads are awake.
const VOXELS_WORTH_THREADS: usize = 1 << 16;

/// Thins the labels of `image` each alone, those of `chosen`, which ascend, or all, if they have `min_voxels` or more, into
/// `output`, which holds zeros. Values are compared as unsigned integers.
#[pyfunction]
fn skeletonize_labels(
    py: Python<'_>,
    image: &Bound<'_, PyAny>,
    chosen: Option<AlignedArray1<'_, u64>>,
    min_voxels: u64,
    method: &str,
    output: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let labels = Labels { chosen: chosen.as_ref().map(AlignedArray1::as_slice), min_voxels };
    with_elements!(image: PyReadonlyArray3 => thin_into(py, &image, labels, method, output))
}

/// Which labels to thin.
#[derive(Clone, Copy)]
struct Labels<'a> {
    chosen: Option<&'a [u64]>,
    min_voxels: u64,
}

impl Labels<'_> {
    fn contains(&self, value: u64, voxels: u64) -> bool {
        voxels >= self.min_voxels && self.chosen.is_none_or(|chosen| chosen.binary_search(&value).is_ok())
    }
}

fn thin_into<T: Element + PyElement>(
    py: Python<'_>,
    image: &PyReadonlyArray3<'_, T>,
    chosen: Labels<'_>,
    method: &str,
    output: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let mut output = output.extract::<PyReadwriteArray3<'_, T>>()?;
    let (shape, of_output) = (image.shape(), output.shape());
    let method = method::method(method, shape[0])?;
    if shape != of_output {
        return Err(PyValueError::new_err(format!("output: expected the image's shape {shape:?}, got {of_output:?}")));
    }
    let Some(output) = writable(&mut output) else { return Ok(()) };
    let image = image.as_array();
    run(py, image.len() >= VOXELS_WORTH_THREADS, |monitor| {
        if let Some((mut packed, label)) = pack_one_label(&image, monitor)? {
            if chosen.contains(label.bits(), packed.count()) {
                thin(&mut packed, method, monitor)?;
                packed.unpack_as(label, output);
            }
            return Ok(());
        }
        let labels = LabelWords::of(&image, monitor)?;
        let values = labels.values().iter().zip(labels.counts());
        let is_chosen: Vec<bool> = values.map(|(&value, &voxels)| chosen.contains(value, voxels)).collect();
        thin_labels(&labels, &is_chosen, method, monitor)?;
        labels.write_into(output, &is_chosen);
        Ok(())
    })
}

/// The labels of `image`, ascending as unsigned integers, and how many voxels each has.
#[pyfunction]
fn find_labels<'py>(py: Python<'py>, image: &Bound<'py, PyAny>) -> PyResult<[Bound<'py, PyArray1<u64>>; 2]> {
    with_elements!(image: PyReadonlyArray3 => find_in(py, &image))
}

fn find_in<'py, T: Element + PyElement>(
    py: Python<'py>,
    image: &PyReadonlyArray3<'py, T>,
) -> PyResult<[Bound<'py, PyArray1<u64>>; 2]> {
    let image = image.as_array();
    let labels = run(py, image.len() >= VOXELS_WORTH_THREADS, |monitor| LabelWords::of(&image, monitor))?;
    Ok([labels.values(), labels.counts()].map(|numbers| PyArray1::from_slice(py, numbers)))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(find_labels, module)?)?;
    module.add_function(wrap_pyfunction!(skeletonize_labels, module)?)
}
