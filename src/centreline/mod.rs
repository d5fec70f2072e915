//! The smooth centreline of a branch, and what it tells: length, tortuosity and radius.
//!
//! The path of a branch leads from voxel to voxel, so that its length counts steps: for tubes of random direction it is an
//! eighth too long. Here, with voxels xᵢ in units of the spacing h and d the distance to the background ([`crate::radius`]):
//!
//! 1. **Centreline**: the smooth path pᵢ ([`smooth()`]), an end at a junction held at its voxel, each pᵢ drawn back to within the
//!    diagonal |h| of a voxel from xᵢ. If it came out longer than the path of voxels, it is that path.
//! 2. **Length** L = Σ |pᵢ₊₁ − pᵢ|; **tortuosity** L / |pₙ − p₀|, NaN if the ends meet.
//! 3. **Section** at pᵢ: [`RAYS`] rays at equal angles in the plane perpendicular to pᵢ₊₁ − pᵢ₋₁, each to where it leaves the
//!    mask ([`rays`]), 2 d + 2 max h at most; its area is π mean ρ², in a plane its width 2 mean ρ. A ray that leaves the image
//!    does not count. Where pᵢ is not in the mask, rays start at xᵢ.
//! 4. **Radius**: √(area / π) or half the width, smoothed as a path with free ends. Sections nearer to a junction, along the
//!    centreline, than its d cut other branches too and do not count; a branch without any other has d at each voxel.
//! 5. **Tip length**: from a free end on along the last max(2, d) steps to where the mask ends.
//!
//! Everything but the mask is read in units relative to the first voxel of the branch, so that moving an object changes no bit.
//! A branch is measured by one thread in the order of its voxels, from numbers that no chunking changes (the path, d, and the
//! voxels of the mask that rays meet); so the result is the same for any number of threads.
//!
//! Cost: linear in the voxels of the paths, times [`RAYS`] rays of about 3 r voxels each.

pub mod rays;
pub mod smooth;
#[cfg(test)]
mod tests;

use std::f64::consts::PI;
use std::ops::Range;

use rayon::prelude::*;

use self::rays::{Exit, Place, exit};
use self::smooth::{Ends, Point, smooth, stiffness};
use crate::graph::csr::{Index, check_indptr, check_nodes};
use crate::image::indices::{check_voxels, position};
use crate::image::mask_rows::MaskRows;
use crate::support::allocate::{Grow, try_collect, try_copy, try_filled};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// What the buffers are for.
const CENTRELINES: &str = "centrelines";

/// Rays of a section.
pub const RAYS: usize = 16;

/// Paths that a task handles.
const TASK: usize = 1 << 6;

/// The measures of one branch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// The length of the centreline.
    pub length: f64,
    /// Its length over the distance between its ends.
    pub tortuosity: f64,
    /// The mean of its radii.
    pub mean_radius: f64,
    /// The smallest of its radii.
    pub min_radius: f64,
    /// The largest of its radii.
    pub max_radius: f64,
    /// The standard deviation of its radii.
    pub stdev_radius: f64,
    /// What its free ends lack to the surface.
    pub tip_length: f64,
}

impl Measures {
    const NONE: Self = Self {
        length: 0.0,
        tortuosity: f64::NAN,
        mean_radius: f64::NAN,
        min_radius: f64::NAN,
        max_radius: f64::NAN,
        stdev_radius: f64::NAN,
        tip_length: 0.0,
    };
}

/// A skeleton in its mask: its voxels with the distance to the background, and the paths through them.
#[derive(Debug, Clone, Copy)]
pub struct Skeleton<'a, I> {
    /// The mask.
    pub mask: &'a MaskRows,
    /// The distance between voxels along each axis.
    pub spacing: Point,
    /// The axes of the image: those of two stand for the last of three, the first having one plane.
    pub axes: usize,
    /// Where the first voxel of the mask lies in the image.
    pub origin: [i64; 3],
    /// Linear indices of the voxels in the mask, ascending.
    pub nodes: &'a [i64],
    /// Their distances to the background.
    pub radii: &'a [f64],
    /// Where the voxels of each path begin, and the end of the last.
    pub starts: &'a [I],
    /// Numbers of voxels, path by path.
    pub paths: &'a [I],
}

