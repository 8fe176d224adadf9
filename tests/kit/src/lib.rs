//! What the end-to-end tests run and talk to.
//!
//! ```text
//!           binaries   price, forecast and configuration files   wallets
//!                \                    |                            /
//!   TestProcess <- the programs under test ... over loopback ... FakeExchange, FakeRestExchanges,
//!        |         (LocalnetCommand, BacktestFixture)            constant price venue, FakeNode, proxy
//!   ProcessOutput, journal, process table
//!
//!   tests/setup -> environments -> BittensorSdk, reference Python, browser
//! ```
//!
//! Fixtures only: what is expected of the programs stands in the tests. Fixtures that run no process and that the crates' own
//! unit tests need, too, are in [`foretell_core::testing`]. Nothing is installed here: `tests/setup` does that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a fixture that can't do its work fails the test that asked it to"
)]

mod backtest_fixture;
mod binaries;
mod bittensor_sdk;
mod browser;
mod captured_log;
mod cargo_tree;
mod constant_price_venue;
mod drand;
mod environments;
mod fake_exchange;
mod fake_node;
mod faulty_proxy;
mod files;
mod forecast_files;
mod http_post;
mod journal;
mod localnet_command;
mod miner_config;
mod price_files;
mod process;
mod process_table;
mod python;
mod repository;
mod rest_exchanges;
mod result_keys;
mod shared_data;
mod subtensor_node;
mod wallets;

pub use backtest_fixture::{
    BacktestFixture, HORIZON, backtest_command, leaderboard_row, run_backtest,
};
pub use binaries::{miner_binary, validator_binary};
pub use bittensor_sdk::BittensorSdk;
pub use browser::inspect_page;
pub use captured_log::CapturedLog;
pub use cargo_tree::cargo_tree;
pub use constant_price_venue::start_constant_price_venue;
pub use drand::{DRAND_RANDOMNESS, DRAND_ROUND, DRAND_SIGNATURE};
pub use environments::environment_dir;
pub use fake_exchange::{CandleTexts, ExchangeProtocol, FakeExchange, ScriptStep};
pub use fake_node::{FakeNode, NETUID, RuntimeSpec};
pub use faulty_proxy::{ProxyFault, RelayedRequests, start_proxy};
pub use files::copy_dir;
pub use forecast_files::{CsvForecast, close_at, logistic_forecast, write_forecasts_csv};
pub use http_post::http_post;
pub use journal::{durable_record_count, record_kinds};
pub use localnet_command::LocalnetCommand;
pub use miner_config::miner_config_toml;
pub use price_files::{
    FIRST_ORIGIN, simulated_prices, write_modified_prices, write_simulated_prices,
};
pub use process::{ProcessOutput, TestProcess, send_signal, wait_until};
pub use process_table::{ProcessTableEntry, peak_memory_kb};
pub use python::run_reference_script;
pub use repository::repository_root;
pub use rest_exchanges::{FakeRestExchanges, price_at, value_at};
pub use result_keys::{LEADERBOARD_ROW_KEYS, RESULT_KEYS};
pub use shared_data::{shared_file, shared_runtime};
pub use subtensor_node::subtensor_node_url;
pub use wallets::store_hotkey;
