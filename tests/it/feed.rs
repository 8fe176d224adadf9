//! The feed against a fake exchange over real loopback sockets: every venue once as it should be, and every misbehaviour
//! once, with short real deadlines.

use std::sync::Arc;
use std::time::Duration;

use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::connection::{Connection, Note, Patience};
use foretell_feed::event::Event;
use foretell_feed::minutes::Minutes;
use foretell_feed::rest::RestClient;
use foretell_feed::socket::{self, Address, Observed};
use foretell_feed::stream::Heard;
use foretell_feed::tls;
use foretell_feed::venue::{self, Budget, CandleQuery, Pair, Ping, Terms, Venue};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::exchange::{Act, Exchange, Minute};

/// Longer than any of these tests takes.
const PATIENT: Duration = Duration::from_secs(30);

/// Deadlines short enough to wait for.
const PATIENCE: Patience = Patience {
    open: Millis(1_000),
    acknowledge: Millis(400),
    drain: Millis(100),
    quiet: Millis(600),
    first_retry: Millis(20),
    longest_retry: Millis(100),
    steady: Millis(2_000),
    refused: Millis(300),
};

/// A client of an exchange, and what it notes.
struct Client {
    notes: mpsc::UnboundedReceiver<String>,
    heard: Vec<String>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn venue_named(name: &str) -> (&'static dyn Venue, String) {
    let venue = venue::by_name(name).unwrap();
    let pair = Pair::new("BTC", &venue.quote().to_string());
    (venue, venue.symbol(&pair))
}

/// The venue's terms with deadlines short enough to wait for.
fn hurried(venue: &dyn Venue) -> Terms {
    let terms = venue.terms();
    Terms {
        ping: match terms.ping {
            Ping::Message(_, text) => Ping::Message(Millis(100), text),
            Ping::Frame(_) => Ping::Frame(Millis(100)),
        },
        silence: Millis(500),
        heartbeat: Millis(500),
        connects: Budget {
            count: 100,
            per: Millis::seconds(1),
        },
        ..terms
    }
}

fn short(note: &Note<'_>) -> Option<String> {
    Some(match note {
        Note::Heard(Heard::Event(Event::Trade(trade))) => {
            format!("trade {} at {} × {}", trade.id, trade.price, trade.size)
        }
        Note::Heard(Heard::Duplicate(trade)) => format!("again {}", trade.id),
        Note::Heard(Heard::Missed(count)) => format!("missed {count}"),
        Note::Heard(Heard::Event(_)) => return None,
        Note::Fault(fault) => format!("fault {}", fault.name()),
        Note::Stranger(_) => "stranger".into(),
        Note::Live(id) => format!("live {}", id.0),
        Note::Leaving(id, reason) => format!("leaving {} {reason:?}", id.0),
        Note::Lost(id, loss, _) => format!("lost {} {loss}", id.0),
    })
}

impl Client {
    fn of(exchange: &Exchange, name: &str) -> Self {
        Self::with(exchange, name, tls::client().unwrap())
    }

    fn with(exchange: &Exchange, name: &str, tls: Arc<rustls::ClientConfig>) -> Self {
        let (venue, symbol) = venue_named(name);
        let connection = Connection::new(venue, hurried(venue), PATIENCE, vec![symbol], 1);
        let address = Address::new(&exchange.url()).unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let (sender, notes) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut observe = |observed: Observed<'_>| {
                if let Observed::Note(note) = observed
                    && let Some(note) = short(&note)
                {
                    let _ = sender.send(note);
                }
            };
            socket::run(connection, address, tls, stopped, &mut observe).await;
        });
        Self {
            notes,
            heard: Vec::new(),
            stop,
            task,
        }
    }

    /// Waits for a note that begins so, and gives it.
    async fn until(&mut self, beginning: &str) -> String {
        loop {
            let note = tokio::time::timeout(PATIENT, self.notes.recv()).await;
            let Ok(Some(note)) = note else {
                panic!("nothing begins with {beginning:?} in {:#?}", self.heard);
            };
            self.heard.push(note.clone());
            if note.starts_with(beginning) {
                return note;
            }
        }
    }

    /// Stops, and gives all notes so far.
    async fn stop(mut self) -> Vec<String> {
        self.stop.cancel();
        tokio::time::timeout(PATIENT, self.task)
            .await
            .unwrap()
            .unwrap();
        while let Ok(note) = self.notes.try_recv() {
            self.heard.push(note);
        }
        self.heard
    }
}

