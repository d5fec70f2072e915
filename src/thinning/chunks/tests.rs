//! Chunks against the whole image, for random images, chunkings and trees of merges.

use ndarray::{Array3, s};

use super::labels::{LabelResidue, PartOfLabel, WordsOfLabel, label_words, merge_labels, write_labels};
use super::*;
use crate::support::random::Random;
use crate::thinning::thin;

fn random_image(random: &mut Random, shape: (usize, usize, usize)) -> Array3<u8> {
    let percent = [20, 50, 80, 95][random.below(4)];
    let noise = Array3::from_shape_simple_fn(shape, || u8::from(random.below(100) < percent));
    if random.below(2) == 0 {
        return noise;
    }
    // Blobs: the majority of a neighbourhood of half noise.
    let noise = Array3::from_shape_simple_fn(shape, || random.below(2));
    Array3::from_shape_fn(shape, |(z, y, x)| {
        let range = |at: usize, length: usize| at.saturating_sub(2)..(at + 3).min(length);
        let near = noise.slice(s![range(z, shape.0), range(y, shape.1), range(x, shape.2)]);
        u8::from(2 * near.sum() > near.len())
    })
}

fn random_cuts(random: &mut Random, length: usize) -> Vec<usize> {
    let mut cuts: Vec<usize> = (0..random.below(4)).map(|_| random.below(length)).chain([0, length]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

fn pack(image: &ndarray::ArrayView3<'_, u8>) -> BitImage {
    BitImage::pack(image, 1, &Monitor::new()).unwrap()
}

fn thin_chunk(chunk: &ArrayView3<'_, u8>, offset: [usize; 3], frame: Frame, method: Method) -> Resolved {
    let words = chunk_words(chunk, 1, offset, &frame, &Monitor::new()).unwrap();
    let region = [0, 1, 2].map(|axis| [offset[axis], offset[axis] + chunk.shape()[axis]]);
    thin_words(words, vec![region], frame, method, &Monitor::new()).unwrap()
}

fn whole(image: &Array3<u8>, method: Method) -> Array3<u8> {
    let mut packed = pack(&image.view());
    thin(&mut packed, method, &Monitor::new()).unwrap();
    let mut skeleton = Array3::zeros(image.raw_dim());
    packed.unpack_into(skeleton.view_mut());
    skeleton
}

/// Thins in chunks at the cuts and merges groups of two to four regions in random order.
fn in_chunks(image: &Array3<u8>, method: Method, cuts: &[Vec<usize>; 3], random: &mut Random) -> Array3<u8> {
    let (nz, ny, nx) = image.dim();
    let frame = Frame { shape: [nz, ny, nx] };
    let mut kept = Vec::new();
    let mut regions = Vec::new();
    for z in cuts[0].windows(2) {
        for y in cuts[1].windows(2) {
            for x in cuts[2].windows(2) {
                let chunk = image.slice(s![z[0]..z[1], y[0]..y[1], x[0]..x[1]]);
                let thinned = thin_chunk(&chunk, [z[0], y[0], x[0]], frame, method);
                kept.push(thinned.kept);
                regions.push(thinned.residue);
            }
        }
    }
    while regions.len() > 1 {
        let group = (0..(2 + random.below(3)).min(regions.len()))
            .map(|_| {
                let at = random.below(regions.len());
                regions.swap_remove(at)
            })
            .collect::<Vec<_>>();
        let merged = merge(&group.iter().collect::<Vec<_>>(), &Monitor::new()).unwrap();
        kept.push(merged.kept);
        regions.push(merged.residue);
    }
    assert_eq!(regions[0].missing(), Ok(None));
    assert!(regions[0].undecided.is_empty());
    assert!(regions[0].script.is_empty());
    let mut skeleton = Array3::zeros(image.raw_dim());
    for words in &kept {
        write_chunk(words, &frame, [0; 3], skeleton.view_mut());
    }
    skeleton
}

fn compare(seeds: std::ops::Range<u64>, sides: [usize; 3], method: Method) {
    for seed in seeds {
        let mut random = Random(seed);
        let shape = (1 + random.below(sides[0]), 1 + random.below(sides[1]), 1 + random.below(sides[2]));
        let image = random_image(&mut random, shape);
        let cuts = [shape.0, shape.1, shape.2].map(|length| random_cuts(&mut random, length));
        let found = in_chunks(&image, method, &cuts, &mut random);
        assert_eq!(found, whole(&image, method), "seed {seed}, shape {shape:?}, cuts {cuts:?}");
    }
}

#[test]
fn lee_3d() {
    compare(0..150, [18, 18, 18], Method::Lee);
}

#[test]
fn lee_3d_preserving() {
    compare(200..320, [18, 18, 18], Method::LeePreserving);
    compare(400..440, [1, 30, 90], Method::LeePreserving);
}

#[test]
fn lee_3d_across_words() {
    compare(0..40, [9, 12, 200], Method::Lee);
}

#[test]
fn lee_2d() {
    compare(0..100, [1, 30, 150], Method::Lee);
}

#[test]
fn zhang() {
    compare(0..100, [1, 30, 150], Method::Zhang);
}

#[test]
fn single_voxels() {
    let mut random = Random(5);
    let image = random_image(&mut random, (5, 6, 7));
    let cuts = [5, 6, 7].map(|length| (0..=length).collect());
    assert_eq!(in_chunks(&image, Method::Lee, &cuts, &mut random), whole(&image, Method::Lee));
}

#[test]
fn planes_of_a_solid_block() {
    let image = Array3::ones((12, 14, 70));
    let cuts = [(0..=12).collect(), vec![0, 14], vec![0, 33, 70]];
    assert_eq!(in_chunks(&image, Method::Lee, &cuts, &mut Random(1)), whole(&image, Method::Lee));
}

#[test]
fn refuses_overlaps_and_strangers() {
    let chunk = Array3::zeros((2, 2, 2));
    let thinned = |offset, shape| thin_chunk(&chunk.view(), offset, Frame { shape }, Method::Lee).residue;
    let (first, second) = (thinned([0; 3], [4, 4, 4]), thinned([1, 1, 1], [4, 4, 4]));
    let error = merge(&[&first, &second], &Monitor::new()).unwrap_err().to_string();
    assert!(error.contains("the chunk at offset [1, 1, 1] of shape [2, 2, 2]"), "{error}");
    assert!(merge(&[&first, &thinned([0; 3], [2, 2, 2])], &Monitor::new()).is_err());
    assert!(merge(&[], &Monitor::new()).is_err());
    assert_eq!(first.missing().unwrap(), Some([[0, 2], [0, 2], [2, 4]]));
}

fn thin_label_chunk(chunk: &ArrayView3<'_, u8>, offset: [usize; 3], frame: Frame, method: Method) -> LabelResidue {
    let words = label_words(chunk, None, offset, &frame, &Monitor::new()).unwrap();
    let boxes = vec![[0, 1, 2].map(|axis| [offset[axis], offset[axis] + chunk.shape()[axis]])];
    let parts = words.into_iter().map(|(label, undecided)| PartOfLabel { label, undecided, script: Vec::new() });
    LabelResidue { frame, method, boxes, parts: parts.collect() }
}

#[test]
fn labels_in_chunks_are_those_of_the_whole() {
    for seed in 0..90 {
        let mut random = Random(seed);
        let method = [Method::Lee, Method::LeePreserving, Method::Zhang][seed as usize % 3];
        let planes = if method == Method::Zhang || seed % 5 == 0 { 1 } else { 1 + random.below(12) };
        let shape = (planes, 1 + random.below(14), 1 + random.below(30));
        // Blobs of three labels that touch, and some noise.
        let [one, other] = [0; 2].map(|_| random_image(&mut random, shape));
        let image = Array3::from_shape_fn(shape, |at| one[at] + 2 * other[at]);
        let frame = Frame { shape: [shape.0, shape.1, shape.2] };
        let cuts = [shape.0, shape.1, shape.2].map(|length| random_cuts(&mut random, length));
        let (mut kept, mut regions): (Vec<WordsOfLabel>, Vec<LabelResidue>) = (Vec::new(), Vec::new());
        for z in cuts[0].windows(2) {
            for y in cuts[1].windows(2) {
                for x in cuts[2].windows(2) {
                    let chunk = image.slice(s![z[0]..z[1], y[0]..y[1], x[0]..x[1]]);
                    let packed = thin_label_chunk(&chunk, [z[0], y[0], x[0]], frame, method);
                    let thinned = merge_labels(&[&packed], &Monitor::new()).unwrap();
                    kept.extend(thinned.kept);
                    regions.push(thinned.residue);
                }
            }
        }
        while regions.len() > 1 {
            let group = (0..(2 + random.below(3)).min(regions.len()))
                .map(|_| regions.swap_remove(random.below(regions.len())))
                .collect::<Vec<_>>();
            let merged = merge_labels(&group.iter().collect::<Vec<_>>(), &Monitor::new()).unwrap();
            kept.extend(merged.kept);
            regions.push(merged.residue);
        }
        assert!(regions[0].parts.is_empty());
        let mut found = Array3::<u8>::zeros(shape);
        write_labels(&kept, &frame, [0; 3], found.view_mut());
        for label in 1..4 {
            let alone = image.mapv(|value| u8::from(value == label));
            let expected = whole(&alone, method);
            assert_eq!(found.mapv(|value| u8::from(value == label)), expected, "seed {seed}, {shape:?}, {cuts:?}");
        }
    }
}

#[test]
fn chosen_labels_are_cut_into_words_at_any_offset() {
    let mut random = Random(3);
    let image = Array3::from_shape_simple_fn((9, 10, 11), || random.below(4) as u8);
    let (frame, offset) = (Frame { shape: [20, 21, 22] }, [3, 6, 5]);
    let words = label_words(&image.view(), Some(&[1, 3]), offset, &frame, &Monitor::new()).unwrap();
    assert_eq!(words.iter().map(|word| word.0).collect::<Vec<_>>(), [1, 3]);
    let mut written = Array3::<u8>::zeros((9, 10, 11));
    write_labels(&words, &frame, offset, written.view_mut());
    assert_eq!(written, image.mapv(|value| if value == 2 { 0 } else { value }));
}
