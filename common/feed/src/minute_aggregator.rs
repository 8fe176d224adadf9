//! One-minute candles from trades: the live view of a market, and what a replay of its frames gives again.
//!
//! A minute closes when the first trade of a later one comes. That depends on the frames and their receive times alone,
//! so a replay closes the same minutes with the same bytes.

use std::collections::BTreeMap;

use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::event::{MarketId, Trade};

const MINUTE: i64 = 60_000;
/// Markets whose minutes form at once. A market beyond these takes the place of one that has stopped trading.
const MAX_MARKETS: usize = 256;
/// A trade that is dated further than this from when it came is an old one, or the venue's clock is wrong.
const MAX_CLOCK_DIFFERENCE: Millis = Millis::minutes(2);

/// A minute of a market, closed. Prices are in the venue's own digits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MinuteCandle {
    /// The symbol, as the venue's WebSocket interface writes it.
    pub symbol: String,
    /// Start of the minute, by the venue's clock.
    pub time_ms: UnixMillis,
    /// Price of the first trade that came, in the venue's quote currency.
    pub open: String,
    /// Highest price.
    pub high: String,
    /// Lowest price.
    pub low: String,
    /// Price of the last trade that came.
    pub close: String,
    /// Base units traded.
    pub volume: f64,
    /// Number of trades, at least one.
    pub trades: u64,
}

/// The forming minutes of a venue's markets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MinuteAggregator {
    forming: BTreeMap<String, MinuteCandle>,
    late_trades: u64,
    future_trades: u64,
    crowded_out_trades: u64,
}

impl MinuteAggregator {
    /// Adds a trade that came at `received`, and returns the minute that it closes, if it closes one: of its own market, or of
    /// the one whose place its market takes.
    ///
    /// Trades of a minute that is closed are late and count in no minute, as do old trades (a snapshot after a new
    /// subscription holds some) and trades of the future.
    pub fn add_trade(&mut self, received: UnixMillis, trade: &Trade<'_>) -> Option<MinuteCandle> {
        let MarketId::Symbol(symbol) = &trade.market else {
            return None;
        };
        if trade.time > received + MAX_CLOCK_DIFFERENCE {
            self.future_trades += 1;
            return None;
        }
        if trade.time < received - MAX_CLOCK_DIFFERENCE {
            self.late_trades += 1;
            return None;
        }
        let start = UnixMillis::saturating(trade.time.get() - trade.time.get().rem_euclid(MINUTE));
        let Some(forming) = self.forming.get_mut(symbol.as_ref()) else {
            let closed = if self.forming.len() < MAX_MARKETS {
                None
            } else {
                let Some(closed) = self.close_one_before(start) else {
                    self.crowded_out_trades += 1;
                    return None;
                };
                Some(closed)
            };
            self.forming
                .insert(symbol.to_string(), new_candle(symbol, start, trade));
            return closed;
        };
        if start < forming.time_ms {
            self.late_trades += 1;
            return None;
        }
        if start > forming.time_ms {
            return Some(std::mem::replace(forming, new_candle(symbol, start, trade)));
        }
        forming.add(trade);
        None
    }

    /// Closes the oldest minute, if it is before this one.
    fn close_one_before(&mut self, start: UnixMillis) -> Option<MinuteCandle> {
        let oldest = self.forming.values().min_by_key(|minute| minute.time_ms)?;
        if oldest.time_ms >= start {
            return None;
        }
        let symbol = oldest.symbol.clone();
        self.forming.remove(&symbol)
    }

    /// The forming minutes, which no later trade has closed.
    pub fn forming(&self) -> impl Iterator<Item = &MinuteCandle> {
        self.forming.values()
    }

    /// Trades that came after their minute was closed, or more than two minutes after their time.
    pub const fn late_trades(&self) -> u64 {
        self.late_trades
    }

    /// Trades of markets beyond the most whose minutes form at once, all of which traded in the same minute.
    pub const fn crowded_out_trades(&self) -> u64 {
        self.crowded_out_trades
    }

    /// Trades whose time was more than two minutes after they came.
    pub const fn future_trades(&self) -> u64 {
        self.future_trades
    }
}

