//! Numbers of double precision side by side. Each operation rounds as one of a single number does; none is fused with another.
//!
//! Vectors of a processor exist only inside functions that [`crate::support::simd::for_this_processor`] calls after it asked the
//! processor for the features: that is the safety of every intrinsic here.

/// One or more numbers of double precision.
pub trait Doubles: Copy {
    /// How many.
    const COUNT: usize;

    /// The first of `values`, at least [`Self::COUNT`].
    fn load(values: &[f64]) -> Self;

    /// Writes them over the first of `values`.
    fn store(self, values: &mut [f64]);

    /// The same number in each place.
    fn splat(value: f64) -> Self;

    /// The sums.
    #[must_use]
    fn plus(self, other: Self) -> Self;

    /// The products.
    #[must_use]
    fn times(self, other: Self) -> Self;

    /// The nearest numbers of single precision.
    #[must_use]
    fn to_single(self) -> Self;

    /// The integers towards zero.
    #[must_use]
    fn truncated(self) -> Self;
}

impl Doubles for f64 {
    const COUNT: usize = 1;

    #[inline(always)]
    fn load(values: &[f64]) -> Self {
        values[0]
    }

    #[inline(always)]
    fn store(self, values: &mut [f64]) {
        values[0] = self;
    }

    #[inline(always)]
    fn splat(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self * other
    }

    #[inline(always)]
    fn to_single(self) -> Self {
        f64::from(self as f32)
    }

    #[inline(always)]
    fn truncated(self) -> Self {
        self.trunc()
    }
}

/// Defines a vector of a processor.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! doubles {
    (
        $(#[$attribute:meta])* $name:ident($inner:ty), $count:literal: $load:ident $store:ident $splat:ident $plus:ident
        $times:ident, |$value:ident| $to_single:expr, $truncated:expr
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name($inner);

        impl Doubles for $name {
            const COUNT: usize = $count;

            #[inline(always)]
            fn load(values: &[f64]) -> Self {
                let values = &values[..$count];
                // SAFETY: the slice has the vector's length; the callers are kernels that were chosen for the feature.
                Self(unsafe { $load(values.as_ptr()) })
            }

            #[inline(always)]
            fn store(self, values: &mut [f64]) {
                let values = &mut values[..$count];
                // SAFETY: as for `load`.
                unsafe { $store(values.as_mut_ptr(), self.0) }
            }

            #[inline(always)]
            fn splat(value: f64) -> Self {
                // SAFETY: the callers are kernels that were chosen for the feature.
                Self(unsafe { $splat(value) })
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $plus(self.0, other.0) })
            }

            #[inline(always)]
            fn times(self, other: Self) -> Self {
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $times(self.0, other.0) })
            }

            #[inline(always)]
            fn to_single(self) -> Self {
                let $value = self.0;
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $to_single })
            }

            #[inline(always)]
            fn truncated(self) -> Self {
                let $value = self.0;
                // SAFETY: a value of this type exists, so the processor has the feature.
                Self(unsafe { $truncated })
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256d, __m512d, _MM_FROUND_NO_EXC, _MM_FROUND_TO_ZERO, _mm256_add_pd, _mm256_cvtpd_ps, _mm256_cvtps_pd,
        _mm256_loadu_pd, _mm256_mul_pd, _mm256_round_pd, _mm256_set1_pd, _mm256_storeu_pd, _mm512_add_pd,
        _mm512_cvtpd_ps, _mm512_cvtps_pd, _mm512_loadu_pd, _mm512_mul_pd, _mm512_roundscale_pd, _mm512_set1_pd,
        _mm512_storeu_pd,
    };

    use super::Doubles;

    const TO_ZERO: i32 = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;

    doubles!(
        /// Eight numbers: AVX-512.
        Eight(__m512d), 8: _mm512_loadu_pd _mm512_storeu_pd _mm512_set1_pd _mm512_add_pd _mm512_mul_pd,
        |value| _mm512_cvtps_pd(_mm512_cvtpd_ps(value)), _mm512_roundscale_pd::<TO_ZERO>(value)
    );

    doubles!(
        /// Four numbers: AVX2.
        Four(__m256d), 4: _mm256_loadu_pd _mm256_storeu_pd _mm256_set1_pd _mm256_add_pd _mm256_mul_pd,
        |value| _mm256_cvtps_pd(_mm256_cvtpd_ps(value)), _mm256_round_pd::<TO_ZERO>(value)
    );
}
#[cfg(target_arch = "x86_64")]
pub use x86::{Eight, Four};

#[cfg(target_arch = "aarch64")]
mod neon {
    use std::arch::aarch64::{
        float64x2_t, vaddq_f64, vcvt_f32_f64, vcvt_f64_f32, vdupq_n_f64, vld1q_f64, vmulq_f64, vrndq_f64, vst1q_f64,
    };

    use super::Doubles;

    doubles!(
        /// Two numbers: NEON.
        Two(float64x2_t), 2: vld1q_f64 vst1q_f64 vdupq_n_f64 vaddq_f64 vmulq_f64,
        |value| vcvt_f64_f32(vcvt_f32_f64(value)), vrndq_f64(value)
    );
}
#[cfg(target_arch = "aarch64")]
pub use neon::Two;
