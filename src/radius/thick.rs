//! Radii in thick objects: nearby voxels share one search.
//!
//! The radii of two voxels differ by at most their distance. If all voxels of a group are within a distance w of one of them,
//! whose radius is R, the nearest background of each is within R + 2 w of that one. Only the surface of this background
//! matters: a background voxel is not needed if its neighbour towards the whole group, along some axis, is background too. The
//! surface is collected once, in words of 64 voxels, as shells of increasing distance from the middle. Each voxel of the group
//! searches the shells from the nearest on, until no other can be nearer. Groups that are wide for their radius are halved.
//!
//! Rounded distances are compared, as in the whole module; bounds allow for rounding.
//!
//! Cost: for a group one search and one collection of about π (R + 2 w)² rows; for each voxel a part of the surface.

use super::background::Background;
use super::rows::Scanlines;
use super::squares::Squares;
use crate::image::word_shape::{WORD, set_bits};
use crate::support::allocate::{Grow, try_collect};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// The factor by which bounds are widened to allow for rounding.
const ROOM: f64 = 1.0 + 1e-9;

/// A group is halved if it extends farther than this share of its radius.
const WIDTH: f64 = 0.08;

/// What the buffers are for.
const GROUPS: &str = "the groups of voxels in thick objects";

/// A voxel whose radius is searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// Its number in the list of voxels.
    pub(super) number: usize,
    pub(super) at: [usize; 3],
    /// The square of the radius, or of an upper bound.
    pub(super) square: f64,
}

/// Background voxels of the surface around a group.
struct Shell {
    /// The smallest squared distance from the middle of the group.
    square: f64,
    voxels: Vec<[u32; 3]>,
}

/// What all groups share.
pub(super) struct Search<'a> {
    pub(super) rows: &'a Scanlines<'a>,
    pub(super) background: &'a Background,
    pub(super) squares: &'a Squares,
}

impl Search<'_> {
    /// Finds the radii of a group.
    pub(super) fn group(&self, members: &mut [Member], monitor: &Monitor) -> Result<()> {
        let mut pending = vec![members];
        while let Some(members) = pending.pop() {
            monitor.check()?;
            let bounds = Bounds::of(members);
            let Some(middle) = members.iter().enumerate().min_by_key(|(_, member)| bounds.off_middle(member.at)) else {
                continue;
            };
            members.swap(0, middle.0);
            let Some((middle, others)) = members.split_first_mut() else { continue };
            middle.square = self.rows.nearest_beyond(middle.at, middle.square);
            monitor.advance(1);
            if others.is_empty() {
                continue;
            }
            let radius = middle.square.sqrt();
            let way = others.iter().map(|other| self.between(middle.at, other.at)).fold(0.0, f64::max).sqrt();
            if way > WIDTH * radius {
                let axis = bounds.longest(self.squares);
                let half = usize::midpoint(bounds.first[axis], bounds.last[axis]);
                others.sort_unstable_by_key(|other| other.at[axis] > half);
                let (before, after) = others.split_at_mut(others.partition_point(|other| other.at[axis] <= half));
                pending.extend([before, after].into_iter().filter(|part| !part.is_empty()));
                continue;
            }
            let surface = self.surface(middle, &bounds, (radius + 2.0 * way) * ROOM)?;
            for other in &mut *others {
                let way = self.between(middle.at, other.at).sqrt();
                let bound = |square: f64| {
                    let reach = (square.sqrt() + way) * ROOM;
                    reach * reach
                };
                for shell in &surface {
                    if shell.square > bound(other.square) {
                        break;
                    }
                    for voxel in &shell.voxels {
                        let square = self.between(other.at, voxel.map(|at| at as usize));
                        other.square = other.square.min(square);
                    }
                }
            }
            monitor.advance(others.len() as u64);
        }
        Ok(())
    }

    /// The squared distance between two voxels.
    #[inline]
    fn between(&self, one: [usize; 3], other: [usize; 3]) -> f64 {
        self.squares.sum(std::array::from_fn(|axis| one[axis].abs_diff(other[axis])))
    }

    /// The surface of the background within `reach` of a voxel that a group within `bounds` needs, in shells, nearest first.
    fn surface(&self, middle: &Member, bounds: &Bounds, reach: f64) -> Result<Vec<Shell>> {
        const SHELLS: usize = 64;
        let (least, middle) = (middle.square, middle.at);
        let shape = self.background.shape();
        let most = reach * reach;
        let thickness = (most - least) / SHELLS as f64;
        let mut surface: Vec<Shell> = (0..SHELLS)
            .map(|shell| Shell { square: (least + shell as f64 * thickness) / ROOM, voxels: Vec::new() })
            .collect();
        let along = |axis: usize, left: f64| {
            let steps = self.squares.steps_within(axis, left);
            middle[axis].saturating_sub(steps)..(middle[axis] + steps + 1).min(shape[axis])
        };
        for z in along(0, most) {
            let of_plane = self.between(middle, [z, middle[1], middle[2]]);
            for y in along(1, most - of_plane) {
                let of_row = self.between(middle, [z, y, middle[2]]);
                let columns = along(2, most - of_row);
                let row = self.background.row(self.background.index(z, y));
                // The rows next to this one towards the group, along axes where that is one way for all of it.
                let inner_z = bounds.towards(0, z).map(|z| self.background.row(self.background.index(z, y)));
                let inner_y = bounds.towards(1, y).map(|y| self.background.row(self.background.index(z, y)));
                for at in columns.start / WORD..columns.end.div_ceil(WORD) {
                    let mut word = row[at];
                    if word == 0 {
                        continue;
                    }
                    for inner in [inner_z, inner_y].into_iter().flatten() {
                        word &= !inner[at];
                    }
                    // And those before and after the voxels in their row.
                    let before = row[at] << 1 | at.checked_sub(1).map_or(0, |at| row[at] >> (WORD - 1));
                    let after = row[at] >> 1 | row.get(at + 1).map_or(0, |word| word << (WORD - 1));
                    word &= !(before & bits_from(bounds.last[2] + 1, at) | after & !bits_from(bounds.first[2], at));
                    word &= bits_from(columns.start, at) & !bits_from(columns.end, at);
                    for bit in set_bits(word) {
                        let voxel = [z, y, at * WORD + bit];
                        let square = self.between(middle, voxel);
                        if square <= most {
                            let shell = ((square - least) / thickness) as usize;
                            let shell = &mut surface[shell.min(SHELLS - 1)].voxels;
                            shell.try_push("the surface", voxel.map(|at| at as u32))?;
                        }
                    }
                }
            }
        }
        Ok(surface)
    }
}

