//! Lists of words that are written without branches.
//!
//! Which words are active, and which of them have candidates, is hard to predict, and a mispredicted branch costs as much as the
//! formulas for a word. So each possible entry is written, and kept by moving the end of the list. Between the two lists memory is
//! prefetched, some tens of words before its use.

/// Which of up to 64 words are active for a kind of step; they are no longer.
#[inline(always)]
pub fn take_active(bytes: &mut [u8], step: usize) -> u64 {
    let active = u64::from_ne_bytes([1 << step; EIGHT]);
    let (eights, rest) = bytes.as_chunks_mut::<EIGHT>();
    let mut found = 0;
    for (at, eight) in eights.iter_mut().enumerate() {
        let all = u64::from_le_bytes(*eight);
        *eight = (all & !active).to_le_bytes();
        found |= flags(all & active, step) << (EIGHT * at);
    }
    if !rest.is_empty() {
        let mut eight = [0; EIGHT];
        eight[..rest.len()].copy_from_slice(rest);
        found |= flags(u64::from_le_bytes(eight) & active, step) << (EIGHT * eights.len());
        for byte in rest {
            *byte &= !(1 << step);
        }
    }
    found
}

/// One bit for each of eight bytes in which bit `at` may be set and no other, the lowest byte first.
#[inline(always)]
const fn flags(bytes: u64, at: usize) -> u64 {
    // The multiplication gathers the flags, now at bits 0, 8, …, 56, in the highest byte.
    (bytes >> at).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Bytes that are looked at together.
const EIGHT: usize = 8;

/// So many words are asked for before the first is used.
pub const QUEUED: usize = 64;

/// Active words that wait until the memory around them has come.
pub struct Queue {
    active: [usize; 2 * QUEUED],
    candidates: [(usize, u64); 2 * QUEUED],
    count: usize,
}

impl Queue {
    #[inline(always)]
    pub fn new() -> Self {
        Self { active: [0; 2 * QUEUED], candidates: [(0, 0); 2 * QUEUED], count: 0 }
    }

    /// The number of words that wait.
    #[inline(always)]
    pub const fn count(&self) -> usize {
        self.count
    }

    #[inline(always)]
    pub const fn is_full(&self) -> bool {
        self.count >= QUEUED
    }

    /// Moves the first four of the active words `found`, or as many as there are, into a queue that is not full; `start` is the
    /// first word's index. `ask` may be called with indices of no word.
    #[inline(always)]
    pub fn add_first(&mut self, found: &mut u64, start: usize, ask: impl Fn(usize)) {
        const AT_ONCE: usize = 4;
        let count = (found.count_ones() as usize).min(AT_ONCE);
        for at in self.count..self.count + AT_ONCE {
            let index = start + found.trailing_zeros() as usize;
            *found &= found.wrapping_sub(1);
            ask(index);
            self.active[at % (2 * QUEUED)] = index;
        }
        self.count += count;
    }

    /// Puts the active ones of up to [`QUEUED`] words into an empty queue; they are no longer active.
    #[inline(always)]
    pub fn add_active(&mut self, indices: &[usize], bytes: &mut [u8], step: usize, ask: impl Fn(usize)) {
        debug_assert!(self.count == 0 && indices.len() <= QUEUED, "they fit into the queue");
        for &index in indices {
            let byte = &mut bytes[index];
            self.active[self.count % (2 * QUEUED)] = index;
            self.count += usize::from(*byte >> step & 1);
            *byte &= !(1 << step);
        }
        self.active[..self.count].iter().for_each(|&index| ask(index));
    }

    /// Empties the queue; gives the words that have `candidates`, with those.
    #[inline(always)]
    pub fn take(&mut self, candidates: impl Fn(usize) -> u64) -> &[(usize, u64)] {
        let mut count = 0;
        for &index in &self.active[..self.count] {
            let voxels = candidates(index);
            self.candidates[count % (2 * QUEUED)] = (index, voxels);
            count += usize::from(voxels != 0);
        }
        self.count = 0;
        &self.candidates[..count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::random::Random;

    /// Takes the active words of bytes in the way of the kernels, and checks what that leaves.
    fn taken(bytes: &[u8], step: usize) -> Vec<usize> {
        let mut left = bytes.to_vec();
        let (mut queue, mut taken) = (Queue::new(), Vec::new());
        for (at, bytes) in left.chunks_mut(64).enumerate() {
            let mut found = take_active(bytes, step);
            while found != 0 {
                queue.add_first(&mut found, 64 * at, |_| {});
                if queue.is_full() {
                    taken.extend(queue.take(|index| u64::from(index % 3 != 0)).iter().map(|&(index, _)| index));
                    assert_eq!(queue.count(), 0);
                }
            }
        }
        taken.extend(queue.take(|index| u64::from(index % 3 != 0)).iter().map(|&(index, _)| index));
        assert!(left.iter().zip(bytes).all(|(&left, &byte)| left == byte & !(1 << step)));
        taken
    }

    /// The same of listed words.
    fn taken_of_list(bytes: &[u8], step: usize, listed: &[usize]) -> Vec<usize> {
        let mut left = bytes.to_vec();
        let (mut queue, mut taken) = (Queue::new(), Vec::new());
        for indices in listed.chunks(QUEUED) {
            queue.add_active(indices, &mut left, step, |_| {});
            taken.extend(queue.take(|index| u64::from(index % 3 != 0)).iter().map(|&(index, _)| index));
        }
        assert!(listed.iter().all(|&index| left[index] == bytes[index] & !(1 << step)));
        taken
    }

    #[test]
    fn takes_the_active_words_that_have_candidates_in_their_order() {
        let mut random = Random(5);
        for length in [0, 1, 7, 8, 9, 63, 64, 65, 250, 1000] {
            for step in 0..8 {
                let bytes: Vec<u8> = (0..length)
                    .map(|_| {
                        let bits = random.bits();
                        let byte = (bits >> 56) as u8;
                        if length % 2 == 0 { byte } else { byte & (bits >> 48) as u8 & (bits >> 40) as u8 }
                    })
                    .collect();
                let expected: Vec<usize> =
                    (0..length).filter(|&index| bytes[index] >> step & 1 == 1 && index % 3 != 0).collect();
                assert_eq!(taken(&bytes, step), expected);
                let listed: Vec<usize> = (0..length).filter(|index| index % 3 != 1).collect();
                let expected: Vec<usize> = expected.into_iter().filter(|index| index % 3 != 1).collect();
                assert_eq!(taken_of_list(&bytes, step, &listed), expected);
            }
        }
    }
}
