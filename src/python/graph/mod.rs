//! Foreground, pixel graph, branches and their numbers, from numpy arrays to numpy arrays.
//!
//! Indices come and go as `int32`, or as `int64` where a count does not fit.

mod topology;

use numpy::{Element as PyElement, IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArrayDyn, PyReadwriteArray1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::python::support::arrays::AlignedArray1;

use crate::branches::lengths;
use crate::branches::trace::{trace_branches, trace_branches_in_tasks};
use crate::graph::adjacency::{self, Grid, adjacency};
use crate::graph::csr::{CsrView, Index};
use crate::graph::heights::Heights;
use crate::graph::junctions::prune_junctions;
use crate::graph::pixel_graph as core;
use crate::graph::pixel_graph::Neighbourhood;
use crate::image::elements::Element;
use crate::image::indices::check_voxels;
use crate::image::{foreground, indices};
use crate::python::support::elements::{shared, with_elements};
use crate::python::support::threads::{NODES_WORTH_THREADS, run};
use crate::support::allocate::try_copy;
use crate::support::errors::{Error, Result};

/// Images with fewer voxels are read before other threads are awake.
const VOXELS_WORTH_THREADS: usize = 1 << 20;

type Array1<'py, T> = Bound<'py, PyArray1<T>>;
type Triple<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Array1<'py, f64>);

/// The linear indices, in an image of `shape`, of the voxels of `block` at `offset` that have any bit of `mask`.
#[pyfunction]
fn foreground_indices<'py>(
    py: Python<'py>,
    block: &Bound<'py, PyAny>,
    mask: u64,
    offset: Vec<usize>,
    shape: Vec<usize>,
) -> PyResult<Array1<'py, i64>> {
    with_elements!(block: PyReadonlyArrayDyn, mask => indices_of(py, &block, mask, &offset, &shape))
}

fn indices_of<'py, T: Element + PyElement>(
    py: Python<'py>,
    block: &PyReadonlyArrayDyn<'_, T>,
    mask: T,
    offset: &[usize],
    shape: &[usize],
) -> PyResult<Array1<'py, i64>> {
    let block = shared(block);
    let found = run(py, block.len() >= VOXELS_WORTH_THREADS, |monitor| {
        foreground::foreground(&block, mask, offset, shape, monitor)
    })?;
    Ok(found.into_pyarray(py))
}

/// The neighbourhood of voxels, which are checked to be of an image that has one.
fn neighbourhood_of(nodes: &[i64], shape: &[usize], spacing: &[f64], connectivity: usize) -> Result<Neighbourhood> {
    if !(1..=Neighbourhood::LARGEST_DIMENSION).contains(&shape.len()) || spacing.len() != shape.len() {
        let reason = format!("expected one to ten axes, each with its spacing, got {shape:?} and {spacing:?}");
        return Err(Error::InvalidArgument { name: "shape", reason });
    }
    check_voxels(nodes, shape)?;
    Ok(Neighbourhood::new(shape, spacing, connectivity))
}

/// The heights of nodes, in the types whose differences numpy rounds differently.
#[derive(FromPyObject)]
pub(in crate::python) enum NodeHeights<'py> {
    Single(AlignedArray1<'py, f32>),
    Double(AlignedArray1<'py, f64>),
    Signed(AlignedArray1<'py, i64>),
    Unsigned(AlignedArray1<'py, u64>),
}

impl NodeHeights<'_> {
    fn get(&self, half: bool) -> Heights<'_> {
        match self {
            Self::Single(heights) if half => Heights::Half(heights.as_slice()),
            Self::Single(heights) => Heights::Single(heights.as_slice()),
            Self::Double(heights) => Heights::Double(heights.as_slice()),
            Self::Signed(heights) => Heights::Signed(heights.as_slice()),
            Self::Unsigned(heights) => Heights::Unsigned(heights.as_slice()),
        }
    }
}

/// The graph of the voxels `nodes` as (indptr, indices, weights); with `prune`, without the edges that junction clusters do
/// not need. `half` says that single precision heights were of half precision.
#[pyfunction]
#[pyo3(signature = (nodes, shape, spacing, connectivity, *, heights=None, half=false, prune=true))]
#[allow(clippy::too_many_arguments, reason = "named by the caller")]
fn pixel_graph<'py>(
    py: Python<'py>,
    nodes: AlignedArray1<'py, i64>,
    shape: Vec<usize>,
    spacing: Vec<f64>,
    connectivity: usize,
    heights: Option<NodeHeights<'py>>,
    half: bool,
    prune: bool,
) -> PyResult<Triple<'py>> {
    let nodes = nodes.as_slice();
    let neighbourhood = run(py, false, |_| neighbourhood_of(nodes, &shape, &spacing, connectivity))?;
    let heights = heights.as_ref().map(|heights| heights.get(half));
    if heights.as_ref().is_some_and(|heights| heights.len() != nodes.len()) {
        let reason = format!("expected one for each of the {} nodes", nodes.len());
        return Err(Error::InvalidArgument { name: "heights", reason }.into());
    }
    let threads = nodes.len() >= NODES_WORTH_THREADS;
    let narrow = nodes.len().saturating_mul(neighbourhood.largest_degree()) <= i32::LARGEST
        || run(py, threads, |monitor| core::count_entries(nodes, &neighbourhood, monitor))?.max(nodes.len())
            <= i32::LARGEST;
    if narrow {
        build_graph::<i32>(py, threads, nodes, &neighbourhood, heights, prune)
    } else {
        build_graph::<i64>(py, threads, nodes, &neighbourhood, heights, prune)
    }
}

