//! Which part of the mask belongs to which voxel of the skeleton: volumes and surfaces of branches that add up.
//!
//! A voxel v of the mask belongs to the skeleton voxel x with the least |v − x|² − d(x)², d the distance to the background: the
//! cells of the power diagram of the largest balls, so that the wall of a thick vessel is not given to the thin one that leaves it.
//! Of equals the first x has it. An object without any voxel of the skeleton belongs to none ([`strays`]). Every voxel of the
//! skeleton takes part, single ones too, so the cells add up to the mask.
//! The surface of a cell is the pairs of its voxels with background, weighted ([`crofton`]).
//! A mask of which only windows are in memory is shared out some planes at a time ([`cells_between`]).
//!
//! **Search.** Tiles of the mask find their candidates among the sites ([`sites`]) and share out their foreground ([`tile`]), each
//! by itself. A tile whose candidates have one owner is counted without asking them. Else, where power distances are whole numbers,
//! the balls are painted over the tile ([`paint`]), and a voxel that is farther from all of them asks all candidates. What is beyond
//! their limit too is shared out box by box.
//!
//! **Exactness.** With equal spacings along all axes, power distances are whole numbers of voxels. Else the distance is computed
//! from differences of voxels, each operation rounded by itself: a function of v, x and d alone. Bounds allow for rounding, so the
//! answer is that of asking all. Counts and surfaces are integers, added in any order. So the result is the same for any number of
//! threads, and for any chunks that the mask came in.
//!
//! Cost: linear in the foreground, whatever the radius. Memory: 17 bytes a skeleton voxel, 4 more where spacings differ, 9 bytes per 8³
//! voxels of the image, and 16 bytes an owner.
//!
//! Source: the power diagram (Aurenhammer, SIAM J. Comput. 16, 1987) of medial balls.

mod between;
pub mod crofton;
mod paint;
mod sites;
mod strays;
#[cfg(test)]
mod tests;
mod tile;

use std::sync::atomic::AtomicU64;

use rayon::prelude::*;

pub use self::between::{Between, cells_between, strays_among, surfaces};
pub use self::crofton::Weights;
use self::paint::TILE;
use self::sites::{CELLS, Sites};
use self::strays::{Strays, Voxel};
use self::tile::{Diagram, Scratch};
use crate::centreline::Skeleton;
use crate::centreline::smooth::Point;
use crate::graph::csr::Index;
use crate::image::mask_rows::MaskRows;
use crate::support::allocate::{Grow, try_collect, try_filled};
use crate::support::errors::{Error, Result, check_numbers};
use crate::support::threads::Monitor;

/// The power distance that the voxels of most boxes do not exceed, in units of the squared longest spacing.
const NEAR: f64 = 1.0;

/// The power distance that voxels hardly ever exceed, in the same units: where it is a whole number, and else.
const FAR: [f64; 2] = [24.0, 6.0];

/// Foreground v at a smaller power distance p from x is connected to x, where distances are whole numbers: all within the ball is
/// foreground, and so is the neighbour of v that is one step nearer to x along each axis. Its square is at least 2 |v − x| − 1
/// smaller, which is more than p for p ≤ 2, since |v − x|² = d² + p and d ≥ 1.
const TOUCHING: f64 = 3.0;

/// Whole numbers of squares are this near to them.
const WHOLE: f64 = 1e-6;

/// The cells of an owner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// How many voxels it has.
    pub voxels: u64,
    /// The area of its part of the mask's surface; in a plane the length.
    pub surface: f64,
}

/// Who owns the mask.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    /// What each owner has.
    pub cells: Vec<Cell>,
    /// How many voxels belong to objects without any voxel of the skeleton, and so to no owner.
    pub strays: u64,
}

/// What each of `count` owners has: the cells of the voxels of the skeleton that are its own.
///
/// # Errors
/// [`Error::InvalidArgument`] if the arrays do not fit each other, [`Error::OutOfMemory`], or [`Error::Interrupted`] through
/// `monitor`.
pub fn cells<I: Index>(skeleton: Skeleton<'_, I>, owners: &[u32], count: usize, monitor: &Monitor) -> Result<Cells> {
    skeleton.check()?;
    let weights = Weights::new(skeleton.spacing, skeleton.axes);
    weighted_cells(&weights, skeleton, owners, count, monitor)
}

