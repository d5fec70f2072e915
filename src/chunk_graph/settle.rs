//! Moves what voxels outside the region can no longer change to the rows of finished branches.
//!
//! Three steps, for a new block and for a union of parts:
//!
//! 1. *Edges.* Known degrees never decrease, so an edge is a junction edge once both ends have three neighbours. It is final once
//!    an end without missing neighbours has at most two. Otherwise it waits. Junction edges go through [`forest::prune`].
//! 2. *Voxels.* A voxel settles when it misses no neighbour and no waiting edge touches it: its degree is final.
//! 3. *Chains.* Final edges and earlier chains are joined at settled voxels of degree 2. The result is a finished branch or a
//!    cycle if both ends are settled, else an open chain.
//!
//! Cost: linear in voxels, edges and steps of chains, plus the sort of junction edges.

use super::forest::{self, Forest};
use super::geometry::Geometry;
use super::join::Joiner;
use super::live::{Chains, Edge, End, LIVE, Live};
use super::rows::BranchRows;
use super::rules::{Rule, holds};
use crate::graph::junctions::JUNCTION;
use crate::support::allocate::{Grow, try_collect, try_copy, try_filled};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// What the buffers are for.
pub(super) const EDGES: &str = "the edges of a chunk graph";

/// The contents of a chunk graph: everything except its extent.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) live: Live,
    /// Edges that may still be dropped.
    pub(super) waiting: Vec<Edge>,
    pub(super) chains: Chains,
    pub(super) rows: BranchRows,
    /// Linear indices of voxels without neighbours, ascending.
    pub(super) isolated: Vec<u64>,
}

impl Parts {
    /// A copy.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub(super) fn try_clone(&self) -> Result<Self> {
        let mut rows = BranchRows::default();
        rows.extend(&self.rows, |_| 0)?;
        Ok(Self {
            live: self.live.try_clone()?,
            waiting: try_copy(EDGES, &self.waiting)?,
            chains: self.chains.try_clone()?,
            rows,
            isolated: try_copy(LIVE, &self.isolated)?,
        })
    }
}

/// Settles what the outside can no longer change.
pub(super) fn settle(parts: Parts, geometry: &Geometry, monitor: &Monitor) -> Result<Parts> {
    let Parts { mut live, waiting, chains, mut rows, mut isolated } = parts;
    let count = live.len();

    let (mut lasting, mut unknown, mut junction) = (Vec::new(), Vec::new(), Vec::new());
    let at_most_two = |voxel: u32| live.missing[voxel as usize] == 0 && live.degree[voxel as usize] < JUNCTION as u8;
    for edge in waiting {
        if edge.ends.iter().all(|&end| live.degree[end as usize] >= JUNCTION as u8) {
            junction.try_push(EDGES, edge)?;
        } else if edge.ends.into_iter().any(at_most_two) || !holds(Rule::UnknownEdgesWait) {
            lasting.try_push(EDGES, edge)?;
        } else {
            unknown.try_push(EDGES, edge)?;
        }
    }
    monitor.check()?;

    let Forest { lasting: kept, waiting } = if junction.is_empty() {
        Forest::default()
    } else {
        let is_terminal = terminals(&live, &unknown)?;
        forest::prune(junction, &mut live, &is_terminal, geometry, monitor)?
    };
    lasting.try_extend(EDGES, kept)?;
    let mut waiting: Vec<Edge> = waiting;
    waiting.try_extend(EDGES, unknown)?;
    monitor.check()?;

    let misses = |voxel: usize| live.missing[voxel] != 0 && holds(Rule::MissingNeighboursWait);
    let mut stays: Vec<bool> = try_collect(LIVE, (0..count).map(misses))?;
    for edge in &waiting {
        for end in edge.ends {
            stays[end as usize] = true;
        }
    }
    let mut joiner = Joiner::new(geometry, &live, &stays, &lasting, &chains)?;
    isolated.try_extend(LIVE, joiner.isolated())?;
    isolated.sort_unstable();
    if !holds(Rule::IsolatedCount) {
        isolated.clear();
    }
    let mut chains = joiner.join(&mut rows, monitor)?;
    rows.sort()?;

    let renumbered = live.retain(&stays)?;
    for edge in &mut waiting {
        edge.ends = edge.ends.map(|end| renumbered[end as usize]);
    }
    for end in chains.ends.iter_mut().flatten() {
        if let End::Open(voxel) = end {
            *voxel = renumbered[*voxel as usize];
        }
    }
    waiting.shrink_to_fit();
    Ok(Parts { live, waiting, chains, rows, isolated })
}

/// For the first voxel of each cluster, whether the cluster misses neighbours or has an end of a waiting edge.
fn terminals(live: &Live, unknown: &[Edge]) -> Result<Vec<bool>> {
    let mut is_terminal = try_filled(LIVE, live.len(), false)?;
    for (&missing, &cluster) in live.missing.iter().zip(&live.cluster) {
        is_terminal[cluster as usize] |= missing != 0;
    }
    for edge in unknown.iter().filter(|_| holds(Rule::WaitingEdgesAreTerminals)) {
        for end in edge.ends {
            is_terminal[live.cluster[end as usize] as usize] = true;
        }
    }
    Ok(is_terminal)
}
