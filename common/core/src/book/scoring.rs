//! The part of the book that turns forecasts into scores, scores into evidence, and evidence into weights.

use std::collections::BTreeMap;

use super::{Book, BookError};
use crate::attest::Hash;
use crate::forecast::Forecast;
use crate::hotkey::Hotkey;
use crate::journal::Record;
use crate::score::{Judged, Score, Yardstick};
use crate::settle::{Settlement, VoidReason};
use crate::time::UnixMillis;
use crate::weigh::deviations::{Deviations, Realised};
use crate::weigh::quadratic::Quadratic;
use crate::weigh::recalibration::Trials;
use crate::weigh::{Evidence, PoolEntry, Snapshot, Weights, credit, entries};

impl Book {
    /// The record that scores a round: `forecasts` are the payloads of those who revealed.
    pub fn score(
        &self,
        origin: UnixMillis,
        settlement: &Settlement,
        forecasts: &BTreeMap<Hotkey, Vec<u8>>,
        pool: &[PoolEntry],
        missed: Vec<Hotkey>,
    ) -> Result<Record, BookError> {
        let mut parsed = BTreeMap::new();
        for (miner, payload) in forecasts {
            let forecast = Forecast::parse(payload, &self.charter.series).map_err(|why| {
                BookError::Payload {
                    round: origin,
                    miner: *miner,
                    why: why.to_string(),
                }
            })?;
            parsed.insert(*miner, forecast);
        }
        let yardstick = match self.yardstick(settlement) {
            Ok(yardstick) => yardstick,
            Err(why) => return Ok(Record::Voided { round: origin, why }),
        };
        let judged = parsed
            .iter()
            .map(|(miner, forecast)| (*miner, yardstick.judge(forecast)))
            .collect();
        self.scored(origin, &yardstick, &judged, pool, missed)
    }

    /// What the forecasts of a round with these prices are judged by, or why the round is void.
    pub fn yardstick(&self, settlement: &Settlement) -> Result<Yardstick, VoidReason> {
        let series = &self.charter.series;
        Yardstick::of(series, settlement, &self.reference, &self.rules)
    }

    /// The record that scores a round whose forecasts are judged.
    pub fn scored(
        &self,
        origin: UnixMillis,
        yardstick: &Yardstick,
        judged: &BTreeMap<Hotkey, Judged>,
        pool: &[PoolEntry],
        missed: Vec<Hotkey>,
    ) -> Result<Record, BookError> {
        let (outcome, rules) = (&yardstick.outcome, &self.rules.score);
        let mut deviations = Deviations::new(&self.reference, self.charter.series.grid.horizon);
        for (miner, judged) in judged {
            deviations.insert(*miner, &judged.fan, outcome.volatility, rules);
        }
        let realised = Realised::of(outcome, rules);
        let combined = deviations.consensus(pool);
        let mut state = self.fit_state()?.clone();
        let asked: Vec<Hotkey> = judged.keys().chain(&missed).copied().collect();
        let settled = (&deviations, &combined, &realised);
        state.add(origin, settled, &asked, &self.rules.fit);
        let fan = deviations.fan(&combined, outcome.volatility);
        let (mut consensus, mut trials) = (None, None);
        if !pool.is_empty() {
            let sold = self.recalibration.of_round(origin).applied_to(&fan);
            consensus = Score::of(&sold, outcome, rules);
            trials = Trials::of(&fan, outcome, rules);
        }
        let credits = credit::credits(&deviations, &combined, pool, &realised);
        Ok(Record::Scored {
            round: origin,
            reference: yardstick.reference.clone(),
            consensus,
            trials,
            miners: judged
                .iter()
                .map(|(miner, judged)| (*miner, judged.score.clone()))
                .collect(),
            missed,
            credits,
            fit: Snapshot::of(state),
        })
    }

    /// Evidence of every miner with a record.
    pub fn evidence(&self) -> BTreeMap<Hotkey, Evidence> {
        let tracks = self.tracks.iter();
        tracks
            .filter_map(|(key, track)| Some((*key, track.evidence(&self.rules.evidence)?)))
            .collect()
    }

    /// The weights that the scored rounds give now.
    pub fn weights(&self) -> Weights {
        let consensus = self.consensus_track.evidence(&self.rules.evidence);
        let evidence = self.evidence();
        Weights::of(
            &evidence,
            &self.credits,
            consensus.as_ref(),
            &self.rules.pay,
        )
    }

    /// The hash of the fit's state, which must be [restored](Self::restore_fit) before rounds go on; `None` if it is
    /// here.
    pub fn missing_fit(&self) -> Option<Hash> {
        self.fit.state().is_none().then(|| self.fit.hash())
    }

    /// Reads the fit's state back from its stored bytes.
    pub fn restore_fit(&mut self, bytes: &[u8]) -> Result<(), BookError> {
        let damaged = |_| BookError::FitDamaged(self.fit.hash());
        self.fit = self.fit.restored(bytes).map_err(damaged)?;
        Ok(())
    }

    /// Whose evidence is above nothing.
    pub(super) fn eligible(&self) -> Vec<Hotkey> {
        let evidence = self.evidence().into_iter();
        evidence
            .filter(|(_, e)| e.value > 0.0)
            .map(|(key, _)| key)
            .collect()
    }

    /// The entries of the eligible, each with its share of the consensus.
    pub(super) fn pool(
        &self,
        eligible: &[Hotkey],
        owners: &BTreeMap<Hotkey, Hotkey>,
    ) -> Result<Vec<PoolEntry>, BookError> {
        Ok(entries::pool(
            eligible,
            owners,
            self.fit_state()?,
            &self.rules.fit,
        ))
    }

    fn fit_state(&self) -> Result<&Quadratic, BookError> {
        let unread = || BookError::FitUnread(self.fit.hash());
        self.fit.state().ok_or_else(unread)
    }
}
