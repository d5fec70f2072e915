//! Shortest paths in branch graphs: the longest of them ([`longest`]) and the node nearest to all others ([`centre`]).
//!
//! Both are defined over all pairs of nodes, and neither looks at all pairs. A shortest path never leaves and re-enters a
//! biconnected component, so the graph is cut at its cut vertices ([`biconnected`]): what remains of a tree are single edges, and
//! only loops need a search. Within a loop, one run of Dijkstra's algorithm bounds every other node by the triangle
//! inequality, and only nodes that the bounds leave open get a run of their own.
//!
//! Memory: 24 bytes a branch end and about 100 a node.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::support::allocate::{Grow, try_copy, try_filled, try_push_to_heap, try_with_capacity};
use crate::support::errors::{Error, Result, check_numbers};

pub mod biconnected;
pub mod centre;
pub mod longest;
#[cfg(test)]
mod tests;

/// One branch as seen from one of its ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// The node at the other end.
    pub to: u32,
    /// The branch's place in the list of branches.
    pub branch: u32,
    /// The branch's length.
    pub length: f64,
}

/// An undirected graph without parallel branches or loops.
#[derive(Debug)]
pub struct Network {
    first: Vec<usize>,
    links: Vec<Link>,
}

impl Network {
    /// The graph of `branches` between `nodes` nodes. Of parallel branches the shortest is kept, of equal ones the first;
    /// a branch that returns to its node is dropped, since no shortest path takes it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if a node does not exist, or a length is negative or not finite, or all together are so
    /// long that a sum of distances from a node may not be finite, or 32 bits do not number the nodes or the branches;
    /// [`Error::OutOfMemory`].
    pub fn new(nodes: usize, branches: &[(u32, u32)], lengths: &[f64]) -> Result<Self> {
        let invalid = |name, reason| Err(Error::InvalidArgument { name, reason });
        if branches.len() != lengths.len() {
            return invalid(
                "lengths",
                format!("expected one for each of the {} branches, got {}", branches.len(), lengths.len()),
            );
        }
        check_numbers("nodes", nodes)?;
        check_numbers("branches", branches.len())?;
        let mut kept = try_with_capacity("branches", branches.len())?;
        for (branch, (&(from, to), &length)) in branches.iter().zip(lengths).enumerate() {
            if from.max(to) as usize >= nodes {
                return invalid("branches", format!("expected nodes below {nodes}, got {}", from.max(to)));
            }
            if !length.is_finite() || length < 0.0 {
                return invalid("lengths", format!("expected finite numbers from zero up, got {length}"));
            }
            if from != to {
                kept.push((from.min(to), from.max(to), length, branch as u32));
            }
        }
        if !(kept.iter().map(|branch| branch.2).sum::<f64>() * nodes as f64).is_finite() {
            return invalid("lengths", "expected a sum small enough that sums of distances are finite".to_owned());
        }
        kept.sort_unstable_by(|one, other| {
            (one.0, one.1).cmp(&(other.0, other.1)).then(one.2.total_cmp(&other.2)).then(one.3.cmp(&other.3))
        });
        kept.dedup_by_key(|branch| (branch.0, branch.1));
        Self::from_distinct(nodes, &kept)
    }

    /// The graph of branches (node, other node, length, place in the list), no two of them between the same nodes.
    fn from_distinct(nodes: usize, branches: &[(u32, u32, f64, u32)]) -> Result<Self> {
        let mut first = try_filled("nodes", nodes + 1, 0)?;
        for &(from, to, ..) in branches {
            first[from as usize + 1] += 1;
            first[to as usize + 1] += 1;
        }
        for node in 0..nodes {
            first[node + 1] += first[node];
        }
        let mut next = try_copy("nodes", &first)?;
        let mut links = try_filled("branch ends", first[nodes], Link { to: 0, branch: 0, length: 0.0 })?;
        for &(from, to, length, branch) in branches {
            for (here, there) in [(from, to), (to, from)] {
                links[next[here as usize]] = Link { to: there, branch, length };
                next[here as usize] += 1;
            }
        }
        Ok(Self { first, links })
    }

    /// The number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len() - 1
    }

    /// Whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The branches that end at `node`.
    ///
    /// # Panics
    /// If there is no such node.
    #[must_use]
    pub fn links(&self, node: u32) -> &[Link] {
        &self.links[self.first[node as usize]..self.first[node as usize + 1]]
    }
}

/// A node waiting to be settled; the heap's greatest is the nearest, of equal ones the smallest.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Waiting {
    distance: f64,
    node: u32,
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.distance.total_cmp(&self.distance).then(other.node.cmp(&self.node))
    }
}

/// Dijkstra's algorithm; its buffers serve run after run, and a run costs nothing for nodes it does not reach.
#[derive(Debug)]
pub struct Dijkstra {
    distance: Vec<f64>,
    /// The last link of the shortest path to each node that was reached, as seen from the node before.
    arrival: Vec<Option<(u32, Link)>>,
    reached: Vec<u32>,
    heap: BinaryHeap<Waiting>,
}

impl Dijkstra {
    /// Buffers for graphs of up to `nodes` nodes.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn new(nodes: usize) -> Result<Self> {
        Ok(Self {
            distance: try_filled("distances", nodes, f64::INFINITY)?,
            arrival: try_filled("arrivals", nodes, None)?,
            reached: Vec::new(),
            heap: BinaryHeap::new(),
        })
    }

    /// Finds the distance of every node from `source`. Cost: O(branches · log nodes) of the part that is connected to it.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn run(&mut self, network: &Network, source: u32) -> Result<()> {
        const WAITING: &str = "nodes waiting for their distance";
        for node in self.reached.drain(..) {
            self.distance[node as usize] = f64::INFINITY;
            self.arrival[node as usize] = None;
        }
        self.distance[source as usize] = 0.0;
        self.reached.try_push(WAITING, source)?;
        try_push_to_heap(WAITING, &mut self.heap, Waiting { distance: 0.0, node: source })?;
        while let Some(Waiting { distance, node }) = self.heap.pop() {
            if distance > self.distance[node as usize] {
                continue;
            }
            for &link in network.links(node) {
                let through = distance + link.length;
                let known = &mut self.distance[link.to as usize];
                if through < *known {
                    if known.is_infinite() {
                        self.reached.try_push(WAITING, link.to)?;
                    }
                    *known = through;
                    self.arrival[link.to as usize] = Some((node, link));
                    let next = Waiting { distance: through, node: link.to };
                    try_push_to_heap(WAITING, &mut self.heap, next)?;
                }
            }
        }
        Ok(())
    }

    /// The distance of each node from the source; infinite where there is no path.
    #[must_use]
    pub fn distances(&self) -> &[f64] {
        &self.distance
    }

    /// The nodes that the source is connected to, itself first.
    #[must_use]
    pub fn reached(&self) -> &[u32] {
        &self.reached
    }

    /// The node before `node` on the shortest path from the source, and the link between them; None for the source and where there
    /// is no path.
    #[must_use]
    pub fn arrival(&self, node: u32) -> Option<(u32, Link)> {
        self.arrival[node as usize]
    }

    /// Calls `visit` with each branch of the shortest path from the source, from `target` backwards.
    pub fn walk_back(&self, target: u32, mut visit: impl FnMut(u32)) {
        let mut node = target;
        while let Some((before, link)) = self.arrival[node as usize] {
            visit(link.branch);
            node = before;
        }
    }
}
