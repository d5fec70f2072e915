//! Every kernel that uses threads gives the same answer on 2 to 8 of them as on one.
//!
//! The images are large enough for each kernel to divide its work. `make test-races` runs these tests under `ThreadSanitizer`.

use std::fmt::Debug;

use ndarray::{Array3, ArrayD, Axis, IxDyn, s};
use skanrs::branches::ends::{path_ends, positions};
use skanrs::branches::lengths::{components, path_lengths, path_sums, values_along};
use skanrs::branches::trace::{trace_branches, trace_branches_in_tasks};
use skanrs::cells;
use skanrs::centreline::{self, Skeleton};
use skanrs::chunk_graph::{Block, ChunkGraph, Geometry, Values};
use skanrs::csv::{Column, rows};
use skanrs::graph::adjacency::{Adjacency, Grid, adjacency, weights};
use skanrs::graph::csr::Csr;
use skanrs::graph::heights::Heights;
use skanrs::graph::junctions::prune_junctions;
use skanrs::graph::pixel_graph::{Neighbourhood, count_entries, pixel_graph};
use skanrs::graph::topology::topology;
use skanrs::gray::gaussian::{Gaussian, Smoothed, gaussian};
use skanrs::gray::histogram::{Bins, count_bins, count_each};
use skanrs::gray::range::value_range;
use skanrs::gray::threshold::{Rule, count_and_pack, foreground as gray_foreground, packed_foreground};
use skanrs::gray::values::Plain;
use skanrs::image::bit_image::BitImage;
use skanrs::image::elements::Shared;
use skanrs::image::foreground::foreground;
use skanrs::image::indices::{coordinates, position};
use skanrs::image::label_words::LabelWords;
use skanrs::image::mask_rows::MaskRows;
use skanrs::labels::{self, Skeletons};
use skanrs::network;
use skanrs::network::territories::Territories;
use skanrs::pruning::{Limits, prune};
use skanrs::radius::faces::{Face, depths, lower};
use skanrs::radius::{Background, Squares, Surroundings, squared_radii};
use skanrs::support::errors::Error;
use skanrs::support::threads::{Monitor, Pool, run};
use skanrs::thinning::chunks::words::Frame;
use skanrs::thinning::chunks::{chunk_words, thin_words};
use skanrs::thinning::labels::thin_labels;
use skanrs::thinning::{Method, thin};

static MONITOR: Monitor = Monitor::new();

/// Noise, `percent` of its voxels foreground.
fn noise(shape: &[usize], percent: u64) -> ArrayD<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u8::from((state >> 33) % 100 < percent)
    })
}

fn volume(shape: [usize; 3], percent: u64) -> Array3<u8> {
    noise(&shape, percent).into_dimensionality().expect("three axes")
}

fn nodes_of(image: &ArrayD<u8>) -> Vec<i64> {
    let offset = vec![0; image.ndim()];
    foreground(&Shared::view(&image.view()), 1, &offset, image.shape(), &MONITOR).expect("there is memory")
}

/// What a kernel answers on one thread, after a comparison with its answers on more.
fn same<T: PartialEq + Debug + Send>(kernel: impl Fn() -> T + Send + Sync) -> T {
    let answer = |threads| Pool::take(threads).expect("the system gives threads").install(&kernel);
    let expected = answer(1);
    for threads in 2..=8 {
        // Not `assert_eq`, which would print the arrays.
        assert!(answer(threads) == expected, "the answer of {threads} threads differs");
    }
    expected
}

fn thinned(image: &Array3<u8>, method: Method) -> Array3<u8> {
    let mut bits = BitImage::pack(&image.view(), 1, &MONITOR).expect("there is memory");
    thin(&mut bits, method, &MONITOR).expect("not interrupted");
    let mut output = Array3::zeros(image.dim());
    bits.unpack_into(output.view_mut());
    output
}

#[test]
fn thinning_of_volumes() {
    for percent in [50, 90] {
        let image = volume([132, 60, 70], percent);
        for method in [Method::Lee, Method::LeePreserving] {
            same(|| thinned(&image, method));
        }
    }
    // Too few planes for steps side by side: the bands are divided instead.
    let flat = volume([9, 250, 260], 70);
    same(|| thinned(&flat, Method::Lee));
}

