//! Pruning: removes short end branches (twigs) of a skeleton, the shortest first, and keeps the topology.
//!
//! A **twig** is a branch from a free end, its tip, to a junction. A round takes the twigs by length, then by the linear index of
//! the tip, and removes each that is too short, up to its junction. If two branches are left at that junction they become one
//! branch, which is a twig if one of them was. After a round the neighbourhood of the removed voxels is thinned in raster order
//! until it has no simple voxel that is not an endpoint; else the corner of a former junction would stay a junction. Rounds repeat
//! until one removes nothing.
//!
//! Invariants: each voxel is (26, 6)-simple when it is removed, whether with a twig, from its tip on, or by thinning. So
//! components, tunnels and cavities of the voxels are kept, for any input; a twig with a voxel that is not simple stays whole. A
//! branch with two free ends is not a twig, so no component vanishes. Lengths are sums of counts of steps times their distances,
//! so they do not depend on the order in which branches were joined.
//!
//! Because the order depends on lengths and on the order of the voxels only, and thinning is local, parts of a skeleton between long
//! lines can be pruned alone; where the image is larger than memory, they are.
//!
//! Cost: a round builds the pixel graph of the remaining voxels and walks each twig a few times; two or three rounds are usual.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::graph::csr::{Csr, Index};
use crate::graph::junctions::prune_junctions;
use crate::graph::pixel_graph::{Neighbourhood, pixel_graph};
use crate::image::indices::position;
use crate::image::neighbourhood::{at_most_one_component, bit, is_simple_and_no_endpoint, one_background_component};
use crate::support::allocate::{Grow, try_collect, try_copy, try_filled, try_push_to_heap};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

pub mod thin_nodes;

/// Which twigs are too short.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// Those shorter than this.
    pub length: f64,
    /// Those shorter than this times the radius at their junction.
    pub ratio: f64,
    /// Those with a smaller bulge than this: the length of what lies outside the ball around their junction, with the radius at
    /// the tip, over the mean radius there. (Drees et al., BMC Bioinformatics 22:346, 2021.)
    pub bulge: f64,
    /// The radius at each voxel, if that counts.
    pub radii: Option<&'a [f64]>,
}

impl Limits<'_> {
    /// Whether a twig, whose voxels have these numbers, is too short.
    fn is_short<I: Index>(self, twig: &Twig, numbers: &[usize], voxels: &Voxels<I>, steps: &Steps) -> bool {
        let of_radii = |radii: &[f64]| {
            twig.length < self.ratio * radii[numbers[twig.junction]]
                || (self.bulge > 0.0 && twig.bulge(numbers, radii, voxels, steps) < self.bulge)
        };
        twig.length < self.length || self.radii.is_some_and(of_radii)
    }
}

/// Which voxels pruning leaves of a skeleton: ascending linear indices in an image of `shape`.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`], or [`crate::support::errors::Error::Interrupted`] through `monitor`.
///
/// # Panics
/// If there are radii but not one for each voxel, or if 26 times the voxels do not fit `I`.
pub fn prune<I: Index>(
    nodes: &[i64],
    shape: [usize; 3],
    spacing: [f64; 3],
    limits: Limits<'_>,
    monitor: &Monitor,
) -> Result<Vec<bool>> {
    assert!(limits.radii.is_none_or(|radii| radii.len() == nodes.len()), "each voxel has its radius");
    let mut voxels = Voxels::<I>::new(nodes, shape, monitor)?;
    let steps = Steps::new(spacing);
    loop {
        let numbers = try_collect("voxels", (0..nodes.len()).filter(|&number| voxels.kept[number]))?;
        let left = try_collect("voxels", numbers.iter().map(|&number| nodes[number]))?;
        let graph = Branching::<I>::new(&left, numbers, shape, spacing, monitor)?;
        let removed = remove_twigs(graph, &mut voxels, &steps, limits, monitor)?;
        if removed.is_empty() {
            return Ok(voxels.kept);
        }
        voxels.thin_around(&removed)?;
    }
}

/// What a list of voxels is called when there is no memory for it.
const TWIGS: &str = "the voxels of twigs";

/// The voxels with their neighbours, whether a branch leads there or not.
struct Voxels<I> {
    graph: Csr<I>,
    /// z, y and x of each voxel, modulo 2³²: those of neighbours differ by one at most.
    positions: Vec<[u32; 3]>,
    /// The neighbours that are left, as [`crate::image::neighbourhood`] numbers them.
    neighbours: Vec<u32>,
    kept: Vec<bool>,
}

