//! Which chain: a network of the ecosystem by its name, or a node by its address.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A subtensor chain, by the node that is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SubtensorNetwork {
    /// The main network, by a public node of the chain's makers.
    Finney,
    /// The test network, whose TAO is worth nothing, likewise.
    Test,
    /// A node on this machine, at the port where nodes listen.
    Local,
    /// Any node, by its WebSocket URL.
    Endpoint(String),
}

/// A text that is neither a network's name nor a WebSocket URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is no network: use finney, test, local, or the URL of a node, such as ws://127.0.0.1:9944"
)]
pub struct UnknownNetwork(String);

impl SubtensorNetwork {
    /// The node's WebSocket URL.
    pub fn url(&self) -> &str {
        match self {
            Self::Finney => "wss://entrypoint-finney.opentensor.ai:443",
            Self::Test => "wss://test.finney.opentensor.ai:443",
            Self::Local => "ws://127.0.0.1:9944",
            Self::Endpoint(url) => url,
        }
    }
}

impl fmt::Display for SubtensorNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finney => "finney",
            Self::Test => "test",
            Self::Local => "local",
            Self::Endpoint(url) => url,
        })
    }
}

impl FromStr for SubtensorNetwork {
    type Err = UnknownNetwork;

    fn from_str(text: &str) -> Result<Self, UnknownNetwork> {
        match text {
            "finney" => Ok(Self::Finney),
            "test" => Ok(Self::Test),
            "local" => Ok(Self::Local),
            url if url.starts_with("ws://") || url.starts_with("wss://") => {
                Ok(Self::Endpoint(url.to_owned()))
            }
            _ => Err(UnknownNetwork(text.to_owned())),
        }
    }
}

impl TryFrom<String> for SubtensorNetwork {
    type Error = UnknownNetwork;

    fn try_from(text: String) -> Result<Self, UnknownNetwork> {
        text.parse()
    }
}

impl From<SubtensorNetwork> for String {
    fn from(network: SubtensorNetwork) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_named_or_an_address() {
        for name in ["finney", "test", "local", "ws://10.0.0.5:9944"] {
            let network: SubtensorNetwork = name.parse().unwrap();
            assert_eq!(network.to_string(), name);
            assert!(network.url().starts_with("ws"));
        }
        let error = "mainnet"
            .parse::<SubtensorNetwork>()
            .unwrap_err()
            .to_string();
        assert!(error.contains("use finney, test, local"), "{error}");
    }
}
