//! Chunk graphs as Python objects that never change: from a block's foreground, from bytes, from others.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::python::support::arrays::AlignedArray1;

use crate::chunk_graph::{Block, ChunkGraph, Geometry, Shifts, Table, Values};
use crate::graph::heights::HeightType;
use crate::python::graph::NodeHeights;
use crate::python::support::threads::{NODES_WORTH_THREADS, run};
use crate::support::allocate::{try_collect, try_copy};

/// What the buffers are for.
const VALUES: &str = "the values of a block";

type Array1<'py, T> = Bound<'py, PyArray1<T>>;

/// What is known of a part of an image.
#[pyclass(frozen, name = "ChunkGraph", module = "skanrs._core")]
struct PyChunkGraph {
    graph: ChunkGraph,
}

#[pymethods]
impl PyChunkGraph {
    /// The chunk graph of a block's foreground, whose linear indices in the block are `nodes`. `values` are `float64`, or of
    /// any type of heights if they are heights; `half` says that single precision heights were of half precision; `labels` that
    /// `uint64` are labels.
    #[staticmethod]
    #[pyo3(signature = (nodes, block_shape, *, offset, shape, spacing, values=None, heights=false, half=false, labels=false))]
    #[allow(clippy::too_many_arguments, reason = "named by the caller")]
    fn from_block(
        py: Python<'_>,
        nodes: AlignedArray1<'_, i64>,
        block_shape: Vec<usize>,
        offset: Vec<usize>,
        shape: Vec<usize>,
        spacing: Vec<f64>,
        values: Option<NodeHeights<'_>>,
        heights: bool,
        half: bool,
        labels: bool,
    ) -> PyResult<Self> {
        let (kind, values) = match values {
            None => (Values::Absent, Vec::new()),
            Some(values) => bits(&values, heights, half)?,
        };
        let kind = match kind {
            Values::Numbers if labels => Values::Labels,
            kind => kind,
        };
        let nodes = nodes.as_slice();
        let block = Block { shape: &block_shape, offset: &offset, nodes, values: &values };
        let graph = run(py, nodes.len() >= NODES_WORTH_THREADS, |monitor| {
            ChunkGraph::from_block(block, Geometry::new(&shape, &spacing, kind)?, monitor)
        })?;
        Ok(Self { graph })
    }

    /// Joins chunk graphs of one image.
    #[staticmethod]
    fn merge(py: Python<'_>, graphs: Vec<PyRef<'_, Self>>) -> PyResult<Self> {
        let graphs: Vec<&ChunkGraph> = graphs.iter().map(|graph| &graph.graph).collect();
        let graph = run(py, false, |monitor| ChunkGraph::merge(&graphs, monitor))?;
        Ok(Self { graph })
    }

    /// Merges chunk graphs; also returns the increase of the ranks of each, as bytes for `rank_gains`.
    #[staticmethod]
    fn merge_with_shifts<'py>(
        py: Python<'py>,
        graphs: Vec<PyRef<'py, Self>>,
    ) -> PyResult<(Self, Vec<Array1<'py, u8>>)> {
        let graphs: Vec<&ChunkGraph> = graphs.iter().map(|graph| &graph.graph).collect();
        let (graph, shifts) = run(py, false, |monitor| {
            let (graph, shifts) = ChunkGraph::merge_with_shifts(&graphs, monitor)?;
            Ok((graph, shifts.iter().map(Shifts::to_bytes).collect::<Result<Vec<_>, _>>()?))
        })?;
        Ok((Self { graph }, shifts.into_iter().map(|bytes| bytes.into_pyarray(py)).collect()))
    }

    /// The graph without finished branches, those branches, and the linear indices of isolated voxels.
    fn split_finished<'py>(&self, py: Python<'py>) -> PyResult<(Self, FinishedArrays<'py>, Array1<'py, i64>)> {
        let (graph, finished) = run(py, false, |_| self.graph.split_finished())?;
        let arrays = FinishedArrays {
            first_steps: finished.first.into_pyarray(py),
            is_cycle: finished.is_cycle.into_pyarray(py),
            rows: TableArrays::new(py, finished.table),
        };
        Ok((Self { graph }, arrays, bytemuck::cast_vec::<u64, i64>(finished.isolated).into_pyarray(py)))
    }

    /// The linear indices of the settled voxels at the ends of open paths, ascending.
    fn terminals<'py>(&self, py: Python<'py>) -> PyResult<Array1<'py, i64>> {
        let terminals = run(py, false, |_| self.graph.terminals())?;
        Ok(bytemuck::cast_vec::<u64, i64>(terminals).into_pyarray(py))
    }

    /// The graph that `to_bytes` wrote.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, buffer: AlignedArray1<'_, u8>) -> PyResult<Self> {
        let bytes = buffer.as_slice();
        Ok(Self { graph: run(py, false, |_| ChunkGraph::from_bytes(bytes))? })
    }

    /// The graph as bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Array1<'py, u8>> {
        Ok(run(py, false, |_| self.graph.to_bytes())?.into_pyarray(py))
    }

    /// The rows from `start` to `stop` of the table of the whole image.
    fn table<'py>(&self, py: Python<'py>, start: usize, stop: usize) -> PyResult<TableArrays<'py>> {
        let table = run(py, false, |monitor| self.graph.table(start..stop, monitor))?;
        Ok(TableArrays::new(py, table))
    }

    #[getter]
    fn offset(&self) -> Vec<usize> {
        self.graph.offset().to_vec()
    }

    #[getter]
    fn extent(&self) -> Vec<usize> {
        self.graph.extent()
    }

    #[getter]
    fn image_shape(&self) -> Vec<usize> {
        self.graph.geometry().shape().to_vec()
    }

    #[getter]
    fn finished(&self) -> usize {
        self.graph.finished()
    }

    #[getter]
    fn open(&self) -> usize {
        self.graph.open()
    }

    #[getter]
    fn foreground(&self) -> PyResult<u64> {
        Ok(self.graph.foreground()?)
    }

    #[getter]
    fn is_complete(&self) -> PyResult<bool> {
        Ok(self.graph.is_complete()?)
    }

    /// Whether voxels have labels, those of different ones being no neighbours.
    #[getter]
    fn has_labels(&self) -> bool {
        self.graph.geometry().has_labels()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.graph.nbytes()
    }
}

