//! Starting the programs, watching them, and making what they read.

mod backtest_fixture;
mod binaries;
mod bittensor_sdk;
mod browser;
mod files;
mod forecast_files;
mod journal;
mod localnet_command;
mod miner_config;
mod price_files;
mod process;
mod process_table;
mod python;
mod raw_http;
mod rest_exchanges;
mod result_keys;

pub use backtest_fixture::{
    BacktestFixture, HORIZON, backtest_command, leaderboard_row, run_backtest,
};
pub use binaries::{miner_binary, validator_binary};
pub use bittensor_sdk::BittensorSdk;
pub use browser::inspect_page;
pub use files::copy_dir;
pub use forecast_files::{CsvForecast, close_at, logistic_forecast, write_forecasts_csv};
pub use journal::{durable_record_count, record_kinds};
pub use localnet_command::LocalnetCommand;
pub use miner_config::miner_config_toml;
pub use price_files::{
    FIRST_ORIGIN, STEP, simulated_prices, write_modified_prices, write_simulated_prices,
};
pub use process::{ProcessOutput, TestProcess, wait_until};
pub use process_table::ProcessTableEntry;
pub use python::{python_env_with, run_python_script};
pub use raw_http::{http_post, start_constant_price_venue};
pub use rest_exchanges::{FakeRestExchanges, price_at, value_at};
pub use result_keys::{LEADERBOARD_ROW_KEYS, RESULT_KEYS};
