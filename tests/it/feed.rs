//! The feed against a fake exchange over real loopback sockets: every venue once as it should be, and every misbehaviour
//! once, with short real deadlines.

use std::sync::Arc;
use std::time::Duration;

use foretell_cli::clock::system_now;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::connection::{ConnectionEvent, Timeouts, VenueConnection};
use foretell_feed::event::VenueEvent;
use foretell_feed::minute_aggregator::MinuteAggregator;
use foretell_feed::rest::RestClient;
use foretell_feed::stream::FeedEvent;
use foretell_feed::tls;
use foretell_feed::venue::{self, CandleQuery, Pair, Ping, RateLimit, Venue, VenueLimits};
use foretell_feed::websocket::{self, ConnectionUpdate, SocketEndpoint, SocketUrl};
use foretell_testkit::{CandleTexts, FakeExchange, ScriptStep};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than any of these tests takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Deadlines short enough to wait for.
const TIMEOUTS: Timeouts = Timeouts {
    open: Millis(1_000),
    acknowledge: Millis(400),
    drain: Millis(100),
    no_trades: Millis(600),
    initial_backoff: Millis(20),
    max_backoff: Millis(100),
    backoff_reset: Millis(2_000),
    refused_backoff: Millis(300),
};

/// A client of an exchange, and what it notes.
struct FeedClient {
    notes: mpsc::UnboundedReceiver<String>,
    seen: Vec<String>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn venue_named(name: &str) -> (&'static dyn Venue, String) {
    let venue = venue::by_name(name).unwrap();
    let pair = Pair::new("BTC", &venue.default_quote().to_string());
    (venue, venue.symbol(&pair))
}

/// The venue's limits with deadlines short enough to wait for.
fn with_short_timeouts(venue: &dyn Venue) -> VenueLimits {
    let limits = venue.limits();
    VenueLimits {
        ping: match limits.ping {
            Ping::Message(_, text) => Ping::Message(Millis(100), text),
            Ping::Frame(_) => Ping::Frame(Millis(100)),
        },
        byte_timeout: Millis(500),
        message_timeout: Millis(500),
        connect_limit: RateLimit {
            count: 100,
            per: Millis::seconds(1),
        },
        ..limits
    }
}

fn note_text(note: &ConnectionEvent<'_>) -> Option<String> {
    Some(match note {
        ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Trade(trade))) => {
            format!("trade {} at {} × {}", trade.id, trade.price, trade.size)
        }
        ConnectionEvent::Feed(FeedEvent::Duplicate(trade)) => format!("again {}", trade.id),
        ConnectionEvent::Feed(FeedEvent::Missed(count)) => format!("missed {count}"),
        ConnectionEvent::Feed(FeedEvent::Venue(_)) => return None,
        ConnectionEvent::MalformedFrame(fault) => format!("fault {}", fault.name()),
        ConnectionEvent::UnknownMarket(_) => "unknown market".into(),
        ConnectionEvent::Live(id) => format!("live {}", id.0),
        ConnectionEvent::Replacing(id, reason) => format!("leaving {} {reason:?}", id.0),
        ConnectionEvent::Disconnected(id, loss, _) => format!("lost {} {loss}", id.0),
    })
}

impl FeedClient {
    fn of(exchange: &FakeExchange, name: &str) -> Self {
        Self::with(exchange, name, tls::client_config().unwrap())
    }

