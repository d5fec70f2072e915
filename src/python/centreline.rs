//! Masks that are packed block by block, and what branches measure in them: centrelines and cells.

use std::path::PathBuf;

use numpy::{Element as PyElement, IntoPyArray, PyArray1, PyArray2, PyReadonlyArray3, PyReadwriteArray3};
use pyo3::prelude::*;

use crate::cells::{self, Cells};
use crate::centreline::smooth::Point;
use crate::centreline::{self, Measures, Skeleton};
use crate::graph::csr::Index;
use crate::image::bit_image::BitImage;
use crate::image::elements::Element;
use crate::image::indices::check_voxels;
use crate::image::mask_rows::MaskRows;
use crate::python::support::arrays::AlignedArray1;
use crate::python::support::elements::{shared, with_elements, writable};
use crate::python::support::threads::run;
use crate::python::thinning::method;
use crate::radius::{Background, Squares, Surroundings, squared_radii};
use crate::support::allocate::try_collect;
use crate::support::errors::Result;
use crate::support::threads::Monitor;
use crate::thinning::thin;

/// What the columns are called when there is no memory for them.
const MEASURES: &str = "the measures of branches";

/// Masks with fewer voxels are measured before other threads are awake.
const VOXELS_WORTH_THREADS: usize = 1 << 18;

pub(super) type Array1<'py> = Bound<'py, PyArray1<f64>>;

/// A mask in three axes, one bit a voxel, filled block by block.
#[pyclass(name = "MaskRows", module = "skanrs._core")]
pub(super) struct PyMaskRows {
    pub(super) mask: MaskRows,
}

#[pymethods]
impl PyMaskRows {
    #[new]
    fn new(shape: [usize; 3], border: [bool; 3]) -> PyResult<Self> {
        Ok(Self { mask: MaskRows::zeros(shape, border)? })
    }

    /// The mask whose words are those of a file, which can only be read.
    #[staticmethod]
    fn map(py: Python<'_>, path: PathBuf, shape: [usize; 3], border: [bool; 3]) -> PyResult<Self> {
        Ok(Self { mask: py.detach(|| MaskRows::map(&path, shape, border))? })
    }

    /// Some planes; those of a file are not copied.
    fn planes(&self, py: Python<'_>, first: usize, end: usize) -> PyResult<Self> {
        Ok(Self { mask: py.detach(|| self.mask.planes(first, end))? })
    }

    /// Gives the memory of a file's words back to the system, which reads them again where they are asked for.
    fn release(&self, py: Python<'_>) {
        py.detach(|| self.mask.release());
    }

    /// A copy of the words, row by row.
    fn words<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u64>>> {
        Ok(py.detach(|| self.mask.to_words())?.into_pyarray(py))
    }

    /// Adds the voxels of a block that have any bit of `bits`.
    fn insert(&mut self, py: Python<'_>, block: &Bound<'_, PyAny>, bits: u64, offset: [usize; 3]) -> PyResult<()> {
        with_elements!(block: PyReadonlyArray3, bits => self.insert_block(py, &block, bits, offset))
    }

    /// Makes the voxels of these bits foreground.
    fn set(&mut self, bits: AlignedArray1<'_, u64>) -> PyResult<()> {
        Ok(self.mask.set(bits.as_slice())?)
    }

    /// The squared distances of voxels to the background, 0 for those of the background. No other thread may read the mask
    /// in the meantime, since the background is in its memory.
    fn squared_radii<'py>(
        &mut self,
        py: Python<'py>,
        nodes: AlignedArray1<'py, i64>,
        spacing: [f64; 3],
    ) -> PyResult<Array1<'py>> {
        let (shape, border) = (self.mask.shape(), self.mask.border());
        let nodes = nodes.as_slice();
        let squares = run(py, self.is_worth_threads(), |monitor| {
            check_voxels(nodes, &shape)?;
            let numbers = Squares::new(shape, spacing)?;
            let surroundings = Surroundings { offset: [0; 3], image: shape, border };
            Background::within(&mut self.mask, |background| {
                squared_radii(background, nodes, &surroundings, &numbers, monitor)
            })
        })?;
        Ok(squares.into_pyarray(py))
    }

    /// The number of voxels of the foreground.
    fn count(&self, py: Python<'_>) -> PyResult<u64> {
        run(py, self.is_worth_threads(), |_| Ok(self.mask.count()))
    }

    /// The linear indices of the voxels of the skeleton, ascending. Without `keep` the mask is empty afterwards: its memory is
    /// free while the skeleton is made.
    fn skeletonize<'py>(&mut self, py: Python<'py>, method: &str, keep: bool) -> PyResult<Bound<'py, PyArray1<i64>>> {
        let method = method::method(method, self.mask.shape()[0])?;
        let nodes = run(py, self.is_worth_threads(), |monitor| {
            let mut image = BitImage::of_rows(&self.mask, monitor)?;
            if !keep {
                self.mask = MaskRows::zeros(self.mask.shape(), self.mask.border())?;
            }
            thin(&mut image, method, monitor)?;
            image.indices(monitor)
        })?;
        Ok(nodes.into_pyarray(py))
    }

    /// Writes the mask into `output` as bytes of 0 and 1.
    fn unpack(&self, py: Python<'_>, mut output: PyReadwriteArray3<'_, u8>) -> PyResult<()> {
        let Some(output) = writable(&mut output) else { return Ok(()) };
        run(py, self.is_worth_threads(), |monitor| self.mask.unpack_into(output, monitor))
    }
}

