//! Gray images: smoothing, ranges, histograms and thresholds.

use std::ops::Range;

use ndarray::{ArrayViewMut3, s};
use numpy::{Element as PyElement, IntoPyArray, PyArray1, PyReadonlyArray3, PyReadwriteArray3, PyUntypedArrayMethods};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::centreline::PyMaskRows;
use super::support::elements::{shared, writable};
use super::support::threads::run;
use crate::gray::gaussian::{self, Gaussian, Smoothed};
use crate::gray::histogram::{self, Bins};
use crate::gray::range;
use crate::gray::sample::{Float, Sample};
use crate::gray::threshold::{self, Rule};
use crate::gray::values::{Plain, Values};
use crate::image::mask_rows::MaskRows;

/// Smaller images are done before other threads are awake.
const VOXELS_WORTH_THREADS: usize = 1 << 16;

/// The weights along each axis, from one end to the other; none where the axis is not smoothed.
type Weights = [Vec<f64>; 3];

/// How many values each bin has.
type Counts<'py> = Bound<'py, PyArray1<i64>>;

/// The error for elements of another type.
fn unknown_elements() -> PyErr {
    PyTypeError::new_err("image: expected a 3D array of integers, float32 or float64")
}

fn filter_of(weights: &Weights) -> PyResult<Gaussian> {
    Ok(Gaussian::new([&weights[0], &weights[1], &weights[2]])?)
}

/// The planes of an image of so many, all of them unless some are wanted.
fn planes_of(planes: Option<[usize; 2]>, count: usize) -> PyResult<Range<usize>> {
    let [start, end] = planes.unwrap_or([0, count]);
    if start <= end && end <= count {
        return Ok(start..end);
    }
    Err(PyValueError::new_err(format!("planes: expected a range up to {count}, got {start} to {end}")))
}

/// Calls a function with the interpreter, the values of planes of an image, smoothed if there are weights, and more arguments.
macro_rules! with_values {
    ($py:ident, $image:ident, $weights:ident, $planes:ident => $function:ident($($argument:expr),*)) => {{
        let filter = $weights.as_ref().map(filter_of).transpose()?;
        macro_rules! of_type {
            ($element:ty => $smoothed:ty) => {
                if let Ok(image) = $image.extract::<PyReadonlyArray3<'_, $element>>() {
                    let image = shared(&image);
                    let planes = planes_of($planes, image.dim().0)?;
                    return match &filter {
                        None => $function($py, &Plain(image.slice_move(s![planes, .., ..])) $(, $argument)*),
                        Some(filter) => {
                            let values = Smoothed::<$element, $smoothed>::of_planes(&image, filter, planes);
                            $function($py, &values $(, $argument)*)
                        }
                    };
                }
            };
        }
        of_type!(u8 => f32);
        of_type!(u16 => f32);
        of_type!(f32 => f32);
        of_type!(f64 => f64);
        of_type!(i8 => f32);
        of_type!(i16 => f32);
        of_type!(u32 => f64);
        of_type!(i32 => f64);
        of_type!(u64 => f64);
        of_type!(i64 => f64);
        Err(unknown_elements())
    }};
}

fn is_worth_threads<V: Values>(values: &V) -> bool {
    values.shape().iter().product::<usize>() >= VOXELS_WORTH_THREADS
}

/// Smooths `image` into `smoothed` with these weights along each axis; an axis without weights is not smoothed.
#[pyfunction]
fn gaussian_filter(
    py: Python<'_>,
    image: &Bound<'_, PyAny>,
    weights: Weights,
    smoothed: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let filter = filter_of(&weights)?;
    macro_rules! smooth {
        ($($element:ty => $output:ty),*) => {$(
            if let (Ok(image), Ok(smoothed)) = (
                image.extract::<PyReadonlyArray3<'_, $element>>(),
                smoothed.extract::<PyReadwriteArray3<'_, $output>>(),
            ) {
                return smooth_into(py, &image, &filter, smoothed);
            }
        )*};
    }
    smooth!(u8 => f32, i8 => f32, u16 => f32, i16 => f32, f32 => f32);
    smooth!(u32 => f64, i32 => f64, u64 => f64, i64 => f64, f64 => f64);
    smooth!(u8 => u8, i8 => i8, u16 => u16, i16 => i16, u32 => u32, i32 => i32);
    Err(unknown_elements())
}

