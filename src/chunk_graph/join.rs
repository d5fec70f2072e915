//! Joins edges and chains at settled voxels of degree 2.
//!
//! An edge is a chain of one step; both are links with two ends. A walk starts at a link's end that stops it, a settled voxel of
//! a degree other than 2 or a voxel that stays live, and follows links to the next such end. The remaining links form cycles.
//!
//! Cost: linear in voxels, links and steps.

use super::geometry::Geometry;
use super::live::{Chains, Edge, End, Live};
use super::rows::{BranchRows, Terminal, Walk};
use crate::support::allocate::{Grow, try_filled, try_with_capacity};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// What the buffers are for.
const LINKS: &str = "the links of paths";

/// Checks that both ends of `count` links can be numbered in 32 bits.
fn check_links(count: usize) -> Result<()> {
    if count <= (u32::MAX / 2) as usize {
        return Ok(());
    }
    let reason = format!("expected fewer than 2**31 edges and open paths, got {count}; use smaller blocks");
    Err(Error::InvalidArgument { name: "block", reason })
}

/// Links, and the links of each voxel.
pub(super) struct Joiner<'a> {
    geometry: &'a Geometry,
    live: &'a Live,
    stays: &'a [bool],
    edges: &'a [Edge],
    chains: &'a Chains,
    /// Where each voxel's links start in `links`, and the end of the last one.
    starts: Vec<u32>,
    /// Twice the number of the link, plus its end.
    links: Vec<u32>,
    taken: Vec<bool>,
    directions: Vec<u8>,
    values: Vec<u64>,
    smallest: (u64, u64),
}

impl<'a> Joiner<'a> {
    /// Links are numbered edges first, then chains.
    pub(super) fn new(
        geometry: &'a Geometry,
        live: &'a Live,
        stays: &'a [bool],
        edges: &'a [Edge],
        chains: &'a Chains,
    ) -> Result<Self> {
        let count = edges.len() + chains.len();
        check_links(count)?;
        let (starts, taken) = (try_filled(LINKS, live.len() + 2, 0)?, try_filled(LINKS, count, false)?);
        let links = Vec::new();
        let (directions, values, smallest) = (Vec::new(), Vec::new(), Chains::NO_INTERIOR);
        let mut joiner =
            Self { geometry, live, stays, edges, chains, starts, links, taken, directions, values, smallest };
        // Counted two places on, summed up one place on, so that filling moves the starts into place.
        let mut ends: Vec<(u32, u32)> = try_with_capacity(LINKS, 2 * count)?;
        ends.extend((0..2 * count as u32).filter_map(|end| match joiner.end(end) {
            End::Open(voxel) => Some((voxel, end)),
            End::Done(_) => None,
        }));
        for &(voxel, _) in &ends {
            joiner.starts[voxel as usize + 2] += 1;
        }
        for voxel in 2..joiner.starts.len() {
            joiner.starts[voxel] += joiner.starts[voxel - 1];
        }
        joiner.links = try_filled(LINKS, ends.len(), 0)?;
        for (voxel, end) in ends {
            let at = &mut joiner.starts[voxel as usize + 1];
            joiner.links[*at as usize] = end;
            *at += 1;
        }
        Ok(joiner)
    }

    /// The linear indices of settled voxels without links.
    pub(super) fn isolated(&self) -> impl Iterator<Item = u64> {
        (0..self.live.len())
            .filter(|&voxel| !self.stays[voxel] && self.links_of(voxel as u32).is_empty())
            .map(|voxel| self.live.index[voxel])
    }

    /// Adds finished branches to `rows` and returns the open chains.
    pub(super) fn join(&mut self, rows: &mut BranchRows, monitor: &Monitor) -> Result<Chains> {
        const LINKS_BETWEEN_CHECKS: usize = 1 << 16;
        let mut open = Chains::default();
        for cycles in [false, true] {
            for link in 0..self.taken.len() {
                if link.is_multiple_of(LINKS_BETWEEN_CHECKS) {
                    monitor.check()?;
                }
                let first = 2 * link as u32;
                let from =
                    if cycles { Some(first) } else { [first, first + 1].into_iter().find(|&end| self.stops(end)) };
                if let Some(from) = from.filter(|_| !self.taken[link]) {
                    let to = self.walk(from)?;
                    self.finish(from, to, cycles, rows, &mut open)?;
                }
            }
        }
        Ok(open)
    }

