//! The nodes of a network: junctions, each a cluster of voxels that touch, and tips.
//!
//! A **junction voxel** has three neighbours or more before the edges between such voxels are pruned ([`crate::graph::junctions`]).
//! What is left of these edges is a spanning tree of each cluster, so a cluster is what they connect. Only clusters count in which
//! three branches or more end at some voxel; other ends of branches are nodes of one voxel. A branch all of whose edges lie
//! within a cluster lies inside a junction: such branches are a tree of the cluster's ends, so that the network without them,
//! each cluster being one node, has the loops of the graph of branches and no others.
//!
//! Nodes are numbered by their smallest voxel, so that numbers depend on the skeleton alone.
//!
//! A node **touches a face** of the image if all voxels from its own straight to the face are foreground and the way is no longer
//! than twice the radius there: thinning moves the end of a tube that is cut by a face away from it by about its radius.
//!
//! Cost: linear in the ends of branches, times the logarithm of the voxels for each neighbour looked up; an index and 4 bytes a
//! skeleton voxel.

use rayon::prelude::*;

use crate::centreline::Skeleton;
use crate::graph::csr::Index;
use crate::graph::junctions::{DisjointSets, JUNCTION};
use crate::image::mask_rows::MaskRows;
use crate::support::allocate::{Grow, try_filled, try_with_capacity};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// What the buffers are for.
const NODES: &str = "the nodes of a network";

/// Paths that a task handles.
const TASK: usize = 1 << 10;

/// The nodes of a network, in ascending order of their smallest voxel, and those at the ends of its paths.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Nodes {
    /// The nodes at the first and at the last voxel of each path.
    pub of_paths: [Vec<i64>; 2],
    /// Whether a path lies inside a junction.
    pub inside: Vec<bool>,
    /// The centroid of the voxels of each node, in voxels.
    pub centroids: Vec<[f64; 3]>,
    /// The number of the skeleton voxel nearest to the centroid; the first of equals.
    pub voxels: Vec<i64>,
    /// How many ends of paths outside junctions lie at each node.
    pub degrees: Vec<i64>,
    /// The faces that a node touches: bit 2 a for the first face along axis a, and the bit after it for the last.
    pub faces: Vec<u8>,
}

/// The nodes of a skeleton.
///
/// # Errors
/// [`crate::support::errors::Error::InvalidArgument`] if the arrays do not fit each other, [`crate::support::errors::Error::OutOfMemory`], or
/// [`crate::support::errors::Error::Interrupted`] through `monitor`.
pub fn nodes<I: Index>(skeleton: Skeleton<'_, I>, monitor: &Monitor) -> Result<Nodes> {
    skeleton.check()?;
    let path_ends = skeleton.path_ends()?;
    let paths = skeleton.count();
    let mut reached = try_filled(NODES, paths, [0; 2])?;
    reached.par_chunks_mut(TASK).enumerate().try_for_each(|(task, reached)| {
        monitor.check()?;
        for (reached, path) in reached.iter_mut().zip(task * TASK..) {
            *reached = from_junctions(&skeleton, path, &path_ends);
        }
        Ok(())
    })?;
    let mut sets = DisjointSets::<I>::new(skeleton.nodes.len())?;
    let mut members = Vec::new();
    for (path, &[first, last]) in reached.iter().enumerate() {
        let path = skeleton.path(path);
        if let [source, .., destination] = path {
            members.try_extend(NODES, [source.get(), destination.get()])?;
        }
        for part in [&path[..path.len().min(first + 1)], &path[path.len().saturating_sub(last + 1)..]] {
            for pair in part.windows(2) {
                sets.join(pair[0].get(), pair[1].get());
                members.try_extend(NODES, [pair[0].get(), pair[1].get()])?;
            }
        }
    }
    monitor.check()?;
    members.sort_unstable();
    members.dedup();
    let mut grouped = try_with_capacity(NODES, members.len())?;
    grouped.try_extend(NODES, members.iter().map(|&member| (sets.find(member), member)))?;
    grouped.sort_unstable();
    let mut result = Nodes::default();
    let mut smallest = Vec::new();
    for group in grouped.chunk_by(|one, other| one.0 == other.0) {
        let (centroid, voxel) = middle(&skeleton, group);
        smallest.try_push(NODES, group[0].0)?;
        result.centroids.try_push(NODES, centroid)?;
        result.voxels.try_push(NODES, voxel as i64)?;
        result.faces.try_push(NODES, faces(skeleton.mask, &skeleton, voxel))?;
    }
    result.degrees = try_filled(NODES, smallest.len(), 0)?;
    for side in &mut result.of_paths {
        *side = try_with_capacity(NODES, paths)?;
    }
    for (path, steps) in reached.iter().enumerate() {
        let path = skeleton.path(path);
        let inside = steps.iter().any(|&steps| steps > 0 && steps + 1 == path.len());
        result.inside.try_push(NODES, inside)?;
        for (side, end) in [path.first(), path.last()].into_iter().enumerate() {
            let node = end.map_or(0, |end| smallest.partition_point(|&root| root < sets.find(end.get())));
            result.of_paths[side].try_push(NODES, node as i64)?;
            if !inside && end.is_some() {
                result.degrees[node] += 1;
            }
        }
    }
    Ok(result)
}