impl<I: Index> Voxels<I> {
    fn new(nodes: &[i64], shape: [usize; 3], monitor: &Monitor) -> Result<Self> {
        let graph = pixel_graph::<I>(nodes, &Neighbourhood::new(&shape, &[1.0; 3], 3), None, monitor)?;
        let positions = nodes.iter().map(|&node| position(node, shape).map(|at| at as u32));
        let mut all = Self {
            graph,
            positions: try_collect("coordinates", positions)?,
            neighbours: try_filled("neighbourhoods", nodes.len(), 0)?,
            kept: try_filled("voxels", nodes.len(), true)?,
        };
        for voxel in 0..nodes.len() {
            all.neighbours[voxel] = all.around(voxel).fold(0, |mask, other| mask | all.bit_of(voxel, other));
        }
        Ok(all)
    }

    /// The neighbours of a voxel, gone or not.
    fn around(&self, voxel: usize) -> impl Iterator<Item = usize> + use<'_, I> {
        let graph = self.graph.view();
        graph.row(voxel).map(move |entry| graph.target(entry))
    }

    /// Steps along each axis from a voxel to a neighbour.
    fn step(&self, voxel: usize, neighbour: usize) -> [i32; 3] {
        std::array::from_fn(|axis| {
            self.positions[neighbour][axis].wrapping_sub(self.positions[voxel][axis]).cast_signed()
        })
    }

    fn bit_of(&self, voxel: usize, neighbour: usize) -> u32 {
        let [dz, dy, dx] = self.step(voxel, neighbour);
        1 << bit(dz, dy, dx)
    }

    fn set(&mut self, voxel: usize, is_kept: bool) {
        self.kept[voxel] = is_kept;
        for entry in self.graph.view().row(voxel) {
            let other = self.graph.view().target(entry);
            let bit = self.bit_of(other, voxel);
            self.neighbours[other] = if is_kept { self.neighbours[other] | bit } else { self.neighbours[other] & !bit };
        }
    }

    /// Removes these voxels one by one, or none of them if one is not simple when its turn comes.
    fn peel(&mut self, twig: &[usize]) -> bool {
        for (at, &voxel) in twig.iter().enumerate() {
            let around = self.neighbours[voxel];
            if around == 0 || !at_most_one_component(around) || !one_background_component(around) {
                for &gone in twig[..at].iter().rev() {
                    self.set(gone, true);
                }
                return false;
            }
            self.set(voxel, false);
        }
        true
    }

    /// Thins near these voxels.
    fn thin_around(&mut self, removed: &[usize]) -> Result<()> {
        let mut pending = self.neighbours_of(removed)?;
        while !pending.is_empty() {
            let mut gone = Vec::new();
            for &voxel in &pending {
                if is_simple_and_no_endpoint(self.neighbours[voxel]) {
                    self.set(voxel, false);
                    gone.try_push(TWIGS, voxel)?;
                }
            }
            pending = self.neighbours_of(&gone)?;
        }
        Ok(())
    }

    /// The voxels that are left next to others, ascending.
    fn neighbours_of(&self, removed: &[usize]) -> Result<Vec<usize>> {
        let around = removed.iter().flat_map(|&voxel| self.around(voxel)).filter(|&voxel| self.kept[voxel]);
        let mut around = try_collect("voxels", around)?;
        around.sort_unstable();
        around.dedup();
        Ok(around)
    }
}

/// The distances of steps, by the axes that they go along.
struct Steps([f64; 8]);

impl Steps {
    fn new(spacing: [f64; 3]) -> Self {
        Self(std::array::from_fn(|class| {
            let along = |axis: usize| if class >> axis & 1 == 1 { spacing[axis] * spacing[axis] } else { 0.0 };
            (along(0) + along(1) + along(2)).sqrt()
        }))
    }

    fn class([dz, dy, dx]: [i32; 3]) -> usize {
        usize::from(dz != 0) | usize::from(dy != 0) << 1 | usize::from(dx != 0) << 2
    }

    fn distance(&self, step: [i32; 3]) -> f64 {
        let along = |axis: usize| f64::from(step[axis]) * self.0[1 << axis];
        (along(0) * along(0) + along(1) * along(1) + along(2) * along(2)).sqrt()
    }

    fn length(&self, counts: [u32; 8]) -> f64 {
        counts.iter().zip(self.0).fold(0.0, |length, (&count, step)| length + f64::from(count) * step)
    }
}

/// The graph of the branches, pruned at junctions, from which twigs are taken.
struct Branching<I> {
    graph: Csr<I>,
    /// The number of each node among all voxels.
    numbers: Vec<usize>,
    /// The number of neighbours left; 0 for what has gone.
    degrees: Vec<u32>,
}