    fn with(exchange: &FakeExchange, name: &str, tls: Arc<rustls::ClientConfig>) -> Self {
        let (venue, symbol) = venue_named(name);
        let connection =
            VenueConnection::new(venue, with_short_timeouts(venue), TIMEOUTS, vec![symbol], 1);
        let address = SocketUrl::new(&exchange.stream_url()).unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let (sender, notes) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut observe = |update: ConnectionUpdate<'_>| {
                if let ConnectionUpdate::Event(note) = update
                    && let Some(note) = note_text(&note)
                {
                    let _ = sender.send(note);
                }
            };
            websocket::run(
                connection,
                SocketEndpoint {
                    address,
                    tls,
                    clock: system_now,
                },
                stopped,
                &mut observe,
            )
            .await;
        });
        Self {
            notes,
            seen: Vec::new(),
            stop,
            task,
        }
    }

    /// Waits for a note that begins so, and gives it.
    async fn wait_for(&mut self, beginning: &str) -> String {
        loop {
            let note = tokio::time::timeout(TEST_TIMEOUT, self.notes.recv()).await;
            let Ok(Some(note)) = note else {
                panic!("nothing begins with {beginning:?} in {:#?}", self.seen);
            };
            self.seen.push(note.clone());
            if note.starts_with(beginning) {
                return note;
            }
        }
    }

    /// Stops, and gives all notes so far.
    async fn stop(mut self) -> Vec<String> {
        self.stop.cancel();
        tokio::time::timeout(TEST_TIMEOUT, self.task)
            .await
            .unwrap()
            .unwrap();
        while let Ok(note) = self.notes.try_recv() {
            self.seen.push(note);
        }
        self.seen
    }
}

/// A client of an exchange with this script, which is good from the second connection on.
async fn client_of_script(name: &str, script: Vec<ScriptStep>) -> (FakeExchange, FeedClient) {
    let good = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1_000, "50000.50", 0),
        ScriptStep::SendHeartbeats(60_000),
    ];
    let (venue, symbol) = venue_named(name);
    let exchange = FakeExchange::start(venue, &symbol, vec![script, good]).await;
    let client = FeedClient::of(&exchange, name);
    (exchange, client)
}

/// Has the client recover: live again, and hearing trades.
async fn assert_recovers(mut client: FeedClient) -> Vec<String> {
    client.wait_for("live").await;
    client.wait_for("trade 1000 at 50000.50 × 0.5").await;
    client.stop().await
}

