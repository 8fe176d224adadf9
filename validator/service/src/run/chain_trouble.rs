//! What is wrong with the chain: told to the log when it begins, gets worse and is over, shown in the status all the time.

use foretell_chain::chain_error::ChainError;
use foretell_cli::time_text::{format_duration, format_time};
use foretell_core::error_kind::ErrorKind;
use foretell_core::time::{Millis, UnixMillis};

use crate::rounds::{RoundRunnerError, StaleMetagraph};

/// What is wrong with the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChainTrouble {
    /// Whether rounds or weights stand still until somebody acts.
    pub needs_somebody: bool,
    /// What is wrong, what follows, and what to do, in a line.
    pub text: String,
}

/// The trouble that was told last, and since when there is some.
#[derive(Debug, Default)]
pub(super) struct ChainTroubleLog {
    current: Option<(ChainTrouble, UnixMillis)>,
}

/// A line for the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ChainNotice {
    /// There is trouble, or other trouble than before.
    Trouble(ChainTrouble),
    /// The chain answers again, after this time.
    Over(Millis),
}

impl ChainTrouble {
    /// The trouble that a turn of the service had, given its error and what rounds go by; `None` if the chain answers.
    pub(super) fn of_turn(
        error: Option<&RoundRunnerError>,
        stale: Option<&StaleMetagraph>,
    ) -> Option<Self> {
        let goes_by = stale.map_or_else(String::new, |StaleMetagraph { block, until, .. }| {
            let until = format_time(*until);
            format!("; until {until} rounds go by the subnet as it was at block {block}")
        });
        let (needs_somebody, text) = match error {
            // The chain answers, if not as one would like.
            Some(RoundRunnerError::Chain(ChainError::Refused(_))) => return None,
            Some(RoundRunnerError::Chain(error)) if error.kind() == ErrorKind::Transient => {
                (false, format!("{error}{goes_by}"))
            }
            Some(error @ RoundRunnerError::OutdatedMetagraph { source, .. }) => (
                true,
                format!(
                    "{error} ({source}); until then miners aren't asked, and their rounds are void"
                ),
            ),
            Some(RoundRunnerError::Chain(error)) => (
                true,
                format!(
                    "{error}; until then miners aren't asked, their rounds are void, and no weights are set"
                ),
            ),
            Some(_) => return None,
            None => (false, format!("{}{goes_by}", stale?.why)),
        };
        Some(Self {
            needs_somebody,
            text,
        })
    }
}

impl ChainTroubleLog {
    /// The trouble there is, for the status.
    pub(super) fn current(&self) -> Option<String> {
        self.current.as_ref().map(|(trouble, _)| match trouble {
            ChainTrouble {
                needs_somebody: true,
                text,
            } => format!("ERROR: {text}"),
            ChainTrouble { text, .. } => text.clone(),
        })
    }

    /// Notes the trouble of a turn at `now`, and gives the line for the log, if there is one. What passes by itself has other
    /// words at each turn, such as how long is waited: it is told when it begins.
    pub(super) fn note(
        &mut self,
        trouble: Option<ChainTrouble>,
        now: UnixMillis,
    ) -> Option<ChainNotice> {
        let before = self.current.take();
        let Some(trouble) = trouble else {
            let (_, since) = before?;
            return Some(ChainNotice::Over((now - since).max(Millis::ZERO)));
        };
        let since = before.as_ref().map_or(now, |(_, since)| *since);
        let is_told = before.is_some_and(|(told, _)| {
            told == trouble || !(told.needs_somebody || trouble.needs_somebody)
        });
        self.current = Some((trouble.clone(), since));
        (!is_told).then_some(ChainNotice::Trouble(trouble))
    }

