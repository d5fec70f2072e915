//! Numbers of branches: lengths, sums of values, components, labels; each added in the order of numpy and skan, so
//! that the results are equal to the last bit.
//!
//! A length adds the edges from the source to the destination. A sum over a path is that of `numpy.add.reduceat`: the first
//! value plus the pairwise sum of the rest (blocks of 128, eight partial sums in each).
//!
//! Cost: linear in the nodes of the paths, on all threads; components are linear in the entries of the graph, on one. The
//! components of paths alone are joined path by path, by their ends and their smallest node.

use rayon::prelude::*;

use crate::branches::trace::Marks;
use crate::graph::csr::{CsrView, Index, check_indptr, check_nodes};
use crate::graph::junctions::DisjointSets;
use crate::support::allocate::{try_filled, try_with_capacity, try_zeros};
use crate::support::errors::{Error, Result};
use crate::support::threads::Monitor;

/// Paths that a task handles.
const TASK: usize = 1 << 10;

/// numpy's pairwise sum of `value(start)`, …, `value(end - 1)`.
fn pairwise_sum(start: usize, end: usize, value: &impl Fn(usize) -> f64) -> f64 {
    const BLOCK: usize = 128;
    let count = end - start;
    if count < 8 {
        // The negative zero keeps the sign of a sum of negative zeros.
        return (start..end).fold(-0.0, |sum, at| sum + value(at));
    }
    if count <= BLOCK {
        let mut sums: [f64; 8] = std::array::from_fn(|lane| value(start + lane));
        let whole = count - count % 8;
        for at in (start + 8..start + whole).step_by(8) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum += value(at + lane);
            }
        }
        let sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
        return (start + whole..end).fold(sum, |sum, at| sum + value(at));
    }
    let half = start + count / 2 / 8 * 8;
    pairwise_sum(start, half, value) + pairwise_sum(half, end, value)
}

/// The sum of `value` over a stretch, as `numpy.add.reduceat` takes it; 0 if it is empty.
pub fn reduceat_sum(stretch: std::ops::Range<usize>, value: &impl Fn(usize) -> f64) -> f64 {
    if stretch.is_empty() {
        return 0.0;
    }
    let first = value(stretch.start);
    if stretch.len() == 1 { first } else { first + pairwise_sum(stretch.start + 1, stretch.end, value) }
}

/// The sum of the values, and that of their squares, along each path.
///
/// # Errors
/// [`Error::InvalidArgument`] if `indptr` does not fit `values`, [`Error::OutOfMemory`], or
/// [`Error::Interrupted`] through `monitor`.
pub fn path_sums<I: Index>(indptr: &[I], values: &[f64], monitor: &Monitor) -> Result<(Vec<f64>, Vec<f64>)> {
    check_indptr("paths", indptr, values.len())?;
    let mut sums = try_zeros("the sums of paths", indptr.len() - 1)?;
    let mut squares = try_zeros("the sums of paths", indptr.len() - 1)?;
    sums.par_chunks_mut(TASK).zip(squares.par_chunks_mut(TASK)).enumerate().try_for_each(
        |(task, (sums, squares))| {
            monitor.check()?;
            let ends = &indptr[task * TASK..];
            for (path, (sum, square)) in sums.iter_mut().zip(squares).enumerate() {
                let stretch = ends[path].get()..ends[path + 1].get();
                *sum = reduceat_sum(stretch.clone(), &|at| values[at]);
                *square = reduceat_sum(stretch, &|at| values[at] * values[at]);
            }
            Ok(())
        },
    )?;
    Ok((sums, squares))
}

/// The length of a path, its steps added from the source on.
pub fn path_length(steps: impl Iterator<Item = f64>) -> f64 {
    steps.fold(0.0, |length, step| length + step)
}

/// The length of each path, added from its source on; a step that the graph does not have counts 0.
///
/// # Errors
/// [`Error::InvalidArgument`] if the paths do not fit the graph, [`Error::OutOfMemory`], or
/// [`Error::Interrupted`] through `monitor`.
pub fn path_lengths<I: Index, P: Index>(
    graph: CsrView<'_, I>,
    indptr: &[P],
    indices: &[P],
    monitor: &Monitor,
) -> Result<Vec<f64>> {
    check_paths(indptr, indices, graph.nodes())?;
    let mut lengths = try_zeros("the lengths of paths", indptr.len() - 1)?;
    lengths.par_chunks_mut(TASK).enumerate().try_for_each(|(task, lengths)| {
        monitor.check()?;
        let ends = &indptr[task * TASK..];
        for (path, length) in lengths.iter_mut().enumerate() {
            let nodes = &indices[ends[path].get()..ends[path + 1].get()];
            let steps = nodes.windows(2).map(|step| graph.entry(step[0].get(), step[1].get()));
            *length = path_length(steps.map(|entry| entry.map_or(0.0, |entry| graph.weight(entry))));
        }
        Ok(())
    })?;
    Ok(lengths)
}

