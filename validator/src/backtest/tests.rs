//! What becomes of files that aren't what they should be: refused in words, or counted and shown.

use std::fs;
use std::path::PathBuf;

use foretell_cli::progress::Progress;
use foretell_cli::table::TableColumns;
use foretell_core::series::Unit;
use foretell_core::testing::{MONDAY, STEP, assert_contains_all};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::{PriceSeries, write_csv};
use foretell_data::simulated_prices::simulate_prices;
use foretell_evaluation::policy::PolicyName;
use tempfile::TempDir;

use super::report::{BacktestReport, BacktestRow, LeftOutForecasts};
use super::{BacktestOptions, run, tables};

const HORIZON: usize = 4;
/// Origins are half an hour apart, from a day after the first price on.
const ROUND_EVERY: Millis = Millis::minutes(30);

struct Fixture {
    folder: TempDir,
    series: PriceSeries,
}

impl Fixture {
    /// Two days of prices.
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let series = simulate_prices(1, MONDAY, STEP, 576).unwrap();
        write_csv(&folder.path().join("prices.csv"), &series).unwrap();
        Self { folder, series }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn origin(round: i64) -> UnixMillis {
        MONDAY + Millis::days(1) + ROUND_EVERY.times(round)
    }

    /// Lines of a forecast of `HORIZON` steps, of three quantiles around `factor` times the price at its origin.
    fn forecast(&self, origin: UnixMillis, miner: &str, factor: f64) -> String {
        let bars = self.series.bars().iter();
        let anchor = bars.rev().find(|bar| bar.close_time(STEP) <= origin);
        let center = factor * anchor.map_or(60_000.0, |bar| bar.close.get());
        (1..=HORIZON)
            .map(|step| {
                let (low, high) = (center * 0.998, center * 1.002);
                format!("{origin},{miner},{step},{low},{center},{high}\n")
            })
            .collect()
    }

    /// A forecasts file of so many rounds, each with what `lines` gives for its origin.
    fn forecasts(&self, rounds: i64, lines: impl Fn(i64, UnixMillis) -> String) -> PathBuf {
        let lines = (0..rounds).map(|round| lines(round, Self::origin(round)));
        let text = format!(
            "origin_ms,miner,step,v1,v2,v3\n{}",
            lines.collect::<String>()
        );
        self.file("f.csv", &text)
    }

    fn options(&self, forecasts: PathBuf) -> BacktestOptions {
        BacktestOptions {
            series: None,
            prices: vec![self.folder.path().join("prices.csv")],
            unit: None,
            forecasts: vec![forecasts],
            policies: PolicyName::ALL.to_vec(),
            from: None,
            to: None,
            horizon: HORIZON,
            details: false,
            report: None,
        }
    }

    fn reports(&self, forecasts: PathBuf) -> Vec<BacktestReport> {
        run(&self.options(forecasts), &Progress::new()).unwrap()
    }
}

fn refusal(options: &BacktestOptions) -> String {
    match run(options, &Progress::new()) {
        Ok(_) => panic!("no error"),
        Err(error) => format!("{error:#}"),
    }
}

fn row<'a>(report: &'a BacktestReport, miner: &str) -> &'a BacktestRow {
    let mut rows = report.leaderboard.iter();
    rows.find(|row| row.row.miner == miner).unwrap()
}

/// Under every policy, and with what was left out in the text, too.
#[test]
fn a_miner_whose_forecasts_are_all_invalid_has_missed_every_round() {
    let fixture = Fixture::new();
    let forecasts = fixture.forecasts(20, |round, origin| {
        let invalid = format!(
            "{origin},b,1,NaN,1,1\n{origin},b,2,1,1,1\n{origin},b,3,1,1,1\n{origin},b,4,1,1,1\n"
        );
        let late = if round < 5 {
            String::new()
        } else {
            invalid.replace(",b,", ",c,")
        };
        // Policy taoshi needs two of different errors.
        let valid = fixture.forecast(origin, "a", 1.0) + &fixture.forecast(origin, "d", 1.001);
        valid + &invalid + &late
    });
    let reports = fixture.reports(forecasts);
    assert_eq!(reports.len(), 3);
    for report in &reports {
        let counts = |miner: &str| {
            let row = &row(report, miner).row;
            (row.rounds, row.missed, row.score)
        };
        assert_eq!(report.rounds, 20, "{}", report.policy);
        assert_eq!(counts("b"), (20, 20, None), "{}", report.policy);
        assert_eq!(counts("c"), (15, 15, None), "{}", report.policy);
        assert_eq!(counts("a").1, 0);
        let left_out = |miner: &str, forecasts| LeftOutForecasts {
            miner: miner.to_owned(),
            reason: "a value that is not finite",
            forecasts,
        };
        assert_eq!(report.left_out, [left_out("b", 20), left_out("c", 15)]);
    }
    let text = tables(&reports, TableColumns::All);
    assert_contains_all(
        &text,
        &[
            "35 forecasts left out",
            "b: 20 (a value that is not finite)",
            "c: 15",
        ],
    );
}

