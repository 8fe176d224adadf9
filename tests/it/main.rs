//! The real programs, end to end: what they print, what they say when something is wrong, and that being killed
//! changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod adversaries;
mod backtest;
mod backtest_files;
mod backtest_report;
mod backtest_taoshi;
mod contract;
mod data_folders;
mod dependencies;
mod determinism;
mod driver;
mod exchange;
mod feed;
mod feed_files;
mod feed_recording;
mod keys;
mod live;
mod live_program;
mod live_sockets;
mod miner_cli;
mod miner_models;
mod miner_status;
mod networks;
mod node;
mod peers;
mod price_files;
mod resume;
mod runtime;
mod sdk_peers;
mod series;
mod settle_cli;
mod simulate_policy;
mod thirty_days;
mod timelock;
