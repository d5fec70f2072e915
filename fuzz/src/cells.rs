//! What voxels of a skeleton own of a mask.

use skanrs::cells::{cells, cells_between, strays_among};
use skanrs::centreline::Skeleton;
use skanrs::image::elements::Shared;
use skanrs::image::indices::position;
use skanrs::image::mask_rows::MaskRows;
use skanrs::support::threads::Monitor;

use super::{Bytes, nodes_of};

/// Cells of some planes at a time add up to those of all planes, and these, without what objects without a skeleton gave, are
/// those of the mask.
pub fn cells_in_planes(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape().map(|length| length.min(40));
    let spacing = bytes.spacing();
    let cuts = bytes.cuts(shape[0]);
    let (apart, largest) = (1 + bytes.next(), 1 + bytes.next());
    let (image, monitor) = (bytes.image(shape), Monitor::new());
    let mut mask = MaskRows::zeros(shape, [false; 3]).expect("small");
    mask.insert([0; 3], &Shared::view(&image.view()), 1, &monitor).expect("within");
    let nodes: Vec<i64> = nodes_of(&image).into_iter().step_by(apart).collect();
    let radii: Vec<f64> = nodes.iter().map(|&node| ((node as usize % largest) as f64).sqrt() * spacing[0]).collect();
    let axes = if shape[0] == 1 { 2 } else { 3 };
    let (starts, paths) = (&[0_i64][..], &[][..]);
    let skeleton = Skeleton { mask: &mask, spacing, axes, origin: [0; 3], nodes: &nodes, radii: &radii, starts, paths };

    let given = cells_between(skeleton, 0..shape[0], &monitor).expect("planes of the mask");
    let (mut sums, mut farthest) = (vec![[0; 2]; nodes.len()], f64::NEG_INFINITY);
    for pair in cuts.windows(2) {
        let part = cells_between(skeleton, pair[0]..pair[1], &monitor).expect("planes of the mask");
        for (sum, more) in sums.iter_mut().zip(&part.sums) {
            (0..2).for_each(|of| sum[of] += more[of]);
        }
        farthest = farthest.max(part.farthest);
    }
    assert_eq!(sums, given.sums);
    assert!(farthest.is_finite() == given.farthest.is_finite());

    let strays = strays_among(&mask, &given.loose).expect("voxels of the mask");
    let mut only = MaskRows::zeros(shape, [false; 3]).expect("small");
    for &voxel in &strays {
        only.insert_bits(position(voxel, shape), 1);
    }
    let taken = cells_between(Skeleton { mask: &only, ..skeleton }, 0..shape[0], &monitor).expect("planes of the mask");
    let each: Vec<u32> = (0..nodes.len() as u32).collect();
    let whole = cells(skeleton, &each, nodes.len(), &monitor).expect("an owner each");
    if !nodes.is_empty() {
        assert_eq!(whole.strays, strays.len() as u64);
    }
    for (cell, (given, taken)) in whole.cells.iter().zip(given.sums.iter().zip(&taken.sums)) {
        assert_eq!(cell.voxels, given[0] - taken[0]);
    }
}