/// A branch from a tip to a junction.
struct Twig {
    length: f64,
    /// Its nodes but for the junction, from the tip on.
    nodes: Vec<usize>,
    junction: usize,
}

impl Twig {
    /// How far it sticks out of the ball around its junction, in its own mean radii; 0 if it does not.
    fn bulge<I: Index>(&self, numbers: &[usize], radii: &[f64], voxels: &Voxels<I>, steps: &Steps) -> f64 {
        let junction = numbers[self.junction];
        let mut counts = [0; 8];
        let (mut sum, mut outside, mut last) = (0.0, 0_u32, None);
        for voxel in self.nodes.iter().map(|&node| numbers[node]) {
            if steps.distance(voxels.step(junction, voxel)) <= radii[junction] {
                break;
            }
            if let Some(before) = last {
                counts[Steps::class(voxels.step(before, voxel))] += 1;
            }
            sum += radii[voxel];
            outside += 1;
            last = Some(voxel);
        }
        if outside == 0 {
            0.0
        } else {
            (steps.length(counts) + radii[numbers[self.nodes[0]]]) / (sum / f64::from(outside))
        }
    }
}

/// A twig's rank in the order.
#[derive(PartialEq)]
struct Turn {
    length: f64,
    tip: usize,
}

impl Eq for Turn {}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> Ordering {
        self.length.total_cmp(&other.length).then(self.tip.cmp(&other.tip))
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<I: Index> Branching<I> {
    fn new(
        nodes: &[i64],
        numbers: Vec<usize>,
        shape: [usize; 3],
        spacing: [f64; 3],
        monitor: &Monitor,
    ) -> Result<Self> {
        let mut graph = pixel_graph::<I>(nodes, &Neighbourhood::new(&shape, &spacing, 3), None, monitor)?;
        prune_junctions(&mut graph, monitor)?;
        let degrees = (0..nodes.len()).map(|node| graph.view().degree(node) as u32);
        let degrees = try_collect("degrees", degrees)?;
        Ok(Self { graph, numbers, degrees })
    }

    /// The neighbours of a node that are left.
    fn around(&self, node: usize) -> impl Iterator<Item = usize> + use<'_, I> {
        let graph = self.graph.view();
        graph.row(node).map(move |entry| graph.target(entry)).filter(|&other| self.degrees[other] > 0)
    }

    /// The nodes from `start` by `next` to the first that is no mere step between two others, or back to the start.
    fn walk(&self, start: usize, next: usize) -> Result<Vec<usize>> {
        let mut path = try_copy(TWIGS, &[start, next])?;
        let (mut from, mut node) = (start, next);
        while self.degrees[node] == 2 && node != start {
            let Some(onward) = self.around(node).find(|&other| other != from) else { break };
            (from, node) = (node, onward);
            path.try_push(TWIGS, node)?;
        }
        Ok(path)
    }

    /// The twig of a tip, if it still is one.
    fn twig(&self, tip: usize, voxels: &Voxels<I>, steps: &Steps) -> Result<Option<Twig>> {
        if self.degrees[tip] != 1 {
            return Ok(None);
        }
        let Some(next) = self.around(tip).next() else { return Ok(None) };
        let mut nodes = self.walk(tip, next)?;
        let mut counts = [0; 8];
        for pair in nodes.windows(2) {
            counts[Steps::class(voxels.step(self.numbers[pair[0]], self.numbers[pair[1]]))] += 1;
        }
        let junction = nodes.pop().expect("a walk has a start and an end");
        Ok((self.degrees[junction] > 2).then(|| Twig { length: steps.length(counts), nodes, junction }))
    }
}

