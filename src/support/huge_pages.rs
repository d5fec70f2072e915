//! Huge pages for large arrays.
//!
//! Random access to a packed image of 100 MB misses the TLB, and the first access to each page of 4 KiB is a page fault. Pages
//! of 2 MiB avoid both. Linux provides them on request (`madvise`); on other systems, and where Linux refuses, only the speed
//! differs. Memory is then committed 2 MiB at a time, so request them only for arrays of which most is used.

/// Arrays below this size gain nothing.
#[cfg(target_os = "linux")]
const MINIMUM_BYTES: usize = 1 << 23;

/// Requests huge pages for an array that was not accessed yet.
#[cfg(target_os = "linux")]
pub fn advise_huge_pages<T>(array: &mut [T]) {
    const PAGE: usize = 1 << 12;
    let bytes = size_of_val(array);
    if bytes < MINIMUM_BYTES {
        return;
    }
    let start = array.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(PAGE);
    if skipped < bytes {
        // SAFETY: the pages lie within the array, and the advice changes neither what they hold nor their access rights.
        let _ =
            unsafe { libc::madvise(start.add(skipped).cast(), (bytes - skipped) / PAGE * PAGE, libc::MADV_HUGEPAGE) };
    }
}

/// Does nothing on this system.
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
