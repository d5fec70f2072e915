use std::collections::{HashMap, HashSet};
use std::ops::Range;

use ndarray::Array3;

use super::*;
use crate::image::elements::Shared;
use crate::image::indices::position;
use crate::image::mask_rows::MaskRows;
use crate::support::random::Random;

type Voxel = [i64; 3];

/// Asks every voxel of the skeleton for every voxel of the mask, and every neighbour for every pair: the definition. The number
/// is that of the voxels of objects that touch no ball.
fn naive(skeleton: &Skeleton<'_, i64>) -> (Vec<Cell>, u64) {
    let weights = Weights::new(skeleton.spacing, skeleton.axes);
    let (sums, strays, _) = naive_sums(skeleton, true);
    (sums.iter().map(|&[voxels, surface]| Cell { voxels, surface: weights.area(surface) }).collect(), strays)
}

/// The same as sums, where not all strays have no owner; and the largest power distance in each plane.
fn naive_sums(skeleton: &Skeleton<'_, i64>, has_strays: bool) -> (Vec<[u64; 2]>, u64, Vec<f64>) {
    let weights = Weights::new(skeleton.spacing, skeleton.axes);
    let mut sums = vec![[0; 2]; skeleton.nodes.len()];
    let [nz, ny, nx] = skeleton.mask.shape().map(|length| length as i64);
    let mask = |at: Voxel| skeleton.mask.get(at);
    let steps = skeleton.steps();
    let is_even = steps.iter().all(|step| step.to_bits() == steps[0].to_bits());
    let power = |at: Voxel, site: usize| {
        let voxel = skeleton.voxel(site);
        let step = |axis: usize| if is_even { 1.0 } else { skeleton.spacing[axis] };
        let square = |axis: usize| ((at[axis] - voxel[axis]) as f64 * step(axis)).powi(2);
        let radius = skeleton.radii[site];
        let of_ball = if is_even { (radius / steps[0]).powi(2).round() } else { radius * radius };
        square(0) + square(1) + square(2) - of_ball
    };
    let all = (0..nz * ny * nx).map(|at| [at / (ny * nx), at / nx % ny, at % nx]);
    let owners: HashMap<Voxel, usize> = all
        .filter(|&at| mask(at) == Some(true))
        .map(|at| (at, (0..sums.len()).min_by(|&one, &other| power(at, one).total_cmp(&power(at, other))).unwrap()))
        .collect();
    let mut farthest = vec![f64::NEG_INFINITY; nz as usize];
    for (&at, &owner) in &owners {
        let farthest = &mut farthest[at[0] as usize];
        *farthest = farthest.max(power(at, owner) * if is_even { steps[0] * steps[0] } else { 1.0 });
    }
    let touching = match is_even {
        _ if !has_strays => f64::INFINITY,
        true => TOUCHING,
        false => 0.0,
    };
    let seeds = owners.iter().filter(|&(&at, &owner)| power(at, owner) < touching).map(|(&at, _)| at).collect();
    let connected = connected(seeds, |at| owners.contains_key(&at));
    for &at in &connected {
        let mut background = [0; 3];
        for neighbour in 0..27 {
            let there = beside(at, neighbour);
            let beyond = || {
                (0..3).any(|axis| {
                    skeleton.mask.border()[axis] && !(0..skeleton.mask.shape()[axis] as i64).contains(&there[axis])
                })
            };
            if !mask(there).unwrap_or_else(|| !beyond()) {
                background[neighbour / 9] |= 1 << (neighbour % 9);
            }
        }
        sums[owners[&at]][0] += 1;
        sums[owners[&at]][1] += weights.sum(background);
    }
    (sums, (owners.len() - connected.len()) as u64, farthest)
}

/// What is connected to `seeds`.
fn connected(seeds: HashSet<Voxel>, is_foreground: impl Fn(Voxel) -> bool) -> HashSet<Voxel> {
    let mut connected = seeds;
    let mut reached: Vec<Voxel> = connected.iter().copied().collect();
    while let Some(at) = reached.pop() {
        for there in (0..27).map(|neighbour| beside(at, neighbour)) {
            if is_foreground(there) && connected.insert(there) {
                reached.push(there);
            }
        }
    }
    connected
}

fn beside(at: Voxel, neighbour: usize) -> Voxel {
    let step = [neighbour / 9, neighbour / 3 % 3, neighbour % 3].map(|step| step as i64 - 1);
    [0, 1, 2].map(|axis| at[axis] + step[axis])
}

