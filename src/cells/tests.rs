use std::collections::{HashMap, HashSet};

use ndarray::Array3;

use super::*;
use crate::image::elements::Shared;
use crate::image::mask_rows::MaskRows;
use crate::support::random::Random;

type Voxel = [i64; 3];

/// Asks every voxel of the skeleton for every voxel of the mask, and every neighbour for every pair: the definition. The number
/// is that of the voxels of objects that touch no ball.
fn naive(skeleton: &Skeleton<'_, i64>) -> (Vec<Cell>, u64) {
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
    let touching = if is_even { TOUCHING } else { 0.0 };
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
    let cells = sums.iter().map(|&[voxels, surface]| Cell { voxels, surface: weights.area(surface) }).collect();
    (cells, (owners.len() - connected.len()) as u64)
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
    }
    assert!(with_strays > 10, "{with_strays}");
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