#[tokio::test]
async fn trades_of_every_venue_are_read() {
    for venue in venue::ALL {
        let name = venue.name();
        let script = vec![
            ScriptStep::AcknowledgeSubscriptions,
            ScriptStep::SendTrade(7, "50000.50", 0),
            ScriptStep::SendTrade(8, "50001.25", 0),
            ScriptStep::SendTrade(8, "50001.25", 0),
            ScriptStep::SendHeartbeats(60_000),
        ];
        let (_exchange, mut client) = client_of_script(name, script).await;
        client.wait_for("live 1").await;
        client.wait_for("trade 7 at 50000.50").await;
        client.wait_for("trade 8 at 50001.25").await;
        client.wait_for("again 8").await;
        let notes = client.stop().await;
        let unexpected = notes.iter().filter(|note| {
            ["lost", "fault", "unknown market", "missed", "leaving"]
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
    let minutes: Vec<CandleTexts> = vec![
        minute(0, ["10.5", "12", "10", "11", "3.5"]),
        minute(1, ["11", "11.5", "11", "11.25", "0.5"]),
        minute(2, ["11.25", "13", "11.25", "12", "1"]),
    ];
    for venue in venue::ALL {
        let (_, symbol) = venue_named(venue.name());
        let pair = Pair::new("BTC", &venue.default_quote().to_string());
        let exchange =
            FakeExchange::start_with(venue, &[symbol], vec![vec![]], minutes.clone(), None).await;
        let rest = RestClient::new(TEST_TIMEOUT).unwrap();
        let query = CandleQuery {
            symbol: &venue.rest_symbol(&pair),
            step: Millis::minutes(1),
            from: UnixMillis(START),
            to: UnixMillis(START + 120_000),
        };
        let candles = rest
            .candles_with_forming(venue, &exchange.rest_url(), &query)
            .await
            .unwrap();
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
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::Disconnect,
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("trade 1 ").await;
    client.wait_for("lost 1 connection broke").await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn a_stalled_connection_is_silence() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::Stall,
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("lost 1 not a byte for 500 ms").await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn heartbeats_without_trades_open_the_next_connection_first() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendHeartbeats(60_000),
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("leaving 1 Quiet").await;
    let notes = assert_recovers(client).await;
    assert!(
        !notes.iter().any(|note| note.starts_with("lost")),
        "{notes:?}"
    );
}

#[tokio::test]
async fn trades_twice_count_once() {
    let twice = [
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::SendTrade(1, "50000", 0),
    ];
    let script = [
        vec![ScriptStep::AcknowledgeSubscriptions],
        twice.to_vec(),
        vec![ScriptStep::Disconnect],
    ]
    .concat();
    let (_exchange, mut client) = client_of_script("coinbase_exchange", script).await;
    client.wait_for("trade 1 ").await;
    client.wait_for("again 1").await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn trades_out_of_order_are_all_read_and_the_gap_is_noted() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::SendTrade(4, "50003", 0),
        ScriptStep::SendTrade(2, "50001", 0),
        ScriptStep::Disconnect,
    ];
    let (_exchange, mut client) = client_of_script("binance", script).await;
    client.wait_for("trade 1 ").await;
    client.wait_for("missed 2").await;
    client.wait_for("trade 4 ").await;
    client.wait_for("trade 2 ").await;
    assert_recovers(client).await;
}

/// A price is told as the venue says it; that it is absurd is the settlement's to see, among other venues.
#[tokio::test]
async fn prices_of_a_wrong_scale_are_passed_on_and_end_no_connection() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "5000050", 0),
        ScriptStep::SendText(
            r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":-1,"qty":0.5,"ord_type":"market","trade_id":2,"timestamp":"2026-01-01T00:00:00Z"}]}"#,
        ),
        ScriptStep::SendTrade(3, "50000", 0),
        ScriptStep::Disconnect,
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("trade 1 at 5000050 ").await;
    client.wait_for("fault malformed").await;
    client.wait_for("trade 3 ").await;
    assert_recovers(client).await;
}

/// An hour-old trade is heard, and counts in no minute.
#[tokio::test]
async fn old_timestamps_count_in_no_minute() {
    let (venue, symbol) = venue_named("kraken");
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "1", 3_600_000),
        ScriptStep::SendTrade(2, "50000.50", 0),
        ScriptStep::SendHeartbeats(60_000),
    ];
    let exchange = FakeExchange::start(venue, &symbol, vec![script]).await;
    let connection =
        VenueConnection::new(venue, with_short_timeouts(venue), TIMEOUTS, vec![symbol], 1);
    let stop = CancellationToken::new();
    let mut minutes = MinuteAggregator::default();
    let mut at = UnixMillis(0);
    let mut observe = |update: ConnectionUpdate<'_>| match update {
        ConnectionUpdate::Frame { received, .. } => at = received,
        ConnectionUpdate::Event(ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Trade(
            trade,
        )))) => {
            assert_eq!(minutes.add_trade(at, &trade), None);
            if trade.price.to_string() == "50000.50" {
                stop.cancel();
            }
        }
        ConnectionUpdate::Event(_) | ConnectionUpdate::ClockOffset(_) => {}
    };
    let address = SocketUrl::new(&exchange.stream_url()).unwrap();
    let run = websocket::run(
        connection,
        SocketEndpoint {
            address,
            tls: tls::client_config().unwrap(),
            clock: system_now,
        },
        stop.clone(),
        &mut observe,
    );
    tokio::time::timeout(TEST_TIMEOUT, run).await.unwrap();
    assert_eq!(minutes.late_trades(), 1);
    let forming: Vec<&str> = minutes
        .forming()
        .map(|minute| minute.low.as_str())
        .collect();
    assert_eq!(forming, ["50000.50"]);
}