/// The cells of a skeleton that was checked.
fn weighted_cells<I: Index>(
    weights: &Weights,
    skeleton: Skeleton<'_, I>,
    owners: &[u32],
    count: usize,
    monitor: &Monitor,
) -> Result<Cells> {
    check_numbers("nodes", skeleton.nodes.len())?;
    if owners.len() != skeleton.nodes.len() || owners.iter().any(|&owner| owner as usize >= count) {
        let reason = "expected the number of one for each voxel of the skeleton".to_owned();
        return Err(Error::InvalidArgument { name: "owners", reason });
    }
    let steps = skeleton.steps();
    let is_whole = steps.iter().all(|step| step.to_bits() == steps[0].to_bits())
        && skeleton.radii.par_iter().all(|&radius| {
            let square = (radius / steps[0]) * (radius / steps[0]);
            !square.is_finite() || (square - square.round()).abs() <= WHOLE
        });
    let distances = Distances::new(&skeleton, is_whole);
    let sites = distances.sites(&skeleton)?;
    let sums = try_collect(CELLS, (0..count).map(|_| [AtomicU64::new(0), AtomicU64::new(0)]))?;
    let diagram = distances.diagram(skeleton.mask, &sites, owners, weights, &sums);
    let strays = if skeleton.nodes.is_empty() { skeleton.mask.count() } else { diagram.share_out_all(monitor)? };
    let cells = sums
        .into_iter()
        .map(|[voxels, surface]| Cell { voxels: voxels.into_inner(), surface: weights.area(surface.into_inner()) });
    Ok(Cells { cells: try_collect(CELLS, cells)?, strays })
}

/// How power distances are computed.
struct Distances {
    /// As whole numbers, in units of the squared spacing along all axes.
    is_whole: bool,
    /// Along the first axis of the image.
    step: f64,
    spacing: Point,
    /// The longest along the axes of the image.
    longest: f64,
}

impl Distances {
    fn new<I: Index>(skeleton: &Skeleton<'_, I>, is_whole: bool) -> Self {
        let spacing = if is_whole { [1.0; 3] } else { skeleton.spacing };
        let longest = spacing[3 - skeleton.axes..].iter().fold(0.0, |longest: f64, &step| longest.max(step));
        Self { is_whole, step: skeleton.steps()[0], spacing, longest }
    }

    fn sites<I: Index>(&self, skeleton: &Skeleton<'_, I>) -> Result<Sites> {
        // Without background all radii are infinite, and any number will do.
        let square = |radius: f64| match self.is_whole {
            _ if !radius.is_finite() => self.spacing[2] * self.spacing[2],
            true => ((radius / self.step) * (radius / self.step)).round(),
            false => radius * radius,
        };
        Sites::new(skeleton, self.spacing, square)
    }

    fn diagram<'a>(
        &self,
        mask: &'a MaskRows,
        sites: &'a Sites,
        owners: &'a [u32],
        weights: &'a Weights,
        sums: &'a [[AtomicU64; 2]],
    ) -> Diagram<'a> {
        let square = self.longest * self.longest;
        Diagram {
            mask,
            planes: 0..mask.shape()[0],
            sites,
            owners,
            spacing: self.spacing,
            is_whole: self.is_whole,
            near: NEAR * square,
            far: FAR[usize::from(!self.is_whole)] * square,
            touching: if self.is_whole { TOUCHING } else { 0.0 },
            weights,
            sums,
        }
    }
}

impl Diagram<'_> {
    /// Shares out the foreground of all tiles, and returns what is connected to no ball within its tile, and an upper bound of the
    /// power distance of each voxel.
    fn share_out_tiles(&self, monitor: &Monitor) -> Result<(Vec<(Voxel, u32)>, f64)> {
        let [_, height, width] = self.mask.shape();
        let shape = [self.planes.len(), height, width];
        let [planes, rows, tiles] = [0, 1, 2].map(|axis| shape[axis].div_ceil(TILE[axis]));
        let found = (0..planes * rows).into_par_iter().map_init(Scratch::new, |scratch, row| {
            monitor.check()?;
            let row = [self.planes.start + row / rows * TILE[0], row % rows * TILE[1], 0];
            self.enter_row(row, scratch)?;
            for tile in 0..tiles {
                self.share_out([row[0], row[1], tile * TILE[2]], scratch)?;
            }
            Ok((std::mem::take(&mut scratch.strays), scratch.farthest))
        });
        let none = || (Vec::new(), f64::NEG_INFINITY);
        found.try_reduce(none, |(mut all, farthest), (part, other)| {
            all.try_extend_from_slice(CELLS, &part)?;
            Ok((all, farthest.max(other)))
        })
    }

    /// Shares out the foreground of all tiles, and returns how many voxels have no owner.
    fn share_out_all(&self, monitor: &Monitor) -> Result<u64> {
        let mut strays = Strays::new(self.share_out_tiles(monitor)?.0);
        strays.shrink(self.mask);
        let tile_of = |position: Voxel| [0, 1, 2].map(|axis| position[axis] / TILE[axis] * TILE[axis]);
        let mut left = try_collect(CELLS, strays.words())?;
        left.sort_unstable_by_key(|&(position, _)| tile_of(position));
        left.par_chunk_by(|one, other| tile_of(one.0) == tile_of(other.0))
            .try_for_each_init(Scratch::new, |scratch, of_tile| {
                self.take_back(tile_of(of_tile[0].0), of_tile, scratch)
            })?;
        Ok(left.iter().map(|(_, bits)| u64::from(bits.count_ones())).sum())
    }
}