    fn links_of(&self, voxel: u32) -> &[u32] {
        &self.links[self.starts[voxel as usize] as usize..self.starts[voxel as usize + 1] as usize]
    }

    /// The voxel at an end of a link.
    fn end(&self, end: u32) -> End {
        let (link, side) = (end as usize / 2, end as usize % 2);
        match self.edges.get(link) {
            Some(edge) => End::Open(edge.ends[side]),
            None => self.chains.ends[link - self.edges.len()][side],
        }
    }

    fn is_passed(&self, voxel: u32) -> bool {
        !self.stays[voxel as usize] && self.links_of(voxel).len() == 2
    }

    fn stops(&self, end: u32) -> bool {
        match self.end(end) {
            End::Open(voxel) => !self.is_passed(voxel),
            End::Done(_) => true,
        }
    }

    /// Follows links from an end to the next end that stops, or around a cycle; returns the end of the last link.
    fn walk(&mut self, from: u32) -> Result<u32> {
        self.directions.clear();
        self.values.clear();
        self.smallest = Chains::NO_INTERIOR;
        let has_values = self.geometry.has_values();
        let mut end = from;
        loop {
            self.taken[end as usize / 2] = true;
            self.append(end)?;
            let far = end ^ 1;
            let End::Open(voxel) = self.end(far) else { return Ok(far) };
            if !self.is_passed(voxel) {
                return Ok(far);
            }
            let &[one, other] = self.links_of(voxel) else { return Ok(far) };
            end = if one == far { other } else { one };
            if self.taken[end as usize / 2] {
                return Ok(far);
            }
            if has_values {
                self.values.try_push(LINKS, self.live.value(voxel as usize))?;
            }
            let here = (self.live.index[voxel as usize], self.live.rank[voxel as usize]);
            self.smallest = self.smallest.min(here);
        }
    }

    /// Appends the steps and interior voxels of a link, starting at one of its ends.
    fn append(&mut self, end: u32) -> Result<()> {
        let (link, backwards) = (end as usize / 2, end % 2 == 1);
        let Some(chain) = link.checked_sub(self.edges.len()) else {
            let direction = self.edges[link].direction;
            return self.directions.try_push(LINKS, if backwards { self.geometry.back(direction) } else { direction });
        };
        let (directions, values) = (self.chains.directions(chain), self.chains.values(chain));
        if backwards {
            let turned = directions.iter().rev().map(|&direction| self.geometry.back(direction));
            self.directions.try_extend(LINKS, turned)?;
            self.values.try_extend(LINKS, values.iter().rev().copied())?;
        } else {
            self.directions.try_extend_from_slice(LINKS, directions)?;
            self.values.try_extend_from_slice(LINKS, values)?;
        }
        self.smallest = self.smallest.min(self.chains.smallest[chain]);
        Ok(())
    }

    /// The end of a walk, with the final degree if its voxel has settled.
    fn settled(&self, end: u32) -> End {
        match self.end(end) {
            End::Open(voxel) if !self.stays[voxel as usize] => {
                let at = voxel as usize;
                End::Done(Terminal {
                    index: self.live.index[at],
                    rank: self.live.rank[at],
                    value: self.live.value(at),
                    is_tip: self.links_of(voxel).len() == 1,
                })
            }
            end => end,
        }
    }

    fn finish(&mut self, from: u32, to: u32, is_cycle: bool, rows: &mut BranchRows, open: &mut Chains) -> Result<()> {
        let ends = [self.settled(from), self.settled(to)];
        let [End::Done(one), End::Done(other)] = ends else {
            return open.push(ends, self.smallest, &self.directions, &self.values);
        };
        if self.geometry.has_values() {
            self.values.try_extend_from_slice(LINKS, &[other.value, one.value])?;
            self.values.rotate_right(1);
        }
        let walk = Walk { directions: &mut self.directions, values: &mut self.values };
        if is_cycle {
            let smallest = self.smallest.min((one.index, one.rank));
            rows.push_cycle(self.geometry, one.index, smallest, walk)
        } else {
            rows.push_path(self.geometry, [one, other], self.smallest.0, walk)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_links_whose_ends_would_wrap() {
        assert_eq!(check_links((1 << 31) - 1), Ok(()));
        assert!(matches!(check_links(1 << 31), Err(Error::InvalidArgument { .. })));
    }
}
