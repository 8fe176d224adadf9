//! The result of an evaluation: the document of `--json`, and the table.

use comfy_table::{Cell, Table};
use foretell_cli::table::{
    TableColumns, answered, decimal, fit, new_table, number, percent, right_aligned,
};
use foretell_cli::time_text;
use foretell_core::series::SeriesId;
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::leaderboard::LeaderboardRow;
use foretell_evaluation::policy::PolicyName;
use serde::{Deserialize, Serialize};

use super::walk_forward::{EVALUATION_RULES, WalkForward, WalkForwardResult};
use crate::price_dataset::PriceDataset;

/// The result of an evaluation, as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationReport {
    /// The series that was forecast.
    pub series: SeriesId,
    /// Name of the policy whose scores these are.
    pub policy: String,
    /// Version of the rules that scores follow.
    pub rules: String,
    /// Number of scored rounds.
    pub rounds: usize,
    /// Number of rounds that were void: too few of their prices are known.
    pub void_rounds: usize,
    /// Always 0: an evaluation has no round that the prices don't reach.
    pub unsettled: usize,
    /// Number of origins.
    pub origins: usize,
    /// Origin of the first round.
    pub from: Option<UnixMillis>,
    /// Origin of the last round.
    pub to: Option<UnixMillis>,
    /// Steps between two origins.
    pub stride: usize,
    /// Steps of a forecast, H.
    pub horizon: usize,
    /// Quantiles per step, K.
    pub k: usize,
    /// Time between two fits, in milliseconds.
    pub refit_every_ms: Millis,
    /// The reference, the consensus, then the models.
    pub leaderboard: Vec<LeaderboardRow>,
    /// Wall time; not part of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<EvaluationTiming>,
}

/// Where wall time was spent, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct EvaluationTiming {
    /// Reading prices.
    pub load_s: f64,
    /// Fitting, forecasting and scoring.
    pub score_s: f64,
    /// All of it: loading, fitting, forecasting and scoring.
    pub total_s: f64,
    /// Fitting alone; part of `score_s`.
    pub fit_s: f64,
    /// Number of fits, all models together.
    pub fits: usize,
}

impl EvaluationReport {
    /// The report of a walk through these prices, without timing.
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

    /// Summary and leaderboard as text.
    pub fn text(&self, columns: TableColumns) -> String {
        let span = match (self.from, self.to) {
            (Some(from), Some(to)) => format!(
                "{} to {}",
                time_text::format_time(from),
                time_text::format_time(to)
            ),
            _ => "no origin".into(),
        };
        let mut text = format!(
            "{} rounds of {} scored, {} void\n{span}, every {} steps;\nrefitted every {} on the past only\n\n{}",
            self.rounds,
            self.series,
            self.void_rounds,
            self.stride,
            time_text::format_duration(self.refit_every_ms),
            self.table(columns),
        );
        if let Some(timing) = &self.timing {
            text += &format!(
                "\n\ntime: {:.1} s ({:.1} s to load, {:.1} s for {} fits)",
                timing.total_s, timing.load_s, timing.fit_s, timing.fits
            );
        }
        text
    }

    fn table(&self, columns: TableColumns) -> Table {
        let mut header = vec![
            "#",
            "model",
            "weight",
            "CRPS bps",
            "skill",
            "advantage",
            "± 95 %",
        ];
        if columns == TableColumns::All {
            header.extend([
                "DM t",
                "DM p",
                "in MCS",
                "RMSE bps",
                "MAE bps",
                "in 50 %",
                "in 80 %",
                "in 95 %",
                "direction",
                "answered",
            ]);
        }
        let mut table = new_table(&header);
        for row in &self.leaderboard {
            let mut cells = vec![
                number(&row.rank),
                Cell::new(&row.miner),
                percent(row.weight, 1),
                decimal(row.crps_bps, 3),
                percent(row.skill, 2),
                decimal(row.advantage, 4),
                decimal(row.advantage_half_width, 4),
            ];
            if columns == TableColumns::All {
                let member = row
                    .in_mcs
                    .map_or("–", |member| if member { "yes" } else { "no" });
                cells.extend([
                    decimal(row.dm_t, 2),
                    decimal(row.dm_p, 3),
                    right_aligned(member.to_owned()),
                    decimal(row.rmse_bps, 3),
                    decimal(row.mae_bps, 3),
                    percent(row.coverage_50, 1),
                    percent(row.coverage_80, 1),
                    percent(row.coverage_95, 1),
                    percent(row.directional_accuracy, 1),
                    answered(row),
                ]);
            }
            table.add_row(cells);
        }
        fit(table, 1, columns)
    }
}
