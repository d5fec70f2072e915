//! The graph of the voxels of an image with one to three axes: compressed rows, and which neighbours they are.
//!
//! A voxel's neighbours are a mask of 27 bits (see [`crate::image::neighbourhood`]); its row has one node for each bit.
//! Distances depend on the bit alone, so they need not be stored, and 16 bytes a voxel of a skeleton are all. Junction clusters
//! are pruned on the masks, before rows are written: an edge is dropped by clearing a bit at both its ends.
//!
//! Distances are those of numpy: the squares of offset times spacing, summed from the first axis to the last, then the root,
//! each operation rounded by itself.
//!
//! Cost: linear. Neighbours are found once ([`window`](crate::graph::pixel_graph)), rows are copied into place once, both on
//! all threads; the spanning forest of the junctions takes one. While it lasts: masks and rows twice, 9 bytes for each edge
//! between junctions, an index a voxel.
//!
//! Where the time goes, from the list of the 4.6 million voxels of a skeleton in 1000³ to its branches: 95 ns a voxel with one
//! thread, 60 with two. A third finds the neighbours, a third walks along the paths ([`crate::branches::trace`]), a tenth is memory
//! that is touched for the first time; the rest prunes junctions, writes rows and numbers components, part of it on one thread.
//! What must be read and written, 8 bytes a voxel of the list and 28 of the result, would take 1 ns at the 33 GB/s that a thread
//! reads: the time goes into finding what comes next, which depends on the data, not into moving it.

use std::ops::Range;

use rayon::prelude::*;

use crate::graph::csr::{Index, WeightedRows};
use crate::graph::heights::Heights;
use crate::graph::junctions::{DisjointSets, JUNCTION};
use crate::graph::window::{Layout, MOST_NEIGHBOURS, Window};
use crate::image::neighbourhood::{CENTRE, NEIGHBOURS_6, NEIGHBOURS_18, NEIGHBOURS_26};
use crate::support::allocate::{Grow, make_room, try_sort_by, try_with_capacity, try_zeros};
use crate::support::errors::{Error, Result};
use crate::support::huge_pages::advise_huge_pages;
use crate::support::threads::Monitor;

/// What the buffers are for.
const GRAPH: &str = "the pixel graph";

/// Voxels whose neighbours a task finds, at most.
const LONGEST_TASK: usize = 1 << 16;

/// How many of so many voxels a task takes: some for each thread, but not so few that starting them is the work.
pub(crate) fn task_length(voxels: usize) -> usize {
    const SHORTEST: usize = if cfg!(test) { 50 } else { 1 << 12 };
    match rayon::current_num_threads() {
        1 => LONGEST_TASK,
        threads => voxels.div_ceil(4 * threads).clamp(SHORTEST, LONGEST_TASK),
    }
}

/// The neighbours that each voxel of a closed surface has in the surface, at least.
const CROWDED: u32 = 4;

/// The bits of a mask.
pub(crate) const BITS: usize = 27;

/// An image whose voxels' neighbours are found in a [`Window`].
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    layout: Layout,
    wanted: u32,
    distances: [f64; BITS],
}

impl Grid {
    /// An image of this shape, neighbours within `connectivity` orthogonal steps; none if it has more than three axes or planes
    /// too large for a window.
    ///
    /// # Panics
    /// If `spacing` has another length than `shape`.
    #[must_use]
    pub fn new(shape: &[usize], spacing: &[f64], connectivity: usize) -> Option<Self> {
        assert_eq!(shape.len(), spacing.len(), "each axis has its spacing");
        let layout = Layout::new(shape)?;
        let [z, y, x] = match *spacing {
            [x] => [1.0, 1.0, x],
            [z, x] => [z, 1.0, x],
            [z, y, x] => [z, y, x],
            _ => return None,
        };
        let distances = std::array::from_fn(|bit| {
            let steps = [(bit / 9, z), (bit / 3 % 3, y), (bit % 3, x)];
            let squares = steps.map(|(step, spacing)| {
                let length = (step as f64 - 1.0) * spacing;
                length * length
            });
            squares.iter().fold(0.0, |sum, square| sum + square).sqrt()
        });
        let wanted = [0, NEIGHBOURS_6, NEIGHBOURS_18, NEIGHBOURS_26][connectivity.min(3)];
        Some(Self { layout, wanted, distances })
    }

