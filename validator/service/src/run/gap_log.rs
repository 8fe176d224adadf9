//! Gaps among the prices, told in stretches: a first start may find thousands of minutes that nobody has prices of.

use std::fmt;

use foretell_cli::time_text::format_time;
use foretell_core::time::{Millis, UnixMillis};

/// Between two lines there is at least this, however many gaps there are.
const QUIET: Millis = Millis::minutes(10);

/// Gaps that were not told yet.
#[derive(Debug, Clone, Default)]
pub(super) struct GapLog {
    untold: Option<GapStretch>,
    told_at: Option<UnixMillis>,
}

/// Gaps from one instant to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GapStretch {
    first: UnixMillis,
    last: UnixMillis,
    gaps: usize,
}

impl GapLog {
    /// Notes the gap of an instant.
    pub(super) fn note(&mut self, instant: UnixMillis) {
        let noted = self.untold.get_or_insert(GapStretch {
            first: instant,
            last: instant,
            gaps: 0,
        });
        noted.first = noted.first.min(instant);
        noted.last = noted.last.max(instant);
        noted.gaps += 1;
    }

    /// The gaps that are to be told at `now`, if some are: once no more are `expected` at once, or a while after the last line.
    pub(super) fn due(&mut self, now: UnixMillis, expected: bool) -> Option<GapStretch> {
        let is_early = |told_at| now - told_at < QUIET && now >= told_at;
        if expected || self.told_at.is_some_and(is_early) {
            return None;
        }
        let due = self.untold.take()?;
        self.told_at = Some(now);
        Some(due)
    }
}

impl fmt::Display for GapStretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, gaps } = self;
        let first = format_time(*first);
        match gaps {
            1 => write!(f, "no price of {first}, and no further attempt: a gap"),
            _ => write!(
                f,
                "no prices of {gaps} instants from {first} to {}, and no further attempt: gaps",
                format_time(*last)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::MONDAY;

    use super::*;

    fn minute(n: i64) -> UnixMillis {
        MONDAY + Millis::minutes(n)
    }

    #[test]
    fn the_gaps_of_a_first_start_are_one_line() {
        let mut log = GapLog::default();
        let mut lines = Vec::new();
        for attempt in 0..12 {
            for n in 0..240 {
                log.note(minute(240 * attempt + n - 2_880));
            }
            let expected = attempt < 11;
            lines.extend(log.due(MONDAY + Millis::seconds(attempt), expected));
        }
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let expected = "no prices of 2880 instants from 2023-12-30T00:00:00Z to 2023-12-31T23:59:00Z, and no further attempt: gaps";
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn a_gap_a_minute_is_a_line_every_ten_minutes_and_none_is_lost() {
        let mut log = GapLog::default();
        let mut told = Vec::new();
        for n in 0..61 {
            log.note(minute(n));
            told.extend(log.due(minute(n), false));
        }
        assert_eq!(told.len(), 7);
        assert_eq!(told.iter().map(|stretch| stretch.gaps).sum::<usize>(), 61);
        assert_eq!(
            told[0].to_string(),
            "no price of 2024-01-01T00:00:00Z, and no further attempt: a gap"
        );
    }
}