impl<I: Index> Skeleton<'_, I> {
    /// Checks that the arrays fit each other.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`].
    pub fn check(&self) -> Result<()> {
        check_indptr("paths", self.starts, self.paths.len())?;
        check_nodes("paths", self.paths, self.nodes.len())?;
        check_voxels(self.nodes, &self.mask.shape())?;
        let wrong = |name, reason: &str| Err(Error::InvalidArgument { name, reason: reason.to_owned() });
        if self.radii.len() != self.nodes.len() {
            return wrong("radii", "expected one for each voxel of the skeleton");
        }
        if !(2..=3).contains(&self.axes) || self.spacing.iter().any(|step| !(*step > 0.0 && step.is_finite())) {
            return wrong("spacing", "expected finite numbers above 0 along two or three axes");
        }
        Ok(())
    }

    /// The voxel of a node in the mask.
    #[must_use]
    pub fn voxel(&self, node: usize) -> [i64; 3] {
        position(self.nodes[node], self.mask.shape()).map(|at| at as i64)
    }

    /// The voxel of a node in the image.
    #[must_use]
    pub fn voxel_of_image(&self, node: usize) -> [i64; 3] {
        let voxel = self.voxel(node);
        [0, 1, 2].map(|axis| voxel[axis] + self.origin[axis])
    }

    /// The voxels of a path.
    #[must_use]
    pub fn path(&self, path: usize) -> &[I] {
        &self.paths[self.starts[path].get()..self.starts[path + 1].get()]
    }

    /// How many paths there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many ends of paths lie at each voxel.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn path_ends(&self) -> Result<Vec<u32>> {
        let mut ends = try_filled(CENTRELINES, self.nodes.len(), 0)?;
        for path in 0..self.count() {
            if let [first, .., last] = self.path(path) {
                ends[first.get()] += 1;
                ends[last.get()] += 1;
            }
        }
        Ok(ends)
    }

    /// How a path ends: at junctions, where three paths or more do, it is held.
    #[must_use]
    pub fn ends(&self, path: usize, path_ends: &[u32]) -> Ends {
        let [first, .., last] = self.path(path) else { return Ends { is_closed: false, held: [false; 2] } };
        let is_closed = first == last && path_ends[first.get()] == 2;
        Ends { is_closed, held: [first, last].map(|end| !is_closed && path_ends[end.get()] > 1) }
    }

    fn diagonal(&self) -> f64 {
        norm([0, 1, 2].map(|axis| if self.has(axis) { self.spacing[axis] } else { 0.0 }))
    }

    fn has(&self, axis: usize) -> bool {
        axis + self.axes >= 3
    }

    /// The spacing along the axes of the image.
    #[must_use]
    pub fn steps(&self) -> &[f64] {
        &self.spacing[3 - self.axes..]
    }

    fn longest_step(&self) -> f64 {
        self.steps().iter().fold(0.0, |longest, &step| longest.max(step))
    }
}

/// The centreline of one branch.
#[derive(Debug, Clone)]
pub struct Centreline {
    /// Relative to the middle of the first voxel, in units of the spacing.
    pub points: Vec<Point>,
    /// The radius at each point; next to a junction that of the nearest section that counts.
    pub radii: Vec<f64>,
    /// Which radii are of sections that count; none if all are distances to the background.
    pub counted: Range<usize>,
    /// What it tells.
    pub measures: Measures,
}

