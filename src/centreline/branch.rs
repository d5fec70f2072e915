//! The centreline of one branch after the other, as the head of [`super`] defines it.

use std::f64::consts::PI;
use std::ops::Range;

use super::rays::{Exit, Fan, Position, exit};
use super::skeleton::{CENTRELINES, Skeleton};
use super::smooth::{Ends, Point, Smoother, stiffness};
use super::vectors::{cross, difference, length, norm, unit};
use crate::graph::csr::Index;
use crate::support::allocate::Grow;
use crate::support::errors::Result;

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
    pub(super) const NONE: Self = Self {
        length: 0.0,
        tortuosity: f64::NAN,
        mean_radius: f64::NAN,
        min_radius: f64::NAN,
        max_radius: f64::NAN,
        stdev_radius: f64::NAN,
        tip_length: 0.0,
    };
}

/// Measures branches, and keeps the memory for it.
#[derive(Debug, Default)]
pub struct Tracer {
    /// The first voxel of the branch.
    origin: [i64; 3],
    /// Its voxels, relative to the first, in units of the spacing.
    voxels: Vec<Point>,
    /// Their distances to the background.
    distances: Vec<f64>,
    /// The points of the centreline, in the same units.
    points: Vec<Point>,
    /// The radius at each point; next to a junction that of the nearest section that counts.
    radii: Vec<f64>,
    /// The areas of the sections that count, and those in between.
    areas: Vec<[f64; 1]>,
    smoother: Smoother,
    spare_points: Vec<Point>,
    spare_areas: Vec<[f64; 1]>,
    fan: Fan,
}

