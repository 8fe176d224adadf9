//! Hashes, signatures and other byte strings of fixed length, as text in hex; and the one hash function, SHA-256.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// `N` bytes, written in lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

/// SHA-256 of some bytes.
pub type Hash = Hex<32>;

/// What binds a miner to its payload: see [`commitment`](crate::signed_text::commitment).
pub type Commitment = Hex<32>;

/// The secret that hides a payload behind its commitment until it is revealed.
pub type Nonce = Hex<32>;

/// An sr25519 signature.
pub type Signature = Hex<64>;

/// A text that is not `expected` bytes in hex.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected {expected} bytes in hex, found {found:?}")]
pub struct HexError {
    expected: usize,
    found: String,
}

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> Hash {
    Hex(Sha256::digest(bytes).into())
}

impl<const N: usize> FromStr for Hex<N> {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| HexError {
            expected: N,
            found: text.chars().take(2 * N + 8).collect(),
        })?;
        Ok(Self(bytes))
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_exact_and_says_what_it_expected() {
        let hash = sha256(b"");
        assert_eq!(
            hash.to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
        let error = "abc".parse::<Hash>().unwrap_err();
        assert_eq!(error.to_string(), "expected 32 bytes in hex, found \"abc\"");
    }
}
