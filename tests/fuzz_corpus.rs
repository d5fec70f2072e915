//! The bodies of the fuzz targets on the committed corpus, its prefixes, and pseudo-random bytes.

#[path = "../fuzz/src/lib.rs"]
mod bodies;

use std::fs;
use std::path::Path;

fn replay(name: &str, random: usize) {
    let (_, body) = bodies::BODIES.iter().find(|(each, _)| *each == name).expect("a body of this name");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    for file in fs::read_dir(folder).into_iter().flatten() {
        let bytes = fs::read(file.expect("readable").path()).expect("readable");
        body(&bytes);
        body(&bytes[..bytes.len() / 2]);
    }
    let mut state = 1_u64;
    for number in 0..random {
        let bytes: Vec<u8> = (0..20 + number % 100)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as u8
            })
            .collect();
        body(&bytes);
    }
}

#[test]
fn thinning() {
    replay("thinning", 300);
}

#[test]
fn thinning_chunks() {
    replay("thinning_chunks", 100);
}

#[test]
fn label_chunks() {
    replay("label_chunks", 100);
}

#[test]
fn chunk_graph_bytes() {
    replay("chunk_graph_bytes", 300);
}

#[test]
fn chunk_graph() {
    replay("chunk_graph", 100);
}

#[test]
fn cells_in_planes() {
    replay("cells_in_planes", 100);
}

#[test]
fn radius() {
    replay("radius", 100);
}

#[test]
fn pruning() {
    replay("pruning", 100);
}

#[test]
fn graph() {
    replay("graph", 100);
}

#[test]
fn csr() {
    replay("csr", 300);
}
