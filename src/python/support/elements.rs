//! Arrays of any real element type, as unsigned integers of the same size, which other threads of Python may be writing.

use ndarray::{ArrayView, ArrayViewMut, Dimension};
use numpy::{Element, PyArrayMethods, PyReadonlyArray, PyReadwriteArray, PyUntypedArrayMethods};

use crate::image::elements::Shared;

/// The elements of an array, read without the promise that no other thread writes them meanwhile.
pub(in crate::python) fn shared<'a, T: Element + Copy, D: Dimension>(
    array: &'a PyReadonlyArray<'_, T, D>,
) -> ArrayView<'a, Shared<T>, D> {
    // SAFETY: numpy keeps the memory while the array is borrowed; `Shared<T>` has the layout of `T` and promises no more.
    unsafe { array.as_raw_array().cast::<Shared<T>>().deref_into_view() }
}

/// The elements of an array to write, if it has any: an array without may have strides that no view takes.
pub(in crate::python) fn writable<'a, T: Element, D: Dimension>(
    array: &'a mut PyReadwriteArray<'_, T, D>,
) -> Option<ArrayViewMut<'a, T, D>> {
    if array.is_empty() { None } else { Some(array.as_array_mut()) }
}

/// Calls a generic function with the array as a read-only one of `u8`, `u16`, `u32` or `u64`, whichever it is, and with the
/// mask of foreground bits in that type, if there is one; anything else is a `TypeError` that names the argument.
macro_rules! with_elements {
    ($array:ident: $readonly:ident => $call:expr) => {{
        let _mask = u64::MAX;
        with_elements!($array: $readonly, _mask => $call)
    }};
    ($array:ident: $readonly:ident, $mask:ident => $call:expr) => {
        if let Ok($array) = $array.extract::<numpy::$readonly<'_, u8>>() {
            let $mask = $mask as u8;
            $call
        } else if let Ok($array) = $array.extract::<numpy::$readonly<'_, u16>>() {
            let $mask = $mask as u16;
            $call
        } else if let Ok($array) = $array.extract::<numpy::$readonly<'_, u32>>() {
            let $mask = $mask as u32;
            $call
        } else if let Ok($array) = $array.extract::<numpy::$readonly<'_, u64>>() {
            $call
        } else {
            Err(pyo3::exceptions::PyTypeError::new_err(concat!(
                stringify!($array),
                ": expected an array of unsigned integers"
            )))
        }
    };
}
pub(in crate::python) use with_elements;
