//! Serialization of chunk graphs, for pickles.
//!
//! Indices ascend, so their differences are written. A finished branch takes about 25 bytes, an open path one byte per step.
//! Reading validates the structure: truncated or changed bytes and other versions are errors. A graph that passes can be merged
//! without a panic, though changed numbers may go unnoticed.

use super::bytes::{Reader, Writer};
use super::geometry::{Geometry, Values};
use super::graph::ChunkGraph;
use super::intervals::Intervals;
use super::live::{Chains, Edge, End, Live};
use super::rows::{BranchRows, IS_CYCLE, SOURCE_IS_TIP, Statistics, TARGET_IS_TIP, Terminal};
use super::settle::Parts;
use crate::graph::heights::HeightType;
use crate::support::allocate::{Grow, try_with_capacity};
use crate::support::errors::{Error, Result};

const MAGIC: &[u8] = b"skanrs chunk graph";
const VERSION: u8 = 1;

/// What the buffers are for.
const GRAPH: &str = "a chunk graph";

const KINDS: [Values; 8] = [
    Values::Absent,
    Values::Numbers,
    Values::Heights(HeightType::Half),
    Values::Heights(HeightType::Single),
    Values::Heights(HeightType::Double),
    Values::Heights(HeightType::Signed),
    Values::Heights(HeightType::Unsigned),
    Values::Labels,
];

impl ChunkGraph {
    /// The graph as bytes.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut writer = Writer::default();
        writer.slice(MAGIC);
        writer.byte(VERSION);
        write_geometry(&mut writer, &self.geometry);
        for corner in [&self.start, &self.end] {
            for &at in corner {
                writer.number(at as u64);
            }
        }
        writer.number(self.covered.count as u64);
        writer.number(self.covered.packed.len() as u64);
        writer.slice(&self.covered.packed);
        write_live(&mut writer, &self.parts.live);
        writer.number(self.parts.waiting.len() as u64);
        for edge in &self.parts.waiting {
            writer.number(u64::from(edge.ends[0]));
            writer.number(u64::from(edge.ends[1]));
            writer.byte(edge.direction);
        }
        write_chains(&mut writer, &self.parts.chains);
        write_rows(&mut writer, &self.parts.rows);
        writer.number(self.parts.isolated.len() as u64);
        let mut last = 0;
        for &index in &self.parts.isolated {
            writer.difference(last, index);
            last = index;
        }
        writer.finish()
    }

    /// The graph that [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the bytes are not those of a chunk graph of this version; [`Error::OutOfMemory`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        if reader.slice(MAGIC.len())? != MAGIC {
            return Err(Reader::damaged());
        }
        let version = reader.byte()?;
        if version != VERSION {
            let reason = format!("expected version {VERSION} of a chunk graph, got version {version}");
            return Err(Error::InvalidArgument { name: "buffer", reason });
        }
        let geometry = read_geometry(&mut reader)?;
        let [start, end] = [read_corner(&mut reader, &geometry)?, read_corner(&mut reader, &geometry)?];
        ensure(start.iter().zip(&end).all(|(start, end)| start <= end))?;
        let count = reader.count(1)?;
        let length = reader.count(1)?;
        let covered = Intervals { packed: reader.copy(length)?, count };
        covered.unpack(geometry.voxels())?;
        let live = read_live(&mut reader, &geometry)?;
        let waiting = read_edges(&mut reader, &live, &geometry)?;
        let chains = read_chains(&mut reader, &live, &geometry)?;
        let rows = read_rows(&mut reader, &geometry)?;
        let isolated = read_isolated(&mut reader, &geometry)?;
        reader.end()?;
        Ok(Self { geometry, start, end, covered, parts: Parts { live, waiting, chains, rows, isolated } })
    }
}

fn ensure(right: bool) -> Result<()> {
    if right { Ok(()) } else { Err(Reader::damaged()) }
}

fn write_geometry(writer: &mut Writer, geometry: &Geometry) {
    writer.byte(geometry.shape().len() as u8);
    for (&length, &spacing) in geometry.shape().iter().zip(geometry.spacing()) {
        writer.number(length as u64);
        writer.double(spacing);
    }
    let kind = KINDS.iter().position(|&kind| kind == geometry.values()).expect("all kinds are listed");
    writer.byte(kind as u8);
}

fn read_geometry(reader: &mut Reader<'_>) -> Result<Geometry> {
    let ndim = usize::from(reader.byte()?);
    ensure(ndim <= Geometry::LARGEST_DIMENSION)?;
    let (mut shape, mut spacing) = (Vec::new(), Vec::new());
    for _ in 0..ndim {
        shape.push(usize::try_from(reader.number()?).map_err(|_| Reader::damaged())?);
        spacing.push(reader.double()?);
    }
    let kind = *KINDS.get(usize::from(reader.byte()?)).ok_or_else(Reader::damaged)?;
    Geometry::new(&shape, &spacing, kind).map_err(|_| Reader::damaged())
}

