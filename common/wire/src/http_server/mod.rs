//! Serving HTTP to anybody: every connection, request and answer has its limit.
//!
//! A stranger costs a connection for some seconds, and only as long as there is room; see [`open_connections`]. A
//! deadline is for the whole of a request, from its first header to its handler's answer, so that a peer that
//! sends or reads byte by byte is cut when the time is over. What a verified caller may take up says the
//! [authorization](crate::authorization).

pub mod open_connections;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::open_connections::{ConnectionLimits, OpenConnection, OpenConnections};

/// Most bytes of a request's line and headers together.
pub const MAX_HEADER_BYTES: usize = 12 << 10;
/// After a failure to accept (too many open files, say), this long until the next try.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);
/// Open files that a service needs beside its connections.
const FILES_APART: u64 = 40;

/// How much of a service its peers can take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections at once.
    pub connections: ConnectionLimits,
    /// Time for all headers of a request, and for a connection to stay idle.
    pub header_timeout: Duration,
    /// Time for a request's body and its answer together.
    pub request_timeout: Duration,
    /// Time for a connection, whatever it does.
    pub connection_timeout: Duration,
}

impl Default for ServerLimits {
    /// Enough for all validators of a subnet at the same instant, from one address too, within what this process may
    /// open.
    fn default() -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let strangers = files.saturating_sub(FILES_APART).clamp(8, 1024);
        let strangers = usize::try_from(strangers).unwrap_or(8);
        Self {
            connections: ConnectionLimits {
                strangers,
                strangers_per_address: strangers.div_ceil(4),
                per_caller: 8,
            },
            header_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(15),
            connection_timeout: Duration::from_secs(15 * 60),
        }
    }
}

/// Serves `routes` within `limits` until `stop` completes, then finishes the requests under way.
///
/// A handler finds its [`OpenConnection`] among the request's extensions.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    limits: ServerLimits,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let routes = routes.layer(from_fn_with_state(limits.request_timeout, limit_request));
    let open = OpenConnections::new(limits.connections);
    let stopping = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    let mut failing = false;
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(ended) = connections.join_next() => {
                // A panic in a handler is a defect: it takes the service down.
                ended.map_err(io::Error::other)?;
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    failing = false;
                    let connection = open.admit(peer.ip());
                    let (routes, stopping) = (routes.clone(), stopping.clone());
                    connections.spawn(serve_connection(stream, connection, routes, limits, stopping));
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, "can't accept connections");
                    }
                    failing = true;
                    open.close_oldest_stranger();
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }
    drop(listener);
    stopping.cancel();
    while let Some(ended) = connections.join_next().await {
        ended.map_err(io::Error::other)?;
    }
    Ok(())
}

/// Serves one connection until it ends, is too old, has to make room, or the service stops.
async fn serve_connection(
    stream: TcpStream,
    connection: Arc<OpenConnection>,
    routes: Router,
    limits: ServerLimits,
    stopping: CancellationToken,
) {
    let routes = TowerToHyperService::new(routes);
    let of_request = Arc::clone(&connection);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&of_request));
        routes.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        ended = served.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection");
            }
            return;
        }
        () = connection.closed() => {
            tracing::debug!("connection closed to make room");
            return;
        }
        () = stopping.cancelled() => {}
        () = tokio::time::sleep(limits.connection_timeout) => {}
    }
    served.as_mut().graceful_shutdown();
    if tokio::time::timeout(limits.request_timeout, served)
        .await
        .is_err()
    {
        tracing::debug!("connection cut at its deadline");
    }
}

async fn limit_request(State(deadline): State<Duration>, request: Request, next: Next) -> Response {
    if head_bytes(&request) > MAX_HEADER_BYTES {
        let why = format!("request line and headers longer than {MAX_HEADER_BYTES} bytes");
        return (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, why).into_response();
    }
    match tokio::time::timeout(deadline, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => {
            let millis = deadline.as_millis();
            let why = format!("the request was not whole and answered within {millis} ms");
            (StatusCode::REQUEST_TIMEOUT, why).into_response()
        }
    }
}