/// Removes twigs that are too short, shortest first; returns the numbers of the voxels that went.
fn remove_twigs<I: Index>(
    mut graph: Branching<I>,
    voxels: &mut Voxels<I>,
    steps: &Steps,
    limits: Limits<'_>,
    monitor: &Monitor,
) -> Result<Vec<usize>> {
    let mut turns = BinaryHeap::new();
    for tip in 0..graph.degrees.len() {
        if let Some(twig) = graph.twig(tip, voxels, steps)? {
            try_push_to_heap(TWIGS, &mut turns, Reverse(Turn { length: twig.length, tip }))?;
        }
    }
    let mut removed = Vec::new();
    while let Some(Reverse(turn)) = turns.pop() {
        monitor.check()?;
        let Some(twig) = graph.twig(turn.tip, voxels, steps)? else { continue };
        // A twig that has grown has another turn.
        if twig.length > turn.length || !limits.is_short(&twig, &graph.numbers, voxels, steps) {
            continue;
        }
        let numbers = try_collect(TWIGS, twig.nodes.iter().map(|&node| graph.numbers[node]))?;
        if !voxels.peel(&numbers) {
            continue;
        }
        removed.try_extend(TWIGS, numbers)?;
        for node in twig.nodes {
            graph.degrees[node] = 0;
        }
        graph.degrees[twig.junction] -= 1;
        if graph.degrees[twig.junction] == 2 {
            let beside: Vec<usize> = graph.around(twig.junction).collect();
            for next in beside {
                let Some(&tip) = graph.walk(twig.junction, next)?.last() else { continue };
                if let Some(grown) = graph.twig(tip, voxels, steps)? {
                    try_push_to_heap(TWIGS, &mut turns, Reverse(Turn { length: grown.length, tip }))?;
                }
            }
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pruned(shape: [usize; 3], nodes: &[i64], limits: Limits<'_>) -> Vec<i64> {
        let kept = prune::<i32>(nodes, shape, [1.0; 3], limits, &Monitor::new()).unwrap();
        nodes.iter().zip(kept).filter(|(_, kept)| *kept).map(|(&node, _)| node).collect()
    }

    fn shorter_than(length: f64) -> Limits<'static> {
        Limits { length, ratio: 0.0, bulge: 0.0, radii: None }
    }

    #[test]
    fn of_two_twigs_at_an_end_the_shorter_goes() {
        // A line along the middle row, and from its end one twig of two voxels and one of three.
        let mut nodes: Vec<i64> = (50..56).chain([66, 77, 88, 46, 37]).collect();
        nodes.sort_unstable();
        let left = pruned([1, 10, 10], &nodes, shorter_than(100.0));
        assert!([66, 77, 88].iter().all(|voxel| left.contains(voxel)));
        assert!([46, 37].iter().all(|voxel| !left.contains(voxel)));
        assert_eq!(pruned([1, 10, 10], &nodes, shorter_than(1.0)), nodes);
    }

    #[test]
    fn the_radius_at_the_junction_tells_what_is_short() {
        let mut nodes: Vec<i64> = (50..60).chain([45, 35, 25]).collect();
        nodes.sort_unstable();
        for (radius, goes) in [(3.0, false), (3.1, true)] {
            let radii = vec![radius; nodes.len()];
            let left = pruned([1, 10, 10], &nodes, Limits { length: 0.0, ratio: 1.0, bulge: 0.0, radii: Some(&radii) });
            assert_eq!(left, if goes { (50..60).collect() } else { nodes.clone() });
        }
    }

    #[test]
    fn a_bulge_is_counted_in_radii_from_the_ball_on() {
        // Four voxels above the junction; two are outside its ball, and (1 + 2) / 2 is the bulge.
        let mut nodes: Vec<i64> = (50..60).chain([45, 35, 25, 15]).collect();
        nodes.sort_unstable();
        let radii = vec![2.0; nodes.len()];
        for (bulge, goes) in [(1.5, false), (1.51, true)] {
            let left = pruned([1, 10, 10], &nodes, Limits { length: 0.0, ratio: 0.0, bulge, radii: Some(&radii) });
            assert_eq!(left, if goes { (50..60).collect() } else { nodes.clone() });
        }
        // All of it within the ball.
        let radii = vec![4.0; nodes.len()];
        let left = pruned([1, 10, 10], &nodes, Limits { length: 0.0, ratio: 0.0, bulge: 0.01, radii: Some(&radii) });
        assert_eq!(left, (50..60).collect::<Vec<i64>>());
    }

    #[test]
    fn what_is_no_twig_stays() {
        // A line alone, and a ring with a tail.
        let line: Vec<i64> = (50..60).collect();
        assert_eq!(pruned([1, 10, 10], &line, shorter_than(100.0)), line);
        let ring = [11, 12, 13, 21, 23, 31, 32, 33];
        let mut tailed: Vec<i64> = ring.into_iter().chain([24, 25]).collect();
        tailed.sort_unstable();
        let left = pruned([1, 10, 10], &tailed, shorter_than(100.0));
        assert!(left.iter().all(|voxel| ring.contains(voxel)) && left.len() >= 4);
    }

    #[test]
    fn far_out_on_a_long_axis_is_as_near_the_origin() {
        for length in [1_i64 << 31, 1 << 32, 1 << 40] {
            // A line across the index where 32 bits end, with a twig of two voxels there.
            let row = |y: i64, x: i64| y * (length + 9) + length + x;
            let line = (-8..8).map(|x| row(1, x));
            let nodes: Vec<i64> = line.clone().chain([row(2, 1), row(3, 2)]).collect();
            let left = pruned([1, 5, length as usize + 9], &nodes, shorter_than(4.0));
            assert_eq!(left, line.collect::<Vec<_>>());
        }
    }
}
