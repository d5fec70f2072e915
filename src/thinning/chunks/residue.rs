//! What is left of a region after its thinning: the voxels that may still change, and the script of those that are decided.

use super::region::{Box3, Region};
use super::words::{Frame, Key};
use crate::support::errors::{Error, Result};
use crate::thinning::method::Method;

/// What a script is called when there is no memory for it.
pub(super) const SCRIPT: &str = "the script of chunks";

/// The step of a decided voxel that is never deleted.
pub const NEVER: u32 = u32::MAX;

/// Voxels of a word with the step that deletes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scripted {
    /// The border step, or [`NEVER`].
    pub step: u32,
    /// The word.
    pub key: Key,
    /// The voxels.
    pub voxels: u64,
}

/// What a merge needs to know of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Residue {
    /// The words of the whole image.
    pub frame: Frame,
    /// How it is thinned.
    pub method: Method,
    /// The region.
    pub boxes: Vec<Box3>,
    /// Voxels that what is beyond the region may still decide, by key.
    pub undecided: Vec<(Key, u64)>,
    /// Decided foreground next to undecided voxels or to what is beyond, by step.
    pub script: Vec<Scripted>,
}

/// A region after its thinning or merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The skeleton's voxels that were decided here, by key.
    pub kept: Vec<(Key, u64)>,
    /// What is left to decide.
    pub residue: Residue,
}

impl Residue {
    /// A box of the image that the region lacks, if there is one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if its boxes overlap; [`Error::OutOfMemory`].
    pub fn missing(&self) -> Result<Option<Box3>> {
        let region = Region::new(self.frame.shape, &self.boxes)?.map_err(|_| Error::InvalidArgument {
            name: "merged",
            reason: "expected boxes that do not overlap".to_owned(),
        })?;
        Ok(region.missing())
    }
}
