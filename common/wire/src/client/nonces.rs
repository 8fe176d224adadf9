//! Nonces of signed requests: the time in nanoseconds, never the same twice.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::nanos_clock::NanosClock;

/// Gives one client its nonces, on any number of threads.
#[derive(Debug)]
pub(super) struct NonceSource {
    clock: NanosClock,
    last: AtomicU64,
}

impl NonceSource {
    /// Nonces that follow this clock.
    pub(super) const fn new(clock: NanosClock) -> Self {
        Self {
            clock,
            last: AtomicU64::new(0),
        }
    }

    /// Unix nanoseconds, greater than every nonce before, even if the clock was set back.
    pub(super) fn next(&self) -> u64 {
        let now = (self.clock)();
        let before = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(now.max(last + 1))
            })
            .unwrap_or(now);
        now.max(before + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_clock::system_nanos;

    #[test]
    fn nonces_increase_on_all_threads_and_whatever_the_clock_does() {
        let nonces = NonceSource::new(system_nanos);
        let mut all: Vec<u64> = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1_000).map(|_| nonces.next()).collect()))
                .collect();
            let taken = takers.into_iter().map(|taker| {
                let own: Vec<u64> = taker.join().unwrap();
                assert!(own.is_sorted_by(|a, b| a < b));
                own
            });
            taken.flatten().collect()
        });
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 4_000);

        let ahead = system_nanos() + 1_000_000_000_000;
        nonces.last.store(ahead, Ordering::Relaxed);
        assert_eq!(nonces.next(), ahead + 1);
        assert_eq!(nonces.next(), ahead + 2);
    }
}
