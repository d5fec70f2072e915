//! Which part of the mask belongs to which voxel of the skeleton: volumes and surfaces of branches that add up.
//!
//! A voxel v of the mask belongs to the skeleton voxel x with the least |v − x|² − d(x)², d the distance to the background: the
//! cells of the power diagram of the largest balls, so that the wall of a thick vessel is not given to the thin one that leaves it.
//! Of equals the first x has it. Every voxel of the skeleton takes part, single ones too, so the cells add up to the mask.
//! The surface of a cell is the pairs of its voxels with background, weighted ([`crofton`]).
//!
//! **Search.** The mask is cut into boxes, each with the candidates that may own some voxel of it. Between two candidates the
//! difference of their distances is linear in v, so its extremes over a box are at corners: a candidate stays unless the best one
//! of the middle of the box is nearer everywhere, by more than rounding may hide. Boxes without foreground are left; small ones
//! ask the candidates that are left one by one. So the answer is that of asking all, and the order of boxes does not matter.
//!
//! **Exactness.** The distance is computed from differences of voxels, each operation rounded by itself: a function of v, x and d
//! alone. Counts and surfaces are integers, added in any order. So the result is the same for any number of threads, and for
//! any chunks that the mask came in.
//!
//! Cost: linear in the foreground, whatever the radius: a box with one candidate is not searched. Memory: 48 bytes a skeleton
//! voxel, and lists of candidates of about 4 bytes a skeleton voxel and level. Measured on a 320³ vessel tree (1.7 million voxels,
//! 145,429 of the skeleton) on two busy cores: 1 s of their time, five times that of the centrelines; most of it goes into lists of
//! candidates of large boxes.
//!
//! Source: the power diagram (Aurenhammer, SIAM J. Comput. 16, 1987) of medial balls.

pub mod crofton;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use self::crofton::Weights;
use crate::centreline::Skeleton;
use crate::centreline::smooth::Point;
use crate::graph::csr::Index;
use crate::image::mask_rows::MaskRows;
use crate::image::word_shape::set_bits;
use crate::support::allocate::{Grow, try_collect, try_with_capacity};
use crate::support::errors::{Result, check_numbers};
use crate::support::threads::Monitor;

/// What the buffers are for.
const CELLS: &str = "the cells of a skeleton";

/// Boxes up to this long are searched voxel by voxel.
const SMALL: usize = 4;

/// Boxes of one candidate up to this long are counted by rows.
const ROWS: usize = 32;

/// Boxes longer than this are shared out to threads.
const PARALLEL: usize = 32;

/// The cell of a voxel of the skeleton.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// How many voxels it has.
    pub voxels: u64,
    /// The area of its part of the mask's surface; in a plane the length.
    pub surface: f64,
}

/// The cells of all voxels of a skeleton.
///
/// # Errors
/// [`crate::support::errors::Error::InvalidArgument`] if the arrays do not fit each other, [`crate::support::errors::Error::OutOfMemory`], or
/// [`crate::support::errors::Error::Interrupted`] through `monitor`.
pub fn cells<I: Index>(skeleton: Skeleton<'_, I>, monitor: &Monitor) -> Result<Vec<Cell>> {
    skeleton.check()?;
    let count = skeleton.nodes.len();
    check_numbers("nodes", count)?;
    let zeros = || try_collect(CELLS, (0..count).map(|_| AtomicU64::new(0)));
    let weights = Weights::new(skeleton.spacing, skeleton.axes);
    let sites = (0..count).map(|node| {
        let radius = skeleton.radii[node];
        // Without background all radii are infinite.
        Site { voxel: skeleton.voxel(node), square: if radius.is_finite() { radius * radius } else { 0.0 } }
    });
    let diagram = Diagram {
        mask: skeleton.mask,
        spacing: skeleton.spacing,
        sites: try_collect(CELLS, sites)?,
        weights: &weights,
        voxels: zeros()?,
        surfaces: zeros()?,
        monitor,
    };
    if count > 0 {
        let all = try_collect(CELLS, 0..count as u32)?;
        let shape = skeleton.mask.shape();
        diagram.share_out(Region { start: [0; 3], end: shape }, &all)?;
    }
    let cells = diagram
        .voxels
        .into_iter()
        .zip(diagram.surfaces)
        .map(|(voxels, surface)| Cell { voxels: voxels.into_inner(), surface: weights.area(surface.into_inner()) });
    try_collect(CELLS, cells)
}

