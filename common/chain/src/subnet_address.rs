//! Which subnet of which chain, as a configuration or the command line names it, and the connection to it.

use std::fmt;
use std::sync::Arc;

use foretell_core::hash::Hash;
use serde::{Deserialize, Serialize};
use thiserror::Error;

#[cfg(not(feature = "subtensor"))]
use crate::local_chain::LocalChain;
use crate::network::SubtensorNetwork;
#[cfg(feature = "subtensor")]
use crate::subtensor::{Subtensor, connection::NodeConnection};

/// One subnet of one subtensor chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubnetAddress {
    /// "finney", "test", "local", or the WebSocket URL of a node.
    pub network: SubtensorNetwork,
    /// The subnet's number on that chain.
    pub netuid: u16,
}

/// This program was built without the client of the real chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "this program was built without the client of the real chain: build it with \
     `cargo build --release --package {package} --features subtensor`"
)]
pub struct SubtensorFeatureDisabled {
    /// The package that has to be built with it, such as `foretell-miner`.
    pub package: &'static str,
}

impl SubnetAddress {
    /// The subnet by a node of its chain, which must begin with block `genesis` if one is given; `package` is the caller's, which may
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

impl fmt::Display for SubnetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subnet {} of {}", self.netuid, self.network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
