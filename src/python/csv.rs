//! Rows of tables as CSV text.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::csv::{self, Column};
use crate::python::support::arrays::AlignedArray1;
use crate::python::support::threads::run;

/// Tables with fewer numbers are formatted before other threads are awake.
const NUMBERS_WORTH_THREADS: usize = 1 << 14;

/// A column of floats, of integers of 64 or 32 bits, or of booleans, which come as bytes.
#[derive(FromPyObject)]
enum ColumnArray<'py> {
    Floats(AlignedArray1<'py, f64>),
    Integers(AlignedArray1<'py, i64>),
    Narrow(AlignedArray1<'py, i32>),
    Booleans(AlignedArray1<'py, u8>),
}

/// The rows of a table as CSV text in UTF-8, as pandas' `to_csv` writes them.
#[pyfunction]
fn csv_rows<'py>(py: Python<'py>, columns: Vec<ColumnArray<'py>>) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let columns: Vec<Column<'_>> = columns
        .iter()
        .map(|column| match column {
            ColumnArray::Floats(values) => Column::Floats(values.as_slice()),
            ColumnArray::Integers(values) => Column::Integers(values.as_slice()),
            ColumnArray::Narrow(values) => Column::Narrow(values.as_slice()),
            ColumnArray::Booleans(values) => Column::Booleans(values.as_slice()),
        })
        .collect();
    let numbers = columns.len() * columns.first().map_or(0, Column::len);
    let text = run(py, numbers >= NUMBERS_WORTH_THREADS, |monitor| csv::rows(&columns, monitor))?;
    Ok(text.into_pyarray(py))
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(csv_rows, module)?)
}
