//! What an evaluation says: the document of `--json`, and the table.

use comfy_table::{Cell, CellAlignment, Table, presets};
use foretell_cli::time_text;
use foretell_core::series::SeriesId;
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::leaderboard::LeaderboardRow;
use foretell_evaluation::policy::PolicyName;
use serde::{Deserialize, Serialize};

use super::walk_forward::{EVALUATION_RULES, WalkForward, WalkForwardResult};
use crate::price_dataset::PriceDataset;

/// The whole result, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationReport {
    /// Name of the series.
    pub series: SeriesId,
    /// Name of the policy whose scores these are.
    pub policy: String,
    /// Version of the rules.
    pub rules: String,
    /// Scored rounds.
    pub rounds: usize,
    /// Rounds that had too few prices.
    pub void_rounds: usize,
    /// Rounds that the prices don't reach: an evaluation asks for none.
    pub unsettled: usize,
    /// Number of origins.
    pub origins: usize,
    /// First origin.
    pub from: Option<UnixMillis>,
    /// Last origin.
    pub to: Option<UnixMillis>,
    /// Steps between two origins.
    pub stride: usize,
    /// Steps of a forecast.
    pub horizon: usize,
    /// Quantiles of a forecast.
    pub k: usize,
    /// Time between two fits.
    pub refit_every_ms: Millis,
    /// The reference, then the models.
    pub leaderboard: Vec<LeaderboardRow>,
    /// Wall time; not part of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<EvaluationTiming>,
}

/// Where wall time went, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct EvaluationTiming {
    /// Reading prices.
    pub load_s: f64,
    /// Fitting, forecasting and scoring.
    pub score_s: f64,
    /// Everything.
    pub total_s: f64,
    /// Fitting alone.
    pub fit_s: f64,
    /// Number of fits.
    pub fits: usize,
}

impl EvaluationReport {
    /// What a walk through a market came to.
    pub fn new(
        walk_forward: &WalkForward,
        dataset: &PriceDataset,
        result: &WalkForwardResult,
    ) -> Self {
        Self {
            series: dataset.series.id.clone(),
            policy: PolicyName::Evidence.to_string(),
            rules: EVALUATION_RULES.name().into(),
            rounds: result.rounds,
            void_rounds: result.void_rounds,
            unsettled: 0,
            origins: result.origins,
            from: result.span.map(|(first, _)| first),
            to: result.span.map(|(_, last)| last),
            stride: walk_forward.stride.get(),
            horizon: dataset.series.grid.horizon,
            k: walk_forward.k,
            refit_every_ms: walk_forward.refit_every,
            leaderboard: result.leaderboard.clone(),
            timing: None,
        }
    }

    /// The whole result as text.
    pub fn text(&self) -> String {
        let span = match (self.from, self.to) {
            (Some(from), Some(to)) => format!(
                "{} to {}",
                time_text::format_time(from),
                time_text::format_time(to)
            ),
            _ => "no origin".into(),
        };
        let mut text = format!(
            "{} rounds of {} scored, {} void; {span}, every {} steps; refitted every {} on the past only\n\n{}",
            self.rounds,
            self.series,
            self.void_rounds,
            self.stride,
            time_text::format_duration(self.refit_every_ms),
            self.table(),
        );
        if let Some(timing) = &self.timing {
            text += &format!(
                "\n\ntime: {:.1} s ({:.1} s to load, {:.1} s for {} fits)",
                timing.total_s, timing.load_s, timing.fit_s, timing.fits
            );
        }
        text
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_header([
            "#",
            "model",
            "weight",
            "CRPS bps",
            "skill",
            "advantage",
            "± se",
            "DM t",
            "RMSE bps",
            "MAE bps",
            "in 50 %",
            "in 80 %",
            "in 95 %",
            "missed",
        ]);
        for row in &self.leaderboard {
            table.add_row([
                number(row.rank),
                Cell::new(&row.miner),
                percent(row.weight, 1),
                decimal(row.crps_bps, 3),
                percent(row.skill, 2),
                decimal(row.advantage, 4),
                decimal(row.advantage_se, 4),
                decimal(row.dm_t, 2),
                decimal(row.rmse_bps, 3),
                decimal(row.mae_bps, 3),
                percent(row.coverage_50, 1),
                percent(row.coverage_80, 1),
                percent(row.coverage_95, 1),
                number(row.missed),
            ]);
        }
        table
    }
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn number(value: usize) -> Cell {
    right(value.to_string())
}

fn decimal(value: Option<f64>, places: usize) -> Cell {
    right(value.map_or_else(|| "–".into(), |v| format!("{v:.places$}")))
}

fn percent(value: Option<f64>, places: usize) -> Cell {
    right(value.map_or_else(|| "–".into(), |v| format!("{:.places$} %", 100.0 * v)))
}
