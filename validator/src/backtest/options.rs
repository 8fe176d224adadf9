//! The arguments of a backtest.

use std::path::PathBuf;

use foretell_core::series::SeriesId;
use foretell_core::time::UnixMillis;
use foretell_evaluation::policy::PolicyName;

/// What to score, and how.
#[derive(Debug)]
pub struct BacktestOptions {
    /// Name of the series; the default one if left out.
    pub series: Option<SeriesId>,
    /// Price files, in any order.
    pub prices: Vec<PathBuf>,
    /// Forecasts files.
    pub forecasts: Vec<PathBuf>,
    /// Policies, at least one.
    pub policies: Vec<PolicyName>,
    /// First origin; the files' first if left out.
    pub from: Option<UnixMillis>,
    /// Origins are below this; the files' last is in if left out.
    pub to: Option<UnixMillis>,
    /// H.
    pub horizon: usize,
    /// Whether reports tell what policy `taoshi` did in every round.
    pub details: bool,
    /// Where the page with plots goes.
    pub report: Option<PathBuf>,
}
