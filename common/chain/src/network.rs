//! Which chain: a network of the ecosystem by its name, or a node by its address; and which subnet of it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use foretell_core::hash::Hash;
use serde::{Deserialize, Serialize};
use thiserror::Error;

#[cfg(not(feature = "subtensor"))]
use crate::local_chain::LocalChain;
#[cfg(feature = "subtensor")]
use crate::subtensor::{Subtensor, connection::NodeConnection};

/// A chain, by a node that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SubtensorNetwork {
    /// The main network.
    Finney,
    /// The test network, whose TAO is worth nothing.
    Test,
    /// A node on this machine, at the port where nodes listen.
    Local,
    /// Any node, by its WebSocket URL.
    Endpoint(String),
}

/// One subnet of one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubnetAddress {
    /// "finney", "test", "local", or the WebSocket URL of a node.
    pub network: SubtensorNetwork,
    /// The subnet's number.
    pub netuid: u16,
}

/// A text that names no network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is no network: use finney, test, local, or the URL of a node, such as ws://127.0.0.1:9944"
)]
pub struct UnknownNetwork(String);

/// This program can't speak to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "this program was built without the client of the real chain: build it with \
     `cargo build --release --package {package} --features subtensor`"
)]
pub struct SubtensorFeatureDisabled {
    /// The package that has to be built again.
    pub package: &'static str,
}

impl SubnetAddress {
    /// The subnet as a chain, which must begin with block `genesis` if one is given; `package` is the caller's, which may
    /// have to be built again.
    #[cfg(feature = "subtensor")]
    pub fn connect(
        &self,
        genesis: Option<Hash>,
        _package: &'static str,
    ) -> Result<Arc<Subtensor>, SubtensorFeatureDisabled> {
        let connection = NodeConnection::new(self.network.url());
        let chain = Subtensor::new(connection, self.netuid);
        Ok(Arc::new(match genesis {
            Some(genesis) => chain.with_genesis(genesis),
            None => chain,
        }))
    }

    /// A program without the client of the real chain says how to build one with it.
    #[cfg(not(feature = "subtensor"))]
    pub fn connect(
        &self,
        _genesis: Option<Hash>,
        package: &'static str,
    ) -> Result<Arc<LocalChain>, SubtensorFeatureDisabled> {
        Err(SubtensorFeatureDisabled { package })
    }
}

impl SubtensorNetwork {
    /// The node's address.
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

impl fmt::Display for SubnetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subnet {} of {}", self.netuid, self.network)
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

    /// The path itself in a program without the client, its words in one with it.
    #[test]
    fn a_program_without_the_client_says_how_to_build_one_with_it() {
        let package = "foretell-validator";
        #[cfg(feature = "subtensor")]
        let refused = SubtensorFeatureDisabled { package };
        #[cfg(not(feature = "subtensor"))]
        let refused = {
            let (network, netuid) = (SubtensorNetwork::Test, 8);
            SubnetAddress { network, netuid }
                .connect(None, package)
                .unwrap_err()
        };
        let words = refused.to_string();
        let command = "cargo build --release --package foretell-validator --features subtensor";
        assert!(words.contains(command), "{words}");
    }
}