/// The HTTP library stops reading at a head of the limit's length, but may have read one that is longer at a stroke.
fn head_bytes(request: &Request) -> usize {
    let target = request.uri().path_and_query();
    let line = target.map_or(0, |target| target.as_str().len());
    let headers = request.headers().iter();
    // A colon, a blank and the end of the line.
    line + headers
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    use super::*;

    const SHORT: Duration = Duration::from_millis(200);

    struct TestService {
        address: SocketAddr,
        stop: oneshot::Sender<()>,
        task: JoinHandle<io::Result<()>>,
    }

    async fn service(limits: ServerLimits) -> TestService {
        let routes = Router::new()
            .route(
                "/length",
                post(|body: String| async move { body.len().to_string() }),
            )
            .route("/never", get(std::future::pending::<String>));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, routes, limits, async {
            drop(stopped.await);
        }));
        TestService {
            address,
            stop,
            task,
        }
    }

    fn short() -> ServerLimits {
        ServerLimits {
            header_timeout: SHORT,
            request_timeout: SHORT,
            connection_timeout: SHORT * 3,
            ..ServerLimits::default()
        }
    }

    async fn sent(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    /// What comes until the connection ends; it may be reset where the server left something unread.
    async fn rest(mut stream: TcpStream) -> String {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn a_peer_that_drips_headers_is_cut_at_the_deadline() {
        let service = service(short()).await;
        let stream = sent(service.address, "POST /length HTTP/1.1\r\nhost: x\r\n").await;
        // Nothing more is ever sent: the connection ends all the same.
        assert!(!rest(stream).await.contains("200"));
    }

    #[tokio::test]
    async fn a_peer_that_drips_its_body_gets_408_at_the_deadline() {
        let service = service(short()).await;
        let head =
            "POST /length HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 9\r\n\r\nab";
        let answer = rest(sent(service.address, head).await).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }

    #[tokio::test]
    async fn an_answer_that_never_comes_is_given_up() {
        let service = service(short()).await;
        let head = "GET /never HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let answer = rest(sent(service.address, head).await).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }

    /// 2,500 connections that never send a whole request are opened, and opened again when they are closed.
    #[tokio::test]
    async fn whoever_sends_its_request_at_once_gets_through_a_crowd() {
        let service = service(ServerLimits::default()).await;
        let mut crowd = std::collections::VecDeque::new();
        for n in 0..2_500 {
            crowd.push_back(sent(service.address, "POST /length HTTP/1.1\r\nx: ").await);
            if n > 200 {
                crowd.pop_front();
            }
            if n % 500 == 499 {
                let ask = "POST /length HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nab";
                let answer = rest(sent(service.address, ask).await).await;
                assert!(answer.starts_with("HTTP/1.1 200"), "{n}: {answer}");
            }
        }
    }

    #[tokio::test]
    async fn a_stranger_beyond_its_addresss_share_closes_the_oldest() {
        let mut limits = ServerLimits::default();
        limits.connections.strangers_per_address = 2;
        let service = service(limits).await;
        let first = sent(service.address, "POST /length HTTP/1.1\r\n").await;
        let _second = sent(service.address, "POST /length HTTP/1.1\r\n").await;
        let _third = sent(service.address, "POST /length HTTP/1.1\r\n").await;
        // Long before its deadline, which is five seconds.
        let closed = tokio::time::timeout(Duration::from_secs(2), rest(first)).await;
        assert_eq!(closed.unwrap(), "");
    }

    #[tokio::test]
    async fn headers_longer_than_any_key_needs_are_refused() {
        let service = service(ServerLimits::default()).await;
        let ask = |bytes: usize| {
            let long = "y".repeat(bytes);
            format!(
                "POST /length HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\nx: {long}\r\n\r\nab"
            )
        };
        let answer = rest(sent(service.address, &ask(MAX_HEADER_BYTES - 200)).await).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let answer = rest(sent(service.address, &ask(MAX_HEADER_BYTES)).await).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }

    #[tokio::test]
    async fn stopping_ends_idle_connections_and_the_service() {
        let service = service(ServerLimits::default()).await;
        let ask = "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab";
        let mut stream = sent(service.address, ask).await;
        let mut begun = [0; 15];
        stream.read_exact(&mut begun).await.unwrap();
        assert_eq!(&begun, b"HTTP/1.1 200 OK");
        service.stop.send(()).unwrap();
        service.task.await.unwrap().unwrap();
        rest(stream).await;
    }
}
