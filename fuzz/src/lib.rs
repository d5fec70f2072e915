//! What the fuzz targets do with bytes: an input is made of them, a kernel runs, and what it must give is compared.
//!
//! `tests/fuzz_corpus.rs` runs the same bodies on the committed corpus and on pseudo-random bytes, with any toolchain.

use ndarray::{Array3, s};
use skanrs::bit_image::BitImage;
use skanrs::chunk_graph::{Block, ChunkGraph, Geometry, Values};
use skanrs::csr::CsrView;
use skanrs::elements::Shared;
use skanrs::pruning::{Limits, prune};
use skanrs::radius::{Background, Place, Squares, position, squared_radii};
use skanrs::thinning::chunks::words::Frame;
use skanrs::thinning::chunks::{chunk_words, merge, thin_words, write_chunk};
use skanrs::thinning::nodes::thin_nodes;
use skanrs::thinning::{Method, thin};
use skanrs::threads::Monitor;

/// A target's body.
pub type Body = fn(&[u8]);

/// The bodies by the names of their targets.
pub const BODIES: [(&str, Body); 6] = [
    ("thinning", thinning),
    ("thinning_chunks", thinning_chunks),
    ("chunk_graph_bytes", chunk_graph_bytes),
    ("chunk_graph", chunk_graph),
    ("radius_and_pruning", radius_and_pruning),
    ("csr", csr),
];

/// Bytes that are taken one by one, zeros where they end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> usize {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(byte)
    }

    fn method(&mut self, planes: usize) -> Method {
        match self.next() % 3 {
            0 => Method::Lee,
            1 => Method::LeePreserving,
            _ if planes == 1 => Method::Zhang,
            _ => Method::Lee,
        }
    }

    fn shape(&mut self) -> [usize; 3] {
        let longest = [(1, 40, 70), (12, 12, 12), (3, 5, 130), (1, 1, 200)][self.next() % 4];
        [longest.0, longest.1, longest.2].map(|longest| 1 + self.next() % longest)
    }

    /// An image, a bit of the rest for each voxel, repeated with a shift.
    fn image(&mut self, shape: [usize; 3]) -> Array3<u8> {
        let bits = self.0;
        let bit = |at: usize| (bits[(at + at / (8 * bits.len())) / 8 % bits.len()] >> (at % 8)) & 1;
        let mut at = 0;
        Array3::from_shape_simple_fn(shape, || {
            at += 1;
            if bits.is_empty() { 0 } else { bit(at - 1) }
        })
    }

    fn cuts(&mut self, length: usize) -> Vec<usize> {
        let mut cuts = vec![0, length, self.next() % (length + 1), self.next() % (length + 1)];
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    }
}

fn thinned(image: &Array3<u8>, method: Method) -> Array3<u8> {
    let mut bits = BitImage::pack(&image.view(), 0xff, &Monitor::new()).expect("small");
    thin(&mut bits, method, &Monitor::new()).expect("small");
    let mut output = Array3::zeros(image.dim());
    bits.unpack_into(output.view_mut());
    output
}

fn nodes_of(image: &Array3<u8>) -> Vec<i64> {
    image.iter().enumerate().filter(|(_, value)| **value != 0).map(|(at, _)| at as i64).collect()
}

/// Thinning of words against thinning of a list of voxels; it takes a part of the image and nothing the second time.
pub fn thinning(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape();
    let method = bytes.method(shape[0]);
    let image = bytes.image(shape);
    let skeleton = thinned(&image, method);
    let nodes = nodes_of(&image);
    let kept = thin_nodes::<i64>(&nodes, shape, method, &Monitor::new()).expect("small");
    let listed: Vec<i64> = nodes.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(&node, _)| node).collect();
    assert_eq!(nodes_of(&skeleton), listed);
    assert_eq!(thinned(&skeleton, method), skeleton);
}

