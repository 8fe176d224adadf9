//! Serving HTTP to anybody: every connection, request and answer has its limit.
//!
//! A deadline is for the whole of a request, from its first header to its handler's answer, so that a peer that
//! sends or reads byte by byte is cut when the time is over.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// After a failure to accept (too many open files, say), this long until the next try.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_secs(1);

/// How much of a service its peers can take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerLimits {
    /// Connections at once; more wait in the system's queue.
    pub max_connections: usize,
    /// Requests at once; more are answered with 503.
    pub max_requests: usize,
    /// Time for all headers of a request, and for a connection to stay idle.
    pub header_timeout: Duration,
    /// Time for a request's body and its answer together.
    pub request_timeout: Duration,
    /// Time for a connection, whatever it does.
    pub connection_timeout: Duration,
}

impl Default for ServerLimits {
    /// Enough for all validators of a subnet at the same instant.
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_requests: 512,
            header_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(60),
            connection_timeout: Duration::from_secs(15 * 60),
        }
    }
}

/// Serves `routes` within `limits` until `stop` completes, then finishes the requests under way.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    limits: ServerLimits,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let limiter = Arc::new(RequestLimiter {
        slots: Semaphore::new(limits.max_requests),
        deadline: limits.request_timeout,
    });
    let routes = routes.layer(from_fn_with_state(limiter, limit_request));
    let slots = Arc::new(Semaphore::new(limits.max_connections));
    let stopping = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let slot = Arc::clone(&slots).acquire_owned();
        let accepted = async {
            let slot = slot.await.map_err(io::Error::other)?;
            listener.accept().await.map(|(stream, _)| (stream, slot))
        };
        tokio::select! {
            () = &mut stop => break,
            Some(ended) = connections.join_next() => {
                // A panic in a handler is a defect: it takes the service down.
                ended.map_err(io::Error::other)?;
            }
            accepted = accepted => match accepted {
                Ok((stream, slot)) => {
                    let (routes, stopping) = (routes.clone(), stopping.clone());
                    connections.spawn(async move {
                        connection(stream, routes, limits, stopping).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
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

/// Serves one connection until it ends, is too old, or the service stops.
async fn connection(
    stream: TcpStream,
    routes: Router,
    limits: ServerLimits,
    stopping: CancellationToken,
) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut served = std::pin::pin!(served);
    tokio::select! {
        ended = served.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection");
            }
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

struct RequestLimiter {
    slots: Semaphore,
    deadline: Duration,
}

async fn limit_request(
    State(limiter): State<Arc<RequestLimiter>>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(_slot) = limiter.slots.try_acquire() else {
        let why = "too many requests at once: try again";
        return (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    };
    match tokio::time::timeout(limiter.deadline, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => {
            let millis = limiter.deadline.as_millis();
            let why = format!("the request was not whole and answered within {millis} ms");
            (StatusCode::REQUEST_TIMEOUT, why).into_response()
        }
    }
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

    async fn rest(mut stream: TcpStream) -> String {
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
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

    #[tokio::test]
    async fn more_requests_than_allowed_are_turned_away_at_once() {
        let limits = ServerLimits {
            max_requests: 1,
            ..ServerLimits::default()
        };
        let service = service(limits).await;
        let head = "GET /never HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let mut first = sent(service.address, head).await;
        // Whichever of the two comes second is turned away.
        let mut second = sent(service.address, head).await;
        let (mut of_first, mut of_second) = ([0; 12], [0; 12]);
        let refused = tokio::select! {
            read = first.read_exact(&mut of_first) => read.map(|_| of_first),
            read = second.read_exact(&mut of_second) => read.map(|_| of_second),
        };
        assert_eq!(&refused.unwrap(), b"HTTP/1.1 503");
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
