//! Smoothing of paths: the minimiser of Σ |pᵢ − xᵢ|² + λ Σ |pᵢ₋₁ − 2 pᵢ + pᵢ₊₁|², taken twice.
//!
//! With S the minimiser for x, the path is S x + S (x − S x), so that the loss of a bend is squared. An end that is held stays
//! where it is; the others are free. A closed path is laid out several times in a row, as far as the minimiser sees: its
//! influence falls as exp(−k / (√2 λ^¼)) with k steps.
//!
//! Cost: one factorisation of five diagonals a path, linear in its points; 80 bytes a point while it is smoothed.
//!
//! Source: the discrete smoothing spline of Whittaker (1923) and Eilers, Analytical Chemistry 75 (2003); "twicing" after Tukey.

use std::f64::consts::PI;

use crate::support::allocate::{Grow, try_collect, try_copy, try_filled};
use crate::support::errors::Result;

/// What the buffers are for.
const PATHS: &str = "the points of paths";

/// A point, or a single number with two zeros.
pub type Point = [f64; 3];

/// The factor λ for voxels as long as broad.
const STIFFNESS: f64 = 15.0;

/// How a path ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Whether the path is a cycle without junction, whose last point repeats the first.
    pub is_closed: bool,
    /// Whether its first and last points are held.
    pub held: [bool; 2],
}

/// The stiffness λ of a path of `points` points among voxels of this spacing; a path that returns to its start is bent by its
/// own circle, of which at least 99 % must stay.
#[must_use]
pub fn stiffness(spacing: &[f64], points: usize, returns: bool) -> f64 {
    let longest = spacing.iter().fold(0.0, |longest: f64, &step| longest.max(step));
    let shortest = spacing.iter().fold(f64::INFINITY, |shortest: f64, &step| shortest.min(step));
    let stiffness = STIFFNESS * (longest / shortest) * (longest / shortest);
    if !returns {
        return stiffness;
    }
    let bend = 2.0 - 2.0 * (2.0 * PI / (points - 1) as f64).cos();
    stiffness.min(1.0 / (9.0 * bend * bend))
}

/// The smooth path through `points`.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`].
pub fn smooth(points: &[Point], stiffness: f64, ends: Ends) -> Result<Vec<Point>> {
    if points.len() < 3 {
        return try_copy(PATHS, points);
    }
    if !ends.is_closed {
        return smooth_open(points, stiffness, ends.held);
    }
    let cycle = points.len() - 1;
    let around = (60.0 * stiffness.powf(0.25)).ceil() as usize + 8;
    let first = cycle - around % cycle;
    let laid_out = (first..first + cycle + 2 * around).map(|at| points[at % cycle]);
    let smoothed = smooth_open(&try_collect(PATHS, laid_out)?, stiffness, [false; 2])?;
    let mut result = try_copy(PATHS, &smoothed[around..around + cycle])?;
    let start = result[0];
    result.try_push(PATHS, start)?;
    Ok(result)
}

fn smooth_open(points: &[Point], stiffness: f64, held: [bool; 2]) -> Result<Vec<Point>> {
    let matrix = Factors::new(points.len(), stiffness, held)?;
    let mut first = try_copy(PATHS, points)?;
    matrix.solve(&mut first);
    let rest = points.iter().zip(&first).map(|(point, first)| [0, 1, 2].map(|axis| point[axis] - first[axis]));
    let mut rest = try_collect(PATHS, rest)?;
    matrix.solve(&mut rest);
    for (point, rest) in first.iter_mut().zip(&rest) {
        *point = [0, 1, 2].map(|axis| point[axis] + rest[axis]);
    }
    Ok(first)
}

/// The matrix of the normal equations as L D Lᵀ, where points that are held have rows of the identity.
struct Factors {
    diagonal: Vec<f64>,
    /// Of L, by one and by two below the diagonal.
    below: Vec<[f64; 2]>,
    /// What a held end adds to the right sides of the next two points.
    coupling: [f64; 2],
    held: [bool; 2],
}

impl Factors {
    fn new(count: usize, stiffness: f64, held: [bool; 2]) -> Result<Self> {
        let mut diagonal = try_filled(PATHS, count, 1.0)?;
        let mut below = try_filled(PATHS, count, [0.0; 2])?;
        for at in 0..count - 2 {
            diagonal[at] += stiffness;
            diagonal[at + 1] += 4.0 * stiffness;
            diagonal[at + 2] += stiffness;
            below[at][0] -= 2.0 * stiffness;
            below[at + 1][0] -= 2.0 * stiffness;
            below[at][1] += stiffness;
        }
        let coupling = below[0];
        if held[0] {
            (diagonal[0], below[0]) = (1.0, [0.0; 2]);
        }
        if held[1] {
            (diagonal[count - 1], below[count - 2][0], below[count - 3][1]) = (1.0, 0.0, 0.0);
        }
        for at in 0..count {
            let [one, two] = below[at];
            let pivot = diagonal[at];
            below[at] = [one / pivot, two / pivot];
            if at + 1 < count {
                diagonal[at + 1] -= one * one / pivot;
                below[at + 1][0] -= one * two / pivot;
            }
            if at + 2 < count {
                diagonal[at + 2] -= two * two / pivot;
            }
        }
        Ok(Self { diagonal, below, coupling, held })
    }

