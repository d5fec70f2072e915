//! The skeletons of label images, measured label by label, from numpy arrays to numpy arrays.

use numpy::{Element as PyElement, IntoPyArray, PyArray1, PyArray2, PyReadonlyArray3};
use pyo3::prelude::*;

use crate::image::elements::Element;
use crate::image::label_words::LabelWords;
use crate::labels::{self, Skeletons};
use crate::python::centreline::{bodies_out, centrelines_out, points_out};
use crate::python::network::{OfNodes, OfPaths, nodes_out};
use crate::python::support::arrays::AlignedArray1;
use crate::python::support::elements::with_elements;
use crate::python::support::threads::run;
use crate::support::allocate::try_collect;
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// Images with fewer voxels are measured before other threads are awake.
const VOXELS_WORTH_THREADS: usize = 1 << 16;

type Array1<'py, T> = Bound<'py, PyArray1<T>>;

/// A tuple of the skeletons' voxels, their labels, where paths start, the numbers of their voxels, the spacing, whether the outside
/// is background along each axis, and how many axes the image has.
#[derive(FromPyObject)]
struct SkeletonsOfLabels<'py>(
    AlignedArray1<'py, i64>,
    AlignedArray1<'py, u64>,
    AlignedArray1<'py, i64>,
    AlignedArray1<'py, i64>,
    [f64; 3],
    [bool; 3],
    usize,
);

/// Calls a kernel with the words of `image` and the skeletons in it.
fn with_labels<T: Send>(
    py: Python<'_>,
    image: &Bound<'_, PyAny>,
    skeletons: &SkeletonsOfLabels<'_>,
    kernel: impl FnOnce(&LabelWords, Skeletons<'_>, &Monitor) -> Result<T> + Send,
) -> PyResult<T> {
    with_elements!(image: PyReadonlyArray3 => with_words(py, &image, skeletons, kernel))
}

fn with_words<E: Element + PyElement, T: Send>(
    py: Python<'_>,
    image: &PyReadonlyArray3<'_, E>,
    skeletons: &SkeletonsOfLabels<'_>,
    kernel: impl FnOnce(&LabelWords, Skeletons<'_>, &Monitor) -> Result<T> + Send,
) -> PyResult<T> {
    let image = image.as_array();
    let SkeletonsOfLabels(nodes, labels, starts, paths, spacing, border, axes) = skeletons;
    let skeletons = Skeletons {
        spacing: *spacing,
        axes: *axes,
        border: *border,
        nodes: nodes.as_slice(),
        labels: labels.as_slice(),
        starts: starts.as_slice(),
        paths: paths.as_slice(),
    };
    run(py, image.len() >= VOXELS_WORTH_THREADS, |monitor| {
        kernel(&LabelWords::of(&image, monitor)?, skeletons, monitor)
    })
}

/// The radius of each voxel in its own label.
#[pyfunction]
fn label_radii<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    skeletons: SkeletonsOfLabels<'py>,
) -> PyResult<Array1<'py, f64>> {
    Ok(with_labels(py, image, &skeletons, labels::radii)?.into_pyarray(py))
}

type Measured<'py> = (Array1<'py, f64>, [Array1<'py, f64>; 7], [Array1<'py, f64>; 2], OfPaths<'py>, OfNodes<'py>);
/// The labels of an image and how many voxels they have.
type Sizes<'py> = [Array1<'py, u64>; 2];

/// Radii, the columns of `centreline_measures` and of `cell_measures`, nodes as `network_nodes` returns them, and all labels.
#[pyfunction]
fn label_measures<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    skeletons: SkeletonsOfLabels<'py>,
) -> PyResult<(Measured<'py>, Sizes<'py>)> {
    let (found, sizes) = with_labels(py, image, &skeletons, |words, skeletons, monitor| {
        let sizes = [words.values(), words.counts()];
        let found = labels::measures(words, skeletons, monitor)?;
        let [values, counts] = sizes.map(|numbers| try_collect("the labels", numbers.iter().copied()));
        Ok((found, [values?, counts?]))
    })?;
    let (of_paths, of_nodes) = nodes_out(py, found.nodes, skeletons.6)?;
    let columns = centrelines_out(py, &found.centrelines)?;
    let measured = (found.radii.into_pyarray(py), columns, bodies_out(py, &found.bodies)?, of_paths, of_nodes);
    Ok((measured, sizes.map(|numbers| numbers.into_pyarray(py))))
}

/// Radii, and nodes as `network_nodes` returns them.
#[pyfunction]
fn label_nodes<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    skeletons: SkeletonsOfLabels<'py>,
) -> PyResult<(Array1<'py, f64>, OfPaths<'py>, OfNodes<'py>)> {
    let (radii, nodes) = with_labels(py, image, &skeletons, labels::nodes)?;
    let (of_paths, of_nodes) = nodes_out(py, nodes, skeletons.6)?;
    Ok((radii.into_pyarray(py), of_paths, of_nodes))
}

/// The points of all centrelines, a row each, and their radii.
#[pyfunction]
fn label_centrelines<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    skeletons: SkeletonsOfLabels<'py>,
) -> PyResult<(Bound<'py, PyArray2<f64>>, Array1<'py, f64>)> {
    let (points, radii) = with_labels(py, image, &skeletons, labels::centrelines)?;
    Ok((points_out(py, &points, skeletons.6)?, radii.into_pyarray(py)))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(label_centrelines, module)?)?;
    module.add_function(wrap_pyfunction!(label_measures, module)?)?;
    module.add_function(wrap_pyfunction!(label_nodes, module)?)?;
    module.add_function(wrap_pyfunction!(label_radii, module)?)
}