/// How many steps a path makes within a junction, from its first voxel on and from its last one back.
fn from_junctions<I: Index>(skeleton: &Skeleton<'_, I>, path: usize, path_ends: &[u32]) -> [usize; 2] {
    let path = skeleton.path(path);
    let steps = |voxels: &mut dyn Iterator<Item = &I>| {
        let starts_at_junction = voxels.next().is_some_and(|end| path_ends[end.get()] as usize >= JUNCTION);
        if !starts_at_junction {
            return 0;
        }
        voxels.take_while(|voxel| has_three_neighbours(skeleton, voxel.get())).count()
    };
    [steps(&mut path.iter()), steps(&mut path.iter().rev())]
}

/// Whether a voxel has three neighbours or more in the skeleton.
fn has_three_neighbours<I: Index>(skeleton: &Skeleton<'_, I>, node: usize) -> bool {
    let [depth, height, width] = skeleton.mask.shape().map(|length| length as i64);
    let [z, y, x] = skeleton.voxel(node);
    let mut count = 0;
    for z in (z - 1).max(0)..(z + 2).min(depth) {
        for y in (y - 1).max(0)..(y + 2).min(height) {
            let row = (z * height + y) * width;
            let [start, end] = [row + (x - 1).max(0), row + (x + 2).min(width)];
            let first = skeleton.nodes.partition_point(|&voxel| voxel < start);
            count += skeleton.nodes[first..].iter().take(3).take_while(|&&voxel| voxel < end).count();
            // The voxel itself is among them.
            if count > JUNCTION {
                return true;
            }
        }
    }
    count > JUNCTION
}

/// The centroid of the voxels of a node, and the number of the one nearest to it.
fn middle<I: Index>(skeleton: &Skeleton<'_, I>, group: &[(usize, usize)]) -> ([f64; 3], usize) {
    let mut sums = [0; 3];
    for &(_, member) in group {
        let voxel = skeleton.voxel_of_image(member);
        sums = [0, 1, 2].map(|axis| sums[axis] + voxel[axis]);
    }
    let centroid = sums.map(|sum| sum as f64 / group.len() as f64);
    let mut best = (f64::INFINITY, group[0].1);
    for &(_, member) in group {
        let voxel = skeleton.voxel_of_image(member);
        let along = [0, 1, 2].map(|axis| (voxel[axis] as f64 - centroid[axis]) * skeleton.spacing[axis]);
        let square = along[0] * along[0] + along[1] * along[1] + along[2] * along[2];
        if square < best.0 {
            best = (square, member);
        }
    }
    (centroid, best.1)
}

