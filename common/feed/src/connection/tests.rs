//! The connection against a clock of our own, without a socket.

use proptest::prelude::*;

use super::*;
use crate::venue::{self, Budget};

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
fn it_opens_subscribes_and_goes_live_once_every_topic_is_acknowledged() {
    let mut lab = Lab::new("bitfinex", "tBTCUSD");
    assert_eq!(lab.opens(), [1]);
    lab.opened(1);
    let sent = lab.actions();
    assert_eq!(sent.len(), 2);
    assert!(matches!(&sent[0], Action::Send(SocketId(1), text) if text.contains("98304")));
    lab.text(1, r#"{"event":"conf","status":"OK","flags":98304}"#);
    assert!(!lab.connection.is_live());
    lab.text(
        1,
        r#"{"event":"subscribed","channel":"trades","chanId":5,"symbol":"tETHUSD"}"#,
    );
    assert!(!lab.connection.is_live());
    lab.text(
        1,
        r#"{"event":"subscribed","channel":"trades","chanId":6,"symbol":"tBTCUSD"}"#,
    );
    assert!(lab.connection.is_live());
    assert_eq!(lab.said().last().unwrap(), "live 1");
}

#[test]
fn what_does_not_open_or_acknowledge_in_time_is_given_up() {
    let mut lab = Lab::new("kraken", "BTC/USD");
    lab.pass(Millis::seconds(10));
    assert_eq!(lab.said(), ["lost 1 no connection within 10000 ms"]);
    lab.pass(Millis::seconds(2));
    let opens = lab.opens();
    assert_eq!(opens, [1, 2]);
    lab.opened(2);
    // Heartbeats don't help: the subscription was ignored.
    lab.chatter(2, Millis::seconds(10), BEAT);
    let said = lab.said();
    assert_eq!(
        said.iter().find(|said| said.starts_with("lost")).unwrap(),
        "lost 2 trade BTC/USD was not acknowledged within 10000 ms"
    );
}

#[test]
fn a_refused_subscription_is_loud_and_not_hammered() {
    let mut lab = Lab::new("kraken", "XBT/USD");
    lab.opened(1);
    lab.text(1, r#"{"error":"Currency pair not supported XBT/USD","method":"subscribe","success":false,"symbol":"XBT/USD"}"#);
    let said = lab.said();
    let loss = "lost 1 subscription refused: Currency pair not supported XBT/USD; check the venue's pairs in the configuration";
    assert_eq!(said.last().unwrap(), loss);
    lab.actions();
    lab.pass(Millis::minutes(9));
    assert_eq!(lab.opens(), [0; 0]);
    lab.pass(Millis::minutes(2));
    assert_eq!(lab.opens()[0], 2);
}

#[test]
fn silence_is_death_and_quiet_is_not() {
    let mut lab = live();
    lab.chatter(1, Millis::minutes(9), BEAT);
    assert!(lab.connection.is_live());
    assert!(lab.said().iter().all(|said| !said.starts_with("lost")));
    lab.pass(Millis::seconds(15));
    assert_eq!(lab.said(), ["lost 1 not a byte for 15000 ms"]);
    assert!(lab.actions().contains(&Action::Close(SocketId(1))));
}

#[test]
fn bytes_that_never_make_a_message_are_death_too() {
    let mut lab = live();
    for _ in 0..15 {
        lab.pass(SECOND);
        lab.input(Input::Bytes(SocketId(1)));
    }
    assert_eq!(
        lab.said(),
        ["lost 1 no message, heartbeat or pong for 15000 ms"]
    );
}

#[test]
fn a_pong_is_a_word() {
    let mut lab = live();
    for _ in 0..4 {
        lab.pass(Millis::seconds(10));
        lab.input(Input::Control(SocketId(1)));
    }
    assert!(lab.connection.is_live());
    let pings = lab.actions();
    let pings = pings
        .iter()
        .filter(|a| matches!(a, Action::Send(_, t) if t.contains("ping")));
    assert_eq!(pings.count(), 2);
}

#[test]
fn after_long_quiet_a_successor_is_opened_beside_and_takes_over_once_live() {
    let mut lab = live();
    lab.chatter(1, Millis::minutes(10), BEAT);
    assert!(lab.said().contains(&"leaving 1 Quiet".to_owned()));
    assert_eq!(lab.opens(), [2]);
    assert!(lab.connection.is_live());
    // The old socket still counts while the new one subscribes.
    lab.text(1, &trade(1));
    lab.opened(2);
    lab.text(2, &trade(1));
    lab.text(2, ACK);
    lab.text(1, &trade(2));
    lab.text(2, &trade(2));
    let said = lab.said();
    let trades: Vec<&String> = said
        .iter()
        .filter(|s| s.starts_with("trade") || s.starts_with("again"))
        .collect();
    assert_eq!(trades, ["trade 1", "again 1", "trade 2", "again 2"]);
    lab.actions();
    lab.pass(Millis::seconds(2));
    assert_eq!(lab.actions(), [Action::Close(SocketId(1))]);
    assert!(lab.connection.is_live());
    assert_eq!(lab.said(), [""; 0]);
}

#[test]
fn a_successor_that_fails_leaves_the_old_socket_in_place() {
    let mut lab = live();
    lab.chatter(1, Millis::minutes(10), BEAT);
    assert_eq!(lab.opens(), [2]);
    lab.gone(2, broken());
    assert!(lab.connection.is_live());
    lab.chatter(1, Millis::seconds(5), BEAT);
    assert_eq!(lab.opens(), [3]);
    assert!(lab.connection.is_live());
}

#[test]
fn a_restart_notice_and_old_age_bring_a_successor_first() {
    let ack = r#"{"result":null,"id":1}"#;
    let mut lab = Lab::new("binance", "BTCUSDT");
    lab.opened(1);
    lab.text(1, ack);
    lab.actions();
    lab.text(1, r#"{"e":"serverShutdown","E":1}"#);
    assert!(lab.said().contains(&"leaving 1 Notice".to_owned()));
    assert_eq!(lab.opens(), [2]);
    lab.opened(2);
    lab.text(2, ack);
    lab.said();
    let trade = |id: i64| {
        format!(r#"{{"e":"trade","s":"BTCUSDT","t":{id},"p":"1","q":"1","T":1,"m":true}}"#)
    };
    let mut id = 0;
    while lab.now < Millis::hours(21) {
        id += 1;
        lab.pass(Millis::seconds(30));
        lab.text(2, &trade(id));
    }
    assert!(lab.said().iter().all(|said| said.starts_with("trade")));
    while lab.opens().is_empty() {
        id += 1;
        lab.pass(Millis::seconds(30));
        lab.text(2, &trade(id));
    }
    assert!(lab.said().contains(&"leaving 2 Age".to_owned()));
    assert!(
        lab.now > Millis::hours(21) && lab.now < Millis::hours(23),
        "{:?}",
        lab.now
    );
    assert!(lab.connection.is_live());
}

#[test]
fn retries_are_jittered_bounded_and_quick_again_after_a_steady_minute() {
    let mut lab = Lab::new("kraken", "BTC/USD");
    let mut waits = Vec::new();
    for id in 1..=30 {
        lab.gone(id, broken());
        let lost = lab.now;
        lab.actions();
        while lab.opens().is_empty() {
            let next = lab.connection.next_tick(lab.now);
            lab.until(next.max(lab.now + Millis(1)));
        }
        waits.push(lab.now - lost);
    }
    assert!(waits[0] <= SECOND && waits[1] <= SECOND.times(2));
    assert!(waits.iter().all(|wait| *wait <= Millis::minutes(1)));
    assert!(waits[10..].iter().any(|wait| *wait > Millis::seconds(30)));
    assert!(waits[10..].iter().any(|wait| *wait < Millis::seconds(30)));
    // Live for less than a minute, it is no better.
    lab.opened(31);
    lab.text(31, ACK);
    lab.chatter(31, Millis::seconds(30), BEAT);
    assert!(lab.connection.backoff.after_loss(lab.now, Millis(0)) >= Millis(0));
    // After a minute it is.
    let mut lab = live();
    for _ in 0..10 {
        lab.connection.backoff.after_loss(lab.now, Millis(0));
    }
    lab.chatter(1, Millis::seconds(61), BEAT);
    lab.gone(1, broken());
    lab.actions();
    lab.pass(SECOND);
    assert_eq!(lab.opens(), [2]);
}

#[test]
fn a_venue_that_turns_us_away_is_left_alone_for_as_long_as_it_says() {
    for (status, retry_after, least) in [
        (429, Some(Millis::minutes(3)), Millis::minutes(3)),
        (503, Some(Millis::minutes(3)), Millis::minutes(3)),
        (418, None, Millis::minutes(10)),
        (451, None, Millis::minutes(10)),
        (403, None, Millis::minutes(10)),
    ] {
        let mut lab = Lab::new("kraken", "BTC/USD");
        lab.gone(
            1,
            Loss::Status {
                status,
                retry_after,
            },
        );
        let said = lab.said();
        assert!(said[0].contains(&status.to_string()), "{said:?}");
        assert_eq!(
            said[0].contains("region"),
            [403, 451].contains(&status),
            "{said:?}"
        );
        lab.actions();
        lab.pass(least - Millis(1));
        assert_eq!(lab.opens(), [0; 0], "{status}");
        lab.pass(Millis::seconds(2));
        assert_eq!(lab.opens(), [2], "{status}");
    }
}

#[test]
fn no_more_sockets_are_opened_than_the_venue_allows() {
    let terms = Terms {
        connects: Budget {
            count: 3,
            per: Millis::minutes(10),
        },
        ..venue::by_name("kraken").unwrap().terms()
    };
    let mut lab = Lab::with("kraken", "BTC/USD", terms);
    let mut opened = Vec::new();
    while lab.now < Millis::hours(1) {
        for id in lab.opens() {
            opened.push(lab.now);
            lab.gone(id, broken());
        }
        let next = lab.connection.next_tick(lab.now);
        lab.until(next.max(lab.now + Millis(1)));
    }
    assert!(opened.len() >= 15, "{opened:?}");
    for four in opened.windows(4) {
        assert!(four[3] - four[0] >= Millis::minutes(10), "{four:?}");
    }
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

#[derive(Debug, Clone)]
enum Fate {
    Wait(i64),
    Open,
    Ack,
    Trade,
    Beat,
    Garbage,
    Bytes,
    Break,
    TurnAway(u16),
    Restart,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        (1..200_000_i64).prop_map(Fate::Wait),
        Just(Fate::Open),
        Just(Fate::Ack),
        Just(Fate::Trade),
        Just(Fate::Beat),
        Just(Fate::Garbage),
        Just(Fate::Bytes),
        Just(Fate::Break),
        prop_oneof![Just(429), Just(451), Just(500)].prop_map(Fate::TurnAway),
        Just(Fate::Restart),
    ];
    prop::collection::vec(fate, 1..200)
}

proptest! {
    /// Whatever happens, at most two sockets are wanted at once beside those that drain, each is opened once and closed
    /// or gone once, and given an honest venue the connection is live again within the longest wait.
    #[test]
    fn it_recovers_from_anything(fates in fates()) {
        let ack = r#"{"result":null,"id":1}"#;
        let mut lab = Lab::new("binance", "BTCUSDT");
        let mut id = 0;
        let mut open: std::collections::BTreeSet<u64> = std::collections::BTreeSet::new();
        for fate in fates {
            for action in lab.actions() {
                match action {
                    Action::Open(socket) => prop_assert!(open.insert(socket.0)),
                    Action::Close(socket) => prop_assert!(open.remove(&socket.0)),
                    Action::Send(socket, _) | Action::Ping(socket) => prop_assert!(open.contains(&socket.0)),
                }
            }
            prop_assert!(open.len() <= 3, "{:?}", open);
            let last = open.last().copied().unwrap_or(0);
            match fate {
                Fate::Wait(span) => lab.pass(Millis(span)),
                Fate::Open => lab.opened(last),
                Fate::Ack => lab.text(last, ack),
                Fate::Trade => {
                    id += 1;
                    lab.text(last, &format!(r#"{{"e":"trade","s":"BTCUSDT","t":{id},"p":"1","q":"1","T":1,"m":true}}"#));
                }
                Fate::Beat => lab.input(Input::Control(SocketId(last))),
                Fate::Garbage => lab.text(last, "{"),
                Fate::Bytes => lab.input(Input::Bytes(SocketId(last))),
                Fate::Break if open.remove(&last) => lab.gone(last, broken()),
                Fate::TurnAway(status) if open.remove(&last) => {
                    lab.gone(last, Loss::Status { status, retry_after: None });
                }
                Fate::Break | Fate::TurnAway(_) => {}
                Fate::Restart => lab.text(last, r#"{"e":"serverShutdown","E":1}"#),
            }
        }
        // From now on the venue is honest.
        let deadline = lab.now + Millis::minutes(25);
        while !lab.connection.is_live() && lab.now < deadline {
            for action in lab.actions() {
                match action {
                    Action::Open(SocketId(socket)) => {
                        lab.opened(socket);
                        lab.text(socket, ack);
                    }
                    Action::Send(SocketId(socket), _) => lab.text(socket, ack),
                    _ => {}
                }
            }
            lab.pass(SECOND);
        }
        prop_assert!(lab.connection.is_live());
    }
}
