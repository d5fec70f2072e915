//! Nodes, trees and territories of a network, from numpy arrays to numpy arrays.

use numpy::ndarray::ArrayViewMut3;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods};
use pyo3::prelude::*;

use crate::network::nodes::{Nodes, nodes};
use crate::network::root::{Graph, trees};
use crate::network::territories::Territories;
use crate::python::centreline::{PyMaskRows, SkeletonArrays, with_skeleton};
use crate::python::support::arrays::AlignedArray1;
use crate::python::support::elements::{shared, with_elements};
use crate::python::support::threads::run;
use crate::support::allocate::{try_collect, try_zeros};
use crate::support::errors::Error;

/// What the columns are called when there is no memory for them.
const NODES: &str = "the nodes of a network";

type Array1<'py, T> = Bound<'py, PyArray1<T>>;
/// The nodes at the ends of the paths, and whether the path lies inside a junction.
pub(super) type OfPaths<'py> = (Array1<'py, i64>, Array1<'py, i64>, Array1<'py, bool>);
/// Centroids, numbers of voxels and of first voxels, degrees and faces.
pub(super) type OfNodes<'py> =
    (Bound<'py, PyArray2<f64>>, Array1<'py, i64>, Array1<'py, i64>, Array1<'py, i64>, Array1<'py, u8>);

/// The nodes of a skeleton, and those of its paths.
#[pyfunction]
fn network_nodes<'py>(
    py: Python<'py>,
    mask: PyRef<'py, PyMaskRows>,
    skeleton: SkeletonArrays<'py>,
) -> PyResult<(OfPaths<'py>, OfNodes<'py>)> {
    nodes_out(py, with_skeleton!(py, mask, skeleton, nodes), skeleton.5)
}

/// Nodes of an image of so many axes as arrays.
pub(super) fn nodes_out(py: Python<'_>, found: Nodes, axes: usize) -> PyResult<(OfPaths<'_>, OfNodes<'_>)> {
    let flat = try_collect(NODES, found.centroids.iter().flat_map(|point| point[3 - axes..].iter().copied()))?;
    let centroids = numpy::ndarray::Array2::from_shape_vec((found.centroids.len(), axes), flat);
    let centroids = centroids.map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
    let [sources, destinations] = found.of_paths.map(|side| side.into_pyarray(py));
    Ok((
        (sources, destinations, found.inside.into_pyarray(py)),
        (
            centroids.into_pyarray(py),
            found.voxels.into_pyarray(py),
            found.firsts.into_pyarray(py),
            found.degrees.into_pyarray(py),
            found.faces.into_pyarray(py),
        ),
    ))
}

/// Root, parent, generation, order, and tips.
type Numbers<'py> = [Array1<'py, i64>; 5];
/// The distance from the root, and the length behind.
type Lengths<'py> = [Array1<'py, f64>; 2];
/// Whether branches close a loop, and whether they begin at their destination.
type Flags<'py> = [Array1<'py, bool>; 2];

/// The trees that grow from nodes along branches between numbered voxels, each of which belongs to a node.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "columns of two tables")]
fn root_branches<'py>(
    py: Python<'py>,
    sources: AlignedArray1<'py, u32>,
    destinations: AlignedArray1<'py, u32>,
    nodes_of_voxels: AlignedArray1<'py, u32>,
    lengths: AlignedArray1<'py, f64>,
    inside: AlignedArray1<'py, bool>,
    nodes: usize,
    roots: AlignedArray1<'py, u32>,
) -> PyResult<(Numbers<'py>, Lengths<'py>, Flags<'py>)> {
    let graph = Graph {
        ends: [sources.as_slice(), destinations.as_slice()],
        nodes: nodes_of_voxels.as_slice(),
        lengths: lengths.as_slice(),
        inside: inside.as_slice(),
    };
    let roots = roots.as_slice();
    let found = run(py, false, |monitor| trees(graph, nodes, roots, monitor))?;
    Ok((
        [found.root, found.parent, found.generation, found.strahler, found.tips].map(|column| column.into_pyarray(py)),
        [found.distance, found.downstream].map(|column| column.into_pyarray(py)),
        [found.is_loop, found.is_reversed].map(|column| column.into_pyarray(py)),
    ))
}

/// Blocks with fewer voxels are drawn before other threads are awake.
const VOXELS_WORTH_THREADS: usize = 1 << 18;

/// The territories of the branches of a mask.
#[pyclass(name = "Territories", module = "skanrs._core", frozen)]
struct PyTerritories(Territories);

#[pymethods]
impl PyTerritories {
    #[new]
    fn new(
        py: Python<'_>,
        mask: PyRef<'_, PyMaskRows>,
        voxels: AlignedArray1<'_, i64>,
        numbers: AlignedArray1<'_, i32>,
        spacing: [f64; 3],
    ) -> PyResult<Self> {
        let (mask, voxels, numbers) = (&mask.mask, voxels.as_slice(), numbers.as_slice());
        let made = run(py, false, |monitor| Territories::new(mask, voxels, numbers, spacing, monitor))?;
        Ok(Self(made))
    }

    /// Those of a label image, in which each component of a label is an object.
    #[staticmethod]
    fn of_labels(
        py: Python<'_>,
        image: &Bound<'_, PyAny>,
        voxels: AlignedArray1<'_, i64>,
        numbers: AlignedArray1<'_, i32>,
        spacing: [f64; 3],
    ) -> PyResult<Self> {
        let (voxels, numbers) = (voxels.as_slice(), numbers.as_slice());
        with_elements!(image: PyReadonlyArray3 => {
            let image = shared(&image);
            Ok(Self(run(py, false, |monitor| Territories::of_labels(&image, voxels, numbers, spacing, monitor))?))
        })
    }

    /// The numbers of the branches of a block's voxels.
    fn draw<'py>(&self, py: Python<'py>, offset: [usize; 3], shape: [usize; 3]) -> PyResult<Bound<'py, PyArray3<i32>>> {
        let voxels = shape.iter().try_fold(1_usize, |voxels, &length| voxels.checked_mul(length));
        let voxels = voxels.ok_or(Error::out_of_memory::<i32>("the territories", usize::MAX))?;
        let drawn = run(py, voxels >= VOXELS_WORTH_THREADS, |monitor| {
            let mut block = try_zeros("the territories", voxels)?;
            let view = ArrayViewMut3::from_shape(shape, &mut block)
                .map_err(|error| Error::InvalidArgument { name: "shape", reason: error.to_string() })?;
            self.0.draw(offset, view, monitor)?;
            Ok(block)
        })?;
        drawn.into_pyarray(py).reshape(shape)
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyTerritories>()?;
    module.add_function(wrap_pyfunction!(network_nodes, module)?)?;
    module.add_function(wrap_pyfunction!(root_branches, module)?)
}
