//! One pair on one venue.

use std::fmt;

use crate::venue::Venue;

/// One pair on one venue.
#[derive(Clone)]
pub struct VenueMarket {
    /// The venue.
    pub venue: &'static dyn Venue,
    /// Scheme, name and port, without a trailing slash.
    pub host: String,
    /// The pair, as the venue writes it.
    pub symbol: String,
}

impl VenueMarket {
    /// Venue and pair, as messages and records say it.
    pub fn name(&self) -> String {
        format!("{} {}", self.venue.name(), self.symbol)
    }
}

impl fmt::Debug for VenueMarket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name(), self.host)
    }
}
