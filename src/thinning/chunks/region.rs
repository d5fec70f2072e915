//! The known region of an image: a union of boxes.
//!
//! The faces of all boxes divide the image into cells, each wholly inside or outside the region. One bit per cell tells whether
//! its voxels are known. Boxes of a grid of chunks give few cells. Neighbouring boxes are joined, so a merge along the rows of
//! a grid keeps a single box.

use std::ops::Range;

use crate::support::allocate::{try_collect, try_filled};
use crate::support::errors;
use crate::thinning::chunks::words::Frame;

/// What lists of boxes are called when there is no memory for them.
pub(super) const BOXES: &str = "the boxes of chunks";

/// The first voxel and the one after the last, along each axis.
pub type Box3 = [[usize; 2]; 3];

/// Boxes that do not overlap, in an image.
#[derive(Debug, Clone)]
pub struct Region {
    shape: [usize; 3],
    boxes: Vec<Box3>,
    cuts: [Vec<usize>; 3],
    /// Whether a cell is inside, in C order of the cells.
    inside: Vec<bool>,
}

/// Two boxes that share voxels, so that they form no region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap(pub Box3, pub Box3);

impl Region {
    /// The union of boxes, or two boxes that share voxels.
    ///
    /// # Errors
    /// [`errors::Error::OutOfMemory`].
    pub fn new(shape: [usize; 3], boxes: &[Box3]) -> errors::Result<Result<Self, Overlap>> {
        let mut region = Self {
            shape,
            boxes: joined(try_collect(BOXES, boxes.iter().filter(|each| each.iter().all(|[a, b]| a < b)).copied())?),
            cuts: [vec![], vec![], vec![]],
            inside: vec![],
        };
        for axis in 0..3 {
            let mut cuts =
                try_collect("the cuts of chunks", region.boxes.iter().flat_map(|b| b[axis]).chain([0, shape[axis]]))?;
            cuts.sort_unstable();
            cuts.dedup();
            region.cuts[axis] = cuts;
        }
        let cells = region.cuts.iter().fold(1_usize, |cells, cuts| cells.saturating_mul(cuts.len() - 1));
        region.inside = try_filled("the cells of chunks", cells, false)?;
        for each in std::mem::take(&mut region.boxes) {
            let [z, y, x] = [0, 1, 2].map(|axis| {
                let at = |value| region.cuts[axis].partition_point(|&cut| cut < value);
                at(each[axis][0])..at(each[axis][1])
            });
            for (z, y) in z.flat_map(|z| y.clone().map(move |y| (z, y))) {
                for x in x.clone() {
                    let cell = region.cell(z, y, x);
                    if std::mem::replace(&mut region.inside[cell], true) {
                        return Ok(Err(overlap(boxes)));
                    }
                }
            }
            region.boxes.push(each);
        }
        Ok(Ok(region))
    }

    /// The boxes, joined where they make a larger one.
    #[must_use]
    pub fn boxes(&self) -> &[Box3] {
        &self.boxes
    }

    /// A box of the image that is not in the region, if there is one.
    #[must_use]
    pub fn missing(&self) -> Option<Box3> {
        let counts = [0, 1, 2].map(|axis| self.cuts[axis].len() - 1);
        let cell = self.inside.iter().position(|&inside| !inside)?;
        let at = [cell / counts[2] / counts[1], cell / counts[2] % counts[1], cell % counts[2]];
        Some([0, 1, 2].map(|axis| [self.cuts[axis][at[axis]], self.cuts[axis][at[axis] + 1]]))
    }

    /// Whether the voxels of the words before a word, of itself and of those after, along each axis, lie in the region as far as
    /// they lie in the image; at least where it is easily seen. So do those of a word for which all three axes say so.
    #[must_use]
    pub fn inside_around(&self, frame: &Frame, position: [usize; 3]) -> [[bool; 3]; 3] {
        let covered = frame.covered(position);
        let Some(each) = self.box_of(covered) else { return [[false; 3]; 3] };
        [0, 1, 2].map(|axis| {
            let ([start, end], side, [first, last]) = (covered[axis], frame.side(axis), each[axis]);
            [start.saturating_sub(side) >= first, true, (end + side).min(self.shape[axis]) <= last]
        })
    }

    /// Words along each axis that lie in the first box with all words around them, as far as those lie in the image: for these
    /// [`Self::inside_around`] need not be asked.
    #[must_use]
    pub fn interior(&self, frame: &Frame) -> [Range<usize>; 3] {
        [0, 1, 2].map(|axis| {
            let side = frame.side(axis);
            self.boxes.first().map_or(0..0, |each| {
                let [start, end] = each[axis];
                let first = if start == 0 { 0 } else { start.div_ceil(side) + 1 };
                let last =
                    if end == self.shape[axis] { frame.words_along(axis) } else { (end / side).saturating_sub(1) };
                first..last
            })
        })
    }

    /// The one of the first boxes that holds all these voxels.
    fn box_of(&self, voxels: Box3) -> Option<&Box3> {
        const LOOKED_AT: usize = 8;
        self.boxes
            .iter()
            .take(LOOKED_AT)
            .find(|each| each.iter().zip(voxels).all(|(each, [start, end])| each[0] <= start && each[1] >= end))
    }

