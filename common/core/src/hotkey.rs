//! Who takes part: hotkeys, which are sr25519 public keys written as `ss58` text, and their places on the chain.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ss58::{self, Ss58Error};

/// A hotkey's public key. Miners are keyed by hotkey, never by uid.
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

impl FromStr for Hotkey {
    type Err = Ss58Error;

    fn from_str(text: &str) -> Result<Self, Ss58Error> {
        ss58::decode(text).map(Self)
    }
}

impl fmt::Display for Hotkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ss58::encode(&self.0))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_are_in_the_order_of_their_bytes(a: [u8; 32], b: [u8; 32], common in 0usize..=32) {
            let mut near = a;
            near[common..].copy_from_slice(&b[common..]);
            prop_assert_eq!(Hotkey(a).cmp(&Hotkey(near)), a.cmp(&near));
        }
    }
}