/// The minute that this trade begins.
fn new_candle(symbol: &str, start: UnixMillis, trade: &Trade<'_>) -> MinuteCandle {
    let price = trade.price.to_string();
    MinuteCandle {
        symbol: symbol.to_owned(),
        time_ms: start,
        open: price.clone(),
        high: price.clone(),
        low: price.clone(),
        close: price,
        volume: trade.size.to_f64(),
        trades: 1,
    }
}

impl MinuteCandle {
    fn add(&mut self, trade: &Trade<'_>) {
        let number = |text: &str| text.parse().unwrap_or(f64::NAN);
        let price = trade.price.to_f64();
        if price > number(&self.high) {
            self.high = trade.price.to_string();
        }
        if price < number(&self.low) {
            self.low = trade.price.to_string();
        }
        self.close = trade.price.to_string();
        self.volume += trade.size.to_f64();
        self.trades += 1;
    }
}

#[cfg(test)]
mod tests {
    use foretell_kernels::decimal::Decimal;

    use super::*;
    use crate::event::TradeId;

    fn trade(time: i64, price: &'static str) -> Trade<'static> {
        Trade {
            market: MarketId::symbol("A"),
            time: UnixMillis::saturating(time),
            price: Decimal::new(price).unwrap(),
            size: Decimal::new("0.5").unwrap(),
            id: TradeId::Number(1),
            taker: None,
        }
    }

    #[test]
    fn a_minute_closes_with_the_first_trade_of_a_later_one() {
        let mut minutes = MinuteAggregator::default();
        let received = UnixMillis::literal(121_000);
        for (time, price) in [
            (60_000, "10.0"),
            (60_500, "12"),
            (61_000, "9.50"),
            (119_999, "11"),
        ] {
            assert_eq!(minutes.add_trade(received, &trade(time, price)), None);
        }
        let closed = minutes.add_trade(received, &trade(180_000, "11")).unwrap();
        let prices = [closed.open, closed.high, closed.low, closed.close];
        assert_eq!(prices, ["10.0", "12", "9.50", "11"]);
        assert_eq!(
            (closed.time_ms, closed.volume, closed.trades),
            (UnixMillis::literal(60_000), 2.0, 4)
        );
        let forming: Vec<_> = minutes.forming().map(|m| m.time_ms.get()).collect();
        assert_eq!(forming, [180_000]);
    }

    #[test]
    fn late_trades_and_those_from_the_future_count_in_no_minute() {
        let mut minutes = MinuteAggregator::default();
        minutes.add_trade(UnixMillis::literal(70_000), &trade(60_000, "10"));
        assert_eq!(
            minutes.add_trade(UnixMillis::literal(70_000), &trade(59_999, "1")),
            None
        );
        assert_eq!(
            minutes.add_trade(UnixMillis::literal(70_000), &trade(190_001, "99")),
            None
        );
        assert_eq!((minutes.late_trades(), minutes.future_trades()), (1, 1));
        assert_eq!(minutes.forming().next().unwrap().trades, 1);
    }

    /// Ever new symbols fill no memory, and a market that goes on trading keeps its place.
    #[test]
    fn ever_new_symbols_take_the_place_of_those_that_stopped() {
        let mut minutes = MinuteAggregator::default();
        let mut closed = 0;
        for i in 0..20 * 60_i64 {
            let time = 50 * i;
            let received = UnixMillis::saturating(time);
            closed += usize::from(minutes.add_trade(received, &trade(time, "1")).is_some());
            let mut other = trade(time, "1");
            let symbol = format!("X{i}");
            other.market = MarketId::symbol(symbol.as_str());
            closed += usize::from(minutes.add_trade(received, &other).is_some());
            assert!(minutes.forming().count() <= MAX_MARKETS);
        }
        assert_eq!(closed, 0, "all within a minute");
        assert_eq!(
            minutes.crowded_out_trades(),
            1200 - (MAX_MARKETS as u64 - 1)
        );
        let mut other = trade(61_000, "1");
        other.market = MarketId::symbol("new");
        let closed = minutes
            .add_trade(UnixMillis::literal(61_000), &other)
            .unwrap();
        assert_eq!(closed.time_ms, UnixMillis::literal(0));
        assert_eq!(minutes.forming().count(), MAX_MARKETS);
    }
}