impl PyMaskRows {
    pub(super) fn is_worth_threads(&self) -> bool {
        self.mask.shape().iter().product::<usize>() >= VOXELS_WORTH_THREADS
    }

    fn insert_block<T: Element + PyElement>(
        &mut self,
        py: Python<'_>,
        block: &PyReadonlyArray3<'_, T>,
        bits: T,
        offset: [usize; 3],
    ) -> PyResult<()> {
        let block = shared(block);
        run(py, block.len() >= VOXELS_WORTH_THREADS, |monitor| self.mask.insert(offset, &block, bits, monitor))
    }
}

/// Calls a kernel with the skeleton in a mask that arrays describe, whose indices are of either type.
macro_rules! with_skeleton {
    ($py:expr, $mask:expr, $arrays:expr, $kernel:expr) => {{
        let $crate::python::centreline::SkeletonArrays(nodes, radii, starts, paths, spacing, axes) = &$arrays;
        let pair = $crate::python::graph::IndexPair::new("paths", starts, paths)?;
        $crate::python::graph::with_indices!(pair, |starts, paths| {
            let skeleton = $crate::centreline::Skeleton {
                mask: &$mask.mask,
                spacing: *spacing,
                axes: *axes,
                origin: [0; 3],
                nodes: nodes.as_slice(),
                radii: radii.as_slice(),
                starts,
                paths,
            };
            run($py, $mask.is_worth_threads(), |monitor| $kernel(skeleton, monitor))?
        })
    }};
}
pub(super) use with_skeleton;

/// A tuple of a skeleton's voxels, their radii, where its paths start, the numbers of their voxels, the spacing, and how many
/// axes the image has.
#[derive(FromPyObject)]
pub(super) struct SkeletonArrays<'py>(
    pub(super) AlignedArray1<'py, i64>,
    pub(super) AlignedArray1<'py, f64>,
    pub(super) Bound<'py, PyAny>,
    pub(super) Bound<'py, PyAny>,
    pub(super) [f64; 3],
    pub(super) usize,
);

/// The columns `length`, `tortuosity`, `mean_radius`, `min_radius`, `max_radius`, `stdev_radius`, `tip_length` of each path.
#[pyfunction]
fn centreline_measures<'py>(
    py: Python<'py>,
    mask: PyRef<'py, PyMaskRows>,
    skeleton: SkeletonArrays<'py>,
) -> PyResult<[Array1<'py>; 7]> {
    centrelines_out(py, &with_skeleton!(py, mask, skeleton, centreline::measures))
}

/// Measures as columns.
pub(super) fn centrelines_out<'py>(py: Python<'py>, measured: &[Measures]) -> PyResult<[Array1<'py>; 7]> {
    let column =
        |of: fn(&Measures) -> f64| PyResult::Ok(try_collect(MEASURES, measured.iter().map(of))?.into_pyarray(py));
    Ok([
        column(|measures| measures.length)?,
        column(|measures| measures.tortuosity)?,
        column(|measures| measures.mean_radius)?,
        column(|measures| measures.min_radius)?,
        column(|measures| measures.max_radius)?,
        column(|measures| measures.stdev_radius)?,
        column(|measures| measures.tip_length)?,
    ])
}

/// The points of all centrelines, a row each, and their radii.
#[pyfunction]
fn centrelines<'py>(
    py: Python<'py>,
    mask: PyRef<'py, PyMaskRows>,
    skeleton: SkeletonArrays<'py>,
) -> PyResult<(Bound<'py, PyArray2<f64>>, Array1<'py>)> {
    let (points, radii) = with_skeleton!(py, mask, skeleton, centreline::centrelines);
    Ok((points_out(py, &points, skeleton.5)?, radii.into_pyarray(py)))
}

/// Points in an image of so many axes, a row each.
pub(super) fn points_out<'py>(py: Python<'py>, points: &[Point], axes: usize) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let flat = try_collect(MEASURES, points.iter().flat_map(|point| point[3 - axes..].iter().copied()))?;
    let points = numpy::ndarray::Array2::from_shape_vec((points.len(), axes), flat);
    let points = points.map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
    Ok(points.into_pyarray(py))
}

