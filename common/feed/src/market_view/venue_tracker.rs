//! One venue of the live view: the state of its connection and the last prices of its minutes.

use std::collections::BTreeMap;

use foretell_core::settle::{MINUTE, QuoteCurrency};
use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::connection::{ConnectionEvent, DisconnectReason};
use crate::event::{MarketId, Trade, VenueEvent};
use crate::stream::FeedEvent;
use crate::websocket::ConnectionUpdate;

/// A trade that is older on arrival, or later seen as such, is no current price.
pub(super) const MAX_TRADE_AGE: Millis = Millis::seconds(60);
/// Minutes whose last trades are remembered.
const KEPT_MINUTES: usize = 30;

/// The symbols of a venue that matter to a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedSymbols {
    /// Name of the venue.
    pub venue: &'static str,
    /// The symbol of what is forecast, as the WebSocket interface writes it, and its quote currency.
    pub symbol: (String, QuoteCurrency),
    /// The symbol of USDT/USD, where the venue trades that.
    pub usdt_usd: Option<String>,
}

/// The state of one venue, for people and monitoring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VenueStatus {
    /// Name of the venue.
    pub venue: String,
    /// Whether trades are coming in.
    pub state: ConnectionState,
    /// Why the last connection was lost, or what the venue refused.
    pub trouble: Option<String>,
    /// Time of the last trade by the venue's clock, and its price in the venue's quote currency.
    pub last: Option<(UnixMillis, f64)>,
    /// From the last trade's time by the venue's clock to its arrival by ours.
    pub lag: Option<Millis>,
    /// Upper bound of how far our clock is ahead of the venue's.
    pub clock_offset: Option<Millis>,
    /// Trades of the symbol since the start.
    pub trades: u64,
    /// Sockets lost since the start.
    pub losses: u64,
    /// Malformed frames since the start.
    pub faults: u64,
}

/// Whether a connection delivers trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// It is being opened, for the first time or again.
    Connecting,
    /// Every topic is acknowledged.
    Live,
}

#[derive(Debug)]
pub(super) struct VenueTracker {
    pub watched: WatchedSymbols,
    pub status: VenueStatus,
    received: UnixMillis,
    /// Last prices of minutes, by their start.
    pub closes: MinuteCloses,
    pub usdt_usd: MinuteCloses,
}

/// Time and price of the last trade in each minute, by the minute's start.
pub(super) type MinuteCloses = BTreeMap<UnixMillis, (UnixMillis, f64)>;

impl VenueTracker {
    pub(super) fn new(watched: WatchedSymbols) -> Self {
        let status = VenueStatus {
            venue: watched.venue.to_owned(),
            state: ConnectionState::Connecting,
            trouble: None,
            last: None,
            lag: None,
            clock_offset: None,
            trades: 0,
            losses: 0,
            faults: 0,
        };
        Self {
            watched,
            status,
            received: UnixMillis::literal(0),
            closes: MinuteCloses::new(),
            usdt_usd: MinuteCloses::new(),
        }
    }

    pub(super) fn observe(&mut self, update: &ConnectionUpdate<'_>) {
        match update {
            ConnectionUpdate::Frame { received, .. } => self.received = *received,
            ConnectionUpdate::ClockOffset(offset) => self.status.clock_offset = Some(*offset),
            ConnectionUpdate::Event(event) => self.on_event(event),
        }
    }

    fn on_event(&mut self, event: &ConnectionEvent<'_>) {
        let status = &mut self.status;
        match event {
            ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Trade(trade))) => {
                self.on_trade(trade);
            }
            ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Refused(why))) => {
                status.trouble = Some(why.to_string());
            }
            ConnectionEvent::Live(_) => {
                status.state = ConnectionState::Live;
                status.trouble = None;
            }
            ConnectionEvent::Disconnected(_, reason, _) => {
                status.losses += 1;
                status.state = ConnectionState::Connecting;
                status.trouble = Some(DisconnectReason::to_string(reason));
            }
            ConnectionEvent::MalformedFrame(_) => status.faults += 1,
            ConnectionEvent::Feed(_)
            | ConnectionEvent::UnknownMarket(_)
            | ConnectionEvent::Replacing(..) => {}
        }
    }

    fn on_trade(&mut self, trade: &Trade<'_>) {
        let MarketId::Symbol(symbol) = &trade.market else {
            return;
        };
        // Snapshots hold old trades, and a clock may be wrong.
        let delay = self.received - trade.time;
        if delay > MAX_TRADE_AGE || delay < Millis::literal(0) - MAX_TRADE_AGE {
            return;
        }
        let price = trade.price.to_f64();
        let (watched, _) = &self.watched.symbol;
        let closes = if symbol.as_ref() == watched {
            self.status.trades += 1;
            self.status.last = Some((trade.time, price));
            self.status.lag = Some(delay);
            &mut self.closes
        } else if Some(symbol.as_ref()) == self.watched.usdt_usd.as_deref() {
            &mut self.usdt_usd
        } else {
            return;
        };
        let minute =
            UnixMillis::saturating(trade.time.get() - trade.time.get().rem_euclid(MINUTE.get()));
        let close = closes.entry(minute).or_insert((trade.time, price));
        if trade.time >= close.0 {
            *close = (trade.time, price);
        }
        if closes.len() > KEPT_MINUTES {
            closes.pop_first();
        }
    }
}
