//! Binance.US: [Binance](super::Binance)'s protocol on other hosts. Its market is thin, so it is disabled by default.
//!
//! Documentation: <https://docs.binance.us/>.

use foretell_core::settle::QuoteCurrency;

use super::binance;
use super::error::VenueError;
use super::limits::VenueLimits;
use super::pair::Pair;
use super::subscription::{ChannelMap, Subscription};
use super::traits::{CandleQuery, CandleSource, Venue};
use crate::event::{FrameError, RawCandle, VenueEvent};

/// Binance.US; prices in USDT.
#[derive(Debug, Clone, Copy)]
pub struct BinanceUs;

impl CandleSource for BinanceUs {
    fn name(&self) -> &'static str {
        "binance_us"
    }

    fn default_host(&self) -> &'static str {
        "https://api.binance.us"
    }

    fn page_size(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        binance::candles_path(self.name(), self.page_size(), query)
    }

    fn read_candles(
        &self,
        body: &str,
        on: &mut dyn FnMut(RawCandle<'_>),
    ) -> Result<(), VenueError> {
        binance::read_candles(self.name(), body, on)
    }
}

impl Venue for BinanceUs {
    fn default_quote(&self) -> QuoteCurrency {
        QuoteCurrency::Usdt
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("")
    }

    fn limits(&self) -> VenueLimits {
        VenueLimits {
            url: "wss://stream.binance.us:9443/ws",
            ..binance::LIMITS
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        binance::subscribe(symbols)
    }

    fn read_frame(
        &self,
        frame: &str,
        _: &ChannelMap,
        on: &mut dyn FnMut(VenueEvent<'_>),
    ) -> Result<(), FrameError> {
        binance::read_frame(frame, on)
    }
}
