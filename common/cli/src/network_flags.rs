//! The flags that name the chain and the subnet, in both programs.

use clap::Args;
use foretell_chain::network::SubtensorNetwork;
use foretell_chain::subnet_address::SubnetAddress;
use thiserror::Error;

/// Which network, and which of its subnets; named as in the ecosystem's tools.
#[derive(Debug, Clone, Default, Args)]
pub struct NetworkFlags {
    /// The chain: finney, test, or local (a node on this machine) [default: the configuration's].
    #[arg(
        long,
        alias = "subtensor.network",
        value_name = "NAME",
        conflicts_with = "endpoint"
    )]
    pub network: Option<SubtensorNetwork>,
    /// The chain, by the WebSocket URL of a node, such as ws://127.0.0.1:9944.
    #[arg(long, alias = "subtensor.chain_endpoint", value_name = "URL")]
    pub endpoint: Option<SubtensorNetwork>,
    /// The subnet's number [default: the configuration's].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = parse_netuid)]
    pub netuid: Option<u16>,
}

/// Why flags and configuration together don't name a subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SubnetAddressError {
    /// They name a network, and no subnet of it.
    #[error("which subnet of the network? Add --netuid")]
    MissingNetuid,
    /// They name a subnet, and no network that it is of.
    #[error(
        "--netuid is a subnet of which network? Add --network finney, test or local, or --endpoint"
    )]
    MissingNetwork,
}

impl NetworkFlags {
    /// The subnet that flags and configuration name together, the flags first; `None` if neither names any.
    pub fn resolve(
        &self,
        configured: Option<SubnetAddress>,
    ) -> Result<Option<SubnetAddress>, SubnetAddressError> {
        let network = self.endpoint.clone().or_else(|| self.network.clone());
        let (configured_network, configured_netuid) = configured
            .map(|subnet| (subnet.network, subnet.netuid))
            .unzip();
        match (
            network.or(configured_network),
            self.netuid.or(configured_netuid),
        ) {
            (Some(network), Some(netuid)) => Ok(Some(SubnetAddress { network, netuid })),
            (Some(_), None) => Err(SubnetAddressError::MissingNetuid),
            (None, Some(_)) => Err(SubnetAddressError::MissingNetwork),
            (None, None) => Ok(None),
        }
    }
}

fn parse_netuid(text: &str) -> Result<u16, &'static str> {
    text.parse()
        .map_err(|_| "a subnet's number is from 0 to 65535")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_before_the_configuration() {
        let none = NetworkFlags::default();
        assert_eq!(none.resolve(None), Ok(None));
        let configured = SubnetAddress {
            network: SubtensorNetwork::Finney,
            netuid: 8,
        };
        assert_eq!(
            none.resolve(Some(configured.clone())),
            Ok(Some(configured.clone()))
        );
        let test = NetworkFlags {
            network: Some(SubtensorNetwork::Test),
            ..NetworkFlags::default()
        };
        let found = test.resolve(Some(configured)).unwrap().unwrap();
        assert_eq!(found.to_string(), "subnet 8 of test");
        assert_eq!(test.resolve(None), Err(SubnetAddressError::MissingNetuid));
        let subnet = NetworkFlags {
            netuid: Some(3),
            ..NetworkFlags::default()
        };
        assert_eq!(
            subnet.resolve(None),
            Err(SubnetAddressError::MissingNetwork)
        );
    }
}
