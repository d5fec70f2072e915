//! Graphs in compressed rows: the columns of row `i` are `indices[indptr[i]..indptr[i + 1]]`, each with its weight.
//!
//! Indices are `i32` as in scipy, until a count no longer fits; then they are `i64`. Every kernel takes both.

use crate::support::errors::{Error, Result};

/// A node's number or a position in the rows, as scipy stores it.
pub trait Index: Copy + Ord + Send + Sync + std::fmt::Debug + bytemuck::Zeroable {
    /// The largest count that fits.
    const LARGEST: usize;

    /// # Panics
    /// In debug builds, if `value` exceeds [`Index::LARGEST`].
    fn new(value: usize) -> Self;

    /// The value as a position; a negative value becomes one that no slice holds.
    fn get(self) -> usize;
}

macro_rules! index {
    ($($integer:ty),*) => {$(
        impl Index for $integer {
            const LARGEST: usize = <$integer>::MAX as usize;

            #[inline]
            fn new(value: usize) -> Self {
                debug_assert!(value <= Self::LARGEST);
                value as Self
            }

            #[inline]
            fn get(self) -> usize {
                self as usize
            }
        }
    )*};
}

index!(i32, i64);

/// A graph that owns its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Csr<I> {
    /// Where each row starts, and the end of the last one.
    pub indptr: Vec<I>,
    /// The columns, row by row.
    pub indices: Vec<I>,
    /// The weight of each entry.
    pub weights: Vec<f64>,
}

impl<I: Index> Csr<I> {
    /// The same graph, borrowed.
    #[must_use]
    pub fn view(&self) -> CsrView<'_, I> {
        CsrView { indptr: &self.indptr, indices: &self.indices, weights: &self.weights }
    }
}

/// A borrowed graph.
#[derive(Debug, Clone, Copy)]
pub struct CsrView<'a, I> {
    indptr: &'a [I],
    indices: &'a [I],
    weights: &'a [f64],
}

impl<'a, I: Index> CsrView<'a, I> {
    /// A graph of arrays that may come from anywhere.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] with this `name` if the arrays do not make a square graph.
    pub fn new(name: &'static str, indptr: &'a [I], indices: &'a [I], weights: &'a [f64]) -> Result<Self> {
        check_indptr(name, indptr, indices.len())?;
        check_nodes(name, indices, indptr.len() - 1)?;
        if indices.len() != weights.len() {
            let reason = format!("expected a weight for each of the {} indices, got {}", indices.len(), weights.len());
            return Err(Error::InvalidArgument { name, reason });
        }
        Ok(Self { indptr, indices, weights })
    }

    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.indptr.len() - 1
    }

    /// How many entries there are, two for each edge.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.indices.len()
    }

    /// The positions of a row's entries.
    #[inline]
    #[must_use]
    pub fn row(&self, node: usize) -> std::ops::Range<usize> {
        self.indptr[node].get()..self.indptr[node + 1].get()
    }

    /// The node that an entry leads to.
    #[inline]
    #[must_use]
    pub fn target(&self, entry: usize) -> usize {
        self.indices[entry].get()
    }

    /// The entry's weight.
    #[inline]
    #[must_use]
    pub fn weight(&self, entry: usize) -> f64 {
        self.weights[entry]
    }

    /// How many entries a row has.
    #[inline]
    #[must_use]
    pub fn degree(&self, node: usize) -> usize {
        self.row(node).len()
    }

    /// The first entry from `node` to `target`.
    #[inline]
    #[must_use]
    pub fn entry(&self, node: usize, target: usize) -> Option<usize> {
        let row = self.row(node);
        let start = row.start;
        let columns = &self.indices[row];
        if columns.len() > LONG_ROW && columns.is_sorted() {
            return columns.binary_search_by_key(&target, |column| column.get()).ok().map(|at| start + at);
        }
        columns.iter().position(|column| column.get() == target).map(|at| start + at)
    }
}

/// Rows of pixel graphs are shorter, and shorter rows are faster looked through from the start.
const LONG_ROW: usize = 64;

/// Checks that `indptr` ascends from 0 to `entries`.
///
/// # Errors
/// [`Error::InvalidArgument`] with this `name` if it does not.
pub fn check_indptr<I: Index>(name: &'static str, indptr: &[I], entries: usize) -> Result<()> {
    let right = indptr.first().is_some_and(|first| first.get() == 0)
        && indptr.last().is_some_and(|last| last.get() == entries)
        && indptr.is_sorted();
    if right {
        Ok(())
    } else {
        Err(Error::InvalidArgument {
            name,
            reason: format!("expected indptr to ascend from 0 to {entries}, the number of entries"),
        })
    }
}

/// Checks that each of `indices` is one of `nodes` nodes.
///
/// # Errors
/// [`Error::InvalidArgument`] with this `name` if one is not.
pub fn check_nodes<I: Index>(name: &'static str, indices: &[I], nodes: usize) -> Result<()> {
    // A chunk is looked at without a branch for each index.
    let outside =
        indices.chunks(1 << 10).find(|chunk| chunk.iter().fold(false, |any, index| any | (index.get() >= nodes)));
    match outside.and_then(|chunk| chunk.iter().find(|index| index.get() >= nodes)) {
        None => Ok(()),
        Some(index) => {
            Err(Error::InvalidArgument { name, reason: format!("expected nodes below {nodes}, got {index:?}") })
        }
    }
}

/// A graph in compressed rows whose entries have weights.
pub trait WeightedRows: Sync {
    /// The type of its numbers.
    type Index: Index;

    /// How many nodes there are.
    fn nodes(&self) -> usize;

    /// The positions of a row's entries.
    fn row(&self, node: usize) -> std::ops::Range<usize>;

    /// The node that an entry leads to.
    fn target(&self, entry: usize) -> usize;

    /// The first entry from `node` to `target`.
    fn entry(&self, node: usize, target: usize) -> Option<usize>;

    /// The weight of an entry of the row of `node`.
    fn weight(&self, node: usize, entry: usize) -> f64;
}

impl<I: Index> WeightedRows for CsrView<'_, I> {
    type Index = I;

    #[inline]
    fn nodes(&self) -> usize {
        CsrView::nodes(self)
    }

    #[inline]
    fn row(&self, node: usize) -> std::ops::Range<usize> {
        CsrView::row(self, node)
    }

    #[inline]
    fn target(&self, entry: usize) -> usize {
        CsrView::target(self, entry)
    }

    #[inline]
    fn entry(&self, node: usize, target: usize) -> Option<usize> {
        CsrView::entry(self, node, target)
    }

    #[inline]
    fn weight(&self, _: usize, entry: usize) -> f64 {
        CsrView::weight(self, entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_entries_in_short_and_long_rows() {
        let columns: Vec<i32> = (0..200).collect();
        let mut indptr = vec![0, 200];
        indptr.resize(201, 200);
        let weights = vec![1.0; 200];
        let graph = CsrView::new("graph", &indptr, &columns, &weights).unwrap();
        assert_eq!(graph.entry(0, 150), Some(150));
        assert_eq!(graph.entry(1, 0), None);
    }

    #[test]
    fn refuses_arrays_that_make_no_graph() {
        for (indptr, indices) in
            [(vec![], vec![]), (vec![0, 2], vec![0]), (vec![0, 1], vec![1]), (vec![0, 1], vec![-1])]
        {
            let weights = vec![1.0; indices.len()];
            assert!(CsrView::<i32>::new("graph", &indptr, &indices, &weights).is_err());
        }
    }
}