/// Checks that the paths lead through a graph of `nodes` nodes.
fn check_paths<P: Index>(indptr: &[P], indices: &[P], nodes: usize) -> Result<()> {
    check_indptr("paths", indptr, indices.len())?;
    check_nodes("paths", indices, nodes)
}

/// The value of each node along paths; 1 if there are no values.
///
/// # Errors
/// [`Error::InvalidArgument`] if there are values but not one for each of the `nodes` nodes, [`Error::OutOfMemory`].
///
/// # Panics
/// If a path leads outside the graph.
pub fn values_along<P: Index>(values: Option<&[f64]>, indices: &[P], nodes: usize) -> Result<Vec<f64>> {
    let Some(values) = values else { return try_filled("the values along paths", indices.len(), 1.0) };
    if values.len() != nodes {
        let reason = format!("expected one value for each of the {nodes} nodes, got {}", values.len());
        return Err(Error::InvalidArgument { name: "node_values", reason });
    }
    let mut along = try_zeros("the values along paths", indices.len())?;
    along.par_iter_mut().zip(indices).with_min_len(TASK).for_each(|(value, node)| *value = values[node.get()]);
    Ok(along)
}

/// The connected component of each node; components are numbered by their smallest node, single nodes too.
///
/// # Errors
/// [`Error::OutOfMemory`], or [`Error::Interrupted`] through `monitor`.
pub fn components<I: Index>(indptr: &[I], indices: &[I], monitor: &Monitor) -> Result<Vec<I>> {
    check_indptr("graph", indptr, indices.len())?;
    let nodes = indptr.len() - 1;
    check_nodes("graph", indices, nodes)?;
    let mut sets = DisjointSets::<I>::new(nodes)?;
    for (node, ends) in indptr.windows(2).enumerate() {
        for neighbour in &indices[ends[0].get()..ends[1].get()] {
            sets.join(node, neighbour.get());
        }
    }
    monitor.check()?;
    let mut labels: Vec<I> = try_zeros("the components", nodes)?;
    let mut count = 0;
    for node in 0..nodes {
        // The smallest node of a set comes first, so its label is there already.
        let smallest = sets.find(node);
        labels[node] = if smallest == node { I::new(count) } else { labels[smallest] };
        count += usize::from(smallest == node);
    }
    Ok(labels)
}

/// The connected component of each path, numbered by their smallest node among all components of the graph, single nodes too.
///
/// `ends` are the sources and destinations of the paths, `smallest` their smallest nodes; `indptr` is that of the graph.
///
/// # Errors
/// [`Error::OutOfMemory`], or [`Error::Interrupted`] through `monitor`.
///
/// # Panics
/// If a path leads outside the graph.
pub fn path_components<I: Index>(
    indptr: &[I],
    ends: impl Iterator<Item = [I; 2]>,
    smallest: &[I],
    monitor: &Monitor,
) -> Result<Vec<I>> {
    let nodes = indptr.len() - 1;
    let mut sets = DisjointSets::<I>::new(nodes)?;
    for ([source, destination], smallest) in ends.zip(smallest) {
        sets.join(smallest.get(), source.get());
        sets.join(smallest.get(), destination.get());
    }
    monitor.check()?;
    // The smallest node of each component.
    let mut firsts = Marks::new(nodes)?;
    firsts.words().par_iter_mut().zip(indptr.par_chunks(64)).with_min_len(TASK).enumerate().for_each(
        |(at, (word, starts))| {
            let next = indptr.get((at + 1) * 64).copied();
            let ends = starts[1..].iter().copied().chain(next);
            *word = starts
                .iter()
                .zip(ends)
                .enumerate()
                .fold(0, |word, (bit, (start, end))| word | u64::from(*start == end) << bit);
        },
    );
    let mut components: Vec<I> = try_zeros("the components", smallest.len())?;
    for (component, smallest) in components.iter_mut().zip(smallest) {
        let first = sets.find(smallest.get());
        firsts.set(first);
        *component = I::new(first);
    }
    let mut count = 0;
    let mut before: Vec<I> = try_with_capacity("the components", nodes.div_ceil(64))?;
    for word in firsts.words() {
        before.push(I::new(count));
        count += word.count_ones() as usize;
    }
    let firsts = firsts.words();
    components.par_iter_mut().with_min_len(TASK).for_each(|component| {
        let (at, bit) = (component.get() / 64, component.get() % 64);
        *component = I::new(before[at].get() + (firsts[at] & ((1 << bit) - 1)).count_ones() as usize);
    });
    Ok(components)
}

