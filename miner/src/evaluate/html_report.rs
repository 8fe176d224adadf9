//! The files of `--report DIR`: a page with plots, and the figures behind it for notebooks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use foretell_cli::html_page::{self, PAGE_FILE, figure, legend};
use foretell_cli::svg::{Axis, Plot, escape};
use foretell_cli::time_text;
use foretell_evaluation::metrics::PIT_BINS;
use foretell_files::{FileAccess, write_file};
use thiserror::Error;

use super::report::EvaluationReport;
use super::report_data::{EvaluationReportData, SampleRound};

/// The document of `--json`.
const JSON_FILE: &str = "evaluate.json";
/// Scores by round and model.
pub const SCORES_FILE: &str = "scores.csv";
/// CRPS by step and model.
const CRPS_BY_STEP_FILE: &str = "crps_by_step.csv";
/// PIT histograms by model.
const PIT_FILE: &str = "pit.csv";
/// Models that are drawn: more lines can't be told apart.
const MAX_MODELS_DRAWN: usize = 8;

/// The report can't be written.
#[derive(Debug, Error)]
#[error("can't write {file}: check --report")]
pub struct HtmlReportError {
    /// Where the page was to be written.
    pub file: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Writes all files into `folder`, which is made if it isn't there; gives the page's path.
///
/// # Errors
/// The disk.
pub fn write(
    folder: &Path,
    report: &EvaluationReport,
    report_data: &EvaluationReportData,
) -> Result<PathBuf, HtmlReportError> {
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        let written = fs::create_dir_all(folder)
            .and_then(|()| write_file(&file, text.as_bytes(), FileAccess::Public));
        written.map_err(|source| HtmlReportError {
            file: file.clone(),
            source,
        })?;
        Ok(file)
    };
    write(SCORES_FILE, &report_data.scores_csv())?;
    write(CRPS_BY_STEP_FILE, &report_data.crps_by_step_csv())?;
    write(PIT_FILE, &report_data.pit_csv())?;
    // Figures and strings: serialisation has nothing to fail on.
    write(
        JSON_FILE,
        &serde_json::to_string_pretty(report).unwrap_or_default(),
    )?;
    write(PAGE_FILE, &html(report, report_data))
}

fn html(report: &EvaluationReport, report_data: &EvaluationReportData) -> String {
    let models: Vec<(&str, usize)> = report
        .leaderboard
        .iter()
        .filter(|row| row.rank >= 2)
        .map(|row| row.miner.as_str())
        .take(MAX_MODELS_DRAWN)
        .zip(1..)
        .collect();
    let mut figures = crps_by_horizon(report_data, &models) + &skill_by_month(report_data, &models);
    for (model, colour) in &models {
        figures += &pit_histogram(report_data, model, *colour);
    }
    if let (Some([calm, lively]), Some((model, colour))) =
        (&report_data.sample_rounds, models.first())
    {
        for (sample, which) in [
            (calm, "The price hardly moved"),
            (lively, "The price moved most"),
        ] {
            figures += &fan_chart(sample, which, model, *colour);
        }
    }
    let body = format!(
        "<div class=\"scroll\"><pre>{}</pre></div>\n{}",
        escape(&report.text()),
        html_page::figure_grid(&figures)
    );
    html_page::page(&format!("Models of {}", report.series), &body)
}

fn crps_by_horizon(report_data: &EvaluationReportData, models: &[(&str, usize)]) -> String {
    let mean = |(sum, count): &(f64, u64)| sum / (*count).max(1) as f64;
    let Some(reference) = report_data.models.get("reference") else {
        return String::new();
    };
    let lines: Vec<(usize, Vec<(f64, f64)>)> = models
        .iter()
        .filter_map(|(model, colour)| {
            let own = report_data.models.get(*model)?.by_step.iter();
            let ratios = own.zip(&reference.by_step).zip(1..);
            let points = ratios.map(|((own, of), step)| (f64::from(step), mean(own) / mean(of)));
            Some((*colour, points.collect()))
        })
        .collect();
    line_chart(
        &lines,
        models,
        [
            "CRPS by horizon",
            "Below 1 is better than the reference at that step.",
            "step",
            "CRPS / reference's",
        ],
        1.0,
        None,
    )
}

