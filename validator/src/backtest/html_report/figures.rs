//! The plots of the page, each a figure with a caption that says how to read it.

use std::collections::BTreeMap;

use foretell_cli::html_page::{figure, legend};
use foretell_cli::svg::{Axis, Plot};
use foretell_cli::time_text;
use foretell_core::hotkey::Hotkey;
use foretell_core::pool::Advantage;
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::metrics::PIT_BINS;

use super::report_data::{ReportData, Sample};
use crate::backtest::hotkey_names::HotkeyNames;
use crate::backtest::report::{BacktestReport, BacktestRow};
use crate::backtest::scoreboard::Scoreboard;

/// Miners that are plotted: more lines can't be told apart.
const PLOTTED_MINERS: usize = 8;
/// Points of a line, at most.
const LINE_POINTS: usize = 240;

/// The data of all plots.
#[derive(Debug)]
pub struct Figures<'a> {
    /// One report for each policy; the first chooses the miners that are plotted.
    pub reports: &'a [BacktestReport],
    /// Track records of all miners.
    pub scoreboard: &'a Scoreboard,
    /// What was gathered while the history was read.
    pub report_data: &'a ReportData,
    /// Names of the keys that records are kept by.
    pub names: &'a HotkeyNames,
}

/// A miner that is plotted, in one colour throughout.
struct PlottedMiner<'a> {
    colour: usize,
    key: Hotkey,
    row: &'a BacktestRow,
}

