//! From forecasts to scores, from scores to evidence, and from evidence to weights.

use std::collections::BTreeMap;

use super::SeriesState;
use super::error::StateError;
use crate::coldkey::Coldkey;
use crate::forecast::Forecast;
use crate::hash::Hash;
use crate::hotkey::Hotkey;
use crate::journal::Record;
use crate::pool::deviations::{Deviations, RealisedMoves};
use crate::pool::fit_state::FitState;
use crate::pool::recalibration::WidthTrials;
use crate::pool::{Evidence, FitSnapshot, Forecaster, PayoutShares, credit, fit_pool};
use crate::score::{RoundScorer, Score, ScoredForecast};
use crate::settle::{Settlement, VoidReason};
use crate::time::UnixMillis;

impl SeriesState {
    /// The record that scores a round: `forecasts` are the payloads of those who revealed.
    pub fn score(
        &self,
        origin: UnixMillis,
        settlement: &Settlement,
        forecasts: &BTreeMap<Hotkey, Vec<u8>>,
        pool: &[Forecaster],
        missed: Vec<Hotkey>,
    ) -> Result<Record, StateError> {
        let mut parsed = BTreeMap::new();
        for (miner, payload) in forecasts {
            let forecast = Forecast::parse(payload, &self.genesis.series).map_err(|why| {
                StateError::InvalidPayload {
                    round: origin,
                    miner: *miner,
                    why: why.to_string(),
                }
            })?;
            parsed.insert(*miner, forecast);
        }
        let scorer = match self.scorer(settlement) {
            Ok(scorer) => scorer,
            Err(why) => return Ok(Record::Voided { round: origin, why }),
        };
        let scored = parsed
            .iter()
            .map(|(miner, forecast)| (*miner, scorer.score(forecast)))
            .collect();
        self.scored_record(origin, &scorer, &scored, pool, missed)
    }

    /// The scorer of all forecasts of a round with these prices, or why the round is void.
    pub fn scorer(&self, settlement: &Settlement) -> Result<RoundScorer, VoidReason> {
        let series = &self.genesis.series;
        RoundScorer::new(series, settlement, &self.reference, &self.rules)
    }

    /// The record of a round whose forecasts are scored.
    pub fn scored_record(
        &self,
        origin: UnixMillis,
        scorer: &RoundScorer,
        scored: &BTreeMap<Hotkey, ScoredForecast>,
        pool: &[Forecaster],
        missed: Vec<Hotkey>,
    ) -> Result<Record, StateError> {
        let (outcome, rules) = (&scorer.outcome, &self.rules.score);
        let mut deviations = Deviations::new(&self.reference, self.genesis.series.grid.horizon);
        for (miner, scored) in scored {
            deviations.insert(*miner, &scored.quantiles, outcome.volatility, rules);
        }
        let realised = RealisedMoves::new(outcome, rules);
        let combined = deviations.consensus(pool);
        let mut fit_state = self.fit_state()?.clone();
        let asked: Vec<Hotkey> = scored.keys().chain(&missed).copied().collect();
        let settled = (&deviations, &combined, &realised);
        fit_state.add(origin, settled, &asked, &self.rules.fit);
        let fan = deviations.fan(&combined, outcome.volatility);
        let (mut consensus, mut trials) = (None, None);
        if !pool.is_empty() {
            let published = self.recalibration.factors_of_round(origin).applied_to(&fan);
            consensus = Score::from_forecast(&published, outcome, rules);
            trials = WidthTrials::evaluate(&fan, outcome, rules);
        }
        let credits = credit::credits(&deviations, &combined, pool, &realised);
        Ok(Record::Scored {
            round: origin,
            reference: scorer.reference_score.clone(),
            consensus,
            trials,
            miners: scored
                .iter()
                .map(|(miner, scored)| (*miner, scored.score.clone()))
                .collect(),
            missed,
            credits,
            fit: FitSnapshot::new(fit_state),
        })
    }

    /// Evidence of every miner with a scored round.
    pub fn evidence(&self) -> BTreeMap<Hotkey, Evidence> {
        let tracks = self.tracks.iter();
        tracks
            .filter_map(|(key, track)| Some((*key, track.evidence(&self.rules.evidence)?)))
            .collect()
    }

    /// The shares of the payout that the scored rounds give now.
    pub fn weights(&self) -> PayoutShares {
        let consensus = self.consensus_track.evidence(&self.rules.evidence);
        let evidence = self.evidence();
        PayoutShares::from_credits(
            &evidence,
            &self.credits,
            consensus.as_ref(),
            &self.rules.pay,
        )
    }

    /// The hash of the fit's state, which must be [restored](Self::restore_fit_state) before rounds go on; `None` if it is
    /// here.
    pub fn missing_fit_state(&self) -> Option<Hash> {
        self.fit.state().is_none().then(|| self.fit.hash())
    }

    /// Reads the fit's state back from its stored bytes.
    pub fn restore_fit_state(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let damaged = |_| StateError::FitStateDamaged(self.fit.hash());
        self.fit = self.fit.restored(bytes).map_err(damaged)?;
        Ok(())
    }

    /// The hotkeys whose evidence is above 0.
    pub(super) fn eligible(&self) -> Vec<Hotkey> {
        let evidence = self.evidence().into_iter();
        evidence
            .filter(|(_, e)| e.value > 0.0)
            .map(|(key, _)| key)
            .collect()
    }

    /// The forecasters made of the eligible hotkeys, each with its share of the consensus.
    pub(super) fn pool(
        &self,
        eligible: &[Hotkey],
        owners: &BTreeMap<Hotkey, Coldkey>,
    ) -> Result<Vec<Forecaster>, StateError> {
        Ok(fit_pool::fit_pool(
            eligible,
            owners,
            self.fit_state()?,
            &self.rules.fit,
        ))
    }

    fn fit_state(&self) -> Result<&FitState, StateError> {
        let unread = || StateError::FitStateNotLoaded(self.fit.hash());
        self.fit.state().ok_or_else(unread)
    }
}
