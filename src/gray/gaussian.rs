//! Smoothing by a Gaussian, equal to `scipy.ndimage.gaussian_filter` (mode `reflect`) to the last bit.
//!
//! scipy correlates along one axis after the other, from the first to the last. Along each, a value is the centre times its
//! weight, then, from the farthest pair to the nearest, the sum of the two values at that distance times their weight, all in
//! double precision; the result is rounded to the type of the output before the next axis. Beyond the image its values are
//! mirrored at its faces (d c b a | a b c d | d c b a). Every value here is computed by the same operations in the same order,
//! so how the image is cut for that cannot be seen in the result.
//!
//! The image is worked on in boxes, in double precision, with what surrounds them, mirrored where the image ends: smoothing
//! along one axis commutes with mirroring along another. The rows of all planes at one place are smoothed along the first axis.
//! Then, plane by plane, a few rows at a time are smoothed along the second axis and each along the third. All that stays in the
//! cache; there is neither a copy of the image in floats nor one between two axes.
//!
//! Cost: for each voxel and axis `reach` additions and `reach + 1` multiplications and additions, in vectors, on all threads; what
//! surrounds a box is smoothed along the leading axes once more for each box. Memory beside the result: a box for each
//! thread. Where weights reach far, the axes are done one after the other, through one more image of the output's type.
//!
//! Source: `NI_Correlate1D` and `NI_ExtendLine` of `scipy/ndimage/src` state the behaviour that is reproduced.

use std::ops::Range;

use ndarray::{Array3, ArrayView3, ArrayViewMut3, Axis};
use rayon::prelude::*;

use super::correlate::{self, LANES, ROWS};
use super::sample::Sample;
use super::values::{Box3, Values};
use crate::image::elements::Shared;
use crate::image::word_shape::WORD;
use crate::support::allocate::{try_filled, try_zeros};
use crate::support::errors::{Error, Result};
use crate::support::prefetch::prefetch;
use crate::support::threads::Monitor;

/// What the buffers are for.
const SMOOTHING: &str = "smoothing";

/// The shape of a box, where weights do not reach far.
const BOX: [usize; 3] = [16, 32, 256];

/// The farthest that weights of several axes reach together: what surrounds a box does not outnumber it by much.
const FARTHEST: usize = 32;

/// Bytes that one hint loads.
const PREFETCHED: usize = 64;

/// Bytes of a box that stay in the cache.
const CACHED: usize = 3 << 19;

/// The weights of each axis of a 3D image, for the centre first and then for each distance.
#[derive(Debug, Clone)]
pub struct Gaussian {
    weights: [Vec<f64>; 3],
}

impl Gaussian {
    /// A filter of these weights for each axis, from one end to the other; an axis without weights is not smoothed.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if their number is even, or if they reach farther than images can.
    pub fn new(weights: [&[f64]; 3]) -> Result<Self> {
        let mut halves = [const { Vec::new() }; 3];
        for (half, weights) in halves.iter_mut().zip(weights) {
            if weights.is_empty() {
                continue;
            }
            if weights.len().is_multiple_of(2) || weights.len() > isize::MAX as usize / 4 {
                let reason = format!("expected an odd number of weights, got {}", weights.len());
                return Err(Error::InvalidArgument { name: "weights", reason });
            }
            // scipy multiplies a pair by the weight before the centre.
            half.extend(weights[..=weights.len() / 2].iter().rev());
        }
        Ok(Self { weights: halves })
    }

    /// How many voxels away along each axis a value still counts.
    #[must_use]
    pub fn reach(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.weights[axis].len().saturating_sub(1))
    }

    /// The filters along one axis each, if all axes together reach too far for a box.
    fn one_by_one(&self) -> Option<[Self; 3]> {
        let used = self.weights.iter().filter(|weights| !weights.is_empty()).count();
        (used > 1 && self.reach().into_iter().any(|reach| reach > FARTHEST)).then(|| {
            [0, 1, 2].map(|axis| {
                let mut weights = [const { Vec::new() }; 3];
                weights[axis].clone_from(&self.weights[axis]);
                Self { weights }
            })
        })
    }
}

