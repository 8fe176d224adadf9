//! The connection against a clock of our own, without a socket.

use super::*;
use crate::venue::{self, Budget};

mod clocks;
mod fates;
mod opening;

const SECOND: Millis = Millis::seconds(1);

/// A connection, its clock, and what it asked for and said since it was last looked at.
struct Lab {
    connection: Connection,
    now: Millis,
    actions: Vec<Action>,
    said: Vec<String>,
}

impl Lab {
    fn new(name: &str, symbol: &str) -> Self {
        let venue = venue::by_name(name).unwrap();
        Self::with(name, symbol, venue.terms())
    }

    fn with(name: &str, symbol: &str, terms: Terms) -> Self {
        let venue = venue::by_name(name).unwrap();
        let symbols = vec![symbol.to_owned()];
        let connection = Connection::new(venue, terms, Patience::default(), symbols, 1);
        let mut lab = Self {
            connection,
            now: Millis(0),
            actions: Vec::new(),
            said: Vec::new(),
        };
        lab.input(Input::Tick);
        lab
    }

    fn input(&mut self, input: Input<'_>) {
        let Self {
            connection,
            now,
            actions,
            said,
        } = self;
        actions.extend(connection.handle(*now, input, &mut |note| said.push(short(&note))));
    }

    fn text(&mut self, id: u64, text: &str) {
        let received = UnixMillis(0) + self.now;
        self.input(Input::Text(SocketId(id), text, received));
    }

    fn opened(&mut self, id: u64) {
        self.input(Input::Opened(SocketId(id)));
    }

    fn gone(&mut self, id: u64, loss: Loss) {
        self.input(Input::Gone(SocketId(id), loss));
    }

    /// Ticks as the connection asks for it until `then`.
    fn until(&mut self, then: Millis) {
        while self.now < then {
            let next = self.connection.next_tick(self.now);
            self.now = next.max(self.now + Millis(1)).min(then);
            self.input(Input::Tick);
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

    fn actions(&mut self) -> Vec<Action> {
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
                Action::Open(id) => Some(id.0),
                _ => None,
            });
        opens.collect()
    }
}

fn short(note: &Note<'_>) -> String {
    match note {
        Note::Heard(Heard::Event(Event::Trade(trade))) => format!("trade {}", trade.id),
        Note::Heard(Heard::Event(event)) => format!("{event:?}"),
        Note::Heard(Heard::Duplicate(trade)) => format!("again {}", trade.id),
        Note::Heard(Heard::Missed(count)) => format!("missed {count}"),
        Note::Fault(fault) => format!("fault {}", fault.name()),
        Note::Stranger(market) => format!("stranger {market:?}"),
        Note::Live(id) => format!("live {}", id.0),
        Note::Leaving(id, reason) => format!("leaving {} {reason:?}", id.0),
        Note::Lost(id, loss, wait) => {
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
fn live() -> Lab {
    let mut lab = Lab::new("kraken", "BTC/USD");
    lab.opened(1);
    lab.text(1, ACK);
    assert!(lab.connection.is_live());
    lab.actions();
    lab.said();
    lab
}

fn broken() -> Loss {
    Loss::Broken("reset".into())
}

#[test]
fn malformed_frames_and_strangers_are_told_and_kill_nothing() {
    let mut lab = live();
    lab.text(1, "{");
    lab.text(1, "[]");
    lab.text(1, &trade(1).replace("BTC/USD", "ETH/USD"));
    lab.text(1, &trade(2));
    let said = lab.said();
    assert_eq!(said[0], "fault not_json");
    assert!(said[2].starts_with("stranger"), "{said:?}");
    assert_eq!(said[3], "trade 2");
    assert!(lab.connection.is_live());
    // A refusal later on is told, and the trades go on.
    lab.text(
        1,
        r#"{"error":"Rate limit","method":"subscribe","success":false}"#,
    );
    assert!(lab.connection.is_live());
}

#[test]
fn the_clock_offset_is_what_the_venues_times_allow_at_most() {
    let mut lab = live();
    assert_eq!(lab.connection.clock_offset(), None);
    lab.now = Millis(250);
    lab.text(1, &trade(1));
    assert_eq!(lab.connection.clock_offset(), Some(Millis(250)));
}

#[test]
fn stopping_closes_everything_and_opens_nothing() {
    let mut lab = live();
    lab.chatter(1, Millis::minutes(10), BEAT);
    lab.actions();
    lab.input(Input::Stop);
    assert_eq!(
        lab.actions(),
        [Action::Close(SocketId(1)), Action::Close(SocketId(2))]
    );
    lab.pass(Millis::hours(3));
    assert_eq!(lab.actions(), []);
}
