//! What a running validator is doing: kept in a file that `validator status` reads, so that nobody has to ask it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use foretell_core::book::Book;
use foretell_core::price::Price;
use foretell_core::series::SeriesId;
use foretell_core::settle::SettledPrices;
use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::moment;

/// A status older than this is one of a validator that has stopped.
const FRESH: Millis = Millis::minutes(3);

/// A validator at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// When this was so.
    pub at: UnixMillis,
    /// What is forecast.
    pub series: SeriesId,
    /// When the next round opens.
    pub next_round: Option<UnixMillis>,
    /// Rounds under way.
    pub open_rounds: usize,
    /// Rounds that were scored.
    pub scored_rounds: usize,
    /// Rounds that count for nobody.
    pub void_rounds: usize,
    /// Miners that ever committed.
    pub miners: usize,
    /// How many times weights were set.
    pub times_weights_set: usize,
    /// How it stands with weights.
    #[serde(default)]
    pub weights: Option<String>,
    /// The newest price of record and whose instant it is.
    pub newest_price: Option<(UnixMillis, Price)>,
    /// Prices that are due and still to be decided.
    pub undecided: usize,
    /// Gaps among the prices that are still needed.
    pub gaps: usize,
    /// What is wrong.
    pub trouble: Option<String>,
}

/// Where the status is kept.
#[derive(Debug)]
pub struct StatusFile(PathBuf);

impl Status {
    /// The status of this book.
    pub fn of(book: &Book, trouble: Option<String>, now: UnixMillis) -> Self {
        Self {
            at: now,
            series: book.charter().series.id.clone(),
            next_round: book.next_origin(),
            open_rounds: book.open_rounds().len(),
            scored_rounds: book.reference_track().rounds(),
            void_rounds: book.voided().len(),
            miners: book.tracks().len(),
            times_weights_set: book.times_weighed(),
            weights: None,
            newest_price: book.prices().and_then(SettledPrices::newest),
            undecided: book
                .prices()
                .map_or(0, |p| p.undecided(now - Millis::minutes(2)).count()),
            gaps: book.prices().map_or(0, SettledPrices::gaps),
            trouble,
        }
    }

    /// The status in words, as read at `now`.
    pub fn words(&self, now: UnixMillis) -> String {
        let mut lines = Vec::new();
        let age = now - self.at;
        lines.push(if age > FRESH {
            format!("NOT RUNNING: last seen {}", moment::text(self.at))
        } else {
            format!("running: {}", self.series)
        });
        lines.push(match self.next_round {
            Some(origin) => format!("next round: {}", moment::text(origin)),
            None => "next round: none".into(),
        });
        lines.push(format!(
            "rounds: {} under way, {} scored, {} void; {} miners have answered",
            self.open_rounds, self.scored_rounds, self.void_rounds, self.miners
        ));
        lines.push(match &self.newest_price {
            Some((at, price)) => format!("newest price: {price} at {}", moment::text(*at)),
            None => "newest price: none yet".into(),
        });
        lines.push(format!(
            "prices: {} still to be decided, {} gaps",
            self.undecided, self.gaps
        ));
        let standing = self.weights.iter().map(|standing| format!("; {standing}"));
        let standing: String = standing.collect();
        let times = self.times_weights_set;
        lines.push(format!("weights: set {times} times{standing}"));
        lines.extend(
            self.trouble
                .iter()
                .map(|trouble| format!("trouble: {trouble}")),
        );
        lines.join("\n")
    }
}

impl StatusFile {
    /// The status file of this data directory.
    pub fn new(data: &Path) -> Self {
        Self(data.join("status.json"))
    }

    /// Replaces the status. It need not survive a crash, so it isn't synced.
    pub fn write(&self, status: &Status) -> Result<()> {
        let unfinished = self.0.with_extension("new");
        let write = || -> std::io::Result<()> {
            std::fs::write(&unfinished, serde_json::to_vec_pretty(status)?)?;
            std::fs::rename(&unfinished, &self.0)
        };
        write().with_context(|| format!("can't write {}", self.0.display()))
    }

    /// The status.
    pub fn read(&self) -> Result<Status> {
        let path = self.0.display();
        let bytes = std::fs::read(&self.0).with_context(|| {
            format!(
                "no status at {path}: has `validator run` been started with this configuration?"
            )
        })?;
        serde_json::from_slice(&bytes).with_context(|| format!("{path} is no status"))
    }
}
