//! Finished branches as columns, in the order of the table: paths by source and first step, then cycles.
//!
//! A row has all columns except the component, which depends on the whole image. Its lengths and sums are computed once, from
//! the source to the destination, by the functions that compute the table of an image in memory. So they are equal to the last
//! bit, independent of the chunks that the branch crosses.
//!
//! Cost: 58 bytes per row, and 40 more for statistics of values.

use super::geometry::Geometry;
use super::rules::{Rule, holds};
use crate::branches::lengths::{path_length, reduceat_sum};
use crate::support::allocate::{try_collect, try_sort_by};
use crate::support::errors::{Error, Result};

/// What the buffers are for.
const ROWS: &str = "the finished branches of a chunk graph";

/// Flags of a row.
pub(super) const SOURCE_IS_TIP: u8 = 1;
pub(super) const TARGET_IS_TIP: u8 = 2;
pub(super) const IS_CYCLE: u8 = 4;

/// Sums over a path's voxels, both ends included, and the values at the ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Statistics {
    pub(super) voxels: u64,
    pub(super) sum: f64,
    pub(super) squares: f64,
    pub(super) ends: [f64; 2],
}

/// A voxel at the end of a path, with its final degree known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Terminal {
    pub(super) index: u64,
    pub(super) rank: u64,
    pub(super) value: u64,
    pub(super) is_tip: bool,
}

/// Finished branches.
#[derive(Debug, Default)]
pub(super) struct BranchRows {
    /// The linear indices of source and destination.
    pub(super) ends: Vec<[u64; 2]>,
    /// Their ranks among the covered foreground.
    pub(super) ranks: Vec<[u64; 2]>,
    /// The smallest linear index of all voxels.
    pub(super) smallest: Vec<u64>,
    pub(super) lengths: Vec<f64>,
    /// The direction of the first step.
    pub(super) first: Vec<u8>,
    pub(super) flags: Vec<u8>,
    /// Empty if the values are no labels.
    pub(super) labels: Vec<u64>,
    /// Empty if there are no numbers.
    pub(super) statistics: Vec<Statistics>,
}

/// A path whose voxels are known one by one: `directions` leads from the first to the last of `values`.
pub(super) struct Walk<'a> {
    pub(super) directions: &'a mut Vec<u8>,
    /// All voxels' values, both ends included; empty if there are none.
    pub(super) values: &'a mut Vec<u64>,
}

impl Walk<'_> {
    fn turn_round(&mut self, geometry: &Geometry) {
        self.directions.reverse();
        for direction in self.directions.iter_mut() {
            *direction = geometry.back(*direction);
        }
        self.values.reverse();
    }

    fn length(&self, geometry: &Geometry) -> f64 {
        path_length(self.directions.iter().enumerate().map(|(at, &direction)| {
            // Without heights the values are not asked for.
            geometry.length(direction, || [self.values[at], self.values[at + 1]])
        }))
    }

    fn statistics(&self, geometry: &Geometry) -> Option<Statistics> {
        let (first, last) = self.values.first().zip(self.values.last()).filter(|_| geometry.has_statistics())?;
        let value = |at: usize| geometry.number(self.values[at]);
        Some(Statistics {
            voxels: self.values.len() as u64,
            sum: reduceat_sum(0..self.values.len(), &value),
            squares: reduceat_sum(0..self.values.len(), &|at| value(at) * value(at)),
            ends: [geometry.number(*first), geometry.number(*last)],
        })
    }
}

