//! Measures of the paths of a graph whose nodes have radii.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::python::support::arrays::AlignedArray1;

use crate::branches::measures;
use crate::graph::csr::CsrView;
use crate::python::graph::{IndexPair, NODES_WORTH_THREADS, with_indices};
use crate::python::support::threads::run;
use crate::support::allocate::try_collect;

type Array1<'py> = Bound<'py, PyArray1<f64>>;

/// For each path the smallest and the largest radius, the surface and the volume; in a plane, where `is_flat`, the length of
/// both sides and the area.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "named by the caller")]
fn path_measures<'py>(
    py: Python<'py>,
    graph_indptr: &Bound<'py, PyAny>,
    graph_indices: &Bound<'py, PyAny>,
    weights: AlignedArray1<'py, f64>,
    indptr: &Bound<'py, PyAny>,
    indices: &Bound<'py, PyAny>,
    radii: AlignedArray1<'py, f64>,
    is_flat: bool,
) -> PyResult<[Array1<'py>; 4]> {
    let (weights, radii) = (weights.as_slice(), radii.as_slice());
    let graph = IndexPair::new("graph", graph_indptr, graph_indices)?;
    let paths = IndexPair::new("paths", indptr, indices)?;
    let measured = with_indices!(graph, |graph_indptr, graph_indices| {
        let graph = CsrView::new("graph", graph_indptr, graph_indices, weights)?;
        with_indices!(paths, |indptr, indices| {
            run(py, indices.len() >= NODES_WORTH_THREADS, |monitor| {
                measures::path_measures(graph, indptr, indices, radii, is_flat, monitor)
            })?
        })
    });
    let column = |of: fn(&measures::Measures) -> f64| {
        PyResult::Ok(try_collect("the measures of branches", measured.iter().map(of))?.into_pyarray(py))
    };
    Ok([
        column(|measures| measures.smallest)?,
        column(|measures| measures.largest)?,
        column(|measures| measures.surface)?,
        column(|measures| measures.volume)?,
    ])
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(path_measures, module)?)
}
