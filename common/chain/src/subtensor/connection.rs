//! One connection to a node: every question has a deadline, and a connection that failed is replaced.
//!
//! ```text
//!   ask ── resting after a failure? ── no ──▶ connect, if there is no connection ──▶ request, until its deadline
//!               └ yes: fails at once                       └──────────── fails ─────────────┘
//!                                                     dropped; rests 1, 2, 4 … 32 s
//! ```
//!
//! A half-open socket answers nothing and breaks never: only the deadline finds it out. Resting keeps a caller that
//! asks several things in a row from waiting out the deadline for each of them.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use subxt::rpcs::client::RpcParams;
use subxt::rpcs::{Error as RpcError, RpcClient, UserError};
use thiserror::Error;
use tokio::time::{Instant, timeout};

/// How long a node may take to answer one question, connecting included.
const DEADLINE: Duration = Duration::from_secs(6);
/// The first rest after a failure; the longest is 2⁵ times as long.
const REST: Duration = Duration::from_secs(1);
const MOST_DOUBLINGS: u32 = 5;

/// A node that is asked over a WebSocket, which is opened when there is something to ask.
#[derive(Debug)]
pub struct Connection {
    url: String,
    deadline: Duration,
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    client: Option<RpcClient>,
    /// Connections so far.
    sessions: u64,
    /// In a row.
    failures: u32,
    rests_until: Option<Instant>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum NodeError {
    /// No connection.
    #[error("can't connect to {url}: is the address right, and the network up?")]
    Unreachable {
        /// The node.
        url: String,
        /// What happened.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Nothing came in time.
    #[error("{url} did not answer {method} within {} s: connecting anew", deadline.as_secs_f32())]
    Silent {
        /// The node.
        url: String,
        /// The question.
        method: &'static str,
        /// How long it had.
        deadline: Duration,
    },
    /// The connection broke.
    #[error("the connection to {url} broke at {method}: connecting anew")]
    Broken {
        /// The node.
        url: String,
        /// The question.
        method: &'static str,
        /// What happened.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It failed a moment ago.
    #[error("{url} failed a moment ago: asked again in {} s", wait.as_secs() + 1)]
    Resting {
        /// The node.
        url: String,
        /// Until it is asked again.
        wait: Duration,
    },
    /// The node said no.
    #[error("the node refuses {method}: {message}")]
    Refused {
        /// The question.
        method: &'static str,
        /// JSON-RPC's code.
        code: i32,
        /// What it said, with all details.
        message: String,
    },
    /// An answer of the wrong shape.
    #[error("{url} gives a senseless answer to {method} ({what}): is it a subtensor node?")]
    Senseless {
        /// The node.
        url: String,
        /// The question.
        method: &'static str,
        /// What is wrong with it.
        what: String,
    },
}

impl Connection {
    /// A connection to this WebSocket URL, opened when it is first needed.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            deadline: DEADLINE,
            rest: REST,
            state: Mutex::default(),
        }
    }

    /// The same with another deadline of each question, and another first rest.
    pub fn with_limits(self, deadline: Duration, rest: Duration) -> Self {
        Self {
            deadline,
            rest,
            ..self
        }
    }

    /// The node's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Number of the connection: with another, another node may answer.
    pub fn session(&self) -> u64 {
        self.state().sessions
    }

    /// The node's answer.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        parameters: RpcParams,
    ) -> Result<T, NodeError> {
        let url = self.url.clone();
        let begun = Instant::now();
        if let Some(until) = self.state().rests_until.filter(|until| *until > begun) {
            let wait = until - begun;
            return Err(NodeError::Resting { url, wait });
        }
        let answer = timeout(self.deadline, self.asked(method, parameters)).await;
        let answer = answer.unwrap_or_else(|_| {
            let deadline = self.deadline;
            Err(NodeError::Silent {
                url,
                method,
                deadline,
            })
        });
        let mut state = self.state();
        match &answer {
            Ok(_) | Err(NodeError::Refused { .. }) => {
                state.failures = 0;
                state.rests_until = None;
            }
            Err(_) => {
                let rest = self.rest * (1 << state.failures.min(MOST_DOUBLINGS));
                state.client = None;
                state.failures = state.failures.saturating_add(1);
                state.rests_until = Some(Instant::now() + rest);
            }
        }
        answer
    }

    async fn asked<T: DeserializeOwned>(
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
        client
            .request(method, parameters)
            .await
            .map_err(|error| match error {
                RpcError::User(UserError {
                    code,
                    message,
                    data,
                }) => {
                    let data = data.map_or_else(String::new, |data| format!(": {}", data.get()));
                    let message = format!("{message}{data}");
                    NodeError::Refused {
                        method,
                        code,
                        message,
                    }
                }
                RpcError::Deserialization(error) => {
                    let (url, what) = (url(), error.to_string());
                    NodeError::Senseless { url, method, what }
                }
                other => {
                    let (url, source) = (url(), other.into());
                    NodeError::Broken {
                        url,
                        method,
                        source,
                    }
                }
            })
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

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
