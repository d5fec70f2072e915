//! The chunk graph of a block without overlap. Of the outside only the end of the image is known.
//!
//! Cost: the pixel graph of the block's foreground, on all threads, then settling it, on one; temporarily 40 bytes per voxel
//! and 12 per edge.

use rayon::prelude::*;

use super::geometry::{Directions, Geometry};
use super::graph::ChunkGraph;
use super::intervals::{Interval, Intervals};
use super::live::{Edge, LIVE, Live, check_count};
use super::rules::{Rule, holds};
use super::settle::{EDGES, Parts, settle};
use crate::graph::adjacency::{self, BITS, Grid, bits_of};
use crate::graph::pixel_graph::{Neighbourhood, tasks};
use crate::image::indices::{Starts, check_voxels};
use crate::image::neighbourhood::LATER;
use crate::support::allocate::{Grow, try_collect, try_copy, try_filled, try_with_capacity};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// The foreground of a block.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// The shape of the block.
    pub shape: &'a [usize],
    /// The block's first voxel in the image.
    pub offset: &'a [usize],
    /// The foreground's linear indices in the block, ascending.
    pub nodes: &'a [i64],
    /// A value for each of them as the geometry's [`super::Values`] say, or none at all.
    pub values: &'a [u64],
}

impl ChunkGraph {
    /// The chunk graph of a block of the image that `geometry` describes.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the block does not lie in the image, if its nodes do not ascend in it, if there is not one
    /// value for each, or if heights are too far apart; [`Error::OutOfMemory`]; [`Error::Interrupted`] through `monitor`.
    pub fn from_block(block: Block<'_>, geometry: Geometry, monitor: &Monitor) -> Result<Self> {
        check(&block, &geometry)?;
        let rows = BlockRows::new(&block, &geometry);
        let covered = rows.intervals(block.nodes)?;
        monitor.check()?;
        let (degree, waiting) = edges(&block, &geometry, monitor)?;
        let mut live = Live {
            index: try_with_capacity(LIVE, block.nodes.len())?,
            rank: try_collect(LIVE, 0..block.nodes.len() as u64)?,
            missing: try_filled(LIVE, block.nodes.len(), 0)?,
            degree,
            cluster: try_collect(LIVE, 0..block.nodes.len() as u32)?,
            value: try_copy(LIVE, block.values)?,
        };
        rows.place(block.nodes, &mut live);
        check_heights(&live, &waiting, &geometry, "block")?;
        monitor.check()?;
        let parts = settle(Parts { live, waiting, ..Parts::default() }, &geometry, monitor)?;
        let end = block.offset.iter().zip(block.shape).map(|(at, length)| at + length).collect();
        Ok(Self { geometry, start: block.offset.to_vec(), end, covered, parts })
    }
}

fn check(block: &Block<'_>, geometry: &Geometry) -> Result<()> {
    let wrong = |name, reason| Err(Error::InvalidArgument { name, reason });
    let shape = geometry.shape();
    if block.shape.len() != shape.len() || block.offset.len() != shape.len() {
        return wrong("block", format!("expected {} axes, those of the image, got {}", shape.len(), block.shape.len()));
    }
    let mut axes = block.shape.iter().zip(block.offset).zip(shape);
    if !axes.all(|((&length, &at), &whole)| at.checked_add(length).is_some_and(|end| end <= whole)) {
        let reason = format!(
            "expected a block inside the image of shape {shape:?}, got shape {:?} at offset {:?}",
            block.shape, block.offset
        );
        return wrong("block", reason);
    }
    check_voxels(block.nodes, block.shape)?;
    check_count("block", block.nodes.len())?;
    if block.values.len() != if geometry.has_values() { block.nodes.len() } else { 0 } {
        return wrong(
            "values",
            format!("expected one for each of the {} nodes or none, got {}", block.nodes.len(), block.values.len()),
        );
    }
    Ok(())
}

/// Checks that the lengths of edges are finite.
pub(super) fn check_heights(live: &Live, edges: &[Edge], geometry: &Geometry, name: &'static str) -> Result<()> {
    if !geometry.has_heights()
        || edges.iter().all(|edge| geometry.length(edge.direction, || live.values(edge)).is_finite())
    {
        return Ok(());
    }
    let reason = "expected neighbouring heights whose difference their type can hold".to_owned();
    Err(Error::InvalidArgument { name, reason })
}

/// How many neighbours each node has in the block, and the edges to the later ones.
fn edges(block: &Block<'_>, geometry: &Geometry, monitor: &Monitor) -> Result<(Vec<u8>, Vec<Edge>)> {
    let ndim = block.shape.len();
    let neighbourhood = Neighbourhood::new(block.shape, &vec![1.0; ndim], ndim);
    let lists = match neighbourhood.grid() {
        Some(grid) => edges_in_window(block, grid, monitor)?,
        None => edges_by_lines(block, &neighbourhood, monitor)?,
    };
    let mut edges: Vec<Edge> = try_with_capacity(EDGES, lists.iter().map(Vec::len).sum())?;
    for list in lists {
        edges.extend_from_slice(&list);
    }
    if geometry.has_labels() {
        edges.retain(|edge| geometry.are_neighbours(edge.ends.map(|end| block.values[end as usize])));
    }
    let mut degrees = try_filled(LIVE, block.nodes.len(), 0_u8)?;
    for end in edges.iter().flat_map(|edge| edge.ends) {
        degrees[end as usize] += 1;
    }
    Ok((degrees, edges))
}