/// The measures of each path.
///
/// # Errors
/// [`Error::InvalidArgument`] if the arrays do not fit each other, [`Error::OutOfMemory`], or [`Error::Interrupted`] through
/// `monitor`.
pub fn measures<I: Index>(skeleton: Skeleton<'_, I>, monitor: &Monitor) -> Result<Vec<Measures>> {
    skeleton.check()?;
    let path_ends = skeleton.path_ends()?;
    let mut all = try_filled(CENTRELINES, skeleton.count(), Measures::NONE)?;
    monitor.expect(skeleton.paths.len() as u64);
    all.par_chunks_mut(TASK).enumerate().try_for_each(|(task, all)| {
        for (at, measures) in all.iter_mut().enumerate() {
            monitor.check()?;
            let path = task * TASK + at;
            *measures = centreline(&skeleton, path, skeleton.ends(path, &path_ends))?.measures;
            monitor.advance(skeleton.path(path).len() as u64);
        }
        Ok(())
    })?;
    Ok(all)
}

/// The points and radii of all paths, one after the other, in units of the spacing.
///
/// # Errors
/// As for [`measures`].
pub fn centrelines<I: Index>(skeleton: Skeleton<'_, I>, monitor: &Monitor) -> Result<(Vec<Point>, Vec<f64>)> {
    skeleton.check()?;
    let path_ends = skeleton.path_ends()?;
    let paths: Result<Vec<Vec<Centreline>>> = (0..skeleton.count().div_ceil(TASK))
        .into_par_iter()
        .map(|task| {
            monitor.check()?;
            let paths = task * TASK..((task + 1) * TASK).min(skeleton.count());
            paths.map(|path| centreline(&skeleton, path, skeleton.ends(path, &path_ends))).collect()
        })
        .collect();
    let mut points = Vec::new();
    let mut radii = Vec::new();
    for (path, line) in paths?.into_iter().flatten().enumerate() {
        if let Some(first) = skeleton.path(path).first() {
            let start = skeleton.voxel_of_image(first.get());
            let start = [0, 1, 2].map(|axis| start[axis] as f64 * skeleton.spacing[axis]);
            points
                .try_extend(CENTRELINES, line.points.iter().map(|point| [0, 1, 2].map(|at| start[at] + point[at])))?;
            radii.try_extend_from_slice(CENTRELINES, &line.radii)?;
        }
    }
    Ok((points, radii))
}

fn difference(one: Point, other: Point) -> Point {
    [0, 1, 2].map(|axis| one[axis] - other[axis])
}

fn norm(vector: Point) -> f64 {
    (vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]).sqrt()
}

fn cross(one: Point, other: Point) -> Point {
    [0, 1, 2].map(|axis| {
        let [next, last] = [(axis + 1) % 3, (axis + 2) % 3];
        one[next] * other[last] - one[last] * other[next]
    })
}

/// The vector at length 1; None if it has none.
fn unit(vector: Point) -> Option<Point> {
    let length = norm(vector);
    (length > 0.0).then(|| vector.map(|along| along / length))
}

fn length(points: &[Point]) -> f64 {
    points.windows(2).map(|two| norm(difference(two[1], two[0]))).fold(0.0, |sum, step| sum + step)
}

/// Measures one path.
fn centreline<I: Index>(skeleton: &Skeleton<'_, I>, path: usize, ends: Ends) -> Result<Centreline> {
    let nodes = skeleton.path(path);
    let Some(first) = nodes.first() else {
        return Ok(Centreline { points: Vec::new(), radii: Vec::new(), counted: 0..0, measures: Measures::NONE });
    };
    let origin = skeleton.voxel(first.get());
    let places = nodes.iter().map(|node| {
        let voxel = skeleton.voxel(node.get());
        [0, 1, 2].map(|axis| (voxel[axis] - origin[axis]) as f64 * skeleton.spacing[axis])
    });
    let voxels = try_collect(CENTRELINES, places)?;
    let distances = try_collect(CENTRELINES, nodes.iter().map(|node| skeleton.radii[node.get()]))?;
    let branch = Branch { skeleton, origin, voxels: &voxels, distances: &distances, ends };
    let points = branch.smooth()?;
    let measures = Measures { length: length(&points), ..Measures::NONE };
    let chord = norm(difference(points[points.len() - 1], points[0]));
    let (radii, counted) = branch.radii(&points, measures.length)?;
    // The last point of a cycle is its first.
    let own = if counted.is_empty() { 0..radii.len() - usize::from(ends.is_closed) } else { counted.clone() };
    let own = &radii[own];
    let mean = own.iter().fold(0.0, |sum, radius| sum + radius) / own.len() as f64;
    let variance = own.iter().fold(0.0, |sum, radius| sum + (radius - mean) * (radius - mean)) / own.len() as f64;
    let measures = Measures {
        tortuosity: if !ends.is_closed && chord > 0.0 { measures.length / chord } else { f64::NAN },
        mean_radius: mean,
        min_radius: own.iter().fold(f64::INFINITY, |least, &radius| least.min(radius)),
        max_radius: own.iter().fold(0.0, |most, &radius| most.max(radius)),
        stdev_radius: variance.sqrt(),
        tip_length: branch.tip_length(&points),
        ..measures
    };
    Ok(Centreline { points, radii, counted, measures })
}

