//! Where a venue's sockets are opened, and how.

use std::sync::Arc;

use foretell_core::time::UnixMillis;
use rustls::ClientConfig;
use thiserror::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// The text isn't the address of a WebSocket.
#[derive(Debug, Error)]
#[error("{0:?} is no WebSocket address: write ws://HOST[:PORT]/PATH or wss://…")]
pub struct SocketUrlError(String);

/// The address of a venue's WebSocket interface, `ws://` or `wss://`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketUrl {
    pub(super) url: String,
    pub(super) host: String,
    pub(super) port: u16,
}

impl SocketUrl {
    /// The parsed address; the port is 80 or 443 where the text has none.
    pub fn new(url: &str) -> Result<Self, SocketUrlError> {
        let error = || SocketUrlError(url.to_owned());
        let request = url.into_client_request().map_err(|_| error())?;
        let uri = request.uri();
        let default = match uri.scheme_str() {
            Some("ws") => 80,
            Some("wss") => 443,
            _ => return Err(error()),
        };
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or_else(error)?;
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
    /// Address of the venue's WebSocket interface.
    pub address: SocketUrl,
    /// The roots that TLS trusts.
    pub tls: Arc<ClientConfig>,
    /// The clock that dates messages on arrival.
    pub clock: fn() -> UnixMillis,
}
