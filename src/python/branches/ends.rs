//! The ends of branches, from numpy arrays to numpy arrays.

use numpy::{Element as PyElement, IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;

use crate::python::support::arrays::AlignedArray1;

use crate::branches::ends::{self, Spacing};
use crate::python::graph::{IndexPair, with_indices};
use crate::python::support::threads::{NODES_WORTH_THREADS, run};

type Array1<'py, T> = Bound<'py, PyArray1<T>>;
/// Nodes, linear indices of voxels, and the types of the branches.
type Ends<'py> = ([Bound<'py, PyAny>; 2], [Array1<'py, i64>; 2], Array1<'py, i64>);

/// Sources and destinations of paths through the graph of `voxels`, whose neighbours `masks` tell, and the types of the branches.
#[pyfunction]
fn path_ends<'py>(
    py: Python<'py>,
    starts: &Bound<'py, PyAny>,
    path_nodes: &Bound<'py, PyAny>,
    masks: AlignedArray1<'py, u32>,
    voxels: AlignedArray1<'py, i64>,
) -> PyResult<Ends<'py>> {
    let (masks, voxels) = (masks.as_slice(), voxels.as_slice());
    with_indices!(IndexPair::new("paths", starts, path_nodes)?, |starts, path_nodes| {
        let ends = run(py, starts.len() >= NODES_WORTH_THREADS, |monitor| {
            ends::path_ends(starts, path_nodes, masks, voxels, monitor)
        })?;
        let nodes = ends.nodes.map(|nodes| nodes.into_pyarray(py).into_any());
        Ok((nodes, ends.voxels.map(|voxels| voxels.into_pyarray(py)), ends.types.into_pyarray(py)))
    })
}

/// A spacing in the types whose products numpy makes likewise.
#[derive(FromPyObject)]
enum AnySpacing<'py> {
    Whole(AlignedArray1<'py, i64>),
    Real(AlignedArray1<'py, f64>),
}

/// Columns of voxels, columns of coordinates, and lengths of chords.
type EndArrays<'py> = (Bound<'py, PyArray2<i64>>, Bound<'py, PyAny>, Array1<'py, f64>);

/// Where the ends of branches lie, given as linear indices in an image of `shape`: the axes of the sources, then those of the
/// destinations, in voxels and times the spacing; and how far they are apart.
#[pyfunction]
fn end_positions<'py>(
    py: Python<'py>,
    sources: AlignedArray1<'py, i64>,
    destinations: AlignedArray1<'py, i64>,
    shape: Vec<usize>,
    spacing: AnySpacing<'py>,
) -> PyResult<EndArrays<'py>> {
    let ends = [sources.as_slice(), destinations.as_slice()];
    match spacing {
        AnySpacing::Whole(spacing) => positions_of(py, ends, &shape, spacing.as_slice()),
        AnySpacing::Real(spacing) => positions_of(py, ends, &shape, spacing.as_slice()),
    }
}

fn positions_of<'py, S: Spacing + PyElement>(
    py: Python<'py>,
    ends: [&[i64]; 2],
    shape: &[usize],
    spacing: &[S],
) -> PyResult<EndArrays<'py>> {
    let threads = ends[0].len() >= NODES_WORTH_THREADS;
    let positions = run(py, threads, |monitor| ends::positions(ends, shape, spacing, monitor))?;
    let columns = [2 * shape.len(), ends[0].len()];
    let scaled = positions.scaled.into_pyarray(py).reshape(columns)?.into_any();
    Ok((positions.voxels.into_pyarray(py).reshape(columns)?, scaled, positions.chords.into_pyarray(py)))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(path_ends, module)?)?;
    module.add_function(wrap_pyfunction!(end_positions, module)?)
}
