//! A bar: the prices of one step of a series, from a venue, a price file or the settlement.

use serde::{Deserialize, Serialize};

use crate::price::Price;
use crate::time::{Millis, UnixMillis};

/// Open, high, low, close and volume over `[open_time, open_time + step)`.
///
/// A series without trades (a temperature) has its value in all four prices and volume 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// Start of the bar (UTC).
    pub open_time: UnixMillis,
    /// First traded price.
    pub open: Price,
    /// Highest traded price.
    pub high: Price,
    /// Lowest traded price.
    pub low: Price,
    /// Last traded price: that of the instant [`close_time`](Self::close_time).
    pub close: Price,
    /// Traded volume, in units of the base currency.
    pub volume: f64,
}

impl Bar {
    /// The bar of a series that has only values.
    pub const fn from_value(open_time: UnixMillis, value: Price) -> Self {
        Self {
            open_time,
            open: value,
            high: value,
            low: value,
            close: value,
            volume: 0.0,
        }
    }

    /// The instant at which the bar is complete; its close is the price of that instant.
    pub fn close_time(&self, step: Millis) -> UnixMillis {
        self.open_time + step
    }
}
