//! Merges any number of chunk graphs, at any positions.
//!
//! Each rank increases by the foreground that the other parts have before it. Live voxels find the neighbours that they missed
//! in other parts, and [`settle`] finishes what has become final. Merging many parts at once shifts every rank only once.
//!
//! Cost: linear in rows, steps of open chains and intervals; a binary search for each rank and for each missing neighbour.

use super::from_block::check_heights;
use super::geometry::Geometry;
use super::graph::ChunkGraph;
use super::intervals::{INTERVALS, Intervals, NoUnion, Shifts, Union};
use super::live::{Chains, Edge, End, LIVE, Live, check_count};
use super::rows::Terminal;
use super::rules::{Rule, holds};
use super::settle::{EDGES, Parts, settle};
use crate::support::allocate::{Grow, try_collect, try_copy, try_filled, try_sort_by, try_with_capacity};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

impl ChunkGraph {
    /// Merges chunk graphs, in any order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is none, if they are not of one image, if two overlap, or if heights are too far
    /// apart; [`Error::OutOfMemory`]; [`Error::Interrupted`] through `monitor`.
    pub fn merge(graphs: &[&Self], monitor: &Monitor) -> Result<Self> {
        Ok(Self::merge_with_shifts(graphs, monitor)?.0)
    }

    /// Merges chunk graphs; also returns the increase of ranks of each, for rows that were split off ([`Self::split_finished`]).
    ///
    /// # Errors
    /// Those of [`Self::merge`].
    pub fn merge_with_shifts(graphs: &[&Self], monitor: &Monitor) -> Result<(Self, Vec<Shifts>)> {
        let wrong = |reason: &str| Err(Error::InvalidArgument { name: "chunk_graphs", reason: reason.to_owned() });
        let Some((first, others)) = graphs.split_first() else { return wrong("expected at least one, got none") };
        if others.is_empty() {
            return Ok((first.with_parts(first.parts.try_clone()?)?, vec![Shifts::default()]));
        }
        let geometry = first.geometry.clone();
        if others.iter().any(|other| other.geometry != geometry) {
            return wrong("expected parts of one image, got different shapes, spacings or kinds of values");
        }
        let intervals = try_collect(INTERVALS, graphs.iter().map(|graph| &graph.covered))?;
        let union = Union::new(&intervals, geometry.voxels()).map_err(|reason| match reason {
            NoUnion::Overlap(at) => at.error(|part| graphs[part].describe(), &geometry.coordinates(at.voxel)),
            NoUnion::Damaged(error) => error,
        })?;
        monitor.check()?;

        let mut parts = Parts::default();
        let numbers;
        (parts.live, numbers) = join_live(graphs, &union)?;
        for (part, (graph, numbers)) in graphs.iter().zip(&numbers).enumerate() {
            let gain = |index| if holds(Rule::RanksGain) { union.gain(part, index) } else { 0 };
            let renumber = |edge: &Edge| Edge { ends: edge.ends.map(|end| numbers[end as usize]), ..*edge };
            parts.waiting.try_extend(EDGES, graph.parts.waiting.iter().map(renumber))?;
            extend_chains(&mut parts.chains, &graph.parts.chains, numbers, gain)?;
            parts.rows.extend(&graph.parts.rows, gain)?;
            parts.isolated.try_extend_from_slice(LIVE, &graph.parts.isolated)?;
            monitor.check()?;
        }
        let found = find_neighbours(&mut parts.live, &union, &geometry)?;
        check_heights(&parts.live, &found, &geometry, "chunk_graphs")?;
        parts.waiting.try_extend(EDGES, found)?;
        monitor.check()?;

        let parts = settle(parts, &geometry, monitor)?;
        let corner = |of: fn(&Self) -> &[usize], pick: fn(usize, usize) -> usize| {
            let filled = graphs.iter().filter(|graph| !graph.is_empty());
            let corners = filled.map(|graph| of(graph).to_vec());
            let join =
                |one: Vec<usize>, other: Vec<usize>| one.into_iter().zip(other).map(|(a, b)| pick(a, b)).collect();
            corners.reduce(join).unwrap_or_else(|| of(first).to_vec())
        };
        let (start, end) = (corner(|graph| &graph.start, usize::min), corner(|graph| &graph.end, usize::max));
        Ok((Self { geometry, start, end, covered: union.whole, parts }, union.parts))
    }

