//! Label images with a single label, which are masks: packed to a bit a voxel while they are looked at.
//!
//! Cost: that of packing, and a comparison where there is foreground; an image of several labels is given up at the second.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ndarray::ArrayView3;

use crate::image::bit_image::BitImage;
use crate::image::elements::{Element, Foreground};
use crate::image::word_shape::{WORD, logarithms};
use crate::support::errors::Result;
use crate::support::threads::Monitor;

/// The foreground of `view` and its label, if there is one and no other.
///
/// # Errors
/// As [`BitImage::pack`].
pub fn pack_one_label<T: Element>(view: &ArrayView3<'_, T>, monitor: &Monitor) -> Result<Option<(BitImage, T)>> {
    let rule = OneLabel { label: AtomicU64::new(0), has_others: AtomicBool::new(false), of: PhantomData };
    let packed = BitImage::pack_by([0; 3], view, &rule, logarithms(view.dim().0), monitor)?;
    let label = rule.label.into_inner();
    let is_only = label != 0 && !rule.has_others.into_inner();
    Ok(is_only.then(|| (packed, T::from_bits(label))))
}

/// Takes the label that is seen first for the only one.
struct OneLabel<T> {
    /// 0 until there is one.
    label: AtomicU64,
    has_others: AtomicBool,
    of: PhantomData<fn(T)>,
}

impl<T: Element> Foreground<T> for OneLabel<T> {
    fn mask(&self) -> T {
        T::from_bits(u64::MAX)
    }

    fn is_foreground(&self, value: T) -> bool {
        if value.bits() == 0 {
            return false;
        }
        let before = self.label.compare_exchange(0, value.bits(), Ordering::Relaxed, Ordering::Relaxed);
        if before.is_err_and(|before| before != value.bits()) {
            self.has_others.store(true, Ordering::Relaxed);
        }
        true
    }

    fn pack(&self, voxels: &[T; WORD]) -> u64 {
        let (zero, label) = (T::from_bits(0), T::from_bits(self.label.load(Ordering::Relaxed)));
        let is_other = |voxel: T| voxel != zero && voxel != label;
        if voxels.iter().fold(false, |any, &voxel| any | is_other(voxel)) {
            // The first label is there too.
            for &voxel in voxels {
                self.is_foreground(voxel);
            }
        }
        T::pack(voxels, self.mask())
    }

    fn is_given_up(&self) -> bool {
        self.has_others.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, ShapeBuilder};

    use super::*;

    #[test]
    fn one_label_is_packed_and_several_are_not() {
        let monitor = Monitor::new();
        for shape in [(1, 9, 70), (5, 6, 200), (9, 4, 3)] {
            for order in [false, true] {
                let mut image = Array3::<u16>::zeros(shape.set_f(order));
                assert_eq!(pack_one_label(&image.view(), &monitor), Ok(None), "there is no label");
                image.iter_mut().step_by(3).for_each(|voxel| *voxel = 300);
                let packed = BitImage::pack(&image.view(), u16::MAX, &monitor).unwrap();
                assert_eq!(pack_one_label(&image.view(), &monitor), Ok(Some((packed, 300))));
                for at in [0, image.len() / 2, image.len() - 1] {
                    let mut several = image.clone();
                    *several.iter_mut().nth(at).unwrap() = 44;
                    assert_eq!(pack_one_label(&several.view(), &monitor), Ok(None), "{shape:?} {at}");
                }
            }
        }
    }
}
