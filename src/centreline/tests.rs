use std::f64::consts::PI;

use ndarray::Array3;

use super::rays::{Exit, Fan, Position, RAYS, exit};
use super::vectors::{cross, unit};
use super::*;
use crate::image::elements::Shared;
use crate::image::mask_rows::MaskRows;

fn mask_of(shape: [usize; 3], border: [bool; 3], is_foreground: impl Fn([usize; 3]) -> bool) -> MaskRows {
    let image = Array3::from_shape_fn(shape, |(z, y, x)| u8::from(is_foreground([z, y, x])));
    let mut mask = MaskRows::zeros(shape, border).unwrap();
    mask.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()).unwrap();
    mask
}

#[test]
fn rays_leave_the_mask_where_they_first_meet_something_else() {
    let noise = |[z, y, x]: [usize; 3]| (z * 7 + y * 13 + x * 29 + z * x) % 11 < 8;
    let (mut at_background, mut at_border) = (0, 0);
    for (border, spacing) in [(false, [1.0; 3]), (true, [3.0, 1.0, 1.0]), (true, [0.5, 0.7, 1.1])] {
        let mask = mask_of([9, 11, 13], [border; 3], noise);
        for at in 0..400_usize {
            let voxel = [at % 9, at % 11, at % 13].map(|at| at as i64);
            let rest = [at * 3, at * 5, at * 7].map(|at| (at % 10) as f64 / 10.0 - 0.45);
            let direction = unit([at * 7 + 1, at * 5 + 2, at * 3 + 1].map(|at| (at % 13) as f64 - 6.2)).unwrap();
            let voxel_after = |way: f64| {
                [0, 1, 2].map(|axis| voxel[axis] + (rest[axis] + way * direction[axis] / spacing[axis]).round() as i64)
            };
            let found = exit(&mask, Position { voxel, rest }, direction, spacing, 8.0);
            let (Exit::Known(end) | Exit::Border(end)) = found;
            for step in 0..(end * 1e3) as usize {
                let here = voxel_after(step as f64 * 1e-3);
                assert!(here == voxel || mask.get(here) == Some(true), "{at}: {found:?}");
            }
            let beyond = mask.get(voxel_after(end + 1e-9));
            match found {
                Exit::Known(way) if way >= 8.0 => {}
                Exit::Known(_) if beyond.is_some() => {
                    assert_eq!(beyond, Some(false), "{at}");
                    at_background += 1;
                }
                Exit::Known(_) => assert!(border, "{at}"),
                Exit::Border(_) => {
                    assert!(!border && beyond.is_none(), "{at}");
                    at_border += 1;
                }
            }
        }
    }
    assert!(at_background > 100 && at_border > 20, "{at_background} {at_border}");
}

#[test]
fn a_fan_is_its_rays() {
    let (mut numbers, mut known, mut unknown) = (1_u64, 0, 0);
    let mut number = || {
        numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (numbers >> 11) as f64 / (1_u64 << 53) as f64
    };
    let fan = Fan::default();
    for (border, density) in [(false, 0.8), (true, 0.95), (false, 0.99)] {
        let image = Array3::from_shape_simple_fn([23, 26, 140], || u8::from(number() < density));
        let mask = mask_of([23, 26, 140], [border; 3], |[z, y, x]| image[[z, y, x]] == 1);
        for trial in 0..600 {
            let spacing = [[1.0; 3], [3.0, 1.0, 1.0], [0.4, 0.7, 1.9]][trial % 3];
            let voxel = [23.0, 26.0, 140.0].map(|length| (number() * length) as i64);
            // Many at the middle of a voxel or along an axis, where crossings coincide.
            let rest = if trial % 4 == 0 { [0.0; 3] } else { [(); 3].map(|()| number() - 0.5) };
            let tangent = match trial % 5 {
                0 => [1.0, 0.0, 0.0],
                1 => [0.5_f64.sqrt(), 0.0, -(0.5_f64.sqrt())],
                _ => unit([(); 3].map(|()| number() - 0.5)).unwrap(),
            };
            let across = unit(cross(tangent, [0.0, 1.0, 0.0])).unwrap();
            let plane = [across, cross(tangent, across)];
            let (from, most) = (Position { voxel, rest }, [3.0, 9.5, f64::INFINITY][trial / 3 % 3]);
            let ways = fan.ways(&mask, from, plane, spacing, most);
            for (ray, way) in ways.into_iter().enumerate() {
                let (sine, cosine) = (2.0 * PI * ray as f64 / RAYS as f64).sin_cos();
                let direction = [0, 1, 2].map(|axis| plane[0][axis] * cosine + plane[1][axis] * sine);
                let expected = match exit(&mask, from, direction, spacing, most) {
                    Exit::Known(way) => way,
                    Exit::Border(_) => f64::INFINITY,
                };
                assert_eq!(way.to_bits(), expected.to_bits(), "{trial} {ray}: {way} {expected}");
                known += u32::from(way < most);
                unknown += u32::from(way.is_infinite());
            }
        }
    }
    assert!(known > 10_000 && unknown > 1_000, "{known} {unknown}");
}