/// The boxes between cuts.
fn boxes(bytes: &mut Bytes<'_>, shape: [usize; 3]) -> Vec<[[usize; 2]; 3]> {
    let [z, y, x] = shape.map(|length| bytes.cuts(length));
    let pairs = |cuts: &[usize]| cuts.windows(2).map(|pair| [pair[0], pair[1]]).collect::<Vec<_>>();
    let mut all = Vec::new();
    for z in pairs(&z) {
        for y in pairs(&y) {
            all.extend(pairs(&x).into_iter().map(|x| [z, y, x]));
        }
    }
    all
}

fn part(image: &Array3<u8>, [z, y, x]: [[usize; 2]; 3]) -> ndarray::ArrayView3<'_, u8> {
    image.slice(s![z[0]..z[1], y[0]..y[1], x[0]..x[1]])
}

/// Thinning in any chunks, merged in any order, against that of the whole image.
pub fn thinning_chunks(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape();
    let method = bytes.method(shape[0]);
    let boxes = boxes(&mut bytes, shape);
    let order: Vec<usize> = (0..boxes.len()).map(|_| bytes.next()).collect();
    let image = bytes.image(shape);
    let (frame, monitor) = (Frame::new(shape).expect("small"), Monitor::new());
    let mut output = Array3::zeros(shape);
    let mut parts = Vec::new();
    for chunk in &boxes {
        let offset = chunk.map(|[start, _]| start);
        let words = chunk_words(&part(&image, *chunk), 0xff, offset, &frame, &monitor).expect("small");
        parts.push(thin_words(words, vec![*chunk], frame, method, &monitor).expect("in the image"));
    }
    let mut kept: Vec<_> = parts.iter().map(|part| part.kept.clone()).collect();
    for at in order {
        if parts.len() > 1 {
            let other = parts.swap_remove(at % parts.len());
            let into = at / 7 % parts.len();
            parts[into] = merge(&[&parts[into].residue, &other.residue], &monitor).expect("of one image");
            kept.push(parts[into].kept.clone());
        }
    }
    assert!(parts[0].residue.undecided.is_empty(), "all is known");
    for words in &kept {
        write_chunk(words, &frame, [0; 3], output.view_mut());
    }
    assert_eq!(output, thinned(&image, method));
}

/// Whatever bytes pass as a chunk graph are written and used without a panic.
pub fn chunk_graph_bytes(data: &[u8]) {
    let Ok(graph) = ChunkGraph::from_bytes(data) else { return };
    assert!(graph.nbytes() <= (1 << 16) + 64 * data.len(), "no more memory than the bytes fill");
    let bytes = graph.to_bytes().expect("small");
    assert_eq!(ChunkGraph::from_bytes(&bytes).expect("our own").to_bytes().expect("small"), bytes);
    let monitor = Monitor::new();
    let _ = (graph.foreground(), graph.is_complete(), graph.missing_box(), graph.terminals());
    let _ = (graph.shed(), ChunkGraph::merge(&[&graph], &monitor), ChunkGraph::merge(&[&graph, &graph], &monitor));
    let _ = graph.table(0..graph.finished(), &monitor);
}

fn block_graph(image: &Array3<u8>, chunk: [[usize; 2]; 3], geometry: &Geometry, kind: Values) -> ChunkGraph {
    let block = part(image, chunk);
    let nodes = nodes_of(&block.to_owned());
    // Values that depend on the place in the image.
    let value =
        |(z, y, x): (usize, usize, usize)| (chunk[0][0] + z + 3 * (chunk[1][0] + y) + 7 * (chunk[2][0] + x)) % 5;
    let foreground = block.indexed_iter().filter(|(_, voxel)| kind == Values::Numbers && **voxel != 0);
    let values: Vec<u64> = foreground.map(|(at, _)| (0.5 + value(at) as f64).to_bits()).collect();
    let (shape, offset) = (chunk.map(|[start, end]| end - start), chunk.map(|[start, _]| start));
    let block = Block { shape: &shape, offset: &offset, nodes: &nodes, values: &values };
    ChunkGraph::from_block(block, geometry.clone(), &Monitor::new()).expect("a block of the image")
}