/// The bits of a word, the `at`-th of its row, from column `first` on.
fn bits_from(first: usize, at: usize) -> u64 {
    let first = first.saturating_sub(at * WORD);
    if first < WORD { u64::MAX << first } else { 0 }
}

/// The smallest box that holds a group.
struct Bounds {
    first: [usize; 3],
    last: [usize; 3],
}

impl Bounds {
    fn of(members: &[Member]) -> Self {
        let mut bounds = Self { first: [usize::MAX; 3], last: [0; 3] };
        for axis in 0..3 {
            for member in members {
                bounds.first[axis] = bounds.first[axis].min(member.at[axis]);
                bounds.last[axis] = bounds.last[axis].max(member.at[axis]);
            }
        }
        bounds
    }

    /// The distance of a voxel from the middle, in half steps.
    fn off_middle(&self, at: [usize; 3]) -> usize {
        (0..3).map(|axis| (2 * at[axis]).abs_diff(self.first[axis] + self.last[axis])).max().unwrap_or(0)
    }

    fn longest(&self, squares: &Squares) -> usize {
        let length = |axis: usize| squares.along(axis, self.last[axis] - self.first[axis]);
        (1..3).fold(0, |longest, axis| if length(axis) > length(longest) { axis } else { longest })
    }

    /// The position next to `at` along an axis, towards the whole box, if `at` is outside it.
    fn towards(&self, axis: usize, at: usize) -> Option<usize> {
        if at > self.last[axis] {
            Some(at - 1)
        } else if at < self.first[axis] {
            Some(at + 1)
        } else {
            None
        }
    }
}

/// Splits voxels into groups of nearby ones, each a range of `members`, which are reordered.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`].
pub(super) fn groups<'a>(members: &'a mut [Member], squares: &Squares) -> Result<Vec<&'a mut [Member]>> {
    /// Edge of the boxes of groups, in the shortest steps.
    const EDGE: f64 = 32.0;
    let step = |axis: usize| squares.along(axis, 1).sqrt();
    let shortest = (0..3).map(step).fold(f64::INFINITY, f64::min);
    let edges: [usize; 3] = std::array::from_fn(|axis| ((EDGE * shortest / step(axis)) as usize).max(1));
    let key = |member: &Member| -> [usize; 3] { std::array::from_fn(|axis| member.at[axis] / edges[axis]) };
    members.sort_unstable_by_key(|member| (key(member), member.number));
    try_collect(GROUPS, members.chunk_by_mut(|one, other| key(one) == key(other)))
}