#[test]
fn cells_are_those_of_asking_all() {
    let (mut numbers, mut with_strays) = (Random(7), 0);
    for trial in 0..90 {
        let flat = trial % 5 == 0;
        let shape = [if flat { 1 } else { 1 + numbers.below(30) }, 1 + numbers.below(40), 1 + numbers.below(90)];
        let spacing = [[1.0; 3], [0.3; 3], [3.0, 1.0, 1.0], [0.7, 1.3, 2.1]][numbers.below(4)];
        let border = [numbers.below(2) == 0 && !flat; 3];
        // Often so sparse that it falls into many objects.
        let density = [1, 2 + numbers.below(18)][trial % 2];
        let image = Array3::from_shape_simple_fn(shape, || u8::from(numbers.below(20) < density));
        let mut mask = MaskRows::zeros(shape, border).unwrap();
        mask.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()).unwrap();
        let voxels: usize = shape.iter().product();
        let mut nodes: Vec<i64> = (0..=numbers.below(40)).map(|_| numbers.below(voxels) as i64).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let largest = [60, 3, 900][trial % 3];
        let radii: Vec<f64> = nodes.iter().map(|_| (numbers.below(largest) as f64).sqrt() * spacing[0]).collect();
        let skeleton = Skeleton {
            mask: &mask,
            spacing,
            axes: if flat { 2 } else { 3 },
            origin: [0; 3],
            nodes: &nodes,
            radii: &radii,
            starts: &[0_i64],
            paths: &[],
        };
        let each: Vec<u32> = (0..nodes.len() as u32).collect();
        let found = cells(skeleton, &each, nodes.len(), &Monitor::new()).unwrap();
        let of_file = mask.in_a_file();
        assert_eq!(
            cells(Skeleton { mask: &of_file, ..skeleton }, &each, nodes.len(), &Monitor::new()).as_ref(),
            Ok(&found)
        );
        let (expected, strays) = naive(&skeleton);
        assert_eq!(found.strays, strays, "{trial}: {shape:?} {spacing:?}");
        assert_eq!(found.cells, expected, "{trial}: {shape:?} {spacing:?}");
        with_strays += u32::from(strays > 0 && strays < mask.count());
        // Owners of several voxels of the skeleton.
        let owners: Vec<u32> = each.iter().map(|node| node * 3 / nodes.len() as u32).collect();
        let of_owners = cells(skeleton, &owners, 3, &Monitor::new()).unwrap().cells;
        for (owner, cell) in of_owners.iter().enumerate() {
            let own = || (0..nodes.len()).filter(|&node| owners[node] as usize == owner).map(|node| expected[node]);
            assert_eq!(cell.voxels, own().map(|cell| cell.voxels).sum::<u64>());
            assert!((cell.surface - own().map(|cell| cell.surface).sum::<f64>()).abs() < 1e-6 * (1.0 + cell.surface));
        }
        assert_eq!(found.cells.iter().map(|cell| cell.voxels).sum::<u64>() + strays, mask.count());
        // What all planes give, less what the strays gave.
        let given = cells_between(skeleton, 0..shape[0], &Monitor::new()).unwrap();
        let of_strays = strays_among(&mask, &given.loose).unwrap();
        assert_eq!(of_strays.len() as u64, strays);
        let mut only = MaskRows::zeros(shape, mask.border()).unwrap();
        for &voxel in &of_strays {
            only.insert_bits(position(voxel, shape), 1);
        }
        let taken = cells_between(Skeleton { mask: &only, ..skeleton }, 0..shape[0], &Monitor::new()).unwrap();
        let weights = Weights::new(spacing, skeleton.axes);
        for (cell, (given, taken)) in found.cells.iter().zip(given.sums.iter().zip(&taken.sums)) {
            assert_eq!(given[0] - taken[0], cell.voxels);
            assert_eq!(weights.area(given[1] - taken[1]).to_bits(), cell.surface.to_bits());
        }
    }
    assert!(with_strays > 10, "{with_strays}");
}

/// What the sites of a window own of some of its planes, and the first of them.
fn in_window(skeleton: Skeleton<'_, i64>, window: &Range<usize>, planes: &Range<usize>) -> (usize, Between) {
    let mask = skeleton.mask.planes(window.start, window.end).unwrap();
    let plane = mask.shape()[1] * mask.shape()[2];
    let [first, end] =
        [window.start, window.end].map(|z| skeleton.nodes.partition_point(|&node| node < (z * plane) as i64));
    let nodes: Vec<i64> = skeleton.nodes[first..end].iter().map(|node| node - (window.start * plane) as i64).collect();
    let skeleton = Skeleton { mask: &mask, nodes: &nodes, radii: &skeleton.radii[first..end], ..skeleton };
    let planes = planes.start - window.start..planes.end - window.start;
    (first, cells_between(skeleton, planes, &Monitor::new()).unwrap())
}

