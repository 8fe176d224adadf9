//! The live view of a market: the state of every venue's connection, the price that is traded now, and the last price of
//! each of the last minutes.
//!
//! It is shown to operators and checks settled prices. No score or weight depends on it, since nobody else can recompute
//! it: others received other frames at other times.

mod venue_tracker;

use std::collections::BTreeMap;

use foretell_core::rules::MinuteRules;
use foretell_core::settle::{MINUTE, QuoteCurrency};
use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

pub use self::venue_tracker::{ConnectionState, VenueStatus, WatchedSymbols};
use self::venue_tracker::{MAX_TRADE_AGE, MinuteCloses, VenueTracker};
use crate::websocket::ConnectionUpdate;

/// The trades and connections of one market on all venues.
#[derive(Debug, Default)]
pub struct MarketView {
    venues: BTreeMap<&'static str, VenueTracker>,
}

/// A price of several venues' trades.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CompositePrice {
    /// The unweighted median over venues, in USD.
    pub price: f64,
    /// Number of venues in the median.
    pub venues: usize,
}

impl MarketView {
    /// A view of these markets before any update; of two entries of a venue, the last one counts.
    pub fn new(watched: impl IntoIterator<Item = WatchedSymbols>) -> Self {
        let tracker = |watched: WatchedSymbols| (watched.venue, VenueTracker::new(watched));
        Self {
            venues: watched.into_iter().map(tracker).collect(),
        }
    }

    /// Takes in an update of a venue's connection; venues that aren't viewed are ignored.
    pub fn observe(&mut self, venue: &'static str, update: &ConnectionUpdate<'_>) {
        if let Some(tracker) = self.venues.get_mut(venue) {
            tracker.observe(update);
        }
    }

    /// The status of every venue, ordered by name.
    pub fn venues(&self) -> Vec<VenueStatus> {
        self.venues
            .values()
            .map(|tracker| tracker.status.clone())
            .collect()
    }

    /// The median of what was traded within the last minute; `None` without enough venues for a quorum.
    pub fn live_price(&self, now: UnixMillis, rules: &MinuteRules) -> Option<CompositePrice> {
        let fresh = |closes: &MinuteCloses, span: Millis| {
            let (_, (at, price)) = closes.last_key_value()?;
            (now - *at <= span).then_some(*price)
        };
        let rate_span = MINUTE.times(rules.usdt_rate_max_age as i64);
        self.composite_price(
            rules,
            |closes| fresh(closes, MAX_TRADE_AGE),
            |usdt_usd| fresh(usdt_usd, rate_span),
        )
    }

    /// The median of the last trades in the minute that starts at `minute`; `None` without enough venues for a quorum.
    pub fn minute_price(&self, minute: UnixMillis, rules: &MinuteRules) -> Option<CompositePrice> {
        let oldest = minute - MINUTE.times(rules.usdt_rate_max_age as i64);
        self.composite_price(
            rules,
            |closes| closes.get(&minute).map(|(_, price)| *price),
            |usdt_usd| {
                let newest = usdt_usd.range(oldest..=minute).next_back();
                newest.map(|(_, (_, price))| *price)
            },
        )
    }

    fn composite_price(
        &self,
        rules: &MinuteRules,
        price: impl Fn(&MinuteCloses) -> Option<f64>,
        rate: impl Fn(&MinuteCloses) -> Option<f64>,
    ) -> Option<CompositePrice> {
        let plausible = rules.usdt_rate_min..=rules.usdt_rate_max;
        let rates = self
            .venues
            .values()
            .filter_map(|tracker| rate(&tracker.usdt_usd));
        let usdt_usd = median(rates.filter(|rate| plausible.contains(rate)));
        let in_usd = self.venues.values().filter_map(|tracker| {
            let price = price(&tracker.closes)?;
            match tracker.watched.symbol.1 {
                QuoteCurrency::Usd => Some(price),
                QuoteCurrency::Usdt => Some(price * usdt_usd?),
            }
        });
        let prices: Vec<f64> = in_usd.collect();
        let venues = prices.len();
        let price = median(prices).filter(|_| venues >= rules.min_venues)?;
        Some(CompositePrice { price, venues })
    }
}

/// The middle value, or the mean of the two in the middle.
fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.len() / 2;
    let high = *sorted.get(upper)?;
    Some(match sorted.len() % 2 {
        1 => high,
        _ => (sorted[upper - 1] + high) / 2.0,
    })
}

#[cfg(test)]
mod tests {
    use foretell_core::rules::RulesVersion;
    use foretell_core::testing::MONDAY;
    use foretell_kernels::decimal::Decimal;

