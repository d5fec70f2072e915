//! Border steps on small images, one image after another, by one thread and without a schedule: a band is the whole image.
//!
//! The arrays are kept from an image to the next and are zero in between. So an image costs as much as its words with foreground
//! and the bytes of its rows, however large it is.

use crate::image::bit_image::BitImage;
use crate::image::word_shape::WordShape;
use crate::support::allocate::try_zeros;
use crate::support::errors::Result;
use crate::support::threads::Monitor;
use crate::thinning::dense::bands::{Deletion, Strides};
use crate::thinning::dense::collect::{BandRows, collect_border, collect_removed};
use crate::thinning::dense::recheck::{self, Recheck};
use crate::thinning::dense::rounds::{delete, find_waiting};
use crate::thinning::dense::schedule::Lists;
use crate::thinning::method::{Method, steps};
use crate::thinning::words::batch::rows_of;
use crate::thinning::words::simple_points::BORDERS;

/// The arrays for images that one thread thins.
pub struct Alone {
    /// The image, which holds no foreground between two calls of [`Alone::thin`].
    image: BitImage,
    collected: Vec<u64>,
    active_words: Vec<u8>,
    active_rows: Vec<u8>,
    lists: Lists,
}

impl Alone {
    /// The arrays for images that are not larger than `shape`.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn new(shape: [usize; 3]) -> Result<Self> {
        let image = BitImage::zeros(shape)?;
        let words = image.words().len();
        Ok(Self {
            collected: try_zeros("the collected voxels", words)?,
            active_words: try_zeros("the active words", words)?,
            // A row has two words at least.
            active_rows: try_zeros("the active rows", words.div_ceil(2))?,
            image,
            lists: Lists::default(),
        })
    }

    /// Makes the image one of this shape, and returns it for the indices of its words.
    ///
    /// # Panics
    /// If the image is larger than those for which the arrays were made.
    pub fn reshape(&mut self, shape: [usize; 3]) -> &BitImage {
        self.image.reshape(shape);
        &self.image
    }

    /// Thins the image of the last shape whose foreground are `voxels`, by word in raster order; replaces these, and returns how
    /// many were deleted.
    ///
    /// After an error the arrays are not fit for another image.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`] and [`crate::support::errors::Error::Interrupted`].
    pub fn thin<W: WordShape>(
        &mut self,
        voxels: &mut [(usize, u64)],
        method: Method,
        monitor: &Monitor,
    ) -> Result<u64> {
        let strides = Strides::new(&self.image, method, 1);
        for &mut (index, voxels) in &mut *voxels {
            self.image.words_mut()[index] = voxels;
            self.active_words[index] = strides.every_step;
            self.active_rows[index / strides.row] = strides.every_step;
        }
        let kinds = steps(method, self.image.shape()[0]);
        let mut deleted = 0;
        loop {
            let before = deleted;
            for step in 0..kinds {
                monitor.check()?;
                deleted += self.step::<W>(&strides, method, step)?;
            }
            if deleted == before {
                break;
            }
        }
        for &mut (index, ref mut voxels) in voxels {
            *voxels = std::mem::take(&mut self.image.words_mut()[index]);
            // Deletions have marked words of the border around the image, which no step takes.
            for row in rows_of::<W>() {
                let at = index.wrapping_add_signed(strides.rows_around[row]);
                self.active_words[at - 1..=at + 1].fill(0);
                self.active_rows[(index / strides.row).wrapping_add_signed(strides.row_distances[row])] = 0;
            }
        }
        debug_assert!(self.is_zero(), "the arrays are fit for another image");
        Ok(deleted)
    }

    /// Does a border step; returns how many voxels it deleted.
    fn step<W: WordShape>(&mut self, strides: &Strides, method: Method, step: usize) -> Result<u64> {
        let inner = self.image.inner();
        let words = self.image.words_mut();
        self.lists.collected.clear();
        let mut band = BandRows {
            start: inner.start,
            collected: &mut self.collected[inner.clone()],
            active_rows: &mut self.active_rows[inner.start / strides.row..inner.end / strides.row],
            active_words: &mut self.active_words[inner],
            found: std::mem::take(&mut self.lists.collected),
            looked_at: 0,
        };
        match method {
            Method::Lee | Method::LeePreserving => collect_border::<W>(&mut band, words, strides, step)?,
            Method::Zhang => collect_removed::<W>(&mut band, words, strides, step)?,
        }
        self.lists.collected = band.found;
        if self.lists.collected.is_empty() {
            return Ok(0);
        }
        if method != Method::Zhang {
            let rule = Recheck { method, border: &BORDERS[step] };
            self.lists.waiting.clear();
            find_waiting::<W>(&mut self.lists, words, &self.collected, strides, rule, 1)?;
            recheck::decide::<W>(&self.lists.waiting, words, &mut self.collected, strides, rule);
        }
        let deletion = Deletion {
            start: 0,
            words,
            collected: &mut self.collected,
            active_words: &mut self.active_words,
            active_rows: &mut self.active_rows,
            active_bands: &mut [],
        };
        Ok(delete::<W>(&self.lists.collected, deletion, strides))
    }

    fn is_zero(&self) -> bool {
        let is_zero = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
        let words = [self.image.words(), &self.collected];
        words.iter().all(|words| words.iter().all(|&word| word == 0))
            && is_zero(&self.active_words)
            && is_zero(&self.active_rows)
    }
}
