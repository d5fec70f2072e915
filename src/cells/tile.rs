//! The owners of the foreground of one tile of the mask.
//!
//! A tile finds its candidates once, its boxes choose from them. A box first guesses a limit of the power distance of its voxels to
//! their owners. What it finds with the candidates within that limit is an upper bound of that distance; if it exceeds the limit,
//! candidates are searched once more within the bound. So each box knows all that may own its voxels, and most boxes ask those of
//! the nearest voxels only.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::centreline::smooth::Point;
use crate::image::mask_rows::MaskRows;
use crate::image::word_shape::set_bits;
use crate::support::allocate::Grow;
use crate::support::errors::Result;

use super::crofton::Weights;
use super::paint::{Canvas, LIMIT, TILE, ball, power};
use super::sites::{Bounds, CELLS, Candidates, Sites};
use super::strays::{Voxel, WIDTH};

/// How long a box is.
const BOX: usize = 8;

/// The windows of all rows of a tile and of those around it.
type Rows = [[u64; TILE[1] + 2]; TILE[0] + 2];

/// A row of a box: its position, and its foreground from the first voxel of the box on.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    at: [usize; 2],
    foreground: u64,
}

/// What a candidate of a box adds to power distances.
#[derive(Debug, Clone, Copy, Default)]
struct Terms {
    squares: [[f64; BOX]; 3],
    square: f64,
}

/// The owner of each voxel of a row among the candidates, and its power distance.
type Owners = [(u32, f64); BOX];

/// What the tiles of a diagram share.
pub struct Diagram<'a> {
    pub mask: &'a MaskRows,
    /// The planes whose foreground is shared out.
    pub planes: Range<usize>,
    pub sites: &'a Sites,
    /// Whose each voxel of the skeleton is.
    pub owners: &'a [u32],
    pub spacing: Point,
    /// Whether power distances are whole numbers.
    pub is_whole: bool,
    /// A power distance that the voxels of most boxes do not exceed.
    pub near: f64,
    /// A power distance that voxels hardly ever exceed.
    pub far: f64,
    /// Foreground at less than this power distance from a site is connected to it.
    pub touching: f64,
    pub weights: &'a Weights,
    /// The voxels and the surface of each owner.
    pub sums: &'a [[AtomicU64; 2]],
}

/// 32 voxels of each row of a tile.
type Words = [[u32; TILE[1]]; TILE[0]];

/// Memory of a task.
#[derive(Debug)]
pub struct Scratch {
    rows: Rows,
    /// Which foreground counts.
    only: Words,
    /// Whether it is taken away from its owners.
    takes_back: bool,
    /// What lies in a ball.
    covered: Words,
    canvas: Canvas,
    /// What was found to be connected to no ball within its tile.
    pub strays: Vec<(Voxel, u32)>,
    /// No voxel was farther from its owner, by power distance.
    pub farthest: f64,
    /// Large balls that may own voxels of a row of tiles.
    of_row: Candidates,
    of_tile: Candidates,
    of_box: Candidates,
    in_box: Vec<Row>,
    terms: Vec<Terms>,
    owners: Vec<Owners>,
    counts: Vec<[u64; 2]>,
}