/// What the branches of a skeleton own: the volume and the surface of each path.
///
/// The cell of a voxel at which several paths end is shared equally by them.
///
/// # Errors
/// As for [`cells`].
pub fn of_paths<I: Index>(skeleton: Skeleton<'_, I>, monitor: &Monitor) -> Result<Vec<[f64; 2]>> {
    let cells = cells(skeleton, monitor)?;
    let path_ends = skeleton.path_ends()?;
    let voxel: f64 = skeleton.spacing[3 - skeleton.axes..].iter().product();
    let measures = (0..skeleton.count()).map(|path| {
        let is_closed = skeleton.ends(path, &path_ends).is_closed;
        // The last voxel of a cycle is its first.
        let nodes = &skeleton.path(path)[usize::from(is_closed)..];
        let (mut voxels, mut surface) = (0.0, 0.0);
        for (at, node) in nodes.iter().enumerate() {
            let is_end = !is_closed && (at == 0 || at + 1 == nodes.len());
            let paths = if is_end { f64::from(path_ends[node.get()].max(1)) } else { 1.0 };
            voxels += cells[node.get()].voxels as f64 / paths;
            surface += cells[node.get()].surface / paths;
        }
        [voxels * voxel, surface]
    });
    try_collect(CELLS, measures)
}

/// A voxel of the skeleton with its squared distance to the background.
#[derive(Debug, Clone, Copy)]
struct Site {
    voxel: [i64; 3],
    square: f64,
}

/// A box of voxels.
#[derive(Debug, Clone, Copy)]
struct Region {
    start: [usize; 3],
    end: [usize; 3],
}

impl Region {
    fn length(self, axis: usize) -> usize {
        self.end[axis] - self.start[axis]
    }

    fn longest(self) -> usize {
        (0..3).map(|axis| self.length(axis)).max().unwrap_or(0)
    }

    /// The two halves of a region along an axis, cut at the largest power of two that is shorter than it.
    fn halves(self, axis: usize) -> [Self; 2] {
        let middle = self.start[axis] + self.length(axis).next_power_of_two() / 2;
        let (mut first, mut last) = (self, self);
        (first.end[axis], last.start[axis]) = (middle, middle);
        [first, last]
    }
}

struct Diagram<'a> {
    mask: &'a MaskRows,
    spacing: Point,
    sites: Vec<Site>,
    weights: &'a Weights,
    voxels: Vec<AtomicU64>,
    surfaces: Vec<AtomicU64>,
    monitor: &'a Monitor,
}

