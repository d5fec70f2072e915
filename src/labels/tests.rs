//! Labels side by side against each in an image of its own.

use ndarray::Array3;

use super::*;
use crate::branches::trace::trace_branches;
use crate::graph::junctions::prune_junctions;
use crate::graph::pixel_graph::{Neighbourhood, pixel_graph};
use crate::image::elements::Shared;

/// Slabs of labels with holes; labels are not in the order of values.
fn labels(shape: (usize, usize, usize), seed: usize) -> Array3<u64> {
    Array3::from_shape_fn(shape, |(z, y, x)| {
        let noise = (z * 7919 + y * 104_729 + x * 1_299_709 + seed * 31).wrapping_mul(2_654_435_761) >> 7;
        if noise % 9 < 2 { 0 } else { [5, 1 << 40, u64::MAX][(z / 3 + y / 4 + x / 5 + seed) % 3] }
    })
}

/// The voxels of a skeleton, where its paths begin, and their voxels.
type Paths = (Vec<i64>, Vec<i64>, Vec<i64>);

fn trace(nodes: Vec<i64>, shape: [usize; 3]) -> Paths {
    let neighbourhood = Neighbourhood::new(&shape, &[1.0; 3], 3);
    let mut graph = pixel_graph::<i64>(&nodes, &neighbourhood, None, &Monitor::new()).unwrap();
    prune_junctions(&mut graph, &Monitor::new()).unwrap();
    let paths = trace_branches(&graph.view(), &Monitor::new()).unwrap();
    (nodes, paths.indptr, paths.indices)
}

#[test]
fn labels_are_measured_as_if_alone() {
    for seed in 0..12 {
        let shape = [[1, 20, 24], [9, 10, 70], [5, 14, 13]][seed % 3];
        let image = labels(shape.into(), seed);
        let words = LabelWords::of(&image.view(), &Monitor::new()).unwrap();
        let axes = if shape[0] == 1 { 2 } else { 3 };
        let (spacing, border) = ([1.0, 0.5, 2.0], [false, seed % 2 == 0, seed % 2 == 0]);
        let (mut all, mut of_nodes) = (Vec::new(), Vec::new());
        let (mut starts, mut paths) = (vec![0], Vec::new());
        // The skeletons: every third voxel of the image is in one.
        for (at, &value) in image.iter().enumerate().filter(|(at, value)| **value > 0 && at % 3 < 2) {
            all.push(at as i64);
            of_nodes.push(value);
        }
        let mut alone = Vec::new();
        for &value in words.values().iter().rev() {
            let numbers: Vec<i64> = (0..all.len()).filter(|&at| of_nodes[at] == value).map(|at| at as i64).collect();
            let (nodes, of_paths, of_label) = trace(numbers.iter().map(|&at| all[at as usize]).collect(), shape);
            paths.extend(of_label.iter().map(|&node| numbers[node as usize]));
            let end = starts[starts.len() - 1];
            starts.extend(of_paths[1..].iter().map(|start| end + start));
            alone.push((value, nodes, of_paths, of_label));
        }
        let skeletons =
            Skeletons { spacing, axes, border, nodes: &all, labels: &of_nodes, starts: &starts, paths: &paths };
        let found = measures(&words, skeletons, &Monitor::new()).unwrap();
        let lines = centrelines(&words, skeletons, &Monitor::new()).unwrap();
        assert_eq!(radii(&words, skeletons, &Monitor::new()).unwrap(), found.radii);
        assert_eq!(
            super::nodes(&words, skeletons, &Monitor::new()).unwrap(),
            (found.radii.clone(), found.nodes.clone())
        );
        let (mut path, mut point, mut node) = (0, 0, 0);
        for (value, nodes, starts, paths) in alone {
            let mut mask = MaskRows::zeros(shape, border).unwrap();
            let binary = image.mapv(|other| u8::from(other == value));
            mask.insert([0; 3], &Shared::view(&binary.view()), 1, &Monitor::new()).unwrap();
            let background = Background::pack(&Shared::view(&binary.view()), 1, &Monitor::new()).unwrap();
            let surroundings = Surroundings { offset: [0; 3], image: shape, border };
            let squares = Squares::new(shape, spacing).unwrap();
            let radii: Vec<f64> = squared_radii(&background, &nodes, &surroundings, &squares, &Monitor::new())
                .unwrap()
                .iter()
                .map(|radius| radius.sqrt())
                .collect();
            let of_label: Vec<f64> =
                (0..all.len()).filter(|&at| of_nodes[at] == value).map(|at| found.radii[at]).collect();
            assert_eq!(of_label, radii);
            let skeleton = Skeleton {
                mask: &mask,
                spacing,
                axes,
                origin: [0; 3],
                nodes: &nodes,
                radii: &radii,
                starts: &starts,
                paths: &paths,
            };
            let expected = centreline::measures(skeleton, &Monitor::new()).unwrap();
            let text = |measures: &[Measures]| format!("{measures:?}");
            assert_eq!(text(&found.centrelines[path..path + expected.len()]), text(&expected));
            let mean_radii: Vec<f64> = expected.iter().map(|measures| measures.mean_radius).collect();
            let bodies = cells::of_paths(skeleton, &mean_radii, &Monitor::new()).unwrap();
            assert_eq!(found.bodies[path..path + expected.len()], bodies);
            let (points, radii_of_points) = centreline::centrelines(skeleton, &Monitor::new()).unwrap();
            assert_eq!(lines.0[point..point + points.len()], points);
            assert_eq!(lines.1[point..point + points.len()], radii_of_points);
            let of_network = nodes::nodes(skeleton, &Monitor::new()).unwrap();
            let count = of_network.voxels.len();
            assert_eq!(found.nodes.centroids[node..node + count], of_network.centroids);
            assert_eq!(found.nodes.degrees[node..node + count], of_network.degrees);
            assert_eq!(found.nodes.faces[node..node + count], of_network.faces);
            for side in 0..2 {
                let ends = found.nodes.of_paths[side][path..path + expected.len()].iter();
                assert!(ends.zip(&of_network.of_paths[side]).all(|(one, other)| *one == node as i64 + other));
            }
            for (one, &other) in found.nodes.voxels[node..node + count].iter().zip(&of_network.voxels) {
                assert_eq!(all[*one as usize], nodes[other as usize]);
            }
            (path, point, node) = (path + expected.len(), point + points.len(), node + count);
        }
        assert_eq!((path, point, node), (found.bodies.len(), lines.0.len(), found.nodes.voxels.len()));
    }
}

