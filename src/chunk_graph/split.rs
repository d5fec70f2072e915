//! Splitting finished branches off, for tables whose rows stay on the workers that made them.
//!
//! A merge needs no row, so rows can be left behind at every step ([`ChunkGraph::shed`]). What they still lack is found without
//! them: ranks gain what each later union says ([`super::Shifts`]); components hang together at the ends of open paths
//! ([`ChunkGraph::terminals`]), which are the only voxels that rows of different steps share; the order of rows is that of
//! (cycles last, source, first step).
//!
//! Cost: a copy of what is live, and of the rows.

use super::graph::ChunkGraph;
use super::live::{End, LIVE};
use super::rows::BranchRows;
use super::settle::{EDGES, Parts};
use super::table::Table;
use crate::support::allocate::{Grow, try_collect, try_copy};
use crate::support::errors::Result;

/// The finished branches of a part, in its order.
#[derive(Debug)]
pub struct Shed {
    /// The rows; components are the smallest linear index of each branch, nodes the ranks in the part.
    pub table: Table,
    /// The direction of the first step.
    pub first: Vec<u8>,
    /// Whether the branch is a cycle.
    pub is_cycle: Vec<bool>,
    /// The linear indices of voxels without neighbours.
    pub isolated: Vec<u64>,
}

impl ChunkGraph {
    /// The graph without its finished branches and isolated voxels, and these.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn shed(&self) -> Result<(Self, Shed)> {
        let Parts { live, waiting, chains, rows, isolated } = &self.parts;
        let mut table = self.columns(0..rows.len())?;
        table.components = try_copy(LIVE, &rows.smallest)?;
        let shed = Shed {
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
        Ok((rest, shed))
    }

    /// The linear indices of the voxels at which open paths end for good, ascending.
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
