//! A proxy between our client and a node, that misbehaves at one question and is honest at all others.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks before the question reaches the node.
    Cut,
    /// The node gets the question; the connection breaks before the answer comes back.
    CutAnswer,
    /// The connection stays open, and nothing ever comes through it again.
    Stall,
    /// The answer is late, but within the deadline.
    Delay,
    /// Question and answer come twice.
    Duplicate,
    /// The answer is no JSON.
    Garbage,
    /// The answer is JSON of another shape.
    Nonsense,
    /// Every answer, from that question on, is late, but within its own deadline.
    Drag,
}

impl Fault {
    /// All that happen once.
    pub const ALL: [Self; 7] = [
        Self::Cut,
        Self::CutAnswer,
        Self::Stall,
        Self::Delay,
        Self::Duplicate,
        Self::Garbage,
        Self::Nonsense,
    ];
}

/// How many questions have passed.
#[derive(Clone, Default)]
pub struct Passed(Arc<AtomicUsize>);

impl Passed {
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A proxy to `node` that commits `fault` at question number `at`; where it listens.
pub async fn proxy(node: SocketAddr, fault: Fault, at: usize) -> (SocketAddr, Passed) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let passed = Passed::default();
    let counted = passed.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(relay(stream, node, fault, at, counted.clone()));
        }
    });
    (address, passed)
}

/// One connection. Questions are relayed one by one, so that an answer is that of the question before it.
async fn relay(
    stream: TcpStream,
    node: SocketAddr,
    fault: Fault,
    at: usize,
    passed: Passed,
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
        let number = passed.0.fetch_add(1, Ordering::SeqCst);
        let due = number == at || (fault == Fault::Drag && number > at);
        let fault = due.then_some(fault);
        if fault == Some(Fault::Cut) {
            return None;
        }
        if fault == Some(Fault::Stall) {
            return std::future::pending().await;
        }
        if fault == Some(Fault::Duplicate) {
            server.send(question.clone()).await.ok()?;
            let answer = server.next().await?.ok()?;
            client.send(answer).await.ok()?;
        }
        server.send(question).await.ok()?;
        let answer = server.next().await?.ok()?;
        match fault {
            Some(Fault::CutAnswer) => return None,
            Some(Fault::Garbage) => client.send(Message::text("}{")).await.ok()?,
            Some(Fault::Nonsense) => {
                let text = answer.into_text().ok()?;
                let mut json: serde_json::Value = serde_json::from_str(&text).ok()?;
                json["result"] = serde_json::json!([[["?"]]]);
                client.send(Message::text(json.to_string())).await.ok()?;
            }
            Some(Fault::Delay | Fault::Drag) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                client.send(answer).await.ok()?;
            }
            _ => client.send(answer).await.ok()?,
        }
    }
}