impl BranchRows {
    /// No rows, with capacity for `count`.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub(super) fn with_capacity(count: usize, geometry: &Geometry) -> Result<Self> {
        let mut rows = Self::default();
        let of = [geometry.has_labels(), geometry.has_statistics()];
        rows.reserve(count, of.map(|has| if has { count } else { 0 }))?;
        Ok(rows)
    }

    fn reserve(&mut self, count: usize, [labels, statistics]: [usize; 2]) -> Result<()> {
        fn more<T>(column: &mut Vec<T>, count: usize) -> Result<()> {
            column.try_reserve(count).map_err(|_| Error::out_of_memory::<T>(ROWS, column.len() + count))
        }
        more(&mut self.ends, count)?;
        more(&mut self.ranks, count)?;
        more(&mut self.smallest, count)?;
        more(&mut self.lengths, count)?;
        more(&mut self.first, count)?;
        more(&mut self.flags, count)?;
        more(&mut self.labels, labels)?;
        more(&mut self.statistics, statistics)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn nbytes(&self) -> usize {
        let of_values = size_of_val(self.statistics.as_slice()) + size_of_val(self.labels.as_slice());
        self.len() * (16 + 16 + 8 + 8 + 2) + of_values
    }

    /// Adds the path between two terminals whose interior's smallest voxel is given.
    pub(super) fn push_path(
        &mut self,
        geometry: &Geometry,
        mut ends: [Terminal; 2],
        smallest: u64,
        mut walk: Walk<'_>,
    ) -> Result<()> {
        let Some((&first, &last)) = walk.directions.first().zip(walk.directions.last()) else { return Ok(()) };
        let keys = [(ends[0].index, first), (ends[1].index, geometry.back(last))];
        let backwards = if holds(Rule::SecondVoxelOrders) { keys[0] > keys[1] } else { keys[0].0 > keys[1].0 };
        if backwards {
            ends.reverse();
            if holds(Rule::AddedFromSource) {
                walk.turn_round(geometry);
            }
        }
        let tips = u8::from(ends[0].is_tip) * SOURCE_IS_TIP + u8::from(ends[1].is_tip) * TARGET_IS_TIP;
        self.push(geometry, ends, smallest.min(ends[0].index), tips, &walk)
    }

    /// Adds the cycle that starts and ends at the voxel `start`.
    pub(super) fn push_cycle(
        &mut self,
        geometry: &Geometry,
        start: u64,
        smallest: (u64, u64),
        mut walk: Walk<'_>,
    ) -> Result<()> {
        let (index, rank) = smallest;
        let mut here = start;
        let found = walk.directions.iter().position(|&direction| {
            let before = here;
            here = geometry.neighbour(here, direction);
            before == index
        });
        let at = if holds(Rule::SmallestVoxel) { found.unwrap_or(0) } else { 0 };
        walk.directions.rotate_left(at);
        if !walk.values.is_empty() {
            // The start stands at both ends.
            walk.values.pop();
            walk.values.rotate_left(at);
            walk.values.push(walk.values[0]);
        }
        let Some((&first, &last)) = walk.directions.first().zip(walk.directions.last()) else { return Ok(()) };
        if first > geometry.back(last) {
            walk.turn_round(geometry);
        }
        let value = walk.values.first().copied().unwrap_or(0);
        let end = Terminal { index, rank, value, is_tip: false };
        self.push(geometry, [end, end], index, IS_CYCLE, &walk)
    }

    fn push(
        &mut self,
        geometry: &Geometry,
        ends: [Terminal; 2],
        smallest: u64,
        flags: u8,
        walk: &Walk<'_>,
    ) -> Result<()> {
        self.reserve(1, [geometry.has_labels(), geometry.has_statistics()].map(usize::from))?;
        self.ends.push(ends.map(|end| end.index));
        self.ranks.push(ends.map(|end| end.rank));
        self.smallest.push(smallest);
        self.lengths.push(walk.length(geometry));
        self.first.push(walk.directions[0]);
        self.flags.push(flags);
        self.labels.extend(walk.values.first().filter(|_| geometry.has_labels()));
        self.statistics.extend(walk.statistics(geometry));
        Ok(())
    }

    /// Adds copies of other rows, whose ranks gain what `gain` says.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`]; nothing is added then.
    pub(super) fn extend(&mut self, other: &Self, gain: impl Fn(u64) -> u64) -> Result<()> {
        self.reserve(other.len(), [other.labels.len(), other.statistics.len()])?;
        self.ends.extend_from_slice(&other.ends);
        let gained = other.ends.iter().zip(&other.ranks);
        self.ranks.extend(gained.map(|(ends, ranks)| [ranks[0] + gain(ends[0]), ranks[1] + gain(ends[1])]));
        self.smallest.extend_from_slice(&other.smallest);
        self.lengths.extend_from_slice(&other.lengths);
        self.first.extend_from_slice(&other.first);
        self.flags.extend_from_slice(&other.flags);
        self.labels.extend_from_slice(&other.labels);
        self.statistics.extend_from_slice(&other.statistics);
        Ok(())
    }

    pub(super) fn is_cycle(&self, row: usize) -> bool {
        self.flags[row] & IS_CYCLE != 0
    }

    /// Brings the rows into the order of the table.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`]; the rows are of no use then.
    pub(super) fn sort(&mut self) -> Result<()> {
        fn take<T: Copy>(column: &mut Vec<T>, order: &[usize]) -> Result<()> {
            *column = try_collect(ROWS, order.iter().map(|&row| column[row]))?;
            Ok(())
        }
        let key = |row: usize| {
            let first = if holds(Rule::SecondVoxelOrders) { self.first[row] } else { 0 };
            (self.is_cycle(row), self.ends[row][0], first)
        };
        if (0..self.len()).is_sorted_by_key(key) {
            return Ok(());
        }
        let mut order: Vec<usize> = try_collect(ROWS, 0..self.len())?;
        // Stable, because that sort finds the runs which are sorted already.
        try_sort_by(ROWS, &mut order, |&one, &other| key(one).cmp(&key(other)))?;
        take(&mut self.ends, &order)?;
        take(&mut self.ranks, &order)?;
        take(&mut self.smallest, &order)?;
        take(&mut self.lengths, &order)?;
        take(&mut self.first, &order)?;
        take(&mut self.flags, &order)?;
        if !self.labels.is_empty() {
            take(&mut self.labels, &order)?;
        }
        if !self.statistics.is_empty() {
            take(&mut self.statistics, &order)?;
        }
        Ok(())
    }
}
