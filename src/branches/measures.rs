//! Measures of branches that have a radius at each voxel: the extremes, and the surface and volume of the body around them.
//!
//! The body of a branch is a chain of truncated cones, one for each step of its path: of height h between radii r and s it has
//! the lateral area π (r + s) √(h² + (r − s)²) and the volume π h (r² + r s + s²) / 3. In a plane the cones are trapezoids, of
//! the area h (r + s) and with two sides of length √(h² + (r − s)²).
//!
//! Sums are taken from the source on, so that they are equal to the last bit wherever the path is known.

use std::f64::consts::PI;

/// The measures of one branch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// The smallest radius.
    pub smallest: f64,
    /// The largest radius.
    pub largest: f64,
    /// The lateral area of the cones; in a plane the length of both sides.
    pub surface: f64,
    /// The volume of the cones; in a plane the area.
    pub volume: f64,
}

impl Measures {
    /// Those of a path with the radius `first` at its source, and the length of each step with the radius that it leads to.
    pub fn of_path(first: f64, steps: impl Iterator<Item = (f64, f64)>, is_flat: bool) -> Self {
        let mut measures = Self { smallest: first, largest: first, surface: 0.0, volume: 0.0 };
        let mut from = first;
        for (height, to) in steps {
            measures.smallest = measures.smallest.min(to);
            measures.largest = measures.largest.max(to);
            // Without background all radii are infinite.
            let rise = if from.is_infinite() { 0.0 } else { from - to };
            let side = (height * height + rise * rise).sqrt();
            if is_flat {
                measures.surface += 2.0 * side;
                measures.volume += height * (from + to);
            } else {
                measures.surface += PI * (from + to) * side;
                measures.volume += PI / 3.0 * height * (from * from + from * to + to * to);
            }
            from = to;
        }
        measures
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "these numbers are exact")]

    use super::*;

    #[test]
    fn a_cylinder_and_a_cone_have_the_area_and_volume_of_the_textbook() {
        let cylinder = Measures::of_path(2.0, [(3.0, 2.0); 4].into_iter(), false);
        assert!((cylinder.surface - 2.0 * PI * 2.0 * 12.0).abs() < 1e-12);
        assert!((cylinder.volume - PI * 4.0 * 12.0).abs() < 1e-12);
        let cone = Measures::of_path(0.0, (1..=4).map(|at| (2.0, 1.5 * f64::from(at))), false);
        assert!((cone.surface - PI * 6.0 * 10.0).abs() < 1e-12);
        assert!((cone.volume - PI * 36.0 * 8.0 / 3.0).abs() < 1e-12);
        assert_eq!([cone.smallest, cone.largest], [0.0, 6.0]);
        let triangle = Measures::of_path(0.0, (1..=4).map(|at| (2.0, 1.5 * f64::from(at))), true);
        assert_eq!([triangle.surface, triangle.volume], [20.0, 48.0]);
    }

    #[test]
    fn no_background_is_no_bound() {
        let infinite = Measures::of_path(f64::INFINITY, [(1.0, f64::INFINITY)].into_iter(), false);
        assert_eq!(
            infinite,
            Measures { smallest: f64::INFINITY, largest: f64::INFINITY, surface: f64::INFINITY, volume: f64::INFINITY }
        );
    }
}
