//! The 3×3×3 neighbourhood as 27 bits, and its topology by flood fill: the plain statement of the predicates of thinning.
//!
//! Bit `9 (dz + 1) + 3 (dy + 1) + (dx + 1)` is the voxel at offset (dz, dy, dx); bit 13 is the voxel itself. A flood fill grows
//! all its voxels at once by shifts of the mask, so a decision costs some tens of instructions and no table. Kernels that
//! decide for 64 voxels at once (`thinning::simple_points`) are held to these functions over all 2²⁶ neighbourhoods.
//!
//! Source: Lee, Kashyap, Chu (1994), conditions of section 3, in the form of Bertrand and Malandain (1994): a voxel is
//! (26, 6)-simple if its 26-neighbourhood holds one 26-component of foreground, and its 18-neighbourhood one 6-component of
//! background that touches a face.

/// Bit of the voxel itself.
pub const CENTRE: u32 = 13;
/// The 26 neighbours.
pub const NEIGHBOURS_26: u32 = mask_of_distance(3);
/// The 18 neighbours that share a face or an edge.
pub const NEIGHBOURS_18: u32 = mask_of_distance(2);
/// The 6 neighbours that share a face.
pub const NEIGHBOURS_6: u32 = mask_of_distance(1);
/// The neighbours before the voxel in raster order.
pub const EARLIER: u32 = (1 << CENTRE) - 1;
/// Those after it.
pub const LATER: u32 = NEIGHBOURS_26 & !EARLIER;

/// The bit of the neighbour at an offset.
#[must_use]
pub const fn bit(dz: i32, dy: i32, dx: i32) -> u32 {
    (9 * (dz + 1) + 3 * (dy + 1) + dx + 1) as u32
}

/// The neighbours at a city-block distance of 1 to `most`.
const fn mask_of_distance(most: i32) -> u32 {
    let mut mask = 0;
    let mut at = 0;
    while at < 27 {
        let distance = (at / 9 - 1_i32).abs() + (at / 3 % 3 - 1_i32).abs() + (at % 3 - 1_i32).abs();
        if distance > 0 && distance <= most {
            mask |= 1 << at;
        }
        at += 1;
    }
    mask
}

/// Bits that have a neighbour at the next lower index of an axis.
const fn not_first(stride: u32) -> u32 {
    let mut mask = 0;
    let mut at = 0;
    while at < 27 {
        if !(at / stride).is_multiple_of(3) {
            mask |= 1 << at;
        }
        at += 1;
    }
    mask
}

const NOT_FIRST: [u32; 3] = [not_first(1), not_first(3), not_first(9)];

/// The mask and the neighbours of its voxels along one axis.
const fn grow_along(mask: u32, axis: usize) -> u32 {
    let stride = [1, 3, 9][axis];
    mask | (mask << stride & NOT_FIRST[axis]) | ((mask & NOT_FIRST[axis]) >> stride)
}

/// The mask and all 26-neighbours of its voxels.
pub(crate) const fn grow_26(mask: u32) -> u32 {
    grow_along(grow_along(grow_along(mask, 0), 1), 2)
}

/// The mask and all 6-neighbours of its voxels.
pub(crate) const fn grow_6(mask: u32) -> u32 {
    grow_along(mask, 0) | grow_along(mask, 1) | grow_along(mask, 2)
}

/// The voxels of `within` that 26-connected paths inside it join with `seed`, a part of it.
#[must_use]
pub(crate) const fn reach_26(seed: u32, within: u32) -> u32 {
    let mut reached = seed;
    loop {
        let grown = grow_26(reached) & within;
        if grown == reached {
            return reached;
        }
        reached = grown;
    }
}

/// The voxels of `within` that 6-connected paths inside it join with `seed`, a part of it.
#[must_use]
pub(crate) const fn reach_6(seed: u32, within: u32) -> u32 {
    let mut reached = seed;
    loop {
        let grown = grow_6(reached) & within;
        if grown == reached {
            return reached;
        }
        reached = grown;
    }
}

/// Whether the foreground neighbours form at most one 26-component; none at all counts too. Lee's recheck deletes on this.
#[must_use]
pub const fn at_most_one_component(neighbours: u32) -> bool {
    reach_26(neighbours & neighbours.wrapping_neg(), neighbours) == neighbours
}

