//! Starting the programs, watching them, and making what they read.

mod backtest;
mod browser;
mod candles;
mod document;
mod folder;
mod forecasts;
mod http;
mod journal;
mod localnet;
mod market;
mod miner_config;
mod process;
mod process_table;
mod programs;
mod python;
mod sdk;

pub use backtest::{Bench, FIRST, HORIZON, backtest, backtest_command, row};
pub use browser::look_at;
pub use candles::{Exchanges, price_at, value_at};
pub use document::{DOCUMENT_KEYS, ROW_KEYS};
pub use folder::copy_folder;
pub use forecasts::{Lines, close_at, fan, write_forecasts};
pub use http::{flat_venue, post};
pub use journal::{head, kinds};
pub use localnet::{Localnet, START};
pub use market::{STEP, market, market_file, write_lines};
pub use miner_config::miner_config;
pub use process::{Ended, Running, until};
pub use process_table::Process;
pub use programs::{miner, validator};
pub use python::{python_with, run_script};
pub use sdk::Sdk;