#[test]
fn what_the_prices_end_before_is_counted_by_miner() {
    let fixture = Fixture::new();
    // The prices end a day after the first origin: 48 rounds, the last of which can't settle.
    let forecasts = fixture.forecasts(50, |_, origin| fixture.forecast(origin, "a", 1.0));
    let report = &fixture.reports(forecasts)[0];
    assert_eq!((report.rounds, report.unsettled), (48, 2));
    assert_eq!(report.left_out.len(), 1);
    assert_eq!(
        (
            report.left_out[0].miner.as_str(),
            report.left_out[0].forecasts
        ),
        ("a", 2)
    );
    assert_eq!(
        report.left_out[0].reason,
        "the prices end before its last step"
    );
}

#[test]
fn prices_that_no_forecast_meets_are_refused_with_both_ranges() {
    let fixture = Fixture::new();
    for days in [-100, -2, 2, 100] {
        let origin = Fixture::origin(0) + Millis::days(days);
        let forecasts = fixture.forecasts(1, |_, _| fixture.forecast(origin, "a", 1.0));
        assert_contains_all(
            &refusal(&fixture.options(forecasts)),
            &[
                "no forecast meets the prices",
                "2024-01-01T00:00:00Z to 2024-01-03T00:00:00Z",
                "name price files",
            ],
        );
    }
}

#[test]
fn prices_with_a_gap_at_every_origin_are_refused() {
    let fixture = Fixture::new();
    let forecasts = fixture.forecasts(3, |_, origin| fixture.forecast(origin, "a", 1.0));
    let prices = fs::read_to_string(fixture.folder.path().join("prices.csv")).unwrap();
    let anchors: Vec<String> = (0..3)
        .map(|round| format!("{},", Fixture::origin(round) - STEP))
        .collect();
    let is_kept = |line: &&str| {
        !anchors
            .iter()
            .any(|anchor| line.starts_with(anchor.as_str()))
    };
    let kept: Vec<&str> = prices.lines().filter(is_kept).collect();
    let options = BacktestOptions {
        prices: vec![fixture.file("gaps.csv", &kept.join("\n"))],
        policies: vec![PolicyName::Evidence],
        ..fixture.options(forecasts)
    };
    assert!(refusal(&options).contains("no price at the origin"));
}

#[test]
fn another_assets_prices_are_refused_and_one_miner_among_others_is_told_of() {
    let fixture = Fixture::new();
    let ether = fixture.forecasts(5, |_, origin| fixture.forecast(origin, "a", 0.055));
    assert_contains_all(
        &refusal(&fixture.options(ether)),
        &[
            "all 5 forecasts are far from the prices",
            "f.csv, line 2",
            "same series?",
        ],
    );
    let one = fixture.forecasts(5, |_, origin| {
        fixture.forecast(origin, "a", 0.055) + &fixture.forecast(origin, "b", 1.0)
    });
    let report = &fixture.reports(one)[0];
    assert_eq!(report.warnings.len(), 1);
    assert_contains_all(
        &report.warnings[0],
        &["all 5 forecasts of a", "same series?"],
    );
    let near = fixture.forecasts(5, |_, origin| fixture.forecast(origin, "b", 1.001));
    assert!(fixture.reports(near)[0].warnings.is_empty());
}

