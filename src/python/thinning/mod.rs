//! Thinning of a numpy array into another, and of a list of voxels.

#![allow(clippy::needless_pass_by_value, reason = "pyo3 hands arguments over by value")]

mod chunks;

use numpy::{Element as PyElement, IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray3, PyReadwriteArray3};
use pyo3::prelude::*;

use super::elements::with_elements;
use super::threads::run;
use crate::bit_image::{BitImage, Element};
use crate::csr::Index;
use crate::thinning::{Method, nodes, thin};

/// Images with fewer voxels are thinned before other threads are awake.
const VOXELS_WORTH_THREADS: usize = 1 << 18;

/// Shorter lists of voxels are thinned before other threads are awake.
const NODES_WORTH_THREADS: usize = 1 << 14;

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

/// Which voxels thinning leaves of the image whose foreground is `nodes`: ascending linear indices in an image of `shape`.
#[pyfunction]
fn thin_nodes<'py>(
    py: Python<'py>,
    nodes: PyReadonlyArray1<'py, i64>,
    shape: [usize; 3],
    zhang: bool,
) -> PyResult<Bound<'py, PyArray1<bool>>> {
    let nodes = nodes.as_slice()?;
    let kept = run(py, nodes.len() >= NODES_WORTH_THREADS, |cancel| {
        if nodes.len().saturating_mul(26) <= i32::LARGEST {
            nodes::thin_nodes::<i32>(nodes, shape, method(zhang), cancel)
        } else {
            nodes::thin_nodes::<i64>(nodes, shape, method(zhang), cancel)
        }
    })?;
    Ok(kept.into_pyarray(py))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(skeletonize, module)?)?;
    module.add_function(wrap_pyfunction!(thin_nodes, module)?)?;
    chunks::register(module)
}