/// Writes path number + 1 at the position of each node of each path; where paths meet the last one wins.
///
/// # Errors
/// [`Error::InvalidArgument`] if the paths or positions do not fit.
pub fn label_paths<P: Index>(labels: &mut [i64], positions: &[i64], indptr: &[P], indices: &[P]) -> Result<()> {
    check_paths(indptr, indices, positions.len())?;
    if let Some(outside) = positions.iter().find(|&&position| position as usize >= labels.len()) {
        let reason = format!("expected linear indices in the image, got {outside}");
        return Err(Error::InvalidArgument { name: "coordinates", reason });
    }
    for (path, ends) in indptr.windows(2).enumerate() {
        for node in &indices[ends[0].get()..ends[1].get()] {
            labels[positions[node.get()] as usize] = path as i64 + 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::branches::trace::trace_branches_in_tasks;
    use crate::graph::adjacency::{Adjacency, Grid, adjacency};
    use crate::graph::csr::Csr;
    use crate::support::random::Random;

    fn line(count: usize) -> Csr<i32> {
        let mut graph = Csr { indptr: vec![0], indices: vec![], weights: vec![] };
        for node in 0..count as i32 {
            for neighbour in [node - 1, node + 1].into_iter().filter(|other| (0..count as i32).contains(other)) {
                graph.indices.push(neighbour);
                graph.weights.push(0.1 * f64::from(1 + node.min(neighbour)));
            }
            graph.indptr.push(graph.indices.len() as i32);
        }
        graph
    }

    #[test]
    fn sums_stay_close_to_plain_ones_and_handle_every_length() {
        for count in (0..40).chain([127, 128, 129, 130, 136, 255, 256, 257, 1000, 4097]) {
            let values: Vec<f64> = (0..count).map(|at| f64::from(at % 7) * 0.3 + 0.1).collect();
            let (sums, squares) = path_sums(&[0, count], &values, &Monitor::new()).unwrap();
            assert!((sums[0] - values.iter().sum::<f64>()).abs() < 1e-9);
            assert!((squares[0] - values.iter().map(|value| value * value).sum::<f64>()).abs() < 1e-9);
        }
        let (sums, _) = path_sums(&[0, 2, 2], &[-0.0, -0.0], &Monitor::new()).unwrap();
        assert_eq!(sums.iter().map(|sum| sum.to_bits()).collect::<Vec<_>>(), [f64::to_bits(-0.0), 0]);
    }

    #[test]
    fn lengths_are_added_from_the_source_on() {
        let graph = line(5);
        let lengths = path_lengths(graph.view(), &[0, 4, 6, 8], &[1, 2, 3, 4, 4, 3, 0, 3], &Monitor::new()).unwrap();
        assert_eq!(lengths, [0.2 + 0.1 * 3.0 + 0.4, 0.4, 0.0]);
        assert!(path_lengths(graph.view(), &[0, 2], &[0, 5], &Monitor::new()).is_err());
    }

    #[test]
    fn components_are_numbered_by_their_smallest_node() {
        let indptr = [0_i32, 1, 1, 2, 3, 4, 4];
        let indices = [4, 3, 2, 0];
        assert_eq!(components(&indptr, &indices, &Monitor::new()).unwrap(), [0, 1, 2, 2, 0, 3]);
    }

    #[test]
    fn components_of_paths_are_those_of_their_nodes() {
        for seed in 0..40_u64 {
            let nodes = Random(seed).voxels(400, 1 + seed as usize % 5, 12);
            let grid = Grid::new(&[4, 10, 10], &[1.0; 3], 3).unwrap();
            let graph: Adjacency<i32> = adjacency(&nodes, &grid, true, &Monitor::new()).unwrap();
            let paths = trace_branches_in_tasks(&graph.with_distances(&grid), 7, &Monitor::new()).unwrap();
            let all = components(&graph.indptr, &graph.indices, &Monitor::new()).unwrap();
            let ends: Vec<[i32; 2]> = paths
                .indptr
                .windows(2)
                .map(|ends| [paths.indices[ends[0] as usize], paths.indices[ends[1] as usize - 1]])
                .collect();
            let expected: Vec<i32> = ends.iter().map(|ends| all[ends[0] as usize]).collect();
            let found = path_components(&graph.indptr, ends.into_iter(), &paths.smallest, &Monitor::new()).unwrap();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_last_path_labels_a_shared_node() {
        let mut labels = [0; 6];
        label_paths(&mut labels, &[5, 3, 0], &[0, 2, 4], &[0, 1, 1, 2]).unwrap();
        assert_eq!(labels, [2, 0, 0, 2, 0, 1]);
        assert!(label_paths(&mut labels, &[6], &[0, 1], &[0]).is_err());
        assert!(label_paths(&mut labels, &[-1], &[0, 1], &[0]).is_err());
    }
}
