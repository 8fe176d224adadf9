//! Public keys as text, the way Substrate chains write them: base58 of an address type, the key and a checksum.

use blake2::{Blake2b512, Digest};
use thiserror::Error;

/// Bittensor's ss58 address type.
const SS58_FORMAT: u16 = 42;
/// The longest text of an address: base58 of 36 bytes, 2 of them the address type.
const MAX_TEXT_BYTES: usize = 50;
/// How much of a text that is no address its error repeats.
const QUOTED_CHARS: usize = 64;

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
        found: u16,
    },
    /// The checksum doesn't fit the key, as after a typing error.
    #[error("{0:?} has a wrong checksum: was it mistyped?")]
    Checksum(String),
}

/// The address of a public key on Bittensor.
pub fn encode(key: &[u8; 32]) -> String {
    // Bittensor's address type is below 64, which one byte says.
    let mut bytes = vec![SS58_FORMAT as u8];
    bytes.extend(key);
    let checksum = checksum(&bytes);
    bytes.extend(checksum);
    bs58::encode(bytes).into_string()
}

/// The public key that an address of Bittensor stands for.
pub fn decode(text: &str) -> Result<[u8; 32], Ss58Error> {
    match decode_of_any_chain(text)? {
        (SS58_FORMAT, key) => Ok(key),
        (found, _) => Err(Ss58Error::Network {
            address: text.to_owned(),
            found,
        }),
    }
}

/// The address type of an address of any chain, and the public key that it stands for.
///
/// The time that base58 takes grows with the square of the text's length, so one that is too long is refused unread.
pub fn decode_of_any_chain(text: &str) -> Result<(u16, [u8; 32]), Ss58Error> {
    let malformed = || Ss58Error::Malformed(text.chars().take(QUOTED_CHARS).collect());
    if text.len() > MAX_TEXT_BYTES {
        return Err(malformed());
    }
    let bytes = bs58::decode(text).into_vec().map_err(|_| malformed())?;
    let (format, prefix_bytes) = address_type(&bytes).ok_or_else(malformed)?;
    let (stated, found_checksum) = bytes.split_last_chunk::<2>().ok_or_else(malformed)?;
    let key: [u8; 32] = stated[prefix_bytes..].try_into().map_err(|_| malformed())?;
    if checksum(stated) != *found_checksum {
        return Err(Ss58Error::Checksum(text.to_owned()));
    }
    Ok((format, key))
}

/// The address type that an address begins with, and how many bytes say it: one below 64, else two, their bits in the order
/// of Substrate's registry.
fn address_type(bytes: &[u8]) -> Option<(u16, usize)> {
    match *bytes {
        [simple @ 0..64, ..] if bytes.len() == 35 => Some((u16::from(simple), 1)),
        [first @ 64..128, second, ..] if bytes.len() == 36 => {
            let low = (first << 2) | (second >> 6);
            let high = second & 0b11_1111;
            Some((u16::from_le_bytes([low, high]), 2))
        }
        _ => None,
    }
}

/// First two bytes of BLAKE2b-512 of `"SS58PRE" ‖ type ‖ key`.
fn checksum(type_and_key: &[u8]) -> [u8; 2] {
    let mut hash = Blake2b512::new();
    hash.update(b"SS58PRE");
    hash.update(type_and_key);
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
            Err(Ss58Error::Network { found: 2, .. })
        ));
        // The first character changed, which is the address type and the checksum's input.
        assert!(decode(&kusama.replacen('H', "G", 1)).is_err());
    }

    /// Alice's key as Polkadot (type 0), and as a chain whose type takes two bytes (Moonriver's neighbour 172), write it.
    #[test]
    fn addresses_of_other_chains_are_known_for_the_same_key() {
        let alice = decode("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY").unwrap();
        let polkadot = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5";
        assert_eq!(decode_of_any_chain(polkadot), Ok((0, alice)));
        let error = decode(polkadot).unwrap_err().to_string();
        assert!(error.contains("address type 0, expected 42"), "{error}");
        let format = 172_u16;
        let prefix = [
            ((format & 0xfc) >> 2) as u8 | 64,
            (format >> 8) as u8 | ((format & 3) << 6) as u8,
        ];
        let mut bytes = [&prefix[..], &alice].concat();
        bytes.extend(checksum(&bytes));
        let text = bs58::encode(bytes).into_string();
        assert!(text.len() <= MAX_TEXT_BYTES);
        assert_eq!(decode_of_any_chain(&text), Ok((format, alice)));
    }

    /// Decoding would take minutes, and the error would repeat it all.
    #[test]
    fn a_text_too_long_for_an_address_is_refused_unread_and_not_repeated() {
        let long = "5".repeat(1 << 20);
        let error = decode(&long).unwrap_err().to_string();
        assert!(error.len() < 200, "{} bytes", error.len());
        let longest = bs58::encode([255; 36]).into_string();
        assert_eq!(longest.len(), MAX_TEXT_BYTES);
    }

    proptest::proptest! {
        #[test]
        fn every_key_comes_back_from_its_address(key: [u8; 32]) {
            proptest::prop_assert_eq!(decode(&encode(&key)), Ok(key));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            drop(decode(&text));
        }
    }
}
