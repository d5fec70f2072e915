//! Which part of an image is known: maximal intervals of its linear index, each with its count of foreground.
//!
//! They give ids to voxels: the rank of a voxel in a union of parts is that in its own part plus the counts that the other
//! parts have before it. They show where parts overlap and what is missing. A block has an interval for each of its rows;
//! merged along the last axis first, then the one before, intervals join and soon are few.
//!
//! At rest an interval takes a byte or two: its count, and its distance and length where they differ from the last.
//!
//! Cost: linear in the intervals, and a sort of already sorted runs for a union.

use super::bytes::{Reader, Writer};
use crate::errors::{Error, Result};

/// A stretch of the linear index and how many foreground voxels it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) count: u64,
}

/// Ascending intervals with gaps between them, packed.
#[derive(Debug, Clone, Default)]
pub(super) struct Intervals {
    pub(super) packed: Vec<u8>,
    pub(super) count: usize,
}

impl Intervals {
    /// Packs intervals in ascending order; neighbours that touch become one.
    pub(super) fn pack(intervals: impl IntoIterator<Item = Interval>) -> Self {
        let mut packer = Packer::default();
        let mut last: Option<Interval> = None;
        for interval in intervals.into_iter().filter(|interval| interval.start < interval.end) {
            match &mut last {
                Some(last) if last.end == interval.start => {
                    last.end = interval.end;
                    last.count += interval.count;
                }
                last => {
                    if let Some(done) = last.replace(interval) {
                        packer.put(done);
                    }
                }
            }
        }
        if let Some(done) = last {
            packer.put(done);
        }
        Self { packed: packer.writer.finish(), count: packer.count }
    }

    /// The intervals in order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the bytes are not those of intervals below `size`.
    pub(super) fn unpack(&self, size: u64) -> Result<Vec<Interval>> {
        let mut reader = Reader::new(&self.packed);
        let (mut gap, mut length, mut end) = (0, 0, 0_u64);
        let mut intervals = Vec::new();
        for at in 0..self.count {
            let token = reader.number()?;
            if token & 1 == 1 {
                (gap, length) = (reader.number()?, reader.number()?);
            }
            let start = end.checked_add(gap);
            let interval_end = start.and_then(|start| start.checked_add(length));
            let (Some(start), Some(interval_end)) = (start, interval_end) else { return Err(Reader::damaged()) };
            let touches = gap == 0 && at > 0;
            if touches || length == 0 || interval_end > size || token >> 1 > length {
                return Err(Reader::damaged());
            }
            end = interval_end;
            intervals.push(Interval { start, end, count: token >> 1 });
        }
        reader.end()?;
        Ok(intervals)
    }
}

#[derive(Default)]
struct Packer {
    writer: Writer,
    count: usize,
    gap: u64,
    length: u64,
    end: u64,
}

impl Packer {
    fn put(&mut self, interval: Interval) {
        let (gap, length) = (interval.start - self.end, interval.end - interval.start);
        let same = self.count > 0 && (gap, length) == (self.gap, self.length);
        self.writer.number(interval.count << 1 | u64::from(!same));
        if !same {
            self.writer.number(gap);
            self.writer.number(length);
        }
        (self.gap, self.length, self.end) = (gap, length, interval.end);
        self.count += 1;
    }
}

/// Several parts as one.
pub(super) struct Union {
    pub(super) whole: Intervals,
    pub(super) intervals: Vec<Interval>,
    parts: Vec<Shifts>,
}

/// What the ranks of a part gain, interval by interval.
#[derive(Default)]
struct Shifts {
    starts: Vec<u64>,
    gains: Vec<u64>,
}

/// Two parts that both have a voxel.
pub(super) struct Overlap {
    pub(super) parts: [usize; 2],
    pub(super) voxel: u64,
}

