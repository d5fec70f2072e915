//! The naive references (all pairs) and how the searches compare with them.

use crate::branches::shortest_paths::centre::centres;
use crate::branches::shortest_paths::longest::longest_shortest_paths;
use crate::branches::shortest_paths::{Dijkstra, Network};
use crate::support::errors::Error;
use crate::support::random::Random;
use crate::support::threads::Monitor;

type Branch = (u32, u32);

/// The distances between all pairs, by Floyd and Warshall.
fn all_pairs(nodes: usize, branches: &[Branch], lengths: &[f64]) -> Vec<Vec<f64>> {
    let mut distances = vec![vec![f64::INFINITY; nodes]; nodes];
    for (node, row) in distances.iter_mut().enumerate() {
        row[node] = 0.0;
    }
    for (&(from, to), &length) in branches.iter().zip(lengths) {
        let (from, to) = (from as usize, to as usize);
        distances[from][to] = distances[from][to].min(length);
        distances[to][from] = distances[to][from].min(length);
    }
    for through in 0..nodes {
        let onwards = distances[through].clone();
        for row in &mut distances {
            let first = row[through];
            for (known, second) in row.iter_mut().zip(&onwards) {
                *known = known.min(first + second);
            }
        }
    }
    distances
}

/// The connected components, each ascending, by their smallest node.
fn components(distances: &[Vec<f64>]) -> Vec<Vec<usize>> {
    let mut components: Vec<Vec<usize>> = Vec::new();
    for (node, row) in distances.iter().enumerate() {
        match components.iter_mut().find(|component| row[component[0]].is_finite()) {
            Some(component) => component.push(node),
            None => components.push(vec![node]),
        }
    }
    components
}

/// Trees, cacti and tangles, in several components, with parallel branches and loops; whole lengths make ties.
fn random_graph(random: &mut Random) -> (usize, Vec<Branch>, Vec<f64>) {
    let nodes = 1 + random.below(24);
    let mut branches = Vec::new();
    let gaps = random.below(6);
    for node in 1..nodes {
        if random.below(12) >= gaps {
            branches.push((node as u32, random.below(node) as u32));
        }
    }
    let density = random.below(3);
    for _ in 0..random.below(1 + nodes * density) {
        branches.push((random.below(nodes) as u32, random.below(nodes) as u32));
    }
    let whole = random.below(2) == 0;
    let lengths = branches
        .iter()
        .map(|_| if whole { 1.0 + random.below(3) as f64 } else { 0.1 + random.below(1 << 20) as f64 / 1e5 })
        .collect();
    (nodes, branches, lengths)
}

#[test]
fn longest_paths_are_those_of_all_pairs() {
    let mut random = Random(20_260_101);
    for _ in 0..4000 {
        let (nodes, branches, lengths) = random_graph(&mut random);
        let network = Network::new(nodes, &branches, &lengths).unwrap();
        let paths = longest_shortest_paths(&network, &Monitor::new()).unwrap();
        let distances = all_pairs(nodes, &branches, &lengths);
        let components = components(&distances);
        assert_eq!(paths.len(), components.len());
        for (path, component) in paths.iter().zip(&components) {
            let expected = component
                .iter()
                .flat_map(|&one| component.iter().map(move |&other| (one, other)))
                .fold(0.0_f64, |longest, (one, other)| longest.max(distances[one][other]));
            let length: f64 = path.iter().map(|&branch| lengths[branch as usize]).sum();
            assert!((length - expected).abs() <= 1e-12 * expected, "{length} {expected} {branches:?}");
            assert_is_shortest_path(path, &branches, length, &distances);
            for &branch in path {
                assert!(component.contains(&(branches[branch as usize].0 as usize)));
            }
        }
    }
}