/// Smooths `image` into `smoothed`, which has its shape.
///
/// # Errors
/// [`Error::InvalidArgument`] if the shapes differ, [`Error::OutOfMemory`], [`Error::Interrupted`] through `monitor`.
pub fn gaussian<T: Sample, F: Sample + bytemuck::Zeroable>(
    image: &ArrayView3<'_, Shared<T>>,
    filter: &Gaussian,
    mut smoothed: ArrayViewMut3<'_, F>,
    monitor: &Monitor,
) -> Result<()> {
    if smoothed.dim() != image.dim() {
        let reason = format!("expected shape {:?}, got {:?}", image.shape(), smoothed.shape());
        return Err(Error::InvalidArgument { name: "output", reason });
    }
    let Some([first, second, third]) = filter.one_by_one() else {
        return smooth_boxes(&Smoothed::new(image, filter), smoothed, monitor);
    };
    let between: Vec<F> = try_zeros(SMOOTHING, smoothed.len())?;
    let Ok(mut between) = Array3::from_shape_vec(image.raw_dim(), between) else { unreachable!("of this length") };
    smooth_boxes(&Smoothed::new(image, &first), smoothed.view_mut(), monitor)?;
    smooth_boxes(&Smoothed::new(&Shared::view(&smoothed.view()), &second), between.view_mut(), monitor)?;
    smooth_boxes(&Smoothed::new(&Shared::view(&between.view()), &third), smoothed, monitor)
}

fn smooth_boxes<T: Sample, F: Sample>(
    image: &Smoothed<'_, T, F>,
    smoothed: ArrayViewMut3<'_, F>,
    monitor: &Monitor,
) -> Result<()> {
    let boxes = cut(smoothed, image.sides());
    monitor.expect(boxes.len() as u64);
    let work = boxes.into_par_iter().map_init(
        || image.scratch(),
        |scratch, (offset, mut values)| {
            monitor.check()?;
            let scratch = scratch.as_mut().map_err(|error| error.clone())?;
            let region = Box3 { offset, shape: values.dim().into() };
            image.rows(scratch, &region, |[z, y], row| {
                let mut line = values.index_axis_mut(Axis(0), z);
                let mut line = line.index_axis_mut(Axis(0), y);
                match line.as_slice_mut() {
                    Some(line) => line.copy_from_slice(row),
                    None => line.iter_mut().zip(row).for_each(|(to, from)| *to = *from),
                }
            });
            monitor.advance(1);
            Ok(())
        },
    );
    work.collect()
}

/// An array cut to boxes of `sides`, each with its offset.
pub(super) fn cut<F>(array: ArrayViewMut3<'_, F>, sides: [usize; 3]) -> Vec<([usize; 3], ArrayViewMut3<'_, F>)> {
    let mut boxes = vec![([0; 3], array)];
    for (axis, &side) in sides.iter().enumerate() {
        let whole = std::mem::take(&mut boxes);
        for (mut offset, mut array) in whole {
            while array.len_of(Axis(axis)) > side {
                let (part, rest) = array.split_at(Axis(axis), side);
                boxes.push((offset, part));
                offset[axis] += side;
                array = rest;
            }
            boxes.push((offset, array));
        }
    }
    boxes
}

/// The position inside an axis of `length` at which the value of a position at or beyond its ends stands.
fn mirrored(position: isize, length: usize) -> usize {
    if (0..length as isize).contains(&position) {
        return position as usize;
    }
    let period = 2 * length as isize;
    let position = position.rem_euclid(period) as usize;
    position.min(2 * length - 1 - position)
}

/// The values of an image, smoothed along each axis, each time rounded to `F`.
#[derive(Debug)]
pub struct Smoothed<'a, T, F> {
    image: ArrayView3<'a, Shared<T>>,
    filter: &'a Gaussian,
    /// The planes of the image whose values these are; all count.
    planes: Range<usize>,
    sides: [usize; 3],
    rounds_to: std::marker::PhantomData<fn() -> F>,
}

/// What a thread works in. Rows are padded to [`LANES`].
#[derive(Debug)]
pub struct Scratch<T, F> {
    /// A row of the image.
    copy: Vec<T>,
    /// The rows of each plane that stand at one place in a box and around it.
    planes: Vec<f64>,
    /// A box with the rows and columns around it, smoothed along the first axis.
    first: Vec<f64>,
    /// Rows of a plane of that, smoothed along the second axis.
    second: Vec<f64>,
    /// One of them, smoothed along the third axis.
    third: Vec<f64>,
    /// The result.
    smoothed: Vec<F>,
}

impl<'a, T: Sample, F: Sample> Smoothed<'a, T, F> {
    /// The values of all of `image`, smoothed by `filter`.
    #[must_use]
    pub fn new(image: &ArrayView3<'a, Shared<T>>, filter: &'a Gaussian) -> Self {
        Self::of_planes(image, filter, 0..image.dim().0)
    }

