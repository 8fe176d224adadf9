//! Which chain: a network of the ecosystem by its name, or a node by its address; and which subnet of it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use foretell_core::attest::Hash;
use serde::{Deserialize, Serialize};
use thiserror::Error;

#[cfg(not(feature = "subtensor"))]
use crate::local::LocalChain;
#[cfg(feature = "subtensor")]
use crate::subtensor::{Subtensor, connection::Connection};

/// A chain, by a node that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Network {
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
pub struct Place {
    /// "finney", "test", "local", or the WebSocket URL of a node.
    pub network: Network,
    /// The subnet's number.
    pub netuid: u16,
}

/// The flags by which both programs are told which chain they work with; named as in the ecosystem's tools.
#[derive(Debug, Clone, Default, Args)]
pub struct NetworkFlags {
    /// The chain: finney, test, or local (a node on this machine) [default: the configuration's].
    #[arg(
        long,
        alias = "subtensor.network",
        value_name = "NAME",
        conflicts_with = "endpoint"
    )]
    pub network: Option<Network>,
    /// The chain, by the WebSocket URL of a node, such as ws://127.0.0.1:9944.
    #[arg(long, alias = "subtensor.chain_endpoint", value_name = "URL")]
    pub endpoint: Option<Network>,
    /// The subnet's number [default: the configuration's].
    #[arg(long, value_name = "N")]
    pub netuid: Option<u16>,
}

/// A text that names no network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{0:?} is no network: use finney, test, local, or the URL of a node, such as ws://127.0.0.1:9944"
)]
pub struct UnknownNetwork(String);

/// Flags and configuration that don't say which subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PlaceError {
    /// A network without a subnet.
    #[error("which subnet of the network? Add --netuid")]
    NoSubnet,
    /// A subnet without a network.
    #[error(
        "--netuid is a subnet of which network? Add --network finney, test or local, or --endpoint"
    )]
    NoNetwork,
}

/// This program can't speak to a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "this program was built without the client of the real chain: build it with \
     `cargo build --release --package {package} --features subtensor`"
)]
pub struct NotBuiltIn {
    /// The package that has to be built again.
    pub package: &'static str,
}

impl Place {
    /// The subnet as a chain, which must begin with block `genesis` if one is given; `package` is the caller's, which may
    /// have to be built again.
    #[cfg(feature = "subtensor")]
    pub fn chain(
        &self,
        genesis: Option<Hash>,
        _package: &'static str,
    ) -> Result<Arc<Subtensor>, NotBuiltIn> {
        let connection = Connection::new(self.network.url());
        let chain = Subtensor::new(connection, self.netuid);
        Ok(Arc::new(match genesis {
            Some(genesis) => chain.beginning_with(genesis),
            None => chain,
        }))
    }

    /// A program without the client of the real chain says how to build one with it.
    #[cfg(not(feature = "subtensor"))]
    pub fn chain(
        &self,
        _genesis: Option<Hash>,
        package: &'static str,
    ) -> Result<Arc<LocalChain>, NotBuiltIn> {
        Err(NotBuiltIn { package })
    }
}

impl Network {
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

impl NetworkFlags {
    /// The place that flags and configuration name together, the flags first; `None` if neither names any.
    pub fn over(&self, configured: Option<Place>) -> Result<Option<Place>, PlaceError> {
        let network = self.endpoint.clone().or_else(|| self.network.clone());
        let (before, netuid) = configured
            .map(|place| (place.network, place.netuid))
            .unzip();
        match (network.or(before), self.netuid.or(netuid)) {
            (Some(network), Some(netuid)) => Ok(Some(Place { network, netuid })),
            (Some(_), None) => Err(PlaceError::NoSubnet),
            (None, Some(_)) => Err(PlaceError::NoNetwork),
            (None, None) => Ok(None),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finney => "finney",
            Self::Test => "test",
            Self::Local => "local",
            Self::Endpoint(url) => url,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subnet {} of {}", self.netuid, self.network)
    }
}

impl FromStr for Network {
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

impl TryFrom<String> for Network {
    type Error = UnknownNetwork;

    fn try_from(text: String) -> Result<Self, UnknownNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_named_or_an_address() {
        for name in ["finney", "test", "local", "ws://10.0.0.5:9944"] {
            let network: Network = name.parse().unwrap();
            assert_eq!(network.to_string(), name);
            assert!(network.url().starts_with("ws"));
        }
        let error = "mainnet".parse::<Network>().unwrap_err().to_string();
        assert!(error.contains("use finney, test, local"), "{error}");
    }

    #[test]
    fn flags_go_before_the_configuration() {
        let none = NetworkFlags::default();
        assert_eq!(none.over(None), Ok(None));
        let configured = Place {
            network: Network::Finney,
            netuid: 8,
        };
        assert_eq!(
            none.over(Some(configured.clone())),
            Ok(Some(configured.clone()))
        );
        let test = NetworkFlags {
            network: Some(Network::Test),
            ..NetworkFlags::default()
        };
        let found = test.over(Some(configured)).unwrap().unwrap();
        assert_eq!(found.to_string(), "subnet 8 of test");
        assert_eq!(test.over(None), Err(PlaceError::NoSubnet));
        let subnet = NetworkFlags {
            netuid: Some(3),
            ..NetworkFlags::default()
        };
        assert_eq!(subnet.over(None), Err(PlaceError::NoNetwork));
    }

    /// The path itself in a program without the client, its words in one with it.
    #[test]
    fn a_program_without_the_client_says_how_to_build_one_with_it() {
        let package = "foretell-validator";
        #[cfg(feature = "subtensor")]
        let refused = NotBuiltIn { package };
        #[cfg(not(feature = "subtensor"))]
        let refused = {
            let (network, netuid) = (Network::Test, 8);
            Place { network, netuid }.chain(None, package).unwrap_err()
        };
        let words = refused.to_string();
        let command = "cargo build --release --package foretell-validator --features subtensor";
        assert!(words.contains(command), "{words}");
    }
}
