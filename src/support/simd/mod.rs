//! Words of 64 voxels side by side, as wide as the processor computes at once: the unit of the predicates of thinning.
//!
//! The formulas are written once over [`Vector`] and compiled for each width. Left to the compiler, arrays of eight words came
//! out as scalar code, six times slower; hence the processor's own vectors, and their `unsafe`.

mod doubles;
#[cfg(target_arch = "aarch64")]
mod neon;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use doubles::Doubles;
#[cfg(target_arch = "aarch64")]
pub use neon::Neon;
pub use vector::{LANES, Lanes, Quads, Vector};
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

/// Defines a function that runs `$kernel`, an `#[inline(always)]` function over a [`Vector`], compiled for the widest vectors
/// of this processor; it may also be generic over one more type, such as the shape of a word, and one flag.
macro_rules! for_this_processor {
    (
        $(#[$attribute:meta])* $visibility:vis fn $name:ident $(<$shape:ident: $bound:path $(, const $flag:ident: bool)?>)? ($($argument:ident: $type:ty),* $(,)?)
            $(-> $result:ty)? = $kernel:ident;
    ) => {
        $(#[$attribute])*
        $visibility fn $name $(<$shape: $bound $(, const $flag: bool)?>)? ($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::support::simd::{Avx2, Avx512, Width, width};

                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt,lzcnt")]
                fn with_avx512 $(<$shape: $bound $(, const $flag: bool)?>)? ($($argument: $type),*) $(-> $result)? {
                    $kernel::<$($shape,)? Avx512 $($(, $flag)?)?>($($argument),*)
                }
                #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt")]
                fn with_avx2 $(<$shape: $bound $(, const $flag: bool)?>)? ($($argument: $type),*) $(-> $result)? {
                    $kernel::<$($shape,)? Avx2 $($(, $flag)?)?>($($argument),*)
                }
                match width() {
                    // SAFETY: the processor was asked for these features.
                    Width::Avx512 => return unsafe { with_avx512 $(::<$shape $(, $flag)?>)? ($($argument),*) },
                    // SAFETY: the processor was asked for these features.
                    Width::Avx2 => return unsafe { with_avx2 $(::<$shape $(, $flag)?>)? ($($argument),*) },
                    Width::Word => {}
                }
            }
            #[cfg(target_arch = "aarch64")]
            {
                use $crate::support::simd::{Neon, Width, width};

                if width() == Width::Neon {
                    return $kernel::<$($shape,)? Neon $($(, $flag)?)?>($($argument),*);
                }
            }
            $kernel::<$($shape,)? u64 $($(, $flag)?)?>($($argument),*)
        }
    };
}
pub(crate) use for_this_processor;

/// The vectors to compute with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// Eight words.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Four words.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Two words.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// One word: on every processor.
    Word,
}

impl Width {
    /// As `SKANRS_VECTORS` names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            Self::Word => "word",
        }
    }
}

/// The widest vectors of this processor. The environment variable `SKANRS_VECTORS` (`word`, `avx2`) narrows them, so that the
/// tests can compare the widths.
pub fn width() -> Width {
    static WIDTH: std::sync::OnceLock<Width> = std::sync::OnceLock::new();
    *WIDTH.get_or_init(|| match (widest(), std::env::var("SKANRS_VECTORS").as_deref()) {
        (_, Ok("word")) => Width::Word,
        #[cfg(target_arch = "x86_64")]
        (Width::Avx512, Ok("avx2")) => Width::Avx2,
        (widest, _) => widest,
    })
}

#[cfg(target_arch = "x86_64")]
fn widest() -> Width {
    let bits = is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("lzcnt");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (bits && avx512, bits && is_x86_feature_detected!("avx2")) {
        (true, _) => Width::Avx512,
        (_, true) => Width::Avx2,
        _ => Width::Word,
    }
}

#[cfg(target_arch = "aarch64")]
const fn widest() -> Width {
    Width::Neon
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const fn widest() -> Width {
    Width::Word
}

#[cfg(test)]
mod tests {
    use super::*;

    for_this_processor! {
        fn columns(quads: &Quads, found: &mut [Lanes; 3]) = columns_lanes;
    }

    #[inline(always)]
    fn columns_lanes<V: Vector>(quads: &Quads, found: &mut [Lanes; 3]) {
        for first in (0..LANES).step_by(V::WORDS) {
            for (column, found) in V::load_columns(quads, first).into_iter().zip(&mut *found) {
                column.store(found, first);
            }
        }
    }

    #[test]
    fn sorts_words_by_direction() {
        let quads = Quads(std::array::from_fn(|lane| std::array::from_fn(|at| (10 * lane + at) as u64)));
        let mut found = [Lanes::NONE; 3];
        columns(&quads, &mut found);
        for (at, lanes) in found.iter().enumerate() {
            assert_eq!(lanes.0, std::array::from_fn(|lane| (10 * lane + at) as u64));
        }
    }
}
