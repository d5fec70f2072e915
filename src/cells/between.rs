//! The cells in some planes of a mask, so that a mask of which only a window is in memory is shared out part by part.
//!
//! Whatever the window, a voxel asks the same of the same sites: what tells how distances are computed is the spacing alone. So the
//! sums of parts add up to those of the whole, as long as no site outside a window owns anything in the planes that are shared out:
//! one at the distance D along the first axis and of radius d cannot if D² − d² exceeds the bound that comes with the sums.
//!
//! Whether an object has any voxel of the skeleton is known only where all of it was seen. So the parts tell which voxels touch no
//! ball within their tile, and the end of all parts which of these are of objects without any ([`strays_among`]).
//!
//! Cost and memory: those of cells, for the planes; the sites are those of the window.

use std::ops::Range;
use std::sync::atomic::AtomicU64;

use super::sites::CELLS;
use super::strays::{Strays, Voxel, WIDTH};
use super::{Distances, Weights};
use crate::centreline::smooth::Point;
use crate::centreline::{Skeleton, check_spacing};
use crate::graph::csr::Index;
use crate::image::indices::{check_voxels, position};
use crate::image::mask_rows::MaskRows;
use crate::image::word_shape::set_bits;
use crate::support::allocate::{Grow, try_collect};
use crate::support::errors::{Error, Result, check_numbers};
use crate::support::threads::Monitor;

/// What the voxels of a skeleton own of some planes.
#[derive(Debug, Clone, PartialEq)]
pub struct Between {
    /// Of each how many voxels, and the sum of the weights of their pairs with background ([`surfaces`]).
    pub sums: Vec<[u64; 2]>,
    /// No voxel of the planes has a larger power distance to its owner, in units of squared spacings, but for rounding. Below all
    /// numbers without foreground, above all without sites.
    pub farthest: f64,
    /// Voxels of the planes that may belong to an object without any voxel of the skeleton ([`strays_among`]), ascending.
    pub loose: Vec<i64>,
}

/// What each voxel of the skeleton owns of the foreground of some planes, all of which has an owner, however far. What objects
/// without any voxel of the skeleton got has to be taken back: it is what the same voxels own of a mask of these objects alone.
///
/// Where spacings are equal along all axes, squares of radii are taken as the nearest whole numbers of voxels, which those of
/// distances to the background are.
///
/// # Errors
/// [`Error::InvalidArgument`] if the arrays do not fit each other, or if there are no such planes; [`Error::OutOfMemory`], or
/// [`Error::Interrupted`] through `monitor`.
pub fn cells_between<I: Index>(skeleton: Skeleton<'_, I>, planes: Range<usize>, monitor: &Monitor) -> Result<Between> {
    skeleton.check()?;
    check_numbers("nodes", skeleton.nodes.len())?;
    let shape = skeleton.mask.shape();
    if planes.start > planes.end || planes.end > shape[0] {
        let reason = format!("expected some of {}, got {} to {}", shape[0], planes.start, planes.end);
        return Err(Error::InvalidArgument { name: "planes", reason });
    }
    if skeleton.nodes.is_empty() {
        let has_foreground = !planes.is_empty()
            && !shape.contains(&0)
            && skeleton.mask.has_foreground([planes.start, 0, 0], [planes.end, shape[1], shape[2]]);
        let farthest = if has_foreground { f64::INFINITY } else { f64::NEG_INFINITY };
        return Ok(Between { sums: Vec::new(), farthest, loose: Vec::new() });
    }
    let steps = skeleton.steps();
    let distances = Distances::new(&skeleton, steps.iter().all(|step| step.to_bits() == steps[0].to_bits()));
    let sites = distances.sites(&skeleton)?;
    let weights = Weights::new(skeleton.spacing, skeleton.axes);
    let owners = try_collect(CELLS, 0..skeleton.nodes.len() as u32)?;
    let sums = try_collect(CELLS, owners.iter().map(|_| [AtomicU64::new(0), AtomicU64::new(0)]))?;
    let mut diagram = distances.diagram(skeleton.mask, &sites, &owners, &weights, &sums);
    diagram.planes = planes;
    let (found, farthest) = diagram.share_out_tiles(monitor)?;
    let loose = voxels_of(found.into_iter(), shape)?;
    let unit = if distances.is_whole { distances.step * distances.step } else { 1.0 };
    let sums = try_collect(CELLS, sums.into_iter().map(|sums| sums.map(AtomicU64::into_inner)))?;
    Ok(Between { sums, farthest: if farthest.is_finite() { farthest * unit } else { farthest }, loose })
}

/// Those of the loose voxels of all planes of a mask that belong to objects without any voxel of the skeleton, ascending. In some
/// planes, those that are connected to no other foreground there.
///
/// # Errors
/// [`Error::InvalidArgument`] if one does not lie in the mask, or [`Error::OutOfMemory`].
pub fn strays_among(mask: &MaskRows, loose: &[i64]) -> Result<Vec<i64>> {
    let shape = mask.shape();
    check_voxels(loose, &shape)?;
    let mut words: Vec<(Voxel, u32)> = Vec::new();
    for &voxel in loose {
        let [z, y, x] = position(voxel, shape);
        let (at, bit) = ([z, y, x / WIDTH * WIDTH], 1 << (x % WIDTH));
        match words.last_mut() {
            Some((last, bits)) if *last == at => *bits |= bit,
            _ => words.try_push(CELLS, (at, bit))?,
        }
    }
    let mut strays = Strays::new(words);
    strays.shrink(mask);
    voxels_of(strays.words(), shape)
}

/// The linear indices of voxels that are given 32 at a time, ascending.
fn voxels_of(words: impl Iterator<Item = (Voxel, u32)>, shape: [usize; 3]) -> Result<Vec<i64>> {
    let mut voxels = Vec::new();
    for ([z, y, x], bits) in words {
        let first = (z * shape[1] + y) * shape[2] + x;
        voxels.try_extend(CELLS, set_bits(u64::from(bits)).map(|bit| (first + bit) as i64))?;
    }
    voxels.sort_unstable();
    Ok(voxels)
}

/// The surfaces of sums of [`cells_between`], also of several added up.
///
/// # Errors
/// [`Error::InvalidArgument`] for a spacing that is none, or [`Error::OutOfMemory`].
pub fn surfaces(sums: &[u64], spacing: Point, axes: usize) -> Result<Vec<f64>> {
    check_spacing(spacing, axes)?;
    let weights = Weights::new(spacing, axes);
    try_collect(CELLS, sums.iter().map(|&sum| weights.area(sum)))
}
