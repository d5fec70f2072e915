//! Border steps on the whole image, band by band, on all threads.
//!
//! A word is *active* for a kind of step if one of its voxels or their neighbours was deleted since that kind of step last
//! looked at it. Nothing else needs a look: collecting is a function of the neighbourhood alone, and a failed recheck means
//! that a neighbour was just deleted. One byte a word and one byte a row hold a bit for each kind of step, so finding the
//! active words costs a scan of the active rows' bytes.
//!
//! A step has four phases for each band ([`bands`]): *collect* reads the image, clears the activity and writes the collected
//! voxels ([`collect`]); *find* lists the collected voxels that wait for an earlier neighbour; *decide* settles these
//! ([`recheck`]); and *delete*, one band behind, clears the collected voxels and writes the image and the activity.
//!
//! Working band by band gives the result of working on the whole image: collecting and deciding read the bands around as they
//! were before the step, and only earlier voxels matter for a decision. Hence several steps can be under way, each some bands
//! behind the one before ([`schedule`]).
//!
//! [`bands`]: crate::thinning::dense::bands
//! [`collect`]: mod@crate::thinning::dense::collect
//! [`recheck`]: crate::thinning::dense::recheck
//! [`schedule`]: crate::thinning::dense::schedule

use rayon::prelude::*;

use crate::image::bit_image::BitImage;
use crate::image::word_shape::WordShape;
use crate::support::allocate::Grow;
use crate::support::errors::Result;
use crate::support::prefetch::{AHEAD, prefetch};
use crate::support::threads::Monitor;
use crate::thinning::dense::bands::{BandView, Bands, Buffers, Deletion, Strides};
use crate::thinning::dense::collect::{Active, COLLECTED, Part, collect_border, collect_removed};
use crate::thinning::dense::recheck::{self, Recheck, WAITING};
use crate::thinning::dense::schedule::{Claim, Lists};
use crate::thinning::method::{Method, Thinned};
use crate::thinning::words::batch::rows_of;
use crate::thinning::words::simple_points::BORDERS;

/// Images of fewer words are thinned by one thread, and steps that look at fewer are not divided: waking the other threads would
/// take longer.
const WORDS_WORTH_THREADS: usize = if cfg!(test) { 1 } else { 2048 };

/// Thins an image in place on the threads of the current pool.
///
/// # Errors
/// As [`crate::thinning::thin`].
pub fn thin<W: WordShape>(image: &mut BitImage, method: Method, monitor: &Monitor) -> Result<Thinned> {
    assert_eq!(image.sides(), W::SIDES, "the image has words of this shape");
    let mut buffers = Buffers::default();
    let threads = if image.words().len() < WORDS_WORTH_THREADS { 1 } else { rayon::current_num_threads() };
    let bands = Bands::new(image, &mut buffers, method, threads)?;
    monitor.expect(bands.foreground);
    let workers = bands.workers;
    // With several workers, a holder of a claim must not wait for the pool, whose threads may be waiting for that claim.
    let parts = if workers == 1 { threads } else { 1 };
    let thinning = Thinning { bands, method, monitor, parts };
    rayon::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(|_| thinning.work::<W>());
        }
        thinning.work::<W>();
    });
    thinning.bands.schedule.outcome()
}

/// A thinning under way.
struct Thinning<'a> {
    bands: Bands<'a>,
    method: Method,
    monitor: &'a Monitor,
    /// Into how many parts work on a band is divided, where there are not enough bands for steps side by side.
    parts: usize,
}

