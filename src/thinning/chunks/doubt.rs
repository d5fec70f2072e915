//! Decisions of thinning with unknown neighbours: yes or no only if all assignments of these agree.
//!
//! The neighbours are two masks: `sure` (present) and `unknown` (present or not). For the recheck, and for the answer "yes" of
//! collecting, flood fills decide exactly: the worst assignments are those with a single unknown neighbour that is not connected
//! to the others. For the answer "no" of collecting, sufficient conditions come first, then a search through all assignments.
//! With more than [`SEARCHED`] unknown neighbours the answer may be "maybe" instead of "no"; this makes residues larger, and the
//! result stays exact.
//!
//! Cost: some tens of nanoseconds. Searches are cached, because neighbourhoods recur along the faces of a chunk.

use crate::image::neighbourhood::{
    NEIGHBOURS_6, NEIGHBOURS_18, grow_6, grow_26, is_simple_and_no_endpoint, reach_6, reach_26,
};
use crate::support::allocate::try_filled;
use crate::support::errors::Result;
use crate::thinning::words::zhang::{REMOVED, table_index};

/// The most unknown neighbours whose assignments are searched.
const SEARCHED: u32 = 10;
/// The number of cached answers, a power of two.
const CACHED: usize = 1 << 14;

/// The decision that all assignments of the unknown neighbours share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// All say no.
    No,
    /// All say yes.
    Yes,
    /// They differ, or may.
    Maybe,
}

/// Whether Lee's recheck deletes: the neighbours form at most one 26-component.
#[must_use]
pub const fn recheck(sure: u32, unknown: u32) -> Decision {
    if sure == 0 {
        return if is_clique(unknown) { Decision::Yes } else { Decision::Maybe };
    }
    let seed = sure & sure.wrapping_neg();
    if reach_26(seed, sure) == sure {
        // Absent unknown neighbours leave one component; a present one may stand apart.
        if unknown & !grow_26(sure) == 0 { Decision::Yes } else { Decision::Maybe }
    } else if reach_26(seed, sure | unknown) & sure == sure {
        Decision::Maybe
    } else {
        Decision::No
    }
}

/// Whether every two voxels of a set are 26-neighbours.
const fn is_clique(set: u32) -> bool {
    let mut rest = set;
    while rest != 0 {
        let voxel = rest & rest.wrapping_neg();
        if set & !grow_26(voxel) != 0 {
            return false;
        }
        rest ^= voxel;
    }
    true
}

/// Collecting with unknown neighbours; caches the searches.
pub struct Collector {
    answers: Vec<(u64, Decision)>,
}

impl Collector {
    /// With an empty cache.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn new() -> Result<Self> {
        Ok(Self { answers: try_filled("the answers remembered", CACHED, (u64::MAX, Decision::Maybe))? })
    }

    /// Whether a step of Lee's for the border `face` (a bit of the neighbourhood) collects the voxel.
    pub fn on_border(&mut self, sure: u32, unknown: u32, face: u32) -> Decision {
        if sure & face != 0 {
            return Decision::No;
        }
        if unknown & face == 0 && is_collected_whatever_happens(sure, unknown, face) {
            return Decision::Yes;
        }
        let unknown = unknown & !face;
        if is_never_collected(sure, unknown, face) {
            return Decision::No;
        }
        let unknown = if sure == 0 {
            unknown
        } else {
            // What stands apart from the sure neighbours has to be absent.
            unknown & reach_26(sure & sure.wrapping_neg(), sure | unknown)
        };
        if is_simple_and_no_endpoint(sure)
            || is_simple_and_no_endpoint(sure | unknown)
            || unknown.count_ones() > SEARCHED
        {
            return Decision::Maybe;
        }
        let key = u64::from(sure) << 32 | u64::from(unknown);
        let slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize % CACHED;
        if self.answers[slot].0 != key {
            let found = subsets(unknown).any(|present| is_simple_and_no_endpoint(sure | present));
            self.answers[slot] = (key, if found { Decision::Maybe } else { Decision::No });
        }
        self.answers[slot].1
    }
}

/// The subsets of a mask, itself first.
fn subsets(mask: u32) -> impl Iterator<Item = u32> {
    let mut next = Some(mask);
    std::iter::from_fn(move || {
        let subset = next?;
        next = (subset != 0).then(|| (subset - 1) & mask);
        Some(subset)
    })
}

