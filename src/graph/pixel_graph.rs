//! The pixel graph: which foreground voxels touch which, and how far apart they are.
//!
//! There is no image here, only the ascending linear indices of the foreground, so a block of a larger image serves as well.
//! With one to three axes, neighbours are found in a window of packed rows ([`crate::graph::window`],
//! [`crate::graph::adjacency`]). What stands here serves images with more axes, or planes too large for a window.
//!
//! The neighbours of a voxel lie on 3ᵈ⁻¹ lines along the last axis. Only those after the voxel are looked for: for each line a
//! pointer moves through the list once, in step with the voxel. Then each edge is written into both its rows; as voxels are
//! taken in ascending order, a row has all its earlier neighbours before it gets the later ones, and comes out sorted.
//!
//! Distances are those of numpy: the squares of offset times spacing, summed from the first axis to the last, then the root,
//! each operation rounded by itself.
//!
//! Cost: half of 3ᵈ⁻¹ pointer steps a voxel, on all threads, and one pass over the edges on one; 12 bytes an entry (two for each
//! edge) and 4 a voxel for the result, with 3 bytes an entry and 2 a voxel while the threads' edges are joined. That a pointer's
//! steps cannot be predicted makes a voxel cost three times what it does in a window.

use std::ops::Range;

use rayon::prelude::*;

use crate::graph::adjacency::{self, Grid, adjacency};
use crate::graph::csr::{Csr, Index};
use crate::graph::heights::Heights;
use crate::image::indices::strides;
use crate::support::allocate::{Grow, try_filled, try_with_capacity, try_zeros};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// What its buffers are for.
const GRAPH: &str = "the pixel graph";

/// Voxels whose rows a task writes.
pub(super) const TASK: usize = 1 << 14;

/// The neighbours that differ by the same steps along all axes but the last.
#[derive(Debug)]
struct Line {
    /// The steps along the leading axes, each −1, 0 or 1.
    steps: Vec<i8>,
    /// What the steps add to the linear index.
    offset: i64,
    /// How far the line extends before and after its middle: 1, or 0 where the connectivity forbids the corner.
    reach: i64,
    /// The code of the neighbour before the middle; the next ones follow.
    code: u16,
}

/// The neighbourhood of a voxel in an image of a given shape, with distances.
#[derive(Debug)]
pub struct Neighbourhood {
    shape: Vec<i64>,
    lines: Vec<Line>,
    distances: Vec<f64>,
    grid: Option<Grid>,
}

impl Neighbourhood {
    /// The most axes that an image may have, so that a direction fits 16 bits.
    pub const LARGEST_DIMENSION: usize = 10;

    /// The neighbours within `connectivity` orthogonal steps.
    ///
    /// # Panics
    /// If there are no axes or more than [`Self::LARGEST_DIMENSION`], or if `spacing` has another length than `shape`.
    #[must_use]
    pub fn new(shape: &[usize], spacing: &[f64], connectivity: usize) -> Self {
        assert!((1..=Self::LARGEST_DIMENSION).contains(&shape.len()), "an image has one to ten axes");
        assert_eq!(shape.len(), spacing.len(), "each axis has its spacing");
        let leading = shape.len() - 1;
        let strides = strides(shape);
        let mut lines = Vec::new();
        let mut distances = Vec::new();
        for number in 0..3_usize.pow(leading as u32) {
            let steps: Vec<i8> =
                (0..leading).map(|axis| (number / 3_usize.pow((leading - 1 - axis) as u32) % 3) as i8 - 1).collect();
            let hops = steps.iter().filter(|&&step| step != 0).count();
            if hops > connectivity {
                continue;
            }
            let offset = steps.iter().zip(&strides).map(|(&step, &stride)| i64::from(step) * stride as i64).sum();
            let code = distances.len() as u16;
            for step in [-1_i8, 0, 1] {
                let squares = steps.iter().chain([&step]).zip(spacing).map(|(&step, &spacing)| {
                    let length = f64::from(step) * spacing;
                    length * length
                });
                distances.push(squares.fold(0.0, |sum, square| sum + square).sqrt());
            }
            lines.push(Line { steps, offset, reach: i64::from(hops < connectivity), code });
        }
        let grid = Grid::new(shape, spacing, connectivity);
        Self { shape: shape.iter().map(|&length| length as i64).collect(), lines, distances, grid }
    }

