//! Radii of many voxels of thick objects: distances of whole rows, axis after axis.
//!
//! The order of the axes makes this exact for every spacing. A distance is (z + y) + x, where z, y and x are the squares of the
//! steps along the axes, and rounding is monotonic. So the smallest distance over the background of a column along the first
//! axis is that to its nearest voxel; from these, the smallest z + y over a plane of the first two axes is the smallest over the
//! columns; and from these, the smallest sum follows along the row. Each step is a minimum over what the step before left, of
//! the very numbers that the definition compares.
//!
//! 1. Steps along the first axis come from the bits, in a sweep back and one forth. Some planes are in memory at a time (a
//!    [`Slab`]); what lies beyond them is looked up in the bits.
//! 2. Along the second axis, [`LANES`] columns at once: rows by increasing distance, until none can be nearer. Far rows are passed
//!    over in blocks whose smallest distances tell that none is near enough. Only rows with voxels asked for are found, and in
//!    them only columns within reach: no radius is above half the longest run of the row.
//! 3. Along the last axis the same, for the voxels asked for.
//!
//! Numbers of single precision hold all sums if the spacing is whole numbers and the block is not huge; else they are double.
//!
//! Cost: 2 to 6 ns for each voxel of the planes with voxels asked for, 10 to 20 ns for each column of their rows; it grows little
//! with the radii. Memory: a slab, some 32 MB.

use rayon::prelude::*;

use super::background::Background;
use super::minima::{BLOCK, LANES, Lane, Number, along_last, along_second, widest};
use super::squares::Squares;
use crate::image::word_shape::{WORD, set_bits};
use crate::support::allocate::{try_collect, try_filled};
use crate::support::errors::Result;
use crate::support::simd::{Vector, for_this_processor};
use crate::support::threads::Monitor;

/// Strips of columns in a word.
const STRIPS: usize = WORD / LANES;

/// Rows of a task.
const ROWS: usize = 32;

/// The bytes of a slab, unless these are fewer than [`PLANES`] planes, or more than [`WORD`].
const SLAB: usize = 32 << 20;
const PLANES: usize = 8;

const WHAT: &str = "the distances of rows";

/// Lowers the radii of voxels, whose linear indices ascend, to the distance to the background of the block.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`], or [`crate::support::errors::Error::Interrupted`] through `monitor`.
pub(super) fn lower(
    background: &Background,
    nodes: &[i64],
    radii: &mut [f64],
    squares: &Squares,
    monitor: &Monitor,
) -> Result<()> {
    if squares.are_single() {
        Block::<f32>::new(background, squares)?.lower(nodes, radii, monitor)
    } else {
        Block::<f64>::new(background, squares)?.lower(nodes, radii, monitor)
    }
}

/// What all tasks share.
struct Block<'a, T> {
    background: &'a Background,
    spacing: T,
    squares: [Vec<T>; 2],
    /// The squares along the last axis from so many steps before a column to as many after.
    around: Vec<T>,
}

/// The voxels asked for in some rows of a plane.
struct Task<'a> {
    /// The plane of the slab, and the first row.
    plane: usize,
    first: usize,
    nodes: &'a [i64],
    radii: &'a mut [f64],
}

/// The squared distances along the first axis of some planes: for each word of columns its planes, for each its strips, for
/// each its rows, then the smallest of each block of rows.
struct Slab<'a, T> {
    block: &'a Block<'a, T>,
    /// The first plane.
    from: usize,
    planes: usize,
    lanes: &'a [Lane<T>],
}

impl<T: Number> Slab<'_, T> {
    /// The rows of a strip, and the smallest of each block of them.
    #[inline(always)]
    fn strip(&self, plane: usize, strip: usize) -> (&[Lane<T>], &[Lane<T>]) {
        let rows = self.block.background.shape()[1];
        let height = height(rows);
        let at = (strip / STRIPS * self.planes + plane) * STRIPS + strip % STRIPS;
        self.lanes[at * height..][..height].split_at(rows)
    }
}

/// The lanes of a strip with this many rows.
fn height(rows: usize) -> usize {
    rows + rows.div_ceil(BLOCK)
}

impl<'a, T: Number> Block<'a, T> {
    fn new(background: &'a Background, squares: &Squares) -> Result<Self> {
        let table = |axis: usize| try_collect(WHAT, squares.0[axis].iter().map(|&square| T::of(square)));
        let most = background.shape()[2].next_multiple_of(WORD);
        let of_x = &squares.0[2];
        let around = (0..2 * most).map(|at| of_x.get(at.abs_diff(most)).map_or(T::INFINITY, |&square| T::of(square)));
        Ok(Self {
            background,
            spacing: T::of(squares.first_spacing()),
            squares: [table(1)?, table(2)?],
            around: try_collect(WHAT, around)?,
        })
    }