impl Union {
    /// Joins parts, each ascending; the overlap if there is one.
    pub(super) fn new(parts: &[Vec<Interval>]) -> std::result::Result<Self, Overlap> {
        let pieces = parts.iter().enumerate().flat_map(|(part, intervals)| intervals.iter().map(move |at| (*at, part)));
        let mut all: Vec<(Interval, usize)> = pieces.collect();
        // Stable, because that sort finds the runs which are sorted already.
        all.sort_by_key(|(interval, _)| interval.start);
        if let Some(pair) = all.windows(2).find(|pair| pair[0].0.end > pair[1].0.start) {
            let mut both = [pair[0].1, pair[1].1];
            both.sort_unstable();
            return Err(Overlap { parts: both, voxel: pair[1].0.start });
        }
        let mut shifts: Vec<Shifts> = parts.iter().map(|_| Shifts::default()).collect();
        let mut own = vec![0; parts.len()];
        let mut before = 0;
        for (interval, part) in &all {
            let gain = before - own[*part];
            if shifts[*part].gains.last() != Some(&gain) {
                shifts[*part].starts.push(interval.start);
                shifts[*part].gains.push(gain);
            }
            before += interval.count;
            own[*part] += interval.count;
        }
        let whole = Intervals::pack(all.iter().map(|(interval, _)| *interval));
        let mut intervals: Vec<Interval> = Vec::with_capacity(whole.count);
        for (interval, _) in all {
            match intervals.last_mut() {
                Some(last) if last.end == interval.start => last.end = interval.end,
                _ => intervals.push(interval),
            }
        }
        Ok(Self { whole, intervals, parts: shifts })
    }

    /// How many foreground voxels the other parts have before a voxel of this part.
    pub(super) fn gain(&self, part: usize, index: u64) -> u64 {
        let shifts = &self.parts[part];
        let after = shifts.starts.partition_point(|&start| start <= index);
        if after == 0 { 0 } else { shifts.gains[after - 1] }
    }

    /// Whether a voxel lies in one of the parts.
    pub(super) fn covers(&self, index: u64) -> bool {
        covers(&self.intervals, index)
    }
}

/// Whether one of the intervals has a voxel.
fn covers(intervals: &[Interval], index: u64) -> bool {
    let after = intervals.partition_point(|interval| interval.start <= index);
    after > 0 && index < intervals[after - 1].end
}

/// A box that no interval touches, as offset and shape: the one that begins at the first voxel that is missing, grown along
/// the last axis first. `None` if nothing is missing.
pub(super) fn missing_box(intervals: &[Interval], shape: &[usize], strides: &[usize]) -> Option<[Vec<usize>; 2]> {
    let size = shape.iter().product::<usize>() as u64;
    let first = match intervals.first() {
        Some(interval) if interval.start == 0 => interval.end,
        _ => 0,
    };
    if first >= size {
        return None;
    }
    let offset: Vec<usize> =
        strides.iter().zip(shape).map(|(stride, length)| first as usize / stride % length).collect();
    let mut extent = vec![1; shape.len()];
    let free = |from: u64, length: u64| {
        let before = intervals.partition_point(|interval| interval.end <= from);
        intervals.get(before).is_none_or(|interval| interval.start >= from + length)
    };
    for axis in (0..shape.len()).rev() {
        while offset[axis] + extent[axis] < shape[axis] {
            // The next layer of the box along this axis, row by row.
            let layer = first + (extent[axis] * strides[axis]) as u64;
            let inner: usize = extent[axis + 1..].iter().product();
            let row = if axis + 1 < shape.len() { extent[shape.len() - 1] } else { 1 };
            let rows = inner / row;
            let all_free = (0..rows).all(|mut number| {
                let mut start = layer;
                for leading in (axis + 1..shape.len() - 1).rev() {
                    start += (number % extent[leading] * strides[leading]) as u64;
                    number /= extent[leading];
                }
                free(start, row as u64)
            });
            if !all_free {
                break;
            }
            extent[axis] += 1;
        }
    }
    Some([offset, extent])
}

impl Overlap {
    /// The error that names both parts.
    pub(super) fn error(&self, describe: impl Fn(usize) -> String, coordinates: &[usize]) -> Error {
        let [one, other] = self.parts;
        let reason = format!(
            "item {other}, {}, overlaps item {one}, {}, at voxel {coordinates:?}",
            describe(other),
            describe(one)
        );
        Error::InvalidArgument { name: "chunk_graphs", reason }
    }
}
