//! The sites of a power diagram, sorted into buckets of space, and the search for those that may own a voxel of a box.
//!
//! Above the buckets lies a pyramid of cells, each twice as long, with the largest square of a radius in it. A search goes down
//! from the top and leaves out what is farther than its limit, so that it visits buckets near the box or with large balls only.
//! For many boxes in a row, large balls are searched for once; small ones lie in the buckets around each box.
//!
//! Cost: a scan of the sites for the buckets; a search the buckets that it visits. Memory: 13 bytes a
//! site, 17 where squares are no whole numbers, and 9 bytes a bucket.

use std::ops::Range;

use rayon::prelude::*;

use crate::centreline::Skeleton;
use crate::centreline::smooth::Point;
use crate::graph::csr::Index;
use crate::support::allocate::{Grow, try_filled};
use crate::support::errors::Result;
use crate::support::simd::{Vector, for_this_processor};

/// What the buffers are for.
pub const CELLS: &str = "the cells of a skeleton";

/// How long a bucket is.
const BUCKET: usize = 8;

/// Balls whose square is larger, in units of the squared longest spacing, are searched for apart, so that the others of a box lie
/// in its buckets and those around.
const SMALL: f64 = 25.0;

/// Of what rounding may hide, relative to the numbers that it is part of.
const ROUNDING: f64 = 1e-12;

/// A voxel of the skeleton. Fields are not aligned, since sites are what takes most memory.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, packed)]
struct Site<S> {
    square: S,
    /// Its number among the voxels of the skeleton.
    node: u32,
    /// Where it lies along the last axis, and in its bucket along the others.
    x: u32,
    zy: u8,
}

/// The square of a radius, in as few bytes as hold it.
trait Square: Copy + Default + Send + Sync + Into<f64> {
    fn of(square: f64) -> Self;
}

impl Square for f32 {
    fn of(square: f64) -> Self {
        square as Self
    }
}

impl Square for f64 {
    fn of(square: f64) -> Self {
        square
    }
}

/// All sites, bucket by bucket.
#[derive(Debug)]
enum Sorted {
    /// All squares are numbers of this type, as whole numbers below 2²⁴ are.
    Short(Vec<Site<f32>>),
    Long(Vec<Site<f64>>),
}

/// A box of voxels, its last ones included.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub first: Point,
    pub last: Point,
}

impl Bounds {
    /// The least square of the distance from `site` to a voxel.
    #[inline(always)]
    fn nearest(&self, site: Point, spacing: Point) -> f64 {
        let square = |axis: usize| {
            let away = (self.first[axis] - site[axis]).max(site[axis] - self.last[axis]).max(0.0) * spacing[axis];
            away * away
        };
        square(0) + square(1) + square(2)
    }

    /// The least and the largest square of the distance from `site` to a voxel.
    #[inline(always)]
    fn squares(&self, site: Point, spacing: Point) -> [f64; 2] {
        let (mut least, mut most) = (0.0, 0.0);
        for axis in 0..3 {
            let (before, after) = (self.first[axis] - site[axis], site[axis] - self.last[axis]);
            let near = before.max(after).max(0.0) * spacing[axis];
            let far = before.min(after) * spacing[axis];
            least += near * near;
            most += far * far;
        }
        [least, most]
    }

    /// The least square of the distance to another box.
    #[inline]
    fn square_to(&self, other: &Self, spacing: Point) -> f64 {
        let square = |axis: usize| {
            let away = (self.first[axis] - other.last[axis]).max(other.first[axis] - self.last[axis]).max(0.0);
            away * away * spacing[axis] * spacing[axis]
        };
        square(0) + square(1) + square(2)
    }
}

/// A site that may own a voxel of a box.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// Its voxel.
    pub at: Point,
    /// The square of its radius.
    pub square: f64,
    /// Its number among the voxels of the skeleton, in the order of the image.
    pub node: u32,
    /// The least power distance from the box.
    least: f64,
}

/// The sites that may own a voxel of a box.
#[derive(Debug, Default)]
pub struct Candidates {
    pub all: Vec<Candidate>,
    /// No voxel of the box is farther from its owner, by power distance.
    pub bound: f64,
    /// Of each its coordinates, its square, and room for its least and largest power distance from a box.
    columns: [Vec<f64>; 6],
    /// For sorting: the node of each, and its place in the low half; and room for as many.
    order: Vec<u64>,
    spare: Vec<Candidate>,
}

impl Candidates {
    fn clear(&mut self) {
        self.all.clear();
        self.bound = f64::INFINITY;
    }

