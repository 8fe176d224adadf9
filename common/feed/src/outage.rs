//! What an operator is told of a venue's trouble: once when it begins, once when it changes, and when it is over, with how
//! long it lasted. A venue that comes and goes is told as such, once, and then not until it has kept well.

use std::fmt;

use foretell_core::time::Millis;

/// A venue that fails again within this after it recovered comes and goes; without a failure for this long, it is well.
const STEADY_AFTER: Millis = Millis::minutes(10);
/// Causes of one outage that are told; one that keeps finding new words is told no more.
const MAX_CAUSES: usize = 4;

/// The trouble of one venue over time, as far as it was told. Times are of one monotonic clock.
#[derive(Debug, Default)]
pub struct Outage {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Well,
    /// It fails since then; the causes that were told.
    Failing { since: Millis, told: Vec<String> },
    /// It works again since then.
    Recovered { at: Millis },
    /// It comes and goes: how often it failed since when, and whether it works since when.
    Unsteady {
        since: Millis,
        failures: u64,
        well_since: Option<Millis>,
    },
}

/// What is to be told, in words that stand behind the venue's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutageNotice {
    /// It fails, for this reason.
    Began(String),
    /// It still fails, for another reason.
    Changed(String),
    /// It works again, after this long.
    Ended(Millis),
    /// It failed again soon after it recovered, for this reason.
    Unsteady(String),
    /// It came and went: this many failures over this long, and now it has kept well.
    Steady(u64, Millis),
}

impl Outage {
    /// A failure at `now`, and what is to be told of it.
    pub fn failed(&mut self, now: Millis, why: &str) -> Option<OutageNotice> {
        match &mut self.state {
            State::Well => {
                self.state = State::Failing {
                    since: now,
                    told: vec![why.to_owned()],
                };
                Some(OutageNotice::Began(why.to_owned()))
            }
            State::Failing { told, .. } => {
                let known = told.iter().any(|told| told == why);
                (!known && told.len() < MAX_CAUSES).then(|| {
                    told.push(why.to_owned());
                    OutageNotice::Changed(why.to_owned())
                })
            }
            State::Recovered { at } if now - *at < STEADY_AFTER => {
                self.state = State::Unsteady {
                    since: now,
                    failures: 1,
                    well_since: None,
                };
                Some(OutageNotice::Unsteady(why.to_owned()))
            }
            State::Recovered { .. } => {
                self.state = State::Well;
                self.failed(now, why)
            }
            State::Unsteady {
                failures,
                well_since,
                ..
            } => {
                *failures = failures.saturating_add(1);
                *well_since = None;
                None
            }
        }
    }

    /// A sign at `now` that it works, and what is to be told of it.
    pub fn works(&mut self, now: Millis) -> Option<OutageNotice> {
        match &mut self.state {
            State::Well => None,
            State::Failing { since, .. } => {
                let lasted = now - *since;
                self.state = State::Recovered { at: now };
                Some(OutageNotice::Ended(lasted))
            }
            State::Recovered { at } => {
                if now - *at >= STEADY_AFTER {
                    self.state = State::Well;
                }
                None
            }
            State::Unsteady {
                since,
                failures,
                well_since,
            } => {
                let well_since = *well_since.get_or_insert(now);
                if now - well_since < STEADY_AFTER {
                    return None;
                }
                let notice = OutageNotice::Steady(*failures, well_since - *since);
                self.state = State::Well;
                Some(notice)
            }
        }
    }
}

impl OutageNotice {
    /// Whether it is bad news.
    pub const fn is_trouble(&self) -> bool {
        matches!(self, Self::Began(_) | Self::Changed(_) | Self::Unsteady(_))
    }

    /// Tells the log, under this name.
    pub fn log(&self, venue: &str) {
        if self.is_trouble() {
            tracing::warn!(venue, "{self}");
        } else {
            tracing::info!(venue, "{self}");
        }
    }
}

impl fmt::Display for OutageNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began(why) => write!(f, "{why}; tried again until it works"),
            Self::Changed(why) => write!(f, "still away: {why}"),
            Self::Ended(lasted) => write!(f, "back after {}", Span(*lasted)),
            Self::Unsteady(why) => write!(
                f,
                "lost again soon after it was back: {why}; told again only once it has kept well for {}",
                Span(STEADY_AFTER)
            ),
            Self::Steady(failures, over) => write!(
                f,
                "keeps well again, after {failures} losses in {}",
                Span(*over)
            ),
        }
    }
}

/// A span in the two largest units that it has.
struct Span(Millis);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.get().max(0) / 1000;
        let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
        let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
        match (days, hours, minutes) {
            (0, 0, 0) => write!(f, "{seconds} s"),
            (0, 0, _) => write!(f, "{minutes} min {seconds} s"),
            (0, _, _) => write!(f, "{hours} h {minutes} min"),
            _ => write!(f, "{days} d {hours} h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(notice: Option<OutageNotice>) -> String {
        notice.map_or_else(String::new, |notice| notice.to_string())
    }

    #[test]
    fn an_outage_is_told_when_it_begins_changes_and_ends() {
        let mut outage = Outage::default();
        let at = Millis::seconds;
        assert_eq!(outage.works(at(0)), None);
        assert_eq!(
            told(outage.failed(at(10), "cut")),
            "cut; tried again until it works"
        );
        for second in 11..3_000 {
            assert_eq!(outage.failed(at(second), "cut"), None);
        }
        assert_eq!(told(outage.failed(at(3_000), "451")), "still away: 451");
        assert_eq!(outage.failed(at(3_001), "cut"), None, "that was told");
        assert_eq!(told(outage.works(at(3_700))), "back after 1 h 1 min");
        assert_eq!(outage.works(at(3_701)), None);
        assert_eq!(outage.works(at(9_000)), None);
        assert!(outage.failed(at(9_001), "cut").unwrap().is_trouble());
        assert_eq!(told(outage.works(at(9_006))), "back after 5 s");
    }

    #[test]
    fn a_venue_that_comes_and_goes_is_told_a_few_times_only() {
        let mut outage = Outage::default();
        let mut notices = Vec::new();
        // For a day it fails every 20 s, with ever new words, and works in between.
        for second in 0..86_400 {
            let now = Millis::seconds(second);
            notices.extend(match second % 20 {
                0 => outage.failed(now, &format!("broke {second}")),
                _ => outage.works(now),
            });
        }
        for second in 86_400..88_000 {
            notices.extend(outage.works(Millis::seconds(second)));
        }
        let texts: Vec<String> = notices.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "broke 0; tried again until it works",
                "back after 1 s",
                "lost again soon after it was back: broke 20; told again only once it has kept well for 10 min 0 s",
                "keeps well again, after 4319 losses in 23 h 59 min",
            ]
        );
    }

    #[test]
    fn ever_new_causes_of_one_outage_are_not_all_told() {
        let mut outage = Outage::default();
        let told =
            (0..1000).filter_map(|i| outage.failed(Millis::saturating(i), &format!("cause {i}")));
        assert_eq!(told.count(), MAX_CAUSES);
    }
}