/// Values as 64 bits each, and what they are for.
fn bits(values: &NodeHeights<'_>, heights: bool, half: bool) -> PyResult<(Values, Vec<u64>)> {
    let (kind, bits) = match values {
        NodeHeights::Single(values) => {
            let kind = if half { HeightType::Half } else { HeightType::Single };
            (kind, try_collect(VALUES, values.as_slice().iter().map(|&value| f64::from(value).to_bits()))?)
        }
        NodeHeights::Double(values) => {
            (HeightType::Double, try_collect(VALUES, values.as_slice().iter().map(|value| value.to_bits()))?)
        }
        NodeHeights::Signed(values) => {
            (HeightType::Signed, try_collect(VALUES, values.as_slice().iter().map(|&value| value as u64))?)
        }
        NodeHeights::Unsigned(values) => (HeightType::Unsigned, try_copy(VALUES, values.as_slice())?),
    };
    Ok((if heights { Values::Heights(kind) } else { Values::Numbers }, bits))
}

/// Rows that were left behind, with what brings them into order.
#[derive(IntoPyObject)]
struct FinishedArrays<'py> {
    rows: TableArrays<'py>,
    first_steps: Array1<'py, u8>,
    is_cycle: Array1<'py, bool>,
}

/// What the ranks of voxels gain, as `ChunkGraph.merge_with_shifts` says.
#[pyfunction]
fn rank_gains<'py>(
    py: Python<'py>,
    shifts: AlignedArray1<'py, u8>,
    indices: AlignedArray1<'py, i64>,
) -> PyResult<Array1<'py, i64>> {
    let (bytes, indices) = (shifts.as_slice(), indices.as_slice());
    let gains = run(py, false, |_| {
        let shifts = Shifts::from_bytes(bytes)?;
        try_collect("ranks", indices.iter().map(|&index| shifts.gain(index as u64) as i64))
    })?;
    Ok(gains.into_pyarray(py))
}

/// Columns of a branch table as arrays, by name.
#[derive(IntoPyObject)]
struct TableArrays<'py> {
    components: Array1<'py, i64>,
    source_nodes: Array1<'py, i64>,
    destination_nodes: Array1<'py, i64>,
    source_indices: Array1<'py, i64>,
    destination_indices: Array1<'py, i64>,
    source_is_tip: Array1<'py, bool>,
    destination_is_tip: Array1<'py, bool>,
    lengths: Array1<'py, f64>,
    labels: Array1<'py, u64>,
    voxels: Array1<'py, i64>,
    sums: Array1<'py, f64>,
    squares: Array1<'py, f64>,
    source_values: Array1<'py, f64>,
    destination_values: Array1<'py, f64>,
}

impl<'py> TableArrays<'py> {
    fn new(py: Python<'py>, table: Table) -> Self {
        let signed = |column: Vec<u64>| bytemuck::cast_vec::<u64, i64>(column).into_pyarray(py);
        let [source_nodes, destination_nodes] = table.nodes.map(signed);
        let [source_indices, destination_indices] = table.indices.map(signed);
        let [source_is_tip, destination_is_tip] = table.is_tip.map(|column| column.into_pyarray(py));
        let [source_values, destination_values] = table.values.map(|column| column.into_pyarray(py));
        Self {
            components: signed(table.components),
            source_nodes,
            destination_nodes,
            source_indices,
            destination_indices,
            source_is_tip,
            destination_is_tip,
            lengths: table.lengths.into_pyarray(py),
            labels: table.labels.into_pyarray(py),
            voxels: signed(table.voxels),
            sums: table.sums.into_pyarray(py),
            squares: table.squares.into_pyarray(py),
            source_values,
            destination_values,
        }
    }
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyChunkGraph>()?;
    module.add_function(wrap_pyfunction!(rank_gains, module)?)
}
