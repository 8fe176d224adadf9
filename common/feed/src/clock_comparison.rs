//! Whether our clock is right, by the clocks of others. Nothing here reads a clock or asks anybody.

use std::fmt;

use foretell_core::time::{Millis, UnixMillis};

/// How far our clock is ahead of another: somewhere in a range, since asking takes time and the answers are in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDifference {
    least: Millis,
    most: Millis,
}

/// How far our clock stands from that of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockReading {
    /// Whose clock it is, for people.
    pub source: String,
    /// How far ours is ahead of it; negative where ours is behind.
    pub ahead: ClockDifference,
}

/// How far our clock may be from others'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockTolerance {
    /// The most that it may be behind, at least 0.
    pub behind: Millis,
    /// The most that it may be ahead, at least 0.
    pub ahead: Millis,
}

/// What the clocks of others say of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockVerdict {
    /// At least as many agree as don't; the reading of the one that is nearest to ours.
    Agree(ClockReading),
    /// More disagree than agree; the middle one of those that do.
    Disagree(ClockReading),
    /// Nobody answered.
    Unknown,
}

impl ClockDifference {
    /// From an answer that says the time in whole seconds, `stated`, to a request sent at `asked` and answered at `answered`,
    /// both by our clock. The other clock stood anywhere in the second that it stated.
    pub fn from_whole_seconds(stated: UnixMillis, asked: UnixMillis, answered: UnixMillis) -> Self {
        Self {
            least: asked - (stated + Millis::literal(999)),
            most: answered - stated,
        }
    }

    /// From the time of a chain's newest block, which is up to `age` old, read between `asked` and `answered` by our clock.
    pub fn from_newest_block(
        time: UnixMillis,
        age: Millis,
        asked: UnixMillis,
        answered: UnixMillis,
    ) -> Self {
        Self {
            least: asked - (time + age),
            most: answered - time,
        }
    }

    /// Whether it may be within the tolerance.
    pub fn may_be_within(self, tolerance: ClockTolerance) -> bool {
        self.most >= Millis::default() - tolerance.behind && self.least <= tolerance.ahead
    }

    /// The middle of the range.
    pub const fn middle(self) -> Millis {
        Millis::saturating(i64::midpoint(self.least.get(), self.most.get()))
    }
}

impl ClockVerdict {
    /// What these readings say. One source against another is no majority: a single wrong clock elsewhere stops nobody.
    pub fn new(readings: &[ClockReading], tolerance: ClockTolerance) -> Self {
        let (agreeing, mut disagreeing): (Vec<_>, Vec<_>) = readings
            .iter()
            .partition(|reading| reading.ahead.may_be_within(tolerance));
        if disagreeing.len() > agreeing.len() {
            disagreeing.sort_by_key(|reading| reading.ahead.middle());
            let middle = disagreeing.get(disagreeing.len() / 2);
            return middle.map_or(Self::Unknown, |reading| Self::Disagree((*reading).clone()));
        }
        let nearest = agreeing
            .into_iter()
            .min_by_key(|reading| reading.ahead.middle().get().abs());
        nearest.map_or(Self::Unknown, |reading| Self::Agree(reading.clone()))
    }
}

/// In words, as `30 days 2 h ahead of kraken`; within what can be told, `within 0.6 s of kraken`.
impl fmt::Display for ClockReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, ahead } = self;
        if ahead.least <= Millis::literal(0) && ahead.most >= Millis::literal(0) {
            let within = ahead.most.get().max(-ahead.least.get());
            return write!(f, "within {} of {source}", span(Millis::saturating(within)));
        }
        let middle = ahead.middle().get();
        let side = if middle > 0 { "ahead of" } else { "behind" };
        write!(
            f,
            "{} {side} {source}",
            span(Millis::saturating(middle.abs()))
        )
    }
}

/// The two largest parts of a span.
fn span(span: Millis) -> String {
    let seconds = match span.get() {
        ..60_000 => 0,
        // What is told in minutes and more is rounded to whole seconds.
        millis => (millis + 500) / 1000,
    };
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{:.1} s", span.get() as f64 / 1e3),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} days {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::MONDAY;

    use super::*;

    const TOLERANCE: ClockTolerance = ClockTolerance {
        behind: Millis::seconds(10),
        ahead: Millis::seconds(2),
    };

    /// A reading of a source that our clock is `ahead` of, by an answer in whole seconds within 40 ms.
    fn reading(source: &str, ahead: Millis) -> ClockReading {
        let asked = MONDAY + Millis::literal(400) + ahead;
        ClockReading {
            source: source.into(),
            ahead: ClockDifference::from_whole_seconds(MONDAY, asked, asked + Millis::literal(40)),
        }
    }

    fn agrees(ahead: Millis) -> bool {
        match ClockVerdict::new(&[reading("kraken", ahead)], TOLERANCE) {
            ClockVerdict::Agree(_) => true,
            ClockVerdict::Disagree(_) => false,
            ClockVerdict::Unknown => panic!("somebody answered"),
        }
    }

    #[test]
    fn only_what_whole_seconds_can_tell_counts_against_a_clock() {
        for ahead in [-10_400, -10_000, -1_000, 0, 1_000, 2_000, 2_590] {
            assert!(agrees(Millis::saturating(ahead)), "{ahead}");
        }
        for ahead in [-30 * 86_400_000_i64, -3_600_000, -10_500, 2_700, 30_000] {
            assert!(!agrees(Millis::saturating(ahead)), "{ahead}");
        }
    }

    #[test]
    fn the_majority_decides_and_one_against_one_is_none() {
        let day = Millis::days(1);
        let right = reading("kraken", Millis::literal(0));
        let wrong = |name: &str, ahead| reading(name, ahead);
        let verdict = |readings: &[ClockReading]| ClockVerdict::new(readings, TOLERANCE);
        assert_eq!(verdict(&[]), ClockVerdict::Unknown);
        assert_eq!(
            verdict(&[wrong("a", day), right.clone()]),
            ClockVerdict::Agree(right.clone())
        );
        let most_wrong = [wrong("a", day), right, wrong("b", day.times(3))];
        let ClockVerdict::Disagree(reading) = verdict(&most_wrong) else {
            panic!("two of three disagree");
        };
        assert_eq!(reading.source, "b");
    }

    #[test]
    fn a_block_tells_the_time_to_its_age() {
        let age = Millis::seconds(60);
        let difference = |ahead: Millis| {
            let asked = MONDAY + Millis::seconds(20) + ahead;
            ClockDifference::from_newest_block(MONDAY, age, asked, asked + Millis::literal(100))
        };
        assert!(difference(Millis::literal(0)).may_be_within(TOLERANCE));
        assert!(difference(Millis::seconds(40)).may_be_within(TOLERANCE));
        assert!(!difference(Millis::seconds(50)).may_be_within(TOLERANCE));
        assert!(!difference(Millis::seconds(-40)).may_be_within(TOLERANCE));
    }

    #[test]
    fn a_reading_says_how_far_and_of_whom() {
        let text = |ahead| reading("kraken", ahead).to_string();
        assert_eq!(text(Millis::literal(0)), "within 0.6 s of kraken");
        assert_eq!(text(Millis::seconds(30)), "29.9 s ahead of kraken");
        assert_eq!(text(Millis::hours(-1)), "1 h 0 min behind kraken");
        assert_eq!(text(Millis::days(30)), "30 days 0 h ahead of kraken");
        assert_eq!(text(Millis::minutes(-3)), "3 min 0 s behind kraken");
    }
}
