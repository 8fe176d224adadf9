//! The book: every open round and every track record, as the fold of a journal.
//!
//! Nothing is kept anywhere else, so a validator that was killed reads its journal, and knows what it
//! [wants](SeriesState::due_actions) next.

mod scoring;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use thiserror::Error;

use crate::hash::Hash;
use crate::hotkey::Hotkey;
use crate::journal::{Genesis, PriceOrigin, Record};
use crate::pool::recalibration::WidthRecalibration;
use crate::pool::{Credits, FitSnapshot};
use crate::round::{InvalidTransition, Round, RoundAction, RoundEvent};
use crate::rules::Rules;
use crate::score::Reference;
use crate::settle::{MINUTE, SettledPrices, Settlement, VoidReason};
use crate::time::{Millis, UnixMillis};
use crate::track::TrackRecord;

/// The state of a validator for one series.
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
    voided: BTreeMap<UnixMillis, VoidReason>,
    unconfirmed: Option<UnconfirmedWeights>,
    weights_set: usize,
}

/// Weights that were signed and are not yet known to be on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnconfirmedWeights {
    /// The extrinsic, as it was stored before it was sent.
    pub extrinsic: String,
    /// Its hash.
    pub hash: Hash,
}

/// What the book needs done, most urgent first.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Open the round of this origin to everybody on the metagraph.
    OpenRound(UnixMillis),
    /// Do what the round of this origin wants.
    Round(UnixMillis, RoundAction),
}

/// A record that does not continue the journal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StateError {
    /// It does not fit its round.
    #[error(transparent)]
    InvalidTransition(#[from] InvalidTransition),
    /// Its round is not open.
    #[error("round {0} is not open")]
    RoundNotOpen(UnixMillis),
    /// It opens a round out of turn.
    #[error("round {0} was opened out of turn")]
    OutOfOrder(UnixMillis),
    /// A price was decided that is decided already, or that this journal has no place for.
    #[error("the price at {0} is decided twice, or is none of this journal")]
    UnexpectedPrice(UnixMillis),
    /// A journal begins once.
    #[error("the journal begins twice")]
    DuplicateGenesis,
    /// Weights were confirmed that nobody signed.
    #[error("weights were confirmed that are not waiting for it")]
    NoUnconfirmedWeights,
    /// The fit's state has not been read back since the journal was.
    #[error("the state of the fit, {0}, has not been read back from the store")]
    FitStateNotLoaded(Hash),
    /// What was read back is not the fit's state.
    #[error("the stored state of the fit, {0}, is damaged")]
    FitStateDamaged(Hash),
    /// A stored payload is missing or no longer a forecast.
    #[error("the payload of {miner} in round {round} is not what was accepted: {why}")]
    InvalidPayload {
        /// Round.
        round: UnixMillis,
        /// Miner.
        miner: Hotkey,
        /// What is wrong.
        why: String,
    },
}

impl SeriesState {
    /// The book of a journal that has just begun.
    pub fn new(genesis: Genesis) -> Self {
        let rules = genesis.rules.rules();
        Self {
            reference: Reference::new(&rules.score),
            next_origin: genesis.first,
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
            voided: BTreeMap::new(),
            unconfirmed: None,
            weights_set: 0,
        }
    }

