//! The connection against a clock of our own, without a socket.

use super::*;
use crate::venue::{self, RateLimit};

mod clocks;
mod opening;
mod random_sequences;

const SECOND: Millis = Millis::seconds(1);

/// A connection, its clock, and what it asked for and said since it was last looked at.
struct Harness {
    connection: VenueConnection,
    now: Millis,
    actions: Vec<ConnectionAction>,
    said: Vec<String>,
}

impl Harness {
    fn new(name: &str, symbol: &str) -> Self {
        let venue = venue::by_name(name).unwrap();
        Self::with(name, symbol, venue.limits())
    }

    fn with(name: &str, symbol: &str, limits: VenueLimits) -> Self {
        let venue = venue::by_name(name).unwrap();
        let symbols = vec![symbol.to_owned()];
        let connection = VenueConnection::new(venue, limits, Timeouts::default(), symbols, 1);
        let mut harness = Self {
            connection,
            now: Millis(0),
            actions: Vec::new(),
            said: Vec::new(),
        };
        harness.input(ConnectionInput::Tick);
        harness
    }

    fn input(&mut self, input: ConnectionInput<'_>) {
        let Self {
            connection,
            now,
            actions,
            said,
        } = self;
        actions.extend(connection.handle(*now, input, &mut |event| said.push(short(&event))));
    }

    fn text(&mut self, id: u64, text: &str) {
        let received = UnixMillis(0) + self.now;
        self.input(ConnectionInput::Text(SocketId(id), text, received));
    }

    fn opened(&mut self, id: u64) {
        self.input(ConnectionInput::Opened(SocketId(id)));
    }

    fn gone(&mut self, id: u64, loss: DisconnectReason) {
        self.input(ConnectionInput::Closed(SocketId(id), loss));
    }

    /// Ticks as the connection asks for it until `then`.
    fn until(&mut self, then: Millis) {
        while self.now < then {
            let next = self.connection.next_tick(self.now);
            self.now = next.max(self.now + Millis(1)).min(then);
            self.input(ConnectionInput::Tick);
        }
    }

    fn pass(&mut self, span: Millis) {
        self.until(self.now + span);
    }

    /// Keeps the venue talking for a while: a heartbeat a second.
    fn chatter(&mut self, id: u64, span: Millis, heartbeat: &str) {
        let end = self.now + span;
        while self.now < end {
            self.until((self.now + SECOND).min(end));
            self.text(id, heartbeat);
        }
    }

    fn actions(&mut self) -> Vec<ConnectionAction> {
        std::mem::take(&mut self.actions)
    }

    fn said(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
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
        ConnectionEvent::Feed(FeedEvent::Duplicate(trade)) => format!("again {}", trade.id),
        ConnectionEvent::Feed(FeedEvent::Missed(count)) => format!("missed {count}"),
        ConnectionEvent::MalformedFrame(fault) => format!("fault {}", fault.name()),
        ConnectionEvent::UnknownMarket(market) => format!("stranger {market:?}"),
        ConnectionEvent::Live(id) => format!("live {}", id.0),
        ConnectionEvent::Replacing(id, reason) => format!("leaving {} {reason:?}", id.0),
        ConnectionEvent::Disconnected(id, loss, wait) => {
            assert!(*wait >= Millis(0));
            format!("lost {} {loss}", id.0)
        }
    }
}

const ACK: &str = r#"{"method":"subscribe","result":{"channel":"trade","symbol":"BTC/USD","snapshot":false},"success":true}"#;
const BEAT: &str = r#"{"channel":"heartbeat"}"#;

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
    harness.said();
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
    let said = harness.said();
    assert_eq!(said[0], "fault not_json");
    assert!(said[2].starts_with("stranger"), "{said:?}");
    assert_eq!(said[3], "trade 2");
    assert!(harness.connection.is_live());
    // A refusal later on is told, and the trades go on.
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
    harness.now = Millis(250);
    harness.text(1, &trade(1));
    assert_eq!(harness.connection.clock_offset(), Some(Millis(250)));
}

#[test]
fn stopping_closes_everything_and_opens_nothing() {
    let mut harness = live();
    harness.chatter(1, Millis::minutes(10), BEAT);
    harness.actions();
    harness.input(ConnectionInput::Stop);
    assert_eq!(
        harness.actions(),
        [
            ConnectionAction::Close(SocketId(1)),
            ConnectionAction::Close(SocketId(2))
        ]
    );
    harness.pass(Millis::hours(3));
    assert_eq!(harness.actions(), []);
}
