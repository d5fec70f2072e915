//! The predicates of thinning for up to 512 voxels at once, by boolean formulas on whole words.
//!
//! Each voxel's 26 neighbours lie in 27 words shifted into place, one word a direction; then one machine word answers for 64
//! voxels and a [`Vector`] for up to 512. Foreground components are found by a flood fill that grows along x, y and z in turn (81
//! operations a round, as many rounds as the slowest voxel needs, mostly two); background components by a formula without a
//! loop, because the voxel's empty face is known: the six faces form an octahedron, so the ring of four around it and the
//! opposite face are all there is to reach.
//!
//! Source: the predicates are those of [`crate::neighbourhood`], which the tests compare with over all 2²⁶ neighbourhoods.

use super::vectors::Vector;
use crate::neighbourhood::{CENTRE, bit};

/// The words of the 27 directions; the centre's is not read.
pub type Neighbours<V> = [V; 27];

/// Neighbours that come before the voxel in raster order: directions 0 to 12.
pub const EARLIER: usize = CENTRE as usize;

/// A border of the object: the voxels whose neighbour in this direction is background.
#[derive(Debug, Clone, Copy)]
pub struct Border {
    /// The neighbour that is background.
    pub face: usize,
    /// The face on the other side.
    opposite: usize,
    /// The four faces around, in cyclic order.
    ring: [usize; 4],
    /// The edge between the empty face and each of the ring.
    to_face: [usize; 4],
    /// The edge between each of the ring and the next.
    to_next: [usize; 4],
    /// The edge between the opposite face and each of the ring.
    to_opposite: [usize; 4],
}

impl Border {
    const fn new(axis: usize, sign: i32) -> Self {
        const fn at(vectors: [[i32; 3]; 2]) -> usize {
            let [a, b] = vectors;
            bit(a[0] + b[0], a[1] + b[1], a[2] + b[2]) as usize
        }
        const fn along(axis: usize, sign: i32) -> [i32; 3] {
            let mut vector = [0; 3];
            vector[axis] = sign;
            vector
        }
        let (first, second) = ((axis + 1) % 3, (axis + 2) % 3);
        let ring = [along(first, 1), along(second, 1), along(first, -1), along(second, -1)];
        let (face, opposite, none) = (along(axis, sign), along(axis, -sign), [0; 3]);
        let mut border = Self {
            face: at([face, none]),
            opposite: at([opposite, none]),
            ring: [0; 4],
            to_face: [0; 4],
            to_next: [0; 4],
            to_opposite: [0; 4],
        };
        let mut i = 0;
        while i < 4 {
            border.ring[i] = at([ring[i], none]);
            border.to_face[i] = at([ring[i], face]);
            border.to_next[i] = at([ring[i], ring[(i + 1) % 4]]);
            border.to_opposite[i] = at([ring[i], opposite]);
            i += 1;
        }
        border
    }
}

/// The borders in the order of a round: neighbour empty at y−1, y+1, x+1, x−1, z+1, z−1 (scikit-image's order, after `ImageJ`).
pub const BORDERS: [Border; 6] = [
    Border::new(1, -1),
    Border::new(1, 1),
    Border::new(2, 1),
    Border::new(2, -1),
    Border::new(0, 1),
    Border::new(0, -1),
];

/// Repeats `$body` for the 27 directions, written out: a loop over them would keep every word in memory.
macro_rules! for_each_direction {
    ($direction:ident => $body:block) => {
        for_each_direction!(@ $direction $body: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26)
    };
    (@ $direction:ident $body:block: $($value:literal)*) => {$({
        let $direction = $value;
        $body
    })*};
}

/// Those of `voxels`, all on `border`, that are (26, 6)-simple and no endpoints: what a border step collects.
#[inline(always)]
pub fn simple_and_no_endpoint<V: Vector>(neighbours: &Neighbours<V>, voxels: V, border: &Border) -> V {
    let voxels = one_background_component(neighbours, voxels, border);
    if voxels.is_empty() {
        return voxels;
    }
    let present = restricted(neighbours, voxels);
    let (seeds, _, no_endpoint) = seeds(&present);
    let reached = reach(&present, seeds);
    (voxels & no_endpoint).without(missing(&present, &reached))
}

/// Those of `voxels` that the recheck deletes whatever becomes of their `waiting` earlier neighbours.
///
/// `certain` holds the neighbours that are present for sure. If they are one component and every waiting neighbour touches
/// it, then each outcome leaves one component. The others have to wait.
#[inline(always)]
pub fn deleted_whatever_happens<V: Vector>(certain: &Neighbours<V>, waiting: &[V; EARLIER], voxels: V) -> V {
    let present = restricted(certain, voxels);
    let (seeds, nonempty, _) = seeds(&present);
    let reached = reach(&present, seeds);
    let mut apart = missing(&present, &reached);
    let mut touched = reached;
    grow(&mut touched);
    for direction in 0..EARLIER {
        apart |= waiting[direction].without(touched[direction]);
    }
    (voxels & nonempty).without(apart)
}

