//! The branch table of a finished chunk graph, as columns.
//!
//! Components depend on the whole image, so they are computed here; they are numbered by their smallest voxel, and isolated
//! voxels count.
//!
//! Cost: a sort of the rows' ends, and a search for each.

use std::ops::Range;

use super::graph::ChunkGraph;
use super::rows::{SOURCE_IS_TIP, Statistics, TARGET_IS_TIP};
use super::rules::{Rule, holds};
use crate::graph::junctions::DisjointSets;
use crate::support::allocate::{Grow, try_collect, try_copy, try_filled, try_with_capacity};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// What the buffers are for.
const TABLE: &str = "the branch table";

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
    /// Labels; empty if the values are none.
    pub labels: Vec<u64>,
    /// Numbers of voxels, both ends included; empty without numbers, as the rest.
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
    /// [`Error::Interrupted`] through `monitor`.
    pub fn table(&self, range: Range<usize>, monitor: &Monitor) -> Result<Table> {
        let wrong = |name, reason| Err(Error::InvalidArgument { name, reason });
        if let Some([offset, shape]) = self.missing_box()? {
            let reason =
                format!("expected the whole image; the block at offset {offset:?} of shape {shape:?} is missing");
            return wrong("skel", reason);
        }
        if self.parts.live.len() > 0 || self.parts.chains.len() > 0 {
            return wrong("skel", "expected no open path in the whole image; the chunk graph is damaged".to_owned());
        }
        let rows = &self.parts.rows;
        if range.start > range.end || range.end > rows.len() {
            return wrong("rows", format!("expected a range of the {} rows, got {range:?}", rows.len()));
        }
        let components = self.components(range.clone(), monitor)?;
        Ok(Table { components, ..self.columns(range)? })
    }

    /// The columns of rows that do not depend on others; ranks are those in this part.
    pub(super) fn columns(&self, range: Range<usize>) -> Result<Table> {
        let rows = &self.parts.rows;
        let mut table = Table::default();
        for end in 0..2 {
            table.nodes[end] = try_collect(TABLE, rows.ranks[range.clone()].iter().map(|ranks| ranks[end]))?;
            table.indices[end] = try_collect(TABLE, rows.ends[range.clone()].iter().map(|ends| ends[end]))?;
            let tip = [SOURCE_IS_TIP, TARGET_IS_TIP][end];
            table.is_tip[end] = try_collect(TABLE, rows.flags[range.clone()].iter().map(|flags| flags & tip != 0))?;
        }
        table.lengths = try_copy(TABLE, &rows.lengths[range.clone()])?;
        if self.geometry.has_labels() {
            table.labels = try_copy(TABLE, &rows.labels[range.clone()])?;
        }
        if self.geometry.has_statistics() {
            let statistics: &[Statistics] = &rows.statistics[range];
            table.voxels = try_collect(TABLE, statistics.iter().map(|of| of.voxels))?;
            table.sums = try_collect(TABLE, statistics.iter().map(|of| of.sum))?;
            table.squares = try_collect(TABLE, statistics.iter().map(|of| of.squares))?;
            for (end, values) in table.values.iter_mut().enumerate() {
                *values = try_collect(TABLE, statistics.iter().map(|of| of.ends[end]))?;
            }
        }
        Ok(table)
    }

    /// The components of rows.
    fn components(&self, range: Range<usize>, monitor: &Monitor) -> Result<Vec<u64>> {
        let rows = &self.parts.rows;
        let mut ends: Vec<u64> = try_with_capacity(TABLE, 2 * rows.len())?;
        ends.extend(rows.ends.iter().flatten());
        ends.sort_unstable();
        ends.dedup();
        monitor.check()?;
        let numbers = Numbers::new(&ends)?;
        let mut sets = DisjointSets::<i64>::new(ends.len())?;
        let mut sources = try_with_capacity(TABLE, rows.len())?;
        for &[source, target] in &rows.ends {
            let source = numbers.of(source);
            sources.push(source);
            sets.join(source, numbers.of(target));
        }
        monitor.check()?;
        let mut smallest = try_filled(TABLE, ends.len(), u64::MAX)?;
        for (row, &source) in sources.iter().enumerate() {
            let set = sets.find(source);
            let index = if holds(Rule::SmallestVoxel) { rows.smallest[row] } else { rows.ends[row][0] };
            smallest[set] = smallest[set].min(index);
        }
        let mut first: Vec<u64> = try_collect(TABLE, smallest.iter().copied().filter(|&index| index != u64::MAX))?;
        first.try_extend_from_slice(TABLE, &self.parts.isolated)?;
        first.sort_unstable();
        monitor.check()?;
        let numbers = Numbers::new(&first)?;
        let component = |row: usize| numbers.of(smallest[sets.find(sources[row])]) as u64;
        try_collect(TABLE, range.map(component))
    }
}

/// The places of indices in an ascending list of them, each looked for among those that share its first bits: searches of a long
/// list wait for memory many times.
struct Numbers<'a> {
    indices: &'a [u64],
    /// Where the indices of each part begin; a part has indices that are the same but for so many bits.
    starts: Vec<usize>,
    bits: u32,
}

impl<'a> Numbers<'a> {
    fn new(indices: &'a [u64]) -> Result<Self> {
        let most = indices.last().copied().unwrap_or(0);
        let bits = (u64::BITS - most.leading_zeros())
            .saturating_sub(indices.len().checked_ilog2().unwrap_or(0))
            .min(u64::BITS - 1);
        let mut starts = try_with_capacity(TABLE, (most >> bits) as usize + 2)?;
        for (number, &index) in indices.iter().enumerate() {
            starts.resize(((index >> bits) as usize + 1).max(starts.len()), number);
        }
        starts.push(indices.len());
        Ok(Self { indices, starts, bits })
    }

    /// The place of an index, or where it would be.
    fn of(&self, index: u64) -> usize {
        let part = ((index >> self.bits) as usize).min(self.starts.len() - 1);
        let (start, end) = (self.starts[part], self.starts.get(part + 1).copied().unwrap_or(self.indices.len()));
        start + self.indices[start..end].partition_point(|&other| other < index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::random::Random;

    #[test]
    fn finds_numbers_as_a_search_does() {
        let mut random = Random(7);
        assert_eq!(Numbers::new(&[u64::MAX]).unwrap().of(u64::MAX), 0);
        for round in 0..60 {
            let mut indices: Vec<u64> = (0..round * 3)
                .map(|_| {
                    let bits = random.bits();
                    [bits >> 57, bits >> 30, 1_000_000 + (bits >> 58), bits][round % 4]
                })
                .collect();
            indices.sort_unstable();
            indices.dedup();
            let numbers = Numbers::new(&indices).unwrap();
            let asked = indices.iter().flat_map(|&index| [index.saturating_sub(1), index, index.saturating_add(1)]);
            for index in asked.chain([0, 1, u64::MAX]) {
                assert_eq!(
                    numbers.of(index),
                    indices.partition_point(|&other| other < index),
                    "{index} in {indices:?}"
                );
            }
        }
    }
}