#[tokio::test]
async fn a_half_open_socket_is_given_up() {
    let (_exchange, mut client) = client_of_script("kraken", vec![ScriptStep::HalfOpen]).await;
    client.wait_for("lost 1 no connection within 1000 ms").await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn statuses_429_and_451_are_honoured() {
    for (status, retry_after, least) in [(429, Some(1), 1_000), (451, None, 300)] {
        let (_exchange, mut client) = client_of_script(
            "okx",
            vec![ScriptStep::RejectHandshake(status, retry_after)],
        )
        .await;
        client
            .wait_for(&format!("lost 1 the venue answered status {status}"))
            .await;
        let turned_away = tokio::time::Instant::now();
        client.wait_for("live").await;
        assert!(
            turned_away.elapsed() >= Duration::from_millis(least),
            "{status}"
        );
        client.stop().await;
    }
}

#[tokio::test]
async fn an_ignored_subscription_is_noticed() {
    let (_exchange, mut client) = client_of_script(
        "kraken",
        vec![
            ScriptStep::IgnoreSubscriptions,
            ScriptStep::SendHeartbeats(60_000),
        ],
    )
    .await;
    client
        .wait_for("lost 1 trade BTC/USD was not acknowledged within 400 ms")
        .await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn a_rejected_subscription_ends_the_connection_with_its_reason() {
    for venue in venue::ALL {
        let name = venue.name();
        let (_exchange, mut client) = client_of_script(
            name,
            vec![
                ScriptStep::RejectSubscriptions,
                ScriptStep::SendHeartbeats(60_000),
            ],
        )
        .await;
        let lost = client.wait_for("lost 1 subscription refused").await;
        assert!(lost.contains("check the venue's pairs"), "{name}: {lost}");
        assert_recovers(client).await;
    }
}

#[tokio::test]
async fn a_restart_notice_opens_the_next_connection_first() {
    for name in ["binance", "bitfinex", "bitstamp", "okx"] {
        let script = vec![
            ScriptStep::AcknowledgeSubscriptions,
            ScriptStep::SendRestartNotice,
            ScriptStep::SendHeartbeats(60_000),
        ];
        let (_exchange, mut client) = client_of_script(name, script).await;
        client.wait_for("leaving 1 Notice").await;
        let notes = assert_recovers(client).await;
        assert!(
            !notes.iter().any(|note| note.starts_with("lost")),
            "{name}: {notes:?}"
        );
    }
}

#[tokio::test]
async fn a_frame_that_never_ends_counts_as_silence() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::SendSlowly,
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("trade 1 ").await;
    client
        .wait_for("lost 1 no message, heartbeat or pong for 500 ms")
        .await;
    assert_recovers(client).await;
}

#[tokio::test]
async fn malformed_frames_and_unknown_markets_kill_nothing() {
    let script = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendText("{"),
        ScriptStep::SendText("nonsense"),
        ScriptStep::SendText(
            r#"{"channel":"trade","type":"update","data":[{"symbol":"ETH/USD","side":"sell","price":1,"qty":1,"ord_type":"market","trade_id":1,"timestamp":"2026-01-01T00:00:00Z"}]}"#,
        ),
        ScriptStep::SendTrade(2, "50000", 0),
        ScriptStep::SendHeartbeats(60_000),
    ];
    let (_exchange, mut client) = client_of_script("kraken", script).await;
    client.wait_for("fault not_json").await;
    client.wait_for("fault not_json").await;
    client.wait_for("unknown market").await;
    client.wait_for("trade 2 ").await;
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
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1, "50000", 0),
        ScriptStep::SendHeartbeats(60_000),
    ];
    let exchange =
        FakeExchange::start_with(venue, &[symbol], vec![script], Vec::new(), Some(acceptor)).await;
    assert!(exchange.stream_url().starts_with("wss://"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der).unwrap();
    let mut trusting = FeedClient::with(
        &exchange,
        "kraken",
        tls::client_config_with_roots(roots).unwrap(),
    );
    trusting.wait_for("trade 1 ").await;
    trusting.stop().await;
    let mut wary = FeedClient::of(&exchange, "kraken");
    let lost = wary.wait_for("lost 1 connection broke").await;
    assert!(lost.to_lowercase().contains("certificate"), "{lost}");
    wary.stop().await;
}
