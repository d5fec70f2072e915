//! The skeletons of a label image, each measured in the mask of its own label.
//!
//! A label is cut out with the voxels around it, which are background of it. The nearest background lies among them or nearer, and
//! faces of the crop inside the image are never reached, so that kernels find there what they find in the image of this label
//! alone. Places are those of the image.
//!
//! Labels are measured side by side, a large one by several threads. Results stand in the order of the given nodes and paths, so
//! they do not depend on threads.
//!
//! Cost: that of the kernels, and the words of the boxes of labels. Memory: about three bits a voxel of the box that a thread works on.

use std::ops::Range;

use rayon::prelude::*;

use crate::cells::{self, Weights};
use crate::centreline::smooth::Point;
use crate::centreline::{self, Measures, Skeleton};
use crate::graph::csr::{check_indptr, check_nodes};
use crate::image::indices::{check_voxels, position};
use crate::image::label_words::LabelWords;
use crate::image::mask_rows::MaskRows;
use crate::network::nodes::{self, Nodes};
use crate::radius::{Background, Squares, Surroundings, squared_radii};
use crate::support::allocate::{Grow, try_collect, try_filled, try_with_capacity};
use crate::support::errors::{Error, Result, check_numbers};
use crate::support::threads::Monitor;

#[cfg(test)]
mod tests;

/// What the buffers are for.
const LABELS: &str = "the skeletons of labels";

/// The skeletons of a label image.
#[derive(Debug, Clone, Copy)]
pub struct Skeletons<'a> {
    /// The distance between voxels along each axis.
    pub spacing: Point,
    /// The axes of the image: those of two stand for the last of three, the first having one plane.
    pub axes: usize,
    /// Along which axes the outside of the image is background.
    pub border: [bool; 3],
    /// Linear indices of the voxels of all skeletons, ascending.
    pub nodes: &'a [i64],
    /// Their labels.
    pub labels: &'a [u64],
    /// Where the voxels of each path begin, and the end of the last; the paths of a label follow one another.
    pub starts: &'a [i64],
    /// Numbers of voxels, path by path.
    pub paths: &'a [i64],
}

/// What is measured of the branches and nodes of all labels.
#[derive(Debug, Default)]
pub struct Measured {
    /// The distance of each voxel to the background of its label.
    pub radii: Vec<f64>,
    /// The measures of each path.
    pub centrelines: Vec<Measures>,
    /// The volume and the surface of each path.
    pub bodies: Vec<[f64; 2]>,
    /// The nodes, by label in the order of paths.
    pub nodes: Nodes,
}

/// The radius of each voxel of the skeletons of `words`.
///
/// # Errors
/// [`Error::InvalidArgument`] if the arrays do not fit each other or a voxel lies outside its label; [`Error::OutOfMemory`];
/// [`Error::Interrupted`] through `monitor`.
pub fn radii(words: &LabelWords, skeletons: Skeletons<'_>, monitor: &Monitor) -> Result<Vec<f64>> {
    let plan = Plan::new(words, &skeletons)?;
    let parts = plan.measure(monitor, |_, _| Ok(()))?;
    plan.radii(&parts)
}

/// Radii, branches and nodes.
///
/// # Errors
/// As for [`radii`].
pub fn measures(words: &LabelWords, skeletons: Skeletons<'_>, monitor: &Monitor) -> Result<Measured> {
    let plan = Plan::new(words, &skeletons)?;
    let weights = Weights::new(skeletons.spacing, skeletons.axes);
    let parts = plan.measure(monitor, |skeleton, monitor| {
        let centrelines = centreline::measures(skeleton, monitor)?;
        let mean_radii = try_collect(LABELS, centrelines.iter().map(|measures| measures.mean_radius))?;
        let bodies = cells::of_paths_with(&weights, skeleton, &mean_radii, monitor)?;
        Ok((centrelines, bodies, nodes::nodes(skeleton, monitor)?))
    })?;
    let mut all = Measured { radii: plan.radii(&parts)?, ..Measured::default() };
    for (task, (_, (centrelines, bodies, nodes))) in plan.tasks.iter().zip(&parts) {
        all.centrelines.try_extend_from_slice(LABELS, centrelines)?;
        all.bodies.try_extend_from_slice(LABELS, bodies)?;
        append(&mut all.nodes, nodes, plan.members(task))?;
    }
    Ok(all)
}

/// Radii, and the nodes by label in the order of paths.
///
/// # Errors
/// As for [`radii`].
pub fn nodes(words: &LabelWords, skeletons: Skeletons<'_>, monitor: &Monitor) -> Result<(Vec<f64>, Nodes)> {
    let plan = Plan::new(words, &skeletons)?;
    let parts = plan.measure(monitor, nodes::nodes)?;
    let mut all = Nodes::default();
    for (task, (_, nodes)) in plan.tasks.iter().zip(&parts) {
        append(&mut all, nodes, plan.members(task))?;
    }
    Ok((plan.radii(&parts)?, all))
}