    /// The values of some planes of `image`, smoothed by `filter` in the whole of it.
    #[must_use]
    pub fn of_planes(image: &ArrayView3<'a, Shared<T>>, filter: &'a Gaussian, planes: Range<usize>) -> Self {
        let reach = filter.reach();
        let mut sides = [0, 1, 2].map(|axis| BOX[axis].max(2 * reach[axis]));
        let bytes =
            |sides: [usize; 3]| sides[0] * (sides[1] + 2 * reach[1]) * (sides[2] + 2 * reach[2]) * size_of::<f64>();
        while sides[1] > 8 && sides[1] > 2 * reach[1] && bytes(sides) > CACHED {
            sides[1] -= 8;
        }
        while sides[2] > 64 && sides[2] > 2 * reach[2] && bytes(sides) > CACHED {
            sides[2] /= 2;
        }
        sides[2] = sides[2].next_multiple_of(WORD);
        Self { image: *image, filter, planes, sides, rounds_to: std::marker::PhantomData }
    }

    /// The rows and the columns of a box of this shape with what surrounds it, the columns padded.
    fn extended(&self, shape: [usize; 3]) -> [usize; 2] {
        let [_, y, x] = self.filter.reach();
        [shape[1] + 2 * y, (shape[2].next_multiple_of(LANES) + 2 * x).next_multiple_of(LANES)]
    }

    /// Copies the row at `z` and `y`, which may lie beyond the image, with what surrounds the box.
    fn fill(&self, [z, y]: [usize; 2], region: &Box3, buffer: &mut [T], copy: &mut [f64]) {
        let (_, _, length) = self.image.dim();
        let reach = self.filter.reach()[2];
        let plane = self.image.index_axis(Axis(0), z);
        let row = plane.index_axis(Axis(0), y);
        let x0 = region.offset[2] as isize - reach as isize;
        let count = region.shape[2] + 2 * reach;
        // The columns that lie in the image, those before them and those after.
        let inside: Range<usize> = x0.max(0) as usize..(region.offset[2] + region.shape[2] + reach).min(length);
        let before = (inside.start as isize - x0) as usize;
        match row.to_slice() {
            Some(row) => {
                // The row that this plane is asked for next; rows of other planes lie too far apart for the processor to notice.
                for x in inside.clone().step_by(PREFETCHED / size_of::<T>()) {
                    prefetch(row, length + x);
                }
                correlate::load(&row[inside.clone()], buffer, &mut copy[before..before + inside.len()]);
            }
            None => inside.clone().for_each(|x| copy[before + x - inside.start] = row[x].get().to_f64()),
        }
        for x in (0..before).chain(before + inside.len()..count) {
            copy[x] = row[mirrored(x0 + x as isize, length)].get().to_f64();
        }
    }
}

impl<T: Sample, F: Sample> Values for Smoothed<'_, T, F> {
    type Value = F;
    type Scratch = Scratch<T, F>;

    fn shape(&self) -> [usize; 3] {
        let (_, height, width) = self.image.dim();
        [self.planes.len(), height, width]
    }

    fn sides(&self) -> [usize; 3] {
        self.sides
    }

    fn scratch(&self) -> Result<Self::Scratch> {
        let shape = [0, 1, 2].map(|axis| self.sides[axis].min(self.shape()[axis]));
        let [height, width] = self.extended(shape);
        let numbers = |rows: usize| try_filled(SMOOTHING, rows.saturating_mul(width).saturating_add(LANES), 0.0);
        Ok(Scratch {
            copy: try_filled(SMOOTHING, width, T::default())?,
            planes: numbers(shape[0] + 2 * self.filter.reach()[0])?,
            first: numbers(shape[0].saturating_mul(height))?,
            second: numbers(ROWS)?,
            third: numbers(1)?,
            smoothed: try_filled(SMOOTHING, width, F::default())?,
        })
    }

    fn rows(&self, scratch: &mut Self::Scratch, region: &Box3, mut give: impl FnMut([usize; 2], &[F])) {
        if region.shape.contains(&0) {
            return;
        }
        let [weights_z, weights_y, weights_x] = &self.filter.weights;
        let (reach, dim) = (self.filter.reach(), self.image.dim());
        let [height, width] = self.extended(region.shape);
        let Scratch { copy, planes, first, second, third, smoothed } = scratch;
        let [planes, first, second, third] = [planes, first, second, third].map(|numbers| aligned(numbers));
        let (size, depth) = (height * width, region.shape[0]);
        let planes = &mut planes[..(depth + 2 * reach[0]) * width];
        let z0 = (self.planes.start + region.offset[0]) as isize - reach[0] as isize;
        let y0 = region.offset[1] as isize - reach[1] as isize;
        for y in 0..height {
            let image_y = mirrored(y0 + y as isize, dim.1);
            for (z, row) in planes.chunks_exact_mut(width).enumerate() {
                self.fill([mirrored(z0 + z as isize, dim.0), image_y], region, copy, row);
            }
            let first = &mut first[y * width..];
            if weights_z.is_empty() {
                // No rounding: scipy leaves the axis out, but converts to the type of the output.
                for (z, row) in planes.chunks_exact(width).enumerate() {
                    first[z * size..][..width].copy_from_slice(row);
                }
            } else {
                correlate::along_columns::<F>(weights_z, planes, width, first, size);
            }
        }
        let smoothed = &mut smoothed[..region.shape[2]];
        let third = &mut third[..region.shape[2].next_multiple_of(LANES)];
        for (z, plane) in first.chunks_exact(size).take(depth).enumerate() {
            for start in (0..region.shape[1]).step_by(ROWS) {
                let count = ROWS.min(region.shape[1] - start);
                let mut rows = &plane[start * width..][..(count + 2 * reach[1]) * width];
                if !weights_y.is_empty() {
                    correlate::along_columns::<F>(weights_y, rows, width, second, width);
                    rows = second;
                }
                for (y, mut row) in rows.chunks_exact(width).take(count).enumerate() {
                    if !weights_x.is_empty() {
                        correlate::along_row(weights_x, row, third);
                        row = third;
                    }
                    correlate::store(row, smoothed);
                    give([z, start + y], smoothed);
                }
            }
        }
    }
}

