//! The ends of branches: which voxels they are, what kind of branch that makes, where they lie and how far apart.
//!
//! Equal to skan to the last bit: the coordinates times the spacing, in its type, and the root of the sum of the
//! squares of differences, added axis by axis. That order is numpy's for up to three axes; its product of more depends on where
//! a row stands in the table, so those are left to it.
//!
//! Cost: two passes over the branches by all threads, most of it for writing 18 columns (of three axes) to fresh memory
//! (`make bench-kernels`).

use std::slice::ChunksMut;

use rayon::prelude::*;

use crate::graph::csr::{Index, check_indptr, check_nodes};
use crate::image::indices::check_shape;
use crate::support::allocate::try_zeros;
use crate::support::errors::{Error, Result};
use crate::support::huge_pages::advise_huge_pages;
use crate::support::threads::Monitor;

/// What the buffers are for.
const ENDS: &str = "the ends of branches";

/// Branches that a task looks at before it looks whether to stop.
const TASK: usize = 1 << 13;

/// Sources and destinations of paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends<P> {
    /// Their nodes.
    pub nodes: [Vec<P>; 2],
    /// The linear indices of their voxels.
    pub voxels: [Vec<i64>; 2],
    /// 0: both ends free, 1: one end free, 2: none, 3: a cycle.
    pub types: Vec<i64>,
}

/// The ends of paths through a graph whose nodes are `voxels`, with the masks of their neighbours.
///
/// # Errors
/// [`Error::InvalidArgument`] if there is not one mask for each voxel, or paths are empty or lead elsewhere;
/// [`Error::OutOfMemory`]; [`Error::Interrupted`] through `monitor`.
pub fn path_ends<P: Index>(
    starts: &[P],
    path_nodes: &[P],
    masks: &[u32],
    voxels: &[i64],
    monitor: &Monitor,
) -> Result<Ends<P>> {
    check_indptr("paths", starts, path_nodes.len())?;
    if masks.len() != voxels.len() {
        let reason = format!("expected a mask for each of the {} voxels, got {}", voxels.len(), masks.len());
        return Err(Error::InvalidArgument { name: "graph", reason });
    }
    let count = starts.len() - 1;
    let zeros = || Ok([try_zeros(ENDS, count)?, try_zeros(ENDS, count)?]);
    let mut ends = Ends {
        nodes: zeros()?,
        voxels: [try_zeros(ENDS, count)?, try_zeros(ENDS, count)?],
        types: try_zeros(ENDS, count)?,
    };
    let [sources, destinations] = &mut ends.nodes;
    let [source_voxels, destination_voxels] = &mut ends.voxels;
    let positions = source_voxels.par_chunks_mut(TASK).zip(destination_voxels.par_chunks_mut(TASK));
    let nodes = sources.par_chunks_mut(TASK).zip(destinations.par_chunks_mut(TASK));
    let tasks = starts[..count].par_chunks(TASK).zip(starts[1..].par_chunks(TASK)).zip(ends.types.par_chunks_mut(TASK));
    tasks.zip(nodes).zip(positions).try_for_each(|((((from, to), types), nodes), positions)| {
        monitor.check()?;
        if from.iter().zip(to).any(|(start, stop)| start == stop) {
            return Err(Error::InvalidArgument {
                name: "paths",
                reason: "expected at least one node in each path".to_owned(),
            });
        }
        for (node, &start) in nodes.0.iter_mut().zip(from) {
            *node = path_nodes[start.get()];
        }
        for (node, &stop) in nodes.1.iter_mut().zip(to) {
            *node = path_nodes[stop.get() - 1];
        }
        check_nodes("paths", nodes.0, voxels.len())?;
        check_nodes("paths", nodes.1, voxels.len())?;
        let ends = nodes.0.iter().zip(nodes.1.iter());
        for (((kind, (source, destination)), from), to) in types.iter_mut().zip(ends).zip(positions.0).zip(positions.1)
        {
            let is_tip = |node: &P| i64::from(masks[node.get()].is_power_of_two());
            *kind = if source == destination { 3 } else { 2 - is_tip(source) - is_tip(destination) };
            (*from, *to) = (voxels[source.get()], voxels[destination.get()]);
        }
        Ok(())
    })?;
    Ok(ends)
}