    /// Takes in a record. The same records give the same book, whoever brings them.
    pub fn apply(&mut self, record: &Record) -> Result<(), StateError> {
        match record {
            Record::Genesis(_) => return Err(StateError::DuplicateGenesis),
            Record::Opened {
                round, asked, pool, ..
            } => {
                self.advance_past(*round)?;
                self.rounds.insert(*round, Round::new(*round, asked, pool));
                self.recalibration.open(*round);
            }
            Record::Committed { round, miner, .. } => {
                self.open_round(*round)?.apply(record)?;
                let track = self.track(*miner);
                track.started.get_or_insert(*round);
            }
            Record::Priced { instant, price, .. } => self.record_price(*instant, *price)?,
            Record::Revealed { round, .. }
            | Record::Missed { round, .. }
            | Record::Settled { round, .. } => self.open_round(*round)?.apply(record)?,
            Record::Scored {
                round,
                reference,
                consensus,
                trials,
                miners,
                missed,
                credits,
                fit,
            } => {
                self.close_round(*round)?;
                let half_life = self.rules.pay.half_life;
                self.credits.add(*round, credits, half_life);
                self.fit = fit.clone();
                self.recalibration.close(*round, trials.as_ref());
                self.reference_track.add_score(*round, reference, reference);
                if let Some(consensus) = consensus {
                    self.consensus_track.add_score(*round, consensus, reference);
                }
                for (miner, score) in miners {
                    let track = self.track(*miner);
                    // A backtest brings scores without the commitments before them.
                    track.started.get_or_insert(*round);
                    track.add_score(*round, score, reference);
                }
                for miner in missed {
                    if let Some(track) = self.tracks.get_mut(miner) {
                        track.add_miss(*round, self.rules.score.miss_advantage);
                    }
                }
            }
            Record::Voided { round, why } => {
                // A round that was slept through was never opened.
                if self.rounds.remove(round).is_none() {
                    self.advance_past(*round)?;
                }
                self.recalibration.close(*round, None);
                self.voided.insert(*round, why.clone());
            }
            Record::WeightsSigned {
                extrinsic, hash, ..
            } => {
                self.unconfirmed = Some(UnconfirmedWeights {
                    extrinsic: extrinsic.clone(),
                    hash: *hash,
                });
            }
            Record::WeightsIncluded { hash, .. } => {
                if self.unconfirmed.as_ref().is_none_or(|w| w.hash != *hash) {
                    return Err(StateError::NoUnconfirmedWeights);
                }
                self.unconfirmed = None;
                self.weights_set += 1;
            }
        }
        Ok(())
    }

    /// What needs doing at `now`, most urgent first: what has a deadline before what has none.
    pub fn due_actions(&self, now: UnixMillis) -> Vec<Action> {
        let mut actions = Vec::new();
        let timing = &self.rules.timing;
        if self.next_origin < self.genesis.end
            && now >= self.next_origin - timing.commit_opens_before
        {
            actions.push(Action::OpenRound(self.next_origin));
        }
        let rounds = self.rounds.iter().filter_map(|(origin, round)| {
            let action = round.due_action(now, &self.genesis.series, timing)?;
            Some(Action::Round(*origin, action))
        });
        actions.extend(rounds);
        actions.sort_by_key(|action| match action {
            Action::OpenRound(_) => 0,
            Action::Round(_, RoundAction::RequestCommitments { .. }) => 1,
            Action::Round(_, RoundAction::RequestReveals { .. }) => 2,
            Action::Round(_, RoundAction::Settle) => 3,
            Action::Round(_, RoundAction::Score { .. }) => 4,
        });
        actions
    }

    /// The next instant after `now` at which a round opens or wants something new; `None` if there is no round left.
    pub fn next_action_time(&self, now: UnixMillis) -> Option<UnixMillis> {
        let timing = &self.rules.timing;
        let next = (self.next_origin < self.genesis.end)
            .then(|| self.next_origin - timing.commit_opens_before);
        let rounds = self.rounds.values();
        let instants = rounds.flat_map(|round| round.action_times(&self.genesis.series, timing));
        instants.chain(next).filter(|instant| *instant > now).min()
    }

    /// What the round at `origin` settles to by the prices of this journal; `None` until all that it takes is decided.
    pub fn settlement(&self, origin: UnixMillis) -> Option<Settlement> {
        let lookback = self.rules.minute.volatility_lookback;
        let prices = self.prices.as_ref()?;
        prices.settlement(&self.genesis.series, origin, lookback, &self.rules.score)
    }

    /// Origin of the round that opens next; `None` if there is none left.
    pub fn next_origin(&self) -> Option<UnixMillis> {
        (self.next_origin < self.genesis.end).then_some(self.next_origin)
    }

    /// The prices of record; `None` in a replay, whose prices are in its file.
    pub const fn prices(&self) -> Option<&SettledPrices> {
        self.prices.as_ref()
    }

    /// The records that a validator makes when it starts at `now` and finds windows that nobody served.
    pub fn voids_on_start(&self, now: UnixMillis) -> Vec<Record> {
        let timing = &self.rules.timing;
        let expired = self.rounds.iter().filter_map(|(origin, round)| {
            round.has_expired_requests(now, timing).then_some(*origin)
        });
        let never_opened = std::iter::successors(Some(self.next_origin), |origin| {
            Some(*origin + self.genesis.round_every)
        })
        .take_while(|origin| {
            *origin < self.genesis.end && now > *origin - timing.commit_closes_before
        });
        expired
            .chain(never_opened)
            .map(|round| Record::Voided {
                round,
                why: VoidReason::ValidatorDown,
            })
            .collect()
    }

