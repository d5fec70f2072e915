//! Prefetching: a hint to the processor about what will be read soon.

/// Prefetch distance in words of an image.
pub const AHEAD: usize = 16;

/// Loads the cache line of an element in the background; any array and any index are allowed.
#[inline(always)]
pub fn prefetch<T>(array: *const [T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint reads nothing and cannot fault, wherever it points.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(array.cast::<T>().wrapping_add(index).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (array, index);
}
