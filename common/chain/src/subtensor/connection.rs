//! One connection to a node: every request has a deadline, and a connection that failed is replaced.
//!
//! ```text
//!   request ── backing off? ── no ──▶ connect, if there is no connection ──▶ send and wait, until the deadline
//!                   └ yes: fails at once                └──────────── fails ─────────────┘
//!                                                  dropped; backs off 1, 2, 4 … 32 s
//! ```
//!
//! A half-open socket never answers and never breaks: only the deadline detects it. Backing off keeps a caller of
//! several requests in a row from waiting out the deadline for each of them.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foretell_core::error_kind::ErrorKind;
use serde::de::DeserializeOwned;
use subxt::rpcs::client::RpcParams;
use subxt::rpcs::{Error as RpcError, RpcClient, UserError};
use thiserror::Error;
use tokio::time::{Instant, timeout};

/// How long a node may take to answer one request, connecting included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(6);
/// How long no request is sent after a first failure; the longest time is 2⁵ times this.
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF_DOUBLINGS: u32 = 5;

/// A longer answer isn't read. A page of a subnet's storage has some 100 kB, the metadata of a runtime one to two MB; the
/// library closes a connection over which more than 10 MB come at once.
const MAX_ANSWER_BYTES: usize = 8 << 20;
/// No more characters of a node's own words are kept.
const MAX_QUOTED: usize = 300;

/// A node that is reached over a WebSocket, which is opened with the first request.
#[derive(Debug)]
pub struct NodeConnection {
    url: String,
    deadline: Duration,
    initial_backoff: Duration,
    state: Mutex<ConnectionState>,
}

#[derive(Debug, Default)]
struct ConnectionState {
    client: Option<RpcClient>,
    /// Connections that were opened so far.
    sessions: u64,
    /// Failed requests in a row.
    failures: u32,
    backoff_until: Option<Instant>,
}

/// Why a request has no result.
#[derive(Debug, Error)]
pub enum NodeError {
    /// No connection can be opened.
    #[error("can't connect to {url}: is the address right, and the network up?")]
    Unreachable {
        /// The node's WebSocket URL.
        url: String,
        /// The system's or the library's reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No answer came before the deadline.
    #[error("{url} did not answer {method} within {} s: connecting anew", deadline.as_secs_f32())]
    TimedOut {
        /// The node's WebSocket URL.
        url: String,
        /// The JSON-RPC method.
        method: &'static str,
        /// How long the node had for the answer.
        deadline: Duration,
    },
    /// The connection broke during the request.
    #[error("the connection to {url} broke at {method}: connecting anew")]
    Disconnected {
        /// The node's WebSocket URL.
        url: String,
        /// The JSON-RPC method.
        method: &'static str,
        /// The library's reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Nothing was sent: a request failed a moment ago.
    #[error("{url} failed a moment ago: asked again in {} s", wait.as_secs() + 1)]
    BackingOff {
        /// The node's WebSocket URL.
        url: String,
        /// Time until the next request is sent.
        wait: Duration,
    },
    /// The node knows nothing of what it was asked for, such as a block.
    #[error(
        "{url} knows nothing of what {method} asks for: another node behind this address may lag"
    )]
    NothingKnown {
        /// The node's WebSocket URL.
        url: String,
        /// The JSON-RPC method.
        method: &'static str,
    },
    /// The node answered with a JSON-RPC error.
    #[error("the node refuses {method}: {message}")]
    Rejected {
        /// The JSON-RPC method.
        method: &'static str,
        /// The code of the JSON-RPC error.
        code: i32,
        /// The text of the JSON-RPC error, with its data.
        message: String,
    },
    /// The answer isn't of the shape that the method gives.
    #[error("{url} gives a senseless answer to {method} ({what}): is it a subtensor node?")]
    MalformedResponse {
        /// The node's WebSocket URL.
        url: String,
        /// The JSON-RPC method.
        method: &'static str,
        /// What is wrong with the answer.
        what: String,
    },
}

impl NodeError {
    /// Whether it passes by itself.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Disconnected { .. }
            | Self::BackingOff { .. }
            | Self::NothingKnown { .. } => ErrorKind::Transient,
            // JSON-RPC 2.0: no JSON, no request, no such method, other parameters. All else is about the moment: a node that
            // is busy, a block that it has forgotten, a transaction that it doesn't want now.
            Self::Rejected {
                code: -32_700 | -32_602..=-32_600,
                ..
            }
            | Self::MalformedResponse { .. } => ErrorKind::Permanent,
            Self::Rejected { .. } => ErrorKind::Transient,
        }
    }
}

