//! The area of a surface from the pairs of neighbours that it separates: Cauchy and Crofton's formula.
//!
//! Lines of one direction cross a surface in proportion to its projection along them, and the mean projection over all
//! directions is a fourth of the area (in a plane: of the length, over π). So the area is Σ Wₖ Nₖ over the 13 directions k
//! to neighbours (4 in a plane) and their opposites, Nₖ counting pairs of a foreground and a background voxel along k, and
//! Wₖ = 2 cₖ |voxel| / |k| (in a plane π/2 cₖ |voxel| / |k|), cₖ the share of all directions that are nearer to ±k than to the others.
//!
//! Pairs are counted in fixed point, so that sums do not depend on their order: an error below 2⁻³⁰ a pair, and room for 2²⁹
//! voxels of a surface.

use std::f64::consts::PI;

use crate::centreline::smooth::Point;

/// The weight of the heaviest direction in fixed point.
const UNIT: f64 = (1_u64 << 30) as f64;

/// Points along an edge of the square or the cube whose directions are shared out.
const SAMPLES: usize = 64;

/// Weights of pairs: of a voxel's neighbours in each of three planes, those that are background, as nine bits in C order.
#[derive(Debug)]
pub struct Weights {
    tables: [[u64; 512]; 3],
    unit: f64,
}

impl Weights {
    /// Those of voxels of this spacing; of two axes the last two count.
    #[must_use]
    pub fn new(spacing: Point, axes: usize) -> Self {
        let of_neighbour = weights(spacing, axes);
        let unit = of_neighbour.iter().fold(0.0, |most: f64, &weight| most.max(weight)) / UNIT;
        let fixed = of_neighbour.map(|weight| (weight / unit).round() as u64);
        let mut tables = [[0; 512]; 3];
        for (plane, table) in tables.iter_mut().enumerate() {
            for (bits, sum) in table.iter_mut().enumerate() {
                *sum = (0..9).filter(|bit| bits >> bit & 1 == 1).map(|bit| fixed[9 * plane + bit]).sum();
            }
        }
        Self { tables, unit }
    }

    /// The sum of the weights of the background among a voxel's neighbours, three planes of nine bits.
    #[inline]
    #[must_use]
    pub fn sum(&self, background: [usize; 3]) -> u64 {
        self.tables[0][background[0]] + self.tables[1][background[1]] + self.tables[2][background[2]]
    }

    /// The area of a sum.
    #[must_use]
    pub fn area(&self, sum: u64) -> f64 {
        sum as f64 * self.unit
    }
}

/// The step to each of 27 neighbours.
fn step(neighbour: usize) -> Point {
    [neighbour / 9, neighbour / 3 % 3, neighbour % 3].map(|at| at as f64 - 1.0)
}

/// The weight of each of 27 neighbours.
fn weights(spacing: Point, axes: usize) -> [f64; 27] {
    let vectors: [Point; 27] = std::array::from_fn(|at| [0, 1, 2].map(|axis| step(at)[axis] * spacing[axis]));
    let length = |vector: Point| vector.iter().map(|along| along * along).sum::<f64>().sqrt();
    let lengths = vectors.map(length);
    let directions: Vec<usize> = (0..27).filter(|&at| at != 13 && (axes == 3 || at / 9 == 1)).collect();
    let mut shares = [0.0; 27];
    let mut whole = 0.0;
    let mut share_out = |point: Point, solid: f64| {
        let nearness =
            directions.iter().map(|&at| (0..3).map(|axis| point[axis] * vectors[at][axis]).sum::<f64>() / lengths[at]);
        let nearness: Vec<f64> = nearness.collect();
        let most = nearness.iter().fold(0.0, |most: f64, &nearness| most.max(nearness));
        // On the bisector of several the share is divided, so that the weights have the symmetry of the voxel.
        let is_nearest = |at: &usize| nearness[*at] >= most * (1.0 - 1e-12);
        let equals = (0..directions.len()).filter(is_nearest).count() as f64;
        for at in (0..directions.len()).filter(is_nearest) {
            shares[directions[at]] += solid / equals;
        }
        whole += solid;
    };
    let place = |sample: usize| (2 * sample + 1) as f64 / SAMPLES as f64 - 1.0;
    // Half of the directions, on the faces of a cube or the edges of a square; the others are their opposites.
    for axis in 3 - axes..3 {
        let [next, last] = if axes == 3 { [(axis + 1) % 3, (axis + 2) % 3] } else { [3 - axis, 0] };
        for one in 0..SAMPLES {
            for other in 0..(if axes == 3 { SAMPLES } else { 1 }) {
                let mut point = [0.0; 3];
                (point[axis], point[next]) = (1.0, place(one));
                if axes == 3 {
                    point[last] = place(other);
                }
                share_out(point, length(point).powi(-(axes as i32)));
            }
        }
    }
    let size: f64 = spacing[3 - axes..].iter().product();
    let factor = if axes == 3 { 2.0 } else { PI / 2.0 };
    std::array::from_fn(|at| {
        // A direction and its opposite share what is nearer to either.
        let share = (shares[at] + shares[26 - at]) / whole;
        if share > 0.0 { factor * share * size / lengths[at] } else { 0.0 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_has_its_area() {
        // Between two half spaces a voxel of the last plane has nine neighbours beyond.
        let weights = Weights::new([1.0; 3], 3);
        let plane = weights.area(weights.sum([0b1_1111_1111, 0, 0]));
        assert!((0.9..1.15).contains(&plane), "{plane}");
        let turned = weights.area(weights.sum([0b0_0100_1001; 3]));
        assert!((plane - turned).abs() < 1e-6, "{plane} {turned}");
        let line = Weights::new([1.0; 3], 2);
        let line = line.area(line.sum([0, 0b0_0000_0111, 0]));
        assert!((0.9..1.1).contains(&line), "{line}");
    }

    #[test]
    fn the_mean_over_all_planes_is_right() {
        // A plane of normal n has |k · n| / |voxel| pairs along k for each unit of its area.
        for spacing in [[1.0; 3], [3.0, 1.0, 1.0], [1.0, 2.0, 4.0]] {
            let weights = weights(spacing, 3);
            let (mut sum, mut count) = (0.0, 0.0);
            for at in 0..4000_i32 {
                let z = f64::from(2 * at + 1) / 4000.0 - 1.0;
                let turn = PI * (1.0 + 5.0_f64.sqrt()) * f64::from(at);
                let normal = [z, (1.0 - z * z).sqrt() * turn.sin(), (1.0 - z * z).sqrt() * turn.cos()];
                let size: f64 = spacing.iter().product();
                sum += (0..27)
                    .map(|at| {
                        let along: f64 = (0..3).map(|axis| step(at)[axis] * spacing[axis] * normal[axis]).sum();
                        weights[at] * along.max(0.0) / size
                    })
                    .sum::<f64>();
                count += 1.0;
            }
            assert!((sum / count - 1.0).abs() < 1e-3, "{spacing:?}: {}", sum / count);
        }
    }
}
