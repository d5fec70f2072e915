//! Large pages for arrays that a kernel goes over again and again.
//!
//! A processor remembers where some thousand pages lie; words read all over a packed image of a hundred megabytes find theirs
//! forgotten, and each first touch of a page enters the kernel. With pages of 2 MiB neither is felt. Linux gives them to those
//! who ask; elsewhere, and where it refuses, nothing changes but the speed. Memory is then touched 2 MiB at a time, so this is
//! for arrays of which most will be used.

/// Arrays below this size gain nothing.
const WORTH_ASKING: usize = 1 << 23;

/// Asks for large pages behind an array that was not touched yet.
#[cfg(target_os = "linux")]
pub fn advise_huge_pages<T>(array: &mut [T]) {
    const PAGE: usize = 1 << 12;
    let bytes = size_of_val(array);
    if bytes < WORTH_ASKING {
        return;
    }
    let start = array.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(PAGE);
    if skipped < bytes {
        // SAFETY: the pages lie within the array, and the advice changes neither what they hold nor who may use them.
        let _ =
            unsafe { libc::madvise(start.add(skipped).cast(), (bytes - skipped) / PAGE * PAGE, libc::MADV_HUGEPAGE) };
    }
}

/// Asks for nothing on this system.
#[cfg(not(target_os = "linux"))]
pub fn advise_huge_pages<T>(_array: &mut [T]) {}

#[cfg(test)]
mod tests {
    #[test]
    fn leaves_arrays_as_they_are() {
        for count in [0, 1, 1 << 20, (1 << 21) + 5] {
            let mut array = vec![7_u64; count];
            super::advise_huge_pages(&mut array);
            super::advise_huge_pages(&mut array[count.min(1)..]);
            assert!(array.iter().all(|&value| value == 7));
        }
    }
}