impl Thinning<'_> {
    /// Does claims until there are none.
    fn work<W: WordShape>(&self) {
        while let Some(mut claim) = self.bands.schedule.claim() {
            match self.run::<W>(&mut claim) {
                Ok(()) => claim.finish(),
                Err(error) => self.bands.schedule.fail(error),
            }
        }
    }

    /// Does the claimed tasks.
    fn run<W: WordShape>(&self, claim: &mut Claim<'_>) -> Result<()> {
        for task in claim.tasks() {
            self.monitor.check()?;
            let deleted = claim.deleted;
            self.task::<W>(claim, task)?;
            self.monitor.advance(claim.deleted - deleted);
        }
        Ok(())
    }

    /// Collects and rechecks a band and deletes from the one before.
    fn task<W: WordShape>(&self, claim: &mut Claim<'_>, task: usize) -> Result<()> {
        let (strides, step) = (&self.bands.strides, claim.kind);
        let parts = if claim.expected < WORDS_WORTH_THREADS { 1 } else { self.parts };
        let mut lists = std::mem::take(&mut claim.lists);
        std::mem::swap(&mut lists.collected, &mut lists.before);
        lists.collected.clear();
        if task < self.bands.count && self.bands.take_active(claim, task) {
            let mut around = self.bands.around(claim, task);
            let looked_at = self.collect::<W>(&mut lists.collected, &mut around, step, parts)?;
            if self.method != Method::Zhang && !lists.collected.is_empty() {
                let BandView { words, collected, .. } = around;
                let rule = Recheck { method: self.method, border: &BORDERS[step] };
                lists.waiting.clear();
                find_waiting::<W>(&mut lists, words, collected, strides, rule, parts)?;
                recheck::decide::<W>(&lists.waiting, words, collected, strides, rule);
            }
            claim.looked_at += looked_at;
        }
        if !lists.before.is_empty() {
            claim.deleted += delete::<W>(&lists.before, self.bands.deletion(claim, task), strides);
        }
        claim.lists = lists;
        Ok(())
    }

    /// Collects a band; returns the number of words looked at.
    fn collect<W: WordShape>(
        &self,
        found: &mut Vec<usize>,
        around: &mut BandView<'_>,
        step: usize,
        parts: usize,
    ) -> Result<usize> {
        let (strides, words, start) = (&self.bands.strides, around.words, around.own.start);
        let run = |part: &mut Part<'_>| match self.method {
            Method::Lee | Method::LeePreserving => collect_border::<W>(part, words, strides, step),
            Method::Zhang => collect_removed::<W>(part, words, strides, step),
        };
        let collected = &mut around.collected[around.own.clone()];
        let (active_words, active_rows) = (&mut *around.active_words, &mut *around.active_rows);
        if parts == 1 {
            let found_before = std::mem::take(found);
            let active = Active::Rows { words: active_words, rows: active_rows };
            let mut part = Part { start, collected, active, found: found_before, looked_at: 0 };
            run(&mut part)?;
            *found = part.found;
            return Ok(part.looked_at);
        }
        let rows = active_rows.len().div_ceil(parts);
        let arrays = active_words.par_chunks_mut(rows * strides.row).zip(active_rows.par_chunks_mut(rows));
        let parts: Vec<Result<Part<'_>>> = collected
            .par_chunks_mut(rows * strides.row)
            .zip(arrays)
            .enumerate()
            .map(|(at, (collected, (active_words, active_rows)))| {
                let start = start + at * rows * strides.row;
                let active = Active::Rows { words: active_words, rows: active_rows };
                let mut part = Part { start, collected, active, found: Vec::new(), looked_at: 0 };
                run(&mut part).map(|()| part)
            })
            .collect();
        let mut looked_at = 0;
        for part in parts {
            let part = part?;
            found.try_extend_from_slice(COLLECTED, &part.found)?;
            looked_at += part.looked_at;
        }
        Ok(looked_at)
    }
}

/// Lists the collected voxels of a band whose recheck depends on that of an earlier neighbour.
pub(super) fn find_waiting<W: WordShape>(
    lists: &mut Lists,
    words: &[u64],
    collected: &[u64],
    strides: &Strides,
    rule: Recheck,
    parts: usize,
) -> Result<()> {
    let Lists { collected: indices, waiting, .. } = lists;
    let find = |waiting: &mut Vec<_>, indices: &[usize]| {
        if rule.method == Method::LeePreserving {
            recheck::find_waiting::<W, true>(waiting, indices, words, collected, strides, rule.border)
        } else {
            recheck::find_waiting::<W, false>(waiting, indices, words, collected, strides, rule.border)
        }
    };
    if parts == 1 {
        return find(waiting, indices);
    }
    let find = |indices: &[usize]| {
        let mut waiting = Vec::new();
        find(&mut waiting, indices).map(|()| waiting)
    };
    let found: Vec<Result<Vec<_>>> = indices.par_chunks(indices.len().div_ceil(parts)).map(find).collect();
    found.into_iter().try_for_each(|found| waiting.try_extend_from_slice(WAITING, &found?))
}