    /// The voxels of a word that lie in the image but not in the region.
    #[must_use]
    pub fn beyond(&self, frame: &Frame, position: [usize; 3]) -> u64 {
        let covered = frame.covered(position);
        if self.box_of(covered).is_some() {
            return 0;
        }
        let cells = [0, 1, 2].map(|axis| {
            let [start, end] = covered[axis];
            let cuts = &self.cuts[axis];
            cuts.partition_point(|&cut| cut <= start) - 1..cuts.partition_point(|&cut| cut < end)
        });
        let mut beyond = 0;
        for z in cells[0].clone() {
            for y in cells[1].clone() {
                for x in cells[2].clone() {
                    if !self.inside[self.cell(z, y, x)] {
                        let voxels = [(0, z), (1, y), (2, x)].map(|(axis, at): (usize, usize)| {
                            let [start, end] = covered[axis];
                            [self.cuts[axis][at].max(start), self.cuts[axis][at + 1].min(end)]
                        });
                        beyond |= frame.bits(position, voxels);
                    }
                }
            }
        }
        beyond
    }

    fn cell(&self, z: usize, y: usize, x: usize) -> usize {
        (z * (self.cuts[1].len() - 1) + y) * (self.cuts[2].len() - 1) + x
    }
}

/// The first two boxes that overlap, of some that do.
fn overlap(boxes: &[Box3]) -> Overlap {
    let overlapping = |a: &Box3, b: &Box3| a.iter().zip(b).all(|(a, b)| a[0].max(b[0]) < a[1].min(b[1]));
    let pairs = boxes.iter().enumerate().flat_map(|(at, b)| boxes[..at].iter().map(move |a| (a, b)));
    let (a, b) = pairs.into_iter().find(|(a, b)| overlapping(a, b)).expect("two of the boxes overlap");
    Overlap(*a, *b)
}

/// The same voxels in fewer boxes, where two that share a whole face can be one.
fn joined(mut boxes: Vec<Box3>) -> Vec<Box3> {
    loop {
        let before = boxes.len();
        for axis in [2, 1, 0] {
            let others = |each: &Box3| [each[(axis + 1) % 3], each[(axis + 2) % 3]];
            boxes.sort_unstable_by_key(|each| (others(each), each[axis]));
            boxes.dedup_by(|next, each| {
                let join = others(each) == others(next) && each[axis][1] == next[axis][0];
                if join {
                    each[axis][1] = next[axis][1];
                }
                join
            });
        }
        if boxes.len() == before {
            return boxes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_a_grid_and_names_what_is_missing() {
        let shape = [4, 6, 130];
        let mut boxes = vec![];
        for z in 0..2 {
            for y in 0..3 {
                for x in [[0, 50], [50, 130]] {
                    boxes.push([[2 * z, 2 * z + 2], [2 * y, 2 * y + 2], x]);
                }
            }
        }
        let whole = Region::new(shape, &boxes).unwrap().unwrap();
        assert_eq!(whole.boxes(), [[[0, 4], [0, 6], [0, 130]]]);
        assert_eq!(whole.missing(), None);
        let gap = boxes.remove(4);
        let region = Region::new(shape, &boxes).unwrap().unwrap();
        assert_eq!(region.missing(), Some(gap));
        let frame = Frame { shape };
        // The last two rows of the first two planes.
        assert_eq!(region.beyond(&frame, [0, 1, 0]), 0x00ff_00ff);
        assert_eq!(region.beyond(&frame, [0, 1, 12]), 0x0033_0033);
        assert_eq!(region.beyond(&frame, [0, 1, 13]), 0);
        assert_eq!(Region::new(shape, &[]).unwrap().unwrap().beyond(&frame, [0, 1, 32]), 0x0033_0033_0033_0033);
        boxes.push([[1, 2], [0, 1], [3, 4]]);
        assert_eq!(Region::new(shape, &boxes).unwrap().unwrap_err(), Overlap(boxes[0], boxes[11]));
    }

    #[test]
    fn the_interior_is_inside_with_all_around() {
        let frame = Frame { shape: [30, 41, 50] };
        for (each, expected) in [
            ([[0, 30], [0, 41], [0, 50]], 8 * 11 * 13),
            ([[3, 24], [8, 41], [0, 30]], 3 * 8 * 6),
            ([[4, 12], [0, 41], [0, 50]], 0),
        ] {
            let region = Region::new(frame.shape, &[each]).unwrap().unwrap();
            let interior = region.interior(&frame);
            let positions = (0..frame.words()).map(|key| frame.position(key));
            let within = positions.filter(|position| (0..3).all(|axis| interior[axis].contains(&position[axis])));
            let inside = within.filter(|&position| region.inside_around(&frame, position) == [[true; 3]; 3]);
            assert_eq!(inside.count(), expected);
            assert_eq!(interior.into_iter().map(|along| along.len()).product::<usize>(), expected);
        }
    }
}
