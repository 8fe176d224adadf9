//! A proxy between our client and a node, that misbehaves at one question and is honest at all others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

/// What a proxy does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyFault {
    /// The connection breaks before the question reaches the node.
    DropBeforeRequest,
    /// The node gets the question; the connection breaks before the answer comes back.
    DropBeforeResponse,
    /// The connection stays open, and nothing ever comes through it again.
    Stall,
    /// The answer is late, but within the deadline.
    Delay,
    /// Question and answer come twice.
    Duplicate,
    /// The answer is no JSON.
    InvalidJson,
    /// The answer is JSON of another shape.
    WrongShape,
    /// Every answer, from that question on, is late, but within its own deadline.
    DelayAll,
}

impl ProxyFault {
    /// All but [`DelayAll`](Self::DelayAll), which happens more than once.
    pub const ALL: [Self; 7] = [
        Self::DropBeforeRequest,
        Self::DropBeforeResponse,
        Self::Stall,
        Self::Delay,
        Self::Duplicate,
        Self::InvalidJson,
        Self::WrongShape,
    ];
}

/// How many questions have been relayed.
#[derive(Clone, Default)]
pub struct RelayedRequests(Arc<AtomicUsize>);

impl RelayedRequests {
    /// Requests of all connections so far, the one at which the fault happens included.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A proxy to `node` that commits `fault` at question number `at`; where it listens.
pub async fn start_proxy(
    node: SocketAddr,
    fault: ProxyFault,
    at: usize,
) -> (SocketAddr, RelayedRequests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let relayed = RelayedRequests::default();
    let counted = relayed.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(relay(stream, node, fault, at, counted.clone()));
        }
    });
    (address, relayed)
}

/// One connection. Questions are relayed one by one, so that an answer is that of the question before it.
async fn relay(
    stream: TcpStream,
    node: SocketAddr,
    fault: ProxyFault,
    at: usize,
    relayed: RelayedRequests,
) -> Option<()> {
    let mut client = tokio_tungstenite::accept_async(stream).await.ok()?;
    let server = TcpStream::connect(node).await.ok()?;
    let (mut server, _) = tokio_tungstenite::client_async(format!("ws://{node}"), server)
        .await
        .ok()?;
    loop {
        let question = client.next().await?.ok()?;
        if !question.is_text() {
            continue;
        }
        let number = relayed.0.fetch_add(1, Ordering::SeqCst);
        let due = number == at || (fault == ProxyFault::DelayAll && number > at);
        let fault = due.then_some(fault);
        if fault == Some(ProxyFault::DropBeforeRequest) {
            return None;
        }
        if fault == Some(ProxyFault::Stall) {
            return std::future::pending().await;
        }
        if fault == Some(ProxyFault::Duplicate) {
            server.send(question.clone()).await.ok()?;
            let answer = server.next().await?.ok()?;
            client.send(answer).await.ok()?;
        }
        server.send(question).await.ok()?;
        let answer = server.next().await?.ok()?;
        match fault {
            Some(ProxyFault::DropBeforeResponse) => return None,
            Some(ProxyFault::InvalidJson) => client.send(Message::text("}{")).await.ok()?,
            Some(ProxyFault::WrongShape) => {
                let text = answer.into_text().ok()?;
                let mut json: serde_json::Value = serde_json::from_str(&text).ok()?;
                json["result"] = serde_json::json!([[["?"]]]);
                client.send(Message::text(json.to_string())).await.ok()?;
            }
            Some(ProxyFault::Delay | ProxyFault::DelayAll) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                client.send(answer).await.ok()?;
            }
            _ => client.send(answer).await.ok()?,
        }
    }
}