    fn solve(&self, values: &mut [Point]) {
        let count = values.len();
        let [first, last] = [values[0], values[count - 1]];
        let subtract = |value: &mut Point, factor: f64, other: Point| {
            for axis in 0..3 {
                value[axis] -= factor * other[axis];
            }
        };
        // Of three points the last couples to the first by two steps; both may be held.
        let inner = 1..count - 1;
        let free = |at: usize| inner.contains(&at) || !self.held[usize::from(at > 0)];
        for steps in [1, 2] {
            if self.held[0] && free(steps) {
                subtract(&mut values[steps], self.coupling[steps - 1], first);
            }
            if self.held[1] && free(count - 1 - steps) {
                subtract(&mut values[count - 1 - steps], self.coupling[steps - 1], last);
            }
        }
        for at in 0..count {
            let value = values[at];
            for steps in (1..3).filter(|steps| at + steps < count) {
                subtract(&mut values[at + steps], self.below[at][steps - 1], value);
            }
        }
        for at in (0..count).rev() {
            values[at] = values[at].map(|value| value / self.diagonal[at]);
            for steps in (1..3).filter(|steps| at + steps < count) {
                let after = values[at + steps];
                subtract(&mut values[at], self.below[at][steps - 1], after);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::needless_range_loop, reason = "indices are those of the textbook")]
    /// Gaussian elimination of the dense normal equations: the definition, in cubic time.
    fn naive(points: &[Point], stiffness: f64, held: [bool; 2]) -> Vec<Point> {
        let count = points.len();
        let mut matrix = vec![vec![0.0; count]; count];
        for at in 0..count {
            matrix[at][at] += 1.0;
        }
        for at in 0..count - 2 {
            for (i, a) in [1.0, -2.0, 1.0].into_iter().enumerate() {
                for (j, b) in [1.0, -2.0, 1.0].into_iter().enumerate() {
                    matrix[at + i][at + j] += stiffness * a * b;
                }
            }
        }
        for (end, at) in [(0, 0), (1, count - 1)] {
            if held[end] {
                matrix[at].fill(0.0);
                matrix[at][at] = 1.0;
            }
        }
        let solve = |right: Vec<Point>| {
            let (mut matrix, mut right) = (matrix.clone(), right);
            for pivot in 0..count {
                for row in pivot + 1..count {
                    let factor = matrix[row][pivot] / matrix[pivot][pivot];
                    for column in 0..count {
                        matrix[row][column] -= factor * matrix[pivot][column];
                    }
                    right[row] = [0, 1, 2].map(|axis| right[row][axis] - factor * right[pivot][axis]);
                }
            }
            for row in (0..count).rev() {
                for column in row + 1..count {
                    right[row] = [0, 1, 2].map(|axis| right[row][axis] - matrix[row][column] * right[column][axis]);
                }
                right[row] = right[row].map(|value| value / matrix[row][row]);
            }
            right
        };
        let first = solve(points.to_vec());
        let rest = solve(points.iter().zip(&first).map(|(p, q)| [0, 1, 2].map(|axis| p[axis] - q[axis])).collect());
        first.iter().zip(&rest).map(|(p, q)| [0, 1, 2].map(|axis| p[axis] + q[axis])).collect()
    }

    fn walk(count: usize) -> Vec<Point> {
        let wave = |at: usize, by: usize| f64::from((at * by % 7) as u8) - 3.0;
        (0..count).map(|at| [at as f64, wave(at, 3), wave(at, 5)]).collect()
    }

    fn largest_difference(one: &[Point], other: &[Point]) -> f64 {
        assert_eq!(one.len(), other.len());
        let differences = one.iter().zip(other).flat_map(|(p, q)| [0, 1, 2].map(|axis| (p[axis] - q[axis]).abs()));
        differences.fold(0.0, f64::max)
    }

    #[test]
    fn is_the_solution_of_the_dense_equations() {
        for count in [3, 4, 5, 6, 9, 40] {
            for held in [[false, false], [true, false], [false, true], [true, true]] {
                let points = walk(count);
                let smoothed = smooth(&points, 15.0, Ends { is_closed: false, held }).unwrap();
                assert!(largest_difference(&smoothed, &naive(&points, 15.0, held)) < 1e-10, "{count} {held:?}");
            }
        }
    }

    #[test]
    fn a_cycle_has_no_start_and_keeps_its_size() {
        let ends = Ends { is_closed: true, held: [false; 2] };
        for cycle in [4, 8, 12, 60, 500] {
            let radius = cycle as f64 / 6.0;
            let circle = |from: usize| -> Vec<Point> {
                let angle = |at: usize| 2.0 * PI * (at % cycle) as f64 / cycle as f64;
                (from..=from + cycle).map(|at| [radius * angle(at).sin(), radius * angle(at).cos(), 0.0]).collect()
            };
            let stiffness = stiffness(&[1.0; 3], cycle + 1, true);
            let smoothed = smooth(&circle(0), stiffness, ends).unwrap();
            let turned = smooth(&circle(3), stiffness, ends).unwrap();
            assert!(largest_difference(&smoothed[3..cycle], &turned[..cycle - 3]) < 1e-12 * radius.max(1.0));
            assert_eq!(smoothed.first(), smoothed.last());
            let shrunk = smoothed[1][0].hypot(smoothed[1][1]) / radius;
            assert!((0.9899..=1.0).contains(&shrunk), "{cycle}: {shrunk}");
        }
    }

    #[test]
    fn straight_paths_stay() {
        let line: Vec<Point> = (0..50).map(|at| [f64::from(at), 2.0 * f64::from(at), 0.0]).collect();
        let smoothed = smooth(&line, 15.0, Ends { is_closed: false, held: [true, false] }).unwrap();
        assert!(largest_difference(&line, &smoothed) < 1e-10);
    }
}
