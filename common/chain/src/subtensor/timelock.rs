//! Weights that reveal themselves: encrypted to the key that drand publishes in a future round.
//!
//! ```text
//! payload      SCALE {hotkey, uids, values, version_key}     (without the hotkey for `crv3`)
//! ciphertext   U (96 bytes) ‖ u64 32 ‖ V ‖ u64 32 ‖ W ‖ body ‖ "AES_GCM_", the last two with their lengths
//! ```
//!
//! The identity is SHA-256 of the round, big-endian; the network is drand's quicknet. The crate `timelock` leaves out
//! the two lengths, which the chain and `bittensor-drand` expect: they are put in here.

use foretell_core::hotkey::{Hotkey, Uid};
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use subxt::ext::codec::Encode;
use thiserror::Error;
use timelock::block_ciphers::AESGCMBlockCipherProvider;
use timelock::engines::EngineBLS;
use timelock::engines::drand::TinyBLS381;
use timelock::ibe::fullident::Identity;
use timelock::tlock::tle;
use zeroize::Zeroizing;

/// Unix time of quicknet's first round, in seconds.
const GENESIS_S: u64 = 1_692_803_367;
/// Seconds between two drand rounds.
const PERIOD_S: u64 = 3;
/// Quicknet's public key, compressed.
const PUBLIC_KEY: &str = "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106\
                          4510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5\
                          ece45a";
/// Bytes of U, and of V and W each.
const U_BYTES: usize = 96;
const V_BYTES: usize = 32;

/// Why a payload can't be encrypted, in the library's words.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("can't encrypt to a drand round: {0}")]
pub struct TimelockError(String);

/// The last drand round that is published by `unix_s`, in unix seconds.
pub const fn round_at(unix_s: u64) -> u64 {
    unix_s.saturating_sub(GENESIS_S) / PERIOD_S + 1
}

/// The payload of a commitment of version 4.
pub fn payload_v4(hotkey: &Hotkey, uids: &[Uid], values: &[u16], version_key: u64) -> Vec<u8> {
    let uids = numbers(uids);
    (hotkey.0.to_vec(), uids, values.to_vec(), version_key).encode()
}

/// The payload of a commitment on runtimes before version 4.
pub fn payload_v3(uids: &[Uid], values: &[u16], version_key: u64) -> Vec<u8> {
    (numbers(uids), values.to_vec(), version_key).encode()
}

/// `payload`, encrypted so that anybody can read it once drand has published `round`.
pub fn encrypt(payload: &[u8], round: u64) -> Result<Vec<u8>, TimelockError> {
    let mut secret = Zeroizing::new([0; 32]);
    OsRng.fill_bytes(secret.as_mut_slice());
    let key = hex::decode(PUBLIC_KEY).map_err(failed)?;
    let key = public_key(&key)?;
    let identity = Identity::new(b"", &Sha256::digest(round.to_be_bytes()));
    let ciphertext =
        tle::<TinyBLS381, AESGCMBlockCipherProvider, _>(key, *secret, payload, identity, OsRng)
            .map_err(|error| TimelockError(format!("{error:?}")))?;
    with_lengths(&bytes_of(&ciphertext)?)
}

fn numbers(uids: &[Uid]) -> Vec<u16> {
    uids.iter().map(|uid| uid.0).collect()
}

type PublicKey = <TinyBLS381 as EngineBLS>::PublicKeyGroup;

fn public_key(bytes: &[u8]) -> Result<PublicKey, TimelockError> {
    ark_serialize::CanonicalDeserialize::deserialize_compressed(bytes).map_err(failed)
}

fn bytes_of(ciphertext: &impl ark_serialize::CanonicalSerialize) -> Result<Vec<u8>, TimelockError> {
    let mut bytes = Vec::new();
    ciphertext
        .serialize_compressed(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

/// The ciphertext of the crate `timelock` with the two lengths that it leaves out.
fn with_lengths(bytes: &[u8]) -> Result<Vec<u8>, TimelockError> {
    let (u, rest) = bytes.split_at_checked(U_BYTES).ok_or_else(short)?;
    let (v, rest) = rest.split_at_checked(V_BYTES).ok_or_else(short)?;
    let length = (V_BYTES as u64).to_le_bytes();
    Ok([u, &length, v, &length, rest].concat())
}

fn short() -> TimelockError {
    TimelockError("the ciphertext is too short".to_owned())
}

fn failed(error: impl std::fmt::Display) -> TimelockError {
    TimelockError(error.to_string())
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::hotkey;

    use super::*;

    #[test]
    fn rounds_are_counted_from_one() {
        assert_eq!(round_at(GENESIS_S), 1);
        assert_eq!(round_at(GENESIS_S + 2), 1);
        assert_eq!(round_at(GENESIS_S + 3), 2);
        assert_eq!(round_at(0), 1);
    }

    #[test]
    fn payloads_are_scale() {
        // Compact lengths 4·n, little-endian numbers.
        assert_eq!(
            hex::encode(payload_v3(&[Uid(1), Uid(2)], &[65_535, 3], 7)),
            "0801000200".to_owned() + "08ffff0300" + "0700000000000000"
        );
        let with_hotkey = hex::encode(payload_v4(&hotkey(9), &[Uid(1), Uid(2)], &[65_535, 3], 7));
        let tail = hex::encode(payload_v3(&[Uid(1), Uid(2)], &[65_535, 3], 7));
        assert_eq!(with_hotkey, format!("80{}{tail}", "09".repeat(32)));
    }

    #[test]
    fn a_ciphertext_has_the_lengths_that_the_chain_reads() {
        let ciphertext = encrypt(b"weights", 1000).unwrap();
        let length = 32_u64.to_le_bytes();
        assert_eq!(ciphertext[96..104], length);
        assert_eq!(ciphertext[136..144], length);
        assert!(ciphertext.ends_with(b"AES_GCM_"));
        assert_eq!(
            ciphertext[ciphertext.len() - 16..ciphertext.len() - 8],
            8_u64.to_le_bytes()
        );
    }
}
