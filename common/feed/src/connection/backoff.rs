//! When the next socket may be opened: full jitter after losses, and never more than the venue allows.

use std::collections::VecDeque;

use foretell_core::time::Millis;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::venue::Budget;

/// Waits that double and are drawn evenly from zero up to their bound ("full jitter"), so that clients that were
/// cut together don't come back together.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Millis,
    longest: Millis,
    losses: u32,
    retry_at: Millis,
    chance: StdRng,
}

/// Openings within the budget's span.
#[derive(Debug)]
pub(super) struct Spent {
    budget: Budget,
    at: VecDeque<Millis>,
}

impl Backoff {
    pub(super) fn new(first: Millis, longest: Millis, seed: u64) -> Self {
        Self {
            first,
            longest,
            losses: 0,
            retry_at: Millis(i64::MIN),
            chance: StdRng::seed_from_u64(seed),
        }
    }

    /// A number between 0 and 1.
    pub(super) fn share(&mut self) -> f64 {
        self.chance.random()
    }

    /// The wait after one more loss, and no less than `at_least`.
    pub(super) fn after_loss(&mut self, now: Millis, at_least: Millis) -> Millis {
        let doublings = self.losses.min(20);
        self.losses += 1;
        let bound = self
            .first
            .0
            .saturating_mul(1 << doublings)
            .min(self.longest.0);
        let jitter = (bound as f64 * self.share()) as i64;
        // A wait that the venue demands is jittered on top, not below.
        let wait = Millis(at_least.0.saturating_add(jitter));
        self.retry_at = now + wait;
        wait
    }

    /// Retries are quick again.
    pub(super) const fn calm_down(&mut self) {
        self.losses = 0;
    }

    pub(super) const fn may_retry_at(&self) -> Millis {
        self.retry_at
    }
}

impl Spent {
    pub(super) const fn new(budget: Budget) -> Self {
        Self {
            budget,
            at: VecDeque::new(),
        }
    }

    pub(super) fn note(&mut self, now: Millis) {
        self.at.push_back(now);
        while self.at.len() > self.budget.count {
            self.at.pop_front();
        }
    }

    /// When one more fits.
    pub(super) fn free_at(&self, now: Millis) -> Millis {
        match self.at.front() {
            Some(oldest) if self.at.len() >= self.budget.count => *oldest + self.budget.per,
            _ => now,
        }
    }
}