#[test]
fn a_ray_along_a_diagonal_passes_the_edges() {
    let mask = mask_of([1, 9, 9], [false; 3], |[_, y, x]| y == x);
    let from = Position { voxel: [0, 2, 2], rest: [0.0; 3] };
    let diagonal = [0.0, 0.5_f64.sqrt(), 0.5_f64.sqrt()];
    assert_eq!(exit(&mask, from, diagonal, [1.0; 3], 4.0), Exit::Known(4.0));
    assert!(
        matches!(exit(&mask, from, diagonal, [1.0; 3], 40.0), Exit::Border(way) if (way - 6.5 * 2_f64.sqrt()).abs() < 1e-9)
    );
}

/// A straight tube along the last axis, its skeleton the axis.
fn along_x(radius: f64, length: usize, border: [bool; 3], flat: bool) -> (MaskRows, Vec<i64>, Vec<f64>) {
    let side = 2 * radius as usize + 5;
    let middle = side / 2;
    let shape = [if flat { 1 } else { side }, side, length];
    let mask = mask_of(shape, border, |[z, y, _]| {
        let (dz, dy) = (if flat { 0.0 } else { z as f64 - middle as f64 }, y as f64 - middle as f64);
        dz * dz + dy * dy <= radius * radius
    });
    let row = (if flat { 0 } else { middle } * side + middle) * length;
    let nodes = (row..row + length).map(|at| at as i64).collect();
    (mask, nodes, vec![radius + 0.5; length])
}

#[test]
fn a_tube_has_its_radius_and_length() {
    for (radius, flat) in [(3.0, false), (6.0, false), (4.0, true)] {
        let (mask, nodes, radii) = along_x(radius, 40, [false; 3], flat);
        let (starts, paths) = ([0_i64, 40], (0..40).collect::<Vec<i64>>());
        let axes = if flat { 2 } else { 3 };
        let skeleton = Skeleton {
            mask: &mask,
            spacing: [1.0; 3],
            axes,
            origin: [0; 3],
            nodes: &nodes,
            radii: &radii,
            starts: &starts,
            paths: &paths,
        };
        let measured = measures(skeleton, &Monitor::new()).unwrap()[0];
        let of_file = Skeleton { mask: &mask.in_a_file(), ..skeleton };
        assert_eq!(measures(of_file, &Monitor::new()).unwrap()[0], measured);
        assert_eq!(centrelines(of_file, &Monitor::new()), centrelines(skeleton, &Monitor::new()));
        assert!((measured.length - 39.0).abs() < 1e-9);
        assert!((measured.tortuosity - 1.0).abs() < 1e-12);
        let truth = if flat { radius + 0.5 } else { radius };
        assert!((measured.mean_radius - truth).abs() < 0.2, "{measured:?}");
        assert!(measured.stdev_radius < 1e-6 && measured.min_radius <= measured.max_radius);
        assert!((measured.tip_length - 1.0).abs() < 1e-9, "half a voxel to the border at both ends: {measured:?}");
    }
}

#[test]
fn rays_that_leave_the_image_do_not_count() {
    // Half a tube: its flat side lies on the border.
    let shape = [9, 20, 40];
    let tube = |[z, y, _]: [usize; 3]| z * z + (y.abs_diff(10)) * (y.abs_diff(10)) <= 36;
    let nodes: Vec<i64> = (0..40).map(|x| 10 * 40 + x).collect();
    let (starts, paths, radii) = ([0_i64, 40], (0..40).collect::<Vec<i64>>(), vec![6.4; 40]);
    let of = |border: bool| {
        let mask = mask_of(shape, [border; 3], tube);
        let skeleton = Skeleton {
            mask: &mask,
            spacing: [1.0; 3],
            axes: 3,
            origin: [0; 3],
            nodes: &nodes,
            radii: &radii,
            starts: &starts,
            paths: &paths,
        };
        measures(skeleton, &Monitor::new()).unwrap()[0].mean_radius
    };
    assert!((of(false) - 6.1).abs() < 0.3, "{}", of(false));
    assert!(of(true) < 5.0, "{}", of(true));
}

#[test]
fn short_paths_and_no_background_have_sane_numbers() {
    let mask = mask_of([5, 5, 5], [false; 3], |_| true);
    let (nodes, radii) = ([62_i64, 63], [f64::INFINITY; 2]);
    let (starts, paths) = ([0_i64, 2, 2], [0_i64, 1]);
    let skeleton = Skeleton {
        mask: &mask,
        spacing: [1.0; 3],
        axes: 3,
        origin: [0; 3],
        nodes: &nodes,
        radii: &radii,
        starts: &starts,
        paths: &paths,
    };
    let measured = measures(skeleton, &Monitor::new()).unwrap();
    assert!((measured[0].length - 1.0).abs() < 1e-12 && measured[0].mean_radius.is_infinite());
    assert!(measured[1].length == 0.0 && measured[1].mean_radius.is_nan());
    let mut wrong = skeleton;
    wrong.radii = &radii[..1];
    assert!(measures(wrong, &Monitor::new()).is_err());
    wrong = skeleton;
    wrong.paths = &[0, 2];
    assert!(measures(wrong, &Monitor::new()).is_err());
}
