//! Pruning of a list of voxels.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::python::support::arrays::AlignedArray1;

use crate::graph::csr::{Index, check_indptr};
use crate::image::indices::check_voxels;
use crate::pruning::{Limits, prune, thin_nodes as nodes};
use crate::python::support::threads::{NODES_WORTH_THREADS, run};
use crate::python::thinning::method;
use crate::support::allocate::try_collect;
use crate::support::errors::Error;

/// Which voxels pruning leaves of the skeleton whose foreground is `nodes`: ascending linear indices in an image of `shape`. With
/// `groups`, the voxels from each of these numbers to the next are a skeleton of their own.
#[pyfunction]
#[pyo3(signature = (nodes, shape, spacing, length, ratio, bulge, radii=None, groups=None))]
#[allow(clippy::too_many_arguments, reason = "named by the caller")]
fn prune_nodes<'py>(
    py: Python<'py>,
    nodes: AlignedArray1<'py, i64>,
    shape: [usize; 3],
    spacing: [f64; 3],
    length: f64,
    ratio: f64,
    bulge: f64,
    radii: Option<AlignedArray1<'py, f64>>,
    groups: Option<AlignedArray1<'py, i64>>,
) -> PyResult<Bound<'py, PyArray1<bool>>> {
    let nodes = nodes.as_slice();
    let radii = radii.as_ref().map(AlignedArray1::as_slice);
    let whole = [0, nodes.len() as i64];
    let groups = groups.as_ref().map_or(&whole[..], AlignedArray1::as_slice);
    let kept = run(py, nodes.len() >= NODES_WORTH_THREADS, |monitor| {
        check_indptr("groups", groups, nodes.len())?;
        if radii.is_some_and(|radii| radii.len() != nodes.len()) {
            let reason = format!("expected one for each of the {} voxels", nodes.len());
            return Err(Error::InvalidArgument { name: "radii", reason });
        }
        let of_groups = groups.par_windows(2).map(|ends| {
            let of_group = ends[0] as usize..ends[1] as usize;
            let limits = Limits { length, ratio, bulge, radii: radii.map(|radii| &radii[of_group.clone()]) };
            let nodes = &nodes[of_group];
            check_voxels(nodes, &shape)?;
            if nodes.len().saturating_mul(26) <= i32::LARGEST {
                prune::<i32>(nodes, shape, spacing, limits, monitor)
            } else {
                prune::<i64>(nodes, shape, spacing, limits, monitor)
            }
        });
        let of_groups = of_groups.collect::<Result<Vec<_>, Error>>()?;
        try_collect("voxels", of_groups.into_iter().flatten())
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