/// What the branches of a skeleton own: the volume and the surface of each path.
///
/// The cell of a voxel at which several paths end is shared by them like a cut through tubes of their mean radii r: the volume in
/// proportion to r², the surface to r; in a plane to r and equally. Where these are no numbers, it is shared equally.
///
/// # Errors
/// [`Error::InvalidArgument`] if there is not a radius for each path, and as for [`cells`].
pub fn of_paths<I: Index>(skeleton: Skeleton<'_, I>, mean_radii: &[f64], monitor: &Monitor) -> Result<Vec<[f64; 2]>> {
    of_paths_with(&Weights::new(skeleton.spacing, skeleton.axes), skeleton, mean_radii, monitor)
}

/// The same with the weights of the skeleton's spacing and axes: to make them takes as long as a small skeleton.
///
/// # Errors
/// As for [`of_paths`].
pub fn of_paths_with<I: Index>(
    weights: &Weights,
    skeleton: Skeleton<'_, I>,
    mean_radii: &[f64],
    monitor: &Monitor,
) -> Result<Vec<[f64; 2]>> {
    skeleton.check()?;
    let path_ends = skeleton.path_ends()?;
    let paths = skeleton.count();
    if mean_radii.len() != paths {
        let reason = format!("expected one for each of {paths} paths, got {}", mean_radii.len());
        return Err(Error::InvalidArgument { name: "mean_radii", reason });
    }
    // The owners are the paths, then the voxels where several end, and at last none.
    let shared = path_ends.iter().filter(|&&ends| ends > 1).count();
    let unowned = paths + shared;
    check_numbers("paths", unowned)?;
    let mut owners = try_filled(CELLS, skeleton.nodes.len(), unowned as u32)?;
    for path in 0..paths {
        for node in skeleton.path(path) {
            owners[node.get()] = path as u32;
        }
    }
    let of_several = owners.iter_mut().zip(&path_ends).filter(|(_, ends)| **ends > 1);
    (paths as u32..).zip(of_several).for_each(|(number, (owner, _))| *owner = number);
    // What the cells need comes in its place.
    drop(path_ends);
    let cells = weighted_cells(weights, skeleton, &owners, unowned + 1, monitor)?.cells;
    let ends = |path: usize| {
        let path = skeleton.path(path);
        let ends = if let [first, .., last] = path { [Some(first), Some(last)] } else { [None; 2] };
        ends.into_iter().flatten().filter_map(|end| (owners[end.get()] as usize).checked_sub(paths))
    };
    let parts = |path: usize| {
        let of_surface = mean_radii[path].powi(skeleton.axes.saturating_sub(2) as i32);
        [of_surface * mean_radii[path], of_surface, 1.0]
    };
    let mut wholes = try_filled(CELLS, shared, [0.0; 3])?;
    for path in 0..paths {
        for end in ends(path) {
            (0..3).for_each(|at| wholes[end][at] += parts(path)[at]);
        }
    }
    let voxel: f64 = skeleton.steps().iter().product();
    let measures = (0..paths).map(|path| {
        let mut sum = [cells[path].voxels as f64, cells[path].surface];
        for end in ends(path) {
            let (whole, cell) = (wholes[end], cells[paths + end]);
            let share = |at: usize| if whole[at].is_normal() { parts(path)[at] / whole[at] } else { 1.0 / whole[2] };
            sum[0] += cell.voxels as f64 * share(0);
            sum[1] += cell.surface * share(1);
        }
        [sum[0] * voxel, sum[1]]
    });
    try_collect(CELLS, measures)
}
