//! The predicates of thinning for up to 512 voxels at once, by boolean formulas on whole words, without loops or tables.
//!
//! Each voxel's 26 neighbours lie in 27 words shifted into place, one word a direction; then one machine word answers for 64
//! voxels and a [`Vector`] for up to 512.
//!
//! *Background.* The voxel's empty face is known. The six faces form an octahedron, so the ring of four around it and the opposite
//! face are all there is to reach.
//!
//! *Foreground.* A neighbour meets the surface of the voxel's cube in a face, an edge or a vertex; two neighbours are
//! 26-neighbours of each other exactly if these meet. So the components of the foreground are those of the union X of the
//! closed cells, a part of a sphere. By Alexander's duality X has one hole less than its complement has components; those are the
//! components of background that touch a face. Where the background is one component, X has no hole, and the number of its
//! components is its Euler characteristic: vertices − edges + faces. So one component means that vertices, faces and missing
//! edges are 13 of 26, which a tree of adders finds for all voxels at once in some 80 instructions.
//!
//! Sources: the predicates are those of [`crate::image::neighbourhood`], which the tests compare with over all 2²⁶
//! neighbourhoods; X is the attachment set of Kong (1995), "On topology preservation in 2-D and 3-D thinning".

use crate::image::neighbourhood::{CENTRE, bit};
use crate::support::simd::Vector;

/// The words of the 27 directions; the centre's is not read.
pub type Neighbours<V> = [V; 27];

/// Neighbours that come before the voxel in raster order: directions 0 to 12.
pub const EARLIER: usize = CENTRE as usize;

/// A border of the object: the voxels whose neighbour in this direction is background.
#[derive(Debug, Clone, Copy)]
pub struct Border {
    /// The neighbour that is background.
    pub face: usize,
    /// The axis that the border faces along.
    pub axis: usize,
    /// Whether it is the neighbour after the voxel that is background.
    pub forward: bool,
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
            axis,
            forward: sign > 0,
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

/// Those of `voxels`, all on `border`, that are (26, 6)-simple and no endpoints: what a border step collects.
#[inline(always)]
pub fn simple_and_no_endpoint<V: Vector>(neighbours: &Neighbours<V>, voxels: V, border: &Border) -> V {
    let voxels = one_background_component(neighbours, voxels, border);
    if voxels.is_empty() {
        return voxels;
    }
    voxels & several(neighbours) & Attachment::of(neighbours).is_one_component()
}

/// Those of `voxels` that the recheck deletes whatever becomes of their `waiting` earlier neighbours.
///
/// `certain` holds the neighbours that are present for sure. If they are one component and every waiting neighbour touches
/// it, then each outcome leaves one component. The others have to wait, and so have those few whose background may fall apart,
/// since then the formula does not tell.
#[inline(always)]
pub fn deleted_whatever_happens<V: Vector>(
    certain: &Neighbours<V>,
    waiting: &[V; EARLIER],
    voxels: V,
    border: &Border,
) -> V {
    let voxels = one_background_component(certain, voxels, border);
    let attachment = Attachment::of(certain);
    (voxels & attachment.is_one_component()).without(attachment.apart(waiting))
}

/// Those of `voxels` that are simple and no endpoints whatever becomes of their `waiting` earlier neighbours: with all of them
/// present, as they were collected, with none and with some.
///
/// Beyond [`deleted_whatever_happens`], two neighbours are certain, and each face that may become background would be joined to
/// background that is certain already.
#[inline(always)]
pub fn simple_whatever_happens<V: Vector>(
    certain: &Neighbours<V>,
    waiting: &[V; EARLIER],
    voxels: V,
    border: &Border,
) -> V {
    let background = |direction: usize| match waiting.get(direction) {
        Some(waiting) => !(certain[direction] | *waiting),
        None => !certain[direction],
    };
    let mut apart = V::none();
    // The earlier faces; for each the four faces around it and the edges in between.
    for (face, around) in [
        (4, [(10, 1), (12, 3), (14, 5), (16, 7)]),
        (10, [(4, 1), (12, 9), (14, 11), (22, 19)]),
        (12, [(4, 3), (10, 9), (16, 15), (22, 21)]),
    ] {
        let mut joined = V::none();
        for (other, edge) in around {
            joined |= background(other) & background(edge);
        }
        apart |= waiting[face].without(joined);
    }
    deleted_whatever_happens(certain, waiting, voxels, border) & several(certain).without(apart)
}

/// What of a voxel's surface its neighbours meet: of each vertex and each edge, whether they do. Of the faces, a neighbour meets
/// its own.
struct Attachment<V> {
    /// In the order of directions.
    faces: [V; 6],
    edges: [V; 12],
    vertices: [V; 8],
}

impl<V: Vector> Attachment<V> {
    #[inline(always)]
    fn of(neighbours: &Neighbours<V>) -> Self {
        let n = neighbours;
        let faces = [n[4], n[10], n[12], n[14], n[16], n[22]];
        let [back, above, left, right, below, front] = faces;
        let edges = [
            n[1] | back | above,
            n[3] | back | left,
            n[5] | back | right,
            n[7] | back | below,
            n[9] | above | left,
            n[11] | above | right,
            n[15] | below | left,
            n[17] | below | right,
            n[19] | front | above,
            n[21] | front | left,
            n[23] | front | right,
            n[25] | front | below,
        ];
        let e = &edges;
        let vertices = [
            n[0] | e[0] | e[1] | e[4],
            n[2] | e[0] | e[2] | e[5],
            n[6] | e[3] | e[1] | e[6],
            n[8] | e[3] | e[2] | e[7],
            n[18] | e[8] | e[9] | e[4],
            n[20] | e[8] | e[10] | e[5],
            n[24] | e[11] | e[9] | e[6],
            n[26] | e[11] | e[10] | e[7],
        ];
        Self { faces, edges, vertices }
    }