/// A number that coordinates are multiplied by.
pub trait Spacing: Copy + Send + Sync + bytemuck::Zeroable {
    /// The coordinate of a voxel.
    #[must_use]
    fn times(self, voxel: i64) -> Self;

    /// The square of the difference of two coordinates.
    fn squared_difference(from: Self, to: Self) -> f64;
}

impl Spacing for f64 {
    #[inline]
    fn times(self, voxel: i64) -> Self {
        voxel as Self * self
    }

    #[inline]
    fn squared_difference(from: Self, to: Self) -> f64 {
        (to - from) * (to - from)
    }
}

impl Spacing for i64 {
    #[inline]
    fn times(self, voxel: i64) -> Self {
        voxel.wrapping_mul(self)
    }

    #[inline]
    fn squared_difference(from: Self, to: Self) -> f64 {
        let difference = to.wrapping_sub(from);
        difference.wrapping_mul(difference) as f64
    }
}

/// Where the ends of branches lie; first the axes of the sources, then those of the destinations.
#[derive(Debug, Clone, PartialEq)]
pub struct EndPositions<S> {
    /// The coordinates, axis by axis.
    pub voxels: Vec<i64>,
    /// The same times the spacing.
    pub scaled: Vec<S>,
    /// The distances between the ends.
    pub chords: Vec<f64>,
}

/// Where the ends of branches lie in an image of `shape`, whose linear indices are given.
///
/// # Errors
/// [`Error::InvalidArgument`] if there are more than three axes or none, if the lists differ in length, or a voxel lies outside;
/// [`Error::OutOfMemory`]; [`Error::Interrupted`] through `monitor`.
pub fn positions<S: Spacing>(
    ends: [&[i64]; 2],
    shape: &[usize],
    spacing: &[S],
    monitor: &Monitor,
) -> Result<EndPositions<S>> {
    match (shape, spacing) {
        (&[x], &[dx]) => places_in([x], ends, [dx], monitor),
        (&[y, x], &[dy, dx]) => places_in([y, x], ends, [dy, dx], monitor),
        (&[z, y, x], &[dz, dy, dx]) => places_in([z, y, x], ends, [dz, dy, dx], monitor),
        _ => {
            let reason = format!("expected one to three axes, each with its spacing, got {shape:?}");
            Err(Error::InvalidArgument { name: "shape", reason })
        }
    }
}