fn smooth_into<T: Sample + PyElement, F: Sample + PyElement + bytemuck::Zeroable>(
    py: Python<'_>,
    image: &PyReadonlyArray3<'_, T>,
    filter: &Gaussian,
    mut smoothed: PyReadwriteArray3<'_, F>,
) -> PyResult<()> {
    let (image, threads) = (shared(image), image.len() >= VOXELS_WORTH_THREADS);
    let Some(smoothed) = writable(&mut smoothed) else { return Ok(()) };
    run(py, threads, |monitor| gaussian::gaussian(&image, filter, smoothed, monitor))
}

/// The smallest and the largest number among the values, whether there are NaN, and whether there are no others than those two.
type Found<'py> = (Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>, bool, bool);

#[pyfunction]
#[pyo3(signature = (image, weights=None, planes=None))]
fn value_range<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    weights: Option<Weights>,
    planes: Option<[usize; 2]>,
) -> PyResult<Found<'py>> {
    with_values!(py, image, weights, planes => range_of())
}

fn range_of<'py, V: Values>(py: Python<'py>, values: &V) -> PyResult<Found<'py>>
where
    V::Value: IntoPyObject<'py>,
{
    let found = run(py, is_worth_threads(values), |monitor| range::value_range(values, monitor))?;
    let ends = match found.ends {
        None => None,
        Some((low, high)) => Some((low.into_bound_py_any(py)?, high.into_bound_py_any(py)?)),
    };
    Ok((ends, found.has_nan, found.only_two))
}

/// Counts the integers from `low` on, one bin for each of `count`.
#[pyfunction]
#[pyo3(signature = (image, low, count))]
fn count_each<'py>(py: Python<'py>, image: &Bound<'py, PyAny>, low: i128, count: usize) -> PyResult<Counts<'py>> {
    macro_rules! of_type {
        ($($element:ty),*) => {$(
            if let Ok(image) = image.extract::<PyReadonlyArray3<'_, $element>>() {
                let values = Plain(shared(&image));
                let Ok(low) = <$element>::try_from(low) else {
                    return Err(PyValueError::new_err("low: expected a value of the image's type"));
                };
                let counts = run(py, is_worth_threads(&values), |monitor| {
                    histogram::count_each(&values, low, count, monitor)
                })?;
                return Ok(counts.into_pyarray(py));
            }
        )*};
    }
    of_type!(u8, i8, u16, i16, u32, i32, u64, i64);
    Err(PyTypeError::new_err("image: expected a 3D array of integers"))
}

/// Counts values in bins of equal width that begin at `low` and together are `span` wide.
#[pyfunction]
#[pyo3(signature = (image, low, span, edges, weights=None, planes=None))]
fn count_bins<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    low: f64,
    span: f64,
    edges: Vec<f64>,
    weights: Option<Weights>,
    planes: Option<[usize; 2]>,
) -> PyResult<Counts<'py>> {
    with_values!(py, image, weights, planes => bins_of(low, span, &edges))
}

fn bins_of<'py, V: Values>(py: Python<'py>, values: &V, low: f64, span: f64, edges: &[f64]) -> PyResult<Counts<'py>> {
    let edges: Vec<_> = edges.iter().map(|&edge| <V::Value as Sample>::Bins::from_f64(edge)).collect();
    let [low, span] = [low, span].map(<V::Value as Sample>::Bins::from_f64);
    let counts =
        run(py, is_worth_threads(values), |monitor| histogram::count_bins(values, low, span, &edges, monitor))?;
    Ok(counts.into_pyarray(py))
}

/// Marks the values above a threshold, or those that are not zero without one; returns how many there are.
#[pyfunction]
#[pyo3(signature = (image, threshold, mask, weights=None))]
fn foreground(
    py: Python<'_>,
    image: &Bound<'_, PyAny>,
    threshold: Option<f64>,
    mut mask: PyReadwriteArray3<'_, u8>,
    weights: Option<Weights>,
) -> PyResult<u64> {
    let rule = threshold.map_or(Rule::Nonzero, Rule::Above);
    let Some(mask) = writable(&mut mask) else { return Ok(0) };
    let planes = None;
    with_values!(py, image, weights, planes => foreground_of(rule, mask))
}