    /// The voxels whose attachment is one component, of those whose background is one component.
    #[inline(always)]
    fn is_one_component(&self) -> V {
        let Self { faces: f, edges: e, vertices: v } = self;
        // Full adders; each gives its sum, and its carry of twice the weight.
        macro_rules! add {
            ($a:expr, $b:expr, $c:expr) => {
                ($a.sum($b, $c), $a.carry($b, $c))
            };
        }
        let (s0, c0) = add!(v[0], v[1], v[2]);
        let (s1, c1) = add!(v[3], v[4], v[5]);
        let (s2, c2) = add!(v[6], v[7], f[0]);
        let (s3, c3) = add!(f[1], f[2], f[3]);
        let (s4, c4) = add!(!e[0], !e[1], !e[2]);
        let (s5, c5) = add!(!e[3], !e[4], !e[5]);
        let (s6, c6) = add!(!e[6], !e[7], !e[8]);
        let (s7, c7) = add!(!e[9], !e[10], !e[11]);
        let (s8, c8) = add!(s0, s1, s2);
        let (s9, c9) = add!(s3, s4, s5);
        let (s10, c10) = add!(s6, s7, f[4]);
        let (s11, c11) = add!(s8, s9, s10);
        let (ones, c12) = (s11 ^ f[5], s11 & f[5]);
        let (t0, d0) = add!(c0, c1, c2);
        let (t1, d1) = add!(c3, c4, c5);
        let (t2, d2) = add!(c6, c7, c8);
        let (t3, d3) = add!(c9, c10, c11);
        let (t4, d4) = add!(t0, t1, t2);
        let (twos, d5) = add!(t3, t4, c12);
        let (q0, g0) = add!(d0, d1, d2);
        let (q1, g1) = add!(d3, d4, d5);
        let (fours, g2) = (q0 ^ q1, q0 & q1);
        let eights = g0.sum(g1, g2);
        // 13 in binary; 29 is out of reach.
        (ones & fours & eights).without(twos)
    }

