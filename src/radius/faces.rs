//! Radii in blocks: what blocks exchange about their background.
//!
//! A voxel's radius in its block is final if it is at most the distance to the nearest voxel of the image outside the block;
//! otherwise the voxel **waits**. Boxes are merged in pairs: neighbours along one axis, of equal extent along the others. Each
//! passes the **depths** of one face to the other: for each column of voxels along the axis, the number of steps from the face
//! to the first background. This is exact and needs no overlap: the other box is beyond the face, so the first background of a
//! column is its nearest one for all voxels of that box. The depths of the merged box follow from those of the two.
//!
//! Cost: for each waiting voxel a merge looks at the columns that are nearer than its best distance so far. Depths are one
//! number per voxel of a face.

use rayon::prelude::*;

use super::background::Background;
use super::squares::Squares;
use crate::image::word_shape::{WORD, set_bits};
use crate::support::allocate::try_filled;
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// The depth of a column without background.
pub const NONE: u32 = u32::MAX;

/// The depths behind the first (`end` false) or last face of an axis, in C order of the other two axes.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`].
pub fn depths(background: &Background, axis: usize, end: bool) -> Result<Vec<u32>> {
    let shape = background.shape();
    let columns = (0..3).filter(|&other| other != axis).map(|other| shape[other]).product();
    let mut depths = try_filled("the depths of a face", columns, NONE)?;
    if background.is_empty() {
        return Ok(depths);
    }
    let [_, ny, nx] = shape;
    if axis == 2 {
        for (row, depth) in depths.iter_mut().enumerate() {
            let row = background.row(background.index(row / ny, row % ny));
            let found = if end {
                let last = row.iter().rposition(|&word| word != 0);
                last.map(|at| nx - 1 - (at * WORD + row[at].ilog2() as usize))
            } else {
                let first = row.iter().position(|&word| word != 0);
                first.map(|at| at * WORD + row[at].trailing_zeros() as usize)
            };
            *depth = found.map_or(NONE, |depth| depth as u32);
        }
        return Ok(depths);
    }
    let length = shape[axis];
    for (line, depths) in depths.chunks_exact_mut(nx).enumerate() {
        for (at, depths) in depths.chunks_mut(WORD).enumerate() {
            let mut open = u64::MAX >> (WORD - depths.len());
            for depth in 0..length {
                let along = if end { length - 1 - depth } else { depth };
                let row = if axis == 0 { background.index(along, line) } else { background.index(line, along) };
                let hits = background.row(row)[at] & open;
                for bit in set_bits(hits) {
                    depths[bit] = depth as u32;
                }
                open &= !hits;
                if open == 0 {
                    break;
                }
            }
        }
    }
    Ok(depths)
}

/// A face of a box, for voxels outside it.
#[derive(Debug, Clone, Copy)]
pub struct Face<'a> {
    /// The axis perpendicular to it.
    pub axis: usize,
    /// Depths of its columns, in C order.
    pub depths: &'a [u32],
    /// The shape of the face, along the other two axes.
    pub shape: [usize; 2],
}

/// Lowers the squared radii of voxels outside a face to the distance of the nearest background behind it. `steps` holds for each
/// voxel the steps along the axis to the voxels of the face, and its position along the other two axes.
///
/// # Errors
/// [`crate::support::errors::Error::Interrupted`] through `monitor`.
///
/// # Panics
/// If the depths do not fit the face's shape, or the squares the image.
pub fn lower(
    face: Face<'_>,
    voxels: &[[usize; 3]],
    radii: &mut [f64],
    squares: &Squares,
    monitor: &Monitor,
) -> Result<()> {
    const TASK: usize = 1 << 8;
    assert_eq!(face.depths.len(), face.shape[0] * face.shape[1], "each column has its depth");
    radii.par_chunks_mut(TASK).zip(voxels.par_chunks(TASK)).try_for_each(|(radii, voxels)| {
        monitor.check()?;
        for (radius, &voxel) in radii.iter_mut().zip(voxels) {
            *radius = nearest(face, voxel, *radius, squares);
        }
        Ok(())
    })
}

fn nearest(face: Face<'_>, [gap, u, v]: [usize; 3], limit: f64, squares: &Squares) -> f64 {
    let [lines, columns] = face.shape;
    let square = |depth: usize, du: usize, dv: usize| {
        squares.sum(match face.axis {
            0 => [gap + depth, du, dv],
            1 => [du, gap + depth, dv],
            _ => [du, dv, gap + depth],
        })
    };
    let mut best = limit;
    for du in 0..lines {
        if square(0, du, 0) >= best {
            break;
        }
        let before = u.checked_sub(du).filter(|&line| line < lines);
        let after = Some(u + du).filter(|&line| line < lines && du > 0);
        for line in [before, after].into_iter().flatten() {
            let depths = &face.depths[line * columns..][..columns];
            let mut look = |at: usize, dv: usize| {
                let depth = depths[at];
                if depth != NONE {
                    best = best.min(square(depth as usize, du, dv));
                }
                square(0, du, dv) < best
            };
            let _ = (v..columns).zip(0..).all(|(at, dv)| look(at, dv));
            let _ = (0..v).rev().zip(1..).all(|(at, dv)| look(at, dv));
        }
    }
    best
}