#[test]
fn thinning_of_planes() {
    let image = volume([1, 700, 600], 80);
    for method in [Method::Lee, Method::LeePreserving, Method::Zhang] {
        same(|| thinned(&image, method));
    }
}

#[test]
fn thinning_of_chunks() {
    let image = volume([36, 40, 50], 80);
    let frame = Frame { shape: [36, 60, 50] };
    for method in [Method::Lee, Method::LeePreserving] {
        same(|| {
            let words = chunk_words(&image.view(), 1, [0; 3], &frame, &MONITOR).expect("there is memory");
            let resolved = thin_words(words, vec![[[0, 36], [0, 40], [0, 50]]], frame, method, &MONITOR);
            format!("{:?}", resolved.expect("not interrupted"))
        });
    }
}

#[test]
fn thinning_of_labels() {
    // Labels in slabs that touch; the last one is not thinned.
    let image = volume([64, 70, 80], 80);
    let labels = Array3::from_shape_fn(image.dim(), |(z, y, x)| image[[z, y, x]] * (1 + (z + y / 8) / 9) as u8);
    for plane in [false, true] {
        let view = labels.slice_axis(Axis(0), if plane { (0..1).into() } else { (..).into() });
        let methods = if plane { &[Method::Lee, Method::Zhang][..] } else { &[Method::Lee, Method::LeePreserving] };
        for &method in methods {
            same(|| {
                let words = LabelWords::of(&view, &MONITOR).expect("there is memory");
                let mut chosen = vec![true; words.values().len()];
                chosen[words.values().len() - 1] = words.values().len() == 1;
                thin_labels(&words, &chosen, method, &MONITOR).expect("not interrupted");
                let mut output = Array3::<u8>::zeros(view.dim());
                words.write_into(output.view_mut(), &chosen);
                (words.counts().to_vec(), output)
            });
        }
    }
}

#[test]
fn territories() {
    let image = volume([40, 50, 90], 85);
    let nodes = nodes_of(&thinned(&image, Method::Lee).into_dyn());
    let numbers: Vec<i32> = (0..nodes.len() as i32).map(|number| number % 50).collect();
    let mut mask = MaskRows::zeros([40, 50, 90], [false; 3]).expect("there is memory");
    mask.insert([0; 3], &Shared::view(&image.view()), 1, &MONITOR).expect("the block is the image");
    same(|| {
        let territories = Territories::new(&mask, &nodes, &numbers, [1.0, 0.7, 2.0], &MONITOR);
        let mut drawn = Array3::zeros(image.dim());
        territories.expect("voxels of the mask").draw([0; 3], drawn.view_mut(), &MONITOR).expect("in the image");
        drawn
    });
}

#[test]
fn gray_images() {
    let shape = [70, 80, 90];
    let mut image = volume(shape, 50).mapv(f32::from);
    image.indexed_iter_mut().for_each(|((z, y, x), value)| *value *= ((z * 7 + y * 3 + x) % 31) as f32);
    let view = Shared::view(&image.view());
    // The last reaches too far for all axes at a time.
    let far = vec![1.0 / 257.0; 257];
    for weights in [[&[0.25, 0.5, 0.25][..], &[], &[0.1, 0.2, 0.4, 0.2, 0.1]], [&[0.25, 0.5, 0.25], &far, &[]]] {
        let filter = Gaussian::new(weights).expect("odd numbers of weights");
        same(|| {
            let mut smoothed = Array3::<f32>::zeros(shape);
            gaussian(&view, &filter, smoothed.view_mut(), &MONITOR).expect("the same shape");
            smoothed
        });
    }
    let filter = Gaussian::new([&[0.25, 0.5, 0.25], &[], &[]]).expect("odd numbers of weights");
    let (plain, smoothed) = (Plain(view), Smoothed::<f32, f32>::new(&view, &filter));
    same(|| value_range(&plain, &MONITOR).expect("not interrupted"));
    same(|| value_range(&smoothed, &MONITOR).expect("not interrupted"));
    let edges: Vec<f32> = (0..=64).map(|edge| edge as f32 / 2.0).collect();
    same(|| count_bins(&plain, 0.0, 32.0, &edges, &MONITOR).expect("not interrupted"));
    same(|| count_bins(&smoothed, 0.0, 32.0, &edges, &MONITOR).expect("not interrupted"));
    let bytes = image.mapv(|value| value as u8);
    same(|| count_each(&Plain(Shared::view(&bytes.view())), 0, 31, &MONITOR).expect("not interrupted"));
    same(|| {
        let mut mask = Array3::zeros(shape);
        let count = gray_foreground(&smoothed, Rule::Above(9.0), mask.view_mut(), &MONITOR).expect("the same shape");
        let mut rows = MaskRows::zeros(shape, [false; 3]).expect("there is memory");
        let packed = packed_foreground(&smoothed, Rule::Above(9.0), &mut rows, 0, &MONITOR);
        assert_eq!(packed, Ok(count));
        (mask, format!("{rows:?}"))
    });
    let bins = Bins::new(0.0, 32.0, &edges).expect("two edges at least");
    same(|| {
        let mut rows = MaskRows::zeros(shape, [false; 3]).expect("there is memory");
        let found = count_and_pack(&smoothed, &bins, [7.0, 9.0], usize::MAX, &mut rows, 0, &MONITOR);
        let (counts, undecided) = found.expect("the same shape");
        let undecided = undecided.expect("as many as there are");
        let mut undecided: Vec<_> =
            undecided.bits.into_iter().zip(undecided.values.iter().map(|value| value.to_bits())).collect();
        undecided.sort_unstable();
        (counts, undecided, format!("{rows:?}"))
    });
}