    use super::*;
    use crate::connection::{ConnectionEvent, DisconnectReason, SocketId};
    use crate::event::{MarketId, Trade, TradeId, VenueEvent};
    use crate::stream::FeedEvent;

    fn rules() -> MinuteRules {
        RulesVersion::V1.rules().minute
    }

    fn view() -> MarketView {
        let watched = |venue, quote, usdt_usd: bool| WatchedSymbols {
            venue,
            symbol: ("BTC".into(), quote),
            usdt_usd: usdt_usd.then(|| "USDT".into()),
        };
        MarketView::new([
            watched("kraken", QuoteCurrency::Usd, true),
            watched("gemini", QuoteCurrency::Usd, false),
            watched("okx", QuoteCurrency::Usdt, false),
        ])
    }

    /// A trade `at` ms after [`MONDAY`] that takes 100 ms to get here.
    fn trade(
        view: &mut MarketView,
        venue: &'static str,
        symbol: &'static str,
        at: i64,
        price: &'static str,
    ) {
        let time = MONDAY + Millis::saturating(at);
        let received = time + Millis::literal(100);
        view.observe(
            venue,
            &ConnectionUpdate::Frame {
                socket: SocketId(1),
                received,
                text: "",
            },
        );
        let trade = Trade {
            market: MarketId::symbol(symbol),
            time,
            price: Decimal::new(price).unwrap(),
            size: Decimal::new("1").unwrap(),
            id: TradeId::Number(1),
            taker: None,
        };
        let event = FeedEvent::Venue(VenueEvent::Trade(trade));
        view.observe(
            venue,
            &ConnectionUpdate::Event(ConnectionEvent::Feed(event)),
        );
    }

    #[test]
    fn three_venues_make_a_price_and_usdt_is_converted() {
        let mut view = view();
        trade(&mut view, "kraken", "BTC", 10_000, "100");
        trade(&mut view, "gemini", "BTC", 20_000, "102");
        trade(&mut view, "okx", "BTC", 30_000, "110");
        let now = MONDAY + Millis::seconds(40);
        // There is no rate of USDT/USD yet.
        assert_eq!(view.live_price(now, &rules()), None);
        trade(&mut view, "kraken", "USDT", 30_000, "0.90");
        let price = view.live_price(now, &rules()).unwrap();
        assert_eq!((price.price, price.venues), (100.0, 3));
        let minute = view.minute_price(MONDAY, &rules()).unwrap();
        assert_eq!(minute.price, 100.0);
        assert_eq!(view.minute_price(MONDAY + MINUTE, &rules()), None);
        // After a minute without trades there is no live price.
        assert_eq!(view.live_price(now + MINUTE, &rules()), None);
    }

    #[test]
    fn the_last_trade_of_a_minute_is_its_close_in_whatever_order_they_come() {
        let mut view = view();
        trade(&mut view, "kraken", "BTC", 50_000, "101");
        trade(&mut view, "kraken", "BTC", 40_000, "99");
        trade(&mut view, "gemini", "BTC", 59_999, "101");
        trade(&mut view, "okx", "BTC", 30_000, "101");
        trade(&mut view, "kraken", "USDT", 30_000, "1");
        let minute = view.minute_price(MONDAY, &rules()).unwrap();
        assert_eq!(minute.price, 101.0);
    }

    #[test]
    fn a_status_has_state_trouble_and_lag() {
        let mut view = view();
        view.observe(
            "okx",
            &ConnectionUpdate::Event(ConnectionEvent::Live(SocketId(1))),
        );
        trade(&mut view, "okx", "BTC", 0, "100");
        view.observe("okx", &ConnectionUpdate::ClockOffset(Millis::literal(80)));
        let okx = |view: &MarketView| {
            view.venues()
                .into_iter()
                .find(|v| v.venue == "okx")
                .unwrap()
        };
        let now = okx(&view);
        assert_eq!((now.state, now.trades), (ConnectionState::Live, 1));
        assert_eq!(
            (now.lag, now.clock_offset),
            (Some(Millis::literal(100)), Some(Millis::literal(80)))
        );
        let reason = DisconnectReason::Broken("cut".into());
        view.observe(
            "okx",
            &ConnectionUpdate::Event(ConnectionEvent::Disconnected(
                SocketId(1),
                &reason,
                Millis::literal(1),
            )),
        );
        let now = okx(&view);
        assert_eq!((now.state, now.losses), (ConnectionState::Connecting, 1));
        assert_eq!(now.trouble.as_deref(), Some("connection broke: cut"));
    }
}