fn edges_in_window(block: &Block<'_>, grid: &Grid, monitor: &Monitor) -> Result<Vec<Vec<Edge>>> {
    // The directions of a grid are those of three axes.
    let directions: [u8; BITS] = std::array::from_fn(|bit| match block.shape.len() {
        1 => bit % 3,
        2 => bit / 9 * 3 + bit % 3,
        _ => bit,
    } as u8);
    let length = adjacency::task_length(block.nodes.len());
    (0..block.nodes.len().div_ceil(length))
        .into_par_iter()
        .map(|task| {
            monitor.check()?;
            let range = task * length..((task + 1) * length).min(block.nodes.len());
            let mut edges = try_with_capacity(EDGES, range.len() + range.len() / 8)?;
            let mut grown = Ok(());
            grid.window()?.scan(block.nodes, range, LATER, |node, mask, neighbours, _| {
                let new = bits_of(mask).zip(neighbours).map(|(bit, &neighbour)| Edge {
                    ends: [node as u32, neighbour as u32],
                    direction: directions[bit],
                });
                grown = edges.try_extend(EDGES, new);
                grown.is_ok()
            })?;
            grown.map(|()| edges)
        })
        .collect()
}

fn edges_by_lines(block: &Block<'_>, neighbourhood: &Neighbourhood, monitor: &Monitor) -> Result<Vec<Vec<Edge>>> {
    tasks(block.nodes.len())
        .map(|range| {
            monitor.check()?;
            let mut edges = try_with_capacity(EDGES, 2 * range.len())?;
            let mut grown = Ok(());
            neighbourhood.visit(block.nodes, range, |node, neighbour, direction| {
                let edge = Edge { ends: [node as u32, neighbour as u32], direction: direction as u8 };
                if let Err(error) = edges.try_push(EDGES, edge) {
                    grown = Err(error);
                }
            });
            grown.map(|()| edges)
        })
        .collect()
}

/// The rows of a block along the last axis.
struct BlockRows<'a> {
    geometry: &'a Geometry,
    length: usize,
    leading: &'a [usize],
    offset: &'a [usize],
    /// For each axis the directions back and on of a voxel on that side of the block: those that lead out of the image, and
    /// those that lead into a part of it that is not here.
    sides: Vec<[Side; 2]>,
}

#[derive(Clone, Copy, Default)]
struct Side {
    outside: Directions,
    missing: Directions,
}

impl Side {
    fn or(self, other: Self) -> Self {
        Self { outside: self.outside | other.outside, missing: self.missing | other.missing }
    }

    fn directions(self) -> Directions {
        if holds(Rule::ImageEnds) { self.missing & !self.outside } else { self.missing }
    }
}

impl<'a> BlockRows<'a> {
    fn new(block: &Block<'a>, geometry: &'a Geometry) -> Self {
        let sides = (0..block.shape.len())
            .map(|axis| {
                let ends_here =
                    [block.offset[axis] == 0, block.offset[axis] + block.shape[axis] == geometry.shape()[axis]];
                std::array::from_fn(|side| {
                    let directions = geometry.sides(axis)[side];
                    if ends_here[side] {
                        Side { outside: directions, missing: 0 }
                    } else {
                        Side { outside: 0, missing: directions }
                    }
                })
            })
            .collect();
        let (&length, leading) = block.shape.split_last().expect("a block has axes");
        Self { geometry, length, leading, offset: block.offset, sides }
    }

    /// The linear index in the image of a row's first voxel.
    fn start(&self, position: &[usize]) -> u64 {
        let along = self.offset.iter().zip(self.geometry.strides());
        let first: usize = along.map(|(at, stride)| at * stride).sum();
        let row = position.iter().zip(self.geometry.strides()).map(|(at, stride)| at * stride).sum::<usize>();
        (first + row) as u64
    }

    /// The rows and how many of the nodes each has.
    fn intervals(&self, nodes: &[i64]) -> Result<Intervals> {
        if self.length == 0 {
            return Ok(Intervals::default());
        }
        let zero = vec![0; self.leading.len()];
        let axes = self.leading.iter().copied().zip(self.geometry.strides().iter().copied());
        let starts = Starts::new(self.start(&zero) as usize, axes);
        let mut left = nodes;
        let mut end_of_row = 0;
        Intervals::pack(starts.map(|start| {
            end_of_row += self.length as i64;
            let count = left.iter().take_while(|&&node| node < end_of_row).count();
            left = &left[count..];
            Interval { start: start as u64, end: (start + self.length) as u64, count: count as u64 }
        }))
    }

    /// Where in the image the voxels lie, and where it goes on beyond the block.
    fn place(&self, nodes: &[i64], live: &mut Live) {
        let mut position = vec![0; self.leading.len()];
        let (mut row_start, mut row_end, mut start) = (0, 0, 0);
        let mut row_side = Side::default();
        for (number, &node) in nodes.iter().enumerate() {
            let node = node as usize;
            if node >= row_end {
                let mut row = node / self.length;
                (row_start, row_end) = (row * self.length, (row + 1) * self.length);
                row_side = Side::default();
                for (axis, &length) in self.leading.iter().enumerate().rev() {
                    position[axis] = row % length;
                    row /= length;
                    row_side = row_side.or(self.side(axis, position[axis], length));
                }
                start = self.start(&position);
            }
            let x = node - row_start;
            live.index.push(start + x as u64);
            live.missing[number] = row_side.or(self.side(self.leading.len(), x, self.length)).directions();
        }
    }

    #[inline]
    fn side(&self, axis: usize, at: usize, length: usize) -> Side {
        let [low, high] = self.sides[axis];
        let mut side = if at == 0 { low } else { Side::default() };
        if at + 1 == length {
            side = side.or(high);
        }
        side
    }
}
