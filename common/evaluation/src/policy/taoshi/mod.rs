//! Policy `taoshi`: the first generation's rule, as it last stood in March 2024.
//!
//! Per round: the [weighted RMSE](ForecastErrors) in USD; [shares] by min-max, twice; an EMA of shares, weighted by
//! how [volatile](TaoshiConfig::volatility_percentile) the window was. Over miners: a [floor and a
//! power](TaoshiConfig::final_scaled) that leave most of the payout to a few. Sums are taken in the order in which
//! numpy takes them, so results agree to the last digit.
//!
//! Known weaknesses (tests: `policy/weaknesses.rs`):
//! - min-max is relative to the worst of the round: one absurd forecast gives all others the same share;
//! - a forecast whose square overflows makes every weight NaN, and the round is lost for all;
//! - RMSE of prices can't be beaten by skill in eight hours, so it ranks luck;
//! - k copies of a forecast have k shares;
//! - the unit is USD: when the price doubles, so do all errors.

mod config;
mod numpy;
mod percentiles;
mod policy;
mod refusal;
mod shares;
mod weighted_rmse;

pub use config::TaoshiConfig;
pub use policy::{TaoshiPolicy, TaoshiRoundDetail};
pub use refusal::TaoshiRefusal;
pub use shares::shares;
pub use weighted_rmse::{ForecastErrors, closes};
