//! What a running validator is doing: kept in a file that `validator status` reads, so that nobody has to ask it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use foretell_core::price::Price;
use foretell_core::series::SeriesId;
use foretell_core::settle::SettledPrices;
use foretell_core::state::SeriesState;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::market_view::{CompositePrice, ConnectionState, VenueStatus};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::venue_monitor::CrossCheck;
use foretell_cli::time_text;

/// A status older than this is one of a validator that has stopped.
const FRESH: Millis = Millis::minutes(3);

/// A validator at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidatorStatus {
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
    /// What is traded now on the exchanges that are listened to.
    pub live_price: Option<CompositePrice>,
    /// The newest settled price beside what was traded in its minute.
    pub cross_check: Option<CrossCheck>,
    /// The exchanges that are listened to.
    pub venues: Vec<VenueStatus>,
    /// What is wrong.
    pub trouble: Option<String>,
}

/// What is heard of the exchanges beside their candles.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LiveMarketStatus {
    /// What is traded now.
    pub live_price: Option<CompositePrice>,
    /// The newest settled price beside what was traded in its minute.
    pub cross_check: Option<CrossCheck>,
    /// Every exchange that is listened to.
    pub venues: Vec<VenueStatus>,
}

/// Where the status is kept, and shown to whoever serves it.
#[derive(Debug)]
pub struct StatusFile {
    path: PathBuf,
    status_sender: watch::Sender<Option<ValidatorStatus>>,
}

impl ValidatorStatus {
    /// The status of this book.
    pub fn of(
        state: &SeriesState,
        market: LiveMarketStatus,
        trouble: Option<String>,
        now: UnixMillis,
    ) -> Self {
        Self {
            at: now,
            series: state.genesis().series.id.clone(),
            next_round: state.next_origin(),
            open_rounds: state.open_rounds().len(),
            scored_rounds: state.reference_track().rounds(),
            void_rounds: state.voided().len(),
            miners: state.tracks().len(),
            times_weights_set: state.times_weights_set(),
            weights: None,
            newest_price: state.prices().and_then(SettledPrices::newest),
            undecided: state
                .prices()
                .map_or(0, |p| p.undecided(now - Millis::minutes(2)).count()),
            gaps: state.prices().map_or(0, SettledPrices::gaps),
            live_price: market.live_price,
            cross_check: market.cross_check,
            venues: market.venues,
            trouble,
        }
    }

    /// The status in words, as read at `now`.
    pub fn describe(&self, now: UnixMillis) -> String {
        let mut lines = Vec::new();
        let age = now - self.at;
        lines.push(if age > FRESH {
            format!("NOT RUNNING: last seen {}", time_text::format_time(self.at))
        } else {
            format!("running: {}", self.series)
        });
        lines.push(match self.next_round {
            Some(origin) => format!("next round: {}", time_text::format_time(origin)),
            None => "next round: none".into(),
        });
        lines.push(format!(
            "rounds: {} under way, {} scored, {} void; {} miners have answered",
            self.open_rounds, self.scored_rounds, self.void_rounds, self.miners
        ));
        lines.push(match &self.newest_price {
            Some((at, price)) => {
                format!("newest price: {price} at {}", time_text::format_time(*at))
            }
            None => "newest price: none yet".into(),
        });
        lines.push(format!(
            "prices: {} still to be decided, {} gaps",
            self.undecided, self.gaps
        ));
        lines.extend(self.live_price.map(|CompositePrice { price, venues }| {
            format!("live price: {price:.2}, the median of {venues} venues")
        }));
        lines.extend(self.cross_check.map(|check| check.words()));
        lines.extend(
            self.venues
                .iter()
                .map(|venue| describe_venue(venue, self.at)),
        );
        let weights = self.weights.iter().map(|status| format!("; {status}"));
        let weights: String = weights.collect();
        let times = self.times_weights_set;
        lines.push(format!("weights: set {times} times{weights}"));
        lines.extend(
            self.trouble
                .iter()
                .map(|trouble| format!("trouble: {trouble}")),
        );
        lines.join("\n")
    }
}

/// A venue in a line.
fn describe_venue(venue: &VenueStatus, at: UnixMillis) -> String {
    let state = match venue.state {
        ConnectionState::Live => "live",
        ConnectionState::Connecting => "CONNECTING",
    };
    let last = match venue.last {
        Some((time, price)) => format!("{price} {:.0} s ago", (at - time).0 as f64 / 1e3),
        None => "no trade yet".into(),
    };
    let ms = |name: &str, span: Option<Millis>| {
        span.map(|Millis(ms)| format!(", {name} {ms} ms"))
            .unwrap_or_default()
    };
    let trouble = venue.trouble.as_ref().map(|why| format!("; {why}"));
    format!(
        "  {}: {state}, {last}{}{}, {} trades, {} connections lost{}",
        venue.venue,
        ms("lag", venue.lag),
        ms("our clock at most ahead by", venue.clock_offset),
        venue.trades,
        venue.losses,
        trouble.unwrap_or_default()
    )
}

impl StatusFile {
    /// The status file of this data directory; what is written there is shown to `status_sender`, too.
    pub fn new(data: &Path, status_sender: watch::Sender<Option<ValidatorStatus>>) -> Self {
        let path = Self::path(data);
        Self {
            path,
            status_sender,
        }
    }

    /// Replaces the status. It need not survive a crash, so it isn't synced.
    pub fn write(&self, status: ValidatorStatus) -> Result<()> {
        let unfinished = self.path.with_extension("new");
        let write = || -> std::io::Result<()> {
            std::fs::write(&unfinished, serde_json::to_vec_pretty(&status)?)?;
            std::fs::rename(&unfinished, &self.path)
        };
        write().with_context(|| format!("can't write {}", self.path.display()))?;
        self.status_sender.send_replace(Some(status));
        Ok(())
    }

    /// The status in this data directory.
    pub fn read(data: &Path) -> Result<ValidatorStatus> {
        let path = Self::path(data);
        let bytes = std::fs::read(&path).with_context(|| {
            format!(
                "no status at {}: has `validator run` been started with this configuration?",
                path.display()
            )
        })?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is no status", path.display()))
    }

    fn path(data: &Path) -> PathBuf {
        data.join("status.json")
    }
}