impl Diagram<'_> {
    /// Finds the owners of all foreground of a region, none of which has another than the candidates.
    fn share_out(&self, region: Region, candidates: &[u32]) -> Result<()> {
        if !self.mask.has_foreground(region.start, region.end) {
            return Ok(());
        }
        let kept = self.candidates(region, candidates)?;
        let longest = region.longest();
        if longest <= SMALL || kept.len() == 1 && longest <= ROWS {
            self.count(region, &kept);
            return Ok(());
        }
        let axis = (0..3).rev().find(|&axis| region.length(axis) == longest).unwrap_or(0);
        let halves = region.halves(axis);
        if longest > PARALLEL {
            self.monitor.check()?;
            return halves.into_par_iter().try_for_each(|half| self.share_out(half, &kept));
        }
        halves.into_iter().try_for_each(|half| self.share_out(half, &kept))
    }

    /// The candidates that may own a voxel of a region.
    fn candidates(&self, region: Region, candidates: &[u32]) -> Result<Vec<u32>> {
        let ends = [0, 1, 2].map(|axis| [region.start[axis] as f64, (region.end[axis] - 1) as f64]);
        let middle = [0, 1, 2].map(|axis| f64::midpoint(ends[axis][0], ends[axis][1]) * self.spacing[axis]);
        let half = [0, 1, 2].map(|axis| (ends[axis][1] - ends[axis][0]) / 2.0 * self.spacing[axis]);
        // The vector from a candidate to the middle, its square, and the power distance.
        let from_middle = |candidate: u32| {
            let site = self.sites[candidate as usize];
            let away = [0, 1, 2].map(|axis| middle[axis] - site.voxel[axis] as f64 * self.spacing[axis]);
            let square = away.iter().map(|along| along * along).sum::<f64>();
            (away, square + site.square, square - site.square)
        };
        let best = candidates.iter().fold((f64::INFINITY, 0), |best, &candidate| {
            let power = from_middle(candidate).2;
            if power < best.0 { (power, candidate) } else { best }
        });
        let (best_away, best_scale, best_power) = from_middle(best.1);
        let mut kept = try_with_capacity(CELLS, candidates.len().min(64))?;
        for &candidate in candidates {
            let (away, scale, power) = from_middle(candidate);
            let swing: f64 = (0..3).map(|axis| 2.0 * (away[axis] - best_away[axis]).abs() * half[axis]).sum();
            let rounding = 1e-12 * (scale + best_scale + swing);
            // What is not a number stays.
            let is_farther = power - best_power > swing + rounding;
            if !is_farther {
                kept.try_push(CELLS, candidate)?;
            }
        }
        Ok(kept)
    }

    /// Counts the foreground of a region of at most [`ROWS`] voxels along the last axis for its owners.
    fn count(&self, region: Region, candidates: &[u32]) {
        let width = region.length(2);
        let inside = u64::MAX >> (64 - width) << 1;
        let mut counts = [[0_u64; 2]; 2 * SMALL * SMALL * SMALL];
        let counts = &mut counts[..candidates.len().min(2 * SMALL * SMALL * SMALL)];
        let few = counts.len() == candidates.len();
        for z in region.start[0] as i64..region.end[0] as i64 {
            for y in region.start[1] as i64..region.end[1] as i64 {
                let window = |dz: i64, dy: i64| self.mask.window(z + dz, y + dy, region.start[2], width);
                let foreground = window(0, 0) & inside;
                if foreground == 0 {
                    continue;
                }
                let rows: [u64; 9] = std::array::from_fn(|row| window(row as i64 / 3 - 1, row as i64 % 3 - 1));
                let solid = rows.iter().fold(u64::MAX, |all, row| all & row);
                let interior = solid & solid << 1 & solid >> 1 & foreground;
                if let [owner] = candidates {
                    self.voxels[*owner as usize].fetch_add(u64::from(foreground.count_ones()), Ordering::Relaxed);
                    let surface: u64 = set_bits(foreground & !interior).map(|bit| self.surface(&rows, bit)).sum();
                    self.surfaces[*owner as usize].fetch_add(surface, Ordering::Relaxed);
                    continue;
                }
                for bit in set_bits(foreground) {
                    let owner = self.owner([z, y, (region.start[2] + bit) as i64 - 1], candidates);
                    let surface = if interior >> bit & 1 == 1 { 0 } else { self.surface(&rows, bit) };
                    if few {
                        counts[owner][0] += 1;
                        counts[owner][1] += surface;
                    } else {
                        self.add(candidates[owner], [1, surface]);
                    }
                }
            }
        }
        for (&candidate, &counts) in candidates.iter().zip(counts.iter()).filter(|(_, counts)| counts[0] > 0) {
            self.add(candidate, counts);
        }
    }

    fn add(&self, site: u32, counts: [u64; 2]) {
        self.voxels[site as usize].fetch_add(counts[0], Ordering::Relaxed);
        self.surfaces[site as usize].fetch_add(counts[1], Ordering::Relaxed);
    }

    /// Which of the candidates, whose numbers ascend, owns a voxel.
    fn owner(&self, voxel: [i64; 3], candidates: &[u32]) -> usize {
        let mut best = (f64::INFINITY, 0);
        for (at, &candidate) in candidates.iter().enumerate() {
            let power = self.sites[candidate as usize].power(voxel, self.spacing);
            if power < best.0 {
                best = (power, at);
            }
        }
        best.1
    }

    /// The weights of the background around a voxel, given by the windows of its nine rows and its bit there.
    fn surface(&self, rows: &[u64; 9], bit: usize) -> u64 {
        let plane = |plane: usize| {
            (0..3).fold(0, |bits, row| bits | ((!rows[3 * plane + row] >> (bit - 1) & 0b111) as usize) << (3 * row))
        };
        self.weights.sum([plane(0), plane(1), plane(2)])
    }
}

impl Site {
    /// The power distance of a voxel.
    #[inline]
    fn power(self, voxel: [i64; 3], spacing: Point) -> f64 {
        let square = |axis: usize| {
            let along = (voxel[axis] - self.voxel[axis]) as f64 * spacing[axis];
            along * along
        };
        square(0) + square(1) + square(2) - self.square
    }
}
