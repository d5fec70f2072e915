//! Objects of the mask without any voxel of the skeleton.
//!
//! All voxels within the ball of a voxel of the skeleton are foreground and connected to it, and so is foreground that touches
//! the ball ([`super::TOUCHING`]); only other voxels can be of such an object. Tiles find out which of theirs are connected to a
//! ball within the tile; what is left is gathered here, few words in most images, and shrinks as long as a neighbour is connected.
//!
//! Cost: a few passes over the words that are left. Memory: about 30 bytes for each of them.

use std::collections::BTreeMap;

use crate::image::mask_rows::MaskRows;

/// Where 32 voxels of a row lie: the plane, the row, and the first voxel.
pub type Voxel = [usize; 3];

/// Voxels of a word.
pub const WIDTH: usize = 32;

/// What belongs to no object with a skeleton, as far as is known: 32 voxels at a time.
#[derive(Debug, Default)]
pub struct Strays {
    words: BTreeMap<Voxel, u32>,
}

impl Strays {
    /// Those of the positions, which are all different.
    #[must_use]
    pub fn new(words: Vec<(Voxel, u32)>) -> Self {
        Self { words: words.into_iter().collect() }
    }

    /// Leaves only what is not connected to other foreground of the mask.
    pub fn shrink(&mut self, mask: &MaskRows) {
        let positions: Vec<Voxel> = self.words.keys().copied().collect();
        let mut forward = true;
        loop {
            let mut is_changed = false;
            let mut visit = |position: &Voxel| is_changed |= self.shrink_word(mask, *position);
            if forward {
                positions.iter().for_each(&mut visit);
            } else {
                positions.iter().rev().for_each(&mut visit);
            }
            if !is_changed {
                break;
            }
            forward = !forward;
        }
        self.words.retain(|_, bits| *bits != 0);
    }

    /// Whether some voxels of a word were connected.
    fn shrink_word(&mut self, mask: &MaskRows, position: Voxel) -> bool {
        let bits = u64::from(self.words[&position]) << 1;
        if bits == 0 {
            return false;
        }
        let mut connected = 0;
        for row in 0..9 {
            let (z, y) = (position[0] + row / 3, position[1] + row % 3);
            if (1..=mask.shape()[0]).contains(&z) && (1..=mask.shape()[1]).contains(&y) {
                connected |= self.connected(mask, [z - 1, y - 1, position[2]]);
            }
        }
        let mut reached = (connected | connected << 1 | connected >> 1) & bits;
        loop {
            let more = (reached | reached << 1 | reached >> 1) & bits;
            if more == reached {
                break;
            }
            reached = more;
        }
        self.words.insert(position, ((bits & !reached) >> 1) as u32);
        reached != 0
    }

    /// The foreground of a word, and of the voxel before and behind it, that is connected to a skeleton.
    fn connected(&self, mask: &MaskRows, position: Voxel) -> u64 {
        let [z, y, x] = position;
        let width = WIDTH.min(mask.shape()[2] - x);
        let is_inside = |at: usize| (1..=mask.shape()[2]).contains(&(x + at));
        let foreground = mask.window(z as i64, y as i64, x, width);
        let foreground = (0..width + 2).step_by(width + 1).fold(foreground, |bits, at| {
            // What the window shows outside the image is no foreground.
            if is_inside(at) { bits } else { bits & !(1 << at) }
        });
        let stray = |x: usize| u64::from(self.words.get(&[z, y, x]).copied().unwrap_or(0));
        let before = if x == 0 { 0 } else { stray(x - WIDTH) >> (WIDTH - 1) };
        foreground & !(stray(x) << 1 | before | (stray(x + WIDTH) & 1) << (width + 1))
    }

    /// The words in the order of the image.
    pub fn words(&self) -> impl Iterator<Item = (Voxel, u32)> {
        self.words.iter().map(|(&position, &bits)| (position, bits))
    }
}