    /// A window for it.
    pub(crate) fn window(&self) -> Result<Window> {
        Window::new(self.layout)
    }
}

/// A graph of voxels.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjacency<I> {
    /// Where each row starts in `indices`, and the end of the last one.
    pub indptr: Vec<I>,
    /// The neighbours of each node, ascending.
    pub indices: Vec<I>,
    /// Which neighbours they are.
    pub masks: Vec<u32>,
    /// How many nodes had [`CROWDED`] neighbours or more before any edge was pruned.
    pub crowded: usize,
}

/// A graph of voxels with their distances, as what walks through it needs it.
#[derive(Debug, Clone, Copy)]
pub struct WithDistances<'a, I> {
    graph: &'a Adjacency<I>,
    distances: &'a [f64; BITS],
}

impl<I: Index> Adjacency<I> {
    /// The graph with the distances of `grid`.
    #[must_use]
    pub fn with_distances<'a>(&'a self, grid: &'a Grid) -> WithDistances<'a, I> {
        WithDistances { graph: self, distances: &grid.distances }
    }
}

impl<I: Index> WeightedRows for WithDistances<'_, I> {
    type Index = I;

    #[inline]
    fn nodes(&self) -> usize {
        self.graph.masks.len()
    }

    #[inline]
    fn row(&self, node: usize) -> Range<usize> {
        self.graph.indptr[node].get()..self.graph.indptr[node + 1].get()
    }

    #[inline]
    fn target(&self, entry: usize) -> usize {
        self.graph.indices[entry].get()
    }

    #[inline]
    fn entry(&self, node: usize, target: usize) -> Option<usize> {
        self.row(node).find(|&entry| self.target(entry) == target)
    }

    #[inline]
    fn weight(&self, node: usize, entry: usize) -> f64 {
        let mask = self.graph.masks[node];
        let skipped = entry - self.graph.indptr[node].get();
        // Most rows have two entries, and which of them it is cannot be predicted.
        let mut left = [mask, mask & mask.wrapping_sub(1)][skipped.min(1)];
        for _ in 1..skipped {
            left &= left.wrapping_sub(1);
        }
        self.distances[left.trailing_zeros() as usize]
    }
}

/// The neighbours of the nodes of one task.
struct TaskEntries<I> {
    masks: Vec<u32>,
    neighbours: Vec<I>,
}

impl<I: Index> TaskEntries<I> {
    fn find(window: &mut Window, nodes: &[i64], range: Range<usize>, grid: &Grid) -> Result<Self> {
        let mut masks = try_with_capacity(GRAPH, range.len())?;
        let mut neighbours = try_with_capacity(GRAPH, 2 * range.len() + 2 * range.len() / 8)?;
        let mut grown = Ok(());
        window.scan(nodes, range, grid.wanted, |_, mask, found, count| {
            masks.push(mask);
            if neighbours.capacity() - neighbours.len() < MOST_NEIGHBOURS {
                grown = make_room(GRAPH, &mut neighbours, MOST_NEIGHBOURS);
                if grown.is_err() {
                    return false;
                }
            }
            // Most voxels have two neighbours: a copy of fixed length, then a fix for the others.
            neighbours.extend_from_slice(&[I::new(found[0]), I::new(found[1])]);
            if count > 2 {
                neighbours.extend(found[2..count].iter().map(|&node| I::new(node)));
            } else {
                neighbours.truncate(neighbours.len() + count - 2);
            }
            true
        })?;
        grown?;
        Ok(Self { masks, neighbours })
    }

    /// Calls `visit(node, mask, neighbours)` for each node, the first of which has the number `first`.
    fn for_each(&self, first: usize, mut visit: impl FnMut(usize, u32, &[I])) {
        let mut left = self.neighbours.as_slice();
        for (node, &mask) in (first..).zip(&self.masks) {
            let (own, rest) = left.split_at(mask.count_ones() as usize);
            left = rest;
            visit(node, mask, own);
        }
    }
}

