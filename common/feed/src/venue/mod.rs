//! What is particular to a venue, without I/O: the request for candles and the reading of its answer.
//!
//! Adding a venue is one file here and one line in [`by_name`].

mod binance;
mod bitstamp;
mod replay;

pub use binance::Binance;
pub use bitstamp::Bitstamp;
pub use replay::{CandlePage, Replay};

use foretell_core::bar::Bar;
use foretell_core::price::Price;
use foretell_core::time::{Millis, UnixMillis};
use thiserror::Error;

/// A source of candles over REST.
pub trait Venue: Send + Sync {
    /// The venue's name, as configuration and messages say it.
    fn name(&self) -> &'static str;

    /// Scheme and host when none is configured, without a trailing slash; empty if one must be configured.
    fn default_host(&self) -> &'static str;

    /// Most candles in one answer.
    fn page(&self) -> usize;

    /// Path and query that ask for candles with open times in `[from, to)`, oldest first, at most a page.
    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError>;

    /// The finished candles in an answer, oldest first.
    fn parse_candles(&self, body: &[u8]) -> Result<Vec<Bar>, VenueError>;
}

/// Which candles are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CandleQuery<'a> {
    /// The pair or series, as the venue writes it.
    pub symbol: &'a str,
    /// Spacing.
    pub step: Millis,
    /// First open time.
    pub from: UnixMillis,
    /// Open times are below this.
    pub to: UnixMillis,
}

/// Why a venue can't be asked or understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VenueError {
    /// It has no candles of this spacing.
    #[error("{venue} has no candles of {} s", step.0 / 1000)]
    Step {
        /// The venue.
        venue: &'static str,
        /// The spacing asked for.
        step: Millis,
    },
    /// The answer is not what its protocol says.
    #[error("{venue} answered something else than candles: {why}")]
    Malformed {
        /// The venue.
        venue: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The venue refused the request in its own words.
    #[error("{venue} refused: {why}")]
    Refused {
        /// The venue.
        venue: &'static str,
        /// Its words.
        why: String,
    },
    /// No such venue.
    #[error("no venue is called {0:?}; there are binance, bitstamp and replay")]
    Unknown(String),
}

/// The venue of this name.
pub fn by_name(name: &str) -> Result<&'static dyn Venue, VenueError> {
    match name {
        "binance" => Ok(&Binance),
        "bitstamp" => Ok(&Bitstamp),
        "replay" => Ok(&Replay),
        _ => Err(VenueError::Unknown(name.to_owned())),
    }
}

/// A bar from the texts of a venue's candle.
fn bar_of_texts(
    venue: &'static str,
    open_time: UnixMillis,
    [open, high, low, close, volume]: [&str; 5],
) -> Result<Bar, VenueError> {
    let malformed = |why: String| VenueError::Malformed { venue, why };
    let price = |text: &str| -> Result<Price, VenueError> {
        text.parse()
            .map_err(|error| malformed(format!("candle {open_time}: {error}")))
    };
    Ok(Bar {
        open_time,
        open: price(open)?,
        high: price(high)?,
        low: price(low)?,
        close: price(close)?,
        volume: price(volume)?.get(),
    })
}
