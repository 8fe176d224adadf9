//! What is particular to a venue, without I/O: what it is told, what its messages and answers say.
//!
//! Adding a venue is one file here and one line in [`ALL`].

mod binance;
mod binance_us;
mod bitfinex;
mod bitstamp;
mod bybit;
mod coinbase_advanced;
mod coinbase_exchange;
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
pub use traits::{CandleQuery, CandleSource, Venue};

/// Every venue.
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

/// The exchange of this name.
pub fn by_name(name: &str) -> Result<&'static dyn Venue, VenueError> {
    let venue = ALL.into_iter().find(|venue| venue.name() == name);
    venue.ok_or_else(|| VenueError::Unknown {
        name: name.to_owned(),
        known: names(),
    })
}

/// The exchange of this name, or the replay venue.
pub fn candle_source(name: &str) -> Result<&'static dyn CandleSource, VenueError> {
    if name == ReplaySource.name() {
        return Ok(&ReplaySource);
    }
    by_name(name).map(|venue| venue as &dyn CandleSource)
}

/// All names, in words.
fn names() -> String {
    let exchanges = ALL.map(CandleSource::name).join(", ");
    format!("{exchanges} and {}", ReplaySource.name())
}

#[cfg(test)]
mod tests;
