//! The blocks of a graph: its biconnected components.
//!
//! Two branches share a block if a cycle runs through both; a branch on no cycle is a block by itself. Blocks meet at cut
//! vertices and form a forest. (A block of a graph; the blocks of an image have nothing to do with it.)
//!
//! Cost: O(nodes + branches), no recursion. Source: Hopcroft and Tarjan, "Algorithm 447: efficient algorithms for graph
//! manipulation", Communications of the ACM 16 (1973).

use crate::branches::shortest_paths::Network;
use crate::support::allocate::{Grow, try_filled, try_with_capacity};
use crate::support::errors::Result;

const NONE: u32 = u32::MAX;

/// The blocks, in an order in which whatever hangs on a block's nodes, but for its root, stands before it.
#[derive(Debug, Default)]
pub struct Blocks {
    first: Vec<usize>,
    /// Of each block its root first: its node that was found earliest.
    nodes: Vec<u32>,
    /// The first node found in each connected component, by ascending node.
    pub roots: Vec<u32>,
    /// How many blocks there are up to the end of each component.
    pub ends: Vec<usize>,
}

impl Blocks {
    /// The blocks of `network`. A component without branches has none.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn new(network: &Network) -> Result<Self> {
        let nodes = network.len();
        let mut blocks = Self { nodes: try_with_capacity("blocks", 2 * nodes)?, ..Self::default() };
        blocks.first.try_push("blocks", 0)?;
        // When each node was found, and the earliest that a node below it reaches.
        let mut found = try_filled("blocks", nodes, NONE)?;
        let mut low = try_filled("blocks", nodes, NONE)?;
        let mut pending: Vec<u32> = Vec::new();
        let mut walk: Vec<(u32, u32, usize)> = Vec::new();
        let mut time = 0;
        for root in 0..nodes as u32 {
            if found[root as usize] != NONE {
                continue;
            }
            blocks.roots.try_push("blocks", root)?;
            walk.try_push("blocks", (root, NONE, 0))?;
            found[root as usize] = time;
            low[root as usize] = time;
            time += 1;
            while let Some((node, parent, next)) = walk.last_mut() {
                if let Some(link) = network.links(*node).get(*next) {
                    *next += 1;
                    if found[link.to as usize] == NONE {
                        found[link.to as usize] = time;
                        low[link.to as usize] = time;
                        time += 1;
                        pending.try_push("blocks", link.to)?;
                        let parent = *node;
                        walk.try_push("blocks", (link.to, parent, 0))?;
                    } else if link.to != *parent {
                        low[*node as usize] = low[*node as usize].min(found[link.to as usize]);
                    }
                    continue;
                }
                let (node, parent) = (*node, *parent);
                walk.pop();
                if parent == NONE {
                    continue;
                }
                low[parent as usize] = low[parent as usize].min(low[node as usize]);
                if low[node as usize] >= found[parent as usize] {
                    blocks.nodes.try_push("blocks", parent)?;
                    while let Some(member) = pending.pop() {
                        blocks.nodes.try_push("blocks", member)?;
                        if member == node {
                            break;
                        }
                    }
                    blocks.first.try_push("blocks", blocks.nodes.len())?;
                }
            }
            blocks.ends.try_push("blocks", blocks.len())?;
        }
        Ok(blocks)
    }

    /// The number of blocks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.first.len() - 1
    }

    /// Whether no two nodes are connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The nodes of a block, its root first.
    ///
    /// # Panics
    /// If there is no such block.
    #[must_use]
    pub fn nodes(&self, block: usize) -> &[u32] {
        &self.nodes[self.first[block]..self.first[block + 1]]
    }
}

/// Makes a block a graph of its own, whose nodes are indices in the block's list of nodes.
#[derive(Debug)]
pub struct Extract {
    index_in_block: Vec<u32>,
}

impl Extract {
    /// A buffer for graphs of `nodes` nodes.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn new(nodes: usize) -> Result<Self> {
        Ok(Self { index_in_block: try_filled("indices in a block", nodes, NONE)? })
    }

    /// The graph of the block of these nodes. Cost: that of the nodes' links but the root's, so O(branches) for all blocks.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn network(&mut self, network: &Network, nodes: &[u32]) -> Result<Network> {
        for (index, &node) in nodes.iter().enumerate() {
            self.index_in_block[node as usize] = index as u32;
        }
        let mut branches = Vec::new();
        // Each branch has an end other than the root; seen from both ends, it is taken where the index is larger.
        for (index, &node) in nodes.iter().enumerate().skip(1) {
            for link in network.links(node) {
                let other = self.index_in_block[link.to as usize];
                if other != NONE && (other as usize) < index {
                    branches.try_push("branches", (other, index as u32, link.length, link.branch))?;
                }
            }
        }
        for &node in nodes {
            self.index_in_block[node as usize] = NONE;
        }
        Network::from_distinct(nodes.len(), &branches)
    }
}