    /// The voxels that have an earlier neighbour, among `waiting`, that the attachment does not touch.
    #[inline(always)]
    fn apart(&self, waiting: &[V; EARLIER]) -> V {
        let (v, w) = (&self.vertices, waiting);
        w[0].without(v[0])
            | w[1].without(v[0] | v[1])
            | w[2].without(v[1])
            | w[3].without(v[0] | v[2])
            | w[4].without(v[0] | v[1] | v[2] | v[3])
            | w[5].without(v[1] | v[3])
            | w[6].without(v[2])
            | w[7].without(v[2] | v[3])
            | w[8].without(v[3])
            | w[9].without(v[0] | v[4])
            | w[10].without(v[0] | v[1] | v[4] | v[5])
            | w[11].without(v[1] | v[5])
            | w[12].without(v[0] | v[2] | v[4] | v[6])
    }
}

/// The voxels that have two neighbours or more.
#[inline(always)]
fn several<V: Vector>(neighbours: &Neighbours<V>) -> V {
    let (mut any, mut several) = (neighbours[0], V::none());
    macro_rules! count {
        ($($a:literal $b:literal,)*) => {$({
            let (a, b) = (neighbours[$a], neighbours[$b]);
            several |= any.carry(a, b);
            any = any | a | b;
        })*};
    }
    count!(1 2, 3 4, 5 6, 7 8, 9 10, 11 12, 14 15, 16 17, 18 19, 20 21, 22 23, 24 25,);
    several | any & neighbours[26]
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

/// Those of `voxels`, collected on `border`, that are deleted whatever becomes of their `waiting` earlier neighbours.
///
/// Which of the formulas is asked for is known at compile time: both in one function spill each other's registers.
#[inline(always)]
pub fn settled<V: Vector, const PRESERVING: bool>(
    certain: &Neighbours<V>,
    waiting: &[V; EARLIER],
    voxels: V,
    border: &Border,
) -> V {
    if PRESERVING {
        simple_whatever_happens(certain, waiting, voxels, border)
    } else {
        deleted_whatever_happens(certain, waiting, voxels, border)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::neighbourhood;
    use crate::support::random::Random;
    use crate::support::simd::{LANES, Lanes, for_this_processor};

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
        fn delete(certain: &[Lanes; 27], waiting: &[Lanes; 27], border: &Border, found: &mut [Lanes; 2]) = delete_lanes;
    }

    #[inline(always)]
    fn delete_lanes<V: Vector>(certain: &[Lanes; 27], waiting: &[Lanes; 27], border: &Border, found: &mut [Lanes; 2]) {
        for first in (0..LANES).step_by(V::WORDS) {
            let certain = certain.map(|lanes| V::load(&lanes, first));
            let waiting = std::array::from_fn(|direction| V::load(&waiting[direction], first));
            deleted_whatever_happens(&certain, &waiting, !V::none(), border).store(&mut found[0], first);
            simple_whatever_happens(&certain, &waiting, !V::none(), border).store(&mut found[1], first);
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
        let mut generator = Random(7);
        let mut random = || (generator.bits() >> 33) as u32;
        let mut deleted = [0; 2];
        for round in 0..300 {
            let border = &BORDERS[round % 6];
            let possible = neighbourhood::NEIGHBOURS_26 & !(1 << border.face);
            let sparse = |random: &mut dyn FnMut() -> u32| if round % 4 < 2 { random() & random() } else { random() };
            let certain: Vec<u32> = (0..512).map(|_| sparse(&mut random) & possible).collect();
            let waiting: Vec<u32> = certain
                .iter()
                .map(|mask| random() & random() & random() & neighbourhood::EARLIER & possible & !mask)
                .collect();
            let mut found = [Lanes::NONE; 2];
            delete(&packed(&certain), &packed(&waiting), border, &mut found);
            for at in 0..512 {
                let mut subset = waiting[at];
                let mut every = [true; 2];
                loop {
                    every[0] &= neighbourhood::at_most_one_component(certain[at] | subset);
                    every[1] &= neighbourhood::is_simple_and_no_endpoint(certain[at] | subset);
                    if subset == 0 {
                        break;
                    }
                    subset = (subset - 1) & waiting[at];
                }
                let found = found.map(|found| voxel(found, at));
                deleted = [deleted[0] + u32::from(found[0]), deleted[1] + u32::from(found[1])];
                // What else every outcome deletes is left to the slow path.
                let told = certain[at] != 0 && neighbourhood::one_background_component(certain[at]);
                assert_eq!(found[0], every[0] && told, "{:027b} {:027b}", certain[at], waiting[at]);
                // The formula may ask for more than every outcome being simple; voxels are collected with all present.
                let collected = neighbourhood::is_simple_and_no_endpoint(certain[at] | waiting[at]);
                assert!(!(found[1] && collected) || every[1], "{:027b} {:027b}", certain[at], waiting[at]);
            }
        }
        assert!(deleted.iter().all(|&deleted| deleted > 1000), "{deleted:?}");
    }
}
