//! Thinning in memory and in chunks.

use ndarray::Array3;
use skanrs::image::bit_image::BitImage;
use skanrs::pruning::thin_nodes::thin_nodes;
use skanrs::support::threads::Monitor;
use skanrs::thinning::chunks::labels::{LabelResidue, PartOfLabel, label_words, merge_labels, write_labels};
use skanrs::thinning::chunks::words::Frame;
use skanrs::thinning::chunks::{chunk_words, merge, thin_words, write_chunk};
use skanrs::thinning::{Method, naive, thin};

use super::{Bytes, nodes_of, part};

fn thinned(image: &Array3<u8>, method: Method) -> Array3<u8> {
    let mut bits = BitImage::pack(&image.view(), 0xff, &Monitor::new()).expect("small");
    thin(&mut bits, method, &Monitor::new()).expect("small");
    let mut output = Array3::zeros(image.dim());
    bits.unpack_into(output.view_mut());
    output
}

/// Thinning of words and of a list of voxels against the definition; it takes nothing the second time.
pub fn thinning(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape();
    let method = bytes.method(shape[0]);
    let image = bytes.image(shape);
    let skeleton = thinned(&image, method);
    assert_eq!(skeleton, naive::thin(&image, method));
    let nodes = nodes_of(&image);
    let kept = thin_nodes::<i64>(&nodes, shape, method, &Monitor::new()).expect("small");
    let listed: Vec<i64> = nodes.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(&node, _)| node).collect();
    assert_eq!(nodes_of(&skeleton), listed);
    assert_eq!(thinned(&skeleton, method), skeleton);
}

/// Thinning in any chunks, merged in any order, against that of the whole image.
pub fn thinning_chunks(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape();
    let method = bytes.method(shape[0]);
    let boxes = bytes.boxes(shape);
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

/// Thinning of a label image in any chunks, merged in any order, against each label alone.
pub fn label_chunks(data: &[u8]) {
    let mut bytes = Bytes(data);
    let shape = bytes.shape();
    let method = bytes.method(shape[0]);
    let boxes = bytes.boxes(shape);
    let order: Vec<usize> = (0..boxes.len()).map(|_| bytes.next()).collect();
    let (labels, length) = (1 + bytes.next() % 5, 1 + bytes.next() % 9);
    let image = bytes.image(shape);
    let label = |at: (usize, usize, usize)| 1 + ((at.0 / length + at.1 / length + at.2 / length) % labels) as u8;
    let image = Array3::from_shape_fn(shape, |at| image[at] * label(at));
    let (frame, monitor) = (Frame::new(shape).expect("small"), Monitor::new());
    let mut output = Array3::<u8>::zeros(shape);
    let mut parts = Vec::new();
    for chunk in &boxes {
        let offset = chunk.map(|[start, _]| start);
        let words = label_words(&part(&image, *chunk), None, offset, &frame, &monitor).expect("small").into_iter();
        let words = words.map(|(label, undecided)| PartOfLabel { label, undecided, script: Vec::new() });
        let whole = LabelResidue { frame, method, boxes: vec![*chunk], parts: words.collect() };
        parts.push(merge_labels(&[&whole], &monitor).expect("in the image"));
    }
    let mut kept: Vec<_> = parts.iter().map(|part| part.kept.clone()).collect();
    for at in order {
        if parts.len() > 1 {
            let other = parts.swap_remove(at % parts.len());
            let into = at / 7 % parts.len();
            parts[into] = merge_labels(&[&parts[into].residue, &other.residue], &monitor).expect("of one image");
            kept.push(parts[into].kept.clone());
        }
    }
    assert!(parts[0].residue.parts.is_empty(), "all is known");
    for words in &kept {
        write_labels(words, &frame, [0; 3], output.view_mut());
    }
    let mut expected = Array3::<u8>::zeros(shape);
    for label in 1..=labels as u8 {
        let alone = thinned(&image.mapv(|value| u8::from(value == label)), method);
        expected.zip_mut_with(&alone, |into, &kept| *into += label * kept);
    }
    assert_eq!(output, expected);
}
