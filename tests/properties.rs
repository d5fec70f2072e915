//! Properties that hold for every image: those of thinning, of its pieces and of branch tables.

use ndarray::{Array3, Axis, concatenate, s};
use proptest::prelude::*;
use skanrs::chunk_graph::{Block, ChunkGraph, Geometry, Table, Values};
use skanrs::image::bit_image::BitImage;
use skanrs::support::threads::Monitor;
use skanrs::thinning::{Method, naive, thin};

fn images() -> impl Strategy<Value = Array3<u8>> {
    (2..10_usize, 1..10_usize, 1..80_usize, 1..9_u8).prop_flat_map(|(z, y, x, tenths)| {
        let voxels = prop::collection::vec((0..10_u8).prop_map(move |value| u8::from(value < tenths)), z * y * x);
        voxels.prop_map(move |voxels| Array3::from_shape_vec((z, y, x), voxels).expect("as many voxels"))
    })
}

fn methods() -> impl Strategy<Value = Method> {
    prop_oneof![Just(Method::Lee), Just(Method::LeePreserving)]
}

/// An image of one plane.
fn planes() -> impl Strategy<Value = Array3<u8>> {
    (1..40_usize, 1..140_usize, 1..9_u8).prop_flat_map(|(y, x, tenths)| {
        let pixels = prop::collection::vec((0..10_u8).prop_map(move |value| u8::from(value < tenths)), y * x);
        pixels.prop_map(move |pixels| Array3::from_shape_vec((1, y, x), pixels).expect("as many pixels"))
    })
}

fn thinned(image: &Array3<u8>, method: Method) -> Array3<u8> {
    let mut bits = BitImage::pack(&image.view(), 1, &Monitor::new()).expect("small");
    thin(&mut bits, method, &Monitor::new()).expect("small");
    let mut output = Array3::zeros(image.dim());
    bits.unpack_into(output.view_mut());
    output
}

fn table(image: &Array3<u8>) -> Table {
    let shape = image.shape();
    let nodes: Vec<i64> = image.iter().enumerate().filter(|(_, value)| **value != 0).map(|(at, _)| at as i64).collect();
    let geometry = Geometry::new(shape, &[1.0, 0.5, 2.0], Values::Absent).expect("a shape and a spacing");
    let block = Block { shape, offset: &[0; 3], nodes: &nodes, values: &[] };
    let graph = ChunkGraph::from_block(block, geometry, &Monitor::new()).expect("a whole image");
    graph.table(0..graph.finished(), &Monitor::new()).expect("complete")
}

/// Two images of the same planes and rows, with background between them.
fn apart(one: &Array3<u8>, other: &Array3<u8>) -> Array3<u8> {
    let gap = Array3::zeros((2, one.dim().1, one.dim().2));
    concatenate![Axis(0), *one, gap, *other]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_skeleton_is_a_part_of_the_image_and_its_own_skeleton(image in images(), method in methods()) {
        let skeleton = thinned(&image, method);
        prop_assert!(skeleton.iter().zip(&image).all(|(kept, value)| kept <= value));
        prop_assert_eq!(thinned(&skeleton, method), skeleton);
    }

    #[test]
    fn thinning_follows_its_definition(image in images(), method in methods()) {
        prop_assert_eq!(thinned(&image, method), naive::thin(&image, method));
    }

    #[test]
    fn thinning_of_planes_follows_its_definition(image in planes()) {
        for method in [Method::Lee, Method::LeePreserving, Method::Zhang] {
            let skeleton = thinned(&image, method);
            prop_assert_eq!(&skeleton, &naive::thin(&image, method));
            prop_assert!(skeleton.iter().zip(&image).all(|(kept, value)| kept <= value));
            prop_assert_eq!(&thinned(&skeleton, method), &skeleton);
        }
    }

    #[test]
    fn background_around_does_not_matter(image in images(), method in methods(), margin in [0..6_usize, 0..6, 0..70]) {
        let [z, y, x] = margin;
        let (planes, rows, columns) = image.dim();
        let mut padded = Array3::zeros((planes + 2 * z, rows + y, columns + x));
        padded.slice_mut(s![z..z + planes, ..rows, x..]).assign(&image);
        let skeleton = thinned(&padded, method);
        prop_assert_eq!(skeleton.slice(s![z..z + planes, ..rows, x..]), thinned(&image, method));
        prop_assert_eq!(skeleton.iter().filter(|value| **value != 0).count(),
            thinned(&image, method).iter().filter(|value| **value != 0).count());
    }

    #[test]
    fn objects_apart_are_thinned_apart(image in images(), method in methods()) {
        let other = image.slice(s![..;-1, ..;-1, ..]).to_owned();
        let together = thinned(&apart(&image, &other), method);
        prop_assert_eq!(together, apart(&thinned(&image, method), &thinned(&other, method)));
    }

    #[test]
    fn the_table_of_objects_apart_is_theirs_joined(image in images()) {
        let other = image.slice(s![.., ..;-1, ..]).to_owned();
        let [one, two, both] = [&image, &other, &apart(&image, &other)].map(table);
        let sorted = |mut lengths: Vec<f64>| {
            lengths.sort_by(f64::total_cmp);
            lengths
        };
        prop_assert_eq!(sorted(both.lengths), sorted([one.lengths, two.lengths].concat()));
    }

    #[test]
    fn no_chord_is_longer_than_its_branch(image in images()) {
        let table = table(&thinned(&image, Method::Lee));
        let (_, rows, columns) = image.dim();
        let place = |index: u64| {
            let index = index as usize;
            [(index / columns / rows) as f64, 0.5 * (index / columns % rows) as f64, 2.0 * (index % columns) as f64]
        };
        for ((&length, &from), &to) in table.lengths.iter().zip(&table.indices[0]).zip(&table.indices[1]) {
            let chord = place(from).iter().zip(place(to)).map(|(one, other)| (one - other).powi(2)).sum::<f64>().sqrt();
            prop_assert!(chord <= length * (1.0 + 1e-12), "{} {}", chord, length);
        }
    }
}
