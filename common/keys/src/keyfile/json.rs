//! The inside of a keyfile: one JSON object, its bytes in hex.

use foretell_core::hotkey::Hotkey;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::key_material::KeyMaterial;
use crate::keypair::Keypair;

/// sr25519, among the key types that the ecosystem knows.
const SR25519: u8 = 1;

/// The fields of a keyfile, in any order. URI-made keys lack `secretSeed`, public files all secrets.
#[derive(Serialize, Deserialize, Zeroize)]
#[serde(rename_all = "camelCase")]
struct KeyfileFields {
    #[serde(default)]
    account_id: String,
    public_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_phrase: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_seed: Option<String>,
    #[serde(
        default,
        rename = "ss58Address",
        skip_serializing_if = "Option::is_none"
    )]
    ss58_address: Option<String>,
    #[serde(default = "sr25519")]
    crypto_type: u8,
}

/// What is wrong with a keyfile's inside. No message repeats any of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyfileJsonError {
    /// The JSON ends in the middle.
    Truncated,
    /// Why it is no keyfile; none of it is quoted.
    Malformed(String),
    /// The secret gives another public key than the one stated, or the address is another's.
    Mismatch {
        /// The key that the file states.
        stated: Hotkey,
        /// The key that its secret gives.
        found: Hotkey,
    },
}

/// The key pair in a keyfile, checked against the public key and the address that it states.
pub fn parse_keypair(bytes: &[u8]) -> Result<Keypair, KeyfileJsonError> {
    let fields = parse_fields(bytes)?;
    let key = match (&fields.secret_seed, &fields.private_key) {
        (Some(seed), _) => decode_hex::<32>(seed)
            .map(|bytes| Keypair::from_seed(&bytes))
            .ok_or_else(|| malformed("secretSeed is not 32 bytes in hex"))?,
        (None, Some(private)) => decode_hex::<64>(private)
            .and_then(|bytes| Keypair::from_secret(&bytes))
            .ok_or_else(|| malformed("privateKey is no sr25519 secret of 64 bytes in hex"))?,
        (None, None) => return Err(malformed("it holds neither secretSeed nor privateKey")),
    };
    let stated = declared_public_key(&fields)?;
    if stated != key.hotkey() {
        return Err(KeyfileJsonError::Mismatch {
            stated,
            found: key.hotkey(),
        });
    }
    Ok(key)
}

/// The public key in a keyfile, with or without a secret.
pub fn parse_public_key(bytes: &[u8]) -> Result<Hotkey, KeyfileJsonError> {
    declared_public_key(&*parse_fields(bytes)?)
}

/// The JSON of a secret: with its seed and phrase, where it has them.
pub fn serialize(secret: &KeyMaterial) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
    let key = secret.key();
    let private = key.secret_bytes();
    let fields = Zeroizing::new(KeyfileFields {
        private_key: Some(to_hex(private.as_slice())),
        secret_phrase: secret.phrase().map(str::to_owned),
        secret_seed: secret.seed().map(|seed| to_hex(seed)),
        ..public_fields(key.hotkey())
    });
    serde_json::to_vec(&*fields).map(Zeroizing::new)
}

/// The JSON of a public key alone.
pub fn serialize_public_key(key: Hotkey) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&public_fields(key))
}

fn public_fields(key: Hotkey) -> KeyfileFields {
    let public = to_hex(&key.0);
    KeyfileFields {
        account_id: public.clone(),
        public_key: public,
        private_key: None,
        secret_phrase: None,
        secret_seed: None,
        ss58_address: Some(key.to_string()),
        crypto_type: SR25519,
    }
}

fn parse_fields(bytes: &[u8]) -> Result<Zeroizing<KeyfileFields>, KeyfileJsonError> {
    let fields: Zeroizing<KeyfileFields> = match serde_json::from_slice(bytes) {
        Ok(fields) => Zeroizing::new(fields),
        Err(error) if error.is_eof() => return Err(KeyfileJsonError::Truncated),
        // serde's own text might quote a secret.
        Err(error) if error.is_data() => {
            return Err(malformed("a field is missing or of another type"));
        }
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            return Err(malformed(&format!(
                "no JSON at line {line}, column {column}"
            )));
        }
    };
    if fields.crypto_type != SR25519 {
        return Err(malformed("its key is not of type sr25519 (cryptoType 1)"));
    }
    Ok(fields)
}

/// The key that the file states, which its address must repeat.
fn declared_public_key(fields: &KeyfileFields) -> Result<Hotkey, KeyfileJsonError> {
    let stated = decode_hex::<32>(&fields.public_key)
        .map(|bytes| Hotkey(*bytes))
        .ok_or_else(|| malformed("publicKey is not 32 bytes in hex"))?;
    match fields.ss58_address.as_ref().map(|address| address.parse()) {
        Some(Ok(address)) if address != stated => Err(KeyfileJsonError::Mismatch {
            stated: address,
            found: stated,
        }),
        Some(Err(_)) => Err(malformed("ss58Address is no address")),
        _ => Ok(stated),
    }
}

fn malformed(why: &str) -> KeyfileJsonError {
    KeyfileJsonError::Malformed(why.to_owned())
}

fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn decode_hex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    hex::decode_to_slice(text.trim_start_matches("0x"), bytes.as_mut_slice()).ok()?;
    Some(bytes)
}

const fn sr25519() -> u8 {
    SR25519
}
