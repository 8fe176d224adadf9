//! The reference miner's parts: the price history it keeps and the models that forecast from it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod announce;
pub mod cli;
pub mod config;
pub mod evaluate;
pub mod history;
pub mod market;
pub mod model_file;
pub mod models;
pub mod serve;

mod calendar;
mod drift;
mod features;
mod moves;
mod ranked;
mod sample;
mod season;
