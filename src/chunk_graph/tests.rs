//! Merged blocks against the whole image, and each rule broken on purpose.

use super::rules::{BROKEN, Rule};
use super::settle::Parts;
use super::*;
use crate::support::errors::Result;
use crate::support::random::Random;
use crate::support::threads::Monitor;

struct Image {
    shape: Vec<usize>,
    values: Vec<u64>,
    geometry: Geometry,
}

impl Image {
    fn random(random: &mut Random) -> Self {
        let ndim = 1 + random.below(4);
        let longest = [40, 12, 7, 4][ndim - 1];
        let shape: Vec<usize> = (0..ndim).map(|_| 1 + random.below(longest)).collect();
        let spacing: Vec<f64> = match random.below(3) {
            0 => vec![1.0; ndim],
            1 => (0..ndim).map(|axis| 1.0 + axis as f64).collect(),
            _ => (0..ndim).map(|_| 0.1 * (1 + random.below(20)) as f64).collect(),
        };
        let kind = [
            Values::Absent,
            Values::Numbers,
            Values::Heights(crate::graph::heights::HeightType::Double),
            Values::Labels,
        ][random.below(4)];
        let density = 1 + random.below(9);
        let values = (0..shape.iter().product())
            .map(|_| {
                let value = (1 + random.below(if kind == Values::Labels { 2 } else { 1000 })) as f64 * 0.001;
                if random.below(12) < density { value.to_bits() } else { 0 }
            })
            .collect();
        let geometry = Geometry::new(&shape, &spacing, kind).unwrap();
        Self { shape, values, geometry }
    }

    fn block(&self, offset: &[usize], shape: &[usize]) -> ChunkGraph {
        let mut nodes = Vec::new();
        let mut values = Vec::new();
        for (at, position) in ndarray::indices(ndarray::IxDyn(shape)).into_iter().enumerate() {
            let position = ndarray::Dimension::slice(&position);
            let index: usize =
                position.iter().zip(offset).zip(self.geometry.strides()).map(|((x, o), stride)| (x + o) * stride).sum();
            if self.values[index] != 0 {
                nodes.push(at as i64);
                values.push(self.values[index]);
            }
        }
        let values = if self.geometry.has_values() { values } else { Vec::new() };
        let block = Block { shape, offset, nodes: &nodes, values: &values };
        ChunkGraph::from_block(block, self.geometry.clone(), &Monitor::new()).unwrap()
    }

    fn whole(&self) -> ChunkGraph {
        self.block(&vec![0; self.shape.len()], &self.shape)
    }

    /// Blocks between random cuts along each axis.
    fn blocks(&self, random: &mut Random) -> Vec<ChunkGraph> {
        let mut boxes = vec![(Vec::new(), Vec::new())];
        for &length in &self.shape {
            let mut cuts: Vec<usize> = (0..random.below(4)).map(|_| random.below(length + 1)).collect();
            cuts.extend([0, length]);
            cuts.sort_unstable();
            cuts.dedup();
            boxes = boxes
                .iter()
                .flat_map(|(offset, shape)| {
                    let grown = |list: &Vec<usize>, next: usize| list.iter().copied().chain([next]).collect::<Vec<_>>();
                    cuts.windows(2).map(move |cut| (grown(offset, cut[0]), grown(shape, cut[1] - cut[0])))
                })
                .collect();
        }
        boxes.iter().map(|(offset, shape)| self.block(offset, shape)).collect()
    }
}

/// Merges random handfuls until one is left; each travels as bytes now and then.
fn merge_at_random(mut graphs: Vec<ChunkGraph>, random: &mut Random) -> Result<ChunkGraph> {
    while graphs.len() > 1 {
        let handful = 2 + random.below(4);
        let mut picked = Vec::new();
        for _ in 0..handful.min(graphs.len()) {
            picked.push(graphs.swap_remove(random.below(graphs.len())));
        }
        let mut merged = ChunkGraph::merge(&picked.iter().collect::<Vec<_>>(), &Monitor::new())?;
        check_invariants(&merged);
        if random.below(3) == 0 {
            merged = ChunkGraph::from_bytes(&merged.to_bytes()?)?;
        }
        graphs.push(merged);
    }
    Ok(graphs.remove(0))
}

fn check_invariants(graph: &ChunkGraph) {
    if BROKEN.get().is_some() {
        return;
    }
    let Parts { live, waiting, chains, .. } = &graph.parts;
    let waits = |voxel: usize| waiting.iter().any(|edge| edge.ends.contains(&(voxel as u32)));
    assert!((0..live.len()).all(|voxel| live.missing[voxel] != 0 || waits(voxel)));
    assert!(chains.ends.iter().all(|ends| ends.iter().any(|end| matches!(end, live::End::Open(_)))));
    let bytes = graph.to_bytes().unwrap();
    assert_eq!(ChunkGraph::from_bytes(&bytes).unwrap().to_bytes().unwrap(), bytes);
}

fn text(graph: &ChunkGraph) -> Result<String> {
    Ok(format!("{:?}", graph.table(0..graph.finished(), &Monitor::new())?))
}