fn build_graph<'py, I: Index + PyElement>(
    py: Python<'py>,
    threads: bool,
    nodes: &[i64],
    neighbourhood: &Neighbourhood,
    heights: Option<Heights<'_>>,
    prune: bool,
) -> PyResult<Triple<'py>> {
    let graph = run(py, threads, |monitor| {
        let mut graph = core::pixel_graph::<I>(nodes, neighbourhood, heights, monitor)?;
        if prune {
            prune_junctions(&mut graph, monitor)?;
        }
        Ok(graph)
    })?;
    let [indptr, indices] = [graph.indptr, graph.indices].map(|array| array.into_pyarray(py).into_any());
    Ok((indptr, indices, graph.weights.into_pyarray(py)))
}

/// The graph, its paths, and how many voxels have the neighbours of a closed surface.
type Skeleton<'py> = (Graph<'py>, Paths<'py>, usize);
/// Rows of neighbours, and their masks.
type Graph<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Array1<'py, u32>);
/// Rows of nodes, lengths, and components.
type Paths<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Array1<'py, f64>, Bound<'py, PyAny>);

/// The graph of the voxels `nodes`, without the edges that junction clusters do not need, and its paths; `None` if such an image
/// needs `pixel_graph`.
#[pyfunction]
fn trace_skeleton<'py>(
    py: Python<'py>,
    nodes: AlignedArray1<'py, i64>,
    shape: Vec<usize>,
    spacing: Vec<f64>,
) -> PyResult<Option<Skeleton<'py>>> {
    let nodes = nodes.as_slice();
    let neighbourhood = run(py, false, |_| neighbourhood_of(nodes, &shape, &spacing, shape.len()))?;
    let Some(grid) = neighbourhood.grid() else { return Ok(None) };
    let threads = nodes.len() >= NODES_WORTH_THREADS;
    // Paths have as many nodes as there are, and two ends for two entries.
    let narrow = nodes.len().saturating_mul(neighbourhood.largest_degree() + 1) <= i32::LARGEST
        || run(py, threads, |monitor| core::count_entries(nodes, &neighbourhood, monitor))? + nodes.len()
            <= i32::LARGEST;
    let skeleton =
        if narrow { trace::<i32>(py, threads, nodes, grid)? } else { trace::<i64>(py, threads, nodes, grid)? };
    Ok(Some(skeleton))
}

fn trace<'py, I: Index + PyElement>(
    py: Python<'py>,
    threads: bool,
    nodes: &[i64],
    grid: &Grid,
) -> PyResult<Skeleton<'py>> {
    /// Walks that lead from one task to another are walked twice.
    const LARGE_TASK: usize = 1 << 20;
    let (graph, paths, components) = run(py, threads, |monitor| {
        let graph = adjacency::<I>(nodes, grid, true, monitor)?;
        let task = nodes.len().div_ceil(rayon::current_num_threads()).clamp(1, LARGE_TASK);
        let paths = trace_branches_in_tasks(&graph.with_distances(grid), task, monitor)?;
        let path = |ends: &[I]| [paths.indices[ends[0].get()], paths.indices[ends[1].get() - 1]];
        let ends = paths.indptr.windows(2).map(path);
        let components = lengths::path_components(&graph.indptr, ends, &paths.smallest, monitor)?;
        Ok((graph, paths, components))
    })?;
    let array = |array: Vec<I>| array.into_pyarray(py).into_any();
    Ok((
        (array(graph.indptr), array(graph.indices), graph.masks.into_pyarray(py)),
        (array(paths.indptr), array(paths.indices), paths.lengths.into_pyarray(py), array(components)),
        graph.crowded,
    ))
}

