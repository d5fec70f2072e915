//! The one place where the kernels' errors become Python exceptions.

use std::io;

use pyo3::PyErr;
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyRuntimeError, PyValueError};

use crate::support::errors::Error;

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Interrupted => PyKeyboardInterrupt::new_err(()),
            Error::OutOfMemory { .. } => PyMemoryError::new_err(message),
            Error::Threads { .. } => PyRuntimeError::new_err(message),
            // The kind becomes its class: FileNotFoundError and others.
            Error::File { kind, .. } => io::Error::new(kind, message).into(),
            Error::InvalidArgument { .. } => PyValueError::new_err(message),
        }
    }
}
