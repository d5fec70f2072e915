use super::pixel_graph::*;
use crate::graph::csr::Csr;
use crate::graph::heights::Heights;
use crate::support::random::Random;
use crate::support::threads::Monitor;

fn position(mut id: i64, shape: &[usize]) -> Vec<i64> {
    let mut position = vec![0; shape.len()];
    for (at, &length) in position.iter_mut().zip(shape).rev() {
        *at = id % length as i64;
        id /= length as i64;
    }
    position
}

/// Compares every voxel with every other.
fn naive(nodes: &[i64], shape: &[usize], spacing: &[f64], connectivity: usize) -> Csr<i32> {
    let mut graph = Csr { indptr: vec![0], indices: vec![], weights: vec![] };
    for &node in nodes {
        for (other, &id) in nodes.iter().enumerate() {
            let steps: Vec<i64> =
                position(node, shape).iter().zip(position(id, shape)).map(|(from, to)| to - from).collect();
            let hops = steps.iter().filter(|step| **step != 0).count();
            if node != id && steps.iter().all(|step| step.abs() <= 1) && hops <= connectivity {
                let squares = steps.iter().zip(spacing).map(|(&step, spacing)| (step as f64 * spacing).powi(2));
                graph.indices.push(other as i32);
                graph.weights.push(squares.sum::<f64>().sqrt());
            }
        }
        graph.indptr.push(graph.indices.len() as i32);
    }
    graph
}

const SHAPES: [&[usize]; 9] =
    [&[40], &[6, 7], &[1, 9], &[9, 1], &[4, 5, 6], &[5, 1, 5], &[5, 6, 2], &[3, 3, 3, 3], &[2, 2, 1, 3, 2]];

#[test]
fn equals_comparing_every_pair() {
    for shape in SHAPES {
        let spacing: Vec<f64> = (0..shape.len()).map(|axis| 0.7 + 0.9 * axis as f64).collect();
        for connectivity in 1..=shape.len() {
            let neighbourhood = Neighbourhood::new(shape, &spacing, connectivity);
            for one_in in [1, 2, 6] {
                let nodes = Random(3).voxels(shape.iter().product(), 1, one_in);
                let graph = pixel_graph(&nodes, &neighbourhood, None, &Monitor::new()).unwrap();
                let expected = naive(&nodes, shape, &spacing, connectivity);
                assert_eq!(graph, expected, "{shape:?} {connectivity}");
                assert_eq!(count_entries(&nodes, &neighbourhood, &Monitor::new()).unwrap(), expected.indices.len());
                let wide: Csr<i64> = pixel_graph(&nodes, &neighbourhood, None, &Monitor::new()).unwrap();
                assert_eq!(wide.indices, expected.indices.iter().map(|&index| i64::from(index)).collect::<Vec<_>>());
            }
        }
    }
}

#[test]
fn tasks_meet() {
    let shape = [60, 50, 40];
    let neighbourhood = Neighbourhood::new(&shape, &[1.0; 3], 3);
    let nodes = Random(5).voxels(shape.iter().product(), 1, 2);
    assert!(nodes.len() > 3 * TASK);
    let graph: Csr<i32> = pixel_graph(&nodes, &neighbourhood, None, &Monitor::new()).unwrap();
    let view = graph.view();
    for node in 0..nodes.len() {
        for entry in view.row(node) {
            let back = view.entry(view.target(entry), node).expect("the graph is symmetric");
            assert_eq!(view.weight(back).to_bits(), view.weight(entry).to_bits());
        }
    }
    assert_eq!(count_entries(&nodes, &neighbourhood, &Monitor::new()).unwrap(), graph.indices.len());
}

#[test]
fn heights_differ_as_in_their_type() {
    let neighbourhood = Neighbourhood::new(&[2], &[1.0], 1);
    let edge = |heights| {
        pixel_graph::<i32>(&[0, 1], &neighbourhood, Some(heights), &Monitor::new()).map(|graph| graph.weights[0])
    };
    assert_eq!(edge(Heights::Unsigned(&[0, 3])), Ok(10_f64.sqrt()));
    assert_eq!(edge(Heights::Signed(&[i64::MIN, i64::MAX])), Ok(2_f64.powi(64)));
    assert_eq!(edge(Heights::Single(&[0.1, 0.3])), Ok(f64::from(0.1_f32 - 0.3_f32).hypot(1.0)));
    assert!(edge(Heights::Double(&[f64::MAX, f64::MIN])).is_err());
    assert!(edge(Heights::Half(&[65504.0, -65504.0])).is_err());
}

#[test]
fn far_out_in_a_large_image_is_as_near_the_origin() {
    let block = [5, 6, 7];
    let nodes = Random(9).voxels(block.iter().product(), 1, 2);
    let near = Neighbourhood::new(&block, &[1.0; 3], 3);
    let expected = pixel_graph::<i32>(&nodes, &near, None, &Monitor::new()).unwrap();
    // Rows are numbered in 32 bits in a window, which the last two shapes have too many of.
    for (shape, has_grid) in [
        ([(1 << 29) - 3, 6, 7], true),
        ([1 << 20, 9, 1 << 20], true),
        ([(1 << 29) - 2, 6, 7], false),
        ([1 << 40, 1 << 12, 7], false),
    ] {
        let far = Neighbourhood::new(&shape, &[1.0; 3], 3);
        assert_eq!(far.grid().is_some(), has_grid, "{shape:?}");
        let moved = |&node: &i64| {
            let at = position(node, &block);
            let at = [0, 1, 2].map(|axis| at[axis] + (shape[axis] - block[axis]) as i64);
            (at[0] * shape[1] as i64 + at[1]) * shape[2] as i64 + at[2]
        };
        let moved: Vec<i64> = nodes.iter().map(moved).collect();
        assert!(moved[0] > i64::from(u32::MAX));
        assert_eq!(pixel_graph::<i32>(&moved, &far, None, &Monitor::new()).unwrap(), expected);
    }
}