#[test]
fn packing_of_any_order_and_type() {
    let image = volume([75, 90, 130], 40);
    let mut reversed = image.view();
    reversed.invert_axis(Axis(1));
    let halves = image.mapv(|value| f32::from(value) / 2.0).mapv(f32::to_bits);
    for view in [image.view(), image.t(), reversed] {
        same(|| BitImage::pack(&view, 1, &MONITOR).expect("there is memory").words().to_vec());
    }
    same(|| BitImage::pack(&halves.view(), u32::MAX, &MONITOR).expect("there is memory").words().to_vec());
}

#[test]
fn lists_of_foreground() {
    for shape in [&[200_000][..], &[500, 600], &[70, 80, 90], &[12, 30, 40, 25]] {
        let image = noise(shape, 30);
        let nodes = same(|| nodes_of(&image));
        same(|| coordinates(&nodes, shape).expect("in the image"));
    }
}

#[test]
fn graphs_and_branches() {
    let image = volume([60, 70, 80], 12).into_dyn();
    let shape = [60, 70, 80];
    let nodes = nodes_of(&image);
    let grid = Grid::new(&shape, &[1.0, 0.5, 2.0], 3).expect("three axes have a window");
    let neighbourhood = Neighbourhood::new(&shape, &[1.0, 0.5, 2.0], 3);
    let values: Vec<f64> = nodes.iter().map(|&node| (node % 97) as f64).collect();
    same(|| adjacency::<i32>(&nodes, &grid, false, &MONITOR).expect("there is memory"));
    same(|| count_entries(&nodes, &neighbourhood, &MONITOR).expect("not interrupted"));
    let heights = Some(Heights::Double(&values));
    same(|| pixel_graph::<i32>(&nodes, &neighbourhood, heights, &MONITOR).expect("there is memory"));
    let graph: Adjacency<i32> = same(|| adjacency(&nodes, &grid, true, &MONITOR).expect("there is memory"));
    same(|| weights(&graph.indptr, &graph.indices, &graph.masks, &grid, heights).expect("the graph fits"));

    let mut pruned: Csr<i32> = same(|| {
        let mut graph = pixel_graph(&nodes, &neighbourhood, None, &MONITOR).expect("there is memory");
        prune_junctions(&mut graph, &MONITOR).expect("the graph is symmetric");
        graph
    });
    let traced = |task| {
        let branches = trace_branches_in_tasks(&graph.with_distances(&grid), task, &MONITOR);
        let branches = branches.expect("the graph is symmetric");
        (branches.indptr, branches.indices)
    };
    let (indptr, indices) = same(|| traced(1000));
    assert!((&indptr, &indices) == (&traced(1 << 20).0, &traced(1 << 20).1), "any task gives the same branches");
    pruned.weights.iter_mut().for_each(|weight| *weight *= 3.0);

    let along = same(|| values_along(Some(&values), &indices, nodes.len()).expect("each node has a value"));
    same(|| path_sums(&indptr, &along, &MONITOR).expect("paths fit"));
    same(|| path_lengths(pruned.view(), &indptr, &indices, &MONITOR).expect("paths fit"));
    same(|| components(&pruned.indptr, &pruned.indices, &MONITOR).expect("the graph fits"));
    let ends = same(|| path_ends(&indptr, &indices, &graph.masks, &nodes, &MONITOR).expect("paths fit"));
    let [sources, destinations] = &ends.voxels;
    same(|| positions([sources, destinations], &shape, &[1.0, 0.5, 2.0], &MONITOR).expect("in the image"));
    same(|| topology::<i32>(&nodes, shape, &MONITOR).expect("there is memory"));
    let limits = Limits { length: 3.0, ratio: 1.0, bulge: 1.5, radii: Some(&values) };
    same(|| prune::<i32>(&nodes, shape, [1.0, 0.5, 2.0], limits, &MONITOR).expect("there is memory"));
}

