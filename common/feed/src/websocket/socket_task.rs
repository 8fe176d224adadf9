//! The task of one socket, from its opening to its end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use foretell_core::time::UnixMillis;
use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::http::header::{DATE, HeaderName, HeaderValue, RETRY_AFTER};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

use super::counting_stream::CountingStream;
use super::endpoint::{SocketEndpoint, SocketUrl};
use crate::connection::{DisconnectReason, SocketId};
use crate::retry_after::RetryAfter;
use crate::venue_text::quoted;

/// Longest message, and longest frame of one: a snapshot of trades is some 100 kB. Messages come uncompressed, since none of
/// WebSocket's extensions is offered.
const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// A socket that can't send a message within this is dead.
const SEND_TIMEOUT: Duration = Duration::from_secs(5);
/// How long sending the close frame may take.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// What a socket's task reports to the loop.
pub(super) enum SocketEvent {
    Opened,
    Text(String, UnixMillis),
    Control,
    Closed(DisconnectReason),
}

/// What the loop tells a socket's task.
pub(super) enum SocketCommand {
    Send(String),
    Ping,
}

/// One socket from its opening to its end: `Ok` if it was told to stop.
pub(super) async fn run_socket(
    id: SocketId,
    endpoint: &SocketEndpoint,
    bytes: Arc<AtomicU64>,
    mut commands: mpsc::Receiver<SocketCommand>,
    event_sender: &mpsc::Sender<(SocketId, SocketEvent)>,
    stop: &CancellationToken,
) -> Result<(), DisconnectReason> {
    let stream = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        stream = connect(&endpoint.address, Arc::clone(&endpoint.tls), bytes) => stream?,
    };
    let (mut sink, mut stream) = stream.split();
    let emit = async |socket_event| {
        tokio::select! {
            () = stop.cancelled() => false,
            sent = event_sender.send((id, socket_event)) => sent.is_ok(),
        }
    };
    if !emit(SocketEvent::Opened).await {
        return Ok(());
    }
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => {
                // The venue may not take the close frame; the connection is dropped either way.
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, sink.send(Message::Close(None))).await;
                return Ok(());
            }
            Some(command) = commands.recv() => {
                let message = match command {
                    SocketCommand::Send(text) => Message::text(text),
                    SocketCommand::Ping => Message::Ping(Vec::new().into()),
                };
                match tokio::time::timeout(SEND_TIMEOUT, sink.send(message)).await {
                    Ok(sent) => sent.map_err(|error| disconnect_reason(&error))?,
                    Err(_) => return Err(DisconnectReason::Broken("nothing can be sent".into())),
                }
            }
            message = stream.next() => {
                let socket_event = match message {
                    Some(Ok(Message::Text(text))) => SocketEvent::Text(text.as_str().to_owned(), (endpoint.clock)()),
                    Some(Ok(Message::Binary(bytes))) => {
                        SocketEvent::Text(String::from_utf8_lossy(&bytes).into_owned(), (endpoint.clock)())
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => SocketEvent::Control,
                    Some(Ok(Message::Close(frame))) => {
                        let why = frame.map_or_else(String::new, |frame| format!(": {frame}"));
                        return Err(DisconnectReason::Broken(format!("closed by the venue{}", quoted(&why))));
                    }
                    Some(Err(error)) => return Err(disconnect_reason(&error)),
                    None => return Err(DisconnectReason::Broken("ended".into())),
                };
                if !emit(socket_event).await {
                    return Ok(());
                }
            }
        }
    }
}

async fn connect(
    address: &SocketUrl,
    tls: Arc<ClientConfig>,
    bytes: Arc<AtomicU64>,
) -> Result<WebSocketStream<MaybeTlsStream<CountingStream<TcpStream>>>, DisconnectReason> {
    let broken = |error: io::Error| DisconnectReason::Broken(error.to_string());
    let tcp = TcpStream::connect((address.host.as_str(), address.port));
    let tcp = tcp.await.map_err(broken)?;
    tcp.set_nodelay(true).map_err(broken)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let opened = tokio_tungstenite::client_async_tls_with_config(
        address.url.as_str(),
        CountingStream { inner: tcp, bytes },
        Some(config),
        Some(Connector::Rustls(tls)),
    );
    match opened.await {
        Ok((stream, _)) => Ok(stream),
        Err(error) => Err(disconnect_reason(&error)),
    }
}

fn disconnect_reason(error: &Error) -> DisconnectReason {
    let Error::Http(response) = error else {
        return DisconnectReason::Broken(quoted(&error.to_string()).into_owned());
    };
    let header = |name: HeaderName| response.headers().get(name).map(HeaderValue::as_bytes);
    DisconnectReason::HttpStatus {
        status: response.status().as_u16(),
        retry_after: RetryAfter::from_headers(header(RETRY_AFTER), header(DATE)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::tls;

    /// How a socket ends whose other side does this with the connection.
    async fn end_of_socket<F: Future<Output = ()> + Send + 'static>(
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) -> DisconnectReason {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/feed", listener.local_addr().unwrap());
        tokio::spawn(async move { serve(listener.accept().await.unwrap().0).await });
        let endpoint = SocketEndpoint {
            address: SocketUrl::new(&url).unwrap(),
            tls: tls::client_config().unwrap(),
            clock: || UnixMillis::literal(0),
        };
        let (_commands, command_receiver) = mpsc::channel(1);
        let (event_sender, _events) = mpsc::channel(8);
        let (bytes, stop) = (Arc::default(), CancellationToken::new());
        let id = SocketId(1);
        let socket = run_socket(id, &endpoint, bytes, command_receiver, &event_sender, &stop);
        socket.await.unwrap_err()
    }

    #[tokio::test]
    async fn a_message_that_is_too_long_ends_the_socket() {
        let reason = end_of_socket(|stream| async {
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            let message = Message::text("x".repeat(MAX_MESSAGE_BYTES + 1));
            // The client hangs up before it has it all.
            let _ = socket.send(message).await;
            while socket.next().await.is_some_and(|read| read.is_ok()) {}
        });
        let reason = reason.await.to_string();
        assert!(
            reason.contains("too long") || reason.contains("limit"),
            "{reason}"
        );
    }

    /// A handshake is answered with `head`.
    async fn refused_with(head: String) -> DisconnectReason {
        let reason = end_of_socket(move |mut stream| async move {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let head = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
        });
        reason.await
    }

    #[tokio::test]
    async fn a_redirect_is_a_refusal_and_an_absurd_retry_after_is_none() {
        let head = "302 Found\r\nLocation: ws://127.0.0.1:1/internal";
        let expected = DisconnectReason::HttpStatus {
            status: 302,
            retry_after: None,
        };
        assert_eq!(refused_with(head.into()).await, expected);
        for absurd in ["18446744073709551615", "31536000", "-1"] {
            let head = format!("429 Too Many Requests\r\nRetry-After: {absurd}");
            let expected = DisconnectReason::HttpStatus {
                status: 429,
                retry_after: None,
            };
            assert_eq!(refused_with(head).await, expected, "{absurd}");
        }
        let head = "503 Unavailable\r\nRetry-After: 90000";
        let expected = DisconnectReason::HttpStatus {
            status: 503,
            retry_after: Some(RetryAfter::MAX),
        };
        assert_eq!(refused_with(head.into()).await, expected);
    }
}