/// The branches follow each other, and there is no shorter way between the two ends.
fn assert_is_shortest_path(path: &[u32], branches: &[Branch], length: f64, distances: &[Vec<f64>]) {
    let mut ends: Vec<u32> = Vec::new();
    for &branch in path {
        let (from, to) = branches[branch as usize];
        for node in [from, to] {
            match ends.iter().position(|&end| end == node) {
                Some(place) => {
                    ends.swap_remove(place);
                }
                None => ends.push(node),
            }
        }
    }
    if let [from, to] = ends[..] {
        assert!((distances[from as usize][to as usize] - length).abs() <= 1e-12 * length);
    } else {
        assert!(path.is_empty());
    }
}

#[test]
fn centres_are_those_of_all_pairs() {
    let mut random = Random(7_654_321);
    for _ in 0..4000 {
        let (nodes, branches, lengths) = random_graph(&mut random);
        let network = Network::new(nodes, &branches, &lengths).unwrap();
        let distances = all_pairs(nodes, &branches, &lengths);
        let components = components(&distances);
        let mut largest = &components[0];
        for component in &components {
            if component.len() > largest.len() {
                largest = component;
            }
        }
        let sum = |node: usize| largest.iter().map(|&other| distances[node][other]).sum::<f64>();
        let smallest = largest.iter().map(|&node| sum(node)).fold(f64::INFINITY, f64::min);
        let expected: Vec<u32> =
            largest.iter().filter(|&&node| sum(node) <= smallest * (1.0 + 1e-11)).map(|&node| node as u32).collect();
        assert_eq!(centres(&network, &Monitor::new()).unwrap(), expected, "{branches:?} {lengths:?}");
    }
}

#[test]
fn a_graph_without_nodes_has_no_path_and_no_centre() {
    let network = Network::new(0, &[], &[]).unwrap();
    assert!(network.is_empty());
    assert!(longest_shortest_paths(&network, &Monitor::new()).unwrap().is_empty());
    assert!(centres(&network, &Monitor::new()).unwrap().is_empty());
}

#[test]
fn a_path_of_many_nodes_needs_no_deep_stack() {
    let nodes = 300_000_u32;
    let branches: Vec<Branch> = (1..nodes).map(|node| (node - 1, node)).collect();
    let network = Network::new(nodes as usize, &branches, &vec![1.0; branches.len()]).unwrap();
    assert_eq!(longest_shortest_paths(&network, &Monitor::new()).unwrap()[0].len(), branches.len());
    assert_eq!(centres(&network, &Monitor::new()).unwrap(), [nodes / 2 - 1, nodes / 2]);
}

#[test]
fn wrong_graphs_are_refused() {
    for (branch, length) in
        [((0, 2), 1.0), ((0, 1), -1.0), ((0, 1), f64::NAN), ((0, 1), f64::INFINITY), ((0, 1), f64::MAX)]
    {
        assert!(matches!(Network::new(2, &[branch], &[length]), Err(Error::InvalidArgument { .. })));
    }
    assert!(matches!(Network::new(2, &[(0, 1)], &[]), Err(Error::InvalidArgument { .. })));
}

#[test]
fn a_search_can_be_stopped() {
    let monitor = Monitor::new();
    monitor.request_stop();
    let network = Network::new(3, &[(0, 1), (1, 2), (2, 0)], &[1.0; 3]).unwrap();
    assert_eq!(longest_shortest_paths(&network, &monitor), Err(Error::Interrupted));
    assert_eq!(centres(&network, &monitor), Err(Error::Interrupted));
}

#[test]
fn distances_of_one_run_do_not_leak_into_the_next() {
    let network = Network::new(5, &[(0, 1), (1, 2), (3, 4)], &[1.0, 2.0, 4.0]).unwrap();
    let mut dijkstra = Dijkstra::new(5).unwrap();
    dijkstra.run(&network, 0).unwrap();
    assert_eq!(dijkstra.distances(), [0.0, 1.0, 3.0, f64::INFINITY, f64::INFINITY]);
    dijkstra.run(&network, 4).unwrap();
    assert_eq!(dijkstra.distances(), [f64::INFINITY, f64::INFINITY, f64::INFINITY, 4.0, 0.0]);
}
