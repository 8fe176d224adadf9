//! Trouble that lasts, told to the log when it begins, when it changes and when it is over, and never more often than
//! somebody can read. It reads no clock: whoever notes trouble says what time it is.

use std::fmt;

use foretell_core::time::{Millis, UnixMillis};

use crate::time_text::format_duration;

/// One kind of trouble, such as "the prices": what was last told of it, and when.
#[derive(Debug, Clone)]
pub struct TroubleLog {
    what: &'static str,
    quiet: Millis,
    current: Option<Trouble>,
    /// When a line was last told that trouble began or changed.
    told_at: Option<UnixMillis>,
}

/// Trouble that is there now.
#[derive(Debug, Clone)]
struct Trouble {
    text: String,
    since: UnixMillis,
    /// What the log says of it; `None` while it says nothing, since other trouble was told a moment ago.
    told: Option<String>,
    /// How often it changed since it was told.
    changes: u32,
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TroubleNotice {
    /// There is trouble.
    Began {
        /// What it is about.
        what: &'static str,
        /// The trouble, for people.
        text: String,
    },
    /// It is another now; changes that were not told are counted.
    Changed {
        /// What it is about.
        what: &'static str,
        /// The trouble now, for people.
        text: String,
        /// How long there has been trouble.
        lasting: Millis,
        /// How often it changed since the last line.
        changes: u32,
    },
    /// It is over.
    Ended {
        /// What it was about.
        what: &'static str,
        /// How long it lasted.
        lasted: Millis,
    },
}

impl TroubleLog {
    /// No trouble with `what` yet, a noun in lower case such as "prices". Between two lines that trouble began or changed there
    /// are at least `quiet`.
    pub const fn new(what: &'static str, quiet: Millis) -> Self {
        Self {
            what,
            quiet,
            current: None,
            told_at: None,
        }
    }

    /// The trouble that was last noted, if there is any.
    pub fn current(&self) -> Option<&str> {
        self.current.as_ref().map(|trouble| trouble.text.as_str())
    }

    /// Notes what the trouble is at `now`, or that there is none; gives the line that is to be told of it, if one is. To be
    /// called again while nothing changes, since a change that came too soon after a line is told later.
    pub fn note(&mut self, trouble: Option<&str>, now: UnixMillis) -> Option<TroubleNotice> {
        let what = self.what;
        let Some(text) = trouble else {
            // Trouble that was never told ends without a word.
            let Trouble { since, told, .. } = self.current.take()?;
            let lasted = (now - since).max(Millis::literal(0));
            return told.map(|_| TroubleNotice::Ended { what, lasted });
        };
        let may_tell = self.told_at.is_none_or(|told_at| {
            let since = now - told_at;
            // A clock that was set back must not silence the log.
            since >= self.quiet || since < Millis::literal(0)
        });
        let current = self.current.get_or_insert_with(|| Trouble {
            text: text.to_owned(),
            since: now,
            told: None,
            changes: 0,
        });
        if current.text != text {
            text.clone_into(&mut current.text);
            current.changes += 1;
        }
        let is_told = current.told.as_deref() == Some(text);
        if !may_tell || (is_told && current.changes == 0) {
            return None;
        }
        self.told_at = Some(now);
        let changes = std::mem::take(&mut current.changes);
        let notice = match current.told {
            None => TroubleNotice::Began {
                what,
                text: text.to_owned(),
            },
            Some(_) => TroubleNotice::Changed {
                what,
                text: text.to_owned(),
                lasting: (now - current.since).max(Millis::literal(0)),
                changes,
            },
        };
        current.told = Some(text.to_owned());
        Some(notice)
    }