#[test]
fn a_horizon_that_is_not_the_files_is_named_with_the_one_that_is() {
    let fixture = Fixture::new();
    let forecasts = fixture.forecasts(3, |_, origin| fixture.forecast(origin, "a", 1.0));
    for horizon in [3, 5] {
        let options = BacktestOptions {
            horizon,
            ..fixture.options(forecasts.clone())
        };
        assert_contains_all(
            &refusal(&options),
            &[
                "all 3 forecasts",
                "4 steps",
                "give --horizon 4",
                &format!("instead of {horizon}"),
            ],
        );
    }
    // What is wrong for another reason has nothing to do with the horizon.
    let invalid = fixture.forecasts(3, |_, origin| fixture.forecast(origin, "a", f64::NAN));
    let message = refusal(&fixture.options(invalid));
    assert_contains_all(&message, &["all 3 forecasts", "line 2", "not finite"]);
    assert!(!message.contains("--horizon"), "{message}");
    let zero =
        fixture.options(fixture.file("zero.csv", "origin_ms,miner,step,v1\n1704153600000,a,1,\n"));
    assert!(refusal(&zero).contains("k = 0"));
}

/// As far as a double goes, in prices, values and forecasts: figures are numbers or undefined, and nothing panics.
#[test]
fn huge_and_tiny_numbers_give_no_infinities() {
    let fixture = Fixture::new();
    let prices = fs::read_to_string(fixture.folder.path().join("prices.csv")).unwrap();
    let mut lines: Vec<String> = prices.lines().map(str::to_owned).collect();
    for (line, price) in [(320, "1e308"), (330, "1e-320"), (340, "5e-324")] {
        let time = lines[line].split(',').next().unwrap().to_owned();
        lines[line] = format!("{time},{price},{price},{price},{price},1e308");
    }
    let huge = fixture.file("huge.csv", &(lines.join("\n") + "\n"));
    let forecasts = fixture.forecasts(20, |round, origin| {
        let own = fixture.forecast(origin, "a", 1.0);
        let line = |step| format!("{origin},b,{step},1e-320,60000,1e308\n");
        let wild: String = (1..=HORIZON).map(line).collect();
        if round % 2 == 0 { own + &wild } else { own }
    });
    for unit in [None, Some(Unit::Value)] {
        let options = BacktestOptions {
            prices: vec![huge.clone()],
            unit,
            ..fixture.options(forecasts.clone())
        };
        for report in run(&options, &Progress::new()).unwrap() {
            for BacktestRow { row, .. } in &report.leaderboard {
                let figures = [
                    row.score,
                    row.skill,
                    row.rmse_bps,
                    row.mae_bps,
                    row.crps_bps,
                    row.advantage,
                    row.advantage_se,
                    row.weight,
                    row.dm_t,
                ];
                let finite = figures.into_iter().flatten().all(f64::is_finite);
                assert!(
                    finite,
                    "{} of {}, {unit:?}: {row:?}",
                    row.miner, report.policy
                );
            }
        }
    }
}

/// The sum of its values is right, and they are in the wrong places.
#[test]
fn steps_that_lend_each_other_values_are_no_forecast() {
    let fixture = Fixture::new();
    let forecasts = fixture.forecasts(3, |_, origin| {
        let uneven =
            format!("{origin},b,1,1,2,\n{origin},b,2,1,,\n{origin},b,3,1,2,3\n{origin},b,4,1,2,\n");
        fixture.forecast(origin, "a", 1.0) + &uneven
    });
    let report = &fixture.reports(forecasts)[0];
    assert_eq!(report.excluded, 3);
    assert_eq!(
        report.exclusions[0].reason,
        "step 2 has 1 values, the first step has 2"
    );
    assert_eq!(row(report, "b").row.missed, 3);
}

#[test]
fn a_price_of_zero_is_refused_and_a_series_of_values_may_have_one() {
    let fixture = Fixture::new();
    let prices = fs::read_to_string(fixture.folder.path().join("prices.csv")).unwrap();
    let mut lines: Vec<String> = prices.lines().map(str::to_owned).collect();
    let mut cells: Vec<&str> = lines[100].split(',').collect();
    cells[3] = "0";
    lines[100] = cells.join(",");
    let zero = fixture.file("zero.csv", &(lines.join("\n") + "\n"));
    let forecasts = fixture.forecasts(3, |_, origin| fixture.forecast(origin, "a", 1.0));
    let options = BacktestOptions {
        prices: vec![zero],
        ..fixture.options(forecasts)
    };
    assert_contains_all(
        &refusal(&options),
        &["zero.csv, line 101", "column low: found 0", "--unit value"],
    );
    let values = BacktestOptions {
        unit: Some(Unit::Value),
        ..options
    };
    assert_eq!(run(&values, &Progress::new()).unwrap()[0].rounds, 3);
}
