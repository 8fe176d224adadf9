//! Every parser of bytes from outside, each as a function that libFuzzer and the tests can call.
//!
//! ```text
//!  corpus/TARGET, regressions/TARGET ──▶ tests/corpus.rs ──┐  on the stable toolchain, with a few thousand mutations
//!                                                          ├──▶ TARGETS: name, fn(&[u8])
//!  libFuzzer, guided by coverage ──────▶ libfuzzer/ ───────┘  for as long as you like
//! ```
//!
//! A target gives its parser the bytes and asserts what must hold of any: it doesn't panic, what it read reads the same
//! once printed, and what comes out isn't larger than what went in allows. `README.md` beside this crate says how to run
//! one, and how to add one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a target fails by a panic: that is how a fuzzer knows"
)]

mod chain;
#[cfg(feature = "programs")]
mod configurations;
#[cfg(feature = "programs")]
mod files;
mod journal;
mod json;
mod keys;
mod live_frames;
mod names;
mod payload;
mod recordings;
mod rest_answers;
mod settlement;
#[cfg(feature = "programs")]
mod stores;
mod times;
mod wire;

/// A parser's target: it panics where something doesn't hold that must.
pub type Target = fn(&[u8]);

/// All targets by name, in the order of what they read.
pub const TARGETS: &[(&str, Target)] = &[
    // What venues send.
    ("frames_binance", live_frames::binance),
    ("frames_binance_us", live_frames::binance_us),
    ("frames_bitfinex", live_frames::bitfinex),
    ("frames_bitstamp", live_frames::bitstamp),
    ("frames_bybit", live_frames::bybit),
    ("frames_coinbase_advanced", live_frames::coinbase_advanced),
    ("frames_coinbase_exchange", live_frames::coinbase_exchange),
    ("frames_gemini", live_frames::gemini),
    ("frames_kraken", live_frames::kraken),
    ("frames_okx", live_frames::okx),
    ("candles_binance", rest_answers::binance),
    ("candles_binance_us", rest_answers::binance_us),
    ("candles_bitfinex", rest_answers::bitfinex),
    ("candles_bitstamp", rest_answers::bitstamp),
    ("candles_bybit", rest_answers::bybit),
    ("candles_coinbase_advanced", rest_answers::coinbase_advanced),
    ("candles_coinbase_exchange", rest_answers::coinbase_exchange),
    ("candles_gemini", rest_answers::gemini),
    ("candles_kraken", rest_answers::kraken),
    ("candles_okx", rest_answers::okx),
    ("candles_replay", rest_answers::replay),
    ("retry_after", rest_answers::retry_after),
    ("decode_lines", recordings::decode_lines),
    ("recording_lines", recordings::recording_lines),
    ("json_fast", json::json_fast),
    ("decimal", json::decimal),
    // Between validators and miners.
    ("forecast_payload", payload::forecast_payload),
    ("btauth_request", wire::btauth_request),
    ("axon_request", wire::axon_request),
    ("axon_response", wire::axon_response),
    ("answer_headers", wire::answer_headers),
    ("wire_messages", wire::wire_messages),
    // Keys.
    ("ss58", keys::ss58),
    ("keyfile", keys::keyfile),
    ("key_material", keys::key_material),
    // The chain.
    ("ledger_file", chain::ledger_file),
    ("signed_weights", chain::signed_weights),
    #[cfg(feature = "subtensor")]
    ("signed_extrinsic", chain::signed_extrinsic),
    #[cfg(feature = "subtensor")]
    ("chain_storage", chain::chain_storage),
    // What is stored.
    ("journal_entry", journal::journal_entry),
    ("journal_records", journal::journal_records),
    ("fit_state", journal::fit_state),
    ("minute_inputs", settlement::minute_inputs),
    ("settlement_case", settlement::settlement_case),
    #[cfg(feature = "programs")]
    ("stored_payload", stores::stored_payload),
    #[cfg(feature = "programs")]
    ("data_dir_manifest", stores::data_dir_manifest),
    #[cfg(feature = "programs")]
    ("validator_status", stores::validator_status),
    #[cfg(feature = "programs")]
    ("received_outcomes", stores::received_outcomes),
    #[cfg(feature = "programs")]
    ("model_file", stores::model_file),
    // What people write.
    #[cfg(feature = "programs")]
    ("price_csv", files::price_csv),
    #[cfg(feature = "programs")]
    ("value_table", files::value_table),
    #[cfg(feature = "programs")]
    ("price_file", files::price_file),
    #[cfg(feature = "programs")]
    ("forecast_file", files::forecast_file),
    #[cfg(feature = "programs")]
    ("validator_config", configurations::validator_config),
    #[cfg(feature = "programs")]
    ("miner_config", configurations::miner_config),
    ("feed_config", names::feed_config),
    ("names", names::names),
    ("instants", times::instants),
    ("spans", times::spans),
];

/// The bytes as text, if they are UTF-8.
fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}
