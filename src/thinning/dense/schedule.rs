//! The order of border steps on bands, for several threads.
//!
//! A step goes over the bands in order, one *task* a band; the next step follows a few bands behind it, and so on, so several steps
//! are under way at a time. A thread takes the latest step that can proceed: consecutive steps work on a band while it is in the
//! cache, and tasks of different steps run in parallel.
//!
//! Invariant, on which [`crate::thinning::dense::bands`] relies: of two claims of different steps that live at the same time, the
//! earlier step's is at least [`LAG`] + 1 bands ahead; a step has one claim at a time. A step's tasks run in order, and each runs
//! after the tasks of the step before that it depends on, so the result is that of a sequential run.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use log::debug;

use crate::support::errors::{Error, Result};
use crate::thinning::method::Thinned;

/// A task needs the step before to have done so many bands more.
pub const LAG: usize = 3;

/// Steps that are under way at the same time, for each thread: more keep more threads busy, and more of the image in the cache.
const STEPS_PER_THREAD: usize = 3;

/// So many words are looked at for a claim; where fewer are, a claim has several bands, for claiming costs time too.
const WORDS_PER_CLAIM: usize = if cfg!(test) { 1 } else { 1024 };

/// How often a thread looks for something to do before it sleeps.
const LOOKS: usize = 4000;

/// What a step keeps from a band to the next.
#[derive(Default)]
pub struct Lists {
    /// Words with collected voxels, in raster order.
    pub collected: Vec<usize>,
    /// Those of the band before.
    pub before: Vec<usize>,
    /// Voxels whose recheck waits for others, by word.
    pub waiting: Vec<(usize, u64)>,
}

/// A step under way.
#[derive(Default)]
struct Step {
    /// Tasks that are done.
    done: usize,
    /// Tasks that a thread works on.
    claimed: Range<usize>,
    lists: Lists,
    deleted: u64,
    looked_at: usize,
}

struct State {
    /// The number of the first step under way.
    first: usize,
    under_way: VecDeque<Step>,
    /// Lists of steps that are done, for the memory they have.
    idle: Vec<Lists>,
    /// Words that each kind of step looked at the last time.
    looked_at: Vec<usize>,
    deleted_in_round: u64,
    /// What each round deleted.
    rounds: Vec<u64>,
    is_over: bool,
    error: Option<Error>,
    sleeping: usize,
}

/// The steps of a thinning.
pub struct Schedule {
    /// Kinds of steps in a round.
    kinds: usize,
    /// Tasks in a step.
    tasks: usize,
    most_under_way: usize,
    state: Mutex<State>,
    changed: Condvar,
    /// Moves when the state changed.
    version: AtomicUsize,
    /// The rounds that were logged.
    logged: Mutex<usize>,
}

/// Some tasks of a step that one thread does.
pub struct Claim<'a> {
    schedule: &'a Schedule,
    /// The number of the step.
    number: usize,
    /// The kind of step.
    pub kind: usize,
    tasks: Range<usize>,
    pub lists: Lists,
    /// Words that such a step looked at the last time.
    pub expected: usize,
    pub deleted: u64,
    pub looked_at: usize,
    is_done: bool,
}

