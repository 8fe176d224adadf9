//! When the next socket may be opened: full jitter after losses, and never more than the venue allows.

use std::collections::VecDeque;

use foretell_core::time::Millis;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::venue::RateLimit;

/// Waits that double and are drawn evenly from zero up to their bound ("full jitter"), so that clients that were
/// cut together don't come back together.
#[derive(Debug)]
pub(super) struct Backoff {
    initial: Millis,
    max: Millis,
    disconnects: u32,
    retry_at: Millis,
    rng: StdRng,
}

/// The last openings, as many as the venue allows within its span.
#[derive(Debug)]
pub(super) struct ConnectLimiter {
    limit: RateLimit,
    opened_at: VecDeque<Millis>,
}

impl Backoff {
    pub(super) fn new(initial: Millis, max: Millis, seed: u64) -> Self {
        Self {
            initial,
            max,
            disconnects: 0,
            retry_at: Millis::saturating(i64::MIN),
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// A random number in `0..1`.
    pub(super) fn jitter_fraction(&mut self) -> f64 {
        self.rng.random()
    }

    /// The wait after one more loss, and no less than `at_least`.
    pub(super) fn after_disconnect(&mut self, now: Millis, at_least: Millis) -> Millis {
        let doublings = self.disconnects.min(20);
        self.disconnects += 1;
        let bound = self
            .initial
            .get()
            .saturating_mul(1 << doublings)
            .min(self.max.get());
        let jitter = (bound as f64 * self.jitter_fraction()) as i64;
        // A wait that the venue demands is jittered on top, not below.
        let wait = Millis::saturating(at_least.get().saturating_add(jitter));
        self.retry_at = now + wait;
        wait
    }

    /// The next wait is as after a first loss.
    pub(super) const fn reset(&mut self) {
        self.disconnects = 0;
    }

    pub(super) const fn retry_at(&self) -> Millis {
        self.retry_at
    }
}

impl ConnectLimiter {
    pub(super) const fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            opened_at: VecDeque::new(),
        }
    }

    pub(super) fn record(&mut self, now: Millis) {
        self.opened_at.push_back(now);
        while self.opened_at.len() > self.limit.count {
            self.opened_at.pop_front();
        }
    }

    /// The first time from `now` on at which one more opening is within the limit.
    pub(super) fn next_allowed_at(&self, now: Millis) -> Millis {
        match self.opened_at.front() {
            Some(oldest) if self.opened_at.len() >= self.limit.count => *oldest + self.limit.per,
            _ => now,
        }
    }
}