    /// The same part of the image with other contents.
    pub(super) fn with_parts(&self, parts: Parts) -> Result<Self> {
        Ok(Self {
            geometry: self.geometry.clone(),
            start: self.start.clone(),
            end: self.end.clone(),
            covered: Intervals { packed: try_copy(LIVE, &self.covered.packed)?, count: self.covered.count },
            parts,
        })
    }
}

/// Sorts the live voxels of all parts; returns them, and for each part the new number of each voxel.
fn join_live(graphs: &[&ChunkGraph], union: &Union) -> Result<(Live, Vec<Vec<u32>>)> {
    let mut numbers: Vec<Vec<u32>> =
        graphs.iter().map(|graph| try_filled(LIVE, graph.parts.live.len(), 0)).collect::<Result<_>>()?;
    let count = numbers.iter().map(Vec::len).sum();
    check_count("chunk_graphs", count)?;
    let has_values = graphs.iter().any(|graph| graph.geometry.has_values());
    let mut live = Live::with_capacity(count, has_values)?;
    let mut order: Vec<(u64, u32, u32)> = try_with_capacity(LIVE, count)?;
    for (part, graph) in graphs.iter().enumerate() {
        let indices = graph.parts.live.index.iter().enumerate();
        order.extend(indices.map(|(voxel, &index)| (index, part as u32, voxel as u32)));
    }
    // Stable, because that sort finds the runs which are sorted already.
    try_sort_by(LIVE, &mut order, |(one, ..), (other, ..)| one.cmp(other))?;
    for (number, &(index, part, voxel)) in order.iter().enumerate() {
        let (part, voxel) = (part as usize, voxel as usize);
        numbers[part][voxel] = number as u32;
        let from = &graphs[part].parts.live;
        live.index.push(index);
        live.rank.push(from.rank[voxel] + if holds(Rule::RanksGain) { union.gain(part, index) } else { 0 });
        live.missing.push(from.missing[voxel]);
        live.degree.push(from.degree[voxel]);
        // The first voxel of a cluster comes first here too.
        live.cluster.push(numbers[part][from.cluster[voxel] as usize]);
        live.value.extend(from.value.get(voxel));
    }
    Ok((live, numbers))
}

fn extend_chains(chains: &mut Chains, other: &Chains, numbers: &[u32], gain: impl Fn(u64) -> u64) -> Result<()> {
    for chain in 0..other.len() {
        let ends = other.ends[chain].map(|end| match end {
            End::Open(voxel) => End::Open(numbers[voxel as usize]),
            End::Done(end) => End::Done(Terminal { rank: end.rank + gain(end.index), ..end }),
        });
        let (index, rank) = other.smallest[chain];
        let smallest = if index == u64::MAX { Chains::NO_INTERIOR } else { (index, rank + gain(index)) };
        chains.push(ends, smallest, other.directions(chain), other.values(chain))?;
    }
    Ok(())
}

/// Searches the missing neighbours of live voxels: each is another live voxel, covered background, or still missing.
fn find_neighbours(live: &mut Live, union: &Union, geometry: &Geometry) -> Result<Vec<Edge>> {
    let mut edges = Vec::new();
    for voxel in 0..live.len() {
        let mut left = live.missing[voxel];
        while left != 0 {
            let direction = left.trailing_zeros() as u8;
            left &= left - 1;
            let index = geometry.neighbour(live.index[voxel], direction);
            let found = live.index.binary_search(&index);
            if found.is_err() && (!holds(Rule::CoveredIsBackground) || !union.covers(index)) {
                continue;
            }
            live.missing[voxel] &= !(1 << direction);
            let of_same_label =
                |neighbour: &usize| geometry.are_neighbours([live.value(voxel), live.value(*neighbour)]);
            if let Some(neighbour) = found.ok().filter(of_same_label) {
                live.degree[voxel] += 1;
                if neighbour > voxel {
                    edges.try_push(EDGES, Edge { ends: [voxel as u32, neighbour as u32], direction })?;
                }
            }
        }
    }
    Ok(edges)
}