/// Whether no site outside a window owns anything in some planes, given the bound that comes with what those in it own.
fn is_enough(skeleton: Skeleton<'_, i64>, window: &Range<usize>, planes: &Range<usize>, farthest: f64) -> bool {
    skeleton.radii.iter().enumerate().all(|(site, radius)| {
        let z = skeleton.voxel(site)[0] as usize;
        let planes_away = planes.start.saturating_sub(z).max((z + 1).saturating_sub(planes.end));
        let away = planes_away as f64 * skeleton.spacing[0];
        window.contains(&z) || away * away - radius * radius > farthest + 1e-9 * (1.0 + farthest.abs())
    })
}

#[test]
fn cells_of_parts_add_up() {
    let (mut numbers, mut smaller) = (Random(5), 0);
    for trial in 0..72 {
        let flat = trial % 6 == 0;
        let shape = [if flat { 1 } else { 1 + numbers.below(60) }, 1 + numbers.below(14), 1 + numbers.below(80)];
        let spacing = [[1.0; 3], [0.3; 3], [3.0, 1.0, 1.0], [0.7, 1.3, 2.1], [0.2, 1.0, 1.0]][numbers.below(5)];
        let has_border = trial % 7 == 3;
        let density = [19, 8, 15, 1][trial % 4];
        let image = Array3::from_shape_simple_fn(shape, || u8::from(numbers.below(20) < density));
        let mut mask = MaskRows::zeros(shape, [has_border, !flat, trial % 2 == 0]).unwrap();
        mask.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()).unwrap();
        let mask = if trial % 3 == 0 { mask.in_a_file() } else { mask };
        let voxels: usize = shape.iter().product();
        let mut nodes: Vec<i64> = (0..=voxels / 60).map(|_| numbers.below(voxels) as i64).collect();
        nodes.sort_unstable();
        nodes.dedup();
        // Some squares are not whole.
        let (largest, more) = ([12, 60, 3, 400][numbers.below(4)], [0.0, 0.0, 0.3][numbers.below(3)]);
        let radius = |square: usize| (square as f64 + more).sqrt() * spacing[1];
        let radii: Vec<f64> = nodes.iter().map(|_| radius(numbers.below(largest))).collect();
        let skeleton = Skeleton {
            mask: &mask,
            spacing,
            axes: if flat { 2 } else { 3 },
            origin: [0; 3],
            nodes: &nodes,
            radii: &radii,
            starts: &[0_i64],
            paths: &[],
        };
        let of_trial = format!("{trial}: {shape:?} {spacing:?}");
        let (expected, _, farthest) = naive_sums(&skeleton, false);
        assert_eq!(in_window(skeleton, &(0..shape[0]), &(0..shape[0])).1.sums, expected, "{of_trial}");
        let (mut sums, mut end) = (vec![[0; 2]; nodes.len()], 0);
        while end < shape[0] {
            let planes = end..shape[0].min(end + 1 + numbers.below(40));
            end = planes.end;
            // One plane more than those that are shared out shows their surfaces.
            let mut around = 1 + numbers.below(4);
            let (first, found) = loop {
                let window = planes.start.saturating_sub(around)..shape[0].min(planes.end + around);
                let window = if has_border { 0..shape[0] } else { window };
                let (first, found) = in_window(skeleton, &window, &planes);
                if is_enough(skeleton, &window, &planes, found.farthest) {
                    smaller += usize::from(found.sums.len() < nodes.len());
                    break (first, found);
                }
                around *= 2;
            };
            for (sum, part) in sums[first..].iter_mut().zip(&found.sums) {
                (0..2).for_each(|of| sum[of] += part[of]);
            }
            let most = farthest[planes].iter().fold(f64::NEG_INFINITY, |most, &next| most.max(next));
            let rounding = 1e-9 * (1.0 + most.abs());
            assert!(found.farthest >= most - rounding, "{of_trial}: {most} {}", found.farthest);
            // What touches its ball is not looked at more closely.
            let touching = TOUCHING * spacing[1] * spacing[1];
            assert!(found.farthest <= most.max(touching) + rounding, "{of_trial}: {most} {}", found.farthest);
            assert_eq!(found.farthest.is_finite(), most.is_finite(), "{of_trial}");
        }
        assert_eq!(sums, expected, "{of_trial}");
    }
    assert!(smaller > 40, "{smaller}");
}

