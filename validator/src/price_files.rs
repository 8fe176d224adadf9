//! Several price files as one series.

use std::path::PathBuf;

use anyhow::{Context, Result};
use foretell_data::prices::{PriceSeries, read};

/// All bars of these files as one series.
///
/// Fails if a file can't be read, or if they overlap or have different steps.
pub fn read_price_files(files: &[PathBuf]) -> Result<PriceSeries> {
    let mut parts = files
        .iter()
        .map(|file| read(file))
        .collect::<Result<Vec<_>, _>>()?;
    if let [_] = parts.as_slice() {
        return Ok(parts.remove(0));
    }
    parts.sort_by_key(PriceSeries::first_open);
    let bars = parts.into_iter().flat_map(PriceSeries::into_bars).collect();
    PriceSeries::from_bars(bars).context(
        "the price files don't make one series: they must not overlap and must have one step",
    )
}
