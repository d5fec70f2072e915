//! Pruning of short twigs, against a model that searches the whole image again after each twig.

use std::collections::BTreeSet;

use ndarray::Array3;
use skanrs::graph::csr::Csr;
use skanrs::graph::junctions::prune_junctions;
use skanrs::graph::pixel_graph::{Neighbourhood, pixel_graph};
use skanrs::graph::topology::topology;
use skanrs::image::indices::position;
use skanrs::image::neighbourhood::{at_most_one_component, is_simple_and_no_endpoint, one_background_component};
use skanrs::pruning::{Limits, prune};
use skanrs::support::threads::Monitor;

use super::{Bytes, nodes_of};

type Image = Array3<u8>;

/// The places next to a voxel, with their bits.
fn around(image: &Image, at: [usize; 3]) -> impl Iterator<Item = ([usize; 3], u32)> {
    (0..27).filter(|&bit| bit != 13).filter_map(move |bit| {
        let steps = [bit / 9, bit / 3 % 3, bit % 3].map(|step| step as isize - 1);
        let place = [0, 1, 2].map(|axis| at[axis].wrapping_add_signed(steps[axis]));
        image.get(place).is_some_and(|&value| value != 0).then_some((place, 1 << bit))
    })
}

fn mask(image: &Image, at: [usize; 3]) -> u32 {
    around(image, at).fold(0, |mask, (_, bit)| mask | bit)
}

/// A branch from a tip to a junction: its length, and its voxels from the tip on.
type Twig = (f64, Vec<[usize; 3]>);

/// The number of steps of each kind times their distance, in one order.
fn length(places: &[[usize; 3]], spacing: [f64; 3]) -> f64 {
    let kind =
        |pair: &[[usize; 3]]| (0..3).fold(0, |kind, axis| kind | usize::from(pair[0][axis] != pair[1][axis]) << axis);
    (1..8).fold(0.0, |length, wanted| {
        let count = places.windows(2).filter(|pair| kind(pair) == wanted).count();
        let square = |axis: usize| if wanted >> axis & 1 == 1 { spacing[axis] * spacing[axis] } else { 0.0 };
        length + count as f64 * (square(0) + square(1) + square(2)).sqrt()
    })
}

/// The graph of the voxels that are left, from which twigs are taken.
struct Branches {
    places: Vec<[usize; 3]>,
    rows: Vec<BTreeSet<usize>>,
}

impl Branches {
    fn new(image: &Image, shape: [usize; 3], spacing: [f64; 3]) -> Self {
        let nodes = nodes_of(image);
        let neighbourhood = Neighbourhood::new(&shape, &spacing, 3);
        let mut graph: Csr<i32> = pixel_graph(&nodes, &neighbourhood, None, &Monitor::new()).expect("small");
        prune_junctions(&mut graph, &Monitor::new()).expect("small");
        let view = graph.view();
        let row = |node| view.row(node).map(|entry| view.target(entry)).collect();
        Self {
            places: nodes.iter().map(|&node| position(node, shape)).collect(),
            rows: (0..nodes.len()).map(row).collect(),
        }
    }

    fn twigs(&self, spacing: [f64; 3]) -> Vec<(Twig, Vec<usize>)> {
        let tips = (0..self.rows.len()).filter(|&node| self.rows[node].len() == 1);
        tips.filter_map(|tip| {
            let mut path = vec![tip];
            let mut last = tip;
            while path.len() == 1 || self.rows[last].len() == 2 {
                let before = path.len().checked_sub(2).map(|at| path[at]);
                last = *self.rows[last].iter().find(|&&next| Some(next) != before).expect("a branch goes on");
                path.push(last);
            }
            let places: Vec<_> = path.iter().map(|&node| self.places[node]).collect();
            (self.rows[last].len() > 2).then(|| ((length(&places, spacing), places), path))
        })
        .collect()
    }

    fn remove(&mut self, path: &[usize]) {
        for &node in path {
            for other in std::mem::take(&mut self.rows[node]) {
                self.rows[other].remove(&node);
            }
        }
    }
}

/// The model.
fn plainly_pruned(image: &Image, shape: [usize; 3], spacing: [f64; 3], limit: f64) -> Image {
    let mut image = image.clone();
    loop {
        let mut branches = Branches::new(&image, shape, spacing);
        let (mut stays, mut removed) = (BTreeSet::new(), Vec::new());
        loop {
            let short = branches
                .twigs(spacing)
                .into_iter()
                .filter(|((length, _), path)| *length < limit && !stays.contains(path));
            let Some(((_, places), path)) =
                short.min_by(|(one, _), (other, _)| one.partial_cmp(other).expect("no NaN"))
            else {
                break;
            };
            let (twig, mut trial) = (&places[..places.len() - 1], image.clone());
            let goes = twig.iter().all(|&at| {
                let around = mask(&trial, at);
                trial[at] = 0;
                around != 0 && at_most_one_component(around) && one_background_component(around)
            });
            if goes {
                image = trial;
                removed.extend_from_slice(twig);
                branches.remove(&path[..path.len() - 1]);
            } else {
                stays.insert(path);
            }
        }
        if removed.is_empty() {
            return image;
        }
        while !removed.is_empty() {
            let near: BTreeSet<_> = removed.iter().flat_map(|&at| around(&image, at)).map(|(place, _)| place).collect();
            removed.clear();
            for at in near {
                if is_simple_and_no_endpoint(mask(&image, at)) {
                    image[at] = 0;
                    removed.push(at);
                }
            }
        }
    }
}

/// Pruning against the model; topology stays, and there is nothing to prune the second time.
pub fn pruning(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape().map(|length| length.min(24));
    let spacing = bytes.spacing();
    let limit = bytes.next() as f64 / 16.0;
    let (image, monitor) = (bytes.image(shape), Monitor::new());
    let nodes = nodes_of(&image);
    let left = |nodes: &[i64]| -> Vec<i64> {
        let limits = Limits { length: limit, ratio: 0.0, bulge: 0.0, radii: None };
        let kept = prune::<i64>(nodes, shape, spacing, limits, &monitor).expect("small");
        nodes.iter().zip(kept).filter(|(_, kept)| *kept).map(|(&node, _)| node).collect()
    };
    let once = left(&nodes);
    assert_eq!(left(&once), once);
    let of = |nodes: &[i64]| topology::<i32>(nodes, shape, &monitor).expect("small");
    let (before, after) = (of(&nodes), of(&once));
    assert_eq!([before.components, before.tunnels, before.cavities], [after.components, after.tunnels, after.cavities]);
    if nodes.len() <= 400 {
        assert_eq!(nodes_of(&plainly_pruned(&image, shape, spacing, limit)), once);
    }
}
