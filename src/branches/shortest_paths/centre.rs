//! The centre of a graph: the node whose distances to all others have the smallest sum.
//!
//! Of several connected components the one with the most nodes counts, of equal ones that of the smallest node.
//!
//! The search starts in a block such that no part of the graph hanging on one of its nodes holds more than half of all nodes:
//! a walk towards the heavier side ends there (Goldman). Stepping away from the block makes the sum grow by at least
//! (nodes − 2 · nodes of that part) times the step, so a neighbouring block is looked at only where that leaves a tie open.
//! Within a block, each run of Dijkstra's algorithm from s bounds every node w from below by Σ |distance(s, u) − distance(s, w)|;
//! runs go to the node of the lowest bound until none is below the smallest sum found.
//!
//! Cost: O(branches · log nodes) for a tree; for a block of n nodes at most n runs over the block.
//!
//! Sources: Goldman, "Optimal center location in simple networks", Transportation Science 5 (1971); Newling and Fleuret,
//! "A sub-quadratic exact medoid algorithm", AISTATS 2017, for the bounds.

use crate::branches::shortest_paths::biconnected::{Blocks, Extract};
use crate::branches::shortest_paths::{Dijkstra, Network};
use crate::support::allocate::{Grow, try_collect, try_copy, try_filled, try_with_capacity};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// Sums within this relative distance of the smallest are reported as well: they may win once they are summed in another order.
const TIE: f64 = 1e-11;
/// Nodes whose bound exceeds the smallest sum by this relative distance are not looked at.
const PRUNE: f64 = 1e-9;

/// The blocks that one node belongs to, and how many nodes hang on each node of each block.
struct Hanging {
    /// The blocks of a node: `block[first[node]..first[node + 1]]`.
    first: Vec<usize>,
    block: Vec<usize>,
    /// For each block, in the order of its nodes, how many nodes of the component are reached without crossing the block.
    counts: Vec<Vec<u64>>,
}

impl Hanging {
    /// For the blocks `range` of a component of `total` nodes.
    fn new(nodes: usize, blocks: &Blocks, range: std::ops::Range<usize>, total: u64) -> Result<Self> {
        let mut below = try_filled("nodes below", nodes, 1_u64)?;
        let mut first = try_filled("blocks of nodes", nodes + 1, 0)?;
        let mut counts = try_with_capacity("nodes below", range.len())?;
        for block in range.clone() {
            let members = blocks.nodes(block);
            let mut count: Vec<u64> = try_collect("nodes below", members.iter().map(|&node| below[node as usize]))?;
            let hanging: u64 = count[1..].iter().sum();
            below[members[0] as usize] += hanging;
            count[0] = total - hanging;
            counts.push(count);
            for &node in members {
                first[node as usize + 1] += 1;
            }
        }
        for node in 0..nodes {
            first[node + 1] += first[node];
        }
        let mut next = try_copy("blocks of nodes", &first)?;
        let mut block_of = try_filled("blocks of nodes", first[nodes], 0)?;
        for block in range.clone() {
            for &node in blocks.nodes(block) {
                block_of[next[node as usize]] = block - range.start;
                next[node as usize] += 1;
            }
        }
        Ok(Self { first, block: block_of, counts })
    }

    /// The blocks of a node, from the first of the component on.
    fn blocks_of(&self, node: u32) -> &[usize] {
        &self.block[self.first[node as usize]..self.first[node as usize + 1]]
    }
}

