//! Thinning of binary images in memory: Lee's method in 3D and 2D, Zhang's in 2D, voxel for voxel as scikit-image does it.
//!
//! Lee (1994): the borders of the object in six directions (four in 2D) take turns. A border step first *collects* the border
//! voxels that are simple and no endpoints, all on the same image, then *rechecks* them in raster order, deleting at once those
//! whose remaining neighbours are still connected. It ends when no border of a round deletes anything.
//!
//! Lee's recheck looks at less than topology needs: solid blocks of even thickness can vanish. [`Method::LeePreserving`] rechecks
//! by the predicate that collects, so each deletion alone is one of a simple voxel: 26-components, tunnels and cavities stay.
//!
//! Zhang and Suen (1984): two kinds of step take turns, each deleting by a table of the eight neighbours, all at once.
//!
//! What makes it fast: 64 voxels a word ([`crate::image::word_shape`]) and 8 words an instruction ([`words::simple_points`],
//! [`words::zhang`]); after the first round only words near a deletion are looked at again ([`dense::rounds`]); the recheck,
//! which is sequential by definition, is mostly decided at once as well, because what happens to earlier neighbours seldom
//! matters; and steps follow one another over the image plane by plane ([`dense::schedule`]), each plane being worked on while
//! it is in the cache. The result does not depend on the number of threads.
//!
//! Where the time goes, in a vessel tree of 512³ voxels with 6.9 million of foreground: 72 border steps delete 6.3 million.
//! They look at 7.4 million words, find candidates in 2.8 million, delete in 1.4 million; 0.2 million voxels wait for an earlier
//! neighbour. Of the samples of `perf record` on one thread 40 % are collecting, 16 % the recheck's search, 15 % the recheck in
//! raster order and the deletions, 10 % packing and unpacking, 17 % the system's clearing of pages. With two threads a
//! voxel costs 25 to 33 ns to delete, reading and writing included, from 256³ to 1000³ (docs/benchmarks.md). What cannot be saved
//! is reading the input and writing the output, a byte a voxel each: a quarter of the whole at 5 % foreground, and all but the
//! whole where foreground is rare.
//!
//! The predicates were not the bottleneck. A third of the time was branch misprediction (which words are active, which of them
//! have candidates, which words a deletion touches) and cache misses (the word of a deletion, the words of a list in raster
//! order); hence the branch-free lists of [`words::queue`], unconditional stores, prefetching, the wide moves of
//! [`words::batch`] and huge pages. With each of a step's four phases over the whole image, each read the image from memory
//! again: a third of the time at 1000³. Hence [`dense::schedule`].
//!
//! Memory: two bits a voxel and one byte a word of 64, allocated as zeros, so background that is never near foreground costs
//! nothing.
//!
//! Sources: T.-C. Lee, R. L. Kashyap, C.-N. Chu, CVGIP 56(6):462–478, 1994; T. Y. Zhang, C. Y. Suen, CACM 27(3):236–239,
//! 1984; the behaviour of scikit-image 0.26, whose order of borders (that of `ImageJ`) and table of neighbours are kept.

pub mod chunks;
mod dense;
pub mod labels;
pub mod method;
pub mod naive;
pub mod words;

pub use method::{Method, Thinned};

