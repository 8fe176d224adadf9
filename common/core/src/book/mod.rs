//! The book: every open round and every track record, as the fold of a journal.
//!
//! Nothing is kept anywhere else, so a validator that was killed reads its journal, and knows what it
//! [wants](Book::wants) next.

mod scoring;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use thiserror::Error;

use crate::attest::Hash;
use crate::hotkey::Hotkey;
use crate::journal::{Charter, PriceOrigin, Record};
use crate::round::{Event, Misfit, Round, Want};
use crate::rules::Rules;
use crate::score::Reference;
use crate::settle::{MINUTE, SettledPrices, Settlement, VoidReason};
use crate::time::{Millis, UnixMillis};
use crate::track::TrackRecord;
use crate::weigh::recalibration::Recalibration;
use crate::weigh::{Credits, Snapshot};

/// The state of a validator for one series.
#[derive(Debug, Clone)]
pub struct Book {
    charter: Charter,
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
    fit: Snapshot,
    recalibration: Recalibration,
    voided: BTreeMap<UnixMillis, VoidReason>,
    unconfirmed: Option<SignedWeights>,
    weighed: usize,
}

/// Weights that were signed and are not yet known to be on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedWeights {
    /// The extrinsic, as it was stored before it was sent.
    pub extrinsic: String,
    /// Its hash.
    pub hash: Hash,
}

/// What the book needs done, most urgent first.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Open the round of this origin to everybody on the metagraph.
    Open(UnixMillis),
    /// Do what the round of this origin wants.
    Round(UnixMillis, Want),
}

/// A record that does not continue the journal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BookError {
    /// It does not fit its round.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// Its round is not open.
    #[error("round {0} is not open")]
    NoRound(UnixMillis),
    /// It opens a round out of turn.
    #[error("round {0} was opened out of turn")]
    OutOfTurn(UnixMillis),
    /// A price was decided that is decided already, or that this journal has no place for.
    #[error("the price at {0} is decided twice, or is none of this journal")]
    Price(UnixMillis),
    /// A journal begins once.
    #[error("the journal begins twice")]
    BeginsTwice,
    /// Weights were confirmed that nobody signed.
    #[error("weights were confirmed that are not waiting for it")]
    NothingToConfirm,
    /// The fit's state has not been read back since the journal was.
    #[error("the state of the fit, {0}, has not been read back from the store")]
    FitUnread(Hash),
    /// What was read back is not the fit's state.
    #[error("the stored state of the fit, {0}, is damaged")]
    FitDamaged(Hash),
    /// A stored payload is missing or no longer a forecast.
    #[error("the payload of {miner} in round {round} is not what was accepted: {why}")]
    Payload {
        /// Round.
        round: UnixMillis,
        /// Miner.
        miner: Hotkey,
        /// What is wrong.
        why: String,
    },
}

impl Book {
    /// The book of a journal that has just begun.
    pub fn new(charter: Charter) -> Self {
        let rules = charter.rules.rules();
        Self {
            reference: Reference::new(&rules.score),
            next_origin: charter.first,
            prices: prices_of(&charter),
            recalibration: Recalibration::new(rules.recalibration, charter.evidence_window()),
            rules,
            rounds: BTreeMap::new(),
            tracks: BTreeMap::new(),
            reference_track: TrackRecord::new(charter.evidence_window()),
            consensus_track: TrackRecord::new(charter.evidence_window()),
            charter,
            credits: Credits::default(),
            fit: Snapshot::default(),
            voided: BTreeMap::new(),
            unconfirmed: None,
            weighed: 0,
        }
    }