fn foreground_of<V: Values>(py: Python<'_>, values: &V, rule: Rule, mask: ArrayViewMut3<'_, u8>) -> PyResult<u64> {
    run(py, is_worth_threads(values), |monitor| threshold::foreground(values, rule, mask, monitor))
}

/// Writes the same voxels of planes of an image into a packed mask, the first plane at plane `first`.
#[pyfunction]
#[pyo3(signature = (image, threshold, mask, first, weights=None, planes=None))]
fn packed_foreground(
    py: Python<'_>,
    image: &Bound<'_, PyAny>,
    threshold: Option<f64>,
    mut mask: PyRefMut<'_, PyMaskRows>,
    first: usize,
    weights: Option<Weights>,
    planes: Option<[usize; 2]>,
) -> PyResult<u64> {
    let (rule, mask) = (threshold.map_or(Rule::Nonzero, Rule::Above), &mut mask.mask);
    with_values!(py, image, weights, planes => packed_foreground_of(rule, mask, first))
}

/// What a histogram has: where it begins, its width, and its edges.
type BinsGiven = (f64, f64, Vec<f64>);

/// Bits of a packed mask, and the values of their voxels.
type Undecided<'py> = (Bound<'py, PyArray1<u64>>, Bound<'py, PyAny>);

/// Counts values in bins, and writes what is above the second of two thresholds into a packed mask. Voxels above the first only
/// are returned, or None if they are more than `most`.
#[pyfunction]
#[pyo3(signature = (image, bins, between, most, mask, first, weights=None, planes=None))]
#[allow(clippy::too_many_arguments, reason = "named by the caller")]
fn count_and_pack<'py>(
    py: Python<'py>,
    image: &Bound<'py, PyAny>,
    bins: BinsGiven,
    between: [f64; 2],
    most: usize,
    mut mask: PyRefMut<'py, PyMaskRows>,
    first: usize,
    weights: Option<Weights>,
    planes: Option<[usize; 2]>,
) -> PyResult<(Counts<'py>, Option<Undecided<'py>>)> {
    let mask = &mut mask.mask;
    with_values!(py, image, weights, planes => count_and_pack_of(&bins, between, most, mask, first))
}

fn count_and_pack_of<'py, V: Values>(
    py: Python<'py>,
    values: &V,
    (low, span, edges): &BinsGiven,
    between: [f64; 2],
    most: usize,
    mask: &mut MaskRows,
    first: usize,
) -> PyResult<(Counts<'py>, Option<Undecided<'py>>)>
where
    V::Value: PyElement,
{
    let edges: Vec<_> = edges.iter().map(|&edge| <V::Value as Sample>::Bins::from_f64(edge)).collect();
    let [low, span] = [*low, *span].map(<V::Value as Sample>::Bins::from_f64);
    let bins = Bins::new(low, span, &edges)?;
    let (counts, undecided) = run(py, is_worth_threads(values), |monitor| {
        threshold::count_and_pack(values, &bins, between, most, mask, first, monitor)
    })?;
    let undecided = undecided.map(|found| (found.bits.into_pyarray(py), found.values.into_pyarray(py).into_any()));
    Ok((counts.into_pyarray(py), undecided))
}

fn packed_foreground_of<V: Values>(
    py: Python<'_>,
    values: &V,
    rule: Rule,
    mask: &mut MaskRows,
    first: usize,
) -> PyResult<u64> {
    run(py, is_worth_threads(values), |monitor| threshold::packed_foreground(values, rule, mask, first, monitor))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(gaussian_filter, module)?)?;
    module.add_function(wrap_pyfunction!(value_range, module)?)?;
    module.add_function(wrap_pyfunction!(count_each, module)?)?;
    module.add_function(wrap_pyfunction!(count_bins, module)?)?;
    module.add_function(wrap_pyfunction!(count_and_pack, module)?)?;
    module.add_function(wrap_pyfunction!(foreground, module)?)?;
    module.add_function(wrap_pyfunction!(packed_foreground, module)?)
}
