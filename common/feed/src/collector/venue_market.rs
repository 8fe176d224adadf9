//! One pair on one venue.

use std::fmt;

use crate::venue::Venue;

/// One pair on one venue.
#[derive(Clone)]
pub struct VenueMarket {
    /// The exchange, whose protocol `host` serves.
    pub venue: &'static dyn Venue,
    /// Scheme, name and port of the REST interface, without a trailing slash.
    pub host: String,
    /// The pair, as the venue's REST interface writes it.
    pub symbol: String,
}

impl VenueMarket {
    /// Venue and symbol, such as `kraken XBTUSD`: identifies the market in messages and journal records.
    pub fn name(&self) -> String {
        format!("{} {}", self.venue.name(), self.symbol)
    }
}

impl fmt::Debug for VenueMarket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name(), self.host)
    }
}