    /// Sorts them as the voxels of an image are read.
    fn sort(&mut self) -> Result<()> {
        let Self { all, order, spare, .. } = self;
        order.clear();
        order.try_extend(CELLS, all.iter().zip(0..).map(|(candidate, at)| u64::from(candidate.node) << 32 | at))?;
        order.sort_unstable();
        spare.clear();
        spare.try_extend(CELLS, order.iter().map(|&key| all[key as u32 as usize]))?;
        std::mem::swap(all, spare);
        Ok(())
    }

    /// Adds a site unless it is beyond the bound or `limit`.
    #[inline(always)]
    fn offer(&mut self, site: Candidate, bounds: &Bounds, limit: f64, spacing: Point) -> Result<()> {
        // Most sites come no farther than this.
        let near = bounds.nearest(site.at, spacing);
        let least = near - site.square - ROUNDING * (near + site.square);
        if least > limit.min(self.bound) {
            return Ok(());
        }
        let [_, far] = bounds.squares(site.at, spacing);
        let rounding = ROUNDING * (far + site.square);
        self.bound = self.bound.min(far - site.square + rounding);
        self.all.try_push(CELLS, Candidate { least, ..site })
    }

    /// Leaves out what the bound, as it is now, excludes.
    fn prune(&mut self) {
        let bound = self.bound;
        self.all.retain(|candidate| candidate.least <= bound);
    }

    /// Prepares [`Candidates::select`] from these.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn lay_out(&mut self) -> Result<()> {
        let Self { all, columns, .. } = self;
        for (column, of) in columns.iter_mut().zip([0, 1, 2, 3, 4, 5]) {
            column.clear();
            let value = |site: &Candidate| if of < 3 { site.at[of] } else { site.square };
            column.try_extend(CELLS, all.iter().map(value))?;
        }
        Ok(())
    }

    /// Those of others, which are laid out, that may own a voxel of a smaller box at a power distance of at most `limit`; they
    /// stay sorted.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn select(&mut self, others: &mut Self, bounds: &Bounds, limit: f64, spacing: Point) -> Result<()> {
        self.clear();
        power_bounds(&mut others.columns, bounds, spacing);
        let [.., least, most] = &others.columns;
        self.bound = most.iter().fold(f64::INFINITY, |bound, &most| bound.min(most));
        let limit = limit.min(self.bound);
        for (&site, _) in others.all.iter().zip(least).filter(|(_, least)| **least <= limit) {
            self.all.try_push(CELLS, site)?;
        }
        Ok(())
    }
}

for_this_processor! {
    fn power_bounds(columns: &mut [Vec<f64>; 6], bounds: &Bounds, spacing: Point) = power_bounds_of;
}

/// The least and the largest power distance of each site from a box, from its coordinates and its square.
#[inline(always)]
#[allow(clippy::extra_unused_type_parameters, reason = "the processor's width is that of the whole function")]
fn power_bounds_of<V: Vector>(columns: &mut [Vec<f64>; 6], bounds: &Bounds, spacing: Point) {
    let [z, y, x, squares, least, most] = columns;
    let count = z.len();
    let (z, y, x, squares) = (&z[..count], &y[..count], &x[..count], &squares[..count]);
    let (least, most) = (&mut least[..count], &mut most[..count]);
    for site in 0..count {
        let [near, far] = bounds.squares([z[site], y[site], x[site]], spacing);
        let rounding = ROUNDING * (far + squares[site]);
        least[site] = near - squares[site] - rounding;
        most[site] = far - squares[site] + rounding;
    }
}

/// Cells of one size, with the largest square of a radius in each; below all numbers if it is empty.
#[derive(Debug)]
struct Level {
    shape: [usize; 3],
    most: Vec<f32>,
}

impl Level {
    fn index(&self, cell: [usize; 3]) -> usize {
        (cell[0] * self.shape[1] + cell[1]) * self.shape[2] + cell[2]
    }
}

/// All sites.
#[derive(Debug)]
pub struct Sites {
    shape: [usize; 3],
    spacing: Point,
    /// The largest square of a small ball.
    small: f64,
    sorted: Sorted,
    starts: Vec<u32>,
    levels: Vec<Level>,
}