/// Whether merged blocks of image number `seed` give the table of the whole.
fn agrees(seed: u64) -> bool {
    let mut random = Random(seed);
    let image = Image::random(&mut random);
    let broken = BROKEN.replace(None);
    let expected = text(&image.whole()).unwrap();
    BROKEN.set(broken);
    let blocks = image.blocks(&mut random);
    merge_at_random(blocks, &mut random).and_then(|merged| text(&merged)).is_ok_and(|table| table == expected)
}

#[test]
fn merged_blocks_give_the_table_of_the_whole() {
    for seed in 0..1500 {
        assert!(agrees(seed), "seed {seed}");
    }
}

#[test]
fn a_broken_rule_is_noticed() {
    use Rule::*;
    let rules = [
        RanksGain,
        MissingNeighboursWait,
        ImageEnds,
        CoveredIsBackground,
        UnknownEdgesWait,
        TerminalsWait,
        MaximumWaits,
        WaitingEdgesAreTerminals,
        TiesInOrder,
        ClustersStay,
        SmallestVoxel,
        SecondVoxelOrders,
        AddedFromSource,
        IsolatedCount,
    ];
    for rule in rules {
        BROKEN.set(Some(rule));
        let noticed = (0..1500).find(|&seed| !agrees(seed));
        BROKEN.set(None);
        assert!(noticed.is_some(), "{rule:?}");
    }
}

#[test]
fn damaged_bytes_are_refused_or_harmless() {
    let mut random = Random(5);
    for seed in 0..40 {
        let mut of_image = Random(seed);
        let image = Image::random(&mut of_image);
        let blocks = image.blocks(&mut of_image);
        let bytes = blocks[0].to_bytes().unwrap();
        for cut in 0..bytes.len() {
            assert!(ChunkGraph::from_bytes(&bytes[..cut]).is_err());
        }
        for _ in 0..300 {
            let mut changed = bytes.clone();
            let at = random.below(bytes.len());
            changed[at] ^= 1 << random.below(8);
            if let Ok(graph) = ChunkGraph::from_bytes(&changed) {
                let parts: Vec<&ChunkGraph> = [&graph].into_iter().chain(&blocks[1..]).collect();
                if let Ok(merged) = ChunkGraph::merge(&parts, &Monitor::new()) {
                    let _ = text(&merged);
                }
            }
        }
    }
}

#[test]
fn names_a_missing_box_and_an_overlap() {
    let image = Image {
        shape: vec![4, 6, 8],
        values: vec![1; 192],
        geometry: Geometry::new(&[4, 6, 8], &[1.0; 3], Values::Absent).unwrap(),
    };
    let block = |offset: [usize; 3], shape: [usize; 3]| image.block(&offset, &shape);
    let parts = [block([0, 0, 0], [4, 6, 3]), block([0, 0, 3], [4, 2, 5]), block([0, 5, 3], [4, 1, 5])];
    let merged = ChunkGraph::merge(&parts.iter().collect::<Vec<_>>(), &Monitor::new()).unwrap();
    assert_eq!(merged.missing_box().unwrap(), Some([vec![0, 2, 3], vec![4, 3, 5]]));
    let again = block([1, 1, 1], [1, 1, 1]);
    let error = ChunkGraph::merge(&[&merged, &again], &Monitor::new()).unwrap_err().to_string();
    assert!(error.contains("item 1, at offset [1, 1, 1] of shape [1, 1, 1]"), "{error}");
    assert!(merged.table(0..0, &Monitor::new()).is_err());
}

/// The branches of an image of one label alone, without what counts voxels and components of the whole.
fn branches_of(image: &Image, label: u64) -> Vec<String> {
    let kind = Values::Absent;
    let geometry = Geometry::new(&image.shape, image.geometry.spacing(), kind).unwrap();
    let values = image.values.iter().map(|&value| if value == label { value } else { 0 }).collect();
    let alone = Image { shape: image.shape.clone(), values, geometry }.whole();
    let table = alone.table(0..alone.finished(), &Monitor::new()).unwrap();
    (0..table.lengths.len()).map(|row| text_of_row(&table, row)).collect()
}

fn text_of_row(table: &Table, row: usize) -> String {
    let [one, other] = [0, 1].map(|end| (table.indices[end][row], table.is_tip[end][row]));
    format!("{one:?} {other:?} {:?}", table.lengths[row])
}

#[test]
fn merged_blocks_of_labels_have_the_branches_of_each() {
    let (mut images, mut touching) = (0, 0);
    for seed in 0..1500 {
        let mut random = Random(seed);
        let image = Image::random(&mut random);
        if image.geometry.values() != Values::Labels {
            continue;
        }
        let blocks = image.blocks(&mut random);
        let merged = merge_at_random(blocks, &mut random).unwrap();
        let table = merged.table(0..merged.finished(), &Monitor::new()).unwrap();
        let mut labels: Vec<u64> = image.values.iter().copied().filter(|&value| value > 0).collect();
        labels.sort_unstable();
        labels.dedup();
        let mut count = 0;
        for &label in &labels {
            let rows = (0..table.labels.len()).filter(|&row| table.labels[row] == label);
            let found: Vec<String> = rows.map(|row| text_of_row(&table, row)).collect();
            assert_eq!(found, branches_of(&image, label), "seed {seed}");
            count += found.len();
        }
        assert_eq!(count, table.labels.len());
        images += 1;
        touching += usize::from(labels.len() > 1);
    }
    assert!(images > 200 && touching > 150, "{images} {touching}");
}
