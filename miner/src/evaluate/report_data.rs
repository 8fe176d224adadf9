//! Data of the report beyond the leaderboard, for plots and notebooks: gathered while the walk goes on.

use std::collections::BTreeMap;
use std::fmt::Write;

use foretell_cli::time_text;
use foretell_core::forecast::QuantileForecast;
use foretell_core::score::crps::crps;
use foretell_core::time::UnixMillis;
use foretell_evaluation::metrics::CalibrationSums;

use super::round::EvaluatedRound;

/// Levels of the quantiles that a fan is drawn from.
pub const FAN_LEVELS: [f64; 7] = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975];

/// Name under which the reference stands beside the models.
const REFERENCE: &str = "reference";

/// Per-round scores, and sums by model, gathered round by round.
#[derive(Debug, Default)]
pub struct EvaluationReportData {
    /// A line of [`SCORES_FILE`](super::html_report::SCORES_FILE) for each round and model.
    lines: String,
    /// Sums by name of the model; the reference is among them.
    pub models: BTreeMap<String, ModelSums>,
    /// The calmest and the liveliest round.
    pub sample_rounds: Option<[SampleRound; 2]>,
}

/// What one model's forecasts add up to.
#[derive(Debug, Default)]
pub struct ModelSums {
    /// Step by step, Σ of CRPS in bps and the number of its terms.
    pub by_step: Vec<(f64, u64)>,
    /// Σ of scaled CRPS, the model's and the reference's, by month (2024-01).
    pub by_month: BTreeMap<String, (f64, f64)>,
    /// In which quantiles outcomes fell.
    pub calibration: CalibrationSums,
}

/// A round whose fans are drawn.
#[derive(Debug, Clone)]
pub struct SampleRound {
    /// The round's origin T.
    pub origin: UnixMillis,
    /// Size of the move to the last step, in standard deviations of a random walk.
    pub size: f64,
    /// Realised move from the anchor to each step, in bps; `None` at a gap.
    pub moves: Vec<Option<f64>>,
    /// Name of each model with its quantiles at [`FAN_LEVELS`], step by step, in bps from the anchor.
    pub fans: Vec<(String, Vec<[f64; 7]>)>,
}

impl EvaluationReportData {
    /// Adds a scored round.
    pub fn add_round(&mut self, round: &EvaluatedRound<'_>) {
        let scorer = round.scorer;
        let moves = &scorer.outcome.moves;
        let reference_forecast = scorer.reference_forecast();
        let reference = (REFERENCE, &reference_forecast, &scorer.reference_score);
        let models = round.models.iter();
        let models = models.map(|(name, scored)| (*name, &scored.quantiles, &scored.score));
        let month: String = time_text::format_time(round.origin)
            .chars()
            .take(7)
            .collect();
        for (name, fan, score) in [reference].into_iter().chain(models) {
            let model_sums = self.models.entry(name.to_owned()).or_default();
            model_sums.by_step.resize(moves.len(), (0.0, 0));
            for ((row, y), sum) in fan.rows().zip(moves).zip(&mut model_sums.by_step) {
                if let Some(y) = y {
                    sum.0 += crps(row, *y);
                    sum.1 += 1;
                }
            }
            let month_sums = model_sums.by_month.entry(month.clone()).or_default();
            month_sums.0 += score.scaled_crps;
            month_sums.1 += scorer.reference_score.scaled_crps;
            model_sums.calibration.add(fan, moves);
            let bps = score.metric_sums.mean_crps().unwrap_or(f64::NAN);
            // Writing to a string can't fail.
            let _ = writeln!(
                self.lines,
                "{},{name},{},{bps},{},{}",
                round.origin,
                score.scaled_crps,
                scorer.outcome.volatility,
                moves.last().copied().flatten().unwrap_or(f64::NAN),
            );
        }
        self.update_sample_rounds(round, moves);
    }

    /// The rounds as CSV: `origin_ms,model,score,crps_bps,volatility_bps,move_bps`.
    pub fn scores_csv(&self) -> String {
        format!(
            "origin_ms,model,score,crps_bps,volatility_bps,move_bps\n{}",
            self.lines
        )
    }

    /// CRPS by step as CSV: `model,step,crps_bps`.
    pub fn crps_by_step_csv(&self) -> String {
        let mut text = String::from("model,step,crps_bps\n");
        for (name, model_sums) in &self.models {
            for ((sum, count), step) in model_sums.by_step.iter().zip(1..) {
                let _ = writeln!(text, "{name},{step},{}", sum / *count as f64);
            }
        }
        text
    }

    /// PIT histograms as CSV: `model,bin,share`.
    pub fn pit_csv(&self) -> String {
        let mut text = String::from("model,bin,share\n");
        for (name, model_sums) in &self.models {
            let shares = model_sums.calibration.pit.shares();
            for (share, bin) in shares.into_iter().flatten().zip(0..) {
                let _ = writeln!(text, "{name},{bin},{share}");
            }
        }
        text
    }

    fn update_sample_rounds(&mut self, round: &EvaluatedRound<'_>, moves: &[Option<f64>]) {
        let expected = round.scorer.outcome.volatility * (moves.len() as f64).sqrt();
        let size = moves.last().copied().flatten().unwrap_or(0.0).abs() / expected;
        let sample_round = || {
            let models = round
                .models
                .iter()
                .filter(|(_, scored)| scored.quantiles.k() > 1);
            SampleRound {
                origin: round.origin,
                size,
                moves: moves.to_vec(),
                fans: models
                    .map(|(name, scored)| ((*name).to_owned(), quantiles(&scored.quantiles)))
                    .collect(),
            }
        };
        match &mut self.sample_rounds {
            None => self.sample_rounds = Some([sample_round(), sample_round()]),
            Some([calm, lively]) => {
                if size < calm.size {
                    *calm = sample_round();
                }
                if size > lively.size {
                    *lively = sample_round();
                }
            }
        }
    }
}

fn quantiles(fan: &QuantileForecast) -> Vec<[f64; 7]> {
    let at = |row: &[f64], level: f64| {
        let index = (level * row.len() as f64) as usize;
        row.get(index.min(row.len() - 1)).copied().unwrap_or(0.0)
    };
    fan.rows()
        .map(|row| FAN_LEVELS.map(|level| at(row, level)))
        .collect()
}