/// The points and radii of all paths, one after the other, in units of the spacing.
///
/// # Errors
/// As for [`radii`].
pub fn centrelines(words: &LabelWords, skeletons: Skeletons<'_>, monitor: &Monitor) -> Result<(Vec<Point>, Vec<f64>)> {
    let plan = Plan::new(words, &skeletons)?;
    let parts = plan.measure(monitor, centreline::centrelines)?;
    let (mut points, mut radii) = (Vec::new(), Vec::new());
    for (_, (of_label, along)) in &parts {
        points.try_extend_from_slice(LABELS, of_label)?;
        radii.try_extend_from_slice(LABELS, along)?;
    }
    Ok((points, radii))
}

/// Adds the nodes of a label, whose voxels are numbered by `members` among those of all.
fn append(all: &mut Nodes, nodes: &Nodes, members: &[u32]) -> Result<()> {
    let first = all.voxels.len() as i64;
    for (all, ends) in all.of_paths.iter_mut().zip(&nodes.of_paths) {
        all.try_extend(LABELS, ends.iter().map(|node| first + node))?;
    }
    all.inside.try_extend_from_slice(LABELS, &nodes.inside)?;
    all.centroids.try_extend_from_slice(LABELS, &nodes.centroids)?;
    all.voxels.try_extend(LABELS, nodes.voxels.iter().map(|&voxel| i64::from(members[voxel as usize])))?;
    all.firsts.try_extend(LABELS, nodes.firsts.iter().map(|&voxel| i64::from(members[voxel as usize])))?;
    all.degrees.try_extend_from_slice(LABELS, &nodes.degrees)?;
    all.faces.try_extend_from_slice(LABELS, &nodes.faces)
}

/// A label with voxels, and its paths.
struct Task {
    label: u32,
    paths: Range<usize>,
}

/// Which voxels and paths belong to which label.
struct Plan<'a> {
    words: &'a LabelWords,
    skeletons: &'a Skeletons<'a>,
    /// Labels with paths in the order of these, then the others.
    tasks: Vec<Task>,
    /// Where the voxels of each label begin in `members`.
    starts: Vec<usize>,
    /// The numbers of voxels by label, ascending.
    members: Vec<u32>,
    /// For each voxel its label, and its number in it.
    positions: Vec<[u32; 2]>,
}

impl<'a> Plan<'a> {
    fn new(words: &'a LabelWords, skeletons: &'a Skeletons<'a>) -> Result<Self> {
        let Skeletons { nodes, labels, starts: of_paths, paths, .. } = *skeletons;
        check_indptr("paths", of_paths, paths.len())?;
        check_nodes("paths", paths, nodes.len())?;
        check_voxels(nodes, &words.shape())?;
        check_numbers("nodes", nodes.len())?;
        if !(2..=3).contains(&skeletons.axes) {
            return Err(invalid("axes", "expected two or three"));
        }
        if labels.len() != nodes.len() {
            return Err(invalid("labels", "expected one for each voxel of the skeletons"));
        }
        let values = words.values();
        let mut starts = try_filled(LABELS, values.len() + 1, 0_usize)?;
        let mut positions = try_filled(LABELS, nodes.len(), [0; 2])?;
        for (position, value) in positions.iter_mut().zip(labels) {
            let label = values.binary_search(value).map_err(|_| invalid("labels", "expected those of the image"))?;
            *position = [label as u32, starts[label + 1] as u32];
            starts[label + 1] += 1;
        }
        for label in 0..values.len() {
            starts[label + 1] += starts[label];
        }
        let mut members = try_filled(LABELS, nodes.len(), 0)?;
        for (node, [label, number]) in positions.iter().enumerate() {
            members[starts[*label as usize] + *number as usize] = node as u32;
        }
        let mut plan = Self { words, skeletons, tasks: Vec::new(), starts, members, positions };
        plan.find_tasks()?;
        Ok(plan)
    }

    fn find_tasks(&mut self) -> Result<()> {
        let mut is_task = try_filled(LABELS, self.words.values().len(), false)?;
        let of_paths = self.skeletons.starts;
        for path in 0..of_paths.len() - 1 {
            let path_nodes = &self.skeletons.paths[of_paths[path] as usize..of_paths[path + 1] as usize];
            let Some(&first) = path_nodes.first() else { return Err(invalid("paths", "expected voxels in each")) };
            let label = self.positions[first as usize][0];
            if path_nodes.iter().any(|&node| self.positions[node as usize][0] != label) {
                return Err(invalid("paths", "expected voxels of one label in each"));
            }
            match self.tasks.last_mut() {
                Some(task) if task.label == label => task.paths.end = path + 1,
                _ if is_task[label as usize] => return Err(invalid("paths", "expected them by label")),
                _ => self.tasks.try_push(LABELS, Task { label, paths: path..path + 1 })?,
            }
            is_task[label as usize] = true;
        }
        let end = of_paths.len() - 1;
        let others = (0..is_task.len()).filter(|&label| !is_task[label] && self.starts[label] < self.starts[label + 1]);
        self.tasks.try_extend(LABELS, others.map(|label| Task { label: label as u32, paths: end..end }))
    }