/// A client of an exchange with this script, which is good from the second connection on.
async fn tried(name: &str, script: Vec<Act>) -> (Exchange, Client) {
    let good = vec![
        Act::Acknowledge,
        Act::Trade(1_000, "50000.50", 0),
        Act::Beat(60_000),
    ];
    let (venue, symbol) = venue_named(name);
    let exchange = Exchange::open(venue, &symbol, vec![script, good]).await;
    let client = Client::of(&exchange, name);
    (exchange, client)
}

/// Has the client recover: live again, and hearing trades.
async fn recovers(mut client: Client) -> Vec<String> {
    client.until("live").await;
    client.until("trade 1000 at 50000.50 × 0.5").await;
    client.stop().await
}

#[tokio::test]
async fn every_venue_is_heard_as_it_should_be() {
    for venue in venue::ALL {
        let name = venue.name();
        let script = vec![
            Act::Acknowledge,
            Act::Trade(7, "50000.50", 0),
            Act::Trade(8, "50001.25", 0),
            Act::Trade(8, "50001.25", 0),
            Act::Beat(60_000),
        ];
        let (_exchange, mut client) = tried(name, script).await;
        client.until("live 1").await;
        client.until("trade 7 at 50000.50").await;
        client.until("trade 8 at 50001.25").await;
        client.until("again 8").await;
        let notes = client.stop().await;
        let unexpected = notes.iter().filter(|note| {
            ["lost", "fault", "stranger", "missed", "leaving"]
                .iter()
                .any(|bad| note.starts_with(bad))
        });
        assert_eq!(unexpected.count(), 0, "{name}: {notes:?}");
        assert_eq!(
            notes
                .iter()
                .filter(|note| note.starts_with("trade"))
                .count(),
            2,
            "{name}"
        );
    }
}

#[tokio::test]
async fn every_venues_candles_are_read_over_http() {
    const START: i64 = 1_767_225_600_000;
    let minute = |i: i64, numbers: [&str; 5]| (START + 60_000 * i, numbers.map(str::to_owned));
    let minutes: Vec<Minute> = vec![
        minute(0, ["10.5", "12", "10", "11", "3.5"]),
        minute(1, ["11", "11.5", "11", "11.25", "0.5"]),
        minute(2, ["11.25", "13", "11.25", "12", "1"]),
    ];
    for venue in venue::ALL {
        let (_, symbol) = venue_named(venue.name());
        let pair = Pair::new("BTC", &venue.quote().to_string());
        let exchange = Exchange::with(venue, &[symbol], vec![vec![]], minutes.clone(), None).await;
        let rest = RestClient::new(PATIENT).unwrap();
        let query = CandleQuery {
            symbol: &venue.rest_symbol(&pair),
            step: Millis::minutes(1),
            from: UnixMillis(START),
            to: UnixMillis(START + 120_000),
        };
        let candles = rest.minutes(venue, &exchange.host(), &query).await.unwrap();
        let read: Vec<_> = candles
            .iter()
            .map(|c| {
                (
                    c.bar.open_time.0,
                    c.bar.open.get(),
                    c.bar.high.get(),
                    c.bar.low.get(),
                    c.bar.close.get(),
                    c.bar.volume,
                )
            })
            .collect();
        let expected = [
            (START, 10.5, 12.0, 10.0, 11.0, 3.5),
            (START + 60_000, 11.0, 11.5, 11.0, 11.25, 0.5),
            (START + 120_000, 11.25, 13.0, 11.25, 12.0, 1.0),
        ];
        assert_eq!(read, expected, "{}", venue.name());
        let closed: Vec<_> = candles.iter().map(|candle| candle.closed).collect();
        assert_eq!(closed[..2], [Some(true); 2], "{}", venue.name());
        assert_ne!(closed[2], Some(true), "{}", venue.name());
    }
}

#[tokio::test]
async fn a_cut_connection_is_replaced() {
    let script = vec![Act::Acknowledge, Act::Trade(1, "50000", 0), Act::Cut];
    let (_exchange, mut client) = tried("kraken", script).await;
    client.until("trade 1 ").await;
    client.until("lost 1 connection broke").await;
    recovers(client).await;
}

