//! What the fuzz targets do with bytes: an input is made of them, a kernel runs, and what it must give is compared.
//!
//! `tests/fuzz_corpus.rs` runs the same bodies on the committed corpus and on pseudo-random bytes, with any toolchain.

mod cells;
mod chunk_graph;
mod graph;
mod pruning;
mod radius;
mod thinning;

use ndarray::{Array3, ArrayView3, s};
use skanrs::thinning::Method;

pub use cells::cells_in_planes;
pub use chunk_graph::{chunk_graph, chunk_graph_bytes};
pub use graph::{csr, graph};
pub use pruning::pruning;
pub use radius::radius;
pub use thinning::{label_chunks, thinning, thinning_chunks};

/// A target's body.
pub type Body = fn(&[u8]);

/// The bodies by the names of their targets.
pub const BODIES: [(&str, Body); 10] = [
    ("thinning", thinning),
    ("thinning_chunks", thinning_chunks),
    ("label_chunks", label_chunks),
    ("chunk_graph_bytes", chunk_graph_bytes),
    ("chunk_graph", chunk_graph),
    ("radius", radius),
    ("cells_in_planes", cells_in_planes),
    ("pruning", pruning),
    ("graph", graph),
    ("csr", csr),
];

/// The first voxel and the one after the last, along each axis.
type Box3 = [[usize; 2]; 3];

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

    fn spacing(&mut self) -> [f64; 3] {
        [0; 3].map(|_| 0.25 * (1 + self.next() % 8) as f64)
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

    /// The boxes between cuts.
    fn boxes(&mut self, shape: [usize; 3]) -> Vec<Box3> {
        let [z, y, x] = shape.map(|length| self.cuts(length));
        let pairs = |cuts: &[usize]| cuts.windows(2).map(|pair| [pair[0], pair[1]]).collect::<Vec<_>>();
        let mut all = Vec::new();
        for z in pairs(&z) {
            for y in pairs(&y) {
                all.extend(pairs(&x).into_iter().map(|x| [z, y, x]));
            }
        }
        all
    }
}

fn nodes_of(image: &Array3<u8>) -> Vec<i64> {
    image.iter().enumerate().filter(|(_, value)| **value != 0).map(|(at, _)| at as i64).collect()
}

fn part(image: &Array3<u8>, [z, y, x]: Box3) -> ArrayView3<'_, u8> {
    image.slice(s![z[0]..z[1], y[0]..y[1], x[0]..x[1]])
}
