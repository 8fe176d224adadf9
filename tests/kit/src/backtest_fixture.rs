//! Backtests: simulated prices, forecasts of them, and the command.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::{PriceSeries, write_csv};
use serde_json::Value;
use tempfile::TempDir;

use super::binaries::validator_binary;
use super::forecast_files::{CsvForecast, close_at, logistic_forecast, write_forecasts_csv};
use super::price_files::{FIRST_ORIGIN, simulated_prices};
use super::process::{ProcessOutput, TestProcess};

/// Steps of every forecast here.
pub const HORIZON: usize = 6;

/// Simulated prices in a file, and forecasts of them.
pub struct BacktestFixture {
    /// Where the files are; deleted with this value.
    pub folder: TempDir,
    /// The file of the prices.
    pub prices: PathBuf,
    /// The prices in that file.
    pub series: PriceSeries,
}

impl BacktestFixture {
    /// With `days` days of 5-minute bars, from two days before [`FIRST_ORIGIN`] on.
    pub fn new(days: i64) -> Self {
        let folder = TempDir::new().unwrap();
        let series = simulated_prices(1, days);
        let prices = folder.path().join("prices.csv");
        write_csv(&prices, &series).unwrap();
        Self {
            folder,
            prices,
            series,
        }
    }

    /// The origins of `rounds` half-hourly rounds, from [`FIRST_ORIGIN`] on.
    pub fn origins(rounds: i64) -> impl Iterator<Item = UnixMillis> {
        (0..rounds).map(|i| FIRST_ORIGIN + Millis::minutes(30).times(i))
    }

    /// A file with `rounds` half-hourly forecasts of each of three miners, which differ in their width only; `right` has about
    /// that of the prices.
    pub fn three_miners(&self, rounds: i64) -> PathBuf {
        let miners = [("wide", 0.003), ("right", 0.0015), ("narrow", 0.0003)];
        let lines: Vec<CsvForecast> = Self::origins(rounds)
            .flat_map(|origin| {
                let anchor = close_at(&self.series, origin);
                miners.map(|(name, width)| {
                    (
                        origin,
                        name.to_owned(),
                        logistic_forecast(anchor, HORIZON, 21, width, 0.0),
                    )
                })
            })
            .collect();
        write_forecasts_csv(self.folder.path(), "three.csv", 21, &lines)
    }

    /// Runs the backtest on these forecasts.
    pub fn run(&self, forecasts: &Path, arguments: &[&str]) -> ProcessOutput {
        run_backtest(&self.prices, &[forecasts], arguments)
    }
}

/// Runs `validator backtest --json` on these files, with [`HORIZON`] unless `arguments` name another.
pub fn run_backtest(prices: &Path, forecasts: &[&Path], arguments: &[&str]) -> ProcessOutput {
    TestProcess::spawn(&mut backtest_command(prices, forecasts, arguments)).wait()
}

/// The command that [`run_backtest`] runs.
pub fn backtest_command(prices: &Path, forecasts: &[&Path], arguments: &[&str]) -> Command {
    let mut command = Command::new(validator_binary());
    command
        .args(["backtest", "--json", "--prices"])
        .arg(prices)
        .arg("--forecasts")
        .args(forecasts);
    if !arguments.contains(&"--horizon") {
        command.args(["--horizon", &HORIZON.to_string()]);
    }
    command.args(arguments.iter().map(OsStr::new));
    command
}

/// A miner's row in the leaderboard of a document.
pub fn leaderboard_row<'a>(document: &'a Value, miner: &str) -> &'a Value {
    let rows = document["leaderboard"].as_array().unwrap();
    rows.iter().find(|row| row["miner"] == miner).unwrap()
}
