//! The branch table of a finished chunk graph, as columns.
//!
//! What only the whole image tells is made here: components, numbered by their smallest voxel, isolated voxels among them.
//!
//! Cost: a sort of the rows' ends, and searches among them.

use std::ops::Range;

use super::ChunkGraph;
use super::rows::{SOURCE_IS_TIP, Statistics, TARGET_IS_TIP};
use super::rules::{Rule, holds};
use crate::errors::{Error, Result};
use crate::junctions::DisjointSets;
use crate::threads::Cancel;

/// Columns of a branch table, in its order; sources and destinations are apart.
#[derive(Debug, Default)]
pub struct Table {
    /// The component's number.
    pub components: Vec<u64>,
    /// The numbers of the voxels at the ends.
    pub nodes: [Vec<u64>; 2],
    /// Their linear indices.
    pub indices: [Vec<u64>; 2],
    /// Whether they have one neighbour.
    pub is_tip: [Vec<bool>; 2],
    /// Lengths of branches.
    pub lengths: Vec<f64>,
    /// Numbers of voxels, both ends included; empty without values, as the rest.
    pub voxels: Vec<u64>,
    /// Sums of the values.
    pub sums: Vec<f64>,
    /// Sums of their squares.
    pub squares: Vec<f64>,
    /// The values at the ends.
    pub values: [Vec<f64>; 2],
}

impl ChunkGraph {
    /// The rows `range` of the table of the whole image.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if a part of the image is missing or there are not as many rows; [`Error::OutOfMemory`];
    /// [`Error::Interrupted`] through `cancel`.
    pub fn table(&self, range: Range<usize>, cancel: &Cancel) -> Result<Table> {
        let wrong = |name, reason| Err(Error::InvalidArgument { name, reason });
        if let Some([offset, shape]) = self.missing_box()? {
            let reason = format!("the block at offset {offset:?} of shape {shape:?} is missing");
            return wrong("skel", reason);
        }
        if self.parts.live.len() > 0 || self.parts.chains.len() > 0 {
            return wrong("skel", "the chunk graph is damaged".to_owned());
        }
        let rows = &self.parts.rows;
        if range.start > range.end || range.end > rows.len() {
            return wrong("rows", format!("expected {range:?} in a table of {} rows", rows.len()));
        }
        let mut table = Table { components: self.components(range.clone(), cancel)?, ..Table::default() };
        for end in 0..2 {
            table.nodes[end] = rows.ranks[range.clone()].iter().map(|ranks| ranks[end]).collect();
            table.indices[end] = rows.ends[range.clone()].iter().map(|ends| ends[end]).collect();
            let tip = [SOURCE_IS_TIP, TARGET_IS_TIP][end];
            table.is_tip[end] = rows.flags[range.clone()].iter().map(|flags| flags & tip != 0).collect();
        }
        table.lengths = rows.lengths[range.clone()].to_vec();
        if self.geometry.has_values() {
            let statistics: &[Statistics] = &rows.statistics[range];
            table.voxels = statistics.iter().map(|of| of.voxels).collect();
            table.sums = statistics.iter().map(|of| of.sum).collect();
            table.squares = statistics.iter().map(|of| of.squares).collect();
            table.values = [0, 1].map(|end| statistics.iter().map(|of| of.ends[end]).collect());
        }
        Ok(table)
    }

    /// The components of rows.
    fn components(&self, range: Range<usize>, cancel: &Cancel) -> Result<Vec<u64>> {
        let rows = &self.parts.rows;
        let mut ends: Vec<u64> = rows.ends.iter().flatten().copied().collect();
        ends.sort_unstable();
        ends.dedup();
        cancel.check()?;
        let number = |index: u64| ends.partition_point(|&end| end < index);
        let mut sets = DisjointSets::<i64>::new(ends.len())?;
        for [source, target] in &rows.ends {
            sets.join(number(*source), number(*target));
        }
        cancel.check()?;
        let mut smallest = vec![u64::MAX; ends.len()];
        for (row, [source, _]) in rows.ends.iter().enumerate() {
            let set = sets.find(number(*source));
            smallest[set] = smallest[set].min(if holds(Rule::SmallestVoxel) { rows.smallest[row] } else { *source });
        }
        let mut first: Vec<u64> = smallest.iter().copied().filter(|&index| index != u64::MAX).collect();
        first.extend_from_slice(&self.parts.isolated);
        first.sort_unstable();
        cancel.check()?;
        let component = |row: usize| {
            let index = smallest[sets.find(number(rows.ends[row][0]))];
            first.partition_point(|&first| first < index) as u64
        };
        Ok(range.map(component).collect())
    }
}