    /// [Notes](Self::note) and tells the log: warnings, and at the end that it is over.
    pub fn log(&mut self, trouble: Option<&str>, now: UnixMillis) {
        match self.note(trouble, now) {
            Some(ended @ TroubleNotice::Ended { .. }) => tracing::info!("{ended}"),
            Some(notice) => tracing::warn!("{notice}"),
            None => {}
        }
    }
}

impl fmt::Display for TroubleNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began { what, text } => write!(f, "{what}: {text}"),
            Self::Changed {
                what,
                text,
                lasting,
                changes,
            } => {
                let lasting = format_duration(whole_seconds(*lasting));
                write!(f, "{what}: {text} (trouble for {lasting}")?;
                if *changes > 1 {
                    write!(f, ", which changed {changes} times")?;
                }
                f.write_str(")")
            }
            Self::Ended { what, lasted } => {
                let lasted = format_duration(whole_seconds(*lasted));
                write!(f, "{what}: all is well again after {lasted}")
            }
        }
    }
}

/// The span without its part of a second.
fn whole_seconds(span: Millis) -> Millis {
    Millis::seconds(span.get() / 1000)
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::MONDAY;

    use super::*;

    const QUIET: Millis = Millis::minutes(10);

    /// The lines of a log to which this is noted: seconds, and the trouble then.
    fn lines(noted: impl IntoIterator<Item = (i64, Option<&'static str>)>) -> Vec<(i64, String)> {
        let mut log = TroubleLog::new("prices", QUIET);
        let line = |(seconds, trouble)| {
            let notice = log.note(trouble, MONDAY + Millis::seconds(seconds))?;
            Some((seconds, notice.to_string()))
        };
        noted.into_iter().filter_map(line).collect()
    }

    #[test]
    fn trouble_is_told_when_it_begins_and_when_it_is_over_with_how_long_it_lasted() {
        let lasting = (0..720).map(|n| (5 * n, Some("kraken is away")));
        assert_eq!(
            lines(lasting.chain([(3_600, None), (3_605, None)])),
            [
                (0, "prices: kraken is away".to_owned()),
                (3_600, "prices: all is well again after 1h".to_owned()),
            ]
        );
    }

    #[test]
    fn a_change_is_told_and_two_that_alternate_are_told_every_ten_minutes() {
        let flapping = (0..240).map(|n| (15 * n, Some(["a is away", "b is away"][n as usize % 2])));
        let told = lines(flapping);
        let times: Vec<i64> = told.iter().map(|(seconds, _)| *seconds).collect();
        assert_eq!(times, [0, 600, 1_200, 1_800, 2_400, 3_000]);
        assert_eq!(
            told[1].1,
            "prices: a is away (trouble for 10m, which changed 40 times)"
        );
        let once = [(0, Some("a")), (700, Some("b")), (705, Some("b"))];
        assert_eq!(
            lines(once)[1..],
            [(700, "prices: b (trouble for 11m 40s)".to_owned())]
        );
    }

    #[test]
    fn a_change_that_comes_too_soon_is_told_later() {
        let noted = [
            (0, Some("a")),
            (60, Some("b")),
            (120, Some("b")),
            (600, Some("b")),
        ];
        assert_eq!(
            lines(noted)[1..],
            [(600, "prices: b (trouble for 10m)".to_owned())]
        );
    }

    #[test]
    fn trouble_that_comes_and_goes_fills_no_log() {
        let flapping = (0..720).map(|n| (5 * n, (n % 2 == 0).then_some("a is away")));
        let told = lines(flapping);
        assert_eq!(told.len(), 12, "{told:?}");
        for pair in told.chunks(2) {
            assert_eq!(pair[0].1, "prices: a is away");
            assert_eq!(pair[1].1, "prices: all is well again after 5s");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_silences_nothing() {
        let noted = [(7_200, Some("a")), (0, Some("b")), (5, None)];
        assert_eq!(
            lines(noted),
            [
                (7_200, "prices: a".to_owned()),
                (0, "prices: b (trouble for 0s)".to_owned()),
                (5, "prices: all is well again after 0s".to_owned()),
            ]
        );
    }
}