/// The nodes of the largest component whose sums of distances to its other nodes are the smallest, up to rounding, ascending.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`] and [`crate::support::errors::Error::Interrupted`].
pub fn centres(network: &Network, monitor: &Monitor) -> Result<Vec<u32>> {
    let blocks = Blocks::new(network)?;
    let mut extract = Extract::new(network.len())?;
    let mut dijkstra = Dijkstra::new(network.len())?;
    let mut largest = (0, 0..0, None);
    let mut start = 0;
    for (&root, &end) in blocks.roots.iter().zip(&blocks.ends) {
        let total = 1 + (start..end).map(|block| blocks.nodes(block).len() as u64 - 1).sum::<u64>();
        if total > largest.0 {
            largest = (total, start..end, Some(root));
        }
        start = end;
    }
    let (total, range, Some(root)) = largest else { return Ok(Vec::new()) };
    if range.is_empty() {
        return Ok(vec![root]);
    }
    let hanging = Hanging::new(network.len(), &blocks, range.clone(), total)?;
    let mut sums = try_filled("sums of distances", network.len(), f64::NAN)?;
    let mut best = f64::INFINITY;
    let mut seen = try_filled("blocks seen", range.len(), false)?;
    let first_block = heaviest_block(&blocks, &hanging, range.clone(), total);
    let first_node = blocks.nodes(range.start + first_block)[0];
    dijkstra.run(network, first_node)?;
    let reached = dijkstra.reached();
    sums[first_node as usize] = reached.iter().map(|&node| dijkstra.distances()[node as usize]).sum();
    let mut waiting = vec![(first_block, 0, sums[first_node as usize])];
    while let Some((block, index, sum)) = waiting.pop() {
        if std::mem::replace(&mut seen[block], true) {
            continue;
        }
        let members = blocks.nodes(range.start + block);
        let inner = extract.network(network, members)?;
        let known = search_block(&inner, &hanging.counts[block], index, sum, &mut best, monitor)?;
        for (index, sum) in known {
            let node = members[index];
            sums[node as usize] = sum;
            for &other in hanging.blocks_of(node) {
                let index = blocks.nodes(range.start + other).iter().position(|&member| member == node);
                if let Some(index) = index.filter(|_| !seen[other]) {
                    let beyond = total - hanging.counts[other][index];
                    let step = network.links(node).iter().map(|link| link.length).fold(f64::INFINITY, f64::min);
                    if sum + step * (total as f64 - 2.0 * beyond as f64) <= best * (1.0 + PRUNE) {
                        waiting.try_push("blocks waiting", (other, index, sum))?;
                    }
                }
            }
        }
    }
    try_collect("centres", (0..network.len() as u32).filter(|&node| sums[node as usize] <= best * (1.0 + TIE)))
}

/// A block on none of whose nodes hangs more than half of the component.
fn heaviest_block(blocks: &Blocks, hanging: &Hanging, range: std::ops::Range<usize>, total: u64) -> usize {
    let mut block = 0;
    loop {
        let counts = &hanging.counts[block];
        let Some(index) = counts.iter().position(|&count| 2 * count > total) else { return block };
        let node = blocks.nodes(range.start + block)[index];
        let towards = hanging.blocks_of(node).iter().copied().find(|&other| {
            let members = blocks.nodes(range.start + other);
            let here = members.iter().position(|&member| member == node);
            other != block && here.is_some_and(|here| 2 * (total - hanging.counts[other][here]) > total)
        });
        let Some(towards) = towards else { return block };
        block = towards;
    }
}

/// The sums of those nodes of a block that may be the smallest; `sum` is that of the node at `index`. Lowers `best` to the
/// smallest sum.
fn search_block(
    network: &Network,
    counts: &[u64],
    index: usize,
    sum: f64,
    best: &mut f64,
    monitor: &Monitor,
) -> Result<Vec<(usize, f64)>> {
    let mut dijkstra = Dijkstra::new(network.len())?;
    let mut lower = try_filled("bounds", network.len(), f64::NEG_INFINITY)?;
    let mut order: Vec<usize> = try_collect("bounds", 0..network.len())?;
    let mut known = Vec::new();
    let mut source = index;
    // What lies beyond the block adds the same to every node's sum.
    let mut beyond = None;
    loop {
        monitor.check()?;
        dijkstra.run(network, source as u32)?;
        let distances = dijkstra.distances();
        let inside: f64 = distances.iter().zip(counts).map(|(distance, &count)| distance * count as f64).sum();
        let beyond = *beyond.get_or_insert(sum - inside);
        *best = best.min(beyond + inside);
        known.try_push("sums of distances", (source, beyond + inside))?;
        lower[source] = f64::INFINITY;

        // Σ |distance(u) − distance(w)| · count(u) for every w, in ascending order of distance.
        order.sort_unstable_by(|&one, &other| distances[one].total_cmp(&distances[other]));
        let total: f64 = counts.iter().map(|&count| count as f64).sum();
        let (mut nearer, mut nearer_sum) = (0.0, 0.0);
        for &node in &order {
            let (distance, count) = (distances[node], counts[node] as f64);
            let bound = distance * nearer - nearer_sum + (inside - nearer_sum) - distance * (total - nearer);
            lower[node] = lower[node].max(bound);
            nearer += count;
            nearer_sum += count * distance;
        }
        let lowest = (0..network.len()).min_by(|&one, &other| lower[one].total_cmp(&lower[other]));
        match lowest {
            Some(node) if beyond + lower[node] <= *best * (1.0 + PRUNE) => source = node,
            _ => return Ok(known),
        }
    }
}
