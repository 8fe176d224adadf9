//! A fake exchange: a real WebSocket and HTTP server on loopback that speaks any venue's protocol and misbehaves on
//! command.
//!
//! Connection after connection follows a script of [`ScriptStep`]s; the last script is repeated.

mod connection;
mod protocol;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use foretell_feed::venue::Venue;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub use protocol::{CandleTexts, ExchangeProtocol};

/// One thing that the exchange does on a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum ScriptStep {
    /// Answers the handshake with an HTTP status, and perhaps `Retry-After` seconds.
    RejectHandshake(u16, Option<u32>),
    /// Takes the TCP connection and never answers the handshake.
    HalfOpen,
    /// Acknowledges every subscription.
    AcknowledgeSubscriptions,
    /// Refuses every subscription.
    RejectSubscriptions,
    /// Reads the subscriptions and says nothing.
    IgnoreSubscriptions,
    /// Sends a trade: id, price, and how many milliseconds ago.
    SendTrade(u64, &'static str, i64),
    /// Answers pings and sends heartbeats, for this many milliseconds.
    SendHeartbeats(u64),
    /// Sends a message as it is.
    SendText(&'static str),
    /// Sends the notice that it is going to restart.
    SendRestartNotice,
    /// Begins a long message and drips it, a byte each 20 ms, answering nothing.
    SendSlowly,
    /// Keeps the connection open and neither reads nor writes.
    Stall,
    /// Drops the connection without a word.
    Disconnect,
}

/// A running exchange. It ends with its value.
pub struct FakeExchange {
    stream: SocketAddr,
    rest: SocketAddr,
    secure: bool,
    _tasks: JoinSet<()>,
}

impl FakeExchange {
    /// An exchange that speaks this venue's protocol.
    pub async fn start(
        venue: &'static dyn Venue,
        symbol: &str,
        scripts: Vec<Vec<ScriptStep>>,
    ) -> Self {
        Self::start_with(venue, &[symbol.to_owned()], scripts, Vec::new(), None).await
    }

    /// An exchange with REST candles, the last one forming; over TLS if given how. It trades the first of its symbols.
    pub async fn start_with(
        venue: &'static dyn Venue,
        symbols: &[String],
        scripts: Vec<Vec<ScriptStep>>,
        minutes: Vec<CandleTexts>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let stream = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rest = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (stream_address, rest_address) =
            (stream.local_addr().unwrap(), rest.local_addr().unwrap());
        let secure = tls.is_some();
        let mut tasks = JoinSet::new();
        let protocol = ExchangeProtocol::new(venue, symbols);
        tasks.spawn(connection::serve_all(
            stream,
            protocol.clone(),
            scripts,
            tls,
        ));
        let answer = protocol.candles(&minutes);
        let routes = Router::new()
            .fallback(|State(answer): State<Arc<str>>| async move {
                (StatusCode::OK, answer.to_string())
            })
            .with_state(answer.into());
        tasks.spawn(async move { axum::serve(rest, routes).await.unwrap() });
        Self {
            stream: stream_address,
            rest: rest_address,
            secure,
            _tasks: tasks,
        }
    }

    /// Address of its WebSocket interface.
    pub fn stream_url(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://localhost:{}/feed", self.stream.port())
    }

    /// Scheme, host and port of its REST interface.
    pub fn rest_url(&self) -> String {
        format!("http://{}", self.rest)
    }
}