impl Sites {
    /// The voxels of a skeleton, of which `u32` can number all; `square` tells the square of a radius in units of `spacing`.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn new<I: Index>(
        skeleton: &Skeleton<'_, I>,
        spacing: Point,
        square: impl Fn(f64) -> f64 + Sync,
    ) -> Result<Self> {
        let shape = skeleton.mask.shape();
        let buckets = shape.map(|length| length.div_ceil(BUCKET));
        let of_slab = buckets[1] * buckets[2];
        let mut starts = try_filled(CELLS, buckets[0] * of_slab + 1, 0_u32)?;
        let mut most = try_filled(CELLS, buckets[0] * of_slab, f32::NEG_INFINITY)?;
        let is_short = skeleton
            .radii
            .par_iter()
            .map(|&radius| square(radius))
            .all(|of| f64::from(of as f32).to_bits() == of.to_bits());
        let sorted = if is_short {
            Sorted::Short(sort_into_buckets(skeleton, buckets, square, &mut starts, &mut most)?)
        } else {
            Sorted::Long(sort_into_buckets(skeleton, buckets, square, &mut starts, &mut most)?)
        };
        let mut levels = vec![Level { shape: buckets, most }];
        while levels[levels.len() - 1].shape.iter().any(|&length| length > 1) {
            let below = &levels[levels.len() - 1];
            let shape = below.shape.map(|length| length.div_ceil(2));
            let mut level = Level { shape, most: try_filled(CELLS, shape.iter().product(), f32::NEG_INFINITY)? };
            let planes = level.most.par_chunks_mut((shape[1] * shape[2]).max(1));
            let pairs_of_planes = below.most.par_chunks((2 * below.shape[1] * below.shape[2]).max(1));
            planes.zip(pairs_of_planes).for_each(|(plane, below_plane)| {
                for (row, below_row) in below_plane.chunks(below.shape[2]).enumerate() {
                    let row = &mut plane[row % below.shape[1] / 2 * shape[2]..][..shape[2]];
                    for (most, pair) in row.iter_mut().zip(below_row.chunks(2)) {
                        *most = pair.iter().fold(*most, |most, &other| most.max(other));
                    }
                }
            });
            levels.push(level);
        }
        let step = spacing[3 - skeleton.axes..].iter().fold(0.0, |longest: f64, &step| longest.max(step));
        Ok(Self { shape, spacing, small: SMALL * step * step, sorted, starts, levels })
    }

    /// Finds the large balls that may own a voxel of a box at a power distance of at most `limit`.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn search_large(&self, bounds: &Bounds, limit: f64, found: &mut Candidates) -> Result<()> {
        found.clear();
        self.visit(self.levels.len() - 1, [0; 3], bounds, [limit, self.small], found)
    }

    /// Finds all sites that may own a voxel of a box at a power distance of at most `limit`, in the order of the image; `large`
    /// are those of [`Self::search_large`] for a box around and the same limit.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn search_near(&self, bounds: &Bounds, limit: f64, large: &Candidates, found: &mut Candidates) -> Result<()> {
        found.clear();
        let buckets = self.levels[0].shape;
        let reach = (self.small + limit).max(0.0).sqrt();
        let near = [0, 1, 2].map(|axis| {
            // One more for rounding.
            let steps = reach / self.spacing[axis] + 1.0;
            // What is below 0 becomes 0.
            let first = (bounds.first[axis] - steps) as usize / BUCKET;
            let last = (bounds.last[axis] + steps) as usize / BUCKET;
            first..last.saturating_add(1).min(buckets[axis])
        });
        for z in near[0].clone() {
            for y in near[1].clone() {
                let is_small = |square: f64| square <= self.small;
                self.offer_all([z, y], near[2].clone(), bounds, limit, is_small, found)?;
            }
        }
        for &site in &large.all {
            found.offer(site, bounds, limit, self.spacing)?;
        }
        found.prune();
        found.sort()
    }

    /// As [`Self::search_near`], for any limit.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn search(&self, bounds: &Bounds, limit: f64, found: &mut Candidates) -> Result<()> {
        found.clear();
        self.visit(self.levels.len() - 1, [0; 3], bounds, [limit, -1.0], found)?;
        found.prune();
        found.sort()
    }

    /// Offers the sites of a cell with squares above `small`.
    fn visit(
        &self,
        level: usize,
        cell: [usize; 3],
        bounds: &Bounds,
        [limit, small]: [f64; 2],
        found: &mut Candidates,
    ) -> Result<()> {
        let length = BUCKET << level;
        let box_of_cell = Bounds {
            first: cell.map(|at| (at * length) as f64),
            last: [0, 1, 2].map(|axis| (((cell[axis] + 1) * length).min(self.shape[axis]) - 1) as f64),
        };
        let most = f64::from(self.levels[level].most[self.levels[level].index(cell)]);
        let square = bounds.square_to(&box_of_cell, self.spacing);
        if square - most - ROUNDING * (square + most) > limit.min(found.bound) || most <= small {
            return Ok(());
        }
        if level == 0 {
            let is_large = |square: f64| square > small;
            return self.offer_all([cell[0], cell[1]], cell[2]..cell[2] + 1, bounds, limit, is_large, found);
        }
        let below = self.levels[level - 1].shape;
        for child in 0..8 {
            let child = [2 * cell[0] + child / 4, 2 * cell[1] + child / 2 % 2, 2 * cell[2] + child % 2];
            if (0..3).all(|axis| child[axis] < below[axis]) {
                self.visit(level - 1, child, bounds, [limit, small], found)?;
            }
        }
        Ok(())
    }

    /// Offers some sites of buckets that follow each other in a row of buckets.
    #[inline]
    fn offer_all(
        &self,
        [z, y]: [usize; 2],
        buckets: Range<usize>,
        bounds: &Bounds,
        limit: f64,
        is_offered: impl Fn(f64) -> bool,
        found: &mut Candidates,
    ) -> Result<()> {
        let row = self.levels[0].index([z, y, 0]);
        let [first, end] = [buckets.start, buckets.end].map(|bucket| self.starts[row + bucket] as usize);
        let place = Place { corner: [z, y].map(|bucket| (bucket * BUCKET) as f64), spacing: self.spacing };
        match &self.sorted {
            Sorted::Short(sites) => place.offer(&sites[first..end], bounds, limit, is_offered, found),
            Sorted::Long(sites) => place.offer(&sites[first..end], bounds, limit, is_offered, found),
        }
    }
}

