//! The exchanges' trades beside the settled prices: what is traded now, how every connection does, and whether settled
//! prices are what was traded.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use foretell_cli::clock::system_now;
use foretell_core::rules::MinuteRules;
use foretell_core::settle::MINUTE;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::connection::{Timeouts, VenueConnection};
use foretell_feed::connection_log::ConnectionLog;
use foretell_feed::market_view::{CompositePrice, MarketView, VenueStatus};
use foretell_feed::tls;
use foretell_feed::websocket::{self, ConnectionUpdate, SocketEndpoint};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::config::MonitoredVenue;
use super::cross_check::CrossCheck;
use crate::rounds::PriceDecision;

/// Connections to exchanges, each in a task of its own, and the market as their trades show it.
#[derive(Debug, Default)]
pub struct VenueMonitor {
    view: Arc<Mutex<MarketView>>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

impl VenueMonitor {
    /// Connects to these venues, and keeps doing so until [`stop`](Self::stop).
    ///
    /// # Errors
    /// TLS can't be set up.
    pub fn start(venues: Vec<MonitoredVenue>) -> Result<Self> {
        let tls = tls::client_config().context("can't set up TLS")?;
        let watched = venues.iter().map(|venue| venue.watched.clone());
        let mut venue_monitor = Self {
            view: Arc::new(Mutex::new(MarketView::new(watched))),
            ..Self::default()
        };
        for MonitoredVenue { target, .. } in venues {
            let venue = target.venue;
            let seed = RandomState::new().hash_one(venue.name());
            let connection = VenueConnection::new(
                venue,
                venue.limits(),
                Timeouts::default(),
                target.symbols,
                seed,
            );
            let endpoint = SocketEndpoint {
                address: target.address,
                tls: Arc::clone(&tls),
                clock: system_now,
            };
            let view = Arc::clone(&venue_monitor.view);
            let stop = venue_monitor.stop.clone();
            venue_monitor.tasks.spawn(async move {
                let start = Instant::now();
                let mut log = ConnectionLog::new(venue.name());
                let mut observe = |update: ConnectionUpdate<'_>| {
                    if let ConnectionUpdate::Event(event) = &update {
                        let now = i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX);
                        log.observe(Millis::saturating(now), event);
                    }
                    locked(&view).observe(venue.name(), &update);
                };
                websocket::run(connection, endpoint, stop, &mut observe).await;
            });
        }
        Ok(venue_monitor)
    }

    /// Connection, last trade and lag of every venue.
    pub fn venues(&self) -> Vec<VenueStatus> {
        locked(&self.view).venues()
    }

    /// The price that is traded at `now`, if enough venues have a fresh trade.
    pub fn live_price(&self, now: UnixMillis, rules: &MinuteRules) -> Option<CompositePrice> {
        locked(&self.view).live_price(now, rules)
    }

    /// A settled price beside what was traded in its minute; `None` for a gap, or if too few venues' trades are known.
    pub fn cross_check(&self, decided: &PriceDecision, rules: &MinuteRules) -> Option<CrossCheck> {
        let settled = decided.price?.get();
        let minute = decided.instant - MINUTE;
        let traded = locked(&self.view).minute_price(minute, rules)?;
        Some(CrossCheck::new(decided.instant, settled, traded))
    }

    /// Ends with an error if a connection's task broke down; otherwise never.
    pub async fn broken(&mut self) -> Result<(), JoinError> {
        loop {
            match self.tasks.join_next().await {
                Some(ended) => ended?,
                None => std::future::pending().await,
            }
        }
    }

    /// Closes every connection. When this returns, every task has ended.
    pub async fn stop(&mut self) -> Result<(), JoinError> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended?;
        }
        Ok(())
    }
}

/// The view, locked. A panic in a task that holds the lock takes the process down, so no half-written view is ever read.
fn locked(view: &Mutex<MarketView>) -> MutexGuard<'_, MarketView> {
    view.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use foretell_core::rules::RulesVersion;
    use foretell_core::settle::QuoteCurrency;
    use foretell_core::testing::{MONDAY, price};
    use foretell_feed::connection::{ConnectionEvent, SocketId};
    use foretell_feed::event::{MarketId, Trade, TradeId, VenueEvent};
    use foretell_feed::market_view::WatchedSymbols;
    use foretell_feed::stream::FeedEvent;
    use foretell_kernels::decimal::Decimal;

    use super::*;

    const VENUES: [&str; 3] = ["bitstamp", "gemini", "kraken"];

    fn monitor_of_trades_at(price: &str) -> VenueMonitor {
        let watched = |venue| WatchedSymbols {
            venue,
            symbol: ("BTC".into(), QuoteCurrency::Usd),
            usdt_usd: None,
        };
        let mut view = MarketView::new(VENUES.map(watched));
        for venue in VENUES {
            let time = MONDAY + Millis::seconds(30);
            let frame = ConnectionUpdate::Frame {
                socket: SocketId(1),
                received: time,
                text: "",
            };
            view.observe(venue, &frame);
            let trade = Trade {
                market: MarketId::symbol("BTC"),
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
        VenueMonitor {
            view: Arc::new(Mutex::new(view)),
            ..VenueMonitor::default()
        }
    }

    fn cross_check(traded: &str, settled: Option<f64>, minute: i64) -> Option<CrossCheck> {
        let rules = RulesVersion::V1.rules().minute;
        let settled = settled.map(price);
        let decided = PriceDecision::from_source(MONDAY + MINUTE.times(minute), settled);
        monitor_of_trades_at(traded).cross_check(&decided, &rules)
    }

    #[test]
    fn a_settled_price_is_compared_with_what_was_traded_in_its_minute() {
        let check = cross_check("60000", Some(60_006.0), 1).unwrap();
        assert!(
            !check.differs() && check.to_string().contains("agree"),
            "{check}"
        );
        assert_eq!(check.traded.venues, 3);
        let check = cross_check("60000", Some(60_120.0), 1).unwrap();
        assert!(check.differs(), "{check:?}");
        assert!(
            check
                .to_string()
                .contains("DIFFER: 60120 settled, 60000 traded on 3 venues")
        );
        assert_eq!(
            cross_check("60000", Some(60_000.0), 2),
            None,
            "another minute"
        );
        assert_eq!(cross_check("60000", None, 1), None, "a gap");
    }

    #[tokio::test]
    async fn stopping_ends_every_task() {
        let mut venue_monitor = VenueMonitor::start(Vec::new()).unwrap();
        let stop = venue_monitor.stop.clone();
        venue_monitor
            .tasks
            .spawn(async move { stop.cancelled().await });
        venue_monitor.stop().await.unwrap();
        assert!(venue_monitor.tasks.is_empty());
    }
}
