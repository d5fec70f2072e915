//! Border steps on small images, one image after another, by one thread and without a schedule: a band is the whole image.
//!
//! The arrays are kept from an image to the next. A step looks at the words of a list, those that hold foreground, so an image
//! costs as much as its words with foreground, however large it is.

use crate::image::bit_image::BitImage;
use crate::image::word_shape::WordShape;
use crate::support::allocate::{Grow, try_zeros};
use crate::support::errors::Result;
use crate::support::prefetch::{AHEAD, prefetch};
use crate::support::threads::Monitor;
use crate::thinning::dense::bands::Strides;
use crate::thinning::dense::collect::{Active, COLLECTED, Part, collect_border, collect_removed};
use crate::thinning::dense::recheck::{self, Recheck};
use crate::thinning::dense::rounds::{activate, find_waiting};
use crate::thinning::dense::schedule::Lists;
use crate::thinning::method::{Method, steps};
use crate::thinning::words::batch::rows_of;
use crate::thinning::words::simple_points::BORDERS;

/// The arrays for images that one thread thins.
pub struct Alone {
    /// The image, which holds no foreground between two calls of [`Alone::thin`].
    image: BitImage,
    /// Holds zeros between two steps.
    collected: Vec<u64>,
    /// What is active of words without foreground does not matter.
    active_words: Vec<u8>,
    /// The words with foreground, as they were when the round began.
    left: Vec<usize>,
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
            image,
            left: Vec::new(),
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
        self.left.clear();
        for &mut (index, voxels) in &mut *voxels {
            self.image.words_mut()[index] = voxels;
            self.active_words[index] = strides.every_step;
            self.left.try_push(COLLECTED, index)?;
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
            let words = self.image.words();
            self.left.retain(|&index| words[index] != 0);
        }
        for &mut (index, ref mut voxels) in voxels {
            *voxels = std::mem::take(&mut self.image.words_mut()[index]);
        }
        debug_assert!(self.is_zero(), "the arrays are fit for another image");
        Ok(deleted)
    }

    /// Does a border step; returns how many voxels it deleted.
    fn step<W: WordShape>(&mut self, strides: &Strides, method: Method, step: usize) -> Result<u64> {
        let words = self.image.words();
        self.lists.collected.clear();
        let mut part = Part {
            start: 0,
            collected: &mut self.collected,
            active: Active::Listed { words: &mut self.active_words, indices: &self.left },
            found: std::mem::take(&mut self.lists.collected),
            looked_at: 0,
        };
        match method {
            Method::Lee | Method::LeePreserving => collect_border::<W>(&mut part, words, strides, step)?,
            Method::Zhang => collect_removed::<W>(&mut part, words, strides, step)?,
        }
        self.lists.collected = part.found;
        if self.lists.collected.is_empty() {
            return Ok(0);
        }
        if method != Method::Zhang {
            let rule = Recheck { method, border: &BORDERS[step] };
            self.lists.waiting.clear();
            find_waiting::<W>(&mut self.lists, words, &self.collected, strides, rule, 1)?;
            recheck::decide::<W>(&self.lists.waiting, words, &mut self.collected, strides, rule);
        }
        Ok(self.delete::<W>(strides))
    }

    /// Applies and clears the collected voxels; returns their number.
    fn delete<W: WordShape>(&mut self, strides: &Strides) -> u64 {
        let (indices, words) = (&self.lists.collected, self.image.words_mut());
        let mut count = 0;
        for (at, &index) in indices.iter().enumerate() {
            if let Some(&later) = indices.get(at + AHEAD) {
                prefetch(self.collected.as_slice(), later);
                prefetch(words, later);
                strides.prefetch(self.active_words.as_slice(), later, rows_of::<W>());
            }
            let deleted = std::mem::take(&mut self.collected[index]);
            words[index] &= !deleted;
            count += u64::from(deleted.count_ones());
            for row in rows_of::<W>() {
                activate::<W>(&mut self.active_words, index, deleted, row, strides);
            }
        }
        count
    }

    fn is_zero(&self) -> bool {
        [self.image.words(), &self.collected].iter().all(|words| words.iter().all(|&word| word == 0))
    }
}