/// The faces of the image that a voxel's object reaches next to it.
fn faces<I: Index>(mask: &MaskRows, skeleton: &Skeleton<'_, I>, node: usize) -> u8 {
    let voxel = skeleton.voxel(node);
    let limit = 2.0 * skeleton.radii[node];
    let mut faces = 0;
    for axis in 3 - skeleton.axes..3 {
        let last = mask.shape()[axis] as i64 - 1;
        for (side, steps, step) in [(0, voxel[axis], -1), (1, last - voxel[axis], 1)] {
            let is_near = steps as f64 * skeleton.spacing[axis] <= limit;
            let reaches = is_near
                && (1..=steps).all(|count| {
                    let mut at = voxel;
                    at[axis] += step * count;
                    mask.get(at) == Some(true)
                });
            faces |= u8::from(reaches) << (2 * axis + side);
        }
    }
    faces
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::image::elements::Shared;

    /// A skeleton given by its voxels and paths of their numbers, in a mask of the same voxels.
    fn nodes_of(shape: [usize; 3], voxels: &[[usize; 3]], paths: &[&[i64]]) -> Nodes {
        let linear = |at: &[usize; 3]| ((at[0] * shape[1] + at[1]) * shape[2] + at[2]) as i64;
        let voxels: Vec<i64> = voxels.iter().map(linear).collect();
        let mut image = Array3::<u8>::zeros(shape);
        for &voxel in &voxels {
            image.as_slice_mut().unwrap()[voxel as usize] = 1;
        }
        let mut mask = MaskRows::zeros(shape, [false; 3]).unwrap();
        mask.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()).unwrap();
        let starts: Vec<i64> = std::iter::once(0)
            .chain(paths.iter().scan(0, |end, path| {
                *end += path.len() as i64;
                Some(*end)
            }))
            .collect();
        let skeleton = Skeleton {
            mask: &mask,
            spacing: [1.0; 3],
            axes: 2,
            origin: [0; 3],
            nodes: &voxels,
            radii: &vec![1.0; voxels.len()],
            starts: &starts,
            paths: &paths.concat(),
        };
        nodes(skeleton, &Monitor::new()).unwrap()
    }

    #[test]
    fn voxels_of_a_junction_that_touch_are_one_node() {
        // Two junctions side by side, each with two ends at the border:
        //  #..#
        //  .##.
        //  #..#
        let voxels = [[0, 0, 0], [0, 0, 3], [0, 1, 1], [0, 1, 2], [0, 2, 0], [0, 2, 3]];
        let found = nodes_of([1, 3, 4], &voxels, &[&[0, 2], &[1, 3], &[2, 3], &[2, 4], &[3, 5]]);
        assert_eq!(found.of_paths, [vec![0, 1, 2, 2, 2], vec![2, 2, 2, 3, 4]]);
        assert_eq!(found.inside, [false, false, true, false, false]);
        assert_eq!(found.degrees, [1, 1, 4, 1, 1]);
        assert_eq!(found.centroids[2].map(f64::to_bits), [0.0_f64, 1.0, 1.5].map(f64::to_bits));
        assert_eq!(found.voxels, [0, 1, 2, 4, 5]);
        // The tips lie in two faces each, the first axis does not count.
        assert_eq!(found.faces, [0b01_0100, 0b10_0100, 0, 0b01_1000, 0b10_1000]);
    }

    #[test]
    fn a_tip_in_a_junction_is_none() {
        // Of the square in the middle, the voxel without a branch of its own is a tip of the pruned graph:
        //  #..#
        //  .##.
        //  .##.
        //  #...
        let voxels = [[0, 0, 0], [0, 0, 3], [0, 1, 1], [0, 1, 2], [0, 2, 1], [0, 2, 2], [0, 3, 0]];
        for inner in [[2, 5], [5, 2]] {
            let found = nodes_of([1, 4, 4], &voxels, &[&[0, 2], &[1, 3, 2], &[2, 4, 6], &inner]);
            assert_eq!(found.of_paths, [vec![0, 1, 2, 2], vec![2, 2, 3, 2]]);
            assert_eq!(found.inside, [false, false, false, true]);
            assert_eq!(found.degrees, [1, 1, 3, 1]);
        }
    }

    #[test]
    fn a_cycle_has_a_node_of_degree_two() {
        let voxels = [[0, 0, 1], [0, 1, 0], [0, 1, 2], [0, 2, 1]];
        let found = nodes_of([1, 3, 3], &voxels, &[&[0, 1, 3, 2, 0]]);
        assert_eq!(found.of_paths, [vec![0], vec![0]]);
        assert_eq!((found.degrees, found.inside), (vec![2], vec![false]));
    }

    #[test]
    fn no_voxels_have_no_nodes() {
        assert_eq!(nodes_of([1, 3, 3], &[], &[]), Nodes::default());
    }
}
