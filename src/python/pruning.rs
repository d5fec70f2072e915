//! Pruning of a list of voxels.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::python::support::arrays::AlignedArray1;

use crate::graph::csr::Index;
use crate::image::indices::check_voxels;
use crate::pruning::{Limits, prune, thin_nodes as nodes};
use crate::python::graph::NODES_WORTH_THREADS;
use crate::python::support::threads::run;
use crate::python::thinning::method;
use crate::support::errors::Error;

/// Which voxels pruning leaves of the skeleton whose foreground is `nodes`: ascending linear indices in an image of `shape`.
#[pyfunction]
#[pyo3(signature = (nodes, shape, spacing, length, ratio, radii=None))]
fn prune_nodes<'py>(
    py: Python<'py>,
    nodes: AlignedArray1<'py, i64>,
    shape: [usize; 3],
    spacing: [f64; 3],
    length: f64,
    ratio: f64,
    radii: Option<AlignedArray1<'py, f64>>,
) -> PyResult<Bound<'py, PyArray1<bool>>> {
    let nodes = nodes.as_slice();
    let radii = radii.as_ref().map(AlignedArray1::as_slice);
    let kept = run(py, nodes.len() >= NODES_WORTH_THREADS, |monitor| {
        check_voxels(nodes, &shape)?;
        if radii.is_some_and(|radii| radii.len() != nodes.len()) {
            let reason = format!("expected one for each of the {} voxels", nodes.len());
            return Err(Error::InvalidArgument { name: "radii", reason });
        }
        let limits = Limits { length, ratio, radii };
        if nodes.len().saturating_mul(26) <= i32::LARGEST {
            prune::<i32>(nodes, shape, spacing, limits, monitor)
        } else {
            prune::<i64>(nodes, shape, spacing, limits, monitor)
        }
    })?;
    Ok(kept.into_pyarray(py))
}

/// Which voxels thinning leaves of the image whose foreground is `nodes`: ascending linear indices in an image of `shape`.
#[pyfunction]
fn thin_nodes<'py>(
    py: Python<'py>,
    nodes: AlignedArray1<'py, i64>,
    shape: [usize; 3],
    method: &str,
) -> PyResult<Bound<'py, PyArray1<bool>>> {
    let (nodes, method) = (nodes.as_slice(), method::method(method, shape[0])?);
    let kept = run(py, nodes.len() >= NODES_WORTH_THREADS, |monitor| {
        check_voxels(nodes, &shape)?;
        if nodes.len().saturating_mul(26) <= i32::LARGEST {
            nodes::thin_nodes::<i32>(nodes, shape, method, monitor)
        } else {
            nodes::thin_nodes::<i64>(nodes, shape, method, monitor)
        }
    })?;
    Ok(kept.into_pyarray(py))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(prune_nodes, module)?)?;
    module.add_function(wrap_pyfunction!(thin_nodes, module)?)
}