    /// The image with one to three axes whose voxels' neighbours are found faster; none if it is not one, or its planes are very
    /// large.
    #[must_use]
    pub fn grid(&self) -> Option<&Grid> {
        self.grid.as_ref()
    }

    /// The distance of each direction: lines ascending, on each the neighbour before, at and after its middle.
    #[must_use]
    pub fn distances(&self) -> &[f64] {
        &self.distances
    }

    /// How many neighbours a voxel can have.
    #[must_use]
    pub fn largest_degree(&self) -> usize {
        self.lines.iter().map(|line| if line.reach == 1 { 3 } else { 1 }).sum::<usize>() - 1
    }

    /// Calls `visit(node, neighbour, code)` for each later neighbour of each node in `range`, both in ascending order.
    pub(crate) fn visit(&self, nodes: &[i64], range: Range<usize>, mut visit: impl FnMut(usize, usize, u16)) {
        const STEPS: usize = 3;
        let Some(&first) = nodes.get(range.start) else { return };
        let (&length, leading) = self.shape.split_last().expect("an image has axes");
        let (own, lines) = self.lines[self.lines.len() / 2..].split_first().expect("a voxel is on a line");
        let mut pointers: Vec<usize> =
            lines.iter().map(|line| nodes.partition_point(|&node| node < first + line.offset - 1)).collect();
        let mut inside = Vec::with_capacity(lines.len());
        let mut position = vec![0; leading.len()];
        let (mut row_start, mut row_end) = (0, 0);
        for node in range {
            let id = nodes[node];
            if id >= row_end {
                let mut row = id / length;
                (row_start, row_end) = (row * length, (row + 1) * length);
                for (at, &length) in position.iter_mut().zip(leading).rev() {
                    *at = row % length;
                    row /= length;
                }
                inside.clear();
                inside.extend((0..lines.len()).filter(|&line| {
                    let moved = lines[line].steps.iter().zip(&position).map(|(&step, at)| at + i64::from(step));
                    moved.zip(leading).all(|(at, length)| (0..*length).contains(&at))
                }));
            }
            if id + 1 < row_end && nodes.get(node + 1) == Some(&(id + 1)) {
                visit(node, node + 1, own.code + 2);
            }
            let x = id - row_start;
            for &number in &inside {
                let line = &lines[number];
                let middle = id + line.offset;
                let low = middle - line.reach.min(x);
                let high = middle + line.reach.min(length - 1 - x);
                let mut at = pointers[number];
                // How far a pointer moves cannot be predicted, but seldom it is more than this, and adding needs no branch.
                for _ in 0..STEPS {
                    at += usize::from(at < nodes.len() && nodes[at] < low);
                }
                while at < nodes.len() && nodes[at] < low {
                    at += 1;
                }
                pointers[number] = at;
                while at < nodes.len() && nodes[at] <= high {
                    visit(node, at, line.code + (nodes[at] - middle + 1) as u16);
                    at += 1;
                }
            }
        }
    }
}

/// How many entries the graph of `nodes` has.
///
/// # Errors
/// [`Error::Interrupted`] through `monitor`.
pub fn count_entries(nodes: &[i64], neighbourhood: &Neighbourhood, monitor: &Monitor) -> Result<usize> {
    tasks(nodes.len())
        .map(|range| {
            monitor.check()?;
            let mut count = 0;
            neighbourhood.visit(nodes, range, |_, _, _| count += 2);
            Ok(count)
        })
        .sum()
}

/// The nodes in ranges of [`TASK`].
pub(crate) fn tasks(nodes: usize) -> impl IndexedParallelIterator<Item = Range<usize>> {
    (0..nodes.div_ceil(TASK)).into_par_iter().map(move |task| task * TASK..((task + 1) * TASK).min(nodes))
}

