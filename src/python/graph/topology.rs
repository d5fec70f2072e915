//! The topology of a list of voxels.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use rayon::prelude::*;

use crate::graph::csr::{Index, check_indptr};
use crate::graph::topology::{Topology, topology};
use crate::image::indices::check_voxels;
use crate::python::support::arrays::AlignedArray1;
use crate::python::support::threads::{NODES_WORTH_THREADS, run};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// How many components, of these how many single voxels, tunnels and cavities the voxels `nodes` have: ascending linear indices
/// in an image of `shape`.
#[pyfunction(name = "topology")]
fn topology_of(
    py: Python<'_>,
    nodes: AlignedArray1<'_, i64>,
    shape: [usize; 3],
) -> PyResult<(usize, usize, usize, usize)> {
    let nodes = nodes.as_slice();
    let found = run(py, false, |monitor| of_nodes(nodes, shape, monitor))?;
    Ok((found.components, found.isolated, found.tunnels, found.cavities))
}

/// The tunnels of each of several sets of voxels: those of `nodes` from each of the numbers `groups` to the next.
#[pyfunction]
fn tunnels<'py>(
    py: Python<'py>,
    nodes: AlignedArray1<'py, i64>,
    groups: AlignedArray1<'py, i64>,
    shape: [usize; 3],
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let (nodes, groups) = (nodes.as_slice(), groups.as_slice());
    let found = run(py, nodes.len() >= NODES_WORTH_THREADS, |monitor| {
        check_indptr("groups", groups, nodes.len())?;
        let of_groups = groups.par_windows(2).map(|ends| {
            let found = of_nodes(&nodes[ends[0] as usize..ends[1] as usize], shape, monitor)?;
            Ok(found.tunnels as i64)
        });
        of_groups.collect::<Result<Vec<_>>>()
    })?;
    Ok(found.into_pyarray(py))
}

fn of_nodes(nodes: &[i64], shape: [usize; 3], monitor: &Monitor) -> Result<Topology> {
    check_voxels(nodes, &shape)?;
    if nodes.len() <= i32::LARGEST {
        topology::<i32>(nodes, shape, monitor)
    } else {
        topology::<i64>(nodes, shape, monitor)
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(topology_of, module)?)?;
    module.add_function(wrap_pyfunction!(tunnels, module)?)
}