/// Two arrays of indices of one type.
pub(in crate::python) enum IndexPair<'py> {
    Narrow(AlignedArray1<'py, i32>, AlignedArray1<'py, i32>),
    Wide(AlignedArray1<'py, i64>, AlignedArray1<'py, i64>),
}

impl<'py> IndexPair<'py> {
    pub(in crate::python) fn new(
        name: &str,
        indptr: &Bound<'py, PyAny>,
        indices: &Bound<'py, PyAny>,
    ) -> PyResult<Self> {
        if let Ok(indptr) = indptr.extract::<AlignedArray1<'_, i32>>() {
            return Ok(Self::Narrow(indptr, indices.extract()?));
        }
        let wide = indptr.extract().and_then(|indptr| Ok(Self::Wide(indptr, indices.extract()?)));
        wide.map_err(|_: PyErr| PyTypeError::new_err(format!("{name}: expected indices of int32 or int64")))
    }
}

/// Runs an expression with the slices of an [`IndexPair`], whatever their type.
macro_rules! with_indices {
    ($pair:expr, |$indptr:ident, $indices:ident| $body:expr) => {
        match &$pair {
            $crate::python::graph::IndexPair::Narrow(indptr, indices) => {
                let ($indptr, $indices) = (indptr.as_slice(), indices.as_slice());
                $body
            }
            $crate::python::graph::IndexPair::Wide(indptr, indices) => {
                let ($indptr, $indices) = (indptr.as_slice(), indices.as_slice());
                $body
            }
        }
    };
}
pub(in crate::python) use with_indices;

/// The distances of the entries of a graph that `trace_skeleton` returned.
#[pyfunction]
fn graph_distances<'py>(
    py: Python<'py>,
    indptr: &Bound<'py, PyAny>,
    indices: &Bound<'py, PyAny>,
    masks: AlignedArray1<'py, u32>,
    shape: Vec<usize>,
    spacing: Vec<f64>,
) -> PyResult<Array1<'py, f64>> {
    let masks = masks.as_slice();
    let grid = if shape.len() == spacing.len() { Grid::new(&shape, &spacing, shape.len()) } else { None };
    let grid = grid.ok_or_else(|| {
        PyValueError::new_err(format!(
            "shape: expected one to three axes, each with its spacing, got {shape:?} and {spacing:?}"
        ))
    })?;
    let weights = with_indices!(IndexPair::new("graph", indptr, indices)?, |indptr, indices| {
        adjacency::check_masks(indptr, indices, masks)?;
        run(py, masks.len() >= NODES_WORTH_THREADS, |_| adjacency::weights(indptr, indices, masks, &grid, None))?
    });
    Ok(weights.into_pyarray(py))
}

/// Removes from the graph, whose rows are sorted, the edges that junction clusters do not need.
#[pyfunction]
fn prune_junction_edges<'py>(
    py: Python<'py>,
    indptr: &Bound<'py, PyAny>,
    indices: &Bound<'py, PyAny>,
    weights: AlignedArray1<'py, f64>,
) -> PyResult<Triple<'py>> {
    let weights = weights.as_slice();
    with_indices!(IndexPair::new("csmat", indptr, indices)?, |indptr, indices| {
        CsrView::new("csmat", indptr, indices, weights)?;
        let graph = run(py, false, |monitor| {
            let mut graph = crate::graph::csr::Csr {
                indptr: try_copy("the graph", indptr)?,
                indices: try_copy("the graph", indices)?,
                weights: try_copy("the graph", weights)?,
            };
            prune_junctions(&mut graph, monitor)?;
            Ok(graph)
        })?;
        let [indptr, indices] = [graph.indptr, graph.indices].map(|array| array.into_pyarray(py).into_any());
        Ok((indptr, indices, graph.weights.into_pyarray(py)))
    })
}

/// The branches of the graph as (indptr, indices, values): the nodes of each path, and the value of each of them, or 1.
#[pyfunction]
#[pyo3(signature = (indptr, indices, weights, values=None))]
fn trace_paths<'py>(
    py: Python<'py>,
    indptr: &Bound<'py, PyAny>,
    indices: &Bound<'py, PyAny>,
    weights: AlignedArray1<'py, f64>,
    values: Option<AlignedArray1<'py, f64>>,
) -> PyResult<Triple<'py>> {
    let weights = weights.as_slice();
    let values = values.as_ref().map(AlignedArray1::as_slice);
    with_indices!(IndexPair::new("adj", indptr, indices)?, |indptr, indices| {
        let graph = CsrView::new("adj", indptr, indices, weights)?;
        let (branches, values) = run(py, graph.nodes() >= NODES_WORTH_THREADS, |monitor| {
            let branches = trace_branches(&graph, monitor)?;
            let values = lengths::values_along(values, &branches.indices, graph.nodes())?;
            Ok((branches, values))
        })?;
        let [indptr, indices] = [branches.indptr, branches.indices].map(|array| array.into_pyarray(py).into_any());
        Ok((indptr, indices, values.into_pyarray(py)))
    })
}

