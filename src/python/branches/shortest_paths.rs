//! Shortest paths in branch graphs, from numpy arrays to numpy arrays.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::python::support::arrays::AlignedArray1;

use crate::branches::shortest_paths::Network;
use crate::branches::shortest_paths::centre::centres;
use crate::branches::shortest_paths::longest::longest_shortest_paths;
use crate::python::support::threads::run;
use crate::support::allocate::{Grow, try_with_capacity};
use crate::support::errors::Result;

type Array1<'py, T> = Bound<'py, PyArray1<T>>;

/// The branches as the kernels take them; `sources` and `targets` are equally long.
fn network(nodes: usize, sources: &[u32], targets: &[u32], lengths: &[f64]) -> Result<Network> {
    let mut branches = try_with_capacity("branches", sources.len())?;
    branches.extend(sources.iter().copied().zip(targets.iter().copied()));
    Network::new(nodes, &branches, lengths)
}

/// For each connected component, by its smallest node, the branches of one longest shortest path: all of them in a row, and
/// where each component's start, and the end of the last.
#[pyfunction]
#[pyo3(name = "longest_shortest_paths")]
fn longest_paths<'py>(
    py: Python<'py>,
    nodes: usize,
    sources: AlignedArray1<'py, u32>,
    targets: AlignedArray1<'py, u32>,
    lengths: AlignedArray1<'py, f64>,
) -> PyResult<(Array1<'py, u32>, Array1<'py, i64>)> {
    let (sources, targets, lengths) = (sources.as_slice(), targets.as_slice(), lengths.as_slice());
    let (paths, starts) = run(py, false, |monitor| {
        let network = network(nodes, sources, targets, lengths)?;
        let lists = longest_shortest_paths(&network, monitor)?;
        let mut starts = try_with_capacity("paths", lists.len() + 1)?;
        let mut paths = Vec::new();
        starts.push(0);
        for list in lists {
            paths.try_extend_from_slice("paths", &list)?;
            starts.push(paths.len() as i64);
        }
        Ok((paths, starts))
    })?;
    Ok((paths.into_pyarray(py), starts.into_pyarray(py)))
}

/// The nodes of the largest component whose sums of distances to its other nodes are the smallest up to rounding.
#[pyfunction]
fn graph_centres<'py>(
    py: Python<'py>,
    nodes: usize,
    sources: AlignedArray1<'py, u32>,
    targets: AlignedArray1<'py, u32>,
    lengths: AlignedArray1<'py, f64>,
) -> PyResult<Array1<'py, u32>> {
    let (sources, targets, lengths) = (sources.as_slice(), targets.as_slice(), lengths.as_slice());
    let centres = run(py, false, |monitor| {
        let network = network(nodes, sources, targets, lengths)?;
        centres(&network, monitor)
    })?;
    Ok(centres.into_pyarray(py))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(longest_paths, module)?)?;
    module.add_function(wrap_pyfunction!(graph_centres, module)?)
}
