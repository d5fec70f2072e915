//! Rooted trees: parents, generations, Strahler orders and distances of branches that lead away from given nodes.
//!
//! The tree is one of shortest paths by length. Paths lead through the voxels at which branches end, so that the way across a
//! junction counts, but a junction is entered once: by the branch on which the first of its voxels is reached. All other
//! branches between two nodes close a **loop**; they begin at their nearer end and nothing hangs on them. A branch inside a
//! junction belongs to the branch by which the junction is entered and is no part of the tree.
//!
//! Orders are those of Horton and Strahler, on the branches of the tree only: 1 without children, else the largest among the
//! children, one more if two of them have it.
//!
//! Cost: one run of Dijkstra's algorithm for all networks, and a few passes over the branches.

use crate::branches::shortest_paths::{Dijkstra, Network};
use crate::support::allocate::{Grow, try_filled, try_with_capacity};
use crate::support::errors::{Error, Result, check_numbers};
use crate::support::threads::Monitor;

/// What the buffers are for.
const ROOTED: &str = "the trees of a network";

/// Number of a branch or node where there is none.
const NONE: i64 = -1;

/// The branches of a network.
#[derive(Debug, Clone, Copy)]
pub struct Graph<'a> {
    /// The numbers of the voxels at both ends of each branch.
    pub ends: [&'a [u32]; 2],
    /// The node that each of these voxels belongs to.
    pub nodes: &'a [u32],
    /// The length of each branch.
    pub lengths: &'a [f64],
    /// Whether a branch lies inside a junction.
    pub inside: &'a [bool],
}

/// The place of each branch in its tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Trees {
    /// The node from which the branch is reached; -1 if it is not.
    pub root: Vec<i64>,
    /// The branch before it; -1 at the root.
    pub parent: Vec<i64>,
    /// How many junctions are crossed on the way to it; -1 if it is not reached.
    pub generation: Vec<i64>,
    /// The order of Strahler; 0 outside of trees.
    pub strahler: Vec<i64>,
    /// The length of the way to where it begins; NaN if it is not reached.
    pub distance: Vec<f64>,
    /// How many tips are reached through it, its own included.
    pub tips: Vec<i64>,
    /// The length of all branches behind it.
    pub downstream: Vec<f64>,
    /// Whether it closes a loop.
    pub is_loop: Vec<bool>,
    /// Whether it begins at its second end.
    pub is_reversed: Vec<bool>,
}

impl Trees {
    fn unreached(branches: usize) -> Result<Self> {
        Ok(Self {
            root: try_filled(ROOTED, branches, NONE)?,
            parent: try_filled(ROOTED, branches, NONE)?,
            generation: try_filled(ROOTED, branches, NONE)?,
            strahler: try_filled(ROOTED, branches, 0)?,
            distance: try_filled(ROOTED, branches, f64::NAN)?,
            tips: try_filled(ROOTED, branches, 0)?,
            downstream: try_filled(ROOTED, branches, f64::NAN)?,
            is_loop: try_filled(ROOTED, branches, false)?,
            is_reversed: try_filled(ROOTED, branches, false)?,
        })
    }
}

/// How a node is entered.
#[derive(Debug, Clone, Copy)]
struct Entry {
    distance: f64,
    voxel: u32,
}

