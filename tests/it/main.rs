//! The real programs, end to end: what they print, what they say when something is wrong, and that being killed
//! changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod adversaries;
mod backtest;
mod backtest_files;
mod backtest_report;
mod backtest_taoshi;
mod cli_contract;
mod crash_recovery;
mod data_dirs;
mod dependencies;
mod determinism;
mod feed;
mod feed_cli;
mod feed_recording;
mod feed_soak;
mod keys_cli;
mod live_program;
mod live_service;
mod live_sockets;
mod miner_cli;
mod miner_models_cli;
mod miner_status;
mod node_faults;
mod non_price_series;
mod price_files;
mod programs_on_chain;
mod reference_implementations;
mod runtime;
mod sdk_peers;
mod settle_cli;
mod simulate_policy;
mod structure;
mod timelock;
