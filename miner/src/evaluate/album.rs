//! What plots and notebooks need and no leaderboard holds: gathered while the walk goes on.

use std::collections::BTreeMap;
use std::fmt::Write;

use foretell_core::forecast::Fan;
use foretell_core::metrics::Calibration;
use foretell_core::score::crps::crps;
use foretell_core::time::UnixMillis;
use foretell_data::moment;

use super::Seen;

/// Levels of a drawn fan.
pub const LEVELS: [f64; 7] = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975];

/// Name under which the reference stands beside the models.
const REFERENCE: &str = "reference";

/// Gathered round by round.
#[derive(Debug, Default)]
pub struct Album {
    /// A line of [`SCORES`](super::page::SCORES) for each round and model.
    lines: String,
    /// By model, the reference too.
    pub models: BTreeMap<String, Gathered>,
    /// The calmest and the liveliest round.
    pub scenes: Option<[Scene; 2]>,
}

/// Sums of one model.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Σ of CRPS in bps, and how many, by step.
    pub by_step: Vec<(f64, u64)>,
    /// Σ of scaled CRPS, the model's and the reference's, by month (2024-01).
    pub by_month: BTreeMap<String, (f64, f64)>,
    /// Where outcomes fell.
    pub calibration: Calibration,
}

/// A round to be drawn.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The round.
    pub origin: UnixMillis,
    /// How far the price went, in units of what the reference expected.
    pub size: f64,
    /// What happened.
    pub moves: Vec<Option<f64>>,
    /// By model, quantiles at [`LEVELS`] by step.
    pub fans: Vec<(String, Vec<[f64; 7]>)>,
}

impl Album {
    /// Takes in a round.
    pub fn take(&mut self, round: &Seen<'_>) {
        let yardstick = round.yardstick;
        let moves = &yardstick.outcome.moves;
        let reference_fan = yardstick.reference_fan();
        let reference = (REFERENCE, &reference_fan, &yardstick.reference);
        let models = round.models.iter();
        let models = models.map(|(name, judged)| (*name, &judged.fan, &judged.score));
        let month: String = moment::text(round.origin).chars().take(7).collect();
        for (name, fan, score) in [reference].into_iter().chain(models) {
            let gathered = self.models.entry(name.to_owned()).or_default();
            gathered.by_step.resize(moves.len(), (0.0, 0));
            for ((row, y), sum) in fan.rows().zip(moves).zip(&mut gathered.by_step) {
                if let Some(y) = y {
                    sum.0 += crps(row, *y);
                    sum.1 += 1;
                }
            }
            let sums = gathered.by_month.entry(month.clone()).or_default();
            sums.0 += score.scaled_crps;
            sums.1 += yardstick.reference.scaled_crps;
            gathered.calibration.add(fan, moves);
            let bps = score.tally.mean_crps().unwrap_or(f64::NAN);
            // Writing to a string can't fail.
            let _ = writeln!(
                self.lines,
                "{},{name},{},{bps},{},{}",
                round.origin,
                score.scaled_crps,
                yardstick.outcome.volatility,
                moves.last().copied().flatten().unwrap_or(f64::NAN),
            );
        }
        self.see(round, moves);
    }

    /// The rounds as CSV: `origin_ms,model,score,crps_bps,volatility_bps,move_bps`.
    pub fn scores(&self) -> String {
        format!(
            "origin_ms,model,score,crps_bps,volatility_bps,move_bps\n{}",
            self.lines
        )
    }

    /// CRPS by step as CSV: `model,step,crps_bps`.
    pub fn by_step(&self) -> String {
        let mut text = String::from("model,step,crps_bps\n");
        for (name, gathered) in &self.models {
            for ((sum, count), step) in gathered.by_step.iter().zip(1..) {
                let _ = writeln!(text, "{name},{step},{}", sum / *count as f64);
            }
        }
        text
    }

    /// PIT histograms as CSV: `model,bin,share`.
    pub fn pit(&self) -> String {
        let mut text = String::from("model,bin,share\n");
        for (name, gathered) in &self.models {
            let shares = gathered.calibration.pit.shares();
            for (share, bin) in shares.into_iter().flatten().zip(0..) {
                let _ = writeln!(text, "{name},{bin},{share}");
            }
        }
        text
    }

    fn see(&mut self, round: &Seen<'_>, moves: &[Option<f64>]) {
        let expected = round.yardstick.outcome.volatility * (moves.len() as f64).sqrt();
        let size = moves.last().copied().flatten().unwrap_or(0.0).abs() / expected;
        let scene = || {
            let models = round.models.iter().filter(|(_, judged)| judged.fan.k() > 1);
            Scene {
                origin: round.origin,
                size,
                moves: moves.to_vec(),
                fans: models
                    .map(|(name, judged)| ((*name).to_owned(), quantiles(&judged.fan)))
                    .collect(),
            }
        };
        match &mut self.scenes {
            None => self.scenes = Some([scene(), scene()]),
            Some([calm, lively]) => {
                if size < calm.size {
                    *calm = scene();
                }
                if size > lively.size {
                    *lively = scene();
                }
            }
        }
    }
}

fn quantiles(fan: &Fan) -> Vec<[f64; 7]> {
    let at = |row: &[f64], level: f64| {
        let index = (level * row.len() as f64) as usize;
        row.get(index.min(row.len() - 1)).copied().unwrap_or(0.0)
    };
    fan.rows()
        .map(|row| LEVELS.map(|level| at(row, level)))
        .collect()
}