fn places_in<S: Spacing, const AXES: usize>(
    shape: [usize; AXES],
    ends: [&[i64]; 2],
    spacing: [S; AXES],
    monitor: &Monitor,
) -> Result<EndPositions<S>> {
    let count = ends[0].len();
    check_shape(&shape)?;
    if ends[1].len() != count {
        let reason = format!("expected as many as the {count} sources, got {}", ends[1].len());
        return Err(Error::InvalidArgument { name: "destinations", reason });
    }
    let size: usize = shape.iter().product();
    let mut positions = EndPositions {
        voxels: try_zeros(ENDS, 2 * AXES * count)?,
        scaled: try_zeros(ENDS, 2 * AXES * count)?,
        chords: try_zeros(ENDS, count)?,
    };
    if count == 0 {
        return Ok(positions);
    }
    advise_huge_pages(&mut positions.voxels);
    advise_huge_pages(&mut positions.scaled);
    let mut columns = Columns {
        voxels: positions.voxels.chunks_mut(count).map(|column| column.chunks_mut(TASK)).collect(),
        scaled: positions.scaled.chunks_mut(count).map(|column| column.chunks_mut(TASK)).collect(),
    };
    let parts: Vec<_> = positions.chords.chunks_mut(TASK).map(|chords| (columns.next(), chords)).collect();
    let indices = ends[0].par_chunks(TASK).zip(ends[1].par_chunks(TASK));
    parts.into_par_iter().zip(indices).try_for_each(|((mut part, chords), (sources, destinations))| {
        monitor.check()?;
        if let Some(outside) = sources.iter().chain(destinations).find(|&&index| index as usize >= size) {
            let reason = format!("expected linear indices in shape {shape:?}, got {outside}");
            return Err(Error::InvalidArgument { name: "voxels", reason });
        }
        for (row, (chord, (&source, &destination))) in
            chords.iter_mut().zip(sources.iter().zip(destinations)).enumerate()
        {
            let ends = [source, destination].map(|index| coordinates(index as usize, shape));
            let scaled = ends.map(|end| std::array::from_fn::<S, AXES, _>(|axis| spacing[axis].times(end[axis])));
            for (at, column) in part.voxels.iter_mut().enumerate() {
                column[row] = ends[at / AXES][at % AXES];
            }
            for (at, column) in part.scaled.iter_mut().enumerate() {
                column[row] = scaled[at / AXES][at % AXES];
            }
            let [from, to] = scaled;
            let squares = from.into_iter().zip(to).map(|(from, to)| S::squared_difference(from, to));
            *chord = squares.fold(0.0, |sum, square| sum + square).sqrt();
        }
        Ok(())
    })?;
    Ok(positions)
}

/// The coordinates of a linear index.
#[inline]
fn coordinates<const AXES: usize>(index: usize, shape: [usize; AXES]) -> [i64; AXES] {
    let mut rest = index;
    let mut at = [0; AXES];
    for axis in (1..AXES).rev() {
        at[axis] = (rest % shape[axis]) as i64;
        rest /= shape[axis];
    }
    at[0] = rest as i64;
    at
}

/// The columns of voxels and coordinates, task by task.
struct Columns<'a, S> {
    voxels: Vec<ChunksMut<'a, i64>>,
    scaled: Vec<ChunksMut<'a, S>>,
}

/// The rows of a task in each column.
struct TaskColumns<'a, S> {
    voxels: Vec<&'a mut [i64]>,
    scaled: Vec<&'a mut [S]>,
}

