//! The reference miner: models that learn from a price history, their evaluation, and the service that answers
//! validators with their forecasts.
//!
//! ```text
//!  price files ──▶ price_dataset ──┐
//!                                  ├─▶ PriceHistory ──▶ models: Model ──fit──▶ FittedModel ──▶ Forecast
//!  venue's candles ──▶ serve ──────┘        │                                     │
//!                        │                  └──▶ evaluate: walk-forward ◀─────────┤  metrics, report
//!                        └──▶ payload store, signed HTTP ──▶ validators           └──▶ model_file: kept for later
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`models`] | the models by name: `random-walk`, `gaussian`, `garch-t`, `har`, `har-plus`, `elastic-net`, `pls`, `ensemble` |
//! | [`price_history`], [`price_dataset`] | the bars that a model may look at; price files read as one history |
//! | [`evaluate`] | every model refitted on the past only, scored by the policy that pays live miners |
//! | [`model_file`] | a fitted model as a file, with what it was fitted on |
//! | [`serve`], [`axon_publisher`] | the service, and publishing its address on the chain |
//! | [`config`], [`cli`] | the configuration of `miner serve`; the commands of the program `miner` |
//!
//! What is *not* here: rounds, scores and weights (`foretell-core`), the signed protocol (`foretell-wire`), venues
//! (`foretell-feed`), keys (`foretell-keys`), price files and forecasts files (`foretell-data`).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod axon_publisher;
pub mod cli;
pub mod config;
pub mod evaluate;
pub mod model_file;
pub mod models;
pub mod permitted_validators;
pub mod price_dataset;
pub mod price_history;
pub mod serve;

mod calendar_bins;
mod decay_weights;
mod deseasonalised_returns;
mod diurnal_drift;
mod diurnal_profile;
mod features;
mod order_statistics;
mod prefix_sums;
mod returns;
