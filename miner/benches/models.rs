//! The time of a refit on 180 days of five-minute bars, and of one forecast from a fitted model.
//!
//! Prices are the simulated series, so that no price file is needed.
#![allow(clippy::expect_used, reason = "a benchmark fails loudly")]

use foretell_core::series::{Grid, Unit};
use foretell_core::testing::{MONDAY, STEP};
use foretell_data::simulated_prices::simulate_prices;
use foretell_miner::models::by_name;
use foretell_miner::price_history::PriceHistory;

const GRID: Grid = Grid {
    step: STEP,
    horizon: 100,
};
const BARS_OF_180_DAYS: usize = 180 * 288;
const LEVELS: usize = 99;
const MODELS: [&str; 7] = [
    "gaussian",
    "garch-t",
    "har",
    "har-plus",
    "elastic-net",
    "pls",
    "ensemble",
];

fn main() {
    divan::main();
}

#[divan::bench(args = MODELS, sample_count = 20, sample_size = 1)]
fn refit(bencher: divan::Bencher<'_, '_>, name: &str) {
    let (model, history) = (model(name), history());
    bencher.bench_local(|| model.fit(&history, &GRID, 0).expect("enough history"));
}

#[divan::bench(args = MODELS)]
fn forecast(bencher: divan::Bencher<'_, '_>, name: &str) {
    let history = history();
    let fitted = model(name).fit(&history, &GRID, 0).expect("enough history");
    bencher.bench_local(|| fitted.forecast(&history, LEVELS).expect("enough history"));
}

fn model(name: &str) -> std::sync::Arc<dyn foretell_miner::models::AnyModel> {
    by_name(name).expect("a model of ours")
}

fn history() -> PriceHistory {
    let prices = simulate_prices(1, MONDAY, GRID.step, BARS_OF_180_DAYS).expect("a series");
    let mut history = PriceHistory::new(GRID.step, Unit::LogPrice);
    history
        .extend(prices.into_bars())
        .expect("bars of one step in order");
    history
}
