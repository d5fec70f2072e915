//! The smooth centreline of a branch, and what it tells: length, tortuosity and radius.
//!
//! The path of a branch leads from voxel to voxel, so that its length counts steps: for tubes of random direction it is an
//! eighth too long. Here, with voxels xᵢ in units of the spacing h and d the distance to the background ([`crate::radius`]):
//!
//! 1. **Centreline**: the smooth path pᵢ ([`smooth`]), an end at a junction held at its voxel, each pᵢ drawn back to within the
//!    diagonal |h| of a voxel from xᵢ. If it came out longer than the path of voxels, it is that path.
//! 2. **Length** L = Σ |pᵢ₊₁ − pᵢ|; **tortuosity** L / |pₙ − p₀|, NaN if the ends meet.
//! 3. **Section** at pᵢ: [`rays::RAYS`] rays at equal angles in the plane perpendicular to pᵢ₊₁ − pᵢ₋₁, each to where it leaves the
//!    mask ([`rays`]), 2 d + 2 max h at most; its area is π mean ρ², in a plane its width 2 mean ρ. A ray that leaves the image
//!    does not count. Where pᵢ is not in the mask, rays start at xᵢ.
//! 4. **Radius**: √(area / π) or half the width; these are smoothed as a path with free ends and stay within their range. Sections
//!    nearer to a junction, along the centreline, than its d cut other branches too and do not count; a branch without any other
//!    has d at each voxel.
//! 5. **Tip length**: from a free end on along the last max(2, d) steps to where the mask ends.
//!
//! Everything but the mask is read in units relative to the first voxel of the branch, so that moving an object changes no bit.
//! A branch is measured by one thread in the order of its voxels, from numbers that no chunking changes (the path, d, and the
//! voxels of the mask that rays meet); so the result is the same for any number of threads.
//!
//! Cost: linear in the voxels of the paths, times [`rays::RAYS`] rays of about 3 r voxels each.

mod branch;
pub mod rays;
mod skeleton;
pub mod smooth;
#[cfg(test)]
mod tests;
mod vectors;

use rayon::prelude::*;

pub use self::branch::Measures;
use self::branch::Tracer;
use self::skeleton::CENTRELINES;
pub use self::skeleton::{Skeleton, check_spacing};
use self::smooth::Point;
use crate::graph::csr::Index;
use crate::support::allocate::{try_filled, try_with_capacity};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// Paths that a task handles.
const TASK: usize = 1 << 6;

/// The measures of each path.
///
/// # Errors
/// [`crate::support::errors::Error::InvalidArgument`] if the arrays do not fit each other,
/// [`crate::support::errors::Error::OutOfMemory`], or [`crate::support::errors::Error::Interrupted`] through `monitor`.
pub fn measures<I: Index>(skeleton: Skeleton<'_, I>, monitor: &Monitor) -> Result<Vec<Measures>> {
    skeleton.check()?;
    let path_ends = skeleton.path_ends()?;
    let mut all = try_filled(CENTRELINES, skeleton.count(), Measures::NONE)?;
    monitor.expect(skeleton.paths.len() as u64);
    all.par_chunks_mut(TASK).enumerate().try_for_each_init(Tracer::default, |tracer, (task, all)| {
        monitor.check()?;
        let first = task * TASK;
        for (measures, path) in all.iter_mut().zip(first..) {
            *measures = tracer.measure(&skeleton, path, skeleton.ends(path, &path_ends))?;
        }
        monitor.advance((skeleton.starts[first + all.len()].get() - skeleton.starts[first].get()) as u64);
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
    let mut points = try_filled(CENTRELINES, skeleton.paths.len(), [0.0; 3])?;
    let mut radii = try_filled(CENTRELINES, skeleton.paths.len(), 0.0)?;
    let mut tasks = try_with_capacity(CENTRELINES, skeleton.count().div_ceil(TASK))?;
    let (mut rest_of_points, mut rest_of_radii) = (&mut points[..], &mut radii[..]);
    for first in (0..skeleton.count()).step_by(TASK) {
        let paths = first..(first + TASK).min(skeleton.count());
        let count = skeleton.starts[paths.end].get() - skeleton.starts[first].get();
        let (points, others) = rest_of_points.split_at_mut(count);
        rest_of_points = others;
        let (radii, others) = rest_of_radii.split_at_mut(count);
        rest_of_radii = others;
        tasks.push((paths, points, radii));
    }
    tasks.into_par_iter().try_for_each_init(Tracer::default, |tracer, (paths, points, radii)| {
        monitor.check()?;
        let first = skeleton.starts[paths.start].get();
        for path in paths {
            tracer.measure(&skeleton, path, skeleton.ends(path, &path_ends))?;
            let of_path = skeleton.starts[path].get() - first..skeleton.starts[path + 1].get() - first;
            tracer.copy_to(&skeleton, &mut points[of_path.clone()], &mut radii[of_path]);
        }
        Ok(())
    })?;
    Ok((points, radii))
}