/// The neighbours of `voxels` only: the others must not keep a flood fill going.
#[inline(always)]
fn restricted<V: Vector>(neighbours: &Neighbours<V>, voxels: V) -> Neighbours<V> {
    let mut present = [V::none(); 27];
    for_each_direction!(direction => {
        if direction != CENTRE as usize {
            present[direction] = neighbours[direction] & voxels;
        }
    });
    present
}

/// The first neighbour of each voxel, the voxels that have one, and those that have two or more.
#[inline(always)]
fn seeds<V: Vector>(present: &Neighbours<V>) -> (Neighbours<V>, V, V) {
    let mut seeds = [V::none(); 27];
    let (mut any, mut several) = (V::none(), V::none());
    for_each_direction!(direction => {
        seeds[direction] = present[direction].without(any);
        several |= present[direction] & any;
        any |= present[direction];
    });
    (seeds, any, several)
}

/// The neighbours that a 26-connected path through `present` joins with `reached`.
#[inline(always)]
fn reach<V: Vector>(present: &Neighbours<V>, mut reached: Neighbours<V>) -> Neighbours<V> {
    loop {
        let mut next = reached;
        grow(&mut next);
        let (mut change, mut missing) = (V::none(), V::none());
        for_each_direction!(direction => {
            let now = next[direction] & present[direction];
            change |= now.without(reached[direction]);
            missing |= present[direction].without(now);
            reached[direction] = now;
        });
        if missing.is_empty() || change.is_empty() {
            return reached;
        }
    }
}

/// The voxels that have a neighbour in `present` which is not in `reached`.
#[inline(always)]
fn missing<V: Vector>(present: &Neighbours<V>, reached: &Neighbours<V>) -> V {
    let mut missing = V::none();
    for_each_direction!(direction => {
        missing |= present[direction].without(reached[direction]);
    });
    missing
}

/// Adds the 26-neighbours to a set, one axis at a time.
#[inline(always)]
fn grow<V: Vector>(set: &mut Neighbours<V>) {
    macro_rules! along {
        ($stride:literal: $($first:literal)*) => {$({
            let [first, middle, last] = [set[$first], set[$first + $stride], set[$first + 2 * $stride]];
            set[$first] = first | middle;
            set[$first + $stride] = first | middle | last;
            set[$first + 2 * $stride] = middle | last;
        })*};
    }
    along!(1: 0 3 6 9 12 15 18 21 24);
    along!(3: 0 1 2 9 10 11 18 19 20);
    along!(9: 0 1 2 3 4 5 6 7 8);
}

/// Those of `voxels` whose background in the 18-neighbourhood is one 6-component as far as it touches a face.
#[inline(always)]
fn one_background_component<V: Vector>(neighbours: &Neighbours<V>, voxels: V, border: &Border) -> V {
    let opposite = !neighbours[border.opposite];
    let mut ring = [V::none(); 4];
    for i in 0..4 {
        ring[i] = !neighbours[border.ring[i]];
    }
    let mut link = [V::none(); 4];
    let mut across = [V::none(); 4];
    let mut reached = [V::none(); 4];
    for i in 0..4 {
        link[i] = (ring[i] & ring[(i + 1) % 4]).without(neighbours[border.to_next[i]]);
        across[i] = (ring[i] & opposite).without(neighbours[border.to_opposite[i]]);
        reached[i] = ring[i].without(neighbours[border.to_face[i]]);
    }
    go_round(&mut reached, &link);
    let mut far = V::none();
    for i in 0..4 {
        far |= reached[i] & across[i];
    }
    for i in 0..4 {
        reached[i] |= far & across[i];
    }
    go_round(&mut reached, &link);
    let mut unreached = opposite.without(far);
    for i in 0..4 {
        unreached |= ring[i].without(reached[i]);
    }
    voxels.without(unreached)
}

