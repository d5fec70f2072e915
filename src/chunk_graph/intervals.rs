//! The covered region of an image: maximal intervals of linear indices, each with its number of foreground voxels.
//!
//! Intervals give voxels their ranks: the rank of a voxel in a union is its rank in its own part plus the foreground that the
//! other parts have before it. They also show where parts overlap and which voxels are missing. A block has one interval for
//! each of its rows. Where neighbouring blocks are merged, along the last axis first, intervals join and become few.
//!
//! A stored interval takes one or two bytes: its count, and its distance and length where they differ from the previous one.
//!
//! Cost: linear in the intervals; for a union times the logarithm of the number of parts where these alternate within rows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::bytes::{Reader, Writer};
use crate::support::allocate::{Grow, try_collect, try_filled, try_push_to_heap, try_with_capacity};
use crate::support::errors::{Error, Result};

/// What the buffers are for.
pub(super) const INTERVALS: &str = "the intervals that a chunk graph covers";

/// A stretch of the linear index and how many foreground voxels it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Interval {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) count: u64,
}

/// Ascending intervals with gaps between them, packed.
#[derive(Debug, Default)]
pub(super) struct Intervals {
    pub(super) packed: Vec<u8>,
    pub(super) count: usize,
}

impl Intervals {
    /// Packs intervals in ascending order; neighbours that touch become one.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub(super) fn pack(intervals: impl IntoIterator<Item = Interval>) -> Result<Self> {
        let mut packer = Packer::default();
        for interval in intervals {
            packer.put(interval);
        }
        packer.finish()
    }

    /// The intervals in order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the bytes are not those of intervals below `size`; [`Error::OutOfMemory`].
    pub(super) fn unpack(&self, size: u64) -> Result<Vec<Interval>> {
        let mut unpacker = Unpacker::new(self, size);
        let mut intervals = try_with_capacity(INTERVALS, self.count)?;
        while let Some(interval) = unpacker.take()? {
            intervals.try_push(INTERVALS, interval)?;
        }
        Ok(intervals)
    }
}

/// Packs intervals one by one.
#[derive(Default)]
struct Packer {
    writer: Writer,
    count: usize,
    gap: u64,
    length: u64,
    end: u64,
    last: Option<Interval>,
}

impl Packer {
    #[inline]
    fn put(&mut self, interval: Interval) {
        if interval.start == interval.end {
            return;
        }
        match &mut self.last {
            Some(last) if last.end == interval.start => {
                last.end = interval.end;
                last.count += interval.count;
            }
            _ => {
                self.flush();
                self.last = Some(interval);
            }
        }
    }

    fn flush(&mut self) {
        let Some(interval) = self.last.take() else { return };
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

    fn finish(mut self) -> Result<Intervals> {
        self.flush();
        Ok(Intervals { packed: self.writer.finish()?, count: self.count })
    }
}

/// Unpacks intervals one by one.
struct Unpacker<'a> {
    reader: Reader<'a>,
    left: usize,
    gap: u64,
    length: u64,
    end: u64,
    is_first: bool,
    size: u64,
}

impl<'a> Unpacker<'a> {
    fn new(intervals: &'a Intervals, size: u64) -> Self {
        let reader = Reader::new(&intervals.packed);
        Self { reader, left: intervals.count, gap: 0, length: 0, end: 0, is_first: true, size }
    }

    /// The next interval, if there is one; an error if the bytes make no sense.
    #[inline]
    fn take(&mut self) -> Result<Option<Interval>> {
        let Some(left) = self.left.checked_sub(1) else {
            self.reader.end()?;
            return Ok(None);
        };
        self.left = left;
        let token = self.reader.number()?;
        if token & 1 == 1 {
            (self.gap, self.length) = (self.reader.number()?, self.reader.number()?);
        }
        let start = self.end.checked_add(self.gap);
        let end = start.and_then(|start| start.checked_add(self.length));
        let (Some(start), Some(end)) = (start, end) else { return Err(Reader::damaged()) };
        let touches = self.gap == 0 && !self.is_first;
        if touches || self.length == 0 || end > self.size || token >> 1 > self.length {
            return Err(Reader::damaged());
        }
        (self.end, self.is_first) = (end, false);
        Ok(Some(Interval { start, end, count: token >> 1 }))
    }
}

