//! Branches: the paths between endpoints and junctions, and the cycles that have neither.
//!
//! Nodes of degree 1 or more than 2 are taken in ascending order; from each, in the order of its row, every branch that was not yet
//! walked from its other end. Then follow the cycles, each from its smallest node towards the first of its row, with the start
//! repeated at the end. A walk adds up its edges from the source on and notes its smallest node.
//!
//! The two end entries identify a walk, so only the last one is marked, not every step. Threads share the nodes in ranges: a walk
//! that ends in an earlier range belongs to that range and is dropped; one that ends in a later range is dropped there. So no
//! thread waits for another, and the branches and their order are those of one thread.
//!
//! Cost: linear in nodes and entries; one bit for each, and the result, twice while the threads' branches are joined. The graph
//! may come from a user and may not be symmetric, so each step checks that the entry back exists.
//!
//! Each step waits for the memory of the previous one, which is far away where paths lead across planes. So a thread walks eight
//! paths in turns, and their waits overlap. A step takes 18 ns in a small skeleton and 30 ns in one of 4.6 million voxels, a third
//! of the cost of the graph and its branches.

use rayon::prelude::*;

use crate::graph::csr::{Index, WeightedRows};
use crate::support::allocate::{Grow, try_zeros};
use crate::support::errors::{Error, Result};
use crate::support::huge_pages::advise_huge_pages;
use crate::support::threads::Monitor;

/// What the result's buffers are for.
const BRANCHES: &str = "the branches";

/// Paths as rows of nodes, both ends included.
#[derive(Debug, Clone, PartialEq)]
pub struct Branches<I> {
    /// Where each path starts in `indices`, and the end of the last one.
    pub indptr: Vec<I>,
    /// The nodes, path by path.
    pub indices: Vec<I>,
    /// The length of each path, its edges added from the source on.
    pub lengths: Vec<f64>,
    /// The smallest node of each path.
    pub smallest: Vec<I>,
}

/// One bit for each of a number of things.
pub(crate) struct Marks(Vec<u64>);

impl Marks {
    pub(crate) fn new(count: usize) -> Result<Self> {
        Ok(Self(try_zeros("the marks of branches", count.div_ceil(64))?))
    }

