//! The currency that a venue quotes in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The currency that a venue's prices are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum QuoteCurrency {
    /// US dollars.
    Usd,
    /// Tether, converted at the rate of the USDT/USD markets.
    Usdt,
}

impl fmt::Display for QuoteCurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Usd => "USD",
            Self::Usdt => "USDT",
        })
    }
}