/// Several parts as one.
pub(super) struct Union {
    pub(super) whole: Intervals,
    pub(super) intervals: Vec<Interval>,
    pub(super) parts: Vec<Shifts>,
}

/// What the ranks of a part gain by a union, interval by interval.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shifts {
    starts: Vec<u64>,
    gains: Vec<u64>,
}

impl Shifts {
    /// How many foreground voxels the other parts have before a voxel of this part.
    #[must_use]
    pub fn gain(&self, index: u64) -> u64 {
        let after = self.starts.partition_point(|&start| start <= index);
        if after == 0 { 0 } else { self.gains[after - 1] }
    }

    /// The shifts as bytes, two or three for each.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut writer = Writer::default();
        writer.number(self.starts.len() as u64);
        let (mut start, mut gain) = (0, 0);
        for (&next_start, &next_gain) in self.starts.iter().zip(&self.gains) {
            writer.difference(start, next_start);
            writer.difference(gain, next_gain);
            (start, gain) = (next_start, next_gain);
        }
        writer.finish()
    }

    /// The shifts that [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the bytes are damaged; [`Error::OutOfMemory`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let count = reader.count(2)?;
        let mut shifts =
            Self { starts: try_with_capacity(INTERVALS, count)?, gains: try_with_capacity(INTERVALS, count)? };
        let (mut start, mut gain) = (0, 0);
        for _ in 0..count {
            (start, gain) = (reader.difference(start)?, reader.difference(gain)?);
            shifts.starts.push(start);
            shifts.gains.push(gain);
        }
        reader.end()?;
        Ok(shifts)
    }
}

/// Two parts that both have a voxel.
pub(super) struct Overlap {
    pub(super) parts: [usize; 2],
    pub(super) voxel: u64,
}

/// Why there is no union.
pub(super) enum NoUnion {
    Overlap(Overlap),
    Damaged(Error),
}

impl From<Error> for NoUnion {
    fn from(error: Error) -> Self {
        Self::Damaged(error)
    }
}

impl Union {
    /// Joins parts of an image of `size` voxels.
    pub(super) fn new(parts: &[&Intervals], size: u64) -> std::result::Result<Self, NoUnion> {
        match Self::in_order(parts, size, true) {
            // In the order of their starts, the part before an overlap is the other one.
            Err(NoUnion::Overlap(_)) => Self::in_order(parts, size, false),
            union => union,
        }
    }

    /// Takes the intervals by their starts. With `follow`, if the part that came after a part the last time goes on where this
    /// one ends, then it is the next again, and none needs to be searched for: blocks beside each other alternate row by row.
    fn in_order(parts: &[&Intervals], size: u64, follow: bool) -> std::result::Result<Self, NoUnion> {
        let mut unpackers = try_collect(INTERVALS, parts.iter().map(|part| Unpacker::new(part, size)))?;
        let mut shifts = try_collect(INTERVALS, parts.iter().map(|_| Shifts::default()))?;
        let mut own = try_filled(INTERVALS, parts.len(), 0)?;
        let mut follower = try_filled(INTERVALS, parts.len(), 0)?;
        let mut next = try_with_capacity(INTERVALS, parts.len())?;
        // Parts by the start of an interval that is their next one, or was.
        let mut waiting = BinaryHeap::new();
        for (part, unpacker) in unpackers.iter_mut().enumerate() {
            let interval = unpacker.take()?;
            if let Some(interval) = interval {
                try_push_to_heap(INTERVALS, &mut waiting, Reverse((interval.start, part)))?;
            }
            next.push(interval);
        }
        let mut packer = Packer::default();
        let mut intervals: Vec<Interval> = Vec::new();
        let (mut before, mut end) = (0, 0);
        let mut last: Option<usize> = None;
        loop {
            let expected = last
                .map(|last| follower[last])
                .filter(|&part| follow && next[part].is_some_and(|interval: Interval| interval.start == end));
            let Some(part) = expected.or_else(|| first_of(&mut waiting, &next)) else { break };
            let Some(interval) = next[part] else { break };
            if let Some(last) = last {
                follower[last] = part;
            }
            match intervals.last_mut() {
                Some(joined) if joined.end > interval.start => {
                    let mut both = [last.unwrap_or(part), part];
                    both.sort_unstable();
                    return Err(NoUnion::Overlap(Overlap { parts: both, voxel: interval.start }));
                }
                Some(joined) if joined.end == interval.start => joined.end = interval.end,
                _ => intervals.try_push(INTERVALS, interval)?,
            }
            packer.put(interval);
            let gain = before - own[part];
            if shifts[part].gains.last() != Some(&gain) {
                shifts[part].starts.try_push(INTERVALS, interval.start)?;
                shifts[part].gains.try_push(INTERVALS, gain)?;
            }
            before += interval.count;
            own[part] += interval.count;
            (last, end) = (Some(part), interval.end);
            next[part] = unpackers[part].take()?;
        }
        Ok(Self { whole: packer.finish()?, intervals, parts: shifts })
    }