/// An edge between junctions, from the smaller node.
#[derive(Clone, Copy)]
struct JunctionEdge<I> {
    bit: u8,
    ends: [I; 2],
}

/// The bits of a mask, ascending.
#[inline]
pub(crate) fn bits_of(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = mask.trailing_zeros() as usize;
        (mask != 0).then(|| {
            mask &= mask - 1;
            bit
        })
    })
}

/// The graph of the voxels with the linear indices `nodes`, which ascend. With `prune`, only a minimum spanning forest is left of
/// the edges between junctions, as [`crate::graph::junctions::prune_junctions`] leaves it.
///
/// # Errors
/// [`Error::OutOfMemory`], or [`Error::Interrupted`] through `monitor`.
///
/// # Panics
/// If the count of nodes or entries does not fit `I`.
pub fn adjacency<I: Index>(nodes: &[i64], grid: &Grid, prune: bool, monitor: &Monitor) -> Result<Adjacency<I>> {
    assert!(nodes.len() <= I::LARGEST, "the nodes can be counted in the type of the index");
    let length = task_length(nodes.len());
    let parts: Vec<TaskEntries<I>> = (0..nodes.len().div_ceil(length))
        .into_par_iter()
        .map_init(
            || grid.window(),
            |window, task| {
                monitor.check()?;
                let window = window.as_mut().map_err(|error| error.clone())?;
                TaskEntries::find(window, nodes, task * length..((task + 1) * length).min(nodes.len()), grid)
            },
        )
        .collect::<Result<_>>()?;
    let mut masks: Vec<u32> = try_zeros(GRAPH, nodes.len())?;
    advise_huge_pages(&mut masks);
    let copies = masks.par_chunks_mut(length).zip(&parts).map(|(masks, part)| {
        masks.copy_from_slice(&part.masks);
        masks.iter().filter(|mask| mask.count_ones() >= CROWDED).count()
    });
    let crowded = copies.sum();
    if prune {
        prune_junctions(&parts, length, &mut masks, &grid.distances, monitor)?;
    }
    monitor.check()?;
    let (indptr, indices) = rows(parts, length, &masks)?;
    Ok(Adjacency { indptr, indices, masks, crowded })
}

/// Clears the bits of edges between junctions that their minimum spanning forest does not need.
fn prune_junctions<I: Index>(
    parts: &[TaskEntries<I>],
    task_length: usize,
    masks: &mut [u32],
    distances: &[f64; BITS],
    monitor: &Monitor,
) -> Result<()> {
    let is_junction = |mask: u32| mask.count_ones() as usize >= JUNCTION;
    let lists: Vec<Vec<JunctionEdge<I>>> = parts
        .par_iter()
        .enumerate()
        .map(|(task, part)| {
            let mut edges = Vec::new();
            let mut grown = Ok(());
            part.for_each(task * task_length, |node, mask, neighbours| {
                if is_junction(mask) && mask >> CENTRE != 0 {
                    for (bit, &neighbour) in bits_of(mask).zip(neighbours) {
                        if bit > CENTRE as usize && is_junction(masks[neighbour.get()]) {
                            let edge = JunctionEdge { bit: bit as u8, ends: [I::new(node), neighbour] };
                            if let Err(error) = edges.try_push(GRAPH, edge) {
                                grown = Err(error);
                            }
                        }
                    }
                }
            });
            grown.map(|()| edges)
        })
        .collect::<Result<_>>()?;
    monitor.check()?;
    let mut edges: Vec<JunctionEdge<I>> = try_with_capacity(GRAPH, lists.iter().map(Vec::len).sum())?;
    for list in lists {
        edges.extend_from_slice(&list);
    }
    // Edges of the same length keep the order of (row, column).
    let length = |edge: &JunctionEdge<I>| distances[usize::from(edge.bit)];
    try_sort_by(GRAPH, &mut edges, |one, other| length(one).total_cmp(&length(other)))?;
    monitor.check()?;
    let mut sets = DisjointSets::<I>::new(masks.len())?;
    for JunctionEdge { bit, ends } in edges {
        let [node, neighbour] = ends.map(Index::get);
        if !sets.join(node, neighbour) {
            masks[node] &= !(1 << bit);
            masks[neighbour] &= !(1 << (2 * CENTRE as u8 - bit));
        }
    }
    Ok(())
}

