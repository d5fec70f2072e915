//! Splits finished branches off, so that their rows stay on the workers that made them.
//!
//! Merging needs no rows, so they can be split off before every merge ([`ChunkGraph::split_finished`]). What they lack is computed
//! later: ranks increase by the shifts of each later union ([`super::Shifts`]); components are connected at the ends of open
//! paths ([`ChunkGraph::terminals`]), the only voxels that rows of different merges share; rows are sorted by (is a cycle,
//! source, first step).
//!
//! Cost: a copy of the live voxels, edges and chains, and of the rows.

use super::graph::ChunkGraph;
use super::live::{End, LIVE};
use super::rows::BranchRows;
use super::settle::{EDGES, Parts};
use super::table::Table;
use crate::support::allocate::{Grow, try_collect, try_copy};
use crate::support::errors::Result;

/// The finished branches of a region, in the order of its table.
#[derive(Debug)]
pub struct Finished {
    /// The rows; components are the smallest linear index of each branch, nodes the ranks in the region.
    pub table: Table,
    /// The direction of the first step.
    pub first: Vec<u8>,
    /// Whether the branch is a cycle.
    pub is_cycle: Vec<bool>,
    /// The linear indices of voxels without neighbours.
    pub isolated: Vec<u64>,
}

impl ChunkGraph {
    /// The graph without its finished branches and isolated voxels, and those.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn split_finished(&self) -> Result<(Self, Finished)> {
        let Parts { live, waiting, chains, rows, isolated } = &self.parts;
        let mut table = self.columns(0..rows.len())?;
        table.components = try_copy(LIVE, &rows.smallest)?;
        let finished = Finished {
            table,
            first: try_copy(LIVE, &rows.first)?,
            is_cycle: try_collect(LIVE, (0..rows.len()).map(|row| rows.is_cycle(row)))?,
            isolated: try_copy(LIVE, isolated)?,
        };
        let rest = self.with_parts(Parts {
            live: live.try_clone()?,
            waiting: try_copy(EDGES, waiting)?,
            chains: chains.try_clone()?,
            rows: BranchRows::default(),
            isolated: Vec::new(),
        })?;
        Ok((rest, finished))
    }

    /// The linear indices of the settled voxels at the ends of open paths, ascending.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn terminals(&self) -> Result<Vec<u64>> {
        let mut terminals = Vec::new();
        for end in self.parts.chains.ends.iter().flatten() {
            if let End::Done(end) = end {
                terminals.try_push(LIVE, end.index)?;
            }
        }
        terminals.sort_unstable();
        terminals.dedup();
        Ok(terminals)
    }
}