/// The numbers from the first one on that begins a line of the cache.
fn aligned(numbers: &mut [f64]) -> &mut [f64] {
    let start = numbers.as_ptr().align_offset(LANES * size_of::<f64>());
    &mut numbers[start..]
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;
    use proptest::prelude::*;

    use super::*;

    /// The definition, line by line, in the whole image.
    fn naive(image: &Array3<f64>, weights: [&[f64]; 3]) -> Array3<f32> {
        let mut values: ArrayD<f64> = image.clone().into_dyn();
        for (axis, weights) in weights.into_iter().enumerate() {
            if weights.is_empty() {
                continue;
            }
            let reach = (weights.len() / 2) as isize;
            for mut line in values.lanes_mut(Axis(axis)) {
                let copy = line.to_vec();
                let at = |x: isize| copy[mirrored(x, copy.len())];
                for (x, value) in line.iter_mut().enumerate() {
                    let x = x as isize;
                    *value = at(x) * weights[reach as usize];
                    for distance in (1..=reach).rev() {
                        *value += (at(x - distance) + at(x + distance)) * weights[(reach - distance) as usize];
                    }
                    *value = f64::from(*value as f32);
                }
            }
        }
        values.mapv(|value| value as f32).into_dimensionality().unwrap()
    }

    fn weights(reach: usize, width: f64) -> Vec<f64> {
        let reach = reach as i32;
        let weights = (-reach..=reach).map(|x| (-0.5 * f64::from(x * x) / (width * width)).exp());
        let sum: f64 = weights.clone().sum();
        weights.map(|weight| weight / sum).collect()
    }

    fn smooth<T: Sample>(image: &Array3<T>, weights: [&[f64]; 3]) -> Array3<f32> {
        let mut smoothed = Array3::zeros(image.raw_dim());
        let filter = Gaussian::new(weights).unwrap();
        gaussian(&Shared::view(&image.view()), &filter, smoothed.view_mut(), &Monitor::new()).unwrap();
        smoothed
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            shape in [1..40_usize, 1..40_usize, 1..300_usize],
            reaches in [0..6_usize, 0..6_usize, 0..6_usize],
            skipped in [any::<bool>(); 3],
            seed in any::<u32>(),
        ) {
            let mut state = seed;
            let image = Array3::from_shape_simple_fn(shape, || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            });
            let all = reaches.map(|reach| weights(reach, 1.3));
            let used = [0, 1, 2].map(|axis| if skipped[axis] { &[][..] } else { &all[axis][..] });
            let expected = naive(&image.mapv(f64::from), used);
            prop_assert_eq!(&smooth(&image, used), &expected);
            prop_assert_eq!(&smooth(&image.mapv(f32::from), used), &expected);
            let turned = image.clone().reversed_axes();
            let turned = turned.as_standard_layout().into_owned().reversed_axes();
            prop_assert_eq!(&smooth(&turned, used), &expected);
        }
    }

    #[test]
    fn mirrors_at_the_faces() {
        let positions: Vec<usize> = (-5..8).map(|position| mirrored(position, 3)).collect();
        assert_eq!(positions, [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert!((-4..5).all(|position| mirrored(position, 1) == 0));
    }

    #[test]
    fn takes_images_without_voxels() {
        let weights = weights(2, 1.0);
        for shape in [[0, 3, 70], [3, 0, 70], [3, 70, 0], [0, 0, 0]] {
            assert!(smooth(&Array3::<u8>::zeros(shape), [&weights; 3]).is_empty());
        }
    }

    #[test]
    fn refuses_weights_without_a_centre() {
        assert!(matches!(Gaussian::new([&[0.5, 0.5], &[], &[]]), Err(Error::InvalidArgument { name: "weights", .. })));
    }
}