/// Spreads along a ring of four: six links in a row hold every path one way round, the same backwards the other.
#[inline(always)]
fn go_round<V: Vector>(reached: &mut [V; 4], link: &[V; 4]) {
    for i in [0, 1, 2, 3, 0, 1] {
        let next = (i + 1) % 4;
        reached[next] |= reached[i] & link[i];
    }
    for i in [3, 2, 1, 0, 3, 2] {
        let next = (i + 1) % 4;
        reached[i] |= reached[next] & link[i];
    }
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{LANES, Lanes, for_this_processor};
    use super::*;
    use crate::neighbourhood;

    /// 512 neighbourhoods from consecutive numbers; the border's face is left out of the number and stays empty.
    fn neighbourhoods(start: u32, border: &Border) -> ([Lanes; 27], Vec<u32>) {
        let masks: Vec<u32> = (start..start + 512)
            .map(|compact| {
                let (mut mask, mut rest) = (0, compact);
                for direction in (0..27).filter(|&at| at != border.face && at != CENTRE as usize) {
                    mask |= (rest & 1) << direction;
                    rest >>= 1;
                }
                mask
            })
            .collect();
        (packed(&masks), masks)
    }

    fn packed(masks: &[u32]) -> [Lanes; 27] {
        std::array::from_fn(|direction| {
            Lanes(std::array::from_fn(|lane| {
                (0..64).fold(0, |word, at| word | u64::from(masks[lane * 64 + at] >> direction & 1) << at)
            }))
        })
    }

    fn voxel(lanes: Lanes, at: usize) -> bool {
        lanes.0[at / 64] >> (at % 64) & 1 == 1
    }

    for_this_processor! {
        fn collect(neighbours: &[Lanes; 27], border: &Border, found: &mut Lanes) = collect_lanes;
    }

    #[inline(always)]
    fn collect_lanes<V: Vector>(neighbours: &[Lanes; 27], border: &Border, found: &mut Lanes) {
        for first in (0..LANES).step_by(V::WORDS) {
            let neighbours = neighbours.map(|lanes| V::load(&lanes, first));
            simple_and_no_endpoint(&neighbours, !V::none(), border).store(found, first);
        }
    }

    for_this_processor! {
        fn delete(certain: &[Lanes; 27], waiting: &[Lanes; 27], found: &mut Lanes) = delete_lanes;
    }

    #[inline(always)]
    fn delete_lanes<V: Vector>(certain: &[Lanes; 27], waiting: &[Lanes; 27], found: &mut Lanes) {
        for first in (0..LANES).step_by(V::WORDS) {
            let certain = certain.map(|lanes| V::load(&lanes, first));
            let waiting = std::array::from_fn(|direction| V::load(&waiting[direction], first));
            deleted_whatever_happens(&certain, &waiting, !V::none()).store(found, first);
        }
    }

    fn compare_collect(border: &Border, start: u32) {
        let (neighbours, masks) = neighbourhoods(start, border);
        let mut found = Lanes::NONE;
        collect(&neighbours, border, &mut found);
        for (at, &mask) in masks.iter().enumerate() {
            assert_eq!(voxel(found, at), neighbourhood::is_simple_and_no_endpoint(mask), "{mask:027b}");
        }
    }

    #[test]
    fn collects_what_the_flood_fill_collects() {
        for border in &BORDERS {
            // Steps through all of the 2^25 neighbourhoods by an odd stride.
            for round in 0..400_u32 {
                compare_collect(border, round.wrapping_mul(40_503 * 512) % (1 << 25));
            }
        }
    }

    #[test]
    #[ignore = "all 6 · 2^25 neighbourhoods; minutes without optimisation"]
    fn collects_what_the_flood_fill_collects_everywhere() {
        for border in &BORDERS {
            for start in (0..1 << 25).step_by(512) {
                compare_collect(border, start);
            }
        }
    }

    #[test]
    fn deletes_only_what_every_outcome_deletes() {
        let mut state = 7_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32
        };
        let mut deleted = 0;
        for round in 0..200 {
            let sparse = |random: &mut dyn FnMut() -> u32| if round % 2 == 0 { random() & random() } else { random() };
            let certain: Vec<u32> = (0..512).map(|_| sparse(&mut random) & neighbourhood::NEIGHBOURS_26).collect();
            let waiting: Vec<u32> =
                certain.iter().map(|mask| random() & random() & random() & neighbourhood::EARLIER & !mask).collect();
            let mut found = Lanes::NONE;
            delete(&packed(&certain), &packed(&waiting), &mut found);
            for at in 0..512 {
                let mut subset = waiting[at];
                let mut every = true;
                loop {
                    every &= neighbourhood::at_most_one_component(certain[at] | subset);
                    if subset == 0 {
                        break;
                    }
                    subset = (subset - 1) & waiting[at];
                }
                let found = voxel(found, at);
                deleted += u32::from(found);
                // Nothing certain and a clique waiting would be deleted too; that is left to the slow path.
                assert_eq!(found, every && certain[at] != 0, "{:027b} {:027b}", certain[at], waiting[at]);
            }
        }
        assert!(deleted > 1000);
    }
}
