//! Smoothing of paths: the minimiser of Σ |pᵢ − xᵢ|² + λ Σ |pᵢ₋₁ − 2 pᵢ + pᵢ₊₁|², taken twice.
//!
//! With S the minimiser for x, the path is S x + S (x − S x), so that the loss of a bend is squared. An end that is held stays
//! where it is; the others are free. A closed path is laid out several times in a row, as far as the minimiser sees: its
//! influence falls as exp(−k / (√2 λ^¼)) with k steps.
//!
//! The normal equations have five diagonals and are solved as L D Lᵀ. The rows of L and D before the last three are the same for
//! paths of any length, so they are kept.
//!
//! Cost: linear in the points; 40 bytes for each point of the longest path.
//!
//! Source: the discrete smoothing spline of Whittaker (1923) and Eilers, Analytical Chemistry 75 (2003); "twicing" after Tukey.

use std::f64::consts::PI;

use crate::support::allocate::{Grow, try_collect};
use crate::support::errors::Result;

/// What the buffers are for.
const PATHS: &str = "the points of paths";

/// A point.
pub type Point = [f64; 3];

/// The factor λ for voxels as long as broad.
const STIFFNESS: f64 = 15.0;

/// Rows at the end of a path that differ from those of a longer one.
const TAIL: usize = 3;

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

/// A row of the normal equations after elimination.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    pivot: f64,
    /// What stands by one and by two below the diagonal, before and after division by the pivot.
    below: [f64; 2],
    factors: [f64; 2],
}

impl Row {
    /// Row `at` of `count`; points that are held have rows of the identity.
    fn new(at: usize, count: usize, stiffness: f64, held: [bool; 2], before: [Self; 2]) -> Self {
        let is_held = |at: usize| at == 0 && held[0] || at + 1 == count && held[1];
        let (mut pivot, mut below) = (1.0, [0.0; 2]);
        if !is_held(at) {
            // The second differences that have the point as their last, their middle and their first.
            if at >= 2 {
                pivot += stiffness;
            }
            if at >= 1 && at + 1 < count {
                pivot += 4.0 * stiffness;
                below[0] -= 2.0 * stiffness;
            }
            if at + 2 < count {
                pivot += stiffness;
                below[0] -= 2.0 * stiffness;
                below[1] += stiffness;
            }
            for steps in 1..3 {
                if is_held(at + steps) {
                    below[steps - 1] = 0.0;
                }
            }
        }
        let [second, first] = before;
        if at >= 2 {
            pivot -= second.below[1] * second.below[1] / second.pivot;
        }
        if at >= 1 {
            pivot -= first.below[0] * first.below[0] / first.pivot;
            below[0] -= first.below[0] * first.below[1] / first.pivot;
        }
        Self { pivot, below, factors: below.map(|below| below / pivot) }
    }
}

/// Smooths paths one after the other.
#[derive(Debug, Default)]
pub struct Smoother {
    stiffness: f64,
    /// The first rows of an endless path whose first point is free, or held.
    rows: [Vec<Row>; 2],
}

impl Smoother {
    /// Makes `points` a smooth path; `spare` is overwritten.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn smooth<const N: usize>(
        &mut self,
        points: &mut [[f64; N]],
        spare: &mut Vec<[f64; N]>,
        stiffness: f64,
        ends: Ends,
    ) -> Result<()> {
        if points.len() < 3 {
            return Ok(());
        }
        if !ends.is_closed {
            return self.smooth_open(points, spare, stiffness, ends.held);
        }
        let cycle = points.len() - 1;
        let around = (60.0 * stiffness.powf(0.25)).ceil() as usize + 8;
        let first = cycle - around % cycle;
        let laid_out = (first..first + cycle + 2 * around).map(|at| points[at % cycle]);
        let mut laid_out = try_collect(PATHS, laid_out)?;
        self.smooth_open(&mut laid_out, spare, stiffness, [false; 2])?;
        points.copy_from_slice(&laid_out[around..=around + cycle]);
        points[cycle] = points[0];
        Ok(())
    }

    fn smooth_open<const N: usize>(
        &mut self,
        points: &mut [[f64; N]],
        spare: &mut Vec<[f64; N]>,
        stiffness: f64,
        held: [bool; 2],
    ) -> Result<()> {
        let matrix = self.matrix(points.len(), stiffness, held)?;
        spare.clear();
        spare.try_extend_from_slice(PATHS, points)?;
        matrix.solve(points);
        for (rest, point) in spare.iter_mut().zip(&*points) {
            for axis in 0..N {
                rest[axis] -= point[axis];
            }
        }
        matrix.solve(spare);
        for (point, rest) in points.iter_mut().zip(spare) {
            for axis in 0..N {
                point[axis] += rest[axis];
            }
        }
        Ok(())
    }

    /// The matrix for a path of `count` points, three at least.
    fn matrix(&mut self, count: usize, stiffness: f64, held: [bool; 2]) -> Result<Matrix<'_>> {
        if self.stiffness.to_bits() != stiffness.to_bits() {
            self.rows.iter_mut().for_each(Vec::clear);
            self.stiffness = stiffness;
        }
        let rows = &mut self.rows[usize::from(held[0])];
        let kept = count - TAIL;
        let last_two = |rows: &[Row]| match *rows {
            [.., second, first] => [second, first],
            [first] => [Row::default(), first],
            [] => [Row::default(); 2],
        };
        while rows.len() < kept {
            let row = Row::new(rows.len(), usize::MAX, stiffness, [held[0], false], last_two(rows));
            rows.try_push(PATHS, row)?;
        }
        let rows = &rows[..kept];
        let mut tail = [Row::default(); TAIL];
        let [mut second, mut first] = last_two(rows);
        for (at, row) in (kept..).zip(&mut tail) {
            *row = Row::new(at, count, stiffness, held, [second, first]);
            (second, first) = (first, *row);
        }
        Ok(Matrix { rows, tail, stiffness, held })
    }
}