/// Writes the neighbours that the masks still have, task by task.
fn rows<I: Index>(parts: Vec<TaskEntries<I>>, task_length: usize, masks: &[u32]) -> Result<(Vec<I>, Vec<I>)> {
    let counts: Vec<usize> =
        masks.par_chunks(task_length).map(|masks| masks.iter().map(|mask| mask.count_ones() as usize).sum()).collect();
    let entries = counts.iter().sum::<usize>();
    assert!(entries <= I::LARGEST, "the entries can be counted in the type of the index");
    let mut indptr: Vec<I> = try_zeros(GRAPH, masks.len() + 1)?;
    let mut indices: Vec<I> = try_zeros(GRAPH, entries)?;
    // Walks through the graph access its pages in random order.
    advise_huge_pages(&mut indptr);
    advise_huge_pages(&mut indices);
    let mut targets = Vec::with_capacity(parts.len());
    let (mut left, mut start) = (indices.as_mut_slice(), 0);
    for count in counts {
        let (own, rest) = left.split_at_mut(count);
        left = rest;
        targets.push((start, own));
        start += count;
    }
    let kept = indptr[1..].par_chunks_mut(task_length).zip(masks.par_chunks(task_length));
    kept.zip(targets).zip(parts).for_each(|(((ends, kept), (start, row)), part)| {
        let mut at = 0;
        part.for_each(0, |node, found, neighbours| {
            if found == kept[node] {
                row[at..at + neighbours.len()].copy_from_slice(neighbours);
                at += neighbours.len();
            } else {
                for (bit, &neighbour) in bits_of(found).zip(neighbours) {
                    if kept[node] >> bit & 1 == 1 {
                        row[at] = neighbour;
                        at += 1;
                    }
                }
            }
            ends[node] = I::new(start + at);
        });
    });
    Ok((indptr, indices))
}

/// Whether each mask has a bit for each entry of its row, and no bit but those of 27 voxels.
///
/// # Errors
/// [`Error::InvalidArgument`] if not.
pub fn check_masks<I: Index>(indptr: &[I], indices: &[I], masks: &[u32]) -> Result<()> {
    let ends = || indptr.windows(2).map(|ends| [ends[0].get(), ends[1].get()]);
    let fits = indptr.len() == masks.len() + 1
        && indptr[0].get() == 0
        && indptr[masks.len()].get() == indices.len()
        && ends()
            .zip(masks)
            .all(|([start, end], mask)| end.checked_sub(start) == Some(mask.count_ones() as usize) && mask >> 27 == 0);
    let reason = "expected a mask with one bit for each entry of its row".to_owned();
    if fits { Ok(()) } else { Err(Error::InvalidArgument { name: "graph", reason }) }
}

