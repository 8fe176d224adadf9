//! Counters of a miner, in Prometheus' text format.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use foretell_wire::messages::OutcomeNotice;

/// Counters since the start, and the newest outcome.
#[derive(Debug, Default)]
pub struct MinerMetrics {
    commitments: AtomicU64,
    reveals: AtomicU64,
    outcomes: AtomicU64,
    last: Mutex<Option<OutcomeNotice>>,
}

impl MinerMetrics {
    /// Counts a commitment that was given.
    pub fn count_commitment(&self) {
        self.commitments.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a payload that was revealed.
    pub fn count_reveal(&self) {
        self.reveals.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an outcome that was received, and remembers it as the newest.
    pub fn count_outcome(&self, outcome: &OutcomeNotice) {
        self.outcomes.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(OutcomeNotice {
            realised: Vec::new(),
            ..outcome.clone()
        });
    }

    /// All counters and the newest outcome, in Prometheus' text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, kind: &str, help: &str, value: f64| {
            // Writing to a string can't fail.
            let _ = writeln!(
                text,
                "# HELP foretell_miner_{name} {help}\n# TYPE foretell_miner_{name} {kind}\nforetell_miner_{name} {value}"
            );
        };
        for (name, help, count) in [
            ("commitments_total", "Commitments given.", &self.commitments),
            ("reveals_total", "Payloads revealed.", &self.reveals),
            (
                "outcomes_total",
                "Outcomes told by validators.",
                &self.outcomes,
            ),
        ] {
            line(name, "counter", help, count.load(Ordering::Relaxed) as f64);
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last {
            for (name, help, value) in [
                ("last_score", "Score of the last round told of.", last.score),
                (
                    "last_reference",
                    "The reference's score in it.",
                    last.reference,
                ),
                (
                    "last_rank",
                    "Place on the leaderboard.",
                    last.rank.map(|rank| rank as f64),
                ),
                ("last_weight", "Share of weight.", last.weight),
            ] {
                if let Some(value) = value {
                    line(name, "gauge", help, value);
                }
            }
        }
        text
    }
}
