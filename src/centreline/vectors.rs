//! Arithmetic of points; each operation rounds by itself.

use super::smooth::Point;

pub(super) fn difference(one: Point, other: Point) -> Point {
    [0, 1, 2].map(|axis| one[axis] - other[axis])
}

pub(super) fn norm(vector: Point) -> f64 {
    (vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]).sqrt()
}

pub(super) fn cross(one: Point, other: Point) -> Point {
    [0, 1, 2].map(|axis| {
        let [next, last] = [(axis + 1) % 3, (axis + 2) % 3];
        one[next] * other[last] - one[last] * other[next]
    })
}

/// The vector at length 1; None if it has none.
pub(super) fn unit(vector: Point) -> Option<Point> {
    let length = norm(vector);
    (length > 0.0).then(|| vector.map(|along| along / length))
}

pub(super) fn length(points: &[Point]) -> f64 {
    points.windows(2).map(|two| norm(difference(two[1], two[0]))).fold(0.0, |sum, step| sum + step)
}
