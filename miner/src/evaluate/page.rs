//! The files of `--report DIR`: a page with plots, and the figures behind it for notebooks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use foretell_core::metrics::PIT_BINS;
use foretell_data::moment;
use foretell_data::svg::{Axis, Plot, STYLE, escape};
use thiserror::Error;

use super::Report;
use super::album::{Album, Scene};

/// The page.
const PAGE: &str = "report.html";
/// The document of `--json`.
const DOCUMENT: &str = "evaluate.json";
/// Scores by round and model.
pub const SCORES: &str = "scores.csv";
/// CRPS by step and model.
const BY_STEP: &str = "crps_by_step.csv";
/// PIT histograms by model.
const PIT: &str = "pit.csv";
/// Models that are drawn: more lines can't be told apart.
const DRAWN: usize = 8;

/// The report can't be written.
#[derive(Debug, Error)]
#[error("can't write {file}: check --report")]
pub struct PageError {
    /// The file.
    pub file: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Writes all files into `folder`, which is made if it isn't there; gives the page's path.
///
/// # Errors
/// The disk.
pub fn write(folder: &Path, report: &Report, album: &Album) -> Result<PathBuf, PageError> {
    let put = |name: &str, text: &str| {
        let file = folder.join(name);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, text));
        written.map_err(|source| PageError {
            file: file.clone(),
            source,
        })?;
        Ok(file)
    };
    put(SCORES, &album.scores())?;
    put(BY_STEP, &album.by_step())?;
    put(PIT, &album.pit())?;
    // Figures and strings: serialisation has nothing to fail on.
    put(
        DOCUMENT,
        &serde_json::to_string_pretty(report).unwrap_or_default(),
    )?;
    put(PAGE, &html(report, album))
}

fn html(report: &Report, album: &Album) -> String {
    let models: Vec<(&str, usize)> = report
        .leaderboard
        .iter()
        .filter(|row| row.rank >= 2)
        .map(|row| row.miner.as_str())
        .take(DRAWN)
        .zip(1..)
        .collect();
    let mut figures = by_horizon(album, &models) + &by_month(album, &models);
    for (model, colour) in &models {
        figures += &pit(album, model, *colour);
    }
    if let (Some([calm, lively]), Some((model, colour))) = (&album.scenes, models.first()) {
        for (scene, which) in [
            (calm, "The price hardly moved"),
            (lively, "The price moved most"),
        ] {
            figures += &fan(scene, which, model, *colour);
        }
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Models of {series}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Models of {series}</h1>\n<div class=\"scroll\"><pre>{text}</pre></div>\n\
         <div class=\"plots\">\n{figures}</div>\n</main>\n</body>\n</html>\n",
        series = escape(&report.series.to_string()),
        text = escape(&report.text()),
    )
}

fn by_horizon(album: &Album, models: &[(&str, usize)]) -> String {
    let mean = |(sum, count): &(f64, u64)| sum / (*count).max(1) as f64;
    let Some(reference) = album.models.get("reference") else {
        return String::new();
    };
    let lines: Vec<(usize, Vec<(f64, f64)>)> = models
        .iter()
        .filter_map(|(model, colour)| {
            let own = album.models.get(*model)?.by_step.iter();
            let ratios = own.zip(&reference.by_step).zip(1..);
            let points = ratios.map(|((own, of), step)| (f64::from(step), mean(own) / mean(of)));
            Some((*colour, points.collect()))
        })
        .collect();
    lines_over(
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

fn by_month(album: &Album, models: &[(&str, usize)]) -> String {
    let Some(reference) = album.models.get("reference") else {
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
            let own = &album.models.get(*model)?.by_month;
            let points = (0..).zip(&months).filter_map(|(i, month)| {
                let (score, reference) = own.get(*month)?;
                Some((f64::from(i), 100.0 * (1.0 - score / reference)))
            });
            Some((*colour, points.collect()))
        })
        .collect();
    let last = months.len().saturating_sub(1).max(1) as f64;
    lines_over(
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
fn lines_over(
    lines: &[(usize, Vec<(f64, f64)>)],
    models: &[(&str, usize)],
    [title, caption, x, y]: [&str; 4],
    level: f64,
    x_axis: Option<Axis>,
) -> String {
    let points = || lines.iter().flat_map(|(_, line)| line);
    let x_axis = x_axis.unwrap_or_else(|| Axis::of(points().map(|p| p.0), true, x));
    let y_axis = Axis::of(points().map(|p| p.1).chain([level]), false, y);
    let mut plot = Plot::new(x_axis, y_axis);
    plot.level(level);
    for (colour, line) in lines {
        plot.line(&format!("l{colour}"), line.iter().copied());
    }
    figure(title, caption, &plot, &legend(models))
}

fn pit(album: &Album, model: &str, colour: usize) -> String {
    let gathered = album.models.get(model);
    let Some(shares) = gathered.and_then(|gathered| gathered.calibration.pit.shares()) else {
        return String::new();
    };
    let height = shares.iter().copied().fold(0.1, f64::max);
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
        .map(|p| (p, p.to_string()))
        .to_vec();
    let mut plot = Plot::new(
        Axis::exact(0.0, 1.0, ticks, "level"),
        Axis::of([height].into_iter(), true, "share of outcomes"),
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
    plot.level(width);
    figure(
        &format!("PIT of {model}"),
        "Level bars mean calibrated; a hump, too wide a fan; horns, too narrow a one.",
        &plot,
        "",
    )
}

fn fan(scene: &Scene, which: &str, model: &str, colour: usize) -> String {
    let Some((_, rows)) = scene.fans.iter().find(|(name, _)| name == model) else {
        return String::new();
    };
    let values = rows.iter().flatten().copied();
    let values = values.chain(scene.moves.iter().copied().flatten());
    let mut plot = Plot::new(
        Axis::of([rows.len() as f64].into_iter(), true, "step"),
        Axis::of(values, true, "bps from the anchor"),
    );
    for (low, high) in [(0, 6), (1, 5), (2, 4)] {
        let points = (1..).zip(rows);
        let band: Vec<(f64, f64, f64)> = points
            .map(|(step, row)| (f64::from(step), row[low], row[high]))
            .collect();
        plot.band(&format!("f{colour}"), &band);
    }
    let truth = (1..).zip(&scene.moves);
    plot.line(
        "truth",
        truth.filter_map(|(step, y)| Some((f64::from(step), (*y)?))),
    );
    figure(
        &format!("{which}: {}", moment::text(scene.origin)),
        &format!("Central 50, 80 and 95 % of {model}, and what happened."),
        &plot,
        "",
    )
}

fn figure(title: &str, caption: &str, plot: &Plot, legend: &str) -> String {
    format!(
        "<figure><h3>{}</h3><figcaption>{}</figcaption>{}{legend}</figure>\n",
        escape(title),
        escape(caption),
        plot.draw(title)
    )
}

fn legend(models: &[(&str, usize)]) -> String {
    let entries = models.iter().map(|(model, colour)| {
        format!(
            "<li><svg viewBox=\"0 0 14 10\" aria-hidden=\"true\"><rect class=\"f{colour}\" y=\"3\" width=\"14\" height=\"4\"/></svg>{}</li>",
            escape(model)
        )
    });
    format!("<ul class=\"legend\">{}</ul>", entries.collect::<String>())
}