impl Diagram<'_> {
    /// Finds what the tiles of the row of `start` share, before they are shared out.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn enter_row(&self, start: Voxel, scratch: &mut Scratch) -> Result<()> {
        let [depth, height, _] = self.shape_of_tile(start);
        let last = [start[0] + depth - 1, start[1] + height - 1, self.mask.shape()[2] - 1];
        let bounds = Bounds { first: [start[0], start[1], 0].map(|at| at as f64), last: last.map(|at| at as f64) };
        self.sites.search_large(&bounds, self.far, &mut scratch.of_row)
    }

    fn shape_of_tile(&self, start: Voxel) -> [usize; 3] {
        let [_, height, width] = self.mask.shape();
        let end = [self.planes.end, height, width];
        [0, 1, 2].map(|axis| TILE[axis].min(end[axis] - start[axis]))
    }

    /// Adds the foreground of a tile to its owners, and what is connected to no ball within the tile to the strays; its row is
    /// entered.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn share_out(&self, start: Voxel, scratch: &mut Scratch) -> Result<()> {
        let shape = self.shape_of_tile(start);
        let end = [0, 1, 2].map(|axis| start[axis] + shape[axis]);
        if !self.mask.has_foreground(start, end) {
            return Ok(());
        }
        self.read_rows(start, scratch);
        scratch.covered = [[0; TILE[1]]; TILE[0]];
        if self.find_candidates(start, shape, scratch)? {
            if !self.is_whole || self.paint(start, scratch)? {
                self.share_out_boxes(start, shape, scratch)?;
            }
            scratch.only = [[u32::MAX; TILE[1]]; TILE[0]];
        }
        scratch.find_strays(start, shape)
    }

    /// Adds the foreground of a tile that is not very far from its balls to their owners. Returns whether anything is left, to
    /// which `scratch.only` is then narrowed.
    fn paint(&self, start: Voxel, scratch: &mut Scratch) -> Result<bool> {
        let Scratch { canvas, of_tile, in_box, rows, only, covered, counts, farthest, .. } = scratch;
        if !canvas.paint(&of_tile.all, start.map(|at| at as f64), self.far)? {
            return Ok(true);
        }
        counts.clear();
        counts.try_extend(CELLS, std::iter::repeat_n([0; 2], of_tile.all.len()))?;
        *only = [[0; TILE[1]]; TILE[0]];
        let mut any_left = 0;
        *farthest = farthest.max(f64::from(LIMIT));
        for row in &*in_box {
            let [z, y] = row.at;
            let background = background(rows, row.at);
            let keys = canvas.row(row.at);
            // What is within the limit of the canvas is neither far nor apart from its ball.
            let (mut not_touching, mut left) = (0, 0);
            for bit in set_bits(row.foreground) {
                let mut key = keys[bit];
                if power(key) > LIMIT {
                    key = canvas.least_key([z, y, bit]);
                    let power = f64::from(power(key));
                    not_touching |= u32::from(power >= self.touching) << bit;
                    if power > self.far {
                        left |= 1 << bit;
                        continue;
                    }
                    *farthest = farthest.max(power);
                }
                let counts = &mut counts[ball(key)];
                counts[0] += 1;
                // Most voxels are at the surface; others have no background around.
                counts[1] += self.surface(&background, bit);
            }
            covered[z][y] |= row.foreground as u32 & !not_touching;
            only[z][y] = left;
            any_left |= left;
        }
        for (site, &counts) in of_tile.all.iter().zip(&*counts).filter(|(_, counts)| counts[0] > 0) {
            self.add(self.owners[site.node as usize], counts, false);
        }
        Ok(any_left != 0)
    }

    /// Takes voxels of a tile, given as 32 of a row each, away from their owners.
    ///
    /// # Errors
    /// [`crate::support::errors::Error::OutOfMemory`].
    pub fn take_back(&self, start: Voxel, strays: &[(Voxel, u32)], scratch: &mut Scratch) -> Result<()> {
        let shape = self.read_rows(start, scratch);
        self.enter_row(start, scratch)?;
        scratch.only = [[0; TILE[1]]; TILE[0]];
        for &([z, y, _], bits) in strays {
            scratch.only[z - start[0]][y - start[1]] = bits;
        }
        scratch.takes_back = true;
        if self.find_candidates(start, shape, scratch)? {
            self.share_out_boxes(start, shape, scratch)?;
        }
        scratch.takes_back = false;
        scratch.only = [[u32::MAX; TILE[1]]; TILE[0]];
        Ok(())
    }

    /// Reads the windows of a tile, and returns its shape.
    fn read_rows(&self, start: Voxel, scratch: &mut Scratch) -> [usize; 3] {
        let shape = self.shape_of_tile(start);
        for (z, rows) in scratch.rows[..shape[0] + 2].iter_mut().enumerate() {
            let (z, y) = ((start[0] + z) as i64 - 1, start[1] as i64 - 1);
            self.mask.windows(z, y, start[2], shape[2], &mut rows[..shape[1] + 2]);
        }
        shape
    }

    /// Finds what may own the foreground of a tile, and returns whether it is to be shared out: all of one owner is given to it.
    fn find_candidates(&self, start: Voxel, shape: [usize; 3], scratch: &mut Scratch) -> Result<bool> {
        let Some(bounds) = scratch.read([0; 3], shape, start)? else { return Ok(false) };
        self.sites.search_near(&bounds, self.far, &scratch.of_row, &mut scratch.of_tile)?;
        if scratch.of_tile.bound < self.touching
            && let Some(owner) = self.only_owner(&scratch.of_tile)
        {
            scratch.farthest = scratch.farthest.max(scratch.of_tile.bound);
            self.give(owner, [0; 3], scratch);
            return Ok(false);
        }
        Ok(true)
    }

    /// Shares out the foreground of a tile, whose candidates are found, box by box.
    fn share_out_boxes(&self, start: Voxel, shape: [usize; 3], scratch: &mut Scratch) -> Result<()> {
        scratch.of_tile.lay_out()?;
        for z in (0..shape[0]).step_by(BOX) {
            for y in (0..shape[1]).step_by(BOX) {
                for x in (0..shape[2]).step_by(BOX) {
                    let of_box = [0, 1, 2].map(|axis| BOX.min(shape[axis] - [z, y, x][axis]));
                    if let Some(bounds) = scratch.read([z, y, x], of_box, start)? {
                        self.share_out_box([z, y, x], start, &bounds, scratch)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the foreground of a box, whose rows are read, to its owners.
    fn share_out_box(&self, at: [usize; 3], start: [usize; 3], bounds: &Bounds, scratch: &mut Scratch) -> Result<()> {
        let mut limit = self.near;
        loop {
            if limit <= self.far {
                scratch.of_box.select(&mut scratch.of_tile, bounds, limit, self.spacing)?;
            } else {
                self.sites.search(bounds, limit, &mut scratch.of_box)?;
            }
            let bound = scratch.of_box.bound;
            if scratch.of_box.all.is_empty() {
                // Without a limit, a search would visit all that comes before the first one near.
                limit = self.far.max(4.0 * limit);
                continue;
            }
            if bound < self.touching
                && let Some(owner) = self.only_owner(&scratch.of_box)
            {
                scratch.farthest = scratch.farthest.max(bound);
                self.give(owner, at, scratch);
                return Ok(());
            }
            let most = self.own(at, start, scratch)?;
            if bound.min(most) <= limit {
                scratch.farthest = scratch.farthest.max(most);
                break;
            }
            limit = most;
        }
        for (site, &counts) in scratch.of_box.all.iter().zip(&scratch.counts).filter(|(_, counts)| counts[0] > 0) {
            self.add(self.owners[site.node as usize], counts, scratch.takes_back);
        }
        Ok(())
    }

    /// Gives all foreground of the rows that are read to one owner.
    fn give(&self, owner: u32, at: [usize; 3], scratch: &mut Scratch) {
        let mut counts = [0; 2];
        for row in &scratch.in_box {
            scratch.covered[row.at[0]][row.at[1]] |= (row.foreground << at[2]) as u32;
            let background = background(&scratch.rows, row.at);
            counts[0] += u64::from(row.foreground.count_ones());
            counts[1] += set_bits(row.foreground & edge(&background) >> 1 >> at[2])
                .map(|bit| self.surface(&background, at[2] + bit))
                .sum::<u64>();
        }
        self.add(owner, counts, scratch.takes_back);
    }

    /// Whose all candidates are, if they have one owner.
    fn only_owner(&self, candidates: &Candidates) -> Option<u32> {
        let mut owners = candidates.all.iter().map(|candidate| self.owners[candidate.node as usize]);
        let owner = owners.next()?;
        owners.all(|other| other == owner).then_some(owner)
    }

    fn add(&self, owner: u32, counts: [u64; 2], takes_back: bool) {
        for (sum, count) in self.sums[owner as usize].iter().zip(counts) {
            if takes_back {
                sum.fetch_sub(count, Ordering::Relaxed);
            } else if count > 0 {
                sum.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    /// Counts the foreground of a box for its candidates, and returns the largest power distance.
    fn own(&self, at: [usize; 3], start: [usize; 3], scratch: &mut Scratch) -> Result<f64> {
        let corner = [0, 1, 2].map(|axis| (start[axis] + at[axis]) as f64);
        let Scratch { of_box, counts, .. } = scratch;
        let count = of_box.all.len();
        counts.clear();
        counts.try_extend(CELLS, std::iter::repeat_n([0; 2], count))?;
        self.find_owners(corner, scratch)?;
        let Scratch { rows, in_box, counts, owners, covered, .. } = scratch;
        let mut most = f64::NEG_INFINITY;
        for (row, owners) in in_box.iter().zip(owners) {
            let background = background(rows, row.at);
            let edge = edge(&background) >> 1 >> at[2];
            let mut in_balls = 0;
            for bit in set_bits(row.foreground) {
                let (owner, power) = owners[bit];
                most = most.max(power);
                in_balls |= u32::from(power < self.touching) << bit;
                let counts = &mut counts[owner as usize];
                counts[0] += 1;
                if edge >> bit & 1 == 1 {
                    counts[1] += self.surface(&background, at[2] + bit);
                }
            }
            covered[row.at[0]][row.at[1]] |= in_balls << at[2];
        }
        Ok(most)
    }

    /// The owners by the definition.
    fn find_owners(&self, corner: Point, scratch: &mut Scratch) -> Result<()> {
        let Scratch { of_box, in_box, terms, owners, .. } = scratch;
        terms.clear();
        terms.try_extend(
            CELLS,
            of_box.all.iter().map(|site| {
                let squares = [0, 1, 2].map(|axis| {
                    std::array::from_fn(|step| {
                        let along = (corner[axis] + step as f64 - site.at[axis]) * self.spacing[axis];
                        along * along
                    })
                });
                Terms { squares, square: site.square }
            }),
        )?;
        owners.clear();
        for row in &*in_box {
            let mut of_row = [(0, f64::INFINITY); BOX];
            for (number, site) in terms.iter().enumerate() {
                let across = site.squares[0][row.at[0] % BOX] + site.squares[1][row.at[1] % BOX];
                for (owner, along) in of_row.iter_mut().zip(site.squares[2]) {
                    let power = across + along - site.square;
                    if power < owner.1 {
                        *owner = (number as u32, power);
                    }
                }
            }
            owners.try_push(CELLS, of_row)?;
        }
        Ok(())
    }

    /// The weights of the background around a voxel, given by that of its nine rows and its position in them.
    #[inline]
    fn surface(&self, background: &[u64; 9], at: usize) -> u64 {
        let three = |row: usize| (background[row] >> at & 0b111) as usize;
        let plane = |first: usize| three(first) | three(first + 1) << 3 | three(first + 2) << 6;
        self.weights.sum([plane(0), plane(3), plane(6)])
    }
}

/// The background in the windows of the nine rows around a row.
#[inline]
fn background(rows: &Rows, at: [usize; 2]) -> [u64; 9] {
    std::array::from_fn(|row| !rows[at[0] + row / 3][at[1] + row % 3])
}

/// The voxels of a window with background around them.
#[inline]
fn edge(background: &[u64; 9]) -> u64 {
    let any = background.iter().fold(0, |any, row| any | row);
    any | any << 1 | any >> 1
}

impl Scratch {
    /// Memory for a task.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rows: [[0; TILE[1] + 2]; TILE[0] + 2],
            only: [[u32::MAX; TILE[1]]; TILE[0]],
            takes_back: false,
            covered: [[0; TILE[1]]; TILE[0]],
            canvas: Canvas::new(),
            strays: Vec::new(),
            farthest: f64::NEG_INFINITY,
            of_row: Candidates::default(),
            of_tile: Candidates::default(),
            of_box: Candidates::default(),
            in_box: Vec::new(),
            terms: Vec::new(),
            owners: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// Finds the foreground of a tile that is connected to no ball within it.
    fn find_strays(&mut self, start: Voxel, shape: [usize; 3]) -> Result<()> {
        let Self { rows, covered, in_box, .. } = self;
        in_box.clear();
        for z in 0..shape[0] {
            for y in 0..shape[1] {
                let foreground = (rows[z + 1][y + 1] >> 1) as u32 & (u32::MAX >> (WIDTH - shape[2]));
                let left = foreground & !covered[z][y];
                if left != 0 {
                    in_box.try_push(CELLS, Row { at: [z, y], foreground: u64::from(left) })?;
                }
            }
        }
        let mut is_changed = true;
        while is_changed {
            is_changed = false;
            for Row { at: [z, y], foreground: left } in in_box.iter_mut() {
                let near = (z.saturating_sub(1)..shape[0].min(*z + 2))
                    .flat_map(|z| (y.saturating_sub(1)..shape[1].min(*y + 2)).map(move |y| (z, y)))
                    .fold(0, |near, (z, y)| near | covered[z][y]);
                let reached = (near | near << 1 | near >> 1) & *left as u32;
                covered[*z][*y] |= reached;
                *left &= !u64::from(reached);
                is_changed |= reached != 0;
            }
            in_box.retain(|row| row.foreground != 0);
        }
        for &Row { at: [z, y], foreground } in &*in_box {
            self.strays.try_push(CELLS, ([start[0] + z, start[1] + y, start[2]], foreground as u32))?;
        }
        Ok(())
    }

    /// Reads the rows of a box of the tile; None if it has no foreground, else where that lies.
    fn read(&mut self, at: [usize; 3], shape: [usize; 3], start: [usize; 3]) -> Result<Option<Bounds>> {
        self.in_box.clear();
        let all = u64::MAX >> (64 - shape[2]);
        let mut whole = 0;
        for z in at[0]..at[0] + shape[0] {
            for y in at[1]..at[1] + shape[1] {
                let foreground = (self.rows[z + 1][y + 1] >> 1 & u64::from(self.only[z][y])) >> at[2] & all;
                if foreground != 0 {
                    whole |= foreground;
                    self.in_box.try_push(CELLS, Row { at: [z, y], foreground })?;
                }
            }
        }
        let (Some(first), Some(last)) = (self.in_box.first(), self.in_box.last()) else { return Ok(None) };
        let (y_first, y_last) =
            self.in_box.iter().fold((usize::MAX, 0), |(first, last), row| (first.min(row.at[1]), last.max(row.at[1])));
        let x_first = at[2] + whole.trailing_zeros() as usize;
        let x_last = at[2] + 63 - whole.leading_zeros() as usize;
        let position = |at: [usize; 3]| [0, 1, 2].map(|axis| (start[axis] + at[axis]) as f64);
        Ok(Some(Bounds {
            first: position([first.at[0], y_first, x_first]),
            last: position([last.at[0], y_last, x_last]),
        }))
    }
}
