//! Random numbers for tests, the same in every run.

/// A linear congruential generator, from a seed.
pub struct Random(pub u64);

impl Random {
    /// 64 bits, of which the upper ones are the more random.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() >> 33) as usize % end
    }

    /// The ascending indices of voxels of an image of `size` voxels, each taken with the probability `share / of`.
    pub fn voxels(&mut self, size: usize, share: usize, of: usize) -> Vec<i64> {
        (0..size as i64).filter(|_| self.below(of) < share).collect()
    }
}