/// Applies and clears the collected voxels of a band; returns their number.
pub(super) fn delete<W: WordShape>(indices: &[usize], deletion: Deletion<'_>, strides: &Strides) -> u64 {
    let Deletion { start, words, collected, active_words, active_rows, active_bands } = deletion;
    let mut count = 0;
    // The last word's row and its words, for a division costs as much as the rest.
    let (mut own_row, mut in_row) = (0, 0..0);
    for (at, &index) in indices.iter().enumerate() {
        if let Some(&later) = indices.get(at + AHEAD) {
            prefetch(collected, later - start);
            prefetch(words, later - start);
            strides.prefetch(active_words, later, rows_of::<W>());
        }
        let deleted = std::mem::take(&mut collected[index - start]);
        if deleted == 0 {
            continue;
        }
        words[index - start] &= !deleted;
        count += u64::from(deleted.count_ones());
        if !in_row.contains(&index) {
            own_row = index / strides.row;
            in_row = own_row * strides.row..(own_row + 1) * strides.row;
        }
        for row in rows_of::<W>() {
            let steps = activate::<W>(active_words, index, deleted, row, strides);
            active_rows[own_row.wrapping_add_signed(strides.row_distances[row])] |= steps;
        }
    }
    if count > 0 {
        // Which of them are touched need not be known: to look at a band costs little.
        active_bands.fill(strides.every_step);
    }
    count
}

/// Makes the words active that touch deleted voxels, in one of the nine rows around their word; returns the kinds of steps that the
/// row is now active for.
#[inline(always)]
pub(super) fn activate<W: WordShape>(
    active_words: &mut [u8],
    index: usize,
    deleted: u64,
    row: usize,
    strides: &Strides,
) -> u8 {
    // Without branches: which words are touched is hard to predict.
    let at = index.wrapping_add_signed(strides.rows_around[row]);
    let steps_of = |dx: usize| if deleted & W::TOUCHING[3 * row + dx] != 0 { strides.every_step } else { 0 };
    let three = active_words[at - 1..].first_chunk_mut::<3>().expect("a border surrounds the image");
    for (dx, active) in three.iter_mut().enumerate() {
        *active |= steps_of(dx);
    }
    steps_of(1)
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::image::word_shape::Cube;
    use crate::support::random::Random;
    use crate::thinning::naive;

    /// Does claims until there are none, and waits at random before each and before it is given back.
    fn work_at_random(thinning: &Thinning<'_>, seed: u64) {
        let mut random = Random(seed);
        let mut wait = || (0..random.below(2) * random.below(4000)).for_each(|_| std::hint::spin_loop());
        while let Some(mut claim) = thinning.bands.schedule.claim() {
            wait();
            thinning.run::<Cube>(&mut claim).unwrap();
            wait();
            claim.finish();
        }
    }

    #[test]
    fn claims_in_any_order_thin_as_the_naive_method() {
        let monitor = Monitor::new();
        for threads in 2..=8 {
            let mut random = Random(threads);
            // As many planes of words as eight steps side by side need.
            let image = Array3::from_shape_simple_fn((132, 7, 9), || u8::from(random.below(10) < 7));
            let mut bits = BitImage::pack(&image.view(), 1, &monitor).unwrap();
            let mut buffers = Buffers::default();
            let method = [Method::Lee, Method::LeePreserving][threads as usize % 2];
            let bands = Bands::new(&mut bits, &mut buffers, method, threads as usize).unwrap();
            assert_eq!(bands.workers, threads as usize, "steps are done side by side");
            let thinning = Thinning { bands, method, monitor: &monitor, parts: 1 };
            std::thread::scope(|scope| {
                for worker in 0..threads {
                    let thinning = &thinning;
                    scope.spawn(move || work_at_random(thinning, threads << 8 | worker));
                }
            });
            thinning.bands.schedule.outcome().unwrap();
            let mut found = Array3::zeros(image.raw_dim());
            bits.unpack_into(found.view_mut());
            assert_eq!(found, naive::thin(&image, method), "{threads} threads");
        }
    }
}
