//! Thinning of a numpy array into another, and of a list of voxels.

mod chunks;
mod labels;
pub(in crate::python) mod method;

use numpy::{Element as PyElement, PyReadonlyArray3, PyReadwriteArray3, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::image::bit_image::BitImage;
use crate::image::elements::Element;
use crate::python::support::elements::{with_elements, writable};
use crate::python::support::threads::run;
use crate::support::simd::width;
use crate::thinning::thin;

/// Images with fewer voxels are thinned before other threads are awake.
const VOXELS_WORTH_THREADS: usize = 1 << 18;

/// Thins the voxels of `image` that have any bit of `mask` into `output`, which holds zeros.
#[pyfunction]
fn skeletonize(
    py: Python<'_>,
    image: &Bound<'_, PyAny>,
    mask: u64,
    method: &str,
    mut output: PyReadwriteArray3<'_, u8>,
) -> PyResult<()> {
    with_elements!(image: PyReadonlyArray3, mask => thin_into(py, &image, mask, method, &mut output))
}

fn thin_into<T: Element + PyElement>(
    py: Python<'_>,
    image: &PyReadonlyArray3<'_, T>,
    mask: T,
    method: &str,
    output: &mut PyReadwriteArray3<'_, u8>,
) -> PyResult<()> {
    let (shape, of_output) = (image.shape(), output.shape());
    let method = method::method(method, shape[0])?;
    if shape != of_output {
        return Err(PyValueError::new_err(format!("output: expected the image's shape {shape:?}, got {of_output:?}")));
    }
    let Some(output) = writable(output) else { return Ok(()) };
    let image = image.as_array();
    run(py, image.len() >= VOXELS_WORTH_THREADS, |monitor| {
        let mut packed = BitImage::pack(&image, mask, monitor)?;
        thin(&mut packed, method, monitor)?;
        packed.unpack_into(output);
        Ok(())
    })
}

/// The vectors that thinning computes with: "avx512", "avx2" or "word".
#[pyfunction]
fn vectors() -> &'static str {
    width().name()
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(skeletonize, module)?)?;
    module.add_function(wrap_pyfunction!(vectors, module)?)?;
    labels::register(module)?;
    chunks::register(module)
}
