//! The pixel graph and what is computed on it, against plain definitions; and graphs from anywhere.

use std::collections::{BTreeSet, HashSet};

use ndarray::Array3;
use skanrs::branches::lengths::{path_components, path_sums};
use skanrs::branches::trace::{trace_branches, trace_branches_in_tasks};
use skanrs::graph::adjacency::{adjacency, weights};
use skanrs::graph::csr::{Csr, CsrView};
use skanrs::graph::junctions::prune_junctions;
use skanrs::graph::pixel_graph::{Neighbourhood, pixel_graph};
use skanrs::image::indices::{coordinates, position};
use skanrs::support::threads::Monitor;

use super::{Bytes, nodes_of};

/// Rows of neighbours with their distances, by a look at every neighbour's place.
fn plain_graph(image: &Array3<u8>, nodes: &[i64], shape: [usize; 3], spacing: [f64; 3]) -> Csr<i32> {
    let mut graph = Csr { indptr: vec![0], indices: vec![], weights: vec![] };
    for &node in nodes {
        let at = position(node, shape);
        for code in (0..27).filter(|&code| code != 13) {
            let step = [code / 9, code / 3 % 3, code % 3].map(|step| step as isize - 1);
            let place: Vec<_> = at.iter().zip(step).map(|(at, step)| at.wrapping_add_signed(step)).collect();
            if image.get([place[0], place[1], place[2]]).is_some_and(|&value| value != 0) {
                let index = (place[0] * shape[1] + place[1]) * shape[2] + place[2];
                let squares = step.iter().zip(spacing).map(|(&step, spacing)| (step as f64 * spacing).powi(2));
                graph.indices.push(nodes.binary_search(&(index as i64)).expect("foreground") as i32);
                graph.weights.push(squares.sum::<f64>().sqrt());
            }
        }
        graph.indptr.push(graph.indices.len() as i32);
    }
    graph
}

/// The same without the edges between junctions that a spanning forest does not need, tried by weight, then in their order.
fn plainly_pruned(graph: CsrView<'_, i32>) -> Csr<i32> {
    let is_junction = |node: usize| graph.degree(node) > 2;
    let mut edges: Vec<(f64, usize, usize)> = (0..graph.nodes())
        .flat_map(|node| graph.row(node).map(move |entry| (graph.weight(entry), node, graph.target(entry))))
        .collect();
    edges.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut cluster: Vec<usize> = (0..graph.nodes()).collect();
    let mut kept = BTreeSet::new();
    for &(_, node, neighbour) in &edges {
        if !is_junction(node) || !is_junction(neighbour) {
            kept.insert((node, neighbour));
        } else if cluster[node] != cluster[neighbour] {
            let (from, to) = (cluster[neighbour], cluster[node]);
            cluster.iter_mut().filter(|each| **each == from).for_each(|each| *each = to);
            kept.extend([(node, neighbour), (neighbour, node)]);
        }
    }
    let mut pruned = Csr { indptr: vec![0], indices: vec![], weights: vec![] };
    for node in 0..graph.nodes() {
        for entry in graph.row(node).filter(|&entry| kept.contains(&(node, graph.target(entry)))) {
            pruned.indices.push(graph.target(entry) as i32);
            pruned.weights.push(graph.weight(entry));
        }
        pruned.indptr.push(pruned.indices.len() as i32);
    }
    pruned
}

/// Paths from ends and junctions, then cycles; every step that was made is remembered.
fn plain_paths(graph: CsrView<'_, i32>) -> Vec<Vec<usize>> {
    let neighbours = |node: usize| graph.row(node).map(move |entry| graph.target(entry)).collect::<Vec<_>>();
    let mut walked = HashSet::new();
    let mut paths = Vec::new();
    for cycles in [false, true] {
        for start in (0..graph.nodes()).filter(|&node| cycles || ![0, 2].contains(&graph.degree(node))) {
            for first in neighbours(start) {
                let (mut from, mut node, mut path) = (start, first, vec![start]);
                while walked.insert((from, node)) {
                    walked.insert((node, from));
                    path.push(node);
                    if graph.degree(node) != 2 || node == start {
                        break;
                    }
                    let next = neighbours(node).into_iter().find(|&next| next != from).expect("two neighbours");
                    (from, node) = (node, next);
                }
                if path.len() > 1 {
                    paths.push(path);
                }
            }
        }
    }
    paths
}

/// The number of each node's component, by its smallest node.
fn plain_components(graph: CsrView<'_, i32>) -> Vec<i32> {
    let mut labels = vec![-1; graph.nodes()];
    let mut count = 0;
    for start in 0..graph.nodes() {
        let mut pending = vec![start];
        while let Some(node) = pending.pop() {
            if labels[node] < 0 {
                labels[node] = count;
                pending.extend(graph.row(node).map(|entry| graph.target(entry)));
            }
        }
        count = count.max(labels[start] + 1);
    }
    labels
}

