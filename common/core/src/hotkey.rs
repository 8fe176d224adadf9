//! Who takes part: hotkeys (sr25519 public keys written as ss58) and their places on the chain.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use blake2::{Blake2b512, Digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Bittensor's ss58 address type.
const SS58_FORMAT: u8 = 42;

/// A hotkey's (or coldkey's) public key. Miners are keyed by hotkey, never by uid.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hotkey(pub [u8; 32]);

impl Hotkey {
    fn halves(&self) -> [u128; 2] {
        let (halves, _) = self.0.as_chunks::<16>();
        [halves[0], halves[1]].map(u128::from_be_bytes)
    }
}

/// By bytes, as two numbers: maps of miners do little else than compare keys, and a derived order calls `memcmp`.
impl Ord for Hotkey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.halves().cmp(&other.halves())
    }
}

impl PartialOrd for Hotkey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A place in the metagraph. It can pass to another hotkey at any block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(pub u16);

/// Why a text is no ss58 address of a hotkey.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Ss58Error {
    /// Not base58 of the right length.
    #[error("{0:?} is no ss58 address: expected base58 of 35 bytes, such as 5FHneW46xGXgs5m…")]
    Malformed(String),
    /// An address of another chain.
    #[error("{address:?} has ss58 address type {found}, expected {SS58_FORMAT}")]
    Network {
        /// The text.
        address: String,
        /// Its type byte.
        found: u8,
    },
    /// A typing error: the checksum doesn't fit.
    #[error("{0:?} has a wrong checksum: was it mistyped?")]
    Checksum(String),
}

impl FromStr for Hotkey {
    type Err = Ss58Error;

    fn from_str(text: &str) -> Result<Self, Ss58Error> {
        let malformed = || Ss58Error::Malformed(text.to_owned());
        let bytes = bs58::decode(text).into_vec().map_err(|_| malformed())?;
        let bytes: [u8; 35] = bytes.try_into().map_err(|_| malformed())?;
        if bytes[0] != SS58_FORMAT {
            return Err(Ss58Error::Network {
                address: text.to_owned(),
                found: bytes[0],
            });
        }
        let mut key = [0; 32];
        key.copy_from_slice(&bytes[1..33]);
        if checksum(&key) != bytes[33..] {
            return Err(Ss58Error::Checksum(text.to_owned()));
        }
        Ok(Self(key))
    }
}

impl fmt::Display for Hotkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![SS58_FORMAT];
        bytes.extend(self.0);
        bytes.extend(checksum(&self.0));
        f.write_str(&bs58::encode(bytes).into_string())
    }
}

impl fmt::Debug for Hotkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hotkey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hotkey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// First two bytes of BLAKE2b-512 of `"SS58PRE" ‖ type ‖ key`.
fn checksum(key: &[u8; 32]) -> [u8; 2] {
    let mut hash = Blake2b512::new();
    hash.update(b"SS58PRE");
    hash.update([SS58_FORMAT]);
    hash.update(key);
    let digest = hash.finalize();
    [digest[0], digest[1]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The well-known development key `//Bob`.
    const BOB: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

    proptest! {
        #[test]
        fn keys_are_in_the_order_of_their_bytes(a: [u8; 32], b: [u8; 32], common in 0usize..=32) {
            let mut near = a;
            near[common..].copy_from_slice(&b[common..]);
            prop_assert_eq!(Hotkey(a).cmp(&Hotkey(near)), a.cmp(&near));
        }
    }

    #[test]
    fn a_known_address_reads_and_writes() {
        let bob: Hotkey = BOB.parse().unwrap();
        assert_eq!(
            hex::encode(bob.0),
            "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"
        );
        assert_eq!(bob.to_string(), BOB);
    }

    #[test]
    fn a_mistyped_address_is_refused_with_its_reason() {
        let swapped = BOB.replace("ty", "tz");
        assert!(matches!(
            swapped.parse::<Hotkey>(),
            Err(Ss58Error::Checksum(_))
        ));
        assert!(matches!("".parse::<Hotkey>(), Err(Ss58Error::Malformed(_))));
        let kusama = "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F";
        assert!(matches!(
            kusama.parse::<Hotkey>(),
            Err(Ss58Error::Malformed(_) | Ss58Error::Network { .. })
        ));
    }
}
