//! An upper bound of how far our clock is ahead of a venue's.

use foretell_core::time::{Millis, UnixMillis};

/// Span over which the least delay counts; clocks drift and are set.
const WINDOW: Millis = Millis::minutes(10);

/// The least difference between the arrival of a message by our clock and its sending by the venue's: the offset of the
/// clocks plus the least latency, which is some milliseconds. The minimum over the last one to two windows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ClockOffset {
    /// Start and least delay of this window.
    current: Option<(UnixMillis, Millis)>,
    /// Least delay of the window before.
    previous: Option<Millis>,
}

impl ClockOffset {
    pub(super) fn update(&mut self, received: UnixMillis, sent: UnixMillis) {
        let delay = received - sent;
        self.current = match self.current {
            Some((since, least)) if received - since < WINDOW && received >= since => {
                Some((since, least.min(delay)))
            }
            Some((_, least)) => {
                self.previous = Some(least);
                Some((received, delay))
            }
            None => Some((received, delay)),
        };
    }

    pub(super) fn get(&self) -> Option<Millis> {
        let (_, least) = self.current?;
        Some(self.previous.map_or(least, |previous| previous.min(least)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_delay_counts_and_an_old_one_is_forgotten() {
        let mut offset = ClockOffset::default();
        assert_eq!(offset.get(), None);
        let mut note = |minute: i64, delay: i64| {
            let received = UnixMillis::literal(0) + Millis::minutes(minute);
            offset.update(received, received - Millis::saturating(delay));
            offset.get()
        };
        assert_eq!(note(0, 120), Some(Millis::literal(120)));
        assert_eq!(note(1, -30), Some(Millis::literal(-30)));
        assert_eq!(note(2, 300), Some(Millis::literal(-30)));
        assert_eq!(note(11, 50), Some(Millis::literal(-30)));
        assert_eq!(note(22, 60), Some(Millis::literal(50)));
    }
}
