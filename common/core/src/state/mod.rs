//! The state of a series: its open rounds, prices and track records, as the fold of a journal.
//!
//! ```text
//!   apply: Record ──▶ SeriesState ─┬─ schedule: due_actions, next_action_time
//!             ▲                    ├─ decide: records of openings, answers, prices, voids ──┐
//!             │                    └─ scoring: records of scores; evidence, weights ────────┤
//!             └────────────────── written to the journal first ─────────────────────────────┘
//! ```
//!
//! Nothing is kept anywhere else, so a validator that was killed reads its journal, and has the same
//! [actions due](SeriesState::due_actions) as before.

mod action;
mod apply;
mod decide;
mod error;
mod schedule;
mod scoring;
mod void_rounds;

#[cfg(test)]
mod tests;

pub use action::Action;
pub use error::StateError;
pub use void_rounds::VoidRounds;

use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::hotkey::Hotkey;
use crate::journal::{Genesis, PriceOrigin};
use crate::pool::recalibration::WidthRecalibration;
use crate::pool::{Credits, FitSnapshot};
use crate::round::Round;
use crate::rules::Rules;
use crate::score::Reference;
use crate::settle::{MINUTE, SettledPrices};
use crate::time::UnixMillis;
use crate::track::TrackRecord;

/// The state of a validator for one series: what all records of its journal add up to.
#[derive(Debug, Clone)]
pub struct SeriesState {
    genesis: Genesis,
    rules: Rules,
    reference: Reference,
    next_origin: UnixMillis,
    rounds: BTreeMap<UnixMillis, Round>,
    /// `None` in a replay, whose prices are in its file.
    prices: Option<SettledPrices>,
    tracks: BTreeMap<Hotkey, TrackRecord>,
    reference_track: TrackRecord,
    consensus_track: TrackRecord,
    credits: Credits,
    fit: FitSnapshot,
    recalibration: WidthRecalibration,
    voided: VoidRounds,
    unconfirmed: Option<UnconfirmedWeights>,
    weights_set: usize,
}

/// Weights that were signed and are not yet known to be on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnconfirmedWeights {
    /// The extrinsic, as it was stored before it was sent.
    pub extrinsic: String,
    /// Hash of the extrinsic, by which it is found on chain.
    pub hash: Hash,
}

impl SeriesState {
    /// The state of a journal that holds its genesis alone.
    pub fn new(genesis: Genesis) -> Self {
        let rules = genesis.rules.rules();
        Self {
            reference: Reference::new(&rules.score),
            next_origin: genesis.first_origin,
            prices: prices_of(&genesis),
            recalibration: WidthRecalibration::new(rules.recalibration, genesis.evidence_window()),
            rules,
            rounds: BTreeMap::new(),
            tracks: BTreeMap::new(),
            reference_track: TrackRecord::new(genesis.evidence_window()),
            consensus_track: TrackRecord::new(genesis.evidence_window()),
            genesis,
            credits: Credits::default(),
            fit: FitSnapshot::default(),
            voided: VoidRounds::default(),
            unconfirmed: None,
            weights_set: 0,
        }
    }

    /// The first record of the journal: series, rules, validator and origins.
    pub const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The rounds that are neither scored nor void, by origin.
    pub const fn open_rounds(&self) -> &BTreeMap<UnixMillis, Round> {
        &self.rounds
    }

    /// Track records of all miners that ever committed.
    pub const fn tracks(&self) -> &BTreeMap<Hotkey, TrackRecord> {
        &self.tracks
    }

    /// The reference's track record: one entry for every scored round.
    pub const fn reference_track(&self) -> &TrackRecord {
        &self.reference_track
    }

    /// The consensus's track record: rounds in which somebody was eligible.
    pub const fn consensus_track(&self) -> &TrackRecord {
        &self.consensus_track
    }

    /// Widths of the consensus: what is tried, and what past rounds have shown.
    pub const fn recalibration(&self) -> &WidthRecalibration {
        &self.recalibration
    }

    /// The void rounds, and the rule that makes each void.
    pub const fn voided(&self) -> &VoidRounds {
        &self.voided
    }

    /// Weights that may or may not have reached the chain.
    pub const fn unconfirmed_weights(&self) -> Option<&UnconfirmedWeights> {
        self.unconfirmed.as_ref()
    }

    /// Number of times that the chain has confirmed weights.
    pub const fn times_weights_set(&self) -> usize {
        self.weights_set
    }

    /// The prices of record; `None` in a replay, whose prices are in its file.
    pub const fn prices(&self) -> Option<&SettledPrices> {
        self.prices.as_ref()
    }
}

fn prices_of(genesis: &Genesis) -> Option<SettledPrices> {
    match genesis.prices {
        PriceOrigin::Replay { .. } => None,
        PriceOrigin::Venues { since } => Some(SettledPrices::new(since, MINUTE)),
        PriceOrigin::Source { since } => Some(SettledPrices::new(since, genesis.series.grid.step)),
    }
}
