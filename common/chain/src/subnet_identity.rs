//! Which subnet of which chain: what a data directory remembers, so that it is never carried on with another.

use std::fmt;

use foretell_core::hash::{Hash, Hex};
use serde::{Deserialize, Serialize};

/// The first block of the main network, and of the test network (as wallets list them).
const FINNEY: Hash = Hex([
    0x2f, 0x05, 0x55, 0xcc, 0x76, 0xfc, 0x28, 0x40, 0xa2, 0x5a, 0x6e, 0xa3, 0xb9, 0x63, 0x71, 0x46,
    0x80, 0x6f, 0x1f, 0x44, 0xb0, 0x90, 0xc1, 0x75, 0xff, 0xde, 0x2a, 0x7e, 0x5a, 0xb3, 0x6c, 0x03,
]);
const TEST: Hash = Hex([
    0x8f, 0x9c, 0xf8, 0x56, 0xbf, 0x55, 0x8a, 0x14, 0x44, 0x0e, 0x75, 0x56, 0x9c, 0x9e, 0x58, 0x59,
    0x47, 0x57, 0x04, 0x8d, 0x7b, 0x3a, 0x84, 0xb5, 0xd2, 0x5f, 0x6b, 0xd9, 0x78, 0x26, 0x31, 0x05,
]);

/// The chain and the subnet that a data directory belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SubnetIdentity {
    /// The local ledger of the data directory.
    Local,
    /// A subnet of a subtensor chain, whichever node it is read from.
    Subtensor {
        /// Hash of the chain's first block.
        genesis: Hash,
        /// The subnet's number.
        netuid: u16,
    },
}

impl SubnetIdentity {
    /// Whether it is of finney or the test network, where anybody can register.
    pub fn is_public(&self) -> bool {
        match self {
            Self::Local => false,
            Self::Subtensor { genesis, .. } => [FINNEY, TEST].contains(genesis),
        }
    }
}

impl fmt::Display for SubnetIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("the local ledger"),
            Self::Subtensor { genesis, netuid } if *genesis == FINNEY => {
                write!(f, "subnet {netuid} of finney")
            }
            Self::Subtensor { genesis, netuid } if *genesis == TEST => {
                write!(f, "subnet {netuid} of test")
            }
            Self::Subtensor { genesis, netuid } => {
                write!(f, "subnet {netuid} of the chain that begins with {genesis}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_networks_are_known_by_their_first_block() {
        let subnet = |genesis| SubnetIdentity::Subtensor { genesis, netuid: 8 };
        assert_eq!(subnet(FINNEY).to_string(), "subnet 8 of finney");
        assert!(FINNEY.to_string().starts_with("2f0555cc76fc2840"));
        assert!(subnet(FINNEY).is_public() && subnet(TEST).is_public());
        let own = subnet(Hex([1; 32]));
        assert!(!own.is_public() && !SubnetIdentity::Local.is_public());
        let text = serde_json::to_string(&own).unwrap();
        assert_eq!(serde_json::from_str::<SubnetIdentity>(&text).unwrap(), own);
    }
}