/// The matrix of the normal equations of a path.
struct Matrix<'a> {
    rows: &'a [Row],
    tail: [Row; TAIL],
    stiffness: f64,
    held: [bool; 2],
}

impl Matrix<'_> {
    #[inline]
    fn row(&self, at: usize) -> &Row {
        self.rows.get(at).unwrap_or_else(|| &self.tail[at - self.rows.len()])
    }

    fn solve<const N: usize>(&self, values: &mut [[f64; N]]) {
        let count = values.len();
        let [first, last] = [values[0], values[count - 1]];
        let minus = |value: [f64; N], factor: f64, other: [f64; N]| -> [f64; N] {
            std::array::from_fn(|axis| value[axis] - factor * other[axis])
        };
        // Of three points the last couples to the first by two steps; both may be held.
        let inner = 1..count - 1;
        let free = |at: usize| inner.contains(&at) || !self.held[usize::from(at > 0)];
        for (steps, coupling) in [(1, -2.0 * self.stiffness), (2, self.stiffness)] {
            if self.held[0] && free(steps) {
                values[steps] = minus(values[steps], coupling, first);
            }
            if self.held[1] && free(count - 1 - steps) {
                values[count - 1 - steps] = minus(values[count - 1 - steps], coupling, last);
            }
        }
        values[1] = minus(values[1], self.row(0).factors[0], values[0]);
        for at in 2..count {
            let value = minus(values[at], self.row(at - 2).factors[1], values[at - 2]);
            values[at] = minus(value, self.row(at - 1).factors[0], values[at - 1]);
        }
        for at in (0..count).rev() {
            let Row { pivot, factors, .. } = self.row(at);
            let mut value = values[at].map(|value| value / pivot);
            for steps in (1..3).filter(|steps| at + steps < count) {
                value = minus(value, factors[steps - 1], values[at + steps]);
            }
            values[at] = value;
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

    fn smooth(points: &[Point], stiffness: f64, ends: Ends) -> Vec<Point> {
        let mut points = points.to_vec();
        Smoother::default().smooth(&mut points, &mut Vec::new(), stiffness, ends).unwrap();
        points
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
                let smoothed = smooth(&points, 15.0, Ends { is_closed: false, held });
                assert!(largest_difference(&smoothed, &naive(&points, 15.0, held)) < 1e-10, "{count} {held:?}");
            }
        }
    }

    #[test]
    fn what_is_kept_changes_no_bit() {
        let mut kept = Smoother::default();
        for (trial, count) in [9, 4, 40, 3, 12, 5, 41, 6, 40].into_iter().enumerate() {
            for held in [[true, false], [false, false], [true, true], [false, true]] {
                let stiffness = [15.0, 2.5, 15.0][trial / 3];
                let ends = Ends { is_closed: false, held };
                let mut points = walk(count);
                let expected = smooth(&points, stiffness, ends);
                kept.smooth(&mut points, &mut Vec::new(), stiffness, ends).unwrap();
                assert_eq!(points, expected, "{count} {held:?}");
                // One axis alone.
                let mut along: Vec<[f64; 1]> = walk(count).iter().map(|point| [point[1]]).collect();
                kept.smooth(&mut along, &mut Vec::new(), stiffness, ends).unwrap();
                assert!(along.iter().zip(&expected).all(|(one, all)| one[0].to_bits() == all[1].to_bits()));
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
            let smoothed = smooth(&circle(0), stiffness, ends);
            let turned = smooth(&circle(3), stiffness, ends);
            assert!(largest_difference(&smoothed[3..cycle], &turned[..cycle - 3]) < 1e-12 * radius.max(1.0));
            assert_eq!(smoothed.first(), smoothed.last());
            let shrunk = smoothed[1][0].hypot(smoothed[1][1]) / radius;
            assert!((0.9899..=1.0).contains(&shrunk), "{cycle}: {shrunk}");
        }
    }

    #[test]
    fn straight_paths_stay() {
        let line: Vec<Point> = (0..50).map(|at| [f64::from(at), 2.0 * f64::from(at), 0.0]).collect();
        let smoothed = smooth(&line, 15.0, Ends { is_closed: false, held: [true, false] });
        assert!(largest_difference(&line, &smoothed) < 1e-10);
    }
}