/// A branch before it is smoothed.
struct Branch<'a, I> {
    skeleton: &'a Skeleton<'a, I>,
    /// Its first voxel.
    origin: [i64; 3],
    /// Its voxels, relative to the first, in units of the spacing.
    voxels: &'a [Point],
    /// Their distances to the background.
    distances: &'a [f64],
    ends: Ends,
}

impl<I: Index> Branch<'_, I> {
    fn smooth(&self) -> Result<Vec<Point>> {
        let (voxels, skeleton) = (self.voxels, self.skeleton);
        let returns = self.ends.is_closed || self.ends.held == [true; 2] && voxels.first() == voxels.last();
        let stiffness = stiffness(skeleton.steps(), voxels.len(), returns);
        let mut points = smooth(voxels, stiffness, self.ends)?;
        let most = skeleton.diagonal();
        for (point, &voxel) in points.iter_mut().zip(voxels) {
            let away = difference(*point, voxel);
            let distance = norm(away);
            if distance > most {
                *point = [0, 1, 2].map(|axis| voxel[axis] + away[axis] * (most / distance));
            }
        }
        if length(&points) <= length(voxels) { Ok(points) } else { try_copy(CENTRELINES, voxels) }
    }

    /// The radius at each point, and which are of sections that count.
    fn radii(&self, points: &[Point], whole: f64) -> Result<(Vec<f64>, Range<usize>)> {
        let last = points.len() - 1;
        let held = self.ends.held;
        let mut along = 0.0;
        let mut counted: Option<(usize, usize)> = None;
        let mut areas = Vec::new();
        for at in 0..points.len() - usize::from(self.ends.is_closed) {
            if at > 0 {
                along += norm(difference(points[at], points[at - 1]));
            }
            let is_beyond =
                (!held[0] || along > self.distances[0]) && (!held[1] || whole - along > self.distances[last]);
            let area = if is_beyond { self.section(points, at) } else { None };
            match (area, &mut counted) {
                (Some(area), None) => {
                    areas.try_push(CENTRELINES, [area, 0.0, 0.0])?;
                    counted = Some((at, at + 1));
                }
                (Some(area), Some((_, end))) => {
                    // A section that is not known has the area before it.
                    let before = areas[areas.len() - 1];
                    areas.try_extend(CENTRELINES, (*end..at).map(|_| before))?;
                    areas.try_push(CENTRELINES, [area, 0.0, 0.0])?;
                    *end = at + 1;
                }
                (None, _) => {}
            }
        }
        let Some((start, end)) = counted else { return Ok((try_copy(CENTRELINES, self.distances)?, 0..0)) };
        let is_closed = self.ends.is_closed && areas.len() == last;
        if is_closed {
            let first = areas[0];
            areas.try_push(CENTRELINES, first)?;
        }
        let stiffness = stiffness(self.skeleton.steps(), areas.len(), is_closed);
        let areas = smooth(&areas, stiffness, Ends { is_closed, held: [false; 2] })?;
        let radius =
            |area: f64| if self.skeleton.axes == 3 { (area.max(0.0) / PI).sqrt() } else { area.max(0.0) / 2.0 };
        let nearest = (0..points.len()).map(|at| radius(areas[at.clamp(start, end - 1) - start][0]));
        let mut radii = try_collect(CENTRELINES, nearest)?;
        if self.ends.is_closed {
            radii[last] = radii[0];
        }
        Ok((radii, start..end))
    }

    /// The direction of the centreline at a point.
    fn tangent(&self, points: &[Point], at: usize) -> Option<Point> {
        let last = points.len() - 1;
        let (before, after) = if self.ends.is_closed && (at == 0 || at == last) {
            (points[last - 1], points[1])
        } else {
            (points[at.saturating_sub(1)], points[(at + 1).min(last)])
        };
        unit(difference(after, before))
    }

    /// Where rays from a point start: the point if it is in the mask, else its voxel.
    fn start(&self, point: Point, at: usize) -> Place {
        let spacing = self.skeleton.spacing;
        let place = Place::new(self.origin, point, spacing);
        if self.skeleton.mask.get(place.voxel) == Some(true) {
            place
        } else {
            Place::new(self.origin, self.voxels[at], spacing)
        }
    }

    fn longest_ray(&self, at: usize) -> f64 {
        2.0 * self.distances[at] + 2.0 * self.skeleton.longest_step()
    }

    /// The area of the section at a point, in a plane its width; None if nothing is known of it.
    fn section(&self, points: &[Point], at: usize) -> Option<f64> {
        let tangent = self.tangent(points, at)?;
        let (from, most) = (self.start(points[at], at), self.longest_ray(at));
        let cast = |direction| match exit(self.skeleton.mask, from, direction, self.skeleton.spacing, most) {
            Exit::Known(distance) if distance.is_finite() => Some(distance),
            _ => None,
        };
        if self.skeleton.axes == 2 {
            let across = [0.0, -tangent[2], tangent[1]];
            let found = [across, across.map(|along| -along)].map(cast);
            let (sum, count) = found.iter().flatten().fold((0.0, 0.0), |(sum, count), way| (sum + way, count + 1.0));
            return (count > 0.0).then(|| 2.0 * sum / count);
        }
        let least = |one: usize, other: usize| if tangent[other].abs() < tangent[one].abs() { other } else { one };
        let mut axis = [0.0; 3];
        axis[least(least(0, 1), 2)] = 1.0;
        let across = unit(cross(tangent, axis))?;
        let other = cross(tangent, across);
        let (mut sum, mut count) = (0.0, 0.0);
        for ray in 0..RAYS {
            let (sine, cosine) = (2.0 * PI * ray as f64 / RAYS as f64).sin_cos();
            let direction = [0, 1, 2].map(|axis| across[axis] * cosine + other[axis] * sine);
            if let Some(way) = cast(direction) {
                sum += way * way;
                count += 1.0;
            }
        }
        (count > 0.0).then(|| PI * sum / count)
    }

    /// What the free ends lack to the surface, or to the border of the image.
    fn tip_length(&self, points: &[Point]) -> f64 {
        if self.ends.is_closed || points.len() < 2 {
            return 0.0;
        }
        let last = points.len() - 1;
        let shortest = self.skeleton.steps().iter().fold(f64::INFINITY, |shortest: f64, &step| shortest.min(step));
        let mut sum = 0.0;
        for (end, is_held) in [0, last].into_iter().zip(self.ends.held) {
            if is_held {
                continue;
            }
            let back = 2.max((self.distances[end] / shortest) as usize);
            let inside = points[if end == 0 { back.min(last) } else { last.saturating_sub(back) }];
            let Some(direction) = unit(difference(points[end], inside)) else { continue };
            let from = self.start(points[end], end);
            let (mask, spacing) = (self.skeleton.mask, self.skeleton.spacing);
            let (Exit::Known(way) | Exit::Border(way)) = exit(mask, from, direction, spacing, self.longest_ray(end));
            sum += way;
        }
        sum
    }
}
