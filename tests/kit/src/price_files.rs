//! Price files: the simulated market, whole or modified.

use std::fs;
use std::path::{Path, PathBuf};

use foretell_core::testing::{MONDAY, STEP};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::{PriceSeries, write_csv};
use foretell_data::simulated_prices::simulate_prices;

/// First origin of the networks and backtests here: two days after [`MONDAY`], where all prices here begin.
pub const FIRST_ORIGIN: UnixMillis = UnixMillis::literal(1_704_240_000_000);

/// `days` days of bars from the simulated market, [`STEP`] apart.
pub fn simulated_prices(seed: u64, days: i64) -> PriceSeries {
    let bars = usize::try_from(Millis::days(days).get() / STEP.get()).unwrap();
    simulate_prices(seed, MONDAY, STEP, bars).unwrap()
}

/// Three days of simulated prices in a file in `folder`.
pub fn write_simulated_prices(folder: &Path) -> PathBuf {
    let file = folder.join("prices.csv");
    write_csv(&file, &simulated_prices(1, 3)).unwrap();
    file
}

/// The file `name` in `folder`, holding the lines of three days of simulated prices after `modify` was at them; the
/// header is line 0.
pub fn write_modified_prices(
    folder: &Path,
    name: &str,
    modify: impl FnOnce(&mut Vec<String>),
) -> PathBuf {
    let text = fs::read_to_string(write_simulated_prices(folder)).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    modify(&mut lines);
    let file = folder.join(name);
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    fs::write(&file, text).unwrap();
    file
}
