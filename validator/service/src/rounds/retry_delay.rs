//! How long a miner that can't answer at the moment is left alone before it is asked again. Chance is an argument.

use std::time::Duration;

/// The first pause, and the longest.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(2);

/// Pauses between requests to one miner: twice as long each time, and each of a random length, so that all validators don't
/// come back to it at the same instant.
#[derive(Debug)]
pub(super) struct RetryDelay {
    next: Duration,
}

impl Default for RetryDelay {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl RetryDelay {
    /// The pause before the next request, when `left` is left of the window. What the miner asks for counts, if that leaves a
    /// request in the window; `jitter`, from 0 to 1, makes the pause half as long to half as long again.
    pub(super) fn next(
        &mut self,
        left: Duration,
        asked_for: Option<Duration>,
        jitter: f64,
    ) -> Duration {
        let pause = self.next.mul_f64(0.5 + jitter.clamp(0.0, 1.0));
        self.next = (self.next * 2).min(LONGEST);
        let pause = asked_for
            .filter(|asked_for| *asked_for < left)
            .map_or(pause, |asked_for| asked_for.max(pause));
        pause.min(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(of: impl IntoIterator<Item = Duration>) -> Vec<u128> {
        of.into_iter().map(|pause| pause.as_millis()).collect()
    }

    #[test]
    fn pauses_double_up_to_two_seconds_and_differ_by_chance() {
        let minute = Duration::from_secs(60);
        let pauses = |jitter: f64| {
            let mut delay = RetryDelay::default();
            millis((0..5).map(move |_| delay.next(minute, None, jitter)))
        };
        assert_eq!(pauses(0.5), [250, 500, 1_000, 2_000, 2_000]);
        assert_eq!(pauses(0.0), [125, 250, 500, 1_000, 1_000]);
        assert_eq!(pauses(1.0), [375, 750, 1_500, 3_000, 3_000]);
    }

    #[test]
    fn a_miner_is_given_the_time_it_asks_for_only_within_the_window() {
        let left = Duration::from_secs(8);
        let pause = |asked_for: u64| {
            let asked_for = Some(Duration::from_secs(asked_for));
            RetryDelay::default().next(left, asked_for, 0.5)
        };
        assert_eq!(pause(3), Duration::from_secs(3));
        // Sooner than we would come back anyway, at the end of the window, next year.
        for asked_for in [0, 8, 31_536_000, u64::MAX] {
            assert_eq!(pause(asked_for), Duration::from_millis(250), "{asked_for}");
        }
        let short = Duration::from_millis(10);
        assert_eq!(RetryDelay::default().next(short, None, 1.0), short);
    }
}