fn read_corner(reader: &mut Reader<'_>, geometry: &Geometry) -> Result<Vec<usize>> {
    let corner: Vec<usize> = geometry.shape().iter().map(|_| Ok(reader.number()? as usize)).collect::<Result<_>>()?;
    ensure(corner.iter().zip(geometry.shape()).all(|(at, length)| at <= length))?;
    Ok(corner)
}

/// A linear index or a rank, which is one too.
fn read_index(reader: &mut Reader<'_>, from: u64, geometry: &Geometry) -> Result<u64> {
    let index = reader.difference(from)?;
    ensure(index < geometry.voxels())?;
    Ok(index)
}

fn read_values(reader: &mut Reader<'_>, count: usize) -> Result<Vec<u64>> {
    let mut values = try_with_capacity(GRAPH, count.min(reader.left() / 8))?;
    for _ in 0..count {
        values.try_push(GRAPH, reader.bits()?)?;
    }
    Ok(values)
}

fn write_live(writer: &mut Writer, live: &Live) {
    writer.number(live.len() as u64);
    let (mut index, mut rank) = (0, 0);
    for voxel in 0..live.len() {
        writer.difference(index, live.index[voxel]);
        writer.difference(rank, live.rank[voxel]);
        (index, rank) = (live.index[voxel], live.rank[voxel]);
        writer.wide(live.missing[voxel]);
        writer.byte(live.degree[voxel]);
        writer.number(voxel as u64 - u64::from(live.cluster[voxel]));
    }
    for &value in &live.value {
        writer.bits(value);
    }
}

fn read_live(reader: &mut Reader<'_>, geometry: &Geometry) -> Result<Live> {
    let count = reader.count(6)?;
    ensure(u32::try_from(count).is_ok())?;
    let mut live = Live::with_capacity(count, false)?;
    let (mut index, mut rank) = (0, 0);
    for voxel in 0..count {
        let next = read_index(reader, index, geometry)?;
        ensure(voxel == 0 || next > index)?;
        index = next;
        rank = read_index(reader, rank, geometry)?;
        let missing = reader.wide()?;
        let degree = reader.byte()?;
        ensure(missing >> geometry.directions() == 0 && missing >> (geometry.directions() / 2) & 1 == 0)?;
        ensure(missing.count_ones() as usize + usize::from(degree) < geometry.directions())?;
        let cluster = (voxel as u64).checked_sub(reader.number()?).ok_or_else(Reader::damaged)? as usize;
        ensure(cluster == voxel || live.cluster[cluster] as usize == cluster)?;
        live.index.push(index);
        live.rank.push(rank);
        live.missing.push(missing);
        live.degree.push(degree);
        live.cluster.push(cluster as u32);
    }
    if geometry.has_values() {
        live.value = read_values(reader, count)?;
    }
    Ok(live)
}

fn read_edges(reader: &mut Reader<'_>, live: &Live, geometry: &Geometry) -> Result<Vec<Edge>> {
    let count = reader.count(3)?;
    let mut edges = try_with_capacity(GRAPH, count)?;
    for _ in 0..count {
        let ends = [reader.number()?, reader.number()?];
        let direction = reader.byte()?;
        ensure(ends[0] < ends[1] && (ends[1] as usize) < live.len() && geometry.is_direction(direction))?;
        let [one, other] = ends.map(|end| live.index[end as usize]);
        ensure(geometry.neighbour(one, direction) == other)?;
        edges.push(Edge { ends: ends.map(|end| end as u32), direction });
    }
    Ok(edges)
}

fn write_chains(writer: &mut Writer, chains: &Chains) {
    writer.number(chains.len() as u64);
    for chain in 0..chains.len() {
        for end in chains.ends[chain] {
            match end {
                End::Open(voxel) => {
                    writer.byte(0);
                    writer.number(u64::from(voxel));
                }
                End::Done(end) => {
                    writer.byte(1 + u8::from(end.is_tip));
                    writer.difference(0, end.index);
                    writer.difference(0, end.rank);
                    if !chains.values.is_empty() || end.value != 0 {
                        writer.byte(1);
                        writer.bits(end.value);
                    } else {
                        writer.byte(0);
                    }
                }
            }
        }
        let directions = chains.directions(chain);
        writer.number(directions.len() as u64);
        writer.slice(directions);
        if directions.len() > 1 {
            let (index, rank) = chains.smallest[chain];
            writer.number(index);
            writer.number(rank);
        }
    }
    for &value in &chains.values {
        writer.bits(value);
    }
}

