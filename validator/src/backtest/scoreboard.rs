//! Track records of the reference and all miners, whatever the policy: metrics are computed from them.

use std::collections::BTreeMap;

use foretell_core::hotkey::Hotkey;
use foretell_core::pool::evidence;
use foretell_core::score::{MetricSums, ScoredForecast};
use foretell_core::track::TrackRecord;
use foretell_evaluation::metrics::CalibrationSums;
use foretell_evaluation::policy::SettledRound;

use super::plausibility::FirstMove;

/// Track records and calibration by miner.
#[derive(Debug)]
pub struct Scoreboard {
    /// Track record of the reference.
    pub reference: TrackRecord,
    /// Track record of each miner that has answered.
    pub miners: BTreeMap<Hotkey, TrackRecord>,
    /// Where outcomes fell in the fans of each miner whose fans are fine enough to tell.
    pub calibration: BTreeMap<Hotkey, CalibrationSums>,
    window: evidence::EvidenceWindow,
}

/// Metrics of one forecast, computed on any thread.
#[derive(Debug)]
pub struct ForecastMetrics {
    /// Key of the forecaster.
    pub key: Hotkey,
    /// How far it begins from the price at its origin; `None` where there is no such price.
    pub first_move: Option<FirstMove>,
    /// Sums in bps of a forecast that has no score, as its round has no volatility.
    pub unscaled: Option<Box<MetricSums>>,
    /// Where outcomes fell in the fan; `None` in a void round and for a fan too coarse to tell.
    pub calibration: Option<Box<CalibrationSums>>,
}

impl Scoreboard {
    /// Records without any round; advantages are kept over `window`.
    pub fn new(window: evidence::EvidenceWindow) -> Self {
        Self {
            reference: TrackRecord::new(window),
            miners: BTreeMap::new(),
            calibration: BTreeMap::new(),
            window,
        }
    }

    /// Adds a round: a score to the record of each miner that answered, a miss to those that had answered before.
    pub fn add_round(
        &mut self,
        round: &SettledRound<'_>,
        metrics: &[ForecastMetrics],
        miss_advantage: f64,
    ) {
        for forecast in metrics {
            if let Some(sums) = &forecast.calibration {
                let calibration = self.calibration.entry(forecast.key).or_default();
                calibration.merge(sums);
            }
        }
        let Ok(scorer) = round.scorer else {
            for forecast in metrics {
                let track = self.miners.entry(forecast.key);
                let track = track.or_insert_with(|| TrackRecord::new(self.window));
                if let Some(metric_sums) = &forecast.unscaled {
                    track.add_metric_sums(metric_sums);
                }
            }
            return;
        };
        let reference = &scorer.reference_score;
        self.reference.add_score(round.origin, reference, reference);
        let add_answer = |track: &mut TrackRecord, scored: &ScoredForecast| {
            track.started.get_or_insert(round.origin);
            track.add_score(round.origin, &scored.score, reference);
        };
        // Both in order of key, side by side.
        let mut scored = round.scored.iter().peekable();
        let mut newcomers = Vec::new();
        for (key, track) in &mut self.miners {
            while let Some(newcomer) = scored.next_if(|(other, _)| *other < key) {
                newcomers.push(newcomer);
            }
            match scored.next_if(|(other, _)| *other == key) {
                Some((_, scored)) => add_answer(track, scored),
                None => track.add_miss(round.origin, miss_advantage),
            }
        }
        for (key, scored) in newcomers.into_iter().chain(scored) {
            let mut track = TrackRecord::new(self.window);
            add_answer(&mut track, scored);
            self.miners.insert(*key, track);
        }
    }
}
