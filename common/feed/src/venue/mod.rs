//! The protocols of the venues, without I/O: requests to send, and parsers of frames and answers.
//!
//! ```
//! use foretell_feed::event::VenueEvent;
//! use foretell_feed::venue::{self, ChannelMap};
//!
//! let kraken = venue::by_name("kraken")?;
//! let frame = r#"{"channel":"heartbeat"}"#;
//! let mut heartbeats = 0;
//! kraken.read_frame(frame, &ChannelMap::default(), &mut |event| {
//!     heartbeats += usize::from(matches!(event, VenueEvent::Status(_)));
//! })?;
//! assert_eq!(heartbeats, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Each venue is one file that implements [`CandleSource`] and [`Venue`]; adding one is that file,
//! with `mod` and `pub use` here, and a line in [`ALL`].

mod binance;
mod binance_us;
mod bitfinex;
mod bitstamp;
mod bybit;
mod coinbase_advanced;
mod coinbase_exchange;
mod control_message;
mod error;
mod gemini;
mod json_fields;
mod kraken;
mod limits;
mod okx;
mod pair;
mod replay;
mod rfc3339;
mod step_names;
mod subscription;
mod traits;
mod validation;

pub use binance::Binance;
pub use binance_us::BinanceUs;
pub use bitfinex::Bitfinex;
pub use bitstamp::Bitstamp;
pub use bybit::Bybit;
pub use coinbase_advanced::CoinbaseAdvanced;
pub use coinbase_exchange::CoinbaseExchange;
pub use error::VenueError;
pub use gemini::Gemini;
pub use kraken::Kraken;
pub use limits::{GapDetection, Ping, RateLimit, VenueLimits};
pub use okx::Okx;
pub use pair::{Pair, PairError};
pub use replay::{CandlePage, ReplaySource};
pub use subscription::{ChannelMap, Subscription};
pub use traits::{AnswerRange, CandleQuery, CandleSource, Venue};

/// Every exchange, ordered by name.
pub const ALL: [&dyn Venue; 10] = [
    &Binance,
    &BinanceUs,
    &Bitfinex,
    &Bitstamp,
    &Bybit,
    &CoinbaseAdvanced,
    &CoinbaseExchange,
    &Gemini,
    &Kraken,
    &Okx,
];

/// The exchange of this name in [`ALL`].
pub fn by_name(name: &str) -> Result<&'static dyn Venue, VenueError> {
    let venue = ALL.into_iter().find(|venue| venue.name() == name);
    venue.ok_or_else(|| VenueError::Unknown {
        name: name.to_owned(),
        known: all_names(),
    })
}

/// The exchange of this name, or the replay venue.
pub fn candle_source(name: &str) -> Result<&'static dyn CandleSource, VenueError> {
    if name == ReplaySource.name() {
        return Ok(&ReplaySource);
    }
    by_name(name).map(|venue| venue as &dyn CandleSource)
}

/// All names of [`candle_source`], as a phrase for messages.
fn all_names() -> String {
    let exchanges = ALL.map(CandleSource::name).join(", ");
    format!("{exchanges} and {}", ReplaySource.name())
}

#[cfg(test)]
mod tests;
