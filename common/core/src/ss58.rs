//! Public keys as text, the way Substrate chains write them: base58 of an address type, the key and a checksum.

use blake2::{Blake2b512, Digest};
use thiserror::Error;

/// Bittensor's ss58 address type.
const SS58_FORMAT: u8 = 42;

/// Why a text is no ss58 address of a hotkey.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Ss58Error {
    /// The text is not base58, or not of 35 bytes.
    #[error("{0:?} is no ss58 address: expected base58 of 35 bytes, such as 5FHneW46xGXgs5m…")]
    Malformed(String),
    /// The address is one of another chain.
    #[error("{address:?} has ss58 address type {found}, expected {SS58_FORMAT}")]
    Network {
        /// The text that was read.
        address: String,
        /// The address type that it has.
        found: u8,
    },
    /// The checksum doesn't fit the key, as after a typing error.
    #[error("{0:?} has a wrong checksum: was it mistyped?")]
    Checksum(String),
}

/// The address of a public key on Bittensor.
pub fn encode(key: &[u8; 32]) -> String {
    let mut bytes = vec![SS58_FORMAT];
    bytes.extend(key);
    bytes.extend(checksum(key));
    bs58::encode(bytes).into_string()
}

/// The public key that an address of Bittensor stands for.
pub fn decode(text: &str) -> Result<[u8; 32], Ss58Error> {
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
    Ok(key)
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
    use super::*;

    /// The well-known development key `//Bob`.
    const BOB: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

    #[test]
    fn a_known_address_reads_and_writes() {
        let bob = decode(BOB).unwrap();
        assert_eq!(
            hex::encode(bob),
            "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"
        );
        assert_eq!(encode(&bob), BOB);
    }

    #[test]
    fn a_mistyped_address_is_refused_with_its_reason() {
        let swapped = BOB.replace("ty", "tz");
        assert!(matches!(decode(&swapped), Err(Ss58Error::Checksum(_))));
        assert!(matches!(decode(""), Err(Ss58Error::Malformed(_))));
        let kusama = "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F";
        assert!(matches!(
            decode(kusama),
            Err(Ss58Error::Malformed(_) | Ss58Error::Network { .. })
        ));
    }
}
