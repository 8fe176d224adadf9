//! The arguments of a backtest.

use std::path::PathBuf;

use foretell_core::series::{SeriesId, Unit};
use foretell_core::time::UnixMillis;
use foretell_evaluation::policy::PolicyName;

/// Which forecasts to score on which prices, and under which policies.
#[derive(Debug)]
pub struct BacktestOptions {
    /// Name of the series; the default one if left out.
    pub series: Option<SeriesId>,
    /// Price files, in any order; where they overlap they must agree.
    pub prices: Vec<PathBuf>,
    /// How moves are measured; by what the columns of the price files say if left out.
    pub unit: Option<Unit>,
    /// Forecasts files, each in order of origin.
    pub forecasts: Vec<PathBuf>,
    /// Policies, at least one; one that is named again is left out.
    pub policies: Vec<PolicyName>,
    /// First origin; the files' first if left out.
    pub from: Option<UnixMillis>,
    /// Origins are below this; the files' last is in if left out.
    pub to: Option<UnixMillis>,
    /// Steps of a forecast, H.
    pub horizon: usize,
    /// Whether the report of policy `taoshi` lists every round.
    pub details: bool,
    /// Directory that the page with plots is written into; no page without it.
    pub report: Option<PathBuf>,
}