/// The branch table of blocks, sent as bytes and merged, against that of the whole image.
pub fn chunk_graph(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape();
    let spacing = [0; 3].map(|_| 0.25 * (1 + bytes.next() % 8) as f64);
    let kind = [Values::Absent, Values::Numbers][bytes.next() % 2];
    let boxes = boxes(&mut bytes, shape);
    let image = bytes.image(shape);
    let geometry = Geometry::new(&shape, &spacing, kind).expect("a shape and a spacing");
    let sent: Vec<ChunkGraph> = boxes
        .iter()
        .map(|chunk| block_graph(&image, *chunk, &geometry, kind).to_bytes().expect("small"))
        .map(|bytes| ChunkGraph::from_bytes(&bytes).expect("our own"))
        .collect();
    let monitor = Monitor::new();
    let merged = ChunkGraph::merge(&sent.iter().collect::<Vec<_>>(), &monitor).expect("parts of one image");
    let whole = block_graph(&image, shape.map(|length| [0, length]), &geometry, kind);
    let table = |graph: &ChunkGraph| graph.table(0..graph.finished(), &monitor).expect("complete");
    assert_eq!(format!("{:?}", table(&merged)), format!("{:?}", table(&whole)));
}

/// Radii against a look at every background voxel; pruning leaves a part, and nothing to prune.
pub fn radius_and_pruning(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape().map(|length| length.min(24));
    let spacing = [0; 3].map(|_| 0.25 * (1 + bytes.next() % 8) as f64);
    let length = bytes.next() as f64 / 16.0;
    let (image, monitor) = (bytes.image(shape), Monitor::new());
    let nodes = nodes_of(&image);
    let squares = Squares::new(shape, spacing).expect("small");
    let background = Background::pack(&Shared::view(&image.view()), 0xff, &monitor).expect("small");
    let place = Place { offset: [0; 3], image: shape, border: [false; 3] };
    let radii = squared_radii(&background, &nodes, &place, &squares, &monitor).expect("small");
    for (&node, &radius) in nodes.iter().zip(&radii).step_by(1 + nodes.len() / 16) {
        let at = position(node, shape);
        let square = |other: [usize; 3]| -> f64 {
            (0..3).map(|axis| (at[axis].abs_diff(other[axis]) as f64 * spacing[axis]).powi(2)).sum()
        };
        let background = image.indexed_iter().filter(|(_, value)| **value == 0);
        let nearest = background.map(|((z, y, x), _)| square([z, y, x])).fold(f64::INFINITY, f64::min);
        assert!(
            (nearest.is_infinite() && radius.is_infinite()) || (nearest - radius).abs() <= 1e-9 * nearest,
            "{nearest} {radius}"
        );
    }
    let limits = Limits { length, ratio: 0.0, radii: None };
    let left = |nodes: &[i64]| -> Vec<i64> {
        let kept = prune::<i64>(nodes, shape, spacing, limits, &monitor).expect("small");
        nodes.iter().zip(kept).filter(|(_, kept)| *kept).map(|(&node, _)| node).collect()
    };
    let once = left(&nodes);
    assert_eq!(left(&once), once);
}

/// Arrays from anywhere make a graph whose rows can all be read, or an error.
pub fn csr(data: &[u8]) {
    let mut bytes = Bytes(data);
    let count = bytes.next() % 16;
    let mut list = |count: usize| -> Vec<i32> { (0..count).map(|_| bytes.next() as i32 - 8).collect() };
    let (indptr, indices) = (list(count), list(count));
    let weights = vec![1.0; indices.len()];
    if let Ok(graph) = CsrView::new("graph", &indptr, &indices, &weights) {
        for node in 0..graph.nodes() {
            for entry in graph.row(node) {
                assert!(graph.target(entry) < graph.nodes() && graph.weight(entry).is_finite());
            }
        }
    }
}