    /// Makes `origin` the next round's, in a history that has no rounds before it.
    pub const fn skip_to(&mut self, origin: UnixMillis) {
        self.next_origin = origin;
    }

    /// The record that opens the round at `origin` to these miners; `owners` gives their coldkeys.
    pub fn open(
        &self,
        origin: UnixMillis,
        asked: Vec<Hotkey>,
        owners: &BTreeMap<Hotkey, Hotkey>,
    ) -> Result<Record, StateError> {
        let eligible = self.eligible();
        let owner = |miner: &Hotkey| Some((*miner, *owners.get(miner)?));
        let owners = eligible.iter().filter_map(owner).collect();
        Ok(Record::Opened {
            round: origin,
            asked,
            pool: self.pool(&eligible, &owners)?,
            owners,
        })
    }

    /// The record that an event makes in the round of `origin`.
    pub fn decide(&self, origin: UnixMillis, event: RoundEvent<'_>) -> Result<Record, StateError> {
        let round = self
            .rounds
            .get(&origin)
            .ok_or(StateError::RoundNotOpen(origin))?;
        Ok(round.decide(event, &self.genesis)?)
    }

    /// What the journal is about.
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

    /// What is known of the consensus's width.
    pub const fn recalibration(&self) -> &WidthRecalibration {
        &self.recalibration
    }

    /// Void rounds and why.
    pub const fn voided(&self) -> &BTreeMap<UnixMillis, VoidReason> {
        &self.voided
    }

    /// Weights that may or may not have reached the chain.
    pub const fn unconfirmed(&self) -> Option<&UnconfirmedWeights> {
        self.unconfirmed.as_ref()
    }

    /// How many times weights have been set.
    pub const fn times_weights_set(&self) -> usize {
        self.weights_set
    }

    fn record_price(
        &mut self,
        instant: UnixMillis,
        price: Option<crate::price::Price>,
    ) -> Result<(), StateError> {
        let accepted = self
            .prices
            .as_mut()
            .is_some_and(|prices| prices.insert(instant, price));
        if !accepted {
            return Err(StateError::UnexpectedPrice(instant));
        }
        // No round looks further back than this. Once a day, because it goes through all that is kept.
        let oldest = self
            .rounds
            .keys()
            .next()
            .copied()
            .unwrap_or(self.next_origin);
        let needed_from = oldest - self.rules.minute.volatility_lookback;
        if let Some(prices) = &mut self.prices
            && prices.since() + Millis::days(1) < needed_from
        {
            prices.prune_before(needed_from);
        }
        Ok(())
    }

    /// A miner's record, begun if there is none.
    fn track(&mut self, miner: Hotkey) -> &mut TrackRecord {
        let window = self.genesis.evidence_window();
        let tracks = self.tracks.entry(miner);
        tracks.or_insert_with(|| TrackRecord::new(window))
    }

    fn advance_past(&mut self, origin: UnixMillis) -> Result<(), StateError> {
        if origin != self.next_origin {
            return Err(StateError::OutOfOrder(origin));
        }
        self.next_origin = origin + self.genesis.round_every;
        Ok(())
    }

    fn open_round(&mut self, origin: UnixMillis) -> Result<&mut Round, StateError> {
        self.rounds
            .get_mut(&origin)
            .ok_or(StateError::RoundNotOpen(origin))
    }

    fn close_round(&mut self, origin: UnixMillis) -> Result<Round, StateError> {
        self.rounds
            .remove(&origin)
            .ok_or(StateError::RoundNotOpen(origin))
    }
}

fn prices_of(genesis: &Genesis) -> Option<SettledPrices> {
    match genesis.prices {
        PriceOrigin::Replay { .. } => None,
        PriceOrigin::Venues { since } => Some(SettledPrices::new(since, MINUTE)),
        PriceOrigin::Source { since } => Some(SettledPrices::new(since, genesis.series.grid.step)),
    }
}