/// The trees that grow from these nodes, of which each network has one at most.
///
/// # Errors
/// [`Error::InvalidArgument`] if the arrays do not fit each other, or if a length is not finite and positive; [`Error::OutOfMemory`]; [`Error::Interrupted`] through `monitor`.
pub fn trees(graph: Graph<'_>, nodes: usize, roots: &[u32], monitor: &Monitor) -> Result<Trees> {
    check(graph, nodes, roots)?;
    let count = graph.lengths.len();
    let mut trees = Trees::unreached(count)?;
    let dijkstra = distances(graph, nodes, roots)?;
    monitor.check()?;
    let entries = entries(graph, nodes, &dijkstra)?;
    // The branch by which each node is entered.
    let mut entered_by = try_filled(ROOTED, nodes, NONE)?;
    for (node, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.distance.is_finite()) {
        // The links of the source are none of the branches.
        if let Some((_, link)) = dijkstra.arrival(entry.voxel).filter(|(_, link)| (link.branch as usize) < count) {
            entered_by[node] = i64::from(link.branch);
        }
    }
    let mut degrees = try_filled(ROOTED, nodes, 0_u32)?;
    for branch in (0..count).filter(|&branch| !graph.inside[branch]) {
        for node in graph.nodes_of(branch) {
            degrees[node] += 1;
        }
    }
    let mut begins = try_filled(ROOTED, count, 0)?;
    let (mut in_tree, mut others) = (Vec::new(), Vec::new());
    for (branch, begin) in begins.iter_mut().enumerate() {
        let far = graph.nodes_of(branch);
        let at = [0, 1].map(|end| dijkstra.distances()[graph.ends[end][branch] as usize]);
        if !at[0].is_finite() {
            continue;
        }
        let enters = far.map(|node| entered_by[node] == branch as i64);
        *begin = usize::from(enters[0] || (!enters[1] && at[1] < at[0]));
        trees.is_reversed[branch] = *begin == 1;
        trees.is_loop[branch] = !graph.inside[branch] && enters == [false; 2];
        let node = far[*begin];
        trees.distance[branch] = at[*begin];
        trees.parent[branch] = entered_by[node];
        trees.downstream[branch] = 0.0;
        if enters == [false; 2] {
            others.try_push(ROOTED, branch)?;
        } else {
            in_tree.try_push(ROOTED, (entries[far[1 - *begin]].distance, branch))?;
        }
    }
    // Parents come before their children, since all lengths are positive.
    in_tree.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    monitor.check()?;
    let mut root_of = try_filled(ROOTED, nodes, NONE)?;
    for &root in roots {
        root_of[root as usize] = i64::from(root);
    }
    let order = in_tree.iter().map(|&(_, branch)| (branch, true));
    for (branch, is_tree) in order.chain(others.into_iter().map(|branch| (branch, false))) {
        let far = graph.nodes_of(branch);
        let node = far[begins[branch]];
        trees.root[branch] = root_of[node];
        trees.generation[branch] = match usize::try_from(trees.parent[branch]) {
            Ok(parent) => {
                let crosses = degrees[node] >= 3 && !graph.inside[branch];
                trees.generation[parent] + i64::from(crosses)
            }
            Err(_) => 0,
        };
        if is_tree {
            root_of[far[1 - begins[branch]]] = root_of[node];
        } else if let Ok(parent) = usize::try_from(trees.parent[branch]) {
            trees.downstream[parent] += graph.lengths[branch];
        }
    }
    // How many children have the largest order.
    let mut largest = try_filled(ROOTED, count, (0_i64, 0_u32))?;
    for &(_, branch) in in_tree.iter().rev() {
        let end = graph.nodes_of(branch)[1 - begins[branch]];
        trees.tips[branch] += i64::from(degrees[end] == 1);
        let (order, times) = largest[branch];
        trees.strahler[branch] = if times > 1 { order + 1 } else { order.max(1) };
        if let Ok(parent) = usize::try_from(trees.parent[branch]) {
            trees.tips[parent] += trees.tips[branch];
            trees.downstream[parent] += graph.lengths[branch] + trees.downstream[branch];
            let (order, times) = &mut largest[parent];
            let own = trees.strahler[branch];
            (*order, *times) = match own.cmp(order) {
                std::cmp::Ordering::Greater => (own, 1),
                std::cmp::Ordering::Equal => (*order, *times + 1),
                std::cmp::Ordering::Less => (*order, *times),
            };
        }
    }
    Ok(trees)
}

impl Graph<'_> {
    fn nodes_of(&self, branch: usize) -> [usize; 2] {
        self.ends.map(|ends| self.nodes[ends[branch] as usize] as usize)
    }
}

fn check(graph: Graph<'_>, nodes: usize, roots: &[u32]) -> Result<()> {
    let wrong = |name, reason: &str| Err(Error::InvalidArgument { name, reason: reason.to_owned() });
    let count = graph.lengths.len();
    check_numbers("branches", count)?;
    if graph.ends.iter().any(|ends| ends.len() != count) || graph.inside.len() != count {
        return wrong("branches", "expected both ends, a length and whether it lies in a junction for each");
    }
    if graph.ends.iter().copied().flatten().any(|&end| end as usize >= graph.nodes.len()) {
        return wrong("branches", "an end does not exist");
    }
    if graph.nodes.iter().chain(roots).any(|&node| node as usize >= nodes) {
        return wrong("nodes", "a node does not exist");
    }
    if graph.lengths.iter().any(|&length| !(length > 0.0 && length.is_finite())) {
        return wrong("branches", "expected positive, finite lengths");
    }
    Ok(())
}

/// The distance of each voxel from the root of its network; one node more is the source, which all roots are next to.
fn distances(graph: Graph<'_>, nodes: usize, roots: &[u32]) -> Result<Dijkstra> {
    let mut is_root = try_filled(ROOTED, nodes, false)?;
    for &root in roots {
        is_root[root as usize] = true;
    }
    let source = graph.nodes.len() as u32;
    let at_roots = (0..source).filter(|&voxel| is_root[graph.nodes[voxel as usize] as usize]);
    let mut branches = try_with_capacity(ROOTED, graph.lengths.len() + graph.nodes.len())?;
    branches.extend(graph.ends[0].iter().copied().zip(graph.ends[1].iter().copied()));
    let mut lengths = try_with_capacity(ROOTED, graph.lengths.len() + graph.nodes.len())?;
    lengths.extend_from_slice(graph.lengths);
    for voxel in at_roots {
        branches.push((source, voxel));
        lengths.push(0.0);
    }
    let network = Network::new(source as usize + 1, &branches, &lengths)?;
    let mut dijkstra = Dijkstra::new(network.len())?;
    dijkstra.run(&network, source)?;
    Ok(dijkstra)
}

/// The voxel of each node that is reached first; of equals the smallest.
fn entries(graph: Graph<'_>, nodes: usize, dijkstra: &Dijkstra) -> Result<Vec<Entry>> {
    let mut entries = try_filled(ROOTED, nodes, Entry { distance: f64::INFINITY, voxel: 0 })?;
    for (voxel, &node) in (0..).zip(graph.nodes) {
        let distance = dijkstra.distances()[voxel as usize];
        let entry = &mut entries[node as usize];
        if distance < entry.distance {
            *entry = Entry { distance, voxel };
        }
    }
    Ok(entries)
}