    fn lower(&self, mut nodes: &[i64], mut radii: &mut [f64], monitor: &Monitor) -> Result<()> {
        let [nz, ny, nx] = self.background.shape();
        let words = nx.div_ceil(WORD);
        let lanes = words * STRIPS * height(ny);
        let deep = (SLAB / (lanes * size_of::<Lane<T>>())).clamp(PLANES, WORD).min(nz);
        let mut buffer = try_filled(WHAT, deep * lanes, [T::ZERO; LANES])?;
        while let Some(&first) = nodes.first() {
            let from = first as usize / (ny * nx);
            let planes = deep.min(nz - from);
            let mut tasks = Vec::new();
            for plane in 0..planes {
                for first in (0..ny).step_by(ROWS) {
                    let end = ((from + plane) * ny + (first + ROWS).min(ny)) * nx;
                    let count = nodes.partition_point(|&node| (node as usize) < end);
                    let (these, later) = nodes.split_at(count);
                    let (lowered, rest) = radii.split_at_mut(count);
                    (nodes, radii) = (later, rest);
                    if count > 0 {
                        tasks.push(Task { plane, first, nodes: these, radii: lowered });
                    }
                }
            }
            // Planes after the last voxel are not needed.
            let planes = tasks.last().map_or(0, |task| task.plane + 1);
            let buffer = &mut buffer[..planes * lanes];
            buffer.par_chunks_exact_mut(planes * STRIPS * height(ny)).enumerate().try_for_each(|(word, lanes)| {
                monitor.check()?;
                sweep(self, from, word, lanes);
                Ok(())
            })?;
            let slab = Slab { block: self, from, planes, lanes: buffer };
            tasks.into_par_iter().try_for_each(|mut task| {
                monitor.check()?;
                let length = words * WORD;
                let mut rows = try_filled(WHAT, ROWS * length, T::INFINITY)?;
                let mut smallest = try_filled(WHAT, ROWS * length / LANES, T::INFINITY)?;
                // Strips before and after the row, so that those that stick out need no care.
                let mut row = try_filled(WHAT, 3 * length, T::INFINITY)?;
                measure(&slab, &mut task, &mut rows, &mut smallest, &mut row);
                monitor.advance(task.nodes.len() as u64);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// The word of background in a row.
    #[inline(always)]
    fn word(&self, z: usize, y: usize, word: usize) -> u64 {
        self.background.row(self.background.index(z, y))[word]
    }

    /// The steps from plane `z` to the first background of each column in `planes`.
    fn steps_to(&self, z: usize, y: usize, word: usize, planes: impl Iterator<Item = usize>) -> [Lane<T>; STRIPS] {
        let mut steps = [[T::INFINITY; LANES]; STRIPS];
        let mut missing = u64::MAX;
        for at in planes {
            let bits = self.word(at, y, word) & missing;
            for bit in set_bits(bits) {
                steps[bit / LANES][bit % LANES] = T::of(at.abs_diff(z) as f64);
            }
            missing &= !bits;
            if missing == 0 {
                break;
            }
        }
        steps
    }
}

for_this_processor! {
    /// The squared distances along the first axis, of a word of columns.
    fn sweep<T: Number>(block: &Block<'_, T>, from: usize, word: usize, lanes: &mut [Lane<T>]) = sweep_lanes;
}

#[allow(clippy::extra_unused_type_parameters, reason = "the compiler makes vectors of the loops")]
#[inline(always)]
fn sweep_lanes<T: Number, V: Vector>(block: &Block<'_, T>, from: usize, word: usize, lanes: &mut [Lane<T>]) {
    let [nz, ny, _] = block.background.shape();
    let height = height(ny);
    let planes = lanes.len() / (STRIPS * height);
    for y in 0..ny {
        let last = from + planes - 1;
        let mut steps = block.steps_to(last, y, word, last..nz);
        for plane in (0..planes).rev() {
            let bits = block.word(from + plane, y, word);
            for (strip, steps) in steps.iter_mut().enumerate() {
                if plane + 1 < planes {
                    step(steps, (bits >> (strip * LANES)) as u32);
                }
                lanes[(plane * STRIPS + strip) * height + y] = *steps;
            }
        }
        let mut steps = block.steps_to(from, y, word, (0..=from).rev());
        for plane in 0..planes {
            let bits = block.word(from + plane, y, word);
            for (strip, steps) in steps.iter_mut().enumerate() {
                if plane > 0 {
                    step(steps, (bits >> (strip * LANES)) as u32);
                }
                let (rows, blocks) = lanes[(plane * STRIPS + strip) * height..][..height].split_at_mut(ny);
                for (lane, &steps) in rows[y].iter_mut().zip(&*steps) {
                    let length = lane.or_less(steps) * block.spacing;
                    *lane = length * length;
                }
                let smallest = &mut blocks[y / BLOCK];
                if y % BLOCK == 0 {
                    *smallest = rows[y];
                }
                for (smallest, &lane) in smallest.iter_mut().zip(&rows[y]) {
                    *smallest = smallest.or_less(lane);
                }
            }
        }
    }
}

/// One more step from the background, none at it.
#[inline(always)]
fn step<T: Number>(steps: &mut Lane<T>, bits: u32) {
    for (lane, steps) in steps.iter_mut().enumerate() {
        let more = *steps + T::ONE;
        *steps = if bits & (1 << lane) == 0 { more } else { T::ZERO };
    }
}

for_this_processor! {
    /// The radii of a task. `rows` is for the rows of the task, `smallest` for a number of each strip of them, and `row` is three
    /// times as long as a row.
    fn measure<T: Number>(
        slab: &Slab<'_, T>, task: &mut Task<'_>, rows: &mut [T], smallest: &mut [T], row: &mut [T]
    ) = measure_lanes;
}

#[allow(clippy::extra_unused_type_parameters, reason = "the compiler makes vectors of the loops")]
#[inline(always)]
fn measure_lanes<T: Number, V: Vector>(
    slab: &Slab<'_, T>,
    task: &mut Task<'_>,
    rows: &mut [T],
    smallest: &mut [T],
    row: &mut [T],
) {
    let block = slab.block;
    let [_, ny, nx] = block.background.shape();
    let [of_y, of_x] = &block.squares;
    let (z, length) = (slab.from + task.plane, row.len() / 3);
    let strips = length / LANES;
    let place = |node: i64| (node as usize / nx % ny - task.first, node as usize % nx);
    // The square that no radius of a row exceeds, and the strips that are needed of it.
    let mut limits = [T::ZERO; ROWS];
    let mut needed = [(usize::MAX, 0); ROWS];
    let mut nodes = task.nodes;
    while let Some(&first) = nodes.first() {
        let (y, x) = place(first);
        let end = first + (nx - x) as i64;
        let most = nodes.len().min(nx - x);
        let (these, later) = nodes.split_at(nodes[..most].partition_point(|&node| node < end));
        let words = block.background.row(block.background.index(z, task.first + y));
        let reach = widest(words, nx);
        limits[y] = reach.map_or(T::INFINITY, |steps| of_x[steps]);
        let reach = reach.unwrap_or(nx);
        let last = place(these[these.len() - 1]).1;
        needed[y] = (x.saturating_sub(reach) / LANES, (last + reach).min(nx - 1) / LANES + 1);
        nodes = later;
    }
    for strip in 0..nx.div_ceil(LANES) {
        let (lanes, blocks) = slab.strip(task.plane, strip);
        for (y, &(from, to)) in needed.iter().enumerate() {
            if (from..to).contains(&strip) {
                let lowest = along_second(lanes, blocks, task.first + y, of_y, limits[y]);
                smallest[y * strips + strip] = lowest.iter().fold(T::INFINITY, |least, &lane| least.or_less(lane));
                rows[y * length + strip * LANES..][..LANES].copy_from_slice(&lowest);
            }
        }
    }
    let mut at = 0;
    while at < task.nodes.len() {
        let (y, x) = place(task.nodes[at]);
        let end = task.nodes[at] + (nx - x) as i64;
        row[length..2 * length].copy_from_slice(&rows[y * length..][..length]);
        while at < task.nodes.len() && task.nodes[at] < end {
            let start = place(task.nodes[at]).1 / LANES * LANES;
            let first_of_row = end - nx as i64;
            let mut count = 0;
            let mut wanted = 0_u32;
            while let Some(&node) = task.nodes.get(at + count).filter(|&&node| node < end) {
                let lane = (node - first_of_row) as usize - start;
                if lane >= LANES {
                    break;
                }
                wanted |= 1 << lane;
                count += 1;
            }
            let lowest =
                along_last([of_x, &block.around], row, &smallest[y * strips..][..strips], start, wanted, limits[y]);
            for (radius, &node) in task.radii[at..at + count].iter_mut().zip(&task.nodes[at..at + count]) {
                let lane = (node - first_of_row) as usize - start;
                *radius = radius.min(lowest[lane].into());
            }
            at += count;
        }
    }
}
