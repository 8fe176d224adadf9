//! Whether a price that settled is what was traded in its minute.

use std::fmt;

use foretell_cli::time_text::format_time;
use foretell_core::time::UnixMillis;
use foretell_feed::market_view::CompositePrice;
use serde::{Deserialize, Serialize};

/// A settled price further than this from the traded one is warned about: venues' last trades and candles of a minute agree
/// to a basis point or two, whatever the market does.
const WARN_BEYOND_BPS: f64 = 10.0;

/// A settled price beside what was traded in its minute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CrossCheck {
    /// End of the minute whose price is checked.
    pub instant: UnixMillis,
    /// The settled price.
    pub settled: f64,
    /// Median over venues of the last trade in that minute.
    pub traded: CompositePrice,
    /// Distance of the two, at least 0, in basis points of the traded price.
    pub apart_bps: f64,
}

impl CrossCheck {
    /// Compares a price with what was traded in the minute that ends at `instant`.
    pub fn new(instant: UnixMillis, settled: f64, traded: CompositePrice) -> Self {
        Self {
            instant,
            settled,
            traded,
            apart_bps: 1e4 * (settled / traded.price - 1.0).abs(),
        }
    }

    /// Whether they are further apart than they should be.
    pub fn differs(&self) -> bool {
        self.apart_bps > WARN_BEYOND_BPS
    }
}

impl fmt::Display for CrossCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let finding = match self.differs() {
            true => "settled and traded prices DIFFER",
            false => "settled and traded prices agree",
        };
        write!(
            f,
            "{finding}: {} settled, {} traded on {} venues at {}, {:.1} bps apart",
            self.settled,
            self.traded.price,
            self.traded.venues,
            format_time(self.instant),
            self.apart_bps
        )
    }
}