    /// The numbers of the voxels of a label.
    fn members(&self, task: &Task) -> &[u32] {
        &self.members[self.starts[task.label as usize]..self.starts[task.label as usize + 1]]
    }

    /// The radii of the voxels of each label, and what `measure` finds.
    fn measure<T: Send>(
        &self,
        monitor: &Monitor,
        measure: impl Fn(Skeleton<'_, i64>, &Monitor) -> Result<T> + Sync,
    ) -> Result<Vec<(Vec<f64>, T)>> {
        monitor.expect((self.skeletons.nodes.len() + self.skeletons.paths.len()) as u64);
        let measured = self.tasks.par_iter().map(|task| {
            monitor.check()?;
            self.measure_label(task, monitor, &measure)
        });
        measured.collect()
    }

    fn measure_label<T>(
        &self,
        task: &Task,
        monitor: &Monitor,
        measure: impl Fn(Skeleton<'_, i64>, &Monitor) -> Result<T>,
    ) -> Result<(Vec<f64>, T)> {
        let Skeletons { spacing, axes, border, nodes, starts, paths, .. } = *self.skeletons;
        let (mask, origin) = crop(self.words, task.label as usize, border)?;
        let shape = mask.shape();
        let local = |&member: &u32| {
            let at = position(nodes[member as usize], self.words.shape());
            let [z, y, x] = [0, 1, 2].map(|axis| at[axis].checked_sub(origin[axis]).filter(|&at| at < shape[axis]));
            Some(((z? * shape[1] + y?) * shape[2] + x?) as i64)
        };
        let outside = || invalid("nodes", "expected voxels of their labels");
        let mut voxels = try_with_capacity(LABELS, self.members(task).len())?;
        for member in self.members(task) {
            voxels.push(local(member).ok_or_else(outside)?);
        }
        let surroundings = Surroundings { offset: [0; 3], image: shape, border };
        let squares = Squares::new(shape, spacing)?;
        let mut radii = squared_radii(&Background::of_mask(&mask)?, &voxels, &surroundings, &squares, monitor)?;
        if radii.contains(&0.0) {
            return Err(outside());
        }
        for radius in &mut radii {
            *radius = radius.sqrt();
        }
        let of_paths = &starts[task.paths.start..=task.paths.end];
        let first = of_paths[0];
        let numbers = &paths[first as usize..of_paths[of_paths.len() - 1] as usize];
        let skeleton = Skeleton {
            mask: &mask,
            spacing,
            axes,
            origin: origin.map(|at| at as i64),
            nodes: &voxels,
            radii: &radii,
            starts: &try_collect(LABELS, of_paths.iter().map(|start| start - first))?,
            paths: &try_collect(LABELS, numbers.iter().map(|&node| i64::from(self.positions[node as usize][1])))?,
        };
        let found = measure(skeleton, monitor)?;
        Ok((radii, found))
    }

    fn radii<T>(&self, parts: &[(Vec<f64>, T)]) -> Result<Vec<f64>> {
        let mut radii = try_filled(LABELS, self.skeletons.nodes.len(), 0.0)?;
        for (task, (of_label, _)) in self.tasks.iter().zip(parts) {
            for (&member, &radius) in self.members(task).iter().zip(of_label) {
                radii[member as usize] = radius;
            }
        }
        Ok(radii)
    }
}

/// The mask of a label with the voxels around it, and where that begins in the image.
fn crop(words: &LabelWords, label: usize, border: [bool; 3]) -> Result<(MaskRows, [usize; 3])> {
    let (ends, whole) = (words.box_of(label), words.shape());
    let start = [0, 1, 2].map(|axis| ends[axis].start.saturating_sub(1));
    let shape = [0, 1, 2].map(|axis| (ends[axis].end + 1).min(whole[axis]) - start[axis]);
    let mut mask = MaskRows::zeros(shape, border)?;
    words.of_label(label).for_each_row(|at, bits| {
        mask.insert_bits([0, 1, 2].map(|axis| at[axis] - start[axis]), bits);
    });
    Ok((mask, start))
}

fn invalid(name: &'static str, reason: &str) -> Error {
    Error::InvalidArgument { name, reason: reason.to_owned() }
}
