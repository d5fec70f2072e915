//! Arrays of known element type as the kernels take them: contiguous, and aligned for their elements.
//!
//! Pickle's out-of-band buffers may begin at any byte of a larger one, so arrays that crossed from another process need not be
//! aligned. Every argument is made fit here, once, where it enters: what is fit already is borrowed, anything else is copied.

use std::ops::Deref;

use numpy::{Element, Ix1, Ix2, PyArray, PyArrayMethods, PyReadonlyArray};
use pyo3::prelude::*;

/// An array of `T` whose elements are contiguous and aligned; extraction fails only where `T` or the number of axes differs.
pub struct AlignedArray<'py, T: Element, D: numpy::ndarray::Dimension>(PyReadonlyArray<'py, T, D>);

/// One with one axis.
pub type AlignedArray1<'py, T> = AlignedArray<'py, T, Ix1>;

/// One with two axes.
pub type AlignedArray2<'py, T> = AlignedArray<'py, T, Ix2>;

impl<'a, 'py, T: Element + 'py, D: numpy::ndarray::Dimension + 'py> FromPyObject<'a, 'py> for AlignedArray<'py, T, D> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let array = object.cast::<PyArray<T, D>>()?.to_owned();
        let readonly = array.try_readonly()?;
        if readonly.as_slice().is_ok() {
            return Ok(Self(readonly));
        }
        let copy = array.call_method1("copy", ("C",))?.cast_into::<PyArray<T, D>>()?;
        Ok(Self(copy.try_readonly()?))
    }
}

impl<T: Element, D: numpy::ndarray::Dimension> AlignedArray<'_, T, D> {
    /// The elements in C order.
    ///
    /// # Panics
    /// Never: extraction has made them contiguous.
    pub fn as_slice(&self) -> &[T] {
        self.0.as_slice().expect("the array was made contiguous")
    }
}

impl<'py, T: Element, D: numpy::ndarray::Dimension> Deref for AlignedArray<'py, T, D> {
    type Target = PyReadonlyArray<'py, T, D>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
