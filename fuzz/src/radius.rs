//! Radii of voxels.

use skanrs::image::elements::Shared;
use skanrs::image::indices::position;
use skanrs::radius::{Background, Squares, Surroundings, squared_radii};
use skanrs::support::threads::Monitor;

use super::{Bytes, nodes_of};

/// Radii against a look at every background voxel.
pub fn radius(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape().map(|length| length.min(24));
    let spacing = bytes.spacing();
    let (image, monitor) = (bytes.image(shape), Monitor::new());
    let nodes = nodes_of(&image);
    let squares = Squares::new(shape, spacing).expect("small");
    let background = Background::pack(&Shared::view(&image.view()), 0xff, &monitor).expect("small");
    let surroundings = Surroundings { offset: [0; 3], image: shape, border: [false; 3] };
    let radii = squared_radii(&background, &nodes, &surroundings, &squares, &monitor).expect("small");
    for (&node, &radius) in nodes.iter().zip(&radii).step_by(1 + nodes.len() / 16) {
        let at = position(node, shape);
        let square = |other: [usize; 3]| -> f64 {
            (0..3).map(|axis| (at[axis].abs_diff(other[axis]) as f64 * spacing[axis]).powi(2)).sum()
        };
        let background = image.indexed_iter().filter(|(_, value)| **value == 0);
        let nearest = background.map(|((z, y, x), _)| square([z, y, x])).fold(f64::INFINITY, f64::min);
        assert!(
            (nearest.is_infinite() && radius.is_infinite()) || (nearest - radius).abs() <= 1e-9 * nearest,
            "{nearest} {radius}"
        );
    }
}
