//! What voxels outside the region can still change: live voxels, waiting edges, and open chains between live voxels.

use super::geometry::Directions;
use super::rows::Terminal;
use crate::support::allocate::{Grow, try_copy, try_filled, try_with_capacity};
use crate::support::errors::{Error, Result};

/// What the buffers are for.
pub(super) const LIVE: &str = "the voxels of a chunk graph";
/// What the buffers of chains are for.
const CHAINS: &str = "the open paths of a chunk graph";

/// Checks that twice as many voxels can be numbered in 32 bits.
///
/// # Errors
/// [`Error::InvalidArgument`] with this `name`.
pub(super) fn check_count(name: &'static str, count: usize) -> Result<()> {
    if count < 1 << 30 {
        return Ok(());
    }
    let reason = format!("expected fewer than 2**30 foreground voxels, got {count}; use smaller blocks");
    Err(Error::InvalidArgument { name, reason })
}

/// Voxels with missing neighbours or waiting edges, in ascending order, as columns.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Linear indices.
    pub(super) index: Vec<u64>,
    /// Ranks among the covered foreground.
    pub(super) rank: Vec<u64>,
    /// The directions of neighbours that are in the image but not covered.
    pub(super) missing: Vec<Directions>,
    /// The number of known neighbours before junction clusters are pruned; it never decreases.
    pub(super) degree: Vec<u8>,
    /// The first live voxel that is connected by final edges of a junction cluster; itself if there is none.
    pub(super) cluster: Vec<u32>,
    /// Empty if there are no values.
    pub(super) value: Vec<u64>,
}

impl Live {
    /// Empty columns with capacity for `count` voxels, and for their values if `values`.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub(super) fn with_capacity(count: usize, values: bool) -> Result<Self> {
        Ok(Self {
            index: try_with_capacity(LIVE, count)?,
            rank: try_with_capacity(LIVE, count)?,
            missing: try_with_capacity(LIVE, count)?,
            degree: try_with_capacity(LIVE, count)?,
            cluster: try_with_capacity(LIVE, count)?,
            value: try_with_capacity(LIVE, if values { count } else { 0 })?,
        })
    }

    /// A copy.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub(super) fn try_clone(&self) -> Result<Self> {
        Ok(Self {
            index: try_copy(LIVE, &self.index)?,
            rank: try_copy(LIVE, &self.rank)?,
            missing: try_copy(LIVE, &self.missing)?,
            degree: try_copy(LIVE, &self.degree)?,
            cluster: try_copy(LIVE, &self.cluster)?,
            value: try_copy(LIVE, &self.value)?,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn nbytes(&self) -> usize {
        self.len() * (8 + 8 + size_of::<Directions>() + 1 + 4) + self.value.len() * 8
    }

    pub(super) fn value(&self, voxel: usize) -> u64 {
        self.value.get(voxel).copied().unwrap_or(0)
    }

    /// The values at both ends of an edge.
    pub(super) fn values(&self, edge: &Edge) -> [u64; 2] {
        [self.value(edge.ends[0] as usize), self.value(edge.ends[1] as usize)]
    }

    /// Keeps the voxels whose `keep` is true; returns the new number of each voxel kept.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub(super) fn retain(&mut self, keep: &[bool]) -> Result<Vec<u32>> {
        fn filter<T>(column: &mut Vec<T>, keep: &[bool]) {
            let mut kept = keep.iter();
            column.retain(|_| kept.next().is_some_and(|&keep| keep));
            column.shrink_to_fit();
        }
        const NONE: u32 = u32::MAX;
        let mut renumbered = try_filled(LIVE, keep.len(), NONE)?;
        let mut first_of_cluster = try_filled(LIVE, keep.len(), NONE)?;
        for (count, voxel) in (0..).zip((0..keep.len()).filter(|&voxel| keep[voxel])) {
            renumbered[voxel] = count;
            let cluster = self.cluster[voxel] as usize;
            if first_of_cluster[cluster] == NONE {
                first_of_cluster[cluster] = count;
            }
            self.cluster[voxel] = first_of_cluster[cluster];
        }
        filter(&mut self.index, keep);
        filter(&mut self.rank, keep);
        filter(&mut self.missing, keep);
        filter(&mut self.degree, keep);
        filter(&mut self.cluster, keep);
        if !self.value.is_empty() {
            filter(&mut self.value, keep);
        }
        Ok(renumbered)
    }
}

/// An edge between two live voxels, the first one the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) ends: [u32; 2],
    /// From the first to the second.
    pub(super) direction: u8,
}

/// The end of a chain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    /// At a live voxel.
    Open(u32),
    /// At a voxel whose degree is final and not 2.
    Done(Terminal),
}

/// Paths with at least one open end: a direction for each step, and the values of interior voxels, if any.
#[derive(Debug)]
pub(super) struct Chains {
    pub(super) ends: Vec<[End; 2]>,
    /// Linear index and rank of the smallest interior voxel, or [`Self::NO_INTERIOR`].
    pub(super) smallest: Vec<(u64, u64)>,
    /// The start of each chain in `directions`, and the end of the last one.
    pub(super) starts: Vec<usize>,
    /// From the first end to the second.
    pub(super) directions: Vec<u8>,
    /// The values of interior voxels: one fewer than directions in each chain.
    pub(super) values: Vec<u64>,
}

impl Default for Chains {
    fn default() -> Self {
        let (ends, smallest, directions, values) = Default::default();
        Self { ends, smallest, starts: vec![0], directions, values }
    }
}

impl Chains {
    /// Stands for the smallest voxel of a path without interior.
    pub(super) const NO_INTERIOR: (u64, u64) = (u64::MAX, u64::MAX);

    /// A copy.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub(super) fn try_clone(&self) -> Result<Self> {
        Ok(Self {
            ends: try_copy(CHAINS, &self.ends)?,
            smallest: try_copy(CHAINS, &self.smallest)?,
            starts: try_copy(CHAINS, &self.starts)?,
            directions: try_copy(CHAINS, &self.directions)?,
            values: try_copy(CHAINS, &self.values)?,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn nbytes(&self) -> usize {
        self.len() * (size_of::<[End; 2]>() + 16 + 8) + self.directions.len() + self.values.len() * 8
    }

    pub(super) fn directions(&self, chain: usize) -> &[u8] {
        &self.directions[self.starts[chain]..self.starts[chain + 1]]
    }

    /// The values of a chain's interior voxels.
    pub(super) fn values(&self, chain: usize) -> &[u64] {
        if self.values.is_empty() {
            return &[];
        }
        &self.values[self.starts[chain] - chain..self.starts[chain + 1] - chain - 1]
    }

    /// Adds a chain of at least one step.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`]; the chains are of no use then.
    pub(super) fn push(
        &mut self,
        ends: [End; 2],
        smallest: (u64, u64),
        directions: &[u8],
        values: &[u64],
    ) -> Result<()> {
        self.ends.try_push(CHAINS, ends)?;
        self.smallest.try_push(CHAINS, smallest)?;
        self.directions.try_extend_from_slice(CHAINS, directions)?;
        self.values.try_extend_from_slice(CHAINS, values)?;
        self.starts.try_push(CHAINS, self.directions.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_voxels_whose_numbers_would_wrap() {
        assert_eq!(check_count("block", (1 << 30) - 1), Ok(()));
        for count in [1 << 30, 1 << 32, usize::MAX] {
            assert!(matches!(check_count("block", count), Err(Error::InvalidArgument { name: "block", .. })));
        }
    }
}
