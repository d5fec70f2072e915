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
//! Cost: linear in the voxels of the skeleton, times the logarithm of the distance in their list for each neighbour looked up. Memory:
//! an index and 9 bytes a skeleton voxel.

use rayon::prelude::*;

use crate::centreline::Skeleton;
use crate::graph::csr::Index;
use crate::graph::junctions::{DisjointSets, JUNCTION};
use crate::support::allocate::{Grow, try_filled, try_with_capacity, try_zeros};
use crate::support::errors::{Result, check_numbers};
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
    /// The number of the first voxel of each node, which is its smallest.
    pub firsts: Vec<i64>,
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
    check_numbers("nodes", skeleton.nodes.len())?;
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
    drop(path_ends);
    let mut sets = DisjointSets::<I>::new(skeleton.nodes.len())?;
    let mut is_member = try_zeros::<u8>(NODES, skeleton.nodes.len())?;
    for (path, &[first, last]) in reached.iter().enumerate() {
        let path = skeleton.path(path);
        for end in [path.first(), path.last()].into_iter().flatten() {
            is_member[end.get()] = 1;
        }
        for part in [&path[..path.len().min(first + 1)], &path[path.len().saturating_sub(last + 1)..]] {
            for pair in part.windows(2) {
                sets.join(pair[0].get(), pair[1].get());
                is_member[pair[0].get()] = 1;
                is_member[pair[1].get()] = 1;
            }
        }
    }
    monitor.check()?;
    let members = || is_member.iter().enumerate().filter(|&(_, &is_member)| is_member == 1).map(|(member, _)| member);
    // A set is known by its smallest member, which is met first.
    let mut node_of = try_zeros::<u32>(NODES, skeleton.nodes.len())?;
    let mut ends = Vec::new();
    for member in members() {
        let root = sets.find(member);
        if root == member {
            node_of[member] = ends.len() as u32;
            ends.try_push(NODES, 0_usize)?;
        }
        node_of[member] = node_of[root];
        ends[node_of[member] as usize] += 1;
    }
    drop(sets);
    let mut count = 0;
    for end in &mut ends {
        // Where the members of the node begin; it moves to their end as they come in.
        (*end, count) = (count, count + *end);
    }
    let mut grouped = try_filled(NODES, count, 0_u32)?;
    for member in members() {
        let end = &mut ends[node_of[member] as usize];
        grouped[*end] = member as u32;
        *end += 1;
    }
    let nodes = ends.len();
    let mut result = Nodes {
        centroids: try_filled(NODES, nodes, [0.0; 3])?,
        voxels: try_filled(NODES, nodes, 0)?,
        firsts: try_filled(NODES, nodes, 0)?,
        faces: try_filled(NODES, nodes, 0)?,
        degrees: try_filled(NODES, nodes, 0)?,
        of_paths: [try_with_capacity(NODES, paths)?, try_with_capacity(NODES, paths)?],
        inside: try_with_capacity(NODES, paths)?,
    };
    for (first, &end) in result.firsts.iter_mut().skip(1).zip(&ends) {
        *first = i64::from(grouped[end]);
    }
    if let (Some(first), Some(&member)) = (result.firsts.first_mut(), grouped.first()) {
        *first = i64::from(member);
    }
    let tasks = result.centroids.par_chunks_mut(TASK).zip(result.voxels.par_chunks_mut(TASK));
    tasks.zip(result.faces.par_chunks_mut(TASK)).enumerate().for_each(|(task, ((centroids, voxels), faces))| {
        for (at, centroid) in centroids.iter_mut().enumerate() {
            let node = task * TASK + at;
            let start = node.checked_sub(1).map_or(0, |before| ends[before]);
            let (middle, voxel) = middle(&skeleton, &grouped[start..ends[node]]);
            (*centroid, voxels[at]) = (middle, voxel as i64);
            faces[at] = faces_of(&skeleton, voxel);
        }
    });
    for (path, steps) in reached.iter().enumerate() {
        let path = skeleton.path(path);
        let inside = steps.iter().any(|&steps| steps > 0 && steps + 1 == path.len());
        result.inside.push(inside);
        for (side, end) in [path.first(), path.last()].into_iter().enumerate() {
            let node = end.map_or(0, |end| node_of[end.get()]);
            result.of_paths[side].push(i64::from(node));
            if !inside && end.is_some() {
                result.degrees[node as usize] += 1;
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
            let first = first_from(skeleton.nodes, node, start);
            count += skeleton.nodes[first..].iter().take(3).take_while(|&&voxel| voxel < end).count();
            // The voxel itself is among them.
            if count > JUNCTION {
                return true;
            }
        }
    }
    count > JUNCTION
}

/// Where the first of ascending voxels is that is not before `voxel`, looked for from place `from` on in growing steps.
fn first_from(voxels: &[i64], from: usize, voxel: i64) -> usize {
    let is_before = |at: usize| voxels[at] < voxel;
    let (mut start, mut end, mut step) = (from, from, 1);
    while end < voxels.len() && is_before(end) {
        start = end + 1;
        end = (end + step).min(voxels.len());
        step *= 2;
    }
    while start > 0 && !is_before(start - 1) {
        end = start - 1;
        start = start.saturating_sub(step);
        step *= 2;
    }
    start + voxels[start..end].partition_point(|&other| other < voxel)
}

/// The centroid of the voxels of a node, and the number of the one nearest to it.
fn middle<I: Index>(skeleton: &Skeleton<'_, I>, group: &[u32]) -> ([f64; 3], usize) {
    let mut sums = [0; 3];
    for &member in group {
        let voxel = skeleton.voxel_of_image(member as usize);
        sums = [0, 1, 2].map(|axis| sums[axis] + voxel[axis]);
    }
    let centroid = sums.map(|sum| sum as f64 / group.len() as f64);
    let mut best = (f64::INFINITY, group[0]);
    for &member in group {
        let voxel = skeleton.voxel_of_image(member as usize);
        let along = [0, 1, 2].map(|axis| (voxel[axis] as f64 - centroid[axis]) * skeleton.spacing[axis]);
        let square = along[0] * along[0] + along[1] * along[1] + along[2] * along[2];
        if square < best.0 {
            best = (square, member);
        }
    }
    (centroid, best.1 as usize)
}

/// The faces of the image that a voxel's object reaches next to it.
fn faces_of<I: Index>(skeleton: &Skeleton<'_, I>, node: usize) -> u8 {
    let mask = skeleton.mask;
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
    use crate::image::mask_rows::MaskRows;

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
        let found = nodes(skeleton, &Monitor::new()).unwrap();
        assert_eq!(nodes(Skeleton { mask: &mask.in_a_file(), ..skeleton }, &Monitor::new()).as_ref(), Ok(&found));
        found
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
        assert_eq!(found.firsts, [0, 1, 2, 4, 5]);
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
            // The node nearest to the middle of the square need not be its first voxel.
            assert_eq!(found.firsts, [0, 1, 2, 6]);
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
    fn places_are_those_of_a_search_through_all() {
        let voxels: Vec<i64> = (0..90).map(|at| at * at / 7 + at).collect();
        for (from, voxel) in (0..voxels.len()).flat_map(|from| (-2..1300).step_by(3).map(move |voxel| (from, voxel))) {
            let expected = voxels.partition_point(|&other| other < voxel);
            assert_eq!(first_from(&voxels, from, voxel), expected, "{from} {voxel}");
        }
    }

    #[test]
    fn no_voxels_have_no_nodes() {
        assert_eq!(nodes_of([1, 3, 3], &[], &[]), Nodes::default());
    }
}
