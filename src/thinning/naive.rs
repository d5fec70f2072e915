//! The definition of the methods, one voxel after the other on a dense image: slow and short, the reference for the kernels.

use ndarray::Array3;

use crate::image::neighbourhood::{at_most_one_component, is_simple_and_no_endpoint};
use crate::thinning::method::Method;
use crate::thinning::words::zhang::REMOVED;

/// Whether Lee's thinning of the image is all of simple voxels that are no endpoints, so that nothing was to preserve.
#[cfg(test)]
#[must_use]
pub fn deletes_simple_voxels_only(image: &Array3<u8>) -> bool {
    let mut image = image.mapv(|value| u8::from(value != 0));
    let only = std::cell::Cell::new(true);
    while lee_round(&mut image, |neighbours| {
        let deletes = at_most_one_component(neighbours);
        only.set(only.get() && deletes == is_simple_and_no_endpoint(neighbours));
        deletes
    }) {}
    only.get()
}

/// The image, thinned; by Zhang's method each plane by itself.
#[must_use]
pub fn thin(image: &Array3<u8>, method: Method) -> Array3<u8> {
    let mut image = image.mapv(|value| u8::from(value != 0));
    while match method {
        Method::Lee => lee_round(&mut image, at_most_one_component),
        Method::LeePreserving => lee_round(&mut image, is_simple_and_no_endpoint),
        Method::Zhang => zhang_round(&mut image),
    } {}
    image
}

fn voxel(image: &Array3<u8>, at: (usize, usize, usize), offset: [isize; 3]) -> bool {
    let (z, y, x) = at;
    let moved = [z.checked_add_signed(offset[0]), y.checked_add_signed(offset[1]), x.checked_add_signed(offset[2])];
    matches!(moved, [Some(z), Some(y), Some(x)] if image.get((z, y, x)) == Some(&1))
}

fn neighbours(image: &Array3<u8>, at: (usize, usize, usize)) -> u32 {
    (0..27).filter(|&k| k != 13).fold(0, |mask, k| {
        let offset = [k / 9 - 1, k / 3 % 3 - 1, k % 3 - 1];
        mask | u32::from(voxel(image, at, offset)) << k
    })
}

fn lee_round(image: &mut Array3<u8>, recheck: impl Fn(u32) -> bool) -> bool {
    let borders = [[0, -1, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1], [1, 0, 0], [-1, 0, 0]];
    let mut changed = false;
    for &border in &borders[..if image.dim().0 == 1 { 4 } else { 6 }] {
        let collected: Vec<_> = image
            .indexed_iter()
            .filter(|&(at, &value)| {
                value == 1 && !voxel(image, at, border) && is_simple_and_no_endpoint(neighbours(image, at))
            })
            .map(|(at, _)| at)
            .collect();
        for at in collected {
            if recheck(neighbours(image, at)) {
                image[at] = 0;
                changed = true;
            }
        }
    }
    changed
}

fn zhang_round(image: &mut Array3<u8>) -> bool {
    let mut changed = false;
    for removed in &REMOVED {
        let before = image.clone();
        for (at, value) in image.indexed_iter_mut() {
            let ring = [[-1, -1], [-1, 0], [-1, 1], [0, 1], [1, 1], [1, 0], [1, -1], [0, -1]];
            let index = ring
                .iter()
                .enumerate()
                .fold(0, |index, (k, &[dy, dx])| index | usize::from(voxel(&before, at, [0, dy, dx])) << k);
            if *value == 1 && removed[index] {
                *value = 0;
                changed = true;
            }
        }
    }
    changed
}