    /// [Notes](Self::note) and tells the log: what needs somebody as an error, what passes as a warning.
    pub(super) fn log(&mut self, trouble: Option<ChainTrouble>, now: UnixMillis) {
        match self.note(trouble, now) {
            Some(ChainNotice::Trouble(ChainTrouble {
                needs_somebody: true,
                text,
            })) => tracing::error!("chain: {text}"),
            Some(ChainNotice::Trouble(ChainTrouble { text, .. })) => {
                tracing::warn!("chain: {text}; tried again every block");
            }
            Some(ChainNotice::Over(lasted)) => {
                let lasted = format_duration(Millis::seconds(lasted.whole(Millis::seconds(1))));
                tracing::info!("the chain answers again, after {lasted}");
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use foretell_chain::block::Block;
    use foretell_core::testing::MONDAY;

    use super::*;

    fn transient(text: &str) -> RoundRunnerError {
        ChainError::Unavailable(text.into()).into()
    }

    fn permanent(text: &str) -> RoundRunnerError {
        ChainError::Unusable(text.into()).into()
    }

    fn at(seconds: i64) -> UnixMillis {
        MONDAY + Millis::seconds(seconds)
    }

    #[test]
    fn trouble_is_told_when_it_begins_gets_worse_and_is_over() {
        let mut log = ChainTroubleLog::default();
        let turns = [
            (0, Some(transient("asked again in 1 s"))),
            (12, Some(transient("asked again in 2 s"))),
            (24, Some(permanent("the chain holds no Axons: upgrade"))),
            (36, Some(permanent("the chain holds no Axons: upgrade"))),
            (48, Some(transient("asked again in 1 s"))),
            (60, Some(transient("asked again in 3 s"))),
            (72, None),
            (84, None),
        ];
        let told: Vec<(i64, String)> = turns
            .into_iter()
            .filter_map(|(seconds, error)| {
                let trouble = ChainTrouble::of_turn(error.as_ref(), None);
                let words = match log.note(trouble, at(seconds))? {
                    ChainNotice::Trouble(trouble) => {
                        let level = if trouble.needs_somebody {
                            "error"
                        } else {
                            "warning"
                        };
                        format!("{level}: {}", trouble.text)
                    }
                    ChainNotice::Over(lasted) => format!("over after {lasted}"),
                };
                Some((seconds, words))
            })
            .collect();
        let void = "until then miners aren't asked, their rounds are void, and no weights are set";
        assert_eq!(
            told,
            [
                (0, "warning: asked again in 1 s".to_owned()),
                (
                    24,
                    format!("error: the chain holds no Axons: upgrade; {void}")
                ),
                (48, "warning: asked again in 1 s".to_owned()),
                (72, "over after 72000 ms".to_owned()),
            ]
        );
        assert_eq!(log.current(), None);
    }

    #[test]
    fn what_rounds_go_by_meanwhile_is_said() {
        let stale = StaleMetagraph {
            block: Block::new(7),
            until: at(72 * 60),
            why: "no answer".into(),
        };
        let trouble = ChainTrouble::of_turn(None, Some(&stale)).unwrap();
        assert!(!trouble.needs_somebody);
        assert_eq!(
            trouble.text,
            "no answer; until 2024-01-01T01:12:00Z rounds go by the subnet as it was at block 7"
        );
        let outdated = RoundRunnerError::OutdatedMetagraph {
            block: Block::new(7),
            source: ChainError::Unavailable("no answer".into()),
        };
        let mut log = ChainTroubleLog::default();
        log.note(ChainTrouble::of_turn(Some(&outdated), None), MONDAY);
        let shown = log.current().unwrap();
        for part in [
            "ERROR: ",
            "block 7",
            "more than 360 blocks",
            "(no answer)",
            "another one",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
    }

    #[test]
    fn a_chain_that_refuses_answers() {
        let refused = RoundRunnerError::Chain(ChainError::Refused(
            foretell_chain::refusal::ChainRefusal::RateLimited { blocks_left: 1 },
        ));
        assert_eq!(ChainTrouble::of_turn(Some(&refused), None), None);
    }
}
