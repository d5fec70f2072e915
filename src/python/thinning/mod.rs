//! Thinning of a numpy array into another.

mod chunks;

use numpy::{Element as PyElement, PyReadonlyArray3, PyReadwriteArray3};
use pyo3::prelude::*;

use super::elements::with_elements;
use super::threads::run;
use crate::bit_image::{BitImage, Element};
use crate::thinning::{Method, thin};

/// Images with fewer voxels are thinned before other threads are awake.
const VOXELS_WORTH_THREADS: usize = 1 << 18;

const fn method(zhang: bool) -> Method {
    if zhang { Method::Zhang } else { Method::Lee }
}

/// Thins the voxels of `image` that have any bit of `mask` into `output`, which holds zeros.
#[pyfunction]
fn skeletonize(
    py: Python<'_>,
    image: &Bound<'_, PyAny>,
    mask: u64,
    zhang: bool,
    mut output: PyReadwriteArray3<'_, u8>,
) -> PyResult<()> {
    with_elements!(image: PyReadonlyArray3, mask => thin_into(py, &image, mask, method(zhang), &mut output))
}

fn thin_into<T: Element + PyElement>(
    py: Python<'_>,
    image: &PyReadonlyArray3<'_, T>,
    mask: T,
    method: Method,
    output: &mut PyReadwriteArray3<'_, u8>,
) -> PyResult<()> {
    let (image, output) = (image.as_array(), output.as_array_mut());
    run(py, image.len() >= VOXELS_WORTH_THREADS, |cancel| {
        let mut packed = BitImage::pack(&image, mask, cancel)?;
        thin(&mut packed, method, cancel)?;
        packed.unpack_into(output);
        Ok(())
    })
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(skeletonize, module)?)?;
    chunks::register(module)
}