#[test]
fn graphs_of_four_axes() {
    let image = noise(&[14, 16, 18, 20], 20);
    let nodes = nodes_of(&image);
    let neighbourhood = Neighbourhood::new(image.shape(), &[1.0; 4], 4);
    same(|| pixel_graph::<i64>(&nodes, &neighbourhood, None, &MONITOR).expect("there is memory"));
}

#[test]
fn radii() {
    let shape = [70, 80, 90];
    let spacing = [1.0, 0.7, 2.5];
    let mut image = volume(shape, 98);
    // Far from the background a ball is searched in another way than near it.
    image.slice_mut(s![20..60, 20..60, 20..60]).fill(1);
    let nodes = nodes_of(&image.clone().into_dyn());
    let squares = Squares::new([90; 3], spacing).expect("short axes");
    let surroundings = Surroundings { offset: [0; 3], image: shape, border: [true; 3] };
    let pack = || Background::pack(&Shared::view(&image.view()), 1, &MONITOR).expect("there is memory");
    let radii = same(|| squared_radii(&pack(), &nodes, &surroundings, &squares, &MONITOR).expect("not interrupted"));
    let background = pack();
    for axis in 0..3 {
        let others = [[1, 2], [0, 2], [0, 1]][axis];
        let depths = same(|| depths(&background, axis, true).expect("there is memory"));
        let face = Face { axis, depths: &depths, shape: others.map(|other| shape[other]) };
        let outside: Vec<_> =
            nodes.iter().map(|&node| position(node, shape)).map(|at| [1, at[others[0]], at[others[1]]]).collect();
        same(|| {
            let mut radii = radii.clone();
            lower(face, &outside, &mut radii, &squares, &MONITOR).expect("not interrupted");
            radii
        });
    }
}