    /// How many foreground voxels the other parts have before a voxel of this part.
    pub(super) fn gain(&self, part: usize, index: u64) -> u64 {
        self.parts[part].gain(index)
    }

    /// Whether a voxel lies in one of the parts.
    pub(super) fn covers(&self, index: u64) -> bool {
        covers(&self.intervals, index)
    }
}

/// The part whose next interval starts first.
fn first_of(waiting: &mut BinaryHeap<Reverse<(u64, usize)>>, next: &[Option<Interval>]) -> Option<usize> {
    loop {
        let mut first = waiting.peek_mut()?;
        let Reverse((start, part)) = *first;
        match next[part] {
            Some(interval) if interval.start == start => return Some(part),
            // What was taken since; starts only grow.
            Some(interval) => *first = Reverse((interval.start, part)),
            None => {
                PeekMut::pop(first);
            }
        }
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
    for axis in (0..shape.len()).rev() {
        let stride = strides[axis] as u64;
        let inner: Vec<(u64, u64)> =
            (axis + 1..shape.len()).map(|inner| (extent[inner] as u64, strides[inner] as u64)).collect();
        // From the first voxel of a layer across this axis to its last.
        let span = 1 + inner.iter().map(|(length, stride)| (length - 1) * stride).sum::<u64>();
        while offset[axis] + extent[axis] < shape[axis] {
            let left = (shape[axis] - offset[axis] - extent[axis]) as u64;
            let layer = first + extent[axis] as u64 * stride;
            let rest = &intervals[intervals.partition_point(|interval| interval.end <= layer)..];
            let within = rest.partition_point(|interval| interval.start < layer + span);
            if rest[..within].iter().any(|interval| touches_box(interval, layer, &inner)) {
                break;
            }
            // All layers before the next interval are free too: an image may be longer than anyone can count.
            let free = rest.get(within).map_or(left, |next| (next.start - span - layer) / stride + 1);
            extent[axis] += free.min(left) as usize;
        }
    }
    Some([offset, extent])
}

/// Whether an interval has a voxel of the box that begins at `first`, whose axes have these lengths and strides.
fn touches_box(interval: &Interval, first: u64, axes: &[(u64, u64)]) -> bool {
    // The first voxel of the box that does not come before the interval.
    let mut next = first;
    let mut left = interval.start.saturating_sub(first);
    // Where the box goes on should an inner axis be at its end.
    let mut carried = None;
    for &(length, stride) in axes {
        let at = left / stride;
        if at >= length {
            return carried.is_some_and(|next| next < interval.end);
        }
        next += at * stride;
        left -= at * stride;
        if at + 1 < length {
            carried = Some(next + stride);
        }
    }
    if left > 0 { carried.is_some_and(|next| next < interval.end) } else { next < interval.end }
}

impl Overlap {
    /// The error that names both parts.
    pub(super) fn error(&self, describe: impl Fn(usize) -> String, coordinates: &[usize]) -> Error {
        let [one, other] = self.parts;
        let reason = format!(
            "expected parts that share no voxel, got item {other}, {}, which overlaps item {one}, {}, at voxel {coordinates:?}",
            describe(other),
            describe(one)
        );
        Error::InvalidArgument { name: "chunk_graphs", reason }
    }
}
