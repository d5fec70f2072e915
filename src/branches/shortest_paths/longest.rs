//! The longest shortest path of each connected component (its weighted diameter).
//!
//! Blocks are taken from the outside inwards. Each node knows its *reach*: how far the farthest node is among what hangs on it,
//! outside the block at hand. The longest path bends in some block: it is the largest distance + reach + reach over two of its
//! nodes. In a single edge that is a sum of three numbers. In a loop, a run of Dijkstra's algorithm from s gives each node w the
//! upper bound distance(s, w) + the largest (distance + reach) from s; runs go alternately to the node of the highest
//! bound, and to the node that looks most central, until no bound exceeds the longest path found.
//!
//! Cost: O(branches · log nodes) for a tree; for a block of n nodes at most n runs, in skeletons of vessels and pores a few
//! dozen. Lengths are sums in floating point; two paths whose lengths differ by rounding alone count as equal.
//!
//! Source of the bounds: Takes and Kosters, "Determining the diameter of small world networks", CIKM 2011, with the reaches as
//! offsets.

use crate::branches::shortest_paths::biconnected::{Blocks, Extract};
use crate::branches::shortest_paths::{Dijkstra, Network};
use crate::support::allocate::{Grow, try_collect, try_filled, try_with_capacity};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// Bounds closer than this to the longest path are rounding.
const ROUNDING: f64 = 1e-13;

#[derive(Debug, Clone, Copy)]
struct Reach {
    distance: f64,
    node: u32,
}

#[derive(Debug, Clone, Copy)]
struct Longest {
    length: f64,
    ends: (u32, u32),
}

impl Longest {
    fn update(&mut self, length: f64, ends: (u32, u32)) {
        if length > self.length {
            *self = Self { length, ends };
        }
    }
}

/// The branches of one longest shortest path of each component, by the component's smallest node; a component of one node has
/// none.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`] and [`crate::support::errors::Error::Interrupted`].
pub fn longest_shortest_paths(network: &Network, monitor: &Monitor) -> Result<Vec<Vec<u32>>> {
    let blocks = Blocks::new(network)?;
    let mut extract = Extract::new(network.len())?;
    let mut dijkstra = Dijkstra::new(network.len())?;
    let mut reach = try_filled("reaches", network.len(), Reach { distance: 0.0, node: 0 })?;
    for (node, reach) in reach.iter_mut().enumerate() {
        reach.node = node as u32;
    }
    let mut paths = try_with_capacity("paths", blocks.roots.len())?;
    let mut block = 0;
    for (&root, &end) in blocks.roots.iter().zip(&blocks.ends) {
        monitor.check()?;
        let mut longest = Longest { length: f64::NEG_INFINITY, ends: (root, root) };
        while block < end {
            let nodes = blocks.nodes(block);
            let inner = extract.network(network, nodes)?;
            let reaches = try_collect("reaches", nodes.iter().map(|&node| reach[node as usize]))?;
            reach[nodes[0] as usize] = bend_in_block(&inner, &reaches, &mut longest, monitor)?;
            block += 1;
        }
        let mut path = Vec::new();
        if longest.ends.0 != longest.ends.1 {
            dijkstra.run(network, longest.ends.0)?;
            let mut grown = Ok(());
            dijkstra.walk_back(longest.ends.1, |branch| {
                grown = path.try_push("paths", branch).and(grown.clone());
            });
            grown?;
        }
        paths.push(path);
    }
    Ok(paths)
}

/// Updates the longest path by those that bend in a block, and returns the new reach of its first node.
fn bend_in_block(network: &Network, reach: &[Reach], longest: &mut Longest, monitor: &Monitor) -> Result<Reach> {
    if let &[root, other] = reach {
        let distance = network.links(0)[0].length + other.distance;
        longest.update(root.distance + distance, (root.node, other.node));
        return Ok(if distance > root.distance { Reach { distance, node: other.node } } else { root });
    }
    let mut dijkstra = Dijkstra::new(network.len())?;
    // Bounds of the longest path that ends at, or beyond, each node; infinite while open, −∞ once its run is done.
    let mut upper = try_filled("bounds", network.len(), f64::INFINITY)?;
    let mut lower = try_filled("bounds", network.len(), f64::NEG_INFINITY)?;
    let mut root_reach = reach[0];
    let mut source = 0;
    let mut central = false;
    loop {
        monitor.check()?;
        dijkstra.run(network, source as u32)?;
        let distances = dijkstra.distances();
        let mut farthest = reach[source].distance;
        for (node, (&distance, beyond)) in distances.iter().zip(reach).enumerate() {
            if node == source {
                continue;
            }
            let total = distance + beyond.distance;
            farthest = farthest.max(total);
            longest.update(reach[source].distance + total, (reach[source].node, beyond.node));
            if source == 0 && total > root_reach.distance {
                root_reach = Reach { distance: total, node: beyond.node };
            }
        }
        upper[source] = f64::NEG_INFINITY;
        let limit = longest.length * (1.0 + ROUNDING);
        let mut highest = (limit, None);
        let mut most_central = (f64::INFINITY, None);
        for (node, &distance) in distances.iter().enumerate() {
            upper[node] = upper[node].min(reach[node].distance + distance + farthest);
            lower[node] = lower[node].max((farthest - distance).max(distance + reach[source].distance));
            if upper[node] > highest.0 {
                highest = (upper[node], Some(node));
            }
            if upper[node] > limit && lower[node] < most_central.0 {
                most_central = (lower[node], Some(node));
            }
        }
        let next = if central { most_central.1 } else { highest.1 };
        let Some(next) = next else { return Ok(root_reach) };
        source = next;
        central = !central;
    }
}
