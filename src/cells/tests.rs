use ndarray::Array3;

use super::*;
use crate::image::elements::Shared;

/// A cheap sequence of numbers below `limit`.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Asks every voxel of the skeleton for every voxel of the mask, and every neighbour for every pair: the definition.
fn naive(skeleton: &Skeleton<'_, i64>) -> Vec<Cell> {
    let weights = Weights::new(skeleton.spacing, skeleton.axes);
    let mut sums = vec![[0; 2]; skeleton.nodes.len()];
    let [nz, ny, nx] = skeleton.mask.shape().map(|length| length as i64);
    let mask = |at: [i64; 3]| skeleton.mask.get(at);
    for at in (0..nz * ny * nx).map(|at| [at / (ny * nx), at / nx % ny, at % nx]).filter(|&at| mask(at) == Some(true)) {
        let power = |site: usize| {
            let voxel = skeleton.voxel(site);
            let square = |axis: usize| ((at[axis] - voxel[axis]) as f64 * skeleton.spacing[axis]).powi(2);
            square(0) + square(1) + square(2) - skeleton.radii[site] * skeleton.radii[site]
        };
        let owner = (0..sums.len()).min_by(|&one, &other| power(one).total_cmp(&power(other))).unwrap();
        let mut background = [0; 3];
        for neighbour in 0..27 {
            let step = [neighbour / 9, neighbour / 3 % 3, neighbour % 3].map(|step| step as i64 - 1);
            let there = [0, 1, 2].map(|axis| at[axis] + step[axis]);
            let beyond = || {
                (0..3).any(|axis| {
                    skeleton.mask.border()[axis] && !(0..skeleton.mask.shape()[axis] as i64).contains(&there[axis])
                })
            };
            if !mask(there).unwrap_or_else(|| !beyond()) {
                background[neighbour / 9] |= 1 << (neighbour % 9);
            }
        }
        sums[owner][0] += 1;
        sums[owner][1] += weights.sum(background);
    }
    sums.iter().map(|&[voxels, surface]| Cell { voxels, surface: weights.area(surface) }).collect()
}

#[test]
fn cells_are_those_of_asking_all() {
    let mut numbers = Numbers(7);
    for trial in 0..60 {
        let flat = trial % 5 == 0;
        let shape = [if flat { 1 } else { 1 + numbers.below(30) }, 1 + numbers.below(40), 1 + numbers.below(90)];
        let spacing = [[1.0; 3], [3.0, 1.0, 1.0], [0.7, 1.3, 2.1]][numbers.below(3)];
        let border = [numbers.below(2) == 0 && !flat; 3];
        let density = 1 + numbers.below(9);
        let image = Array3::from_shape_simple_fn(shape, || u8::from(numbers.below(10) < density));
        let mut mask = MaskRows::zeros(shape, border).unwrap();
        mask.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()).unwrap();
        let voxels: usize = shape.iter().product();
        let mut nodes: Vec<i64> = (0..=numbers.below(40)).map(|_| numbers.below(voxels) as i64).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let radii: Vec<f64> = nodes.iter().map(|_| (numbers.below(60) as f64).sqrt()).collect();
        let skeleton = Skeleton {
            mask: &mask,
            spacing,
            axes: if flat { 2 } else { 3 },
            nodes: &nodes,
            radii: &radii,
            starts: &[0_i64],
            paths: &[],
        };
        let found = cells(skeleton, &Monitor::new()).unwrap();
        assert_eq!(found, naive(&skeleton), "{trial}: {shape:?} {spacing:?}");
        assert_eq!(found.iter().map(|cell| cell.voxels).sum::<u64>(), mask.count());
    }
}

#[test]
fn stops_when_asked() {
    let mut mask = MaskRows::zeros([64; 3], [true; 3]).unwrap();
    let image = Array3::from_elem([64; 3], 1_u8);
    mask.insert([0; 3], &Shared::view(&image.view()), 1, &Monitor::new()).unwrap();
    let (spacing, nodes, radii) = ([1.0; 3], [0, 4000], [1.0, 2.0]);
    let skeleton =
        Skeleton { mask: &mask, spacing, axes: 3, nodes: &nodes, radii: &radii, starts: &[0_i64], paths: &[] };
    let monitor = Monitor::new();
    monitor.request_stop();
    assert_eq!(cells(skeleton, &monitor), Err(crate::support::errors::Error::Interrupted));
}
