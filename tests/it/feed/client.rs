//! The feed's client of one exchange, with short real deadlines.

use std::sync::Arc;
use std::time::Duration;

use foretell_cli::clock::system_now;
use foretell_core::time::Millis;
use foretell_feed::connection::{ConnectionEvent, Timeouts, VenueConnection};
use foretell_feed::event::VenueEvent;
use foretell_feed::stream::FeedEvent;
use foretell_feed::tls;
use foretell_feed::venue::{self, Pair, Ping, RateLimit, Venue, VenueLimits};
use foretell_feed::websocket::{self, ConnectionUpdate, SocketEndpoint, SocketUrl};
use foretell_testkit::{FakeExchange, ScriptStep};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than any of these tests takes.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Deadlines short enough to wait for.
pub const TIMEOUTS: Timeouts = Timeouts {
    open: Millis::literal(1_000),
    acknowledge: Millis::literal(400),
    drain: Millis::literal(100),
    no_trades: Millis::literal(600),
    initial_backoff: Millis::literal(20),
    max_backoff: Millis::literal(100),
    backoff_reset: Millis::literal(2_000),
    refused_backoff: Millis::literal(300),
};

/// A client of an exchange, and a note of each of its events.
pub struct FeedClient {
    notes: mpsc::UnboundedReceiver<String>,
    seen: Vec<String>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// A venue, and its symbol for bitcoin.
pub fn venue_named(name: &str) -> (&'static dyn Venue, String) {
    let venue = venue::by_name(name).unwrap();
    let pair = Pair::new("BTC", &venue.default_quote().to_string());
    (venue, venue.symbol(&pair))
}

/// The venue's limits with deadlines short enough to wait for.
pub fn with_short_timeouts(venue: &dyn Venue) -> VenueLimits {
    let limits = venue.limits();
    VenueLimits {
        ping: match limits.ping {
            Ping::Message(_, text) => Ping::Message(Millis::literal(100), text),
            Ping::Frame(_) => Ping::Frame(Millis::literal(100)),
        },
        byte_timeout: Millis::literal(500),
        message_timeout: Millis::literal(500),
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
    pub fn new(exchange: &FakeExchange, name: &str) -> Self {
        Self::with_tls(exchange, name, tls::client_config().unwrap())
    }

    pub fn with_tls(exchange: &FakeExchange, name: &str, tls: Arc<rustls::ClientConfig>) -> Self {
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
    pub async fn wait_for(&mut self, beginning: &str) -> String {
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
    pub async fn stop(mut self) -> Vec<String> {
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
pub async fn client_of_script(name: &str, script: Vec<ScriptStep>) -> (FakeExchange, FeedClient) {
    let good = vec![
        ScriptStep::AcknowledgeSubscriptions,
        ScriptStep::SendTrade(1_000, "50000.50", 0),
        ScriptStep::SendHeartbeats(60_000),
    ];
    let (venue, symbol) = venue_named(name);
    let exchange = FakeExchange::start(venue, &symbol, vec![script, good]).await;
    let client = FeedClient::new(&exchange, name);
    (exchange, client)
}

/// Waits until the client is live again and gets trades; all its notes.
pub async fn assert_recovers(mut client: FeedClient) -> Vec<String> {
    client.wait_for("live").await;
    client.wait_for("trade 1000 at 50000.50 × 0.5").await;
    client.stop().await
}