#[test]
fn arrays_that_do_not_fit_are_refused() {
    let image = labels((1, 6, 6), 0);
    let words = LabelWords::of(&image.view(), &Monitor::new()).unwrap();
    let nodes: Vec<i64> = (0..36).filter(|&at| image.as_slice().unwrap()[at as usize] > 0).collect();
    let of_nodes: Vec<u64> = nodes.iter().map(|&node| image.as_slice().unwrap()[node as usize]).collect();
    let with = |of_nodes: &[u64], starts: &[i64], paths: &[i64]| {
        let skeletons = Skeletons {
            spacing: [1.0; 3],
            axes: 2,
            border: [false; 3],
            nodes: &nodes,
            labels: of_nodes,
            starts,
            paths,
        };
        measures(&words, skeletons, &Monitor::new()).map(|_| ())
    };
    with(&of_nodes, &[0], &[]).unwrap();
    let other = of_nodes.iter().position(|&value| value != of_nodes[0]).unwrap() as i64;
    assert!(with(&of_nodes[1..], &[0], &[]).is_err());
    assert!(with(&of_nodes, &[0, 0], &[]).is_err());
    assert!(with(&of_nodes, &[0, 2], &[0, other]).is_err());
    assert!(with(&of_nodes, &[0, 1, 2, 3], &[0, other, 0]).is_err());
    let exchanged: Vec<u64> = of_nodes.iter().rev().copied().collect();
    assert!(with(&exchanged, &[0], &[]).is_err());
    assert!(with(&vec![7; nodes.len()], &[0], &[]).is_err());
}
