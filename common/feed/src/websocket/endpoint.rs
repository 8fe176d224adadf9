//! Where a venue's sockets are opened, and how.

use std::sync::Arc;

use foretell_core::time::UnixMillis;
use rustls::ClientConfig;
use thiserror::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// The address is none of a WebSocket.
#[derive(Debug, Error)]
#[error("{0:?} is no WebSocket address: write ws://HOST[:PORT]/PATH or wss://…")]
pub struct SocketUrlError(String);

/// Where a venue's WebSocket interface is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketUrl {
    pub(super) url: String,
    pub(super) host: String,
    pub(super) port: u16,
}

impl SocketUrl {
    /// The address that this URL names.
    pub fn new(url: &str) -> Result<Self, SocketUrlError> {
        let bad = || SocketUrlError(url.to_owned());
        let request = url.into_client_request().map_err(|_| bad())?;
        let uri = request.uri();
        let default = match uri.scheme_str() {
            Some("ws") => 80,
            Some("wss") => 443,
            _ => return Err(bad()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        Ok(Self {
            url: url.to_owned(),
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(default),
        })
    }
}

/// Where a venue's sockets are opened, and how.
#[derive(Debug, Clone)]
pub struct SocketEndpoint {
    /// The venue's WebSocket interface.
    pub address: SocketUrl,
    /// Whom TLS trusts.
    pub tls: Arc<ClientConfig>,
    /// Says when a message came.
    pub clock: fn() -> UnixMillis,
}
