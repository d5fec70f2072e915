//! The topology of a list of voxels.

use pyo3::prelude::*;

use crate::python::support::arrays::AlignedArray1;

use crate::graph::csr::Index;
use crate::graph::topology::topology;
use crate::image::indices::check_voxels;
use crate::python::support::threads::run;

/// How many components, of these how many single voxels, tunnels and cavities the voxels `nodes` have: ascending linear indices
/// in an image of `shape`.
#[pyfunction(name = "topology")]
fn topology_of(
    py: Python<'_>,
    nodes: AlignedArray1<'_, i64>,
    shape: [usize; 3],
) -> PyResult<(usize, usize, usize, usize)> {
    let nodes = nodes.as_slice();
    let found = run(py, false, |monitor| {
        check_voxels(nodes, &shape)?;
        if nodes.len() <= i32::LARGEST {
            topology::<i32>(nodes, shape, monitor)
        } else {
            topology::<i64>(nodes, shape, monitor)
        }
    })?;
    Ok((found.components, found.isolated, found.tunnels, found.cavities))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(topology_of, module)?)
}