#[test]
fn parts_without_sites_have_no_bound() {
    let mut mask = MaskRows::zeros([4, 3, 70], [false; 3]).unwrap();
    mask.set(&[0, 64]).unwrap();
    let (starts, paths) = (&[0_i64][..], &[][..]);
    let skeleton =
        Skeleton { mask: &mask, spacing: [0.5; 3], axes: 3, origin: [0; 3], nodes: &[], radii: &[], starts, paths };
    let of = |skeleton, planes| cells_between(skeleton, planes, &Monitor::new());
    for (planes, farthest) in [(0..1, f64::INFINITY), (1..4, f64::NEG_INFINITY), (0..0, f64::NEG_INFINITY)] {
        assert_eq!(of(skeleton, planes), Ok(Between { sums: Vec::new(), farthest, loose: Vec::new() }));
    }
    let with_site = Skeleton { nodes: &[3 * 70 * 3], radii: &[0.5], ..skeleton };
    let nothing = Between { sums: vec![[0; 2]], farthest: f64::NEG_INFINITY, loose: Vec::new() };
    assert_eq!(of(with_site, 1..4), Ok(nothing));
    // 3 planes and 64 voxels away.
    let farthest = 0.25 * (9.0 + 64.0 * 64.0 - 1.0);
    assert_eq!(of(with_site, 0..4).map(|found| (found.sums[0][0], found.farthest)), Ok((2, farthest)));
    for [first, end] in [[3, 2], [0, 5], [usize::MAX; 2]] {
        assert!(matches!(of(with_site, first..end), Err(Error::InvalidArgument { name: "planes", .. })));
    }
}

#[test]
fn surfaces_are_those_of_cells() {
    let weights = Weights::new([1.0, 2.0, 0.5], 3);
    let sums = [0, 1, 1 << 40];
    let areas = sums.map(|sum| weights.area(sum).to_bits());
    let found = surfaces(&sums, [1.0, 2.0, 0.5], 3).unwrap();
    assert_eq!(found.iter().map(|area| area.to_bits()).collect::<Vec<_>>(), areas);
    assert!(surfaces(&sums, [1.0, 0.0, 0.5], 3).is_err() && surfaces(&sums, [1.0; 3], 4).is_err());
}

#[test]
fn strays_are_the_objects_without_skeleton() {
    let (mut numbers, mut with_strays) = (Random(11), 0);
    for trial in 0..60 {
        let shape = [1 + numbers.below(8), 1 + numbers.below(12), 1 + numbers.below(70)];
        let spacing = [[1.0; 3], [0.3; 3], [0.7, 1.3, 2.1]][trial % 3];
        let density = [3, 17][trial / 3 % 2];
        let image = Array3::from_shape_simple_fn(shape, || u8::from(numbers.below(20) < density));
        let mut mask = MaskRows::zeros(shape, [false; 3]).unwrap();
        mask.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()).unwrap();
        let of_value = |value: u8| -> Vec<Voxel> {
            let all = image.indexed_iter().filter(|&(_, &voxel)| voxel == value);
            all.map(|((z, y, x), _)| [z, y, x].map(|at| at as i64)).collect()
        };
        let background = of_value(0);
        let some: Vec<Voxel> = of_value(1).into_iter().filter(|_| numbers.below(40) == 0).collect();
        let [_, ny, nx] = shape.map(|length| length as i64);
        let nodes: Vec<i64> = some.iter().map(|[z, y, x]| (z * ny + y) * nx + x).collect();
        let square = |one: Voxel, other: Voxel| {
            [0, 1, 2].map(|axis| ((one[axis] - other[axis]) as f64 * spacing[axis]).powi(2)).iter().sum::<f64>()
        };
        let radius =
            |&at: &Voxel| background.iter().map(|&there| square(at, there)).fold(f64::INFINITY, f64::min).sqrt();
        let radii: Vec<f64> = some.iter().map(radius).collect();
        let (starts, paths) = (&[0_i64][..], &[][..]);
        let skeleton =
            Skeleton { mask: &mask, spacing, axes: 3, origin: [0; 3], nodes: &nodes, radii: &radii, starts, paths };
        let found = cells(skeleton, &vec![0; nodes.len()], 1, &Monitor::new()).unwrap();
        let own = connected(some.into_iter().collect(), |at| mask.get(at) == Some(true));
        assert_eq!(found.strays, mask.count() - own.len() as u64, "{trial}: {shape:?} {spacing:?}");
        with_strays += u32::from(found.strays > 0 && found.strays < mask.count());
    }
    assert!(with_strays > 10, "{with_strays}");
}

#[test]
fn stops_when_asked() {
    let mut mask = MaskRows::zeros([64; 3], [true; 3]).unwrap();
    let image = Array3::from_elem([64; 3], 1_u8);
    mask.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()).unwrap();
    let (spacing, nodes, radii) = ([1.0; 3], [0, 4000], [1.0, 2.0]);
    let skeleton = Skeleton {
        mask: &mask,
        spacing,
        axes: 3,
        origin: [0; 3],
        nodes: &nodes,
        radii: &radii,
        starts: &[0_i64],
        paths: &[],
    };
    let monitor = Monitor::new();
    monitor.request_stop();
    assert_eq!(cells(skeleton, &[0, 1], 2, &monitor), Err(crate::support::errors::Error::Interrupted));
}
