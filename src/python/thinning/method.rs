//! Methods by their names.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::thinning::Method;

/// The method of this name, for an image of so many planes.
pub(in crate::python) fn method(name: &str, planes: usize) -> PyResult<Method> {
    let method = match name {
        "lee" => Method::Lee,
        "lee-preserving" => Method::LeePreserving,
        "zhang" => Method::Zhang,
        _ => {
            return Err(PyValueError::new_err(format!(
                "method: expected 'lee', 'lee-preserving' or 'zhang', got {name:?}"
            )));
        }
    };
    if method.is_for(planes) {
        return Ok(method);
    }
    Err(PyValueError::new_err(format!("method: expected an image of one plane for {name:?}, got {planes} planes")))
}