#[tokio::test]
async fn a_stalled_connection_is_silence() {
    let script = vec![Act::Acknowledge, Act::Trade(1, "50000", 0), Act::Stall];
    let (_exchange, mut client) = tried("kraken", script).await;
    client.until("lost 1 not a byte for 500 ms").await;
    recovers(client).await;
}

#[tokio::test]
async fn heartbeats_without_trades_bring_a_successor_first() {
    let script = vec![Act::Acknowledge, Act::Beat(60_000)];
    let (_exchange, mut client) = tried("kraken", script).await;
    client.until("leaving 1 Quiet").await;
    let notes = recovers(client).await;
    assert!(
        !notes.iter().any(|note| note.starts_with("lost")),
        "{notes:?}"
    );
}

#[tokio::test]
async fn trades_twice_count_once() {
    let twice = [Act::Trade(1, "50000", 0), Act::Trade(1, "50000", 0)];
    let script = [vec![Act::Acknowledge], twice.to_vec(), vec![Act::Cut]].concat();
    let (_exchange, mut client) = tried("coinbase_exchange", script).await;
    client.until("trade 1 ").await;
    client.until("again 1").await;
    recovers(client).await;
}

#[tokio::test]
async fn trades_out_of_order_are_all_heard_and_the_gap_is_noted() {
    let script = vec![
        Act::Acknowledge,
        Act::Trade(1, "50000", 0),
        Act::Trade(4, "50003", 0),
        Act::Trade(2, "50001", 0),
        Act::Cut,
    ];
    let (_exchange, mut client) = tried("binance", script).await;
    client.until("trade 1 ").await;
    client.until("missed 2").await;
    client.until("trade 4 ").await;
    client.until("trade 2 ").await;
    recovers(client).await;
}

/// A price is told as the venue says it; that it is absurd is the settlement's to see, among other venues.
#[tokio::test]
async fn a_wrong_scale_is_told_as_it_came_and_nothing_else_breaks() {
    let script = vec![
        Act::Acknowledge,
        Act::Trade(1, "5000050", 0),
        Act::Say(
            r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":-1,"qty":0.5,"ord_type":"market","trade_id":2,"timestamp":"2026-01-01T00:00:00Z"}]}"#,
        ),
        Act::Trade(3, "50000", 0),
        Act::Cut,
    ];
    let (_exchange, mut client) = tried("kraken", script).await;
    client.until("trade 1 at 5000050 ").await;
    client.until("fault malformed").await;
    client.until("trade 3 ").await;
    recovers(client).await;
}

/// An hour-old trade is heard, and counts in no minute.
#[tokio::test]
async fn old_timestamps_count_in_no_minute() {
    let (venue, symbol) = venue_named("kraken");
    let script = vec![
        Act::Acknowledge,
        Act::Trade(1, "1", 3_600_000),
        Act::Trade(2, "50000.50", 0),
        Act::Beat(60_000),
    ];
    let exchange = Exchange::open(venue, &symbol, vec![script]).await;
    let connection = Connection::new(venue, hurried(venue), PATIENCE, vec![symbol], 1);
    let stop = CancellationToken::new();
    let mut minutes = Minutes::default();
    let mut at = UnixMillis(0);
    let mut observe = |observed: Observed<'_>| match observed {
        Observed::Frame { received, .. } => at = received,
        Observed::Note(Note::Heard(Heard::Event(Event::Trade(trade)))) => {
            assert_eq!(minutes.trade(at, &trade), None);
            if trade.price.to_string() == "50000.50" {
                stop.cancel();
            }
        }
        Observed::Note(_) | Observed::ClockOffset(_) => {}
    };
    let address = Address::new(&exchange.url()).unwrap();
    let run = socket::run(
        connection,
        address,
        tls::client().unwrap(),
        stop.clone(),
        &mut observe,
    );
    tokio::time::timeout(PATIENT, run).await.unwrap();
    assert_eq!(minutes.late(), 1);
    let forming: Vec<&str> = minutes
        .forming()
        .map(|minute| minute.low.as_str())
        .collect();
    assert_eq!(forming, ["50000.50"]);
}