    /// Takes in a record. The same records give the same book, whoever brings them.
    pub fn apply(&mut self, record: &Record) -> Result<(), BookError> {
        match record {
            Record::Began(_) => return Err(BookError::BeginsTwice),
            Record::Opened {
                round, asked, pool, ..
            } => {
                self.take_turn(*round)?;
                self.rounds.insert(*round, Round::new(*round, asked, pool));
                self.recalibration.open(*round);
            }
            Record::Committed { round, miner, .. } => {
                self.open_round(*round)?.apply(record)?;
                let track = self.track(*miner);
                track.started.get_or_insert(*round);
            }
            Record::Priced { instant, price, .. } => self.take_price(*instant, *price)?,
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
                self.reference_track.answered(*round, reference, reference);
                if let Some(consensus) = consensus {
                    self.consensus_track.answered(*round, consensus, reference);
                }
                for (miner, score) in miners {
                    let track = self.track(*miner);
                    // A backtest brings scores without the commitments before them.
                    track.started.get_or_insert(*round);
                    track.answered(*round, score, reference);
                }
                for miner in missed {
                    if let Some(track) = self.tracks.get_mut(miner) {
                        track.missed(*round, self.rules.score.miss_advantage);
                    }
                }
            }
            Record::Voided { round, why } => {
                // A round that was slept through was never opened.
                if self.rounds.remove(round).is_none() {
                    self.take_turn(*round)?;
                }
                self.recalibration.close(*round, None);
                self.voided.insert(*round, why.clone());
            }
            Record::WeightsSigned {
                extrinsic, hash, ..
            } => {
                self.unconfirmed = Some(SignedWeights {
                    extrinsic: extrinsic.clone(),
                    hash: *hash,
                });
            }
            Record::WeightsIncluded { hash, .. } => {
                if self.unconfirmed.as_ref().is_none_or(|w| w.hash != *hash) {
                    return Err(BookError::NothingToConfirm);
                }
                self.unconfirmed = None;
                self.weighed += 1;
            }
        }
        Ok(())
    }

    /// What needs doing at `now`, most urgent first: what has a deadline before what has none.
    pub fn wants(&self, now: UnixMillis) -> Vec<Task> {
        let mut tasks = Vec::new();
        let timing = &self.rules.timing;
        if self.next_origin < self.charter.end
            && now >= self.next_origin - timing.commit_opens_before
        {
            tasks.push(Task::Open(self.next_origin));
        }
        let rounds = self.rounds.iter().filter_map(|(origin, round)| {
            let want = round.want(now, &self.charter.series, timing)?;
            Some(Task::Round(*origin, want))
        });
        tasks.extend(rounds);
        tasks.sort_by_key(|task| match task {
            Task::Open(_) => 0,
            Task::Round(_, Want::Commitments { .. }) => 1,
            Task::Round(_, Want::Reveals { .. }) => 2,
            Task::Round(_, Want::Settlement) => 3,
            Task::Round(_, Want::Scores { .. }) => 4,
        });
        tasks
    }

    /// The next instant after `now` at which a round opens or wants something new; `None` if there is no round left.
    pub fn next_instant(&self, now: UnixMillis) -> Option<UnixMillis> {
        let timing = &self.rules.timing;
        let next = (self.next_origin < self.charter.end)
            .then(|| self.next_origin - timing.commit_opens_before);
        let rounds = self.rounds.values();
        let instants = rounds.flat_map(|round| round.instants(&self.charter.series, timing));
        instants.chain(next).filter(|instant| *instant > now).min()
    }

    /// What the round at `origin` settles to by the prices of this journal; `None` until all that it takes is decided.
    pub fn settlement(&self, origin: UnixMillis) -> Option<Settlement> {
        let history = self.rules.minute.history;
        let prices = self.prices.as_ref()?;
        prices.settlement(&self.charter.series, origin, history, &self.rules.score)
    }

    /// Origin of the round that opens next; `None` if there is none left.
    pub fn next_origin(&self) -> Option<UnixMillis> {
        (self.next_origin < self.charter.end).then_some(self.next_origin)
    }

    /// The prices of record; `None` in a replay, whose prices are in its file.
    pub const fn prices(&self) -> Option<&SettledPrices> {
        self.prices.as_ref()
    }

    /// The records that a validator makes when it starts at `now` and finds windows that nobody served.
    pub fn voids_on_start(&self, now: UnixMillis) -> Vec<Record> {
        let timing = &self.rules.timing;
        let neglected = self
            .rounds
            .iter()
            .filter_map(|(origin, round)| round.was_neglected(now, timing).then_some(*origin));
        let slept_through = std::iter::successors(Some(self.next_origin), |origin| {
            Some(*origin + self.charter.round_every)
        })
        .take_while(|origin| {
            *origin < self.charter.end && now > *origin - timing.commit_closes_before
        });
        neglected
            .chain(slept_through)
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
    ) -> Result<Record, BookError> {
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
    pub fn decide(&self, origin: UnixMillis, event: Event<'_>) -> Result<Record, BookError> {
        let round = self.rounds.get(&origin).ok_or(BookError::NoRound(origin))?;
        Ok(round.decide(event, &self.charter)?)
    }

    /// What the journal is about.
    pub const fn charter(&self) -> &Charter {
        &self.charter
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
    pub const fn recalibration(&self) -> &Recalibration {
        &self.recalibration
    }

    /// Void rounds and why.
    pub const fn voided(&self) -> &BTreeMap<UnixMillis, VoidReason> {
        &self.voided
    }

    /// Weights that may or may not have reached the chain.
    pub const fn unconfirmed(&self) -> Option<&SignedWeights> {
        self.unconfirmed.as_ref()
    }

    /// How many times weights have been set.
    pub const fn times_weighed(&self) -> usize {
        self.weighed
    }

    fn take_price(
        &mut self,
        instant: UnixMillis,
        price: Option<crate::price::Price>,
    ) -> Result<(), BookError> {
        let taken = self
            .prices
            .as_mut()
            .is_some_and(|prices| prices.take(instant, price));
        if !taken {
            return Err(BookError::Price(instant));
        }
        // No round looks further back than this. Once a day, because it goes through all that is kept.
        let oldest = self
            .rounds
            .keys()
            .next()
            .copied()
            .unwrap_or(self.next_origin);
        let needed_from = oldest - self.rules.minute.history;
        if let Some(prices) = &mut self.prices
            && prices.since() + Millis::days(1) < needed_from
        {
            prices.forget_before(needed_from);
        }
        Ok(())
    }

    /// A miner's record, begun if there is none.
    fn track(&mut self, miner: Hotkey) -> &mut TrackRecord {
        let window = self.charter.evidence_window();
        let tracks = self.tracks.entry(miner);
        tracks.or_insert_with(|| TrackRecord::new(window))
    }

    fn take_turn(&mut self, origin: UnixMillis) -> Result<(), BookError> {
        if origin != self.next_origin {
            return Err(BookError::OutOfTurn(origin));
        }
        self.next_origin = origin + self.charter.round_every;
        Ok(())
    }

    fn open_round(&mut self, origin: UnixMillis) -> Result<&mut Round, BookError> {
        self.rounds
            .get_mut(&origin)
            .ok_or(BookError::NoRound(origin))
    }

    fn close_round(&mut self, origin: UnixMillis) -> Result<Round, BookError> {
        self.rounds
            .remove(&origin)
            .ok_or(BookError::NoRound(origin))
    }
}

fn prices_of(charter: &Charter) -> Option<SettledPrices> {
    match charter.prices {
        PriceOrigin::Replay { .. } => None,
        PriceOrigin::Venues { since } => Some(SettledPrices::new(since, MINUTE)),
        PriceOrigin::Source { since } => Some(SettledPrices::new(since, charter.series.grid.step)),
    }
}
