//! Radii of voxels: of a mask in memory, of a block, and of blocks that are merged; and the measures of paths.

use numpy::{Element as PyElement, IntoPyArray, PyArray1, PyReadonlyArray3, PyReadwriteArray1};
use pyo3::prelude::*;

use crate::python::support::arrays::{AlignedArray1, AlignedArray2};

use crate::image::elements::Element;
use crate::image::indices::{check_voxels, position};
use crate::python::support::elements::{shared, with_elements};
use crate::python::support::threads::run;
use crate::radius::faces::{Face, depths, lower};
use crate::radius::{Background, Squares, Surroundings, squared_radii};
use crate::support::allocate::try_collect;
use crate::support::errors::Error;

/// What lists are called when there is no memory for them.
const RADII: &str = "the radii of voxels";

/// Masks with fewer voxels are read before other threads are awake.
const VOXELS_WORTH_THREADS: usize = 1 << 18;

type Array1<'py, T> = Bound<'py, PyArray1<T>>;
type Depths<'py> = Vec<(usize, bool, Array1<'py, u32>)>;
type BlockRadii<'py> = (Array1<'py, f64>, Array1<'py, bool>, Depths<'py>);

/// The squared radii of the voxels `nodes` of a block, whether each still waits for other blocks, and the depths behind the
/// faces that other blocks can look through, as (axis, whether it is the last face, depths).
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "named by the caller")]
fn block_radii<'py>(
    py: Python<'py>,
    mask: &Bound<'py, PyAny>,
    bits: u64,
    nodes: AlignedArray1<'py, i64>,
    offset: [usize; 3],
    shape: [usize; 3],
    spacing: [f64; 3],
    border: [bool; 3],
) -> PyResult<BlockRadii<'py>> {
    let surroundings = Surroundings { offset, image: shape, border };
    let nodes = nodes.as_slice();
    with_elements!(mask: PyReadonlyArray3, bits => radii_of(py, &mask, bits, nodes, surroundings, spacing))
}

fn radii_of<'py, T: Element + PyElement>(
    py: Python<'py>,
    mask: &PyReadonlyArray3<'_, T>,
    bits: T,
    nodes: &[i64],
    surroundings: Surroundings,
    spacing: [f64; 3],
) -> PyResult<BlockRadii<'py>> {
    let mask = shared(mask);
    let (nz, ny, nx) = mask.dim();
    let block = [nz, ny, nx];
    let (radii, waits, faces) = run(py, mask.len() >= VOXELS_WORTH_THREADS, |monitor| {
        check_voxels(nodes, &block)?;
        if (0..3).any(|axis| surroundings.offset[axis].saturating_add(block[axis]) > surroundings.image[axis]) {
            let reason = "expected a block inside the image".to_owned();
            return Err(Error::InvalidArgument { name: "offset", reason });
        }
        let squares = Squares::new(surroundings.image, spacing)?;
        let background = Background::pack(&mask, bits, monitor)?;
        let radii = squared_radii(&background, nodes, &surroundings, &squares, monitor)?;
        let known = |node| surroundings.to_unknown(position(node, block), block, &squares);
        let waits = nodes.iter().zip(&radii).map(|(&node, &radius)| radius > known(node));
        let waits = try_collect(RADII, waits)?;
        let open = (0..3).flat_map(|axis| [(axis, false), (axis, true)]).filter(|&(axis, end)| {
            if end {
                surroundings.offset[axis] + block[axis] < surroundings.image[axis]
            } else {
                surroundings.offset[axis] > 0
            }
        });
        let faces = open.map(|(axis, end)| Ok((axis, end, depths(&background, axis, end)?)));
        Ok((radii, waits, faces.collect::<Result<Vec<_>, Error>>()?))
    })?;
    let faces = faces.into_iter().map(|(axis, end, depths)| (axis, end, depths.into_pyarray(py))).collect();
    Ok((radii.into_pyarray(py), waits.into_pyarray(py), faces))
}

/// Lowers the squared radii of `voxels` outside a face, given by steps along `axis` and positions along the others, to what lies
/// behind it; `shape` is that of the image.
#[pyfunction]
fn lower_radii(
    py: Python<'_>,
    mut radii: PyReadwriteArray1<'_, f64>,
    voxels: AlignedArray2<'_, i64>,
    axis: usize,
    depths: AlignedArray2<'_, u32>,
    shape: [usize; 3],
    spacing: [f64; 3],
) -> PyResult<()> {
    const WORTH_THREADS: usize = 1 << 12;
    let radii = radii.as_slice_mut()?;
    let (lines, columns) = depths.as_array().dim();
    let depths = depths.as_slice();
    let voxels = voxels.as_array();
    if voxels.ncols() != 3 {
        let reason = format!("expected three columns, got {}", voxels.ncols());
        return Err(Error::InvalidArgument { name: "voxels", reason }.into());
    }
    let voxels = voxels.rows().into_iter().map(|row| [row[0], row[1], row[2]].map(|at| at as usize));
    let voxels = try_collect(RADII, voxels)?;
    run(py, radii.len() >= WORTH_THREADS, |monitor| {
        let others = [[1, 2], [0, 2], [0, 1]];
        let fits = others.get(axis).is_some_and(|&[one, other]| lines <= shape[one] && columns <= shape[other])
            && voxels.len() == radii.len()
            && voxels.iter().all(|&[gap, u, v]| gap <= shape[axis] && u < lines && v < columns)
            && depths.iter().all(|&depth| depth == u32::MAX || (depth as usize) < shape[axis]);
        if !fits {
            let reason = "expected voxels and depths inside the image".to_owned();
            return Err(Error::InvalidArgument { name: "voxels", reason });
        }
        // No column is asked for more steps than the farthest voxel takes to the face, and the deepest background from there.
        let gap = voxels.iter().map(|voxel| voxel[0]).max().unwrap_or(0);
        let depth = depths.iter().filter(|&&depth| depth != u32::MAX).max().map_or(0, |&depth| depth as usize);
        let squares = Squares::new([0, 1, 2].map(|at| if at == axis { gap + depth } else { shape[at] }), spacing)?;
        lower(Face { axis, depths, shape: [lines, columns] }, &voxels, radii, &squares, monitor)
    })
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(block_radii, module)?)?;
    module.add_function(wrap_pyfunction!(lower_radii, module)?)
}