/// A row of buckets.
struct Place {
    /// Where its first voxel lies along the first two axes.
    corner: [f64; 2],
    spacing: Point,
}

impl Place {
    /// Offers those of its sites whose square is to be offered.
    #[inline(always)]
    fn offer<S: Square>(
        &self,
        sites: &[Site<S>],
        bounds: &Bounds,
        limit: f64,
        is_offered: impl Fn(f64) -> bool,
        found: &mut Candidates,
    ) -> Result<()> {
        for &Site { square, node, x, zy } in sites {
            let square = square.into();
            if !is_offered(square) {
                continue;
            }
            let inside = [usize::from(zy) / BUCKET, usize::from(zy) % BUCKET].map(|at| at as f64);
            let at = [self.corner[0] + inside[0], self.corner[1] + inside[1], f64::from(x)];
            found.offer(Candidate { at, square, node, least: 0.0 }, bounds, limit, self.spacing)?;
        }
        Ok(())
    }
}

/// The sites of a skeleton, bucket by bucket; writes where each bucket ends, from the second of `starts` on, and the largest
/// square in it.
fn sort_into_buckets<I: Index, S: Square>(
    skeleton: &Skeleton<'_, I>,
    buckets: [usize; 3],
    square: impl Fn(f64) -> f64 + Sync,
    starts: &mut [u32],
    most: &mut [f32],
) -> Result<Vec<Site<S>>> {
    let (shape, of_slab) = (skeleton.mask.shape(), buckets[1] * buckets[2]);
    let mut sites = try_filled(CELLS, skeleton.nodes.len(), Site::default())?;
    // The voxels of a slab of buckets follow each other, so slabs are sorted by themselves.
    let mut slabs = Vec::new();
    let (mut rest, mut first) = (&mut sites[..], 0);
    for slab in 0..buckets[0] {
        let end = ((slab + 1) * BUCKET * shape[1] * shape[2]) as i64;
        let after = first + skeleton.nodes[first..].partition_point(|&node| node < end);
        let (of_slab, others) = rest.split_at_mut(after - first);
        slabs.try_push(CELLS, (first..after, of_slab))?;
        (rest, first) = (others, after);
    }
    let of_slabs = starts[1..].par_chunks_mut(of_slab.max(1)).zip(most.par_chunks_mut(of_slab.max(1)));
    slabs.into_par_iter().zip(of_slabs).for_each(|((nodes, sites), (ends, most))| {
        let bucket = |node: usize| {
            let at = skeleton.voxel(node).map(|at| at as usize);
            (at, at[1] / BUCKET * buckets[2] + at[2] / BUCKET)
        };
        for node in nodes.clone() {
            ends[bucket(node).1] += 1;
        }
        let mut sum = 0;
        for end in ends.iter_mut() {
            // Where the bucket begins; it moves to the end as sites come in.
            (*end, sum) = (sum, sum + *end);
        }
        let first = nodes.start as u32;
        for node in nodes {
            let (at, bucket) = bucket(node);
            let square = square(skeleton.radii[node]);
            most[bucket] = most[bucket].max(above(square));
            let zy = (at[0] % BUCKET * BUCKET + at[1] % BUCKET) as u8;
            let site = Site { square: S::of(square), node: node as u32, x: at[2] as u32, zy };
            sites[ends[bucket] as usize] = site;
            ends[bucket] += 1;
        }
        for end in ends {
            *end += first;
        }
    });
    Ok(sites)
}

/// The least number of this kind that is not smaller.
fn above(square: f64) -> f32 {
    let rounded = square as f32;
    if f64::from(rounded) < square { rounded.next_up() } else { rounded }
}