#[test]
fn measures_of_branches() {
    let shape = [40, 50, 90];
    let mut image = volume(shape, 80);
    // Thick enough for balls that overlap.
    image.slice_mut(s![5..30, 8..40, 10..60]).fill(1);
    let nodes = nodes_of(&thinned(&image, Method::Lee).into_dyn());
    let grid = Grid::new(&shape, &[1.0; 3], 3).expect("three axes have a window");
    let graph: Adjacency<i32> = adjacency(&nodes, &grid, true, &MONITOR).expect("there is memory");
    let branches = trace_branches(&graph.with_distances(&grid), &MONITOR).expect("the graph is symmetric");
    let packed = || {
        let mut mask = MaskRows::zeros(shape, [false, true, true]).expect("there is memory");
        mask.insert([0; 3], &Shared::view(&image.view()), 1, &MONITOR).expect("the block is the image");
        mask
    };
    same(|| format!("{:?}", packed()));
    let mask = packed();
    for spacing in [[1.0; 3], [2.0, 1.0, 0.7]] {
        let squares = Squares::new(shape, spacing).expect("short axes");
        let surroundings = Surroundings { offset: [0; 3], image: shape, border: mask.border() };
        let radii = same(|| {
            let background = Background::of_mask(&mask).expect("there is memory");
            let squares = squared_radii(&background, &nodes, &surroundings, &squares, &MONITOR);
            squares.expect("not interrupted").into_iter().map(f64::sqrt).collect::<Vec<f64>>()
        });
        let skeleton = Skeleton {
            mask: &mask,
            spacing,
            axes: 3,
            origin: [0; 3],
            nodes: &nodes,
            radii: &radii,
            starts: &branches.indptr,
            paths: &branches.indices,
        };
        // Some measures of a cycle are no numbers, which are not equal to themselves.
        same(|| format!("{:?}", centreline::measures(skeleton, &MONITOR).expect("the paths fit")));
        same(|| centreline::centrelines(skeleton, &MONITOR).expect("the paths fit"));
        let measures = centreline::measures(skeleton, &MONITOR).expect("the paths fit");
        let mean_radii: Vec<f64> = measures.iter().map(|measures| measures.mean_radius).collect();
        same(|| cells::of_paths(skeleton, &mean_radii, &MONITOR).expect("the paths fit"));
        same(|| cells::cells_between(skeleton, 3..29, &MONITOR).expect("there are such planes"));
        same(|| network::nodes::nodes(skeleton, &MONITOR).expect("the paths fit"));
    }
    let wide = |numbers: &[i32]| numbers.iter().map(|&number| i64::from(number)).collect::<Vec<_>>();
    let words = LabelWords::of(&image.mapv(u64::from).view(), &MONITOR).expect("there is memory");
    let skeletons = Skeletons {
        spacing: [1.0; 3],
        axes: 3,
        border: [false; 3],
        nodes: &nodes,
        labels: &vec![1; nodes.len()],
        starts: &wide(&branches.indptr),
        paths: &wide(&branches.indices),
    };
    same(|| format!("{:?}", labels::measures(&words, skeletons, &MONITOR).expect("the paths fit")));
}

#[test]
fn text_of_tables() {
    let numbers: Vec<i64> = (0..20_000).collect();
    let halves: Vec<f64> = numbers.iter().map(|&number| number as f64 / 7.0).collect();
    same(|| rows(&[Column::Integers(&numbers), Column::Floats(&halves)], &MONITOR).expect("there is memory"));
}

#[test]
fn chunk_graphs() {
    let shape = [60, 70, 80];
    let nodes = nodes_of(&volume(shape, 12).into_dyn());
    let graph = |block: [usize; 3], offset: [usize; 3], nodes: &[i64]| {
        let geometry = Geometry::new(&shape, &[1.0; 3], Values::Absent).expect("the image is small");
        let block = Block { shape: &block, offset: &offset, nodes, values: &[] };
        ChunkGraph::from_block(block, geometry, &MONITOR).expect("the block lies in the image")
    };
    let whole = same(|| graph(shape, [0; 3], &nodes).to_bytes().expect("there is memory"));
    let whole = ChunkGraph::from_bytes(&whole).expect("its own bytes");
    same(|| format!("{:?}", whole.table(0..whole.finished(), &MONITOR).expect("complete")));
}

#[test]
fn calls_side_by_side() {
    let image = volume([40, 60, 70], 60);
    let expected = thinned(&image, Method::Lee);
    let call = |threads| run::<_, Error>(threads, |_| Ok(()), |_| Ok(thinned(&image, Method::Lee)));
    std::thread::scope(|scope| {
        for threads in [2, 3, 2, 3] {
            let (call, expected) = (&call, &expected);
            scope.spawn(move || {
                for _ in 0..3 {
                    assert!(call(threads).as_ref() == Ok(expected), "the answer beside other calls differs");
                }
            });
        }
    });
}

/// What `make test-races` must report. The threads meet before they race, or one could end before the other begins.
#[cfg(races)]
#[test]
fn a_race_on_purpose() {
    struct Unguarded(std::cell::UnsafeCell<u64>);

    impl Unguarded {
        fn add(&self) {
            // SAFETY: none, which is the purpose.
            unsafe { *self.0.get() += 1 };
        }
    }

    // SAFETY: none, as above.
    unsafe impl Sync for Unguarded {}

    let (unguarded, barrier) = (Unguarded(0.into()), std::sync::Barrier::new(2));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                barrier.wait();
                unguarded.add();
            });
        }
    });
}
