//! Junction clusters: where voxels with three or more neighbours touch each other, only a spanning tree of their edges stays.
//!
//! Of the edges between two voxels of degree 3 or more, a minimum spanning forest is kept, Kruskal's, ties taken in the order
//! of (row, column); the other such edges are dropped. That is what remains when scipy's `minimum_spanning_tree` of the
//! junction graph is taken from it.
//!
//! Cost: a stable sort of the edges between junctions, which takes linear time while the distances are few; 16 bytes for each
//! of them, one bit an entry and one index a voxel.

use crate::graph::csr::{Csr, Index};
use crate::support::allocate::{Grow, try_sort_by, try_zeros};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// What the buffers are for.
const EDGES: &str = "the edges between junctions";

/// The least degree of a junction.
pub const JUNCTION: usize = 3;

/// Disjoint sets, each known by its smallest member.
#[derive(Debug)]
pub struct DisjointSets<I> {
    parents: Vec<I>,
}

impl<I: Index> DisjointSets<I> {
    /// `count` sets of one.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn new(count: usize) -> Result<Self> {
        let mut parents = try_zeros("the disjoint sets", count)?;
        for (member, parent) in parents.iter_mut().enumerate() {
            *parent = I::new(member);
        }
        Ok(Self { parents })
    }

    /// The smallest member of a member's set.
    pub fn find(&mut self, mut member: usize) -> usize {
        loop {
            let parent = self.parents[member].get();
            if parent == member {
                return member;
            }
            let grandparent = self.parents[parent];
            self.parents[member] = grandparent;
            member = grandparent.get();
        }
    }

    /// Joins the sets of two members; whether they were two.
    pub fn join(&mut self, one: usize, other: usize) -> bool {
        let (one, other) = (self.find(one), self.find(other));
        self.parents[one.max(other)] = I::new(one.min(other));
        one != other
    }
}

/// Drops the edges between junctions that a minimum spanning forest of such edges does not need.
///
/// The graph is symmetric and its rows are sorted.
///
/// # Errors
/// [`Error::InvalidArgument`] if an edge is missing in one of its two rows, [`Error::OutOfMemory`], or
/// [`Error::Interrupted`] through `monitor`.
pub fn prune_junctions<I: Index>(graph: &mut Csr<I>, monitor: &Monitor) -> Result<()> {
    let view = graph.view();
    let mut edges = Vec::new();
    for node in (0..view.nodes()).filter(|&node| view.degree(node) >= JUNCTION) {
        for entry in view.row(node) {
            let neighbour = view.target(entry);
            if neighbour > node && view.degree(neighbour) >= JUNCTION {
                edges.try_push(EDGES, (view.weight(entry), I::new(node), I::new(entry)))?;
            }
        }
    }
    monitor.check()?;
    try_sort_by(EDGES, &mut edges, |(one, ..), (other, ..)| one.total_cmp(other))?;
    monitor.check()?;
    let mut sets = DisjointSets::<I>::new(view.nodes())?;
    let mut dropped = Vec::new();
    for (_, node, entry) in edges {
        let (node, entry) = (node.get(), entry.get());
        let neighbour = view.target(entry);
        if !sets.join(node, neighbour) {
            dropped.try_push(EDGES, entry)?;
            let reason =
                || format!("expected a symmetric matrix, got an edge from {node} to {neighbour} and none back");
            let back = view.entry(neighbour, node);
            dropped.try_push(EDGES, back.ok_or_else(|| Error::InvalidArgument { name: "csmat", reason: reason() })?)?;
        }
    }
    monitor.check()?;
    dropped.sort_unstable();
    // An edge that a person gave twice is dropped once.
    dropped.dedup();
    remove(graph, &dropped);
    Ok(())
}

/// Removes the entries at these ascending positions.
fn remove<I: Index>(graph: &mut Csr<I>, dropped: &[usize]) {
    let Some(&first) = dropped.first() else { return };
    let mut end = first;
    let stops = dropped[1..].iter().copied().chain([graph.indices.len()]);
    for (&gap, stop) in dropped.iter().zip(stops) {
        graph.indices.copy_within(gap + 1..stop, end);
        graph.weights.copy_within(gap + 1..stop, end);
        end += stop - gap - 1;
    }
    graph.indices.truncate(end);
    graph.weights.truncate(end);
    graph.indices.shrink_to_fit();
    graph.weights.shrink_to_fit();
    let mut before = 0;
    for start in &mut graph.indptr {
        while before < dropped.len() && dropped[before] < start.get() {
            before += 1;
        }
        *start = I::new(start.get() - before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::pixel_graph::{Neighbourhood, pixel_graph};
    use crate::support::random::Random;

    /// Takes the edges one by one and asks by a walk whether the two ends are joined already.
    fn naive(graph: &Csr<i32>) -> Vec<(usize, usize)> {
        let view = graph.view();
        let is_junction = |node: usize| view.degree(node) >= JUNCTION;
        let mut edges: Vec<(f64, usize, usize)> = (0..view.nodes())
            .flat_map(|node| view.row(node).map(move |entry| (view.weight(entry), node, view.target(entry))))
            .collect();
        edges.sort_by(|one, other| one.partial_cmp(other).unwrap());
        let mut kept: Vec<(usize, usize)> = Vec::new();
        for &(_, node, neighbour) in edges.iter().filter(|edge| is_junction(edge.1) && is_junction(edge.2)) {
            let mut reached = vec![node];
            let mut at = 0;
            while at < reached.len() {
                for &(from, to) in &kept {
                    if from == reached[at] && !reached.contains(&to) {
                        reached.push(to);
                    }
                }
                at += 1;
            }
            if !reached.contains(&neighbour) {
                kept.extend([(node, neighbour), (neighbour, node)]);
            }
        }
        let others = edges.iter().filter(|edge| !is_junction(edge.1) || !is_junction(edge.2));
        kept.extend(others.map(|&(_, node, neighbour)| (node, neighbour)));
        kept.sort_unstable();
        kept
    }

    #[test]
    fn leaves_what_a_plain_spanning_forest_leaves() {
        let shape = [4, 5, 6];
        for seed in 0..60_u64 {
            let nodes = Random(seed).voxels(120, 1 + seed as usize % 7, 10);
            let neighbourhood = Neighbourhood::new(&shape, &[1.0, 1.0, 0.5], 3);
            let mut graph = pixel_graph::<i32>(&nodes, &neighbourhood, None, &Monitor::new()).unwrap();
            let whole = graph.clone();
            let expected = naive(&graph);
            prune_junctions(&mut graph, &Monitor::new()).unwrap();
            let view = graph.view();
            let mut left = Vec::new();
            for node in 0..view.nodes() {
                for entry in view.row(node) {
                    let neighbour = view.target(entry);
                    left.push((node, neighbour));
                    let before = whole.view().entry(node, neighbour).expect("no edge is new");
                    assert_eq!(view.weight(entry).to_bits(), whole.view().weight(before).to_bits());
                }
            }
            assert_eq!(left, expected);
        }
    }
}
