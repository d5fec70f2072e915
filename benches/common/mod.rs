//! The kernels on one volume: branching tubes, some 5 % of it foreground, made here so that no file and no Python is needed.

use std::hint::black_box;

use ndarray::{Array3, ArrayD, s};
use skanrs::branches::ends::{path_ends, positions};
use skanrs::branches::lengths::{components, path_lengths, path_sums};
use skanrs::branches::trace::{Branches, trace_branches_in_tasks};
use skanrs::chunk_graph::{Block, ChunkGraph, Geometry, Values};
use skanrs::graph::adjacency::{Adjacency, Grid, adjacency};
use skanrs::graph::csr::Csr;
use skanrs::graph::junctions::prune_junctions;
use skanrs::graph::pixel_graph::{Neighbourhood, pixel_graph};
use skanrs::image::bit_image::BitImage;
use skanrs::image::elements::Shared;
use skanrs::image::foreground::foreground;
use skanrs::support::threads::Monitor;
use skanrs::thinning::chunks::words::Frame;
use skanrs::thinning::chunks::{chunk_words, thin_words};
use skanrs::thinning::{Method, thin};

/// A kernel's name and one call of it.
pub type Kernel = (&'static str, Box<dyn Fn() + Send + Sync>);

struct Random(u64);

impl Random {
    /// A number from −1 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1 << 30) - 1.0
    }

    fn direction(&mut self) -> [f64; 3] {
        let direction: [f64; 3] = std::array::from_fn(|_| self.next());
        let length = direction.iter().map(|step| step * step).sum::<f64>().sqrt().max(0.1);
        direction.map(|step| step / length)
    }
}

/// Tubes that wander and split, their radius from 4 voxels down to 1.
pub fn tubes(size: usize) -> Array3<u8> {
    let mut image = Array3::zeros([size; 3]);
    let mut random = Random(11);
    let middle = size as f64 / 2.0;
    let mut tips: Vec<([f64; 3], [f64; 3], f64)> = (0..size / 16)
        .map(|_| (std::array::from_fn(|_| middle * (1.0 + random.next())), random.direction(), 4.0))
        .collect();
    while let Some((mut at, mut direction, mut radius)) = tips.pop() {
        while radius > 1.0 && at.iter().all(|&at| (0.0..size as f64).contains(&at)) {
            draw_ball(&mut image, at, radius);
            let turn = random.direction();
            for axis in 0..3 {
                direction[axis] += 0.25 * turn[axis];
            }
            let length = direction.iter().map(|step| step * step).sum::<f64>().sqrt();
            direction = direction.map(|step| step / length);
            at = std::array::from_fn(|axis| at[axis] + direction[axis]);
            radius -= 0.012;
            if random.next() > 0.94 {
                tips.push((at, random.direction(), 0.8 * radius));
            }
        }
    }
    image
}

fn draw_ball(image: &mut Array3<u8>, centre: [f64; 3], radius: f64) {
    let size = image.dim().0 as f64;
    let [z, y, x] = centre.map(|at| {
        let (low, high) = ((at - radius).max(0.0), (at + radius).min(size - 1.0));
        low.ceil() as usize..high.floor() as usize + 1
    });
    for ((dz, dy, dx), voxel) in image.slice_mut(s![z.clone(), y.clone(), x.clone()]).indexed_iter_mut() {
        let offset = [(z.start + dz) as f64, (y.start + dy) as f64, (x.start + dx) as f64];
        let squared = offset.iter().zip(centre).map(|(at, centre)| (at - centre) * (at - centre)).sum::<f64>();
        *voxel |= u8::from(squared <= radius * radius);
    }
}

fn thinned(mask: &Array3<u8>) -> Array3<u8> {
    let mut image = BitImage::pack(&mask.view(), 1, &Monitor::new()).expect("there is memory");
    thin(&mut image, Method::Lee, &Monitor::new()).expect("it is not cancelled");
    let mut skeleton = Array3::zeros(mask.raw_dim());
    image.unpack_into(skeleton.view_mut());
    skeleton
}

fn nodes_of(image: &ArrayD<u8>) -> Vec<i64> {
    let offset = vec![0; image.ndim()];
    foreground(&Shared::view(&image.view()), 1, &offset, image.shape(), &Monitor::new()).expect("there is memory")
}

/// The eight blocks of a skeleton, each with its offset.
fn blocks(skeleton: &Array3<u8>) -> Vec<([usize; 3], Vec<i64>)> {
    let half = skeleton.dim().0 / 2;
    (0..8)
        .map(|corner| {
            let offset = [corner >> 2 & 1, corner >> 1 & 1, corner & 1].map(|side| side * half);
            let ranges = offset.map(|at| at..at + half);
            let block = skeleton.slice(s![ranges[0].clone(), ranges[1].clone(), ranges[2].clone()]);
            (offset, nodes_of(&block.to_owned().into_dyn()))
        })
        .collect()
}

