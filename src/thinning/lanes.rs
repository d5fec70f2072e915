//! Eight words of 64 voxels side by side: the unit in which the predicates of thinning are computed.
//!
//! The operations are plain loops over the words; compiled for AVX2 or AVX-512 they become one or two instructions each. No
//! intrinsics are used, so every processor computes the same with the same code.

use std::array;
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, Not};

/// Words in a [`Lanes`].
pub const LANES: usize = 8;

/// Eight words; each bit is one voxel's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub struct Lanes(pub [u64; LANES]);

impl Lanes {
    /// No voxel.
    pub const NONE: Self = Self([0; LANES]);

    /// Whether no voxel is set.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.0.iter().fold(0, |any, word| any | word) == 0
    }

    /// The bits of `self` that are not in `other`.
    #[inline(always)]
    pub fn without(self, other: Self) -> Self {
        self & !other
    }
}

impl BitAnd for Lanes {
    type Output = Self;

    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self(array::from_fn(|lane| self.0[lane] & other.0[lane]))
    }
}

impl BitOr for Lanes {
    type Output = Self;

    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self(array::from_fn(|lane| self.0[lane] | other.0[lane]))
    }
}

impl Not for Lanes {
    type Output = Self;

    #[inline(always)]
    fn not(self) -> Self {
        Self(self.0.map(|word| !word))
    }
}

impl BitAndAssign for Lanes {
    #[inline(always)]
    fn bitand_assign(&mut self, other: Self) {
        *self = *self & other;
    }
}

impl BitOrAssign for Lanes {
    #[inline(always)]
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// Defines a function that runs `$kernel`, an `#[inline(always)]` function, compiled for the widest vectors of this processor.
macro_rules! for_this_processor {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $kernel:path;) => {
        $(#[$attribute])*
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt,lzcnt")]
                fn with_avx512($($argument: $type),*) $(-> $result)? {
                    $kernel($($argument),*)
                }
                #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
                fn with_avx2($($argument: $type),*) $(-> $result)? {
                    $kernel($($argument),*)
                }
                match $crate::thinning::lanes::vectors() {
                    // SAFETY: the processor was asked for these features.
                    $crate::thinning::lanes::Vectors::Avx512 => return unsafe { with_avx512($($argument),*) },
                    // SAFETY: the processor was asked for these features.
                    $crate::thinning::lanes::Vectors::Avx2 => return unsafe { with_avx2($($argument),*) },
                    $crate::thinning::lanes::Vectors::Plain => {}
                }
            }
            $kernel($($argument),*)
        }
    };
}
pub(super) use for_this_processor;

/// What the processor offers.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vectors {
    /// 512 bits.
    Avx512,
    /// 256 bits.
    Avx2,
    /// What every processor of the architecture has.
    Plain,
}

/// The widest vectors of this processor. The environment variable `SKANRS_VECTORS` (`plain`, `avx2`) narrows them, for tests.
#[cfg(target_arch = "x86_64")]
pub fn vectors() -> Vectors {
    static FOUND: std::sync::OnceLock<Vectors> = std::sync::OnceLock::new();
    *FOUND.get_or_init(|| {
        let wanted = std::env::var("SKANRS_VECTORS").unwrap_or_default();
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        let bits = is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("lzcnt");
        match wanted.as_str() {
            "plain" => Vectors::Plain,
            "avx2" if bits && is_x86_feature_detected!("avx2") => Vectors::Avx2,
            _ if bits && avx512 => Vectors::Avx512,
            _ if bits && is_x86_feature_detected!("avx2") => Vectors::Avx2,
            _ => Vectors::Plain,
        }
    })
}