#[tokio::test]
async fn a_half_open_socket_is_given_up() {
    let (_exchange, mut client) = tried("kraken", vec![Act::HalfOpen]).await;
    client.until("lost 1 no connection within 1000 ms").await;
    recovers(client).await;
}

#[tokio::test]
async fn statuses_429_and_451_are_honoured() {
    for (status, retry_after, least) in [(429, Some(1), 1_000), (451, None, 300)] {
        let (_exchange, mut client) = tried("okx", vec![Act::TurnAway(status, retry_after)]).await;
        client
            .until(&format!("lost 1 the venue answered status {status}"))
            .await;
        let turned_away = tokio::time::Instant::now();
        client.until("live").await;
        assert!(
            turned_away.elapsed() >= Duration::from_millis(least),
            "{status}"
        );
        client.stop().await;
    }
}

#[tokio::test]
async fn an_ignored_subscription_is_noticed() {
    let (_exchange, mut client) = tried("kraken", vec![Act::Ignore, Act::Beat(60_000)]).await;
    client
        .until("lost 1 trade BTC/USD was not acknowledged within 400 ms")
        .await;
    recovers(client).await;
}

#[tokio::test]
async fn a_refused_subscription_is_loud() {
    for venue in venue::ALL {
        let name = venue.name();
        let (_exchange, mut client) = tried(name, vec![Act::Refuse, Act::Beat(60_000)]).await;
        let lost = client.until("lost 1 subscription refused").await;
        assert!(lost.contains("check the venue's pairs"), "{name}: {lost}");
        recovers(client).await;
    }
}

#[tokio::test]
async fn a_restart_notice_brings_a_successor_first() {
    for name in ["binance", "bitfinex", "bitstamp", "okx"] {
        let script = vec![Act::Acknowledge, Act::Notice, Act::Beat(60_000)];
        let (_exchange, mut client) = tried(name, script).await;
        client.until("leaving 1 Notice").await;
        let notes = recovers(client).await;
        assert!(
            !notes.iter().any(|note| note.starts_with("lost")),
            "{name}: {notes:?}"
        );
    }
}

#[tokio::test]
async fn a_slow_drip_is_no_life() {
    let script = vec![Act::Acknowledge, Act::Trade(1, "50000", 0), Act::Drip];
    let (_exchange, mut client) = tried("kraken", script).await;
    client.until("trade 1 ").await;
    client
        .until("lost 1 no message, heartbeat or pong for 500 ms")
        .await;
    recovers(client).await;
}

#[tokio::test]
async fn malformed_frames_and_strangers_kill_nothing() {
    let script = vec![
        Act::Acknowledge,
        Act::Say("{"),
        Act::Say("nonsense"),
        Act::Say(
            r#"{"channel":"trade","type":"update","data":[{"symbol":"ETH/USD","side":"sell","price":1,"qty":1,"ord_type":"market","trade_id":1,"timestamp":"2026-01-01T00:00:00Z"}]}"#,
        ),
        Act::Trade(2, "50000", 0),
        Act::Beat(60_000),
    ];
    let (_exchange, mut client) = tried("kraken", script).await;
    client.until("fault not_json").await;
    client.until("fault not_json").await;
    client.until("stranger").await;
    client.until("trade 2 ").await;
    let notes = client.stop().await;
    assert!(
        !notes.iter().any(|note| note.starts_with("lost")),
        "{notes:?}"
    );
}

/// Without a provider of its own, the TLS library panics at the first `wss` address; with another's roots, it must not
/// trust.
#[tokio::test]
async fn wss_is_dialled_with_our_provider_and_roots() {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let der = certified.cert.der().clone();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der.clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let (venue, symbol) = venue_named("kraken");
    let script = vec![
        Act::Acknowledge,
        Act::Trade(1, "50000", 0),
        Act::Beat(60_000),
    ];
    let exchange = Exchange::with(venue, &[symbol], vec![script], Vec::new(), Some(acceptor)).await;
    assert!(exchange.url().starts_with("wss://"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der).unwrap();
    let mut trusting = Client::with(&exchange, "kraken", tls::trusting(roots).unwrap());
    trusting.until("trade 1 ").await;
    trusting.stop().await;
    let mut wary = Client::of(&exchange, "kraken");
    let lost = wary.until("lost 1 connection broke").await;
    assert!(lost.to_lowercase().contains("certificate"), "{lost}");
    wary.stop().await;
}
