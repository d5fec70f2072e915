//! The methods of thinning, and what a thinning did.

use std::fmt;

use crate::image::neighbourhood::{at_most_one_component, is_simple_and_no_endpoint};

/// How to thin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Lee's method, for 3D images and 2D images (those whose first axis has length one).
    Lee,
    /// Lee's method with the whole predicate in the recheck, so that nothing vanishes and no tunnel or cavity is lost or made.
    LeePreserving,
    /// Zhang's method, for 2D images.
    Zhang,
}

/// The number of kinds of steps in a round, for an image of so many planes.
pub(crate) const fn steps(method: Method, planes: usize) -> usize {
    match (method, planes) {
        (Method::Zhang, _) => 2,
        (Method::Lee | Method::LeePreserving, 1) => 4,
        (Method::Lee | Method::LeePreserving, _) => 6,
    }
}

impl Method {
    /// Whether the recheck deletes a collected voxel with these neighbours left.
    #[must_use]
    pub const fn deletes(self, neighbours: u32) -> bool {
        match self {
            Self::Lee => at_most_one_component(neighbours),
            Self::LeePreserving => is_simple_and_no_endpoint(neighbours),
            Self::Zhang => true,
        }
    }

    /// Whether the method works for an image of so many planes.
    #[must_use]
    pub const fn is_for(self, planes: usize) -> bool {
        !matches!(self, Self::Zhang) || planes <= 1
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lee => "'lee'",
            Self::LeePreserving => "'lee' that preserves topology",
            Self::Zhang => "'zhang'",
        })
    }
}

/// What a thinning did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thinned {
    /// Rounds over all kinds of border steps; the last one deletes nothing.
    pub rounds: usize,
    /// Voxels deleted.
    pub deleted: u64,
}
