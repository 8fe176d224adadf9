//! How a record changes the state.

use super::error::StateError;
use super::{SeriesState, UnconfirmedWeights};
use crate::hotkey::Hotkey;
use crate::journal::Record;
use crate::price::Price;
use crate::round::Round;
use crate::time::{Millis, UnixMillis};
use crate::track::TrackRecord;

impl SeriesState {
    /// Takes in a record. The same records give the same state, whoever brings them.
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
                // A round whose windows the validator missed was never opened.
                if self.rounds.remove(round).is_none() {
                    self.advance_past(*round)?;
                }
                self.recalibration.close(*round, None);
                self.voided.insert(*round, 1, why.clone());
            }
            Record::VoidedStretch { round, last, why } => {
                let rounds = self.rounds_in(*round, *last)?;
                self.advance_past(*round)?;
                self.next_origin = *last + self.genesis.round_every;
                self.voided.insert(*round, rounds, why.clone());
                self.forget_old_prices();
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

    fn record_price(
        &mut self,
        instant: UnixMillis,
        price: Option<Price>,
    ) -> Result<(), StateError> {
        let accepted = self
            .prices
            .as_mut()
            .is_some_and(|prices| prices.insert(instant, price));
        if !accepted {
            return Err(StateError::UnexpectedPrice(instant));
        }
        self.forget_old_prices();
        Ok(())
    }

    /// Forgets the prices that no round needs, and that they were to be decided. Once a day, because that goes through all
    /// prices that are kept.
    fn forget_old_prices(&mut self) {
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
    }

    /// How many rounds there are from the origin `first` to the origin `last`.
    fn rounds_in(&self, first: UnixMillis, last: UnixMillis) -> Result<u64, StateError> {
        let (span, every) = ((last - first).get(), self.genesis.round_every.get());
        let later = u64::try_from(span).ok().filter(|_| span % every == 0);
        let later = later.filter(|_| last < self.genesis.end_origin);
        let later = later.ok_or(StateError::OutOfOrder(last))?;
        Ok(later / every.unsigned_abs() + 1)
    }

    /// A miner's track record, begun if there is none.
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