impl Schedule {
    /// Rounds of so many kinds of steps with so many tasks each; the first looks at up to so many words.
    pub fn new(kinds: usize, tasks: usize, words: usize, threads: usize) -> Self {
        let state = State {
            first: 0,
            under_way: VecDeque::new(),
            idle: Vec::new(),
            looked_at: vec![words; kinds],
            deleted_in_round: 0,
            rounds: Vec::new(),
            is_over: false,
            error: None,
            sleeping: 0,
        };
        Self {
            kinds,
            tasks,
            most_under_way: STEPS_PER_THREAD * threads,
            state: Mutex::new(state),
            changed: Condvar::new(),
            version: AtomicUsize::new(0),
            logged: Mutex::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tasks to do next, as soon as there are any; none when all is done or something failed.
    pub fn claim(&self) -> Option<Claim<'_>> {
        let mut looks = 0;
        let mut state = self.lock();
        loop {
            if state.is_over {
                return None;
            }
            if let Some(claim) = self.next(&mut state) {
                return Some(claim);
            }
            // A band takes microseconds, which is as long as falling asleep and waking up.
            if looks < LOOKS {
                let version = self.version.load(Ordering::Relaxed);
                drop(state);
                while looks < LOOKS && self.version.load(Ordering::Relaxed) == version {
                    looks += 1;
                    std::hint::spin_loop();
                }
                state = self.lock();
            } else {
                state.sleeping += 1;
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.sleeping -= 1;
            }
        }
    }

    /// Tasks of the latest step that can go on.
    fn next(&self, state: &mut State) -> Option<Claim<'_>> {
        let last = state.under_way.back();
        if state.under_way.len() < self.most_under_way && last.is_none_or(|last| last.done > LAG) {
            let lists = state.idle.pop().unwrap_or_default();
            state.under_way.push_back(Step { lists, ..Step::default() });
        }
        let at = (0..state.under_way.len()).rev().find(|&at| {
            let step = &state.under_way[at];
            step.claimed.is_empty() && step.done < self.ready(state, at)
        })?;
        let ready = self.ready(state, at);
        let number = state.first + at;
        let kind = number % self.kinds;
        let bands = WORDS_PER_CLAIM.saturating_mul(self.tasks).div_ceil(state.looked_at[kind].max(1));
        let step = &mut state.under_way[at];
        let tasks = step.done..ready.min(step.done.saturating_add(bands));
        step.claimed = tasks.clone();
        let lists = std::mem::take(&mut step.lists);
        if cfg!(debug_assertions) && !state.keeps_distances() {
            self.end(state);
            panic!("claims are apart");
        }
        let expected = state.looked_at[kind];
        Some(Claim { schedule: self, number, kind, tasks, lists, expected, deleted: 0, looked_at: 0, is_done: false })
    }

    /// The tasks of a step that could be done by now.
    fn ready(&self, state: &State, at: usize) -> usize {
        // A step that is done is no longer under way.
        at.checked_sub(1).map_or(self.tasks, |before| state.under_way[before].done.saturating_sub(LAG))
    }

    /// Ends everything with an error.
    pub fn fail(&self, error: Error) {
        let mut state = self.lock();
        if !state.is_over {
            state.error = Some(error);
            self.end(&mut state);
        }
    }

    fn end(&self, state: &mut State) {
        state.is_over = true;
        self.tell(state);
    }

    /// Wakes the waiting threads.
    fn tell(&self, state: &State) {
        self.version.fetch_add(1, Ordering::Relaxed);
        if state.sleeping > 0 {
            self.changed.notify_all();
        }
    }

    /// What was done, once no thread finds more to do.
    ///
    /// # Errors
    /// The first that [`Self::fail`] was told.
    pub fn outcome(self) -> Result<Thinned> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let thinned = Thinned { rounds: state.rounds.len(), deleted: state.rounds.iter().sum() };
        state.error.map_or(Ok(thinned), Err)
    }

    /// Logs the rounds that ended, in their order, and without the lock around the state: a logger may take its time.
    fn log_rounds(&self) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let deleted = self.lock().rounds.get(*logged).copied();
            let Some(deleted) = deleted else { return };
            *logged += 1;
            debug!(target: "skanrs::thinning", "pass {logged}: {deleted} voxels deleted");
        }
    }
}

impl Claim<'_> {
    /// Gives the tasks back as done.
    pub fn finish(mut self) {
        let schedule = self.schedule;
        let mut state = schedule.lock();
        let rounds = state.rounds.len();
        let at = self.number - state.first;
        let step = &mut state.under_way[at];
        step.claimed = 0..0;
        step.done = self.tasks.end;
        step.deleted += self.deleted;
        step.looked_at += self.looked_at;
        step.lists = std::mem::take(&mut self.lists);
        while !state.is_over && state.under_way.front().is_some_and(|step| step.done == schedule.tasks) {
            state.end_step(schedule.kinds);
        }
        schedule.tell(&state);
        self.is_done = true;
        let has_ended_round = state.rounds.len() > rounds;
        drop(state);
        if has_ended_round {
            schedule.log_rounds();
        }
    }

    /// The number of a band for each task, and one more for the last.
    pub fn tasks(&self) -> Range<usize> {
        self.tasks.clone()
    }

    /// Whether this is a claim of `schedule`.
    pub fn is_of(&self, schedule: &Schedule) -> bool {
        std::ptr::eq(self.schedule, schedule)
    }
}

impl State {
    /// Whether each claim is as far behind those of the steps before as [`crate::thinning::dense::bands`] relies on.
    fn keeps_distances(&self) -> bool {
        let claims = || self.under_way.iter().map(|step| &step.claimed).filter(|tasks| !tasks.is_empty());
        claims().zip(claims().skip(1)).all(|(before, after)| after.end + LAG <= before.start)
    }