fn skill_by_month(report_data: &EvaluationReportData, models: &[(&str, usize)]) -> String {
    let Some(reference) = report_data.models.get("reference") else {
        return String::new();
    };
    let months: Vec<&String> = reference.by_month.keys().collect();
    let every = months.len().div_ceil(6).max(1);
    let ticks = (0..).zip(&months).step_by(every);
    let ticks = ticks
        .map(|(i, month)| (f64::from(i), (*month).clone()))
        .collect();
    let lines: Vec<(usize, Vec<(f64, f64)>)> = models
        .iter()
        .filter_map(|(model, colour)| {
            let own = &report_data.models.get(*model)?.by_month;
            let points = (0..).zip(&months).filter_map(|(i, month)| {
                let (score, reference) = own.get(*month)?;
                Some((f64::from(i), 100.0 * (1.0 - score / reference)))
            });
            Some((*colour, points.collect()))
        })
        .collect();
    let last = months.len().saturating_sub(1).max(1) as f64;
    line_chart(
        &lines,
        models,
        [
            "Skill by month",
            "1 − ΣS/ΣS of the reference, over the rounds of each month.",
            "",
            "skill %",
        ],
        0.0,
        Some(Axis::exact(0.0, last, ticks, "month")),
    )
}

/// A figure of one line a model, with a level.
fn line_chart(
    lines: &[(usize, Vec<(f64, f64)>)],
    models: &[(&str, usize)],
    [title, caption, x, y]: [&str; 4],
    level: f64,
    x_axis: Option<Axis>,
) -> String {
    let points = || lines.iter().flat_map(|(_, line)| line);
    let x_axis = x_axis.unwrap_or_else(|| Axis::covering(points().map(|p| p.0), true, x));
    let y_axis = Axis::covering(points().map(|p| p.1).chain([level]), false, y);
    let mut plot = Plot::new(x_axis, y_axis);
    plot.horizontal_line(level);
    for (colour, line) in lines {
        plot.line(&format!("l{colour}"), line.iter().copied());
    }
    let entries = models.iter().map(|(model, colour)| (*colour, *model));
    figure(title, caption, &plot, &legend(entries))
}

fn pit_histogram(report_data: &EvaluationReportData, model: &str, colour: usize) -> String {
    let sums_of_model = report_data.models.get(model);
    let Some(shares) =
        sums_of_model.and_then(|sums_of_model| sums_of_model.calibration.pit.shares())
    else {
        return String::new();
    };
    let height = shares.iter().copied().fold(0.1, f64::max);
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
        .map(|p| (p, p.to_string()))
        .to_vec();
    let mut plot = Plot::new(
        Axis::exact(0.0, 1.0, ticks, "level"),
        Axis::covering([height].into_iter(), true, "share of outcomes"),
    );
    let width = 1.0 / PIT_BINS as f64;
    for (share, bin) in shares.iter().zip(0..) {
        let left = f64::from(bin) * width;
        plot.bar(
            &format!("f{colour}"),
            left + 0.1 * width,
            left + 0.9 * width,
            *share,
        );
    }
    plot.horizontal_line(width);
    figure(
        &format!("PIT of {model}"),
        "Level bars mean calibrated; a hump, too wide a fan; horns, too narrow a one.",
        &plot,
        "",
    )
}

fn fan_chart(sample: &SampleRound, which: &str, model: &str, colour: usize) -> String {
    let Some((_, rows)) = sample.fans.iter().find(|(name, _)| name == model) else {
        return String::new();
    };
    let values = rows.iter().flatten().copied();
    let values = values.chain(sample.moves.iter().copied().flatten());
    let mut plot = Plot::new(
        Axis::covering([rows.len() as f64].into_iter(), true, "step"),
        Axis::covering(values, true, "bps from the anchor"),
    );
    for (low, high) in [(0, 6), (1, 5), (2, 4)] {
        let points = (1..).zip(rows);
        let band: Vec<(f64, f64, f64)> = points
            .map(|(step, row)| (f64::from(step), row[low], row[high]))
            .collect();
        plot.band(&format!("f{colour}"), &band);
    }
    let truth = (1..).zip(&sample.moves);
    plot.line(
        "truth",
        truth.filter_map(|(step, y)| Some((f64::from(step), (*y)?))),
    );
    figure(
        &format!("{which}: {}", time_text::format_time(sample.origin)),
        &format!("Central 50, 80 and 95 % of {model}, and what happened."),
        &plot,
        "",
    )
}