use crate::image::bit_image::BitImage;
use crate::image::word_shape::{Cube, Square};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// Thins `image` in place on the threads of the current pool.
///
/// # Errors
/// [`crate::support::errors::Error::OutOfMemory`], or [`crate::support::errors::Error::Interrupted`] through `monitor`; the image is then in the
/// middle of thinning.
///
/// # Panics
/// If the method is Zhang's and the image has more than one plane.
pub fn thin(image: &mut BitImage, method: Method, monitor: &Monitor) -> Result<Thinned> {
    assert!(method.is_for(image.shape()[0]), "Zhang's method is for 2D images");
    if image.shape().contains(&0) {
        return Ok(Thinned { rounds: 0, deleted: 0 });
    }
    if image.shape()[0] == 1 {
        dense::rounds::thin::<Square>(image, method, monitor)
    } else {
        dense::rounds::thin::<Cube>(image, method, monitor)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::support::random::Random;

    /// Smooth random blobs or plain noise.
    fn random_image(shape: (usize, usize, usize), seed: u64) -> Array3<u8> {
        let mut random = Random(seed);
        let density = [0.2, 0.5, 0.8, 0.95][(seed % 4) as usize];
        let noise = Array3::from_shape_simple_fn(shape, || (random.bits() >> 40) as f32 / (1 << 24) as f32);
        if seed.is_multiple_of(3) {
            return noise.mapv(|value| u8::from(value < density));
        }
        let (nz, ny, nx) = shape;
        Array3::from_shape_fn(shape, |(z, y, x)| {
            let near = |at: usize, length: usize| at.saturating_sub(2)..(at + 3).min(length);
            let (mut sum, mut count) = (0.0, 0.0);
            for value in near(z, nz)
                .flat_map(|z| near(y, ny).map(move |y| (z, y)))
                .flat_map(|(z, y)| near(x, nx).map(move |x| (z, y, x)))
            {
                sum += noise[value];
                count += 1.0;
            }
            u8::from(sum / count < 0.5)
        })
    }

    /// The voxels that the list of voxels keeps, as an image.
    fn thin_listed(image: &Array3<u8>, method: Method) -> Array3<u8> {
        let listed: Vec<i64> = image.iter().zip(0..).filter(|&(&value, _)| value != 0).map(|(_, at)| at).collect();
        let kept = crate::pruning::thin_nodes::thin_nodes::<i32>(&listed, image.dim().into(), method, &Monitor::new())
            .unwrap();
        let mut thinned = Array3::zeros(image.dim());
        for (&at, _) in listed.iter().zip(kept).filter(|&(_, kept)| kept) {
            thinned.as_slice_mut().unwrap()[at as usize] = 1;
        }
        thinned
    }

    #[test]
    fn a_list_of_voxels_is_thinned_as_the_image_is() {
        for seed in 0..400 {
            for shape in [(1, 17, 23), (7, 8, 9), (3, 1, 12), (5, 6, 2), (1, 30, 1)] {
                let image = random_image(shape, seed);
                for method in [Method::Lee, Method::LeePreserving] {
                    assert_eq!(thin_listed(&image, method), naive::thin(&image, method));
                }
                if shape.0 == 1 {
                    assert_eq!(thin_listed(&image, Method::Zhang), naive::thin(&image, Method::Zhang));
                }
            }
        }
    }

    fn compare(image: &Array3<u8>, method: Method, threads: usize) {
        let mut packed = BitImage::pack(&image.view(), 0xff, &Monitor::new()).unwrap();
        let run = || thin(&mut packed, method, &Monitor::new()).unwrap();
        let thinned = crate::support::threads::Pool::take(threads).unwrap().install(run);
        let mut found = Array3::zeros(image.raw_dim());
        packed.unpack_into(found.view_mut());
        let expected = naive::thin(image, method);
        assert_eq!(found, expected, "{:?} {method:?} {threads} threads", image.dim());
        let count = |image: &Array3<u8>| image.iter().map(|&value| u64::from(value)).sum::<u64>();
        assert_eq!(thinned.deleted, count(image) - count(&expected));
    }

    #[test]
    fn thins_3d_as_the_naive_method() {
        for seed in 0..60 {
            let side = |k: u64| 1 + ((seed * 7 + k * 5) % 23) as usize;
            let image = random_image((side(1), side(2), side(3) * 5), seed);
            compare(&image, Method::Lee, 1 + (seed % 3) as usize);
            compare(&image, Method::LeePreserving, 1 + (seed % 3) as usize);
        }
    }

    #[test]
    fn thins_2d_as_the_naive_method() {
        for seed in 0..60 {
            let side = |k: u64| 1 + ((seed * 11 + k * 7) % 90) as usize;
            let image = random_image((1, side(1), 2 * side(2)), seed);
            compare(&image, Method::Lee, 2);
            compare(&image, Method::LeePreserving, 2);
            compare(&image, Method::Zhang, 2);
        }
    }

    #[test]
    fn preserving_differs_only_where_the_recheck_errs() {
        let (mut same, mut different) = (0, 0);
        for seed in 0..150 {
            let image = random_image((6, 7, 8), seed);
            let thinned = [Method::Lee, Method::LeePreserving].map(|method| naive::thin(&image, method));
            if naive::deletes_simple_voxels_only(&image) {
                assert_eq!(thinned[0], thinned[1], "seed {seed}");
                same += 1;
            } else if thinned[0] != thinned[1] {
                different += 1;
            }
        }
        assert!(same > 10 && different > 10, "{same} {different}");
    }

    #[test]
    fn thins_on_any_number_of_threads() {
        for threads in [2, 3, 7, 16] {
            compare(&random_image((33, 29, 70), 7), Method::Lee, threads);
            compare(&random_image((33, 29, 70), 7), Method::LeePreserving, threads);
            compare(&random_image((6, 90, 40), 10), Method::Lee, threads);
            compare(&random_image((190, 9, 40), 6), Method::Lee, threads);
            compare(&random_image((1, 150, 170), 4), Method::Lee, threads);
            compare(&random_image((1, 150, 170), 5), Method::Zhang, threads);
        }
    }

    #[test]
    fn thins_a_solid_block_and_a_sponge() {
        compare(&Array3::ones((24, 30, 70)), Method::Lee, 2);
        compare(&Array3::ones((24, 30, 70)), Method::LeePreserving, 2);
        compare(
            &Array3::from_shape_fn((20, 40, 130), |(z, y, x)| u8::from(z % 7 < 5 || y % 9 < 6 || x % 11 < 7)),
            Method::Lee,
            2,
        );
    }

    #[test]
    fn stops_when_asked() {
        let monitor = Monitor::new();
        monitor.request_stop();
        let mut image = BitImage::zeros([2, 2, 2]).unwrap();
        assert_eq!(thin(&mut image, Method::Lee, &monitor), Err(crate::support::errors::Error::Interrupted));
    }

    #[test]
    fn tells_how_far_it_is() {
        // The cube vanishes, as cubes of even thickness do; the line stays as it is.
        let mut image = Array3::<u8>::zeros((12, 12, 20));
        image.slice_mut(ndarray::s![2..10, 2..10, 2..10]).fill(1);
        image.slice_mut(ndarray::s![5, 5, 13..18]).fill(1);
        let mut packed = BitImage::pack(&image.view(), 0xff, &Monitor::new()).unwrap();
        let monitor = Monitor::new();
        assert_eq!(monitor.done(), None);
        let deleted = thin(&mut packed, Method::Lee, &monitor).unwrap().deleted;
        assert_eq!(deleted, 512);
        assert_eq!(monitor.done(), Some(512.0 / 517.0));
    }

    #[test]
    fn thins_images_without_voxels() {
        let mut image = BitImage::zeros([2, 0, 2]).unwrap();
        assert_eq!(thin(&mut image, Method::Lee, &Monitor::new()), Ok(Thinned { rounds: 0, deleted: 0 }));
    }
}
