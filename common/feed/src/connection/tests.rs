//! The connection against a clock of our own, without a socket.

use super::*;
use crate::venue::{self, RateLimit};

mod clocks;
mod opening;
mod random_sequences;

const SECOND: Millis = Millis::seconds(1);

/// A connection, its clock, and its actions and events since they were last taken.
struct Harness {
    connection: VenueConnection,
    now: Millis,
    actions: Vec<ConnectionAction>,
    events: Vec<String>,
}

impl Harness {
    fn new(name: &str, symbol: &str) -> Self {
        let venue = venue::by_name(name).unwrap();
        Self::with_limits(name, symbol, venue.limits())
    }

    fn with_limits(name: &str, symbol: &str, limits: VenueLimits) -> Self {
        let venue = venue::by_name(name).unwrap();
        let symbols = vec![symbol.to_owned()];
        let connection = VenueConnection::new(venue, limits, Timeouts::default(), symbols, 1);
        let mut harness = Self {
            connection,
            now: Millis::literal(0),
            actions: Vec::new(),
            events: Vec::new(),
        };
        harness.input(ConnectionInput::Tick);
        harness
    }

    fn input(&mut self, input: ConnectionInput<'_>) {
        let Self {
            connection,
            now,
            actions,
            events,
        } = self;
        actions.extend(connection.handle(*now, input, &mut |event| events.push(short(&event))));
    }

    fn text(&mut self, id: u64, text: &str) {
        let received = UnixMillis::literal(0) + self.now;
        self.input(ConnectionInput::Text(SocketId(id), text, received));
    }

    fn opened(&mut self, id: u64) {
        self.input(ConnectionInput::Opened(SocketId(id)));
    }

    fn closed(&mut self, id: u64, reason: DisconnectReason) {
        self.input(ConnectionInput::Closed(SocketId(id), reason));
    }

    /// Ticks when the connection has a deadline, until `then`.
    fn advance_to(&mut self, then: Millis) {
        while self.now < then {
            let next = self.connection.next_tick(self.now);
            self.now = next.max(self.now + Millis::literal(1)).min(then);
            self.input(ConnectionInput::Tick);
        }
    }

    fn advance(&mut self, span: Millis) {
        self.advance_to(self.now + span);
    }

    /// Lets a span pass in which the venue sends a heartbeat every second.
    fn heartbeats(&mut self, id: u64, span: Millis, heartbeat: &str) {
        let end = self.now + span;
        while self.now < end {
            self.advance_to((self.now + SECOND).min(end));
            self.text(id, heartbeat);
        }
    }

    fn actions(&mut self) -> Vec<ConnectionAction> {
        std::mem::take(&mut self.actions)
    }

    fn events(&mut self) -> Vec<String> {
        std::mem::take(&mut self.events)
    }

    fn opens(&mut self) -> Vec<u64> {
        let opens = self
            .actions()
            .into_iter()
            .filter_map(|action| match action {
                ConnectionAction::Open(id) => Some(id.0),
                _ => None,
            });
        opens.collect()
    }
}

fn short(event: &ConnectionEvent<'_>) -> String {
    match event {
        ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Trade(trade))) => {
            format!("trade {}", trade.id)
        }
        ConnectionEvent::Feed(FeedEvent::Venue(event)) => format!("{event:?}"),
        ConnectionEvent::Feed(FeedEvent::Duplicate(trade)) => format!("duplicate {}", trade.id),
        ConnectionEvent::Feed(FeedEvent::Missed(count)) => format!("missed {count}"),
        ConnectionEvent::MalformedFrame(error) => format!("malformed {}", error.name()),
        ConnectionEvent::UnknownMarket(market) => format!("unknown market {market:?}"),
        ConnectionEvent::Live(id) => format!("live {}", id.0),
        ConnectionEvent::Replacing(id, reason) => format!("replacing {} {reason:?}", id.0),
        ConnectionEvent::Disconnected(id, reason, wait) => {
            assert!(*wait >= Millis::literal(0));
            format!("disconnected {} {reason}", id.0)
        }
    }
}

const ACK: &str = r#"{"method":"subscribe","result":{"channel":"trade","symbol":"BTC/USD","snapshot":false},"success":true}"#;
const HEARTBEAT: &str = r#"{"channel":"heartbeat"}"#;

fn trade(id: u64) -> String {
    format!(
        r#"{{"channel":"trade","type":"update","data":[{{"symbol":"BTC/USD","side":"sell","price":100.5,"qty":0.1,"ord_type":"market","trade_id":{id},"timestamp":"1970-01-01T00:00:00Z"}}]}}"#
    )
}

/// A connection to Kraken that is live on socket 1.
fn live() -> Harness {
    let mut harness = Harness::new("kraken", "BTC/USD");
    harness.opened(1);
    harness.text(1, ACK);
    assert!(harness.connection.is_live());
    harness.actions();
    harness.events();
    harness
}

fn broken() -> DisconnectReason {
    DisconnectReason::Broken("reset".into())
}

#[test]
fn malformed_frames_and_unknown_markets_are_reported_and_kill_nothing() {
    let mut harness = live();
    harness.text(1, "{");
    harness.text(1, "[]");
    harness.text(1, &trade(1).replace("BTC/USD", "ETH/USD"));
    harness.text(1, &trade(2));
    let events = harness.events();
    assert_eq!(events[0], "malformed not_json");
    assert!(events[2].starts_with("unknown market"), "{events:?}");
    assert_eq!(events[3], "trade 2");
    assert!(harness.connection.is_live());
    // A later refusal is an event, and the trades go on.
    harness.text(
        1,
        r#"{"error":"Rate limit","method":"subscribe","success":false}"#,
    );
    assert!(harness.connection.is_live());
}

#[test]
fn the_clock_offset_is_what_the_venues_times_allow_at_most() {
    let mut harness = live();
    assert_eq!(harness.connection.clock_offset(), None);
    harness.now = Millis::literal(250);
    harness.text(1, &trade(1));
    assert_eq!(
        harness.connection.clock_offset(),
        Some(Millis::literal(250))
    );
}

#[test]
fn stopping_closes_everything_and_opens_nothing() {
    let mut harness = live();
    harness.heartbeats(1, Millis::minutes(10), HEARTBEAT);
    harness.actions();
    harness.input(ConnectionInput::Stop);
    assert_eq!(
        harness.actions(),
        [
            ConnectionAction::Close(SocketId(1)),
            ConnectionAction::Close(SocketId(2))
        ]
    );
    harness.advance(Millis::hours(3));
    assert_eq!(harness.actions(), []);
}