    /// Ends the first step under way, and with the last of its kind the round.
    fn end_step(&mut self, kinds: usize) {
        let Some(step) = self.under_way.pop_front() else { return };
        let kind = self.first % kinds;
        self.first += 1;
        self.looked_at[kind] = step.looked_at;
        self.deleted_in_round += step.deleted;
        self.idle.push(step.lists);
        if kind + 1 == kinds {
            self.rounds.push(self.deleted_in_round);
            self.is_over = self.deleted_in_round == 0;
            self.deleted_in_round = 0;
        }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        // After a failure or panic the other threads must not wait.
        if !self.is_done {
            self.schedule.end(&mut self.schedule.lock());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::random::Random;

    /// Claims and finishes in random order; step `n` deletes `deleted[n]` voxels.
    fn play(kinds: usize, tasks: usize, threads: usize, deleted: &[u64], seed: u64) -> Thinned {
        let schedule = Schedule::new(kinds, tasks, 100, threads);
        let mut random = Random(seed);
        let mut alive: Vec<Claim<'_>> = Vec::new();
        let mut done: Vec<usize> = Vec::new();
        loop {
            let mut state = schedule.lock();
            let is_over = state.is_over;
            let claim = if is_over || alive.len() == threads { None } else { schedule.next(&mut state) };
            drop(state);
            if is_over && alive.is_empty() {
                break;
            }
            // Some thread can always go on.
            assert!(claim.is_some() || !alive.is_empty());
            if let Some(claim) = claim {
                done.resize(done.len().max(claim.number + 1), 0);
                assert_eq!(claim.tasks.start, done[claim.number], "tasks come in order");
                assert_eq!(claim.kind, claim.number % kinds);
                if let Some(before) = claim.number.checked_sub(1) {
                    assert!(done[before] >= tasks.min(claim.tasks.end + LAG), "the step before is ahead");
                }
                for other in &alive {
                    assert_ne!(other.number, claim.number, "a step is claimed once");
                    let (before, after) = if other.number < claim.number { (other, &claim) } else { (&claim, other) };
                    assert!(before.tasks.start > after.tasks.end - 1 + LAG, "claims are apart");
                }
                alive.push(claim);
            }
            if !alive.is_empty() && (alive.len() == threads || random.below(2) == 0) {
                let mut claim = alive.swap_remove(random.below(alive.len()));
                done[claim.number] = claim.tasks.end;
                if claim.tasks.end == tasks {
                    claim.deleted = deleted.get(claim.number).copied().unwrap_or(0);
                }
                claim.finish();
            }
        }
        drop(alive);
        schedule.outcome().unwrap()
    }

    #[test]
    fn goes_on_until_a_round_deletes_nothing() {
        for seed in 0..200 {
            let (kinds, tasks, threads) = ([2, 4, 6][seed as usize % 3], 2 + seed as usize % 37, 1 + seed as usize % 9);
            let deleted: Vec<u64> = (0..kinds as u64 * (seed % 5)).map(|number| 1 + number % 3).collect();
            let expected = Thinned { rounds: deleted.len() / kinds + 1, deleted: deleted.iter().sum() };
            assert_eq!(play(kinds, tasks, threads, &deleted, seed), expected);
        }
    }

    #[test]
    fn steps_are_under_way_side_by_side() {
        let schedule = Schedule::new(6, 100, 100, 4);
        let claims: Vec<_> = (0..3 * LAG + 4)
            .map(|_| schedule.claim().unwrap())
            .map(|claim| {
                let number = claim.number;
                claim.finish();
                number
            })
            .collect();
        // As late a step as can go on is taken.
        assert_eq!(claims[..LAG + 4], [0, 0, 0, 0, 1, 0, 1]);
        assert_eq!(claims.iter().max(), Some(&2));
    }

    #[test]
    fn a_claim_that_is_not_finished_ends_all() {
        let schedule = Schedule::new(6, 10, 100, 2);
        drop(schedule.claim());
        assert!(schedule.claim().is_none());
        let schedule = Schedule::new(6, 10, 100, 2);
        let waiting = std::thread::scope(|scope| {
            let _first = schedule.claim();
            let waiting = scope.spawn(|| schedule.claim().is_none());
            schedule.fail(Error::Interrupted);
            waiting.join().unwrap()
        });
        assert!(waiting);
        assert_eq!(schedule.outcome(), Err(Error::Interrupted));
    }
}