/// The weight of each entry: the distance of its bit, or with `heights` the hypotenuse of that and the difference in height.
///
/// # Errors
/// [`Error::OutOfMemory`]; [`Error::InvalidArgument`] if two heights are so far apart that their difference is not finite.
///
/// # Panics
/// If the masks are not those of the rows.
pub fn weights<I: Index>(
    indptr: &[I],
    indices: &[I],
    masks: &[u32],
    grid: &Grid,
    heights: Option<Heights<'_>>,
) -> Result<Vec<f64>> {
    let entries: usize = masks.iter().map(|mask| mask.count_ones() as usize).sum();
    let fits = indptr.len() == masks.len() + 1 && indptr[masks.len()].get() == entries && indices.len() == entries;
    assert!(fits, "a mask has as many bits as its row has entries");
    let mut weights: Vec<f64> = try_zeros(GRAPH, entries)?;
    let length = task_length(masks.len());
    let mut rows = Vec::with_capacity(masks.len().div_ceil(length));
    let mut left = weights.as_mut_slice();
    for (task, masks) in masks.chunks(length).enumerate() {
        let first = task * length;
        let range = indptr[first].get()..indptr[first + masks.len()].get();
        let (own, rest) = left.split_at_mut(range.len());
        left = rest;
        rows.push((first, masks, own, &indices[range]));
    }
    rows.into_par_iter().try_for_each(|(first, masks, row, neighbours)| {
        let entries = (first..).zip(masks).flat_map(|(node, &mask)| bits_of(mask).map(move |bit| (node, bit)));
        for ((weight, neighbour), (node, bit)) in row.iter_mut().zip(neighbours).zip(entries) {
            *weight = grid.distances[bit];
            if let Some(heights) = heights {
                *weight = heights.difference(node, neighbour.get()).hypot(*weight);
                if !weight.is_finite() {
                    let reason = "expected neighbouring heights whose difference their type can hold".to_owned();
                    return Err(Error::InvalidArgument { name: "skeleton_image", reason });
                }
            }
        }
        Ok(())
    })?;
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::csr::Csr;
    use crate::graph::junctions;
    use crate::graph::pixel_graph::{Neighbourhood, pixel_graph};
    use crate::support::random::Random;

    #[test]
    fn is_the_graph_that_is_found_by_lines() {
        let shapes: [&[usize]; 8] =
            [&[300], &[20, 70], &[90, 3], &[1, 9], &[4, 5, 6], &[5, 1, 65], &[9, 40, 2], &[12, 9, 130]];
        for shape in shapes {
            let spacing: Vec<f64> = (0..shape.len()).map(|axis| 1.7 - 0.6 * axis as f64).collect();
            for (connectivity, one_in) in
                (1..=shape.len()).flat_map(|steps| [1, 2, 5, 40].map(|one_in| (steps, one_in)))
            {
                let nodes = Random(one_in as u64).voxels(shape.iter().product(), 1, one_in);
                let neighbourhood = Neighbourhood::new(shape, &spacing, connectivity);
                let grid = neighbourhood.grid().unwrap();
                let mut expected: Csr<i32> =
                    crate::graph::pixel_graph::pixel_graph_by_lines(&nodes, &neighbourhood, None, &Monitor::new())
                        .unwrap();
                assert_eq!(pixel_graph(&nodes, &neighbourhood, None, &Monitor::new()), Ok(expected.clone()));
                junctions::prune_junctions(&mut expected, &Monitor::new()).unwrap();
                let graph: Adjacency<i32> = adjacency(&nodes, grid, true, &Monitor::new()).unwrap();
                let weights = weights(&graph.indptr, &graph.indices, &graph.masks, grid, None).unwrap();
                for node in 0..nodes.len() {
                    for entry in graph.with_distances(grid).row(node) {
                        let weight = graph.with_distances(grid).weight(node, entry);
                        assert_eq!(weight.to_bits(), weights[entry].to_bits());
                    }
                }
                assert_eq!(Csr { indptr: graph.indptr, indices: graph.indices, weights }, expected, "{shape:?}");
            }
        }
    }

    #[test]
    fn tasks_meet_in_images_of_many_voxels() {
        let shape = [41, 60, 130];
        for one_in in [1, 3, 400] {
            let nodes = Random(5).voxels(shape.iter().product(), 1, one_in);
            let neighbourhood = Neighbourhood::new(&shape, &[1.0; 3], 3);
            let by_lines: Csr<i64> =
                crate::graph::pixel_graph::pixel_graph_by_lines(&nodes, &neighbourhood, None, &Monitor::new()).unwrap();
            let graph: Csr<i64> = pixel_graph(&nodes, &neighbourhood, None, &Monitor::new()).unwrap();
            assert!(graph == by_lines);
        }
    }

    #[test]
    fn four_axes_and_wide_planes_have_no_window() {
        assert!(Grid::new(&[2, 2, 2, 2], &[1.0; 4], 4).is_none());
        assert!(Grid::new(&[2, 100_000, 100_000], &[1.0; 3], 3).is_none());
        assert!(Grid::new(&[2, usize::MAX, usize::MAX], &[1.0; 3], 3).is_none());
    }
}