/// The length of each path.
#[pyfunction]
fn path_lengths<'py>(
    py: Python<'py>,
    graph_indptr: &Bound<'py, PyAny>,
    graph_indices: &Bound<'py, PyAny>,
    weights: AlignedArray1<'py, f64>,
    indptr: &Bound<'py, PyAny>,
    indices: &Bound<'py, PyAny>,
) -> PyResult<Array1<'py, f64>> {
    let weights = weights.as_slice();
    let graph = IndexPair::new("graph", graph_indptr, graph_indices)?;
    let paths = IndexPair::new("paths", indptr, indices)?;
    let lengths = with_indices!(graph, |graph_indptr, graph_indices| {
        let graph = CsrView::new("graph", graph_indptr, graph_indices, weights)?;
        with_indices!(paths, |indptr, indices| {
            run(py, indices.len() >= NODES_WORTH_THREADS, |monitor| {
                lengths::path_lengths(graph, indptr, indices, monitor)
            })?
        })
    });
    Ok(lengths.into_pyarray(py))
}

/// The sum of the values along each path, and that of their squares.
#[pyfunction]
fn path_sums<'py>(
    py: Python<'py>,
    indptr: AlignedArray1<'py, i64>,
    values: AlignedArray1<'py, f64>,
) -> PyResult<(Array1<'py, f64>, Array1<'py, f64>)> {
    let (indptr, values) = (indptr.as_slice(), values.as_slice());
    let (sums, squares) =
        run(py, values.len() >= NODES_WORTH_THREADS, |monitor| lengths::path_sums(indptr, values, monitor))?;
    Ok((sums.into_pyarray(py), squares.into_pyarray(py)))
}

/// The connected component of each node, numbered by smallest node.
#[pyfunction]
fn components<'py>(
    py: Python<'py>,
    indptr: &Bound<'py, PyAny>,
    indices: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    with_indices!(IndexPair::new("graph", indptr, indices)?, |indptr, indices| {
        let labels = run(py, false, |monitor| lengths::components(indptr, indices, monitor))?;
        Ok(labels.into_pyarray(py).into_any())
    })
}

/// Writes path number + 1 into `labels` at the positions of the nodes of each path.
#[pyfunction]
fn label_paths<'py>(
    py: Python<'py>,
    mut labels: PyReadwriteArray1<'py, i64>,
    positions: AlignedArray1<'py, i64>,
    indptr: &Bound<'py, PyAny>,
    indices: &Bound<'py, PyAny>,
) -> PyResult<()> {
    let (labels, positions) = (labels.as_slice_mut()?, positions.as_slice());
    with_indices!(IndexPair::new("paths", indptr, indices)?, |indptr, indices| {
        run(py, false, |_| lengths::label_paths(labels, positions, indptr, indices))
    })
}

/// The coordinates of linear indices, one row for each axis.
#[pyfunction]
fn unravel<'py>(
    py: Python<'py>,
    nodes: AlignedArray1<'py, i64>,
    shape: Vec<usize>,
) -> PyResult<Bound<'py, numpy::PyArray2<i64>>> {
    let nodes = nodes.as_slice();
    let coordinates = run(py, nodes.len() >= NODES_WORTH_THREADS, |_| indices::coordinates(nodes, &shape))?;
    coordinates.into_pyarray(py).reshape([shape.len(), nodes.len()])
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(foreground_indices, module)?)?;
    module.add_function(wrap_pyfunction!(pixel_graph, module)?)?;
    module.add_function(wrap_pyfunction!(trace_skeleton, module)?)?;
    module.add_function(wrap_pyfunction!(graph_distances, module)?)?;
    module.add_function(wrap_pyfunction!(prune_junction_edges, module)?)?;
    module.add_function(wrap_pyfunction!(trace_paths, module)?)?;
    module.add_function(wrap_pyfunction!(path_lengths, module)?)?;
    module.add_function(wrap_pyfunction!(path_sums, module)?)?;
    module.add_function(wrap_pyfunction!(components, module)?)?;
    module.add_function(wrap_pyfunction!(label_paths, module)?)?;
    module.add_function(wrap_pyfunction!(unravel, module)?)?;
    topology::register(module)
}
