//! Binance.US: [Binance](super::Binance)'s protocol on other hosts. A thin market, a witness more than a source.

use super::{
    CandleQuery, CandleSource, Channels, Pair, Quote, Subscription, Terms, Venue, VenueError,
    binance,
};
use crate::event::{Candle, Event, FrameError};

/// Binance.US.
#[derive(Debug, Clone, Copy)]
pub struct BinanceUs;

impl CandleSource for BinanceUs {
    fn name(&self) -> &'static str {
        "binance_us"
    }

    fn default_host(&self) -> &'static str {
        "https://api.binance.us"
    }

    fn page(&self) -> usize {
        1000
    }

    fn candles_path(&self, query: &CandleQuery<'_>) -> Result<String, VenueError> {
        binance::candles_path(self.name(), self.page(), query)
    }

    fn read_candles(&self, body: &str, on: &mut dyn FnMut(Candle<'_>)) -> Result<(), VenueError> {
        binance::read_candles(self.name(), body, on)
    }
}

impl Venue for BinanceUs {
    fn quote(&self) -> Quote {
        Quote::Usdt
    }

    fn symbol(&self, pair: &Pair) -> String {
        pair.joined("")
    }

    fn terms(&self) -> Terms {
        Terms {
            url: "wss://stream.binance.us:9443/ws",
            ..binance::TERMS
        }
    }

    fn subscribe(&self, symbols: &[String]) -> Vec<Subscription> {
        binance::subscribe(symbols)
    }

    fn read_frame(
        &self,
        frame: &str,
        _: &Channels,
        on: &mut dyn FnMut(Event<'_>),
    ) -> Result<(), FrameError> {
        binance::read_frame(frame, on)
    }
}