/// The graph of the voxels with the linear indices `nodes`, which ascend. With `heights`, an edge is the hypotenuse of its
/// distance and the difference in height.
///
/// # Errors
/// [`Error::OutOfMemory`]; [`Error::InvalidArgument`] if two heights are so far apart that their difference is not finite;
/// [`Error::Interrupted`] through `monitor`.
///
/// # Panics
/// If the count of nodes or entries does not fit `I`, or if there are heights but not one for each node.
pub fn pixel_graph<I: Index>(
    nodes: &[i64],
    neighbourhood: &Neighbourhood,
    heights: Option<Heights<'_>>,
    monitor: &Monitor,
) -> Result<Csr<I>> {
    assert!(heights.is_none_or(|heights| heights.len() == nodes.len()), "each node has its height");
    match neighbourhood.grid() {
        Some(grid) => {
            let graph = adjacency::<I>(nodes, grid, false, monitor)?;
            let weights = adjacency::weights(&graph.indptr, &graph.indices, &graph.masks, grid, heights)?;
            Ok(Csr { indptr: graph.indptr, indices: graph.indices, weights })
        }
        None => pixel_graph_by_lines(nodes, neighbourhood, heights, monitor),
    }
}

/// The graph for images of any shape.
pub(crate) fn pixel_graph_by_lines<I: Index>(
    nodes: &[i64],
    neighbourhood: &Neighbourhood,
    heights: Option<Heights<'_>>,
    monitor: &Monitor,
) -> Result<Csr<I>> {
    let parts: Vec<Edges<I>> = tasks(nodes.len())
        .map(|range| {
            monitor.check()?;
            let usual = 2 * range.len();
            let mut edges = Edges {
                counts: try_filled(GRAPH, range.len(), 0)?,
                ends: try_with_capacity(GRAPH, usual)?,
                codes: try_with_capacity(GRAPH, usual)?,
            };
            let first = range.start;
            let mut grown = Ok(());
            neighbourhood.visit(nodes, range, |node, neighbour, code| {
                edges.counts[node - first] += 1;
                if let Err(error) =
                    edges.ends.try_push(GRAPH, I::new(neighbour)).and_then(|()| edges.codes.try_push(GRAPH, code))
                {
                    grown = Err(error);
                }
            });
            grown.map(|()| edges)
        })
        .collect::<Result<_>>()?;
    let entries = 2 * parts.iter().map(|part| part.ends.len()).sum::<usize>();
    assert!(entries <= I::LARGEST, "the entries can be counted in the type of the index");
    monitor.check()?;

    // Where the next entry of each row goes, one further on in the array, so that it ends as `indptr`.
    let mut indptr: Vec<I> = try_zeros(GRAPH, nodes.len() + 1)?;
    let next = &mut indptr[1..];
    for (part, first) in parts.iter().zip((0..).step_by(TASK)) {
        for (count, &later) in next[first..].iter_mut().zip(&part.counts) {
            *count = I::new(count.get() + usize::from(later));
        }
        for end in &part.ends {
            next[end.get()] = I::new(next[end.get()].get() + 1);
        }
    }
    let mut start = 0;
    for count in next.iter_mut() {
        let degree = count.get();
        *count = I::new(start);
        start += degree;
    }
    let mut indices: Vec<I> = try_zeros(GRAPH, entries)?;
    let mut weights: Vec<f64> = try_zeros(GRAPH, entries)?;
    for (part, first) in parts.into_iter().zip((0..).step_by(TASK)) {
        monitor.check()?;
        let mut edges = part.ends.iter().zip(&part.codes);
        for (node, &later) in (first..).zip(&part.counts) {
            for (&end, &code) in edges.by_ref().take(usize::from(later)) {
                let mut weight = neighbourhood.distances[usize::from(code)];
                if let Some(heights) = heights {
                    weight = heights.difference(node, end.get()).hypot(weight);
                    if !weight.is_finite() {
                        let reason = "expected neighbouring heights whose difference their type can hold".to_owned();
                        return Err(Error::InvalidArgument { name: "skeleton_image", reason });
                    }
                }
                for (row, column) in [(node, end), (end.get(), I::new(node))] {
                    let at = next[row].get();
                    indices[at] = column;
                    weights[at] = weight;
                    next[row] = I::new(at + 1);
                }
            }
        }
    }
    Ok(Csr { indptr, indices, weights })
}

/// What one task found: the edges to later nodes.
struct Edges<I> {
    counts: Vec<u16>,
    ends: Vec<I>,
    codes: Vec<u16>,
}