/// Graph, pruned junctions, branches, lengths, components and sums of an image, each against its definition.
pub fn graph(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape().map(|length| length.min(40));
    let spacing = bytes.spacing();
    let task = 1 + bytes.next();
    let (image, monitor) = (bytes.image(shape), Monitor::new());
    let nodes = nodes_of(&image);
    let neighbourhood = Neighbourhood::new(&shape, &spacing, 3);
    let whole: Csr<i32> = pixel_graph(&nodes, &neighbourhood, None, &monitor).expect("small");
    assert_eq!(whole, plain_graph(&image, &nodes, shape, spacing));
    let mut pruned = whole.clone();
    prune_junctions(&mut pruned, &monitor).expect("small");
    assert_eq!(pruned, plainly_pruned(whole.view()));

    let branches = trace_branches(&pruned.view(), &monitor).expect("symmetric");
    let bounds: Vec<_> = branches.indptr.windows(2).map(|ends| ends[0] as usize..ends[1] as usize).collect();
    let path = |bounds: &std::ops::Range<usize>| branches.indices[bounds.clone()].iter().map(|&node| node as usize);
    let paths: Vec<Vec<usize>> = bounds.iter().map(|bounds| path(bounds).collect()).collect();
    assert_eq!(paths, plain_paths(pruned.view()));
    let weight = |step: &[usize]| {
        let entry = pruned.view().entry(step[0], step[1]).expect("a step along an edge");
        pruned.weights[entry]
    };
    let lengths: Vec<f64> =
        paths.iter().map(|path| path.windows(2).map(weight).fold(0.0, |sum, step| sum + step)).collect();
    assert_eq!(branches.lengths, lengths);

    if let Some(grid) = neighbourhood.grid() {
        for (prune, expected) in [(false, &whole), (true, &pruned)] {
            let fast = adjacency::<i32>(&nodes, grid, prune, &monitor).expect("small");
            assert_eq!((&fast.indptr, &fast.indices), (&expected.indptr, &expected.indices));
            assert_eq!(weights(&fast.indptr, &fast.indices, &fast.masks, grid, None).expect("small"), expected.weights);
            if prune {
                let found = trace_branches_in_tasks(&fast.with_distances(grid), task, &monitor);
                assert_eq!(found.expect("symmetric"), branches);
            }
        }
    }

    let labels = plain_components(pruned.view());
    let ends = bounds.iter().map(|bounds| [branches.indices[bounds.start], branches.indices[bounds.end - 1]]);
    let components = path_components(&pruned.indptr, ends, &branches.smallest, &monitor).expect("small");
    assert_eq!(components, paths.iter().map(|path| labels[path[0]]).collect::<Vec<_>>());
    let values: Vec<f64> = branches.indices.iter().map(|&node| f64::from(node % 7) - 2.5).collect();
    let (sums, squares) = path_sums(&branches.indptr, &values, &monitor).expect("small");
    for ((bounds, sum), square) in bounds.iter().zip(sums).zip(squares) {
        let values = &values[bounds.clone()];
        // Multiples of a quarter are added without rounding.
        assert_eq!(sum.to_bits(), (values.iter().sum::<f64>() + 0.0).to_bits());
        assert_eq!(square.to_bits(), (values.iter().map(|value| value * value).sum::<f64>() + 0.0).to_bits());
    }
    let places = coordinates(&nodes, &shape).expect("small");
    for (number, &node) in nodes.iter().enumerate() {
        let at = position(node, shape).map(|at| at as i64);
        assert_eq!([0, 1, 2].map(|axis| places[axis * nodes.len() + number]), at);
    }
}

/// Arrays from anywhere make a graph whose rows can all be read, or an error; so do its branches.
pub fn csr(data: &[u8]) {
    let mut bytes = Bytes(data);
    let count = bytes.next() % 16;
    let mut list = |count: usize| -> Vec<i32> { (0..count).map(|_| bytes.next() as i32 - 8).collect() };
    let (indptr, indices) = (list(count), list(count));
    let weights = vec![1.0; indices.len()];
    if let Ok(graph) = CsrView::new("graph", &indptr, &indices, &weights) {
        for node in 0..graph.nodes() {
            for entry in graph.row(node) {
                assert!(graph.target(entry) < graph.nodes() && graph.weight(entry).is_finite());
            }
        }
        if let Ok(branches) = trace_branches(&graph, &Monitor::new()) {
            assert!(branches.indices.iter().all(|&node| (node as usize) < graph.nodes()));
        }
    }
}