/// Whether the voxel is simple and no endpoint for every assignment, its neighbour at `face` being background.
const fn is_collected_whatever_happens(sure: u32, unknown: u32, face: u32) -> bool {
    if sure.count_ones() < 2 || unknown & !grow_26(sure) != 0 || reach_26(sure & sure.wrapping_neg(), sure) != sure {
        return false;
    }
    // The least background there can be; each unknown face must join it, should it be background too.
    let background = !(sure | unknown) & NEIGHBOURS_18;
    let reached = reach_6(face, background);
    if background & NEIGHBOURS_6 & !reached != 0 {
        return false;
    }
    unknown & NEIGHBOURS_6 & !grow_6(reached) == 0
}

/// Conditions under which no assignment makes the voxel simple and no endpoint.
const fn is_never_collected(sure: u32, unknown: u32, face: u32) -> bool {
    if (sure | unknown).count_ones() < 2 {
        return true;
    }
    if sure != 0 {
        let joined = reach_26(sure & sure.wrapping_neg(), sure | unknown);
        if sure & !joined != 0 || joined.count_ones() < 2 {
            return true;
        }
    }
    let background = !sure & NEIGHBOURS_18;
    let surely_background = !(sure | unknown) & NEIGHBOURS_6;
    surely_background & !reach_6(face, background) != 0
}

/// Whether step `step` of Zhang's deletes the pixel, from the neighbours in its plane.
#[must_use]
pub fn in_table(sure: u32, unknown: u32, step: usize) -> Decision {
    let mut yes = false;
    let mut no = false;
    for present in subsets(unknown) {
        if REMOVED[step][table_index(sure | present)] {
            yes = true;
        } else {
            no = true;
        }
        if yes && no {
            return Decision::Maybe;
        }
    }
    if yes { Decision::Yes } else { Decision::No }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::neighbourhood::{NEIGHBOURS_26, at_most_one_component, bit};
    use crate::support::random::Random;

    fn agree(sure: u32, unknown: u32, predicate: impl Fn(u32) -> bool) -> Decision {
        let answers: Vec<bool> = subsets(unknown).map(|present| predicate(sure | present)).collect();
        match (answers.contains(&true), answers.contains(&false)) {
            (true, true) => Decision::Maybe,
            (true, false) => Decision::Yes,
            _ => Decision::No,
        }
    }

    fn cases() -> impl Iterator<Item = (u32, u32)> {
        let mut generator = Random(3);
        let mut random = move || (generator.bits() >> 33) as u32 & NEIGHBOURS_26;
        (0..20_000).map(move |round| {
            let sure = [random(), random() & random(), random() | random(), random() & random() & random()][round % 4];
            (sure, random() & random() & random() & !sure)
        })
    }

    #[test]
    fn rechecks_as_all_assignments() {
        for (sure, unknown) in cases() {
            assert_eq!(recheck(sure, unknown), agree(sure, unknown, at_most_one_component));
        }
    }

    #[test]
    fn collects_as_all_assignments() {
        let faces = [bit(0, -1, 0), bit(0, 1, 0), bit(0, 0, 1), bit(0, 0, -1), bit(1, 0, 0), bit(-1, 0, 0)];
        let mut collector = Collector::new().unwrap();
        let mut seen = [0; 3];
        for (round, (sure, unknown)) in cases().enumerate() {
            let face = 1 << faces[round % 6];
            let expected = agree(sure, unknown, |all| all & face == 0 && is_simple_and_no_endpoint(all));
            let found = collector.on_border(sure, unknown, face);
            assert_eq!(found, expected, "{sure:027b} {unknown:027b} {face:027b}");
            seen[found as usize] += 1;
        }
        assert!(seen.iter().all(|&count| count > 100), "{seen:?}");
    }

    #[test]
    fn says_maybe_rather_than_search_for_long() {
        let mut collector = Collector::new().unwrap();
        assert_eq!(collector.on_border(0, NEIGHBOURS_26 & !(1 << bit(0, 1, 0)), 1 << bit(0, 1, 0)), Decision::Maybe);
    }

    #[test]
    fn looks_up_zhang_by_all_assignments() {
        for (sure, unknown) in cases() {
            for (step, removed) in REMOVED.iter().enumerate() {
                let expected = agree(sure, unknown & 0x3_fe00, |all| removed[table_index(all)]);
                assert_eq!(in_table(sure, unknown & 0x3_fe00, step), expected);
            }
        }
    }
}