impl Tracer {
    /// Measures one path.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn measure<I: Index>(&mut self, skeleton: &Skeleton<'_, I>, path: usize, ends: Ends) -> Result<Measures> {
        let nodes = skeleton.path(path);
        self.read(skeleton, nodes)?;
        if nodes.is_empty() {
            return Ok(Measures::NONE);
        }
        self.smooth(skeleton, ends)?;
        let points = &self.points;
        let length = length(points);
        let chord = norm(difference(points[points.len() - 1], points[0]));
        let counted = self.find_radii(skeleton, ends, length)?;
        // The last point of a cycle is its first.
        let own = if counted.is_empty() { 0..self.radii.len() - usize::from(ends.is_closed) } else { counted };
        let own = &self.radii[own];
        let mean = own.iter().fold(0.0, |sum, radius| sum + radius) / own.len() as f64;
        let variance = own.iter().fold(0.0, |sum, radius| sum + (radius - mean) * (radius - mean)) / own.len() as f64;
        Ok(Measures {
            length,
            tortuosity: if !ends.is_closed && chord > 0.0 { length / chord } else { f64::NAN },
            mean_radius: mean,
            min_radius: own.iter().fold(f64::INFINITY, |least, &radius| least.min(radius)),
            max_radius: own.iter().fold(0.0, |most, &radius| most.max(radius)),
            stdev_radius: variance.sqrt(),
            tip_length: self.tip_length(skeleton, ends),
        })
    }

    /// Copies the points of the path that was measured last, in units of the spacing, and its radii.
    pub fn copy_to<I: Index>(&self, skeleton: &Skeleton<'_, I>, points: &mut [Point], radii: &mut [f64]) {
        let start = [0, 1, 2].map(|axis| (self.origin[axis] + skeleton.origin[axis]) as f64 * skeleton.spacing[axis]);
        for (to, point) in points.iter_mut().zip(&self.points) {
            *to = [0, 1, 2].map(|axis| start[axis] + point[axis]);
        }
        radii.copy_from_slice(&self.radii);
    }

    fn read<I: Index>(&mut self, skeleton: &Skeleton<'_, I>, nodes: &[I]) -> Result<()> {
        self.voxels.clear();
        self.distances.clear();
        self.points.clear();
        self.radii.clear();
        let Some(first) = nodes.first() else { return Ok(()) };
        self.origin = skeleton.voxel(first.get());
        let position = |node: &I| {
            let voxel = skeleton.voxel(node.get());
            [0, 1, 2].map(|axis| (voxel[axis] - self.origin[axis]) as f64 * skeleton.spacing[axis])
        };
        self.voxels.try_extend(CENTRELINES, nodes.iter().map(position))?;
        self.distances.try_extend(CENTRELINES, nodes.iter().map(|node| skeleton.radii[node.get()]))
    }

    fn smooth<I: Index>(&mut self, skeleton: &Skeleton<'_, I>, ends: Ends) -> Result<()> {
        let Self { voxels, points, .. } = self;
        let returns = ends.is_closed || ends.held == [true; 2] && voxels.first() == voxels.last();
        let stiffness = stiffness(skeleton.steps(), voxels.len(), returns);
        points.try_extend_from_slice(CENTRELINES, voxels)?;
        self.smoother.smooth(points, &mut self.spare_points, stiffness, ends)?;
        let most = skeleton.diagonal();
        for (point, voxel) in points.iter_mut().zip(&*voxels) {
            let away = difference(*point, *voxel);
            let distance = norm(away);
            if distance > most {
                *point = [0, 1, 2].map(|axis| voxel[axis] + away[axis] * (most / distance));
            }
        }
        let is_shorter = length(points) <= length(voxels);
        if !is_shorter {
            points.copy_from_slice(voxels);
        }
        Ok(())
    }

    /// Finds the radius at each point, and returns which are of sections that count; none if all are distances to the background.
    fn find_radii<I: Index>(&mut self, skeleton: &Skeleton<'_, I>, ends: Ends, whole: f64) -> Result<Range<usize>> {
        let last = self.points.len() - 1;
        let held = ends.held;
        let mut along = 0.0;
        let mut counted = 0..0;
        self.areas.clear();
        for at in 0..self.points.len() - usize::from(ends.is_closed) {
            if at > 0 {
                along += norm(difference(self.points[at], self.points[at - 1]));
            }
            let is_beyond =
                (!held[0] || along > self.distances[0]) && (!held[1] || whole - along > self.distances[last]);
            if !is_beyond {
                continue;
            }
            let Some(area) = self.section(skeleton, ends, at) else { continue };
            if let Some(&before) = self.areas.last() {
                // A section that is not known has the area before it.
                self.areas.try_extend(CENTRELINES, (counted.end..at).map(|_| before))?;
            } else {
                counted.start = at;
            }
            self.areas.try_push(CENTRELINES, [area])?;
            counted.end = at + 1;
        }
        if counted.is_empty() {
            self.radii.try_extend_from_slice(CENTRELINES, &self.distances)?;
            return Ok(counted);
        }
        let Self { areas, radii, points, .. } = self;
        let is_closed = ends.is_closed && areas.len() == last;
        if is_closed {
            let first = areas[0];
            areas.try_push(CENTRELINES, first)?;
        }
        let (smallest, largest) = areas
            .iter()
            .fold((f64::INFINITY, 0.0_f64), |(smallest, largest), &[area]| (smallest.min(area), largest.max(area)));
        let stiffness = stiffness(skeleton.steps(), areas.len(), is_closed);
        self.smoother.smooth(areas, &mut self.spare_areas, stiffness, Ends { is_closed, held: [false; 2] })?;
        let radius = |area: f64| {
            // Smoothing overshoots where sections vanish at a tip.
            let area = area.max(smallest).min(largest);
            if skeleton.axes == 3 { (area / PI).sqrt() } else { area / 2.0 }
        };
        let nearest = |at: usize| radius(areas[at.clamp(counted.start, counted.end - 1) - counted.start][0]);
        radii.try_extend(CENTRELINES, (0..points.len()).map(nearest))?;
        if ends.is_closed {
            radii[last] = radii[0];
        }
        Ok(counted)
    }

    /// The direction of the centreline at a point.
    fn tangent(&self, ends: Ends, at: usize) -> Option<Point> {
        let (points, last) = (&self.points, self.points.len() - 1);
        let (before, after) = if ends.is_closed && (at == 0 || at == last) {
            (points[last - 1], points[1])
        } else {
            (points[at.saturating_sub(1)], points[(at + 1).min(last)])
        };
        unit(difference(after, before))
    }

    /// Where rays from a point start: the point if it is in the mask, else its voxel.
    fn start<I: Index>(&self, skeleton: &Skeleton<'_, I>, at: usize) -> Position {
        let position = Position::new(self.origin, self.points[at], skeleton.spacing);
        if skeleton.mask.get(position.voxel) == Some(true) {
            position
        } else {
            Position::new(self.origin, self.voxels[at], skeleton.spacing)
        }
    }

    fn longest_ray<I: Index>(&self, skeleton: &Skeleton<'_, I>, at: usize) -> f64 {
        2.0 * self.distances[at] + 2.0 * skeleton.longest_step()
    }

    /// The area of the section at a point, in a plane its width; None if nothing is known of it.
    fn section<I: Index>(&self, skeleton: &Skeleton<'_, I>, ends: Ends, at: usize) -> Option<f64> {
        let tangent = self.tangent(ends, at)?;
        let (from, most) = (self.start(skeleton, at), self.longest_ray(skeleton, at));
        let Skeleton { mask, spacing, .. } = *skeleton;
        let sum_known = |ways: &[f64], of: fn(f64) -> f64| {
            let known = ways.iter().filter(|way| way.is_finite());
            known.fold((0.0, 0.0), |(sum, count), &way| (sum + of(way), count + 1.0))
        };
        if skeleton.axes == 2 {
            let across = [0.0, -tangent[2], tangent[1]];
            let way = |direction| match exit(mask, from, direction, spacing, most) {
                Exit::Known(way) => way,
                Exit::Border(_) => f64::INFINITY,
            };
            let (sum, count) = sum_known(&[across, across.map(|along| -along)].map(way), |way| way);
            return (count > 0.0).then(|| 2.0 * sum / count);
        }
        let least = |one: usize, other: usize| if tangent[other].abs() < tangent[one].abs() { other } else { one };
        let mut axis = [0.0; 3];
        axis[least(least(0, 1), 2)] = 1.0;
        let across = unit(cross(tangent, axis))?;
        let ways = self.fan.ways(mask, from, [across, cross(tangent, across)], spacing, most);
        let (sum, count) = sum_known(&ways, |way| way * way);
        (count > 0.0).then(|| PI * sum / count)
    }

    /// What the free ends lack to the surface, or to the border of the image.
    fn tip_length<I: Index>(&self, skeleton: &Skeleton<'_, I>, ends: Ends) -> f64 {
        let points = &self.points;
        if ends.is_closed || points.len() < 2 {
            return 0.0;
        }
        let last = points.len() - 1;
        let shortest = skeleton.steps().iter().fold(f64::INFINITY, |shortest: f64, &step| shortest.min(step));
        let mut sum = 0.0;
        for (end, is_held) in [0, last].into_iter().zip(ends.held) {
            if is_held {
                continue;
            }
            let back = 2.max((self.distances[end] / shortest) as usize);
            let inside = points[if end == 0 { back.min(last) } else { last.saturating_sub(back) }];
            let Some(direction) = unit(difference(points[end], inside)) else { continue };
            let from = self.start(skeleton, end);
            let most = self.longest_ray(skeleton, end);
            let (Exit::Known(way) | Exit::Border(way)) = exit(skeleton.mask, from, direction, skeleton.spacing, most);
            sum += way;
        }
        sum
    }
}
