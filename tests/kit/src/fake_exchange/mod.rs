//! A fake exchange: a real WebSocket and HTTP server on loopback that speaks any venue's protocol and misbehaves on
//! command.
//!
//! Connection after connection follows a script of [`ScriptStep`]s; the last script is repeated.

mod connection;
mod protocol;
mod script;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use foretell_feed::venue::Venue;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub use self::protocol::{CandleTexts, ExchangeProtocol};
pub use self::script::ScriptStep;

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
