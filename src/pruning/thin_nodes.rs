//! Thinning of an image given as a list of voxels, most of which stay: a skeleton from which something was removed.
//!
//! A border step deletes nothing in a neighbourhood that did not change since that kind of step last ran, since a collected
//! voxel is deleted unless a neighbour was. So after one look at each voxel, only neighbours of what was deleted are looked at
//! again. The steps follow each other as in the whole image, and the voxels of a step in raster order, so the result is that
//! of [`crate::thinning::thin`].
//!
//! Cost: the pixel graph of the voxels, then a look at each and some for each deletion; nothing for background. Memory: 12
//! bytes an entry of the graph and 16 a voxel.

use crate::graph::csr::{Csr, Index};
use crate::graph::pixel_graph::{Neighbourhood, pixel_graph};
use crate::image::neighbourhood::{bit, is_simple_and_no_endpoint};
use crate::support::allocate::{Grow, try_filled, try_with_capacity};
use crate::support::errors::{Result, check_numbers};
use crate::support::threads::Monitor;
use crate::thinning::method::{Method, steps};
use crate::thinning::words::simple_points::BORDERS;
use crate::thinning::words::zhang::{REMOVED, table_index};

/// The voxels that are left, and those near which something may still change.
struct Nodes<I> {
    graph: Csr<I>,
    /// z, y and x of each voxel, modulo 2³².
    coordinates: Vec<[u32; 3]>,
    /// The neighbours that are left, as [`crate::image::neighbourhood`] numbers them.
    neighbours: Vec<u32>,
    kept: Vec<bool>,
    /// For each kind of step the voxels to look at, and for each voxel one bit for each of these lists it is on.
    pending: Vec<Vec<u32>>,
    listed: Vec<u8>,
}

impl<I: Index> Nodes<I> {
    fn new(nodes: &[i64], shape: [usize; 3], steps: usize, monitor: &Monitor) -> Result<Self> {
        check_numbers("nodes", nodes.len())?;
        let graph = pixel_graph::<I>(nodes, &Neighbourhood::new(&shape, &[1.0; 3], 3), None, monitor)?;
        let mut coordinates = try_with_capacity("coordinates", nodes.len())?;
        coordinates.extend(nodes.iter().map(|&node| {
            let (row, x) = (node as usize / shape[2], node as usize % shape[2]);
            [(row / shape[1]) as u32, (row % shape[1]) as u32, x as u32]
        }));
        let mut all = Self {
            neighbours: try_filled("neighbourhoods", nodes.len(), 0)?,
            kept: try_filled("voxels", nodes.len(), true)?,
            listed: try_filled("voxels", nodes.len(), 0)?,
            pending: vec![Vec::new(); steps],
            graph,
            coordinates,
        };
        for node in 0..nodes.len() {
            let row = all.graph.view().row(node);
            all.neighbours[node] = row.fold(0, |mask, entry| mask | 1 << all.direction(node, all.target(entry)));
        }
        Ok(all)
    }

    fn target(&self, entry: usize) -> usize {
        self.graph.indices[entry].get()
    }

    /// The bit that `neighbour` has in the neighbourhood of `node`.
    fn direction(&self, node: usize, neighbour: usize) -> u32 {
        let ([z, y, x], [other_z, other_y, other_x]) = (self.coordinates[node], self.coordinates[neighbour]);
        // Neighbours' positions differ by one at most, also where they wrap.
        let offset = |from: u32, to: u32| to.wrapping_sub(from).cast_signed();
        bit(offset(z, other_z), offset(y, other_y), offset(x, other_x))
    }

    /// Has a voxel looked at in the next step of each kind.
    fn list(&mut self, node: usize) -> Result<()> {
        for (step, pending) in self.pending.iter_mut().enumerate() {
            if self.listed[node] >> step & 1 == 0 {
                self.listed[node] |= 1 << step;
                pending.try_push("the voxels to look at", node as u32)?;
            }
        }
        Ok(())
    }

    /// The voxels to look at in a step, in raster order.
    fn take(&mut self, step: usize) -> Vec<u32> {
        let mut nodes = std::mem::take(&mut self.pending[step]);
        for &node in &nodes {
            self.listed[node as usize] &= !(1 << step);
        }
        nodes.retain(|&node| self.kept[node as usize]);
        nodes.sort_unstable();
        nodes
    }

    fn delete(&mut self, node: usize) -> Result<()> {
        self.kept[node] = false;
        for entry in self.graph.view().row(node) {
            let neighbour = self.target(entry);
            if self.kept[neighbour] {
                self.neighbours[neighbour] &= !(1 << self.direction(neighbour, node));
                self.list(neighbour)?;
            }
        }
        Ok(())
    }
}

/// Which voxels thinning leaves of the image whose foreground is `nodes`: ascending linear indices in an image of `shape`.
///
/// # Errors
/// [`crate::support::errors::Error::InvalidArgument`] for more voxels than 32 bits number, [`crate::support::errors::Error::OutOfMemory`] and
/// [`crate::support::errors::Error::Interrupted`].
///
/// # Panics
/// If the method is Zhang's and the image has more than one plane.
pub fn thin_nodes<I: Index>(nodes: &[i64], shape: [usize; 3], method: Method, monitor: &Monitor) -> Result<Vec<bool>> {
    assert!(method.is_for(shape[0]), "Zhang's method is for 2D images");
    let steps = steps(method, shape[0]);
    let mut all = Nodes::<I>::new(nodes, shape, steps, monitor)?;
    for node in 0..nodes.len() {
        let may_go = match method {
            Method::Lee | Method::LeePreserving => is_simple_and_no_endpoint(all.neighbours[node]),
            Method::Zhang => (0..steps).any(|step| REMOVED[step][table_index(all.neighbours[node])]),
        };
        if may_go {
            all.list(node)?;
        }
    }
    while all.pending.iter().any(|pending| !pending.is_empty()) {
        monitor.check()?;
        for step in 0..steps {
            let mut collected = all.take(step);
            collected.retain(|&node| {
                let neighbours = all.neighbours[node as usize];
                match method {
                    Method::Lee | Method::LeePreserving => {
                        neighbours >> BORDERS[step].face & 1 == 0 && is_simple_and_no_endpoint(neighbours)
                    }
                    Method::Zhang => REMOVED[step][table_index(neighbours)],
                }
            });
            for node in collected {
                if method.deletes(all.neighbours[node as usize]) {
                    all.delete(node as usize)?;
                }
            }
        }
    }
    Ok(all.kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_out_on_a_long_axis_is_as_near_the_origin() {
        // A bar of 3 x 3 x 16 voxels.
        let bar = |length: i64, start: i64| -> Vec<i64> {
            let rows = (1..4).flat_map(|z| (1..4).map(move |y| 5 * z + y));
            rows.flat_map(|row| (start - 8..start + 8).map(move |x| row * length + x)).collect()
        };
        for method in [Method::Lee, Method::LeePreserving] {
            let kept = |length: i64, start| {
                let shape = [5, 5, length as usize];
                thin_nodes::<i32>(&bar(length, start), shape, method, &Monitor::new()).unwrap()
            };
            let near = kept(20, 10);
            assert!(near.iter().any(|&kept| kept) && near.iter().any(|&kept| !kept));
            for start in [1 << 31, 1 << 32, 1 << 40] {
                assert_eq!(kept(start + 10, start), near);
            }
        }
    }
}
