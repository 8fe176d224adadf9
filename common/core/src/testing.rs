//! Fixtures of tests, of this crate and of those above it: a series, its genesis, bars, keys and settlements; recorded
//! data, and what is said where it isn't there.
//!
//! Only there for tests: behind the feature `testing`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::bar::Bar;
use crate::hash::Hex;
use crate::hotkey::Hotkey;
use crate::journal::{Genesis, PriceOrigin};
use crate::price::Price;
use crate::rules::RulesVersion;
use crate::series::{Grid, Series, SeriesId, Unit};
use crate::settle::Settlement;
use crate::time::{Millis, UnixMillis};

/// Monday 2024-01-01T00:00:00Z: on every grid.
pub const MONDAY: UnixMillis = UnixMillis::literal(1_704_067_200_000);
/// The step of [`btc_usd`].
pub const STEP: Millis = Millis::minutes(5);

/// BTC/USD by log prices, in steps of [`STEP`].
pub fn btc_usd(horizon: usize) -> Series {
    Series {
        id: SeriesId::btc_usd(),
        grid: Grid {
            step: STEP,
            horizon,
        },
        unit: Unit::LogPrice,
    }
}

/// A replay of `rounds` rounds of `series`, the first at `first`.
pub fn replay_genesis(
    series: Series,
    first: UnixMillis,
    rounds: usize,
    round_every: Millis,
) -> Genesis {
    Genesis {
        series,
        rules: RulesVersion::V1Replay,
        validator: hotkey(255),
        first_origin: first,
        end_origin: first + round_every.times(i64::try_from(rounds).unwrap_or(i64::MAX)),
        round_every,
        prices: PriceOrigin::Replay {
            sha256: Hex([0; 32]),
        },
    }
}

/// A hotkey whose bytes are all `n`: keys are in the order of their numbers. No secret is known of it.
pub const fn hotkey(n: u8) -> Hotkey {
    Hotkey([n; 32])
}

/// A finite price.
///
/// # Panics
///
/// If it isn't finite.
pub fn price(value: f64) -> Price {
    match Price::new(value) {
        Ok(price) => price,
        Err(error) => panic!("{error}"),
    }
}

/// Bars of one value each, [`STEP`] apart, the first opening at `first`.
pub fn bars(first: UnixMillis, values: impl IntoIterator<Item = f64>) -> Vec<Bar> {
    let opens = (0..).map(|i| first + STEP.times(i));
    opens
        .zip(values)
        .map(|(open_time, value)| Bar::from_value(open_time, price(value)))
        .collect()
}

/// A settlement without gaps.
pub fn settlement(anchor: f64, volatility: f64, closes: &[f64]) -> Settlement {
    Settlement {
        anchor: Some(price(anchor)),
        volatility: Some(volatility),
        closes: closes.iter().map(|close| Some(price(*close))).collect(),
    }
}

/// Fails unless `text` holds every one of `parts`.
///
/// # Panics
///
/// If it lacks one.
#[track_caller]
pub fn assert_contains_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

/// A file or folder of the recorded data that lies in `shared` beside the clone and is no part of the project. Without it,
/// [`skipped`] says that the running test skips `what`, and the caller returns.
pub fn shared_file(path: &str, what: &str) -> Option<PathBuf> {
    // The clone's parent: this package is two folders inside the clone.
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3)?;
    let file = beside.join("shared").join(path);
    if file.exists() {
        return Some(file);
    }
    skipped(
        what,
        &format!("{} is not there", file.display()),
        "put the folder of recorded data beside the clone",
    );
    None
}

/// Says that the running test skips `what` because of `why`, and what to do about it. To be called on the test's own thread,
/// whose name is the test's.
///
/// Goes to standard error itself: libtest keeps what a passing test prints with `eprintln!`, and shows it to nobody.
pub fn skipped(what: &str, why: &str, what_to_do: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("SKIPPED {test}: {what} because {why}; {what_to_do}\n");
    // If nobody reads standard error, nobody is told.
    drop(io::stderr().lock().write_all(line.as_bytes()));
}