impl Figures<'_> {
    /// All figures as HTML, one after the other.
    pub fn draw(&self) -> String {
        let plotted = self.plotted();
        let mut figures = self.advantage(&plotted);
        for (report, weights) in self.reports.iter().zip(&self.report_data.weights) {
            figures += &weights_over_time(report, weights, &plotted);
        }
        figures += &self.by_horizon(&plotted);
        figures += &coverage(&plotted);
        for miner in plotted.iter().take(4) {
            figures += &pit(miner);
        }
        if let Some(best) = plotted.first() {
            for (sample, which) in [
                (&self.report_data.best, "best"),
                (&self.report_data.worst, "worst"),
            ] {
                figures += &sample
                    .as_ref()
                    .map(|sample| fan_chart(sample, best, which))
                    .unwrap_or_default();
            }
        }
        figures
    }

    /// The first miners of the first leaderboard, with a colour each.
    fn plotted(&self) -> Vec<PlottedMiner<'_>> {
        let keys: BTreeMap<&str, Hotkey> = self
            .names
            .by_key()
            .iter()
            .map(|(key, name)| (name.as_str(), *key))
            .collect();
        let rows = self
            .reports
            .iter()
            .take(1)
            .flat_map(|report| &report.leaderboard);
        rows.filter(|line| line.row.rank >= 2)
            .filter_map(|row| Some((row, *keys.get(row.row.miner.as_str())?)))
            .take(PLOTTED_MINERS)
            .zip(1..)
            .map(|((row, key), colour)| PlottedMiner { colour, key, row })
            .collect()
    }

    fn advantage(&self, plotted: &[PlottedMiner<'_>]) -> String {
        let lines: Vec<(usize, Vec<(f64, f64)>)> = plotted
            .iter()
            .filter_map(|miner| {
                let track = self.scoreboard.miners.get(&miner.key)?;
                Some((miner.colour, cumulated(track.advantages())))
            })
            .collect();
        let y = Axis::covering(
            lines.iter().flat_map(|(_, l)| l.iter().map(|p| p.1)),
            true,
            "Σ advantage",
        );
        let times = || lines.iter().flat_map(|(_, l)| l.iter().map(|p| p.0));
        let mut plot = Plot::new(time_axis(times()), y);
        plot.horizontal_line(0.0);
        for (colour, line) in &lines {
            plot.line(&format!("l{colour}"), line.iter().copied());
        }
        let title = "Cumulative advantage";
        figure(
            title,
            "Rising lines beat the reference; a miss costs a fixed amount.",
            &plot,
            &miner_legend(plotted),
        )
    }

    fn by_horizon(&self, plotted: &[PlottedMiner<'_>]) -> String {
        let means = |sums: &[(f64, u64)]| -> Vec<(f64, f64)> {
            let steps = sums.iter().zip(1..).filter(|((_, n), _)| *n > 0);
            steps
                .map(|((sum, n), i)| (f64::from(i), sum / *n as f64))
                .collect()
        };
        let reference = means(&self.report_data.reference);
        // Beside the reference: the curves themselves can't be told apart.
        let of_reference: BTreeMap<u32, f64> =
            reference.iter().map(|(i, v)| (*i as u32, *v)).collect();
        let lines: Vec<(usize, Vec<(f64, f64)>)> = plotted
            .iter()
            .filter_map(|miner| {
                let line = means(self.report_data.miners.get(&miner.key)?).into_iter();
                let relative =
                    line.filter_map(|(i, v)| Some((i, v / of_reference.get(&(i as u32))?)));
                Some((miner.colour, relative.collect()))
            })
            .collect();
        let values = || {
            lines
                .iter()
                .flat_map(|(_, line)| line.iter().map(|point| point.1))
        };
        let x = Axis::covering(reference.iter().map(|point| point.0), false, "step");
        let mut plot = Plot::new(
            x,
            Axis::covering(values().chain([1.0]), false, "CRPS / reference's"),
        );
        plot.horizontal_line(1.0);
        for (colour, line) in &lines {
            plot.line(&format!("l{colour}"), line.iter().copied());
        }
        let title = "CRPS by horizon";
        figure(
            title,
            "Each step's mean CRPS beside the reference's: below 1 is better.",
            &plot,
            &miner_legend(plotted),
        )
    }
}

fn weights_over_time(
    report: &BacktestReport,
    weights: &[(UnixMillis, BTreeMap<Hotkey, f64>)],
    plotted: &[PlottedMiner<'_>],
) -> String {
    let x = time_axis(weights.iter().map(|(t, _)| t.get() as f64));
    let most = weights
        .iter()
        .flat_map(|(_, shares)| shares.values().copied());
    // A tenth at least, so that nothing looks like nothing.
    let mut plot = Plot::new(x, Axis::covering(most.chain([0.1]), true, "share"));
    for miner in plotted {
        let line = weights.iter().map(|(t, shares)| {
            (
                t.get() as f64,
                shares.get(&miner.key).copied().unwrap_or(0.0),
            )
        });
        plot.line(&format!("l{}", miner.colour), line);
    }
    let title = format!("Weights over time, policy {}", report.policy);
    figure(
        &title,
        "What each would have been paid; what is left of 1 is burned.",
        &plot,
        &miner_legend(plotted),
    )
}

fn coverage(plotted: &[PlottedMiner<'_>]) -> String {
    let levels = [50.0, 80.0, 95.0];
    let tick = |v: f64| (v, format!("{v:.0} %"));
    let ticks = || [0.0, 25.0, 50.0, 75.0, 100.0].map(tick).to_vec();
    let x = Axis::exact(40.0, 100.0, levels.map(tick).to_vec(), "interval");
    let mut plot = Plot::new(x, Axis::exact(0.0, 100.0, ticks(), "outcomes inside"));
    plot.line("l0", [(40.0, 40.0), (100.0, 100.0)].into_iter());
    for miner in plotted {
        let row = &miner.row.row;
        let found = [row.coverage_50, row.coverage_80, row.coverage_95];
        let points = || {
            levels
                .iter()
                .zip(found)
                .filter_map(|(l, v)| Some((*l, 100.0 * v?)))
        };
        plot.line(&format!("l{}", miner.colour), points());
        for (x, y) in points() {
            plot.dot(&format!("f{}", miner.colour), x, y);
        }
    }
    let note = "Share of outcomes inside the central intervals: on the grey line is calibrated, above too wide.";
    figure("Coverage", note, &plot, &miner_legend(plotted))
}

fn pit(miner: &PlottedMiner<'_>) -> String {
    let Some(shares) = miner.row.pit else {
        return String::new();
    };
    let even = 1.0 / PIT_BINS as f64;
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
        .map(|v| (v, format!("{v}")))
        .to_vec();
    let x = Axis::exact(0.0, 1.0, ticks, "where the outcome fell in the forecast");
    let relative = shares.map(|share| share / even);
    let mut plot = Plot::new(
        x,
        Axis::covering(relative.into_iter().chain([1.2]), true, "density"),
    );
    for (density, i) in relative.iter().zip(0..) {
        let left = f64::from(i) * even;
        plot.bar(
            &format!("f{}", miner.colour),
            left + 0.003,
            left + even - 0.003,
            *density,
        );
    }
    plot.horizontal_line(1.0);
    let title = format!("PIT of {}", miner.row.row.miner);
    figure(
        &title,
        "Level is calibrated; a hump is too wide, a bowl too narrow, a slope biased.",
        &plot,
        "",
    )
}

fn fan_chart(sample: &Sample, miner: &PlottedMiner<'_>, which: &str) -> String {
    let Some(rows) = sample.fans.get(&miner.key) else {
        return String::new();
    };
    let steps = |rows: &[[f64; 7]], low: usize, high: usize| -> Vec<(f64, f64, f64)> {
        let rows = rows.iter().zip(1..);
        rows.map(|(row, i)| (f64::from(i), row[low], row[high]))
            .collect()
    };
    let truth = || {
        sample
            .moves
            .iter()
            .zip(1..)
            .filter_map(|(y, i)| Some((f64::from(i), (*y)?)))
    };
    let bounds = rows
        .iter()
        .chain(&sample.reference)
        .flat_map(|row| [row[0], row[6]]);
    let y = Axis::covering(bounds.chain(truth().map(|(_, y)| y)), true, "move, bps");
    let x = Axis::covering([0.0, sample.moves.len() as f64].into_iter(), true, "step");
    let mut plot = Plot::new(x, y);
    let colour = miner.colour;
    for (low, high) in [(0, 6), (1, 5), (2, 4)] {
        plot.band(&format!("f{colour}"), &steps(rows, low, high));
    }
    plot.line(
        &format!("l{colour}"),
        rows.iter().zip(1..).map(|(row, i)| (f64::from(i), row[3])),
    );
    for edge in [0, 6] {
        let line = sample.reference.iter().zip(1..);
        plot.line("l0", line.map(|(row, i)| (f64::from(i), row[edge])));
    }
    plot.line("truth", [(0.0, 0.0)].into_iter().chain(truth()));
    let title = format!(
        "The {which} round: {}",
        time_text::format_time(sample.origin)
    );
    let note = format!(
        "{}'s median and central 50, 80 and 95 % against what happened (dark); grey: the reference's 95 %. Mean advantage of all \
         miners: {:.3}.",
        miner.row.row.miner, sample.advantage
    );
    figure(&title, &note, &plot, "")
}

/// The plotted miners' names and colours.
fn miner_legend(plotted: &[PlottedMiner<'_>]) -> String {
    let entries = plotted.iter();
    legend(entries.map(|miner| (miner.colour, miner.row.row.miner.as_str())))
}

/// Running sums, at no more than [`LINE_POINTS`] places; the last is one of them.
fn cumulated(advantages: &[Advantage]) -> Vec<(f64, f64)> {
    let every = advantages.len().div_ceil(LINE_POINTS).max(1);
    let mut sum = 0.0;
    let mut points = Vec::new();
    for (advantage, i) in advantages.iter().zip(1..) {
        sum += advantage.value;
        if advantages.len().abs_diff(i).is_multiple_of(every) {
            points.push((advantage.origin.get() as f64, sum));
        }
    }
    points
}

/// Whole days or hours over the span of these instants.
fn time_axis(times: impl Iterator<Item = f64>) -> Axis {
    let (from, to) = times.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), t| {
        (a.min(t), b.max(t))
    });
    if from >= to {
        return Axis::exact(0.0, 1.0, Vec::new(), "origin");
    }
    let (from, to) = (from as i64, to as i64);
    let day = Millis::days(1).get();
    let steps = [1, 3, 6, 12]
        .map(|hours| Millis::hours(hours).get())
        .into_iter();
    let steps = steps
        .chain([1, 2, 5, 10, 20, 30, 60, 90, 180, 365, 730].map(|days| Millis::days(days).get()));
    let step = steps
        .into_iter()
        .find(|step| (to - from) / step <= 5)
        .unwrap_or((to - from) / 4);
    let first = from.div_euclid(step) * step + if from.rem_euclid(step) == 0 { 0 } else { step };
    let name = |t: i64| {
        let text = time_text::format_time(UnixMillis::saturating(t));
        // 2024-03-01T12:00:00Z: the day, or the day and hour.
        let shown = if step < day {
            text.get(5..13)
        } else {
            text.get(..10)
        };
        shown.unwrap_or(&text).replace('T', " ").to_owned()
    };
    let ticks = (0..).map(|i| first + i * step).take_while(|t| *t <= to);
    let ticks = ticks.map(|t| (t as f64, name(t))).collect();
    Axis::exact(
        from as f64,
        to as f64,
        ticks,
        if step < day {
            "origin (UTC, hour)"
        } else {
            "origin (UTC)"
        },
    )
}