/// The volume and the surface of each path's part of the mask; in a plane the area and the length of the outline. Paths share
/// junctions by their mean radii.
#[pyfunction]
fn cell_measures<'py>(
    py: Python<'py>,
    mask: PyRef<'py, PyMaskRows>,
    skeleton: SkeletonArrays<'py>,
    mean_radii: AlignedArray1<'py, f64>,
) -> PyResult<[Array1<'py>; 2]> {
    let mean_radii = mean_radii.as_slice();
    let bodies = with_skeleton!(py, mask, skeleton, |skeleton, monitor| cells::of_paths(skeleton, mean_radii, monitor));
    bodies_out(py, &bodies)
}

/// Volumes and surfaces as columns.
pub(super) fn bodies_out<'py>(py: Python<'py>, measured: &[[f64; 2]]) -> PyResult<[Array1<'py>; 2]> {
    let column =
        |at: usize| PyResult::Ok(try_collect(MEASURES, measured.iter().map(|pair| pair[at]))?.into_pyarray(py));
    Ok([column(0)?, column(1)?])
}

/// Gives memory that was freed, and that the allocator keeps, back to the system.
#[pyfunction]
fn return_freed_memory(py: Python<'_>) {
    py.detach(crate::support::freed::return_freed_memory);
}

/// What each voxel of the skeleton owns.
fn cells_of_voxels<I: Index>(skeleton: Skeleton<'_, I>, monitor: &Monitor) -> Result<Cells> {
    let each = try_collect(MEASURES, 0..u32::try_from(skeleton.nodes.len()).unwrap_or(u32::MAX))?;
    cells::cells(skeleton, &each, each.len(), monitor)
}

/// How many voxels of the mask belong to each voxel of the skeleton.
#[pyfunction]
fn cell_counts<'py>(
    py: Python<'py>,
    mask: PyRef<'py, PyMaskRows>,
    skeleton: SkeletonArrays<'py>,
) -> PyResult<Bound<'py, PyArray1<u64>>> {
    let cells = with_skeleton!(py, mask, skeleton, cells_of_voxels);
    Ok(try_collect(MEASURES, cells.cells.iter().map(|cell| cell.voxels))?.into_pyarray(py))
}

/// Sums, a row for each voxel of the skeleton, the bound, and loose voxels.
type Between<'py> = (Bound<'py, PyArray2<u64>>, f64, Bound<'py, PyArray1<i64>>);

/// The voxels and the surface sums that each voxel of a skeleton owns between two planes, a row each, the largest power distance
/// of a voxel to its owner, and voxels of objects that may have no voxel of the skeleton.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "named by the caller")]
fn cells_between<'py>(
    py: Python<'py>,
    mask: PyRef<'py, PyMaskRows>,
    nodes: AlignedArray1<'py, i64>,
    radii: AlignedArray1<'py, f64>,
    spacing: [f64; 3],
    axes: usize,
    first: usize,
    end: usize,
) -> PyResult<Between<'py>> {
    let skeleton = Skeleton {
        mask: &mask.mask,
        spacing,
        axes,
        origin: [0; 3],
        nodes: nodes.as_slice(),
        radii: radii.as_slice(),
        starts: &[0_i64],
        paths: &[],
    };
    let found = run(py, mask.is_worth_threads(), |monitor| cells::cells_between(skeleton, first..end, monitor))?;
    let shape = (found.sums.len(), 2);
    let sums = numpy::ndarray::Array2::from_shape_vec(shape, found.sums.into_flattened());
    let sums = sums.map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
    Ok((sums.into_pyarray(py), found.farthest, found.loose.into_pyarray(py)))
}

/// Those of the loose voxels of all planes that belong to objects without any voxel of the skeleton.
#[pyfunction]
fn strays_among<'py>(
    py: Python<'py>,
    mask: PyRef<'py, PyMaskRows>,
    loose: AlignedArray1<'py, i64>,
) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let (mask, loose) = (&mask.mask, loose.as_slice());
    Ok(run(py, false, |_| cells::strays_among(mask, loose))?.into_pyarray(py))
}

/// The surfaces of sums of `cells_between`.
#[pyfunction]
fn cell_surfaces<'py>(
    py: Python<'py>,
    sums: AlignedArray1<'py, u64>,
    spacing: [f64; 3],
    axes: usize,
) -> PyResult<Array1<'py>> {
    let sums = sums.as_slice();
    Ok(run(py, false, |_| cells::surfaces(sums, spacing, axes))?.into_pyarray(py))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyMaskRows>()?;
    module.add_function(wrap_pyfunction!(return_freed_memory, module)?)?;
    module.add_function(wrap_pyfunction!(centreline_measures, module)?)?;
    module.add_function(wrap_pyfunction!(centrelines, module)?)?;
    module.add_function(wrap_pyfunction!(cell_measures, module)?)?;
    module.add_function(wrap_pyfunction!(cell_counts, module)?)?;
    module.add_function(wrap_pyfunction!(cells_between, module)?)?;
    module.add_function(wrap_pyfunction!(strays_among, module)?)?;
    module.add_function(wrap_pyfunction!(cell_surfaces, module)?)
}