/// Whether the background of the 18-neighbourhood has exactly one 6-component that touches a face.
#[must_use]
pub const fn one_background_component(neighbours: u32) -> bool {
    let background = !neighbours & NEIGHBOURS_18;
    let faces = background & NEIGHBOURS_6;
    let reached = reach_6(faces & faces.wrapping_neg(), background);
    faces != 0 && reached & faces == faces
}

/// Whether the voxel with these neighbours is (26, 6)-simple and not an endpoint: what Lee's thinning collects.
#[must_use]
pub const fn is_simple_and_no_endpoint(neighbours: u32) -> bool {
    neighbours.count_ones() > 1 && at_most_one_component(neighbours) && one_background_component(neighbours)
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;
    use crate::support::random::Random;

    /// Components of `mask` among offsets whose pairwise distances satisfy `near`, by repeated search: no shifts, no masks.
    fn components(mask: u32, near: impl Fn([i32; 3], [i32; 3]) -> bool) -> Vec<u32> {
        let offset = |at: i32| [at / 9 - 1, at / 3 % 3 - 1, at % 3 - 1];
        let mut rest: Vec<i32> = (0..27).filter(|at| mask >> at & 1 == 1).collect();
        let mut found = Vec::new();
        while let Some(seed) = rest.pop() {
            let mut component = vec![seed];
            let mut next = 0;
            while next < component.len() {
                let here = offset(component[next]);
                let (joined, others) = rest.into_iter().partition(|&at| near(here, offset(at)));
                rest = others;
                component.extend::<Vec<i32>>(joined);
                next += 1;
            }
            found.push(component.into_iter().fold(0, |mask, at| mask | 1 << at));
        }
        found
    }

    fn chebyshev(a: [i32; 3], b: [i32; 3]) -> bool {
        (0..3).all(|axis| (a[axis] - b[axis]).abs() <= 1)
    }

    fn share_a_face(a: [i32; 3], b: [i32; 3]) -> bool {
        (0..3).map(|axis| (a[axis] - b[axis]).abs()).sum::<i32>() == 1
    }

    #[test]
    fn counts_neighbours() {
        assert_eq!([NEIGHBOURS_26, NEIGHBOURS_18, NEIGHBOURS_6].map(u32::count_ones), [26, 18, 6]);
        assert_eq!(bit(0, 0, 0), CENTRE);
    }

    #[test]
    fn agrees_with_a_search_on_scattered_neighbourhoods() {
        let mut random = Random(1);
        for round in 0..60_000 {
            let [first, second] = [(); 2].map(|()| (random.bits() >> 37) as u32);
            let dense = [first & second, first, first | second][round % 3];
            compare_with_a_search(dense & NEIGHBOURS_26);
        }
    }

    fn compare_with_a_search(neighbours: u32) {
        let foreground = components(neighbours, chebyshev);
        let background = components(!neighbours & NEIGHBOURS_18, share_a_face);
        let faces = background.iter().filter(|&&component| component & NEIGHBOURS_6 != 0).count();
        assert_eq!(at_most_one_component(neighbours), foreground.len() <= 1, "{neighbours:027b}");
        assert_eq!(one_background_component(neighbours), faces == 1, "{neighbours:027b}");
    }

    #[test]
    #[ignore = "all 2^26 neighbourhoods; minutes"]
    fn agrees_with_a_search_everywhere() {
        (0..1_u32 << 26)
            .into_par_iter()
            .for_each(|compact| compare_with_a_search((compact & EARLIER) | (compact & !EARLIER) << 1));
    }

    #[test]
    #[ignore = "all 2^26 neighbourhoods; a minute without optimisation"]
    fn counts_all_neighbourhoods() {
        let (mut collect, mut recheck) = (0_u32, 0_u32);
        for compact in 0..1_u32 << 26 {
            let neighbours = (compact & EARLIER) | (compact & !EARLIER) << 1;
            collect += u32::from(is_simple_and_no_endpoint(neighbours));
            recheck += u32::from(at_most_one_component(neighbours));
        }
        assert_eq!((collect, recheck), (25_985_118, 61_687_513));
    }
}
