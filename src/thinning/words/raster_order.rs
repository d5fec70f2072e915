//! Voxels that are given by word, in the raster order of the image.

use crate::image::word_shape::{WordShape, set_bits};
use crate::support::prefetch::AHEAD;

/// Calls `decide` with the word and the bit of each of the voxels, in the raster order of the image, and `ask` with each word
/// some time before.
///
/// The voxels are given by word, the words in raster order; `row_of` and `plane_of` number the rows and planes of words.
#[inline(always)]
pub fn in_raster_order<W: WordShape, I: Copy>(
    voxels: &[(I, u64)],
    row_of: impl Fn(I) -> u64,
    plane_of: impl Fn(I) -> u64,
    ask: impl Fn(I),
    mut decide: impl FnMut(I, usize),
) {
    let in_row = (1_u64 << W::SIDES[2]) - 1;
    // The words whose memory is still to be asked for, and how far ahead of their use that is still to get.
    let (mut unasked, mut ahead) = (voxels, AHEAD);
    for plane in voxels.chunk_by(|a, b| plane_of(a.0) == plane_of(b.0)) {
        for z in 0..W::SIDES[0] {
            for row in plane.chunk_by(|a, b| row_of(a.0) == row_of(b.0)) {
                if z == 0 {
                    let (asked, rest) = unasked.split_at((ahead + row.len()).min(unasked.len()));
                    for &(word, _) in asked {
                        ask(word);
                    }
                    (unasked, ahead) = (rest, 0);
                }
                for y in 0..W::SIDES[1] {
                    let shift = (z << (W::LOG[1] + W::LOG[2])) | (y << W::LOG[2]);
                    for &(word, voxels) in row {
                        for x in set_bits(voxels >> shift & in_row) {
                            decide(word, shift + x);
                        }
                    }
                }
            }
        }
    }
}