    #[inline]
    pub(crate) fn set(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> bool {
        self.0[at / 64] >> (at % 64) & 1 == 1
    }

    pub(crate) fn words(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

/// Walks at a time in a graph whose entries differ: as many as have their next nodes on the way from memory.
const LANES: usize = 8;

/// Paths in the order in which they were begun; those that were given up have no nodes.
#[derive(Default)]
struct Walks<I> {
    /// The nodes of paths, in the order in which they ended.
    nodes: Vec<I>,
    /// Where in `nodes` a path starts, and how many it has.
    spans: Vec<(usize, usize)>,
    lengths: Vec<f64>,
    smallest: Vec<I>,
}

/// A walk that has not ended.
struct Lane<I> {
    /// The position among all walks, and the entry of the first step.
    order: usize,
    first: usize,
    /// The last node, and the one that comes next.
    from: usize,
    node: usize,
    length: f64,
    smallest: usize,
    nodes: Vec<I>,
}

/// The walks from a range of nodes.
struct Walker<'a, G: WeightedRows> {
    graph: &'a G,
    /// The entries of the range, and which of them were walked from the other end.
    entries: std::ops::Range<usize>,
    walked: Marks,
    walks: Walks<G::Index>,
}

/// The branches of a symmetric graph.
///
/// # Errors
/// [`Error::InvalidArgument`] naming `adj` if the graph is not symmetric or a node of degree 2 is its own neighbour, or if its
/// paths have more nodes than its index can number;
/// [`Error::OutOfMemory`]; [`Error::Interrupted`] through `monitor`.
pub fn trace_branches<G: WeightedRows>(graph: &G, monitor: &Monitor) -> Result<Branches<G::Index>> {
    trace::<G, 1>(graph, graph.nodes().max(1), monitor)
}

/// The same for a graph that has no entry twice, each task walking from `task` nodes.
///
/// # Errors
/// As [`trace_branches`].
///
/// # Panics
/// If `task` is 0.
pub fn trace_branches_in_tasks<G: WeightedRows>(
    graph: &G,
    task: usize,
    monitor: &Monitor,
) -> Result<Branches<G::Index>> {
    trace::<G, LANES>(graph, task, monitor)
}

fn trace<G: WeightedRows, const LANES: usize>(graph: &G, task: usize, monitor: &Monitor) -> Result<Branches<G::Index>> {
    let nodes = graph.nodes();
    let mut parts: Vec<Walks<G::Index>> = (0..nodes.div_ceil(task))
        .into_par_iter()
        .map(|number| walks_from::<G, LANES>(graph, number * task..((number + 1) * task).min(nodes), monitor))
        .collect::<Result<_>>()?;
    let mut passed = Marks::new(nodes)?;
    for part in &parts {
        monitor.check()?;
        for &(start, count) in part.spans.iter().filter(|(_, count)| *count > 0) {
            pass(&part.nodes[start..start + count], &mut passed);
        }
    }
    let mut cycles = Walker::new(graph, 0..0)?;
    for node in 0..nodes {
        if !passed.get(node) {
            let row = graph.row(node);
            if row.len() == 2 {
                let first = cycles.walks.nodes.len();
                let mut start = Some((node, row.start));
                cycles.walk::<1>(|_| Ok(start.take()))?;
                passed.set(node);
                pass(&cycles.walks.nodes[first..], &mut passed);
            }
        }
    }
    parts.push(cycles.walks);
    join(&parts)
}

/// Marks the nodes between the ends of a path.
fn pass<I: Index>(path: &[I], passed: &mut Marks) {
    for node in &path[1..path.len() - 1] {
        passed.set(node.get());
    }
}

/// The walks from the nodes of a range, but for those that lead to an earlier range.
fn walks_from<G: WeightedRows, const LANES: usize>(
    graph: &G,
    nodes: std::ops::Range<usize>,
    monitor: &Monitor,
) -> Result<Walks<G::Index>> {
    const NODES_BETWEEN_CHECKS: usize = 1 << 16;
    let mut walker = Walker::new(graph, graph.row(nodes.start).start..graph.row(nodes.end - 1).end)?;
    let (mut node, mut row) = (nodes.start, graph.row(nodes.start));
    if row.len() == 2 {
        row.start = row.end;
    }
    walker.walk::<LANES>(|walked| {
        loop {
            if let Some(entry) = row.find(|&entry| !walked(entry)) {
                return Ok(Some((node, entry)));
            }
            node += 1;
            if node >= nodes.end {
                return Ok(None);
            }
            if node.is_multiple_of(NODES_BETWEEN_CHECKS) {
                monitor.check()?;
            }
            row = graph.row(node);
            if row.len() == 2 {
                row.start = row.end;
            }
        }
    })?;
    Ok(walker.walks)
}

impl<'a, G: WeightedRows> Walker<'a, G> {
    fn new(graph: &'a G, entries: std::ops::Range<usize>) -> Result<Self> {
        let walked = Marks::new(entries.len())?;
        let walks = Walks { nodes: Vec::new(), spans: Vec::new(), lengths: Vec::new(), smallest: Vec::new() };
        Ok(Self { graph, entries, walked, walks })
    }

    /// Walks from all the starts, a node and an entry of its row, that `next` returns, `LANES` of them at a time; `next` can ask
    /// whether an entry was walked.
    fn walk<const LANES: usize>(
        &mut self,
        mut next: impl FnMut(&dyn Fn(usize) -> bool) -> Result<Option<(usize, usize)>>,
    ) -> Result<()> {
        let mut lanes: Vec<Lane<G::Index>> = Vec::with_capacity(LANES);
        let mut more = true;
        loop {
            while more && lanes.len() < LANES {
                let first = self.entries.start;
                match next(&|entry| self.walked.get(entry - first))? {
                    Some((start, entry)) => lanes.push(self.begin(start, entry, Vec::new())?),
                    None => more = false,
                }
            }
            if lanes.is_empty() {
                return Ok(());
            }
            let mut at = 0;
            while at < lanes.len() {
                let lane = &mut lanes[at];
                let Some(back) = self.step(lane)? else {
                    at += 1;
                    continue;
                };
                let mut nodes = self.end::<LANES>(lane, back)?;
                nodes.clear();
                let first = self.entries.start;
                let start = if more { next(&|entry| self.walked.get(entry - first))? } else { None };
                if let Some((start, entry)) = start {
                    lanes[at] = self.begin(start, entry, nodes)?;
                    at += 1;
                } else {
                    more = false;
                    lanes.swap_remove(at);
                }
            }
        }
    }

    fn begin(&mut self, start: usize, entry: usize, mut nodes: Vec<G::Index>) -> Result<Lane<G::Index>> {
        let order = self.walks.spans.len();
        self.walks.spans.try_push(BRANCHES, (0, 0))?;
        self.walks.lengths.try_push(BRANCHES, 0.0)?;
        self.walks.smallest.try_push(BRANCHES, G::Index::new(start))?;
        nodes.try_push(BRANCHES, G::Index::new(start))?;
        let (node, length) = (self.graph.target(entry), 0.0 + self.graph.weight(start, entry));
        Ok(Lane { order, first: entry, from: start, node, length, smallest: start, nodes })
    }

    /// Goes to the next node; returns the entry back if the walk ends there, since it is the start or its degree is not 2.
    #[inline]
    fn step(&self, lane: &mut Lane<G::Index>) -> Result<Option<usize>> {
        let (graph, node, from) = (self.graph, lane.node, lane.from);
        lane.smallest = lane.smallest.min(node);
        lane.nodes.try_push(BRANCHES, G::Index::new(node))?;
        let row = graph.row(node);
        if row.len() != 2 || node == lane.nodes[0].get() {
            return Ok(Some(graph.entry(node, from).ok_or_else(|| not_symmetric(from, node))?));
        }
        let (one, other) = (graph.target(row.start), graph.target(row.start + 1));
        // A walk that is longer than the graph goes round in circles.
        if node == from || (one != from && other != from) || lane.nodes.len() > graph.nodes() {
            return Err(not_symmetric(from, node));
        }
        // Which of the two it is cannot be predicted, so there is no branch.
        let is_one = usize::from(one == from);
        lane.length += graph.weight(node, row.start + is_one);
        lane.from = node;
        lane.node = [one, other][is_one];
        Ok(None)
    }

    /// Keeps a walk that has ended, unless it was or will be walked from its other end; returns its buffer.
    fn end<const LANES: usize>(&mut self, lane: &mut Lane<G::Index>, back: usize) -> Result<Vec<G::Index>> {
        let nodes = std::mem::take(&mut lane.nodes);
        // With several walks at a time, that from the other end may not have ended.
        if back < self.entries.start || (LANES > 1 && back < lane.first) {
            return Ok(nodes);
        }
        if back < self.entries.end {
            self.walked.set(back - self.entries.start);
        }
        self.walks.spans[lane.order] = (self.walks.nodes.len(), nodes.len());
        self.walks.lengths[lane.order] = lane.length;
        self.walks.smallest[lane.order] = G::Index::new(lane.smallest);
        self.walks.nodes.try_extend_from_slice(BRANCHES, &nodes)?;
        Ok(nodes)
    }
}

/// The paths in their order, one list after the other.
fn join<I: Index>(parts: &[Walks<I>]) -> Result<Branches<I>> {
    let counts: Vec<[usize; 2]> = parts
        .iter()
        .map(|part| [part.spans.iter().filter(|(_, count)| *count > 0).count(), part.nodes.len()])
        .collect();
    let [paths, nodes] = [0, 1].map(|column| counts.iter().map(|count| count[column]).sum::<usize>());
    if nodes > I::LARGEST {
        let reason = format!("expected indices of a type that can number the {nodes} nodes of all paths");
        return Err(Error::InvalidArgument { name: "adj", reason });
    }
    let mut joined = Branches {
        indptr: try_zeros(BRANCHES, paths + 1)?,
        indices: try_zeros(BRANCHES, nodes)?,
        lengths: try_zeros(BRANCHES, paths)?,
        smallest: try_zeros(BRANCHES, paths)?,
    };
    advise_huge_pages(&mut joined.indices);
    let mut copies = Vec::with_capacity(parts.len());
    let (mut indptr, mut indices) = (&mut joined.indptr[1..], joined.indices.as_mut_slice());
    let (mut lengths, mut smallest) = (joined.lengths.as_mut_slice(), joined.smallest.as_mut_slice());
    let mut start = 0;
    for (part, [paths, nodes]) in parts.iter().zip(counts) {
        let (own_indptr, own_indices, own_lengths, own_smallest);
        (own_indptr, indptr) = indptr.split_at_mut(paths);
        (own_indices, indices) = indices.split_at_mut(nodes);
        (own_lengths, lengths) = lengths.split_at_mut(paths);
        (own_smallest, smallest) = smallest.split_at_mut(paths);
        copies.push((part, start, own_indptr, own_indices, own_lengths, own_smallest));
        start += nodes;
    }
    copies.into_par_iter().for_each(|(part, start, indptr, indices, lengths, smallest)| {
        let (mut path, mut at) = (0, 0);
        for (order, &(from, count)) in part.spans.iter().enumerate() {
            if count > 0 {
                indices[at..at + count].copy_from_slice(&part.nodes[from..from + count]);
                at += count;
                indptr[path] = I::new(start + at);
                lengths[path] = part.lengths[order];
                smallest[path] = part.smallest[order];
                path += 1;
            }
        }
    });
    Ok(joined)
}

fn not_symmetric(from: usize, node: usize) -> Error {
    let reason = if from == node {
        format!("expected no edge from a node to itself, got one at node {node} of degree 2")
    } else {
        format!("expected a symmetric matrix, got an edge from {from} to {node} and none back")
    };
    Error::InvalidArgument { name: "adj", reason }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::branches::lengths::path_lengths;
    use crate::graph::csr::{Csr, CsrView};
    use crate::graph::junctions::prune_junctions;
    use crate::graph::pixel_graph::{Neighbourhood, pixel_graph};
    use crate::support::random::Random;

    /// Remembers every edge that was walked.
    fn naive(graph: CsrView<'_, i32>) -> Vec<Vec<usize>> {
        let neighbours = |node: usize| graph.row(node).map(move |entry| graph.target(entry)).collect::<Vec<_>>();
        let mut walked = HashSet::new();
        let mut paths = Vec::new();
        for cycles in [false, true] {
            for start in 0..graph.nodes() {
                let begins = if cycles { graph.degree(start) > 0 } else { ![0, 2].contains(&graph.degree(start)) };
                for neighbour in neighbours(start).into_iter().filter(|_| begins) {
                    let (mut from, mut node) = (start, neighbour);
                    let mut path = vec![start];
                    while walked.insert((from, node)) {
                        walked.insert((node, from));
                        path.push(node);
                        if graph.degree(node) != 2 || node == start {
                            break;
                        }
                        let next = neighbours(node).into_iter().find(|&next| next != from).unwrap();
                        (from, node) = (node, next);
                    }
                    if path.len() > 1 {
                        paths.push(path);
                    }
                }
            }
        }
        paths
    }

    #[test]
    fn equals_walking_edge_by_edge() {
        for (shape, spacing) in [(&[150][..], &[1.0][..]), (&[12, 13], &[1.0; 2]), (&[5, 6, 7], &[1.0; 3])] {
            for seed in 0..100_u64 {
                let nodes = Random(seed).voxels(shape.iter().product(), 1 + seed as usize % 8, 12);
                let neighbourhood = Neighbourhood::new(shape, spacing, shape.len());
                let mut graph: Csr<i32> = pixel_graph(&nodes, &neighbourhood, None, &Monitor::new()).unwrap();
                prune_junctions(&mut graph, &Monitor::new()).unwrap();
                let expected = naive(graph.view());
                let whole = trace_branches(&graph.view(), &Monitor::new()).unwrap();
                for task in [usize::MAX, 1 + seed as usize % 40, 1] {
                    let branches = trace_branches_in_tasks(&graph.view(), task, &Monitor::new()).unwrap();
                    assert_eq!(branches, whole);
                    let bounds = branches.indptr.windows(2).map(|ends| ends[0].get()..ends[1].get());
                    let paths: Vec<Vec<usize>> =
                        bounds.map(|path| branches.indices[path].iter().map(|node| node.get()).collect()).collect();
                    assert_eq!(paths, expected);
                    let smallest: Vec<usize> = branches.smallest.iter().map(|node| node.get()).collect();
                    assert_eq!(smallest, expected.iter().map(|path| *path.iter().min().unwrap()).collect::<Vec<_>>());
                    let lengths =
                        path_lengths(graph.view(), &branches.indptr, &branches.indices, &Monitor::new()).unwrap();
                    assert_eq!(branches.lengths, lengths);
                }
            }
        }
    }

    #[test]
    fn refuses_a_graph_that_is_not_symmetric() {
        let triangle: (&[i32], &[i32]) = (&[0, 2, 4, 6], &[1, 2, 0, 2, 0, 1]);
        let cases: [(&[i32], &[i32], bool); 6] = [
            (triangle.0, triangle.1, true),
            (&[0, 2, 3, 4], &[1, 2, 0, 0], true),
            (&[0, 1, 1], &[1], false),
            (&[0, 1, 3, 4], &[1, 0, 1, 0], false),
            (&[0, 1, 3, 5], &[1, 2, 2, 1, 1], false),
            (&[0, 1], &[0], true),
        ];
        for (indptr, indices, fine) in cases {
            let weights = vec![1.0; indices.len()];
            let graph = CsrView::new("adj", indptr, indices, &weights).unwrap();
            assert_eq!(trace_branches(&graph, &Monitor::new()).is_ok(), fine, "{indptr:?} {indices:?}");
        }
    }
}
