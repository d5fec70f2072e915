//! Chunk graphs: as bytes from anywhere, and merged.

use ndarray::Array3;
use skanrs::chunk_graph::{Block, ChunkGraph, Geometry, Values};
use skanrs::support::threads::Monitor;

use super::{Box3, Bytes, nodes_of, part};

/// Whatever bytes pass as a chunk graph are written and used without a panic.
pub fn chunk_graph_bytes(data: &[u8]) {
    let Ok(graph) = ChunkGraph::from_bytes(data) else { return };
    assert!(graph.nbytes() <= (1 << 16) + 64 * data.len(), "no more memory than the bytes fill");
    let bytes = graph.to_bytes().expect("small");
    assert_eq!(ChunkGraph::from_bytes(&bytes).expect("our own").to_bytes().expect("small"), bytes);
    let monitor = Monitor::new();
    let _ = (graph.foreground(), graph.is_complete(), graph.missing_box(), graph.terminals());
    let _ = (
        graph.split_finished(),
        ChunkGraph::merge(&[&graph], &monitor),
        ChunkGraph::merge(&[&graph, &graph], &monitor),
    );
    let _ = graph.table(0..graph.finished(), &monitor);
}

fn block_graph(image: &Array3<u8>, chunk: Box3, geometry: &Geometry, kind: Values) -> ChunkGraph {
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
    let spacing = bytes.spacing();
    let kind = [Values::Absent, Values::Numbers][bytes.next() % 2];
    let boxes = bytes.boxes(shape);
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
