//! One venue of the live view: the state of its connection and the last prices of its minutes.

use std::collections::BTreeMap;

use foretell_core::settle::{MINUTE, QuoteCurrency};
use foretell_core::time::{Millis, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::connection::{ConnectionEvent, DisconnectReason};
use crate::event::{MarketId, Trade, VenueEvent};
use crate::stream::FeedEvent;
use crate::websocket::ConnectionUpdate;

/// A trade older than this is no price of now.
pub(super) const MAX_TRADE_AGE: Millis = Millis::seconds(60);
/// Minutes whose last trades are remembered.
const KEPT_MINUTES: usize = 30;

/// The symbols of a venue that matter to a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedSymbols {
    /// The venue.
    pub venue: &'static str,
    /// What is forecast, and what it is quoted in.
    pub symbol: (String, QuoteCurrency),
    /// USDT in USD, where that is traded.
    pub usdt_usd: Option<String>,
}

/// One venue, as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VenueStatus {
    /// Its name.
    pub venue: String,
    /// What its connection does.
    pub state: ConnectionState,
    /// Why the last connection was lost, or what the venue refused.
    pub trouble: Option<String>,
    /// Last price, in the venue's quote, and when it was traded by the venue's clock.
    pub last: Option<(UnixMillis, f64)>,
    /// How long the last trade took to get here, by both clocks.
    pub lag: Option<Millis>,
    /// How far our clock is ahead of the venue's, at most.
    pub clock_offset: Option<Millis>,
    /// Trades so far.
    pub trades: u64,
    /// Connections lost so far.
    pub losses: u64,
    /// Malformed frames so far.
    pub faults: u64,
}

/// What a connection does.
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
    pub now: VenueStatus,
    received: UnixMillis,
    /// Last prices of minutes, by their start.
    pub closes: MinuteCloses,
    pub usdt_usd: MinuteCloses,
}

/// When something was traded last in each of some minutes, and at what price.
pub(super) type MinuteCloses = BTreeMap<UnixMillis, (UnixMillis, f64)>;

impl VenueTracker {
    pub(super) fn new(watched: WatchedSymbols) -> Self {
        let now = VenueStatus {
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
            now,
            received: UnixMillis(0),
            closes: MinuteCloses::new(),
            usdt_usd: MinuteCloses::new(),
        }
    }

    pub(super) fn observe(&mut self, update: &ConnectionUpdate<'_>) {
        match update {
            ConnectionUpdate::Frame { received, .. } => self.received = *received,
            ConnectionUpdate::ClockOffset(offset) => self.now.clock_offset = Some(*offset),
            ConnectionUpdate::Event(event) => self.on_event(event),
        }
    }

    fn on_event(&mut self, event: &ConnectionEvent<'_>) {
        let now = &mut self.now;
        match event {
            ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Trade(trade))) => self.trade(trade),
            ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Refused(why))) => {
                now.trouble = Some(why.to_string())
            }
            ConnectionEvent::Live(_) => {
                now.state = ConnectionState::Live;
                now.trouble = None;
            }
            ConnectionEvent::Disconnected(_, reason, _) => {
                now.losses += 1;
                now.state = ConnectionState::Connecting;
                now.trouble = Some(DisconnectReason::to_string(reason));
            }
            ConnectionEvent::MalformedFrame(_) => now.faults += 1,
            ConnectionEvent::Feed(_)
            | ConnectionEvent::UnknownMarket(_)
            | ConnectionEvent::Replacing(..) => {}
        }
    }

    fn trade(&mut self, trade: &Trade<'_>) {
        let MarketId::Symbol(symbol) = &trade.market else {
            return;
        };
        // Snapshots hold old trades, and a clock may be wrong.
        let delay = self.received - trade.time;
        if delay > MAX_TRADE_AGE || delay < Millis(0) - MAX_TRADE_AGE {
            return;
        }
        let price = trade.price.to_f64();
        let (watched, _) = &self.watched.symbol;
        let closes = if symbol.as_ref() == watched {
            self.now.trades += 1;
            self.now.last = Some((trade.time, price));
            self.now.lag = Some(delay);
            &mut self.closes
        } else if Some(symbol.as_ref()) == self.watched.usdt_usd.as_deref() {
            &mut self.usdt_usd
        } else {
            return;
        };
        let minute = UnixMillis(trade.time.0 - trade.time.0.rem_euclid(MINUTE.0));
        let close = closes.entry(minute).or_insert((trade.time, price));
        if trade.time >= close.0 {
            *close = (trade.time, price);
        }
        if closes.len() > KEPT_MINUTES {
            closes.pop_first();
        }
    }
}