impl NodeConnection {
    /// A connection to this WebSocket URL, opened when it is first needed.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            deadline: REQUEST_TIMEOUT,
            initial_backoff: INITIAL_BACKOFF,
            state: Mutex::default(),
        }
    }

    /// The same with another deadline of each request, and another first time of backing off.
    pub fn with_timeouts(self, deadline: Duration, initial_backoff: Duration) -> Self {
        Self {
            deadline,
            initial_backoff,
            ..self
        }
    }

    /// The node's WebSocket URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The number of the connection: behind another one, another node may answer.
    pub fn session(&self) -> u64 {
        self.state().sessions
    }

    /// The node's answer to one JSON-RPC request.
    pub async fn request<T: DeserializeOwned>(
        &self,
        method: &'static str,
        parameters: RpcParams,
    ) -> Result<T, NodeError> {
        let url = self.url.clone();
        let begun = Instant::now();
        if let Some(until) = self.state().backoff_until.filter(|until| *until > begun) {
            let wait = until - begun;
            return Err(NodeError::BackingOff { url, wait });
        }
        let answer = timeout(self.deadline, self.request_once(method, parameters)).await;
        let answer = answer.unwrap_or_else(|_| {
            let deadline = self.deadline;
            Err(NodeError::TimedOut {
                url,
                method,
                deadline,
            })
        });
        let mut state = self.state();
        match &answer {
            Ok(_) | Err(NodeError::Rejected { .. }) => {
                state.failures = 0;
                state.backoff_until = None;
            }
            Err(_) => {
                let backoff =
                    self.initial_backoff * (1 << state.failures.min(MAX_BACKOFF_DOUBLINGS));
                state.client = None;
                state.failures = state.failures.saturating_add(1);
                state.backoff_until = Some(Instant::now() + backoff);
            }
        }
        answer
    }

    async fn request_once<T: DeserializeOwned>(
        &self,
        method: &'static str,
        parameters: RpcParams,
    ) -> Result<T, NodeError> {
        let open = self.state().client.clone();
        let client = match open {
            Some(client) => client,
            None => self.connect().await?,
        };
        let url = || self.url.clone();
        let malformed = |what: String| NodeError::MalformedResponse {
            url: url(),
            method,
            what: quoted(&what),
        };
        let answer = client
            .request_raw(method, parameters.build())
            .await
            .map_err(|error| match error {
                RpcError::User(UserError {
                    code,
                    message,
                    data,
                }) => {
                    let data = data.map_or_else(String::new, |data| format!(": {}", data.get()));
                    NodeError::Rejected {
                        method,
                        code,
                        message: quoted(&format!("{message}{data}")),
                    }
                }
                RpcError::Deserialization(error) => malformed(error.to_string()),
                other => {
                    let (url, source) = (url(), other.into());
                    NodeError::Disconnected {
                        url,
                        method,
                        source,
                    }
                }
            })?;
        match answer.get() {
            "null" => Err(NodeError::NothingKnown { url: url(), method }),
            text if text.len() > MAX_ANSWER_BYTES => {
                let bytes = text.len();
                Err(malformed(format!(
                    "{bytes} bytes, of which at most {MAX_ANSWER_BYTES} are read"
                )))
            }
            text => serde_json::from_str(text).map_err(|error| malformed(error.to_string())),
        }
    }

    async fn connect(&self) -> Result<RpcClient, NodeError> {
        // Only the user can say whom to trust: a node of one's own is reached without TLS.
        let client = RpcClient::from_insecure_url(&self.url).await;
        let client = client.map_err(|source| NodeError::Unreachable {
            url: self.url.clone(),
            source: source.into(),
        })?;
        let mut state = self.state();
        state.client = Some(client.clone());
        state.sessions += 1;
        Ok(client)
    }

    fn state(&self) -> MutexGuard<'_, ConnectionState> {
        // A panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A node's words as they go into messages and logs: on one line, without control characters, and not too many.
fn quoted(words: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut quoted: String = words.chars().take(MAX_QUOTED).map(printable).collect();
    if words.chars().nth(MAX_QUOTED).is_some() {
        quoted.push('…');
    }
    quoted
}