fn chunk_graph(shape: [usize; 3], offset: [usize; 3], nodes: &[i64]) -> ChunkGraph {
    let geometry = Geometry::new(&shape, &[1.0; 3], Values::Absent).expect("the image is small");
    let block = Block { shape: &shape.map(|length| length / 2), offset: &offset, nodes, values: &[] };
    ChunkGraph::from_block(block, geometry, &Monitor::new()).expect("the block lies in the image")
}

fn ends_of(branches: &Branches<i32>, masks: &[u32], voxels: &[i64], shape: [usize; 3]) {
    let monitor = Monitor::new();
    let ends = path_ends(&branches.indptr, &branches.indices, masks, voxels, &monitor);
    let [sources, destinations] = ends.expect("paths fit").voxels;
    black_box(positions([&sources, &destinations], &shape, &[1.0; 3], &monitor)).expect("in the image");
}

/// The kernels on a volume of this edge, an even number, each with its input at hand.
pub fn kernels(size: usize) -> Vec<Kernel> {
    const TASK: usize = 1 << 20;
    let mask = tubes(size);
    let shape = [size; 3];
    let skeleton = thinned(&mask);
    let dynamic = skeleton.clone().into_dyn();
    let nodes = nodes_of(&dynamic);
    let neighbourhood = Neighbourhood::new(&shape, &[1.0; 3], 3);
    let grid = Grid::new(&shape, &[1.0; 3], 3).expect("three axes have a window");
    let whole: Csr<i32> = pixel_graph(&nodes, &neighbourhood, None, &Monitor::new()).expect("there is memory");
    let graph: Adjacency<i32> = adjacency(&nodes, &grid, true, &Monitor::new()).expect("there is memory");
    let branches =
        trace_branches_in_tasks(&graph.with_distances(&grid), TASK, &Monitor::new()).expect("the graph is symmetric");
    let mut pruned = whole.clone();
    prune_junctions(&mut pruned, &Monitor::new()).expect("the graph is symmetric");
    let blocks = blocks(&skeleton);
    let parts: Vec<ChunkGraph> = blocks.iter().map(|(offset, nodes)| chunk_graph(shape, *offset, nodes)).collect();

    let masks = [mask.clone(), mask];
    let [mask, chunk] = masks;
    let (graph_again, grid_again) = (graph.clone(), grid);
    let (summed, ended, voxels) = (branches.clone(), branches, nodes.clone());
    vec![
        (
            "thinning",
            Box::new(move || {
                black_box(thinned(&mask));
            }),
        ),
        (
            "thinning of a chunk",
            Box::new(move || {
                let half = size / 2;
                let chunk = chunk.slice(s![..half, ..half, ..half]);
                let frame = Frame { shape };
                let words = chunk_words(&chunk, 1, [0; 3], &frame, &Monitor::new());
                let words = words.expect("there is memory");
                black_box(thin_words(words, vec![[[0, half]; 3]], frame, Method::Lee, &Monitor::new()))
                    .expect("it is not cancelled");
            }),
        ),
        (
            "foreground",
            Box::new(move || {
                black_box(nodes_of(&dynamic));
            }),
        ),
        (
            "graph",
            Box::new(move || {
                let graph: Adjacency<i32> = adjacency(&nodes, &grid, true, &Monitor::new()).expect("there is memory");
                black_box(graph);
            }),
        ),
        (
            "junctions",
            Box::new(move || {
                let mut graph = whole.clone();
                prune_junctions(&mut graph, &Monitor::new()).expect("the graph is symmetric");
                black_box(graph);
            }),
        ),
        (
            "branches",
            Box::new(move || {
                let rows = graph_again.with_distances(&grid_again);
                black_box(trace_branches_in_tasks(&rows, TASK, &Monitor::new())).expect("the graph is symmetric");
            }),
        ),
        (
            "summary",
            Box::new(move || {
                let monitor = Monitor::new();
                let indptr: Vec<i64> = summed.indptr.iter().map(|&start| i64::from(start)).collect();
                let values = vec![1.0; summed.indices.len()];
                black_box(path_sums(&indptr, &values, &monitor)).expect("paths fit");
                black_box(path_lengths(pruned.view(), &summed.indptr, &summed.indices, &monitor)).expect("paths fit");
                black_box(components(&pruned.indptr, &pruned.indices, &monitor)).expect("the graph fits");
            }),
        ),
        ("ends", Box::new(move || ends_of(&ended, &graph.masks, &voxels, shape))),
        (
            "chunk graph",
            Box::new(move || {
                for (offset, nodes) in &blocks {
                    black_box(chunk_graph(shape, *offset, nodes));
                }
            }),
        ),
        (
            "merge and table",
            Box::new(move || {
                let merged = ChunkGraph::merge(&parts.iter().collect::<Vec<_>>(), &Monitor::new());
                let merged = merged.expect("the blocks make the image");
                black_box(merged.table(0..merged.finished(), &Monitor::new())).expect("nothing is missing");
            }),
        ),
    ]
}