impl<'a, S> Columns<'a, S> {
    fn next(&mut self) -> TaskColumns<'a, S> {
        TaskColumns {
            voxels: self.voxels.iter_mut().filter_map(ChunksMut::next).collect(),
            scaled: self.scaled.iter_mut().filter_map(ChunksMut::next).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::errors::Error;

    #[test]
    fn ends_of_paths_and_their_types() {
        // A cycle, then from a tip to a junction, between junctions, and between tips.
        let (starts, nodes) = ([0, 3, 5, 8, 10], [4, 5, 4, 0, 1, 1, 2, 3, 6, 7]);
        let masks = [0b1, 0b111, 0b11, 0b1101, 0b11, 0b11, 0b1, 0b10];
        let voxels: Vec<i64> = (10..18).collect();
        let ends = path_ends(&starts, &nodes, &masks, &voxels, &Monitor::new()).unwrap();
        assert_eq!(ends.nodes, [vec![4, 0, 1, 6], vec![4, 1, 3, 7]]);
        assert_eq!(ends.voxels, [vec![14, 10, 11, 16], vec![14, 11, 13, 17]]);
        assert_eq!(ends.types, [3, 1, 2, 0]);
        for (starts, nodes) in [(&[0, 0][..], &[][..]), (&[0, 1], &[8]), (&[0, 1], &[-1]), (&[1, 2], &[0, 1])] {
            let wrong = path_ends::<i32>(starts, nodes, &masks, &voxels, &Monitor::new());
            assert!(matches!(wrong, Err(Error::InvalidArgument { name: "paths", .. })), "{starts:?}");
        }
        assert!(path_ends(&starts, &nodes, &masks[1..], &voxels, &Monitor::new()).is_err());
    }

    #[test]
    fn many_paths_in_several_tasks() {
        fn compare<P: Index>() {
            // Paths of one to five nodes, each node after the other.
            let lengths = (0..20_001).map(|path| 1 + path % 5);
            let starts: Vec<usize> = std::iter::once(0)
                .chain(lengths.scan(0, |sum, length| {
                    Some({
                        *sum += length;
                        *sum
                    })
                }))
                .collect();
            let nodes: Vec<usize> = (0..starts[20_001]).map(|node| node * 7 % 30_000).collect();
            let masks: Vec<u32> = (0..30_000).map(|node| [1, 0b11, 0b111][node % 3]).collect();
            let voxels: Vec<i64> = (0..30_000).map(|node| 3 * node + 1).collect();
            let [typed_starts, typed_nodes] =
                [&starts, &nodes].map(|list| list.iter().map(|&at| P::new(at)).collect::<Vec<_>>());
            let ends = path_ends(&typed_starts, &typed_nodes, &masks, &voxels, &Monitor::new()).unwrap();
            for (path, bounds) in starts.windows(2).enumerate() {
                let [source, destination] = [nodes[bounds[0]], nodes[bounds[1] - 1]];
                assert_eq!(ends.nodes.each_ref().map(|nodes| nodes[path].get()), [source, destination]);
                assert_eq!(ends.voxels.each_ref().map(|voxels| voxels[path]), [voxels[source], voxels[destination]]);
                let tips = [source, destination].iter().filter(|&&node| node % 3 == 0).count() as i64;
                assert_eq!(ends.types[path], if source == destination { 3 } else { 2 - tips });
            }
        }
        compare::<i32>();
        compare::<i64>();
    }

    #[test]
    fn places_in_the_type_of_the_spacing() {
        let (shape, spacing) = ([3, 40, 50], [0.7, 1.1, 0.3]);
        let ends: [Vec<i64>; 2] = [7, 11].map(|step| (0..20_000).map(|at| at * step % 6000).collect());
        let found = positions([&ends[0], &ends[1]], &shape, &spacing, &Monitor::new()).unwrap();
        let whole = positions([&ends[0], &ends[1]], &shape, &[2_i64, 1, 3], &Monitor::new()).unwrap();
        assert_eq!(found.voxels, whole.voxels);
        for row in (0..20_000).step_by(7) {
            let at = |column: usize| found.voxels[column * 20_000 + row];
            for (end, indices) in ends.iter().enumerate() {
                assert_eq!((at(3 * end) * 40 + at(3 * end + 1)) * 50 + at(3 * end + 2), indices[row]);
            }
            let (mut sum, mut whole_sum) = (0.0, 0);
            for axis in 0..3 {
                let [from, to] = [axis, axis + 3].map(|column| found.scaled[column * 20_000 + row]);
                assert_eq!(from.to_bits(), (at(axis) as f64 * spacing[axis]).to_bits());
                sum += (to - from) * (to - from);
                let [from, to] = [axis, axis + 3].map(|column| whole.scaled[column * 20_000 + row]);
                assert_eq!(from, at(axis) * [2, 1, 3][axis]);
                whole_sum += (to - from) * (to - from);
            }
            assert_eq!(found.chords[row].to_bits(), sum.sqrt().to_bits());
            assert_eq!(whole.chords[row].to_bits(), (whole_sum as f64).sqrt().to_bits());
        }
        for (ends, shape) in [
            ([&[6000][..], &[0]], &shape[..]),
            ([&[-1], &[0]], &shape),
            ([&[0], &[]], &shape),
            ([&[0], &[0]], &[]),
            ([&[0], &[0]], &[1 << 40, 1 << 40, 0]),
        ] {
            assert!(positions(ends, shape, &spacing[..shape.len()], &Monitor::new()).is_err(), "{shape:?}");
        }
    }
}
