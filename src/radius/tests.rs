#![allow(clippy::float_cmp, reason = "radii are equal to the last bit")]

use ndarray::{Array3, s};

use super::faces::{Face, depths, lower};
use super::*;
use crate::image::elements::Shared;
use crate::image::mask_rows::MaskRows;
use crate::support::errors::Error;
use crate::support::random::Random;

/// Every background voxel, one by one.
fn naive(image: &Array3<u8>, at: [usize; 3], surroundings: &Surroundings, squares: &Squares) -> f64 {
    let mut best = surroundings.to_border(at, squares);
    for ((z, y, x), _) in image.indexed_iter().filter(|(_, value)| **value == 0) {
        best = best.min(squares.sum([z.abs_diff(at[0]), y.abs_diff(at[1]), x.abs_diff(at[2])]));
    }
    best
}

fn image(shape: [usize; 3], seed: u64, per_mille: usize) -> Array3<u8> {
    let mut random = Random(seed);
    Array3::from_shape_simple_fn(shape, || u8::from(random.below(1000) >= per_mille))
}

const SPACINGS: [[f64; 3]; 6] =
    [[1.0, 1.0, 1.0], [2.0, 1.0, 1.0], [0.3, 0.3, 0.3], [0.7, 1.1, 3.3], [2.5, 0.3, 0.71], [0.01, 7.0, 1.3]];

/// The radii, which every way of searching finds.
fn by_every_way(background: &Background, nodes: &[i64], surroundings: &Surroundings, squares: &Squares) -> Vec<f64> {
    let of = |way| squared_radii_by(way, background, nodes, surroundings, squares, &Monitor::new()).unwrap();
    let radii = of(Way::Single);
    assert_eq!(of(Way::WholeRows), radii);
    assert_eq!(of(Way::Faster), radii);
    radii
}

#[test]
fn equals_looking_at_every_voxel() {
    let shapes = [[1, 1, 1], [1, 9, 70], [9, 1, 64], [5, 6, 130], [12, 11, 10], [0, 3, 4], [1, 1, 300], [110, 3, 2]];
    for (seed, shape) in shapes.into_iter().enumerate() {
        for spacing in SPACINGS {
            for share in [0, 1, 20, 500] {
                for border in [[false; 3], [true, true, false], [true; 3]] {
                    let image = image(shape, (seed + share) as u64, share);
                    let surroundings = Surroundings { offset: [0; 3], image: shape, border };
                    let squares = Squares::new(shape, spacing).unwrap();
                    let background = Background::pack(&Shared::view(&image.view()), 0xff, &Monitor::new()).unwrap();
                    assert_eq!(background.is_empty(), image.iter().all(|&value| value != 0));
                    let nodes: Vec<i64> = (0..image.len() as i64).step_by(1 + image.len() / 200).collect();
                    let radii = by_every_way(&background, &nodes, &surroundings, &squares);
                    let mut rows = MaskRows::zeros(shape, border).unwrap();
                    rows.insert([0; 3], &Shared::view(&image.view()), 0xff, &Monitor::new()).unwrap();
                    let whole = rows.clone();
                    let found = Background::within(&mut rows, |background| {
                        squared_radii(background, &nodes, &surroundings, &squares, &Monitor::new())
                    });
                    assert_eq!(found.unwrap(), radii);
                    assert_eq!(rows, whole);
                    let found = Background::within(&mut whole.in_a_file(), |background| {
                        squared_radii(background, &nodes, &surroundings, &squares, &Monitor::new())
                    });
                    assert_eq!(found.unwrap(), radii);
                    let of_rows = Background::of_mask(&rows).unwrap();
                    assert_eq!(of_rows.is_empty(), background.is_empty());
                    let same = by_every_way(&of_rows, &nodes, &surroundings, &squares);
                    assert_eq!(same, radii);
                    for (&node, radius) in nodes.iter().zip(radii) {
                        assert_eq!(
                            radius,
                            naive(&image, position(node, shape), &surroundings, &squares),
                            "{shape:?} {node}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn thick_objects_reach_beyond_the_table() {
    let shape = [150, 140, 130];
    let mut image = Array3::from_elem(shape, 1_u8);
    image[[3, 139, 129]] = 0;
    image[[140, 2, 7]] = 0;
    let surroundings = Surroundings { offset: [0; 3], image: shape, border: [false; 3] };
    for spacing in SPACINGS {
        let squares = Squares::new(shape, spacing).unwrap();
        let background = Background::pack(&Shared::view(&image.view()), 0xff, &Monitor::new()).unwrap();
        let nodes: Vec<i64> = (0..image.len() as i64).step_by(99_991).collect();
        let radii = by_every_way(&background, &nodes, &surroundings, &squares);
        for (&node, radius) in nodes.iter().zip(radii) {
            assert_eq!(radius, naive(&image, position(node, shape), &surroundings, &squares));
        }
    }
}

#[test]
fn the_face_of_a_part_tells_all_that_the_other_part_needs() {
    let shape = [9, 10, 70];
    for (spacing, share) in SPACINGS.into_iter().flat_map(|spacing| [(spacing, 0), (spacing, 2), (spacing, 60)]) {
        let image = image(shape, 5, share);
        let squares = Squares::new(shape, spacing).unwrap();
        for (axis, cut) in [(0, 4), (1, 1), (2, 66), (2, 3)] {
            let [mut low, mut high] = [image.view(), image.view()];
            low.slice_axis_inplace(ndarray::Axis(axis), (..cut).into());
            high.slice_axis_inplace(ndarray::Axis(axis), (cut..).into());
            for (part, end) in [(low, true), (high, false)] {
                let background = Background::pack(&Shared::view(&part), 0xff, &Monitor::new()).unwrap();
                let depths = depths(&background, axis, end).unwrap();
                let others: Vec<usize> = (0..3).filter(|&other| other != axis).collect();
                let face = Face { axis, depths: &depths, shape: [shape[others[0]], shape[others[1]]] };
                for at in [[0, 0, 0], [8, 9, 69], [4, 3, 30], [8, 0, 67], [3, 5, 1]] {
                    let beyond = if end { at[axis] >= cut } else { at[axis] < cut };
                    if !beyond {
                        continue;
                    }
                    let gap = if end { at[axis] + 1 - cut } else { cut - at[axis] };
                    let mut radii = [f64::INFINITY];
                    let voxel = [gap, at[others[0]], at[others[1]]];
                    lower(face, &[voxel], &mut radii, &squares, &Monitor::new()).unwrap();
                    let mut only = Array3::from_elem(shape, 1_u8);
                    let range = if end { 0..cut } else { cut..shape[axis] };
                    only.slice_axis_mut(ndarray::Axis(axis), range.into()).assign(&part);
                    let surroundings = Surroundings { offset: [0; 3], image: shape, border: [false; 3] };
                    assert_eq!(radii[0], naive(&only, at, &surroundings, &squares));
                }
            }
        }
    }
    assert!(image(shape, 5, 60).slice(s![0, .., ..]).iter().any(|&value| value == 0));
}

#[test]
fn refuses_axes_whose_steps_would_wrap() {
    for (axis, length) in [(0, 1 << 31), (1, 1 << 32), (2, usize::MAX)] {
        let mut shape = [1; 3];
        shape[axis] = length;
        assert!(matches!(Squares::new(shape, [1.0; 3]), Err(Error::InvalidArgument { name: "shape", .. })));
    }
}
