//! The minimum spanning forest of junction clusters, and which of its edges are final.
//!
//! Kruskal's algorithm by (weight, row, column). The forest of a union is contained in the union of its parts' forests, so an
//! edge that one part drops is dropped for good. An edge that a part keeps may be dropped later: it may be the maximum of a
//! cycle that closes outside the part. Such a cycle enters and leaves through terminals, voxels that still miss neighbours or
//! are an end of a waiting edge. So an edge is final if it is on no path between two terminals, or if it is not the maximum of
//! its chain between terminals or forks, because a cycle contains whole chains. Final edges are contracted, and one edge per
//! chain waits. The number of waiting edges is bounded by the terminals, however large the cluster is.
//!
//! Cost: a stable sort of the edges, which takes linear time for few distinct weights; the rest is linear.

use super::geometry::Geometry;
use super::live::{Edge, Live};
use super::rules::{Rule, holds};
use crate::graph::junctions::DisjointSets;
use crate::support::allocate::{Grow, try_collect, try_filled, try_sort_by};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// What the buffers are for.
const FOREST: &str = "the edges of junction clusters";

/// What became of the edges of a forest; those that are in neither were dropped.
#[derive(Default)]
pub(super) struct Forest {
    /// Never to be dropped.
    pub(super) lasting: Vec<Edge>,
    /// Maxima of chains between terminals.
    pub(super) waiting: Vec<Edge>,
}

/// Prunes the edges between junctions and contracts the final ones in `live.cluster`.
///
/// `is_terminal` tells of the first voxel of each cluster whether the cluster has a terminal.
pub(super) fn prune(
    mut edges: Vec<Edge>,
    live: &mut Live,
    is_terminal: &[bool],
    geometry: &Geometry,
    monitor: &Monitor,
) -> Result<Forest> {
    if edges.is_empty() {
        return Ok(Forest::default());
    }
    try_sort_by(FOREST, &mut edges, |one, other| one.ends.cmp(&other.ends))?;
    if !holds(Rule::TiesInOrder) {
        edges.reverse();
    }
    let weigh = |edge: Edge| (geometry.length(edge.direction, || live.values(&edge)), edge);
    let mut weighted: Vec<(f64, Edge)> = try_collect(FOREST, edges.into_iter().map(weigh))?;
    try_sort_by(FOREST, &mut weighted, |(one, _), (other, _)| one.total_cmp(other))?;
    monitor.check()?;

    let mut sets = clusters(live)?;
    let forest = weighted.into_iter().filter(|(_, edge)| sets.join(edge.ends[0] as usize, edge.ends[1] as usize));
    let forest: Vec<Edge> = try_collect(FOREST, forest.map(|(_, edge)| edge))?;
    monitor.check()?;

    let mut may_be_dropped = chain_maxima(&forest, &live.cluster, is_terminal)?;
    if !holds(Rule::TerminalsWait) {
        may_be_dropped.fill(false);
    }
    let mut result = Forest::default();
    let mut sets = clusters(live)?;
    for (edge, waits) in forest.into_iter().zip(may_be_dropped) {
        if waits {
            result.waiting.try_push(FOREST, edge)?;
        } else {
            if holds(Rule::ClustersStay) {
                sets.join(edge.ends[0] as usize, edge.ends[1] as usize);
            }
            result.lasting.try_push(FOREST, edge)?;
        }
    }
    for voxel in 0..live.len() {
        live.cluster[voxel] = sets.find(voxel) as u32;
    }
    Ok(result)
}

/// The clusters of final edges as sets.
fn clusters(live: &Live) -> Result<DisjointSets<i64>> {
    let mut sets = DisjointSets::new(live.len())?;
    for (voxel, &first) in live.cluster.iter().enumerate().filter(|&(voxel, &first)| first as usize != voxel) {
        sets.join(voxel, first as usize);
    }
    Ok(sets)
}

/// For each edge of a forest, in ascending order, whether it is the maximum of its chain between terminals or forks.
fn chain_maxima(forest: &[Edge], cluster: &[u32], is_terminal: &[bool]) -> Result<Vec<bool>> {
    let nodes = |edge: &Edge| edge.ends.map(|end| cluster[end as usize] as usize);
    // A node of two edges is passed by taking the one that it was not reached by out of both, combined by exclusive or.
    let mut degree = try_filled(FOREST, cluster.len(), 0_u32)?;
    let mut combined = try_filled(FOREST, cluster.len(), 0_usize)?;
    for (number, edge) in forest.iter().enumerate() {
        for node in nodes(edge) {
            degree[node] += 1;
            combined[node] ^= number;
        }
    }
    let other_end = |number: usize, node: usize| {
        let [one, other] = nodes(&forest[number]);
        if one == node { other } else { one }
    };
    // Leaves that are no terminal, again and again.
    let mut settled = try_filled(FOREST, forest.len(), false)?;
    for edge in forest {
        for mut leaf in nodes(edge) {
            while degree[leaf] == 1 && !is_terminal[leaf] {
                let edge = combined[leaf];
                settled[edge] = true;
                let next = other_end(edge, leaf);
                for node in [leaf, next] {
                    degree[node] -= 1;
                    combined[node] ^= edge;
                }
                leaf = next;
            }
        }
    }
    let mut is_maximum = try_filled(FOREST, forest.len(), false)?;
    for number in 0..forest.len() {
        if settled[number] {
            continue;
        }
        settled[number] = true;
        let (mut largest, mut smallest) = (number, number);
        for mut node in nodes(&forest[number]) {
            let mut edge = number;
            while degree[node] == 2 && !is_terminal[node] {
                edge ^= combined[node];
                settled[edge] = true;
                largest = largest.max(edge);
                smallest = smallest.min(edge);
                node = other_end(edge, node);
            }
        }
        is_maximum[if holds(Rule::MaximumWaits) { largest } else { smallest }] = true;
    }
    Ok(is_maximum)
}