fn read_chains(reader: &mut Reader<'_>, live: &Live, geometry: &Geometry) -> Result<Chains> {
    let count = reader.count(6)?;
    let mut chains = Chains::default();
    for _ in 0..count {
        let mut places = [0; 2];
        let mut ends = [End::Open(0); 2];
        for (end, place) in ends.iter_mut().zip(&mut places) {
            let tag = reader.byte()?;
            if tag == 0 {
                let voxel = reader.number()? as usize;
                ensure(voxel < live.len())?;
                *place = live.index[voxel];
                *end = End::Open(voxel as u32);
            } else {
                ensure(tag <= 2)?;
                let [index, rank] = [read_index(reader, 0, geometry)?, read_index(reader, 0, geometry)?];
                let value = if reader.byte()? == 1 { reader.bits()? } else { 0 };
                *place = index;
                *end = End::Done(Terminal { index, rank, value, is_tip: tag == 2 });
            }
        }
        let steps = reader.count(1)?;
        let directions = reader.slice(steps)?;
        ensure(!directions.is_empty() && directions.iter().all(|&direction| geometry.is_direction(direction)))?;
        let mut here = places[0];
        for &direction in directions {
            here = geometry.neighbour(here, direction);
            ensure(here < geometry.voxels())?;
        }
        ensure(here == places[1])?;
        let smallest = if steps > 1 {
            let [index, rank] = [reader.number()?, reader.number()?];
            ensure(index < geometry.voxels() && rank < geometry.voxels())?;
            (index, rank)
        } else {
            Chains::NO_INTERIOR
        };
        chains.push(ends, smallest, directions, &[])?;
    }
    if geometry.has_values() {
        let values = chains.directions.len() - chains.len();
        chains.values = read_values(reader, values)?;
    }
    Ok(chains)
}

fn write_rows(writer: &mut Writer, rows: &BranchRows) {
    writer.number(rows.len() as u64);
    let (mut index, mut rank) = (0, 0);
    for row in 0..rows.len() {
        let ([source, target], [source_rank, target_rank]) = (rows.ends[row], rows.ranks[row]);
        writer.difference(index, source);
        writer.difference(source, target);
        writer.difference(source, rows.smallest[row]);
        writer.difference(rank, source_rank);
        writer.difference(source_rank, target_rank);
        (index, rank) = (source, source_rank);
        writer.byte(rows.first[row]);
        writer.byte(rows.flags[row]);
        writer.double(rows.lengths[row]);
    }
    for &label in &rows.labels {
        writer.bits(label);
    }
    for of in &rows.statistics {
        writer.number(of.voxels);
        for number in [of.sum, of.squares, of.ends[0], of.ends[1]] {
            writer.double(number);
        }
    }
}

fn read_rows(reader: &mut Reader<'_>, geometry: &Geometry) -> Result<BranchRows> {
    let count = reader.count(15)?;
    let mut rows = BranchRows::with_capacity(count, geometry)?;
    let (mut index, mut rank) = (0, 0);
    for _ in 0..count {
        let source = read_index(reader, index, geometry)?;
        let target = read_index(reader, source, geometry)?;
        rows.ends.push([source, target]);
        rows.smallest.push(read_index(reader, source, geometry)?);
        let source_rank = read_index(reader, rank, geometry)?;
        rows.ranks.push([source_rank, read_index(reader, source_rank, geometry)?]);
        (index, rank) = (source, source_rank);
        let (first, flags) = (reader.byte()?, reader.byte()?);
        ensure(geometry.is_direction(first) && flags <= SOURCE_IS_TIP | TARGET_IS_TIP | IS_CYCLE)?;
        rows.first.push(first);
        rows.flags.push(flags);
        rows.lengths.push(reader.double()?);
    }
    if geometry.has_labels() {
        rows.labels = read_values(reader, count)?;
    }
    if geometry.has_statistics() {
        for _ in 0..count {
            let voxels = reader.number()?;
            let [sum, squares, one, other] = [reader.double()?, reader.double()?, reader.double()?, reader.double()?];
            rows.statistics.push(Statistics { voxels, sum, squares, ends: [one, other] });
        }
    }
    Ok(rows)
}

fn read_isolated(reader: &mut Reader<'_>, geometry: &Geometry) -> Result<Vec<u64>> {
    let count = reader.count(1)?;
    let mut isolated = try_with_capacity(GRAPH, count)?;
    let mut last = 0;
    for at in 0..count {
        let index = read_index(reader, last, geometry)?;
        ensure(at == 0 || index > last)?;
        last = index;
        isolated.push(index);
    }
    Ok(isolated)
}
