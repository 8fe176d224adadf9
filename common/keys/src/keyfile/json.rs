//! The inside of a keyfile: one JSON object, its bytes in hex; or a public key as bare text.

use std::str;

use foretell_core::hotkey::Hotkey;
use foretell_core::ss58;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

use crate::key_material::KeyMaterial;
use crate::keypair::Keypair;

/// sr25519, among the key types that the ecosystem knows.
const SR25519: &str = "1";
/// How UTF-8 text of some editors begins.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The fields of a keyfile, in any order, each still as its JSON: null and "" are as if it weren't there. Keys made of a URI lack
/// the seed, public files all secrets, and tools of different years different others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct KeyfileFields<'a> {
    #[serde(borrow, default)]
    account_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    public_key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    private_key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    secret_phrase: Option<&'a RawValue>,
    #[serde(borrow, default)]
    secret_seed: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "ss58Address")]
    ss58_address: Option<&'a RawValue>,
    #[serde(borrow, default)]
    crypto_type: Option<&'a RawValue>,
    /// Only accounts that polkadot.js exports have it.
    #[serde(borrow, default)]
    encoded: Option<&'a RawValue>,
}

/// The fields that are written. Without `cryptoType`, which is sr25519 where it is left out: `bittensor_wallet` 4.0 reads no
/// file that has it.
#[derive(Serialize, Zeroize)]
#[serde(rename_all = "camelCase")]
struct WrittenFields {
    account_id: String,
    public_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_phrase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_seed: Option<String>,
    #[serde(rename = "ss58Address")]
    ss58_address: String,
}

/// What is wrong with a keyfile's inside. No message repeats any of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyfileJsonError {
    /// There is nothing in it, or only blanks or zero bytes.
    Empty,
    /// The JSON ends in the middle.
    Truncated,
    /// Why it is no keyfile; none of it is quoted.
    Malformed(String),
    /// It has a public key, and no secret that would sign.
    NoSecret,
    /// The secret gives another public key than the one stated, or two that are stated differ.
    Mismatch {
        /// The key that the file states.
        stated: Hotkey,
        /// What gives another one, such as `secretSeed`.
        field: &'static str,
        /// The key that it gives.
        found: Hotkey,
    },
}

/// What the bytes of a keyfile are.
enum KeyfileInside<'a> {
    Fields(KeyfileFields<'a>),
    /// A public key as bare text, in hex or as an address.
    PublicKey(Hotkey),
}

/// The key pair in a keyfile, checked against the public key and the address that it states.
pub fn parse_keypair(bytes: &[u8]) -> Result<Keypair, KeyfileJsonError> {
    let KeyfileInside::Fields(fields) = KeyfileInside::parse(bytes)? else {
        return Err(KeyfileJsonError::NoSecret);
    };
    let stated = fields.stated_key()?;
    let (field, key) = match fields.secret()? {
        Some(secret) => secret,
        None if stated.is_some() => return Err(KeyfileJsonError::NoSecret),
        None => {
            let why = "it has none of secretSeed, privateKey, secretPhrase and publicKey";
            return Err(malformed(why));
        }
    };
    match stated {
        Some(stated) if stated != key.hotkey() => Err(KeyfileJsonError::Mismatch {
            stated,
            field,
            found: key.hotkey(),
        }),
        _ => Ok(key),
    }
}

/// The public key that a keyfile states, with or without a secret.
pub fn parse_public_key(bytes: &[u8]) -> Result<Hotkey, KeyfileJsonError> {
    match KeyfileInside::parse(bytes)? {
        KeyfileInside::PublicKey(key) => Ok(key),
        KeyfileInside::Fields(fields) => fields
            .stated_key()?
            .ok_or_else(|| malformed("it has none of publicKey, accountId and ss58Address")),
    }
}

/// The JSON of a secret: with its seed and phrase, where it has them.
pub fn serialize(secret: &KeyMaterial) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
    let key = secret.key();
    let private = key.secret_bytes();
    let fields = Zeroizing::new(WrittenFields {
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

fn public_fields(key: Hotkey) -> WrittenFields {
    let public = to_hex(&key.0);
    WrittenFields {
        account_id: public.clone(),
        public_key: public,
        private_key: None,
        secret_phrase: None,
        secret_seed: None,
        ss58_address: key.to_string(),
    }
}

impl<'a> KeyfileInside<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, KeyfileJsonError> {
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(KeyfileJsonError::Empty);
        }
        let text = str::from_utf8(bytes).map_err(|_| malformed("it is no text"))?;
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim();
        match text.chars().next() {
            None => Err(KeyfileJsonError::Empty),
            Some('{') => KeyfileFields::parse(text).map(Self::Fields),
            Some(_) => parse_bare_public_key(text).map(Self::PublicKey),
        }
    }
}

impl<'a> KeyfileFields<'a> {
    fn parse(text: &'a str) -> Result<Self, KeyfileJsonError> {
        let fields: Self = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            // serde's own text might quote a secret.
            if error.is_eof() {
                KeyfileJsonError::Truncated
            } else if error.is_data() {
                malformed(&format!(
                    "a field is there twice at line {line}, column {column}"
                ))
            } else {
                malformed(&format!("no JSON at line {line}, column {column}"))
            }
        })?;
        let crypto_type = fields.crypto_type.map_or(SR25519, RawValue::get);
        if !matches!(crypto_type.trim_matches('"'), SR25519 | "null") {
            return Err(malformed("its key is not of type sr25519 (cryptoType 1)"));
        }
        if fields.encoded.is_some() && fields.secret()?.is_none() {
            let why = "it is an account that polkadot.js exported, which only btcli takes apart";
            return Err(malformed(why));
        }
        Ok(fields)
    }

    /// The key of the first secret that there is, and the name of its field.
    fn secret(&self) -> Result<Option<(&'static str, Keypair)>, KeyfileJsonError> {
        if let Some(seed) = text_of("secretSeed", self.secret_seed)? {
            let seed = decode_hex::<32>(&seed);
            let seed = seed.ok_or_else(|| malformed("secretSeed is not 32 bytes in hex"))?;
            return Ok(Some(("secretSeed", Keypair::from_seed(&seed))));
        }
        if let Some(private) = text_of("privateKey", self.private_key)? {
            let key = decode_hex::<64>(&private).and_then(|bytes| Keypair::from_secret(&bytes));
            let why = "privateKey is no sr25519 secret of 64 bytes in hex";
            return Ok(Some(("privateKey", key.ok_or_else(|| malformed(why))?)));
        }
        if let Some(phrase) = text_of("secretPhrase", self.secret_phrase)? {
            let material = KeyMaterial::from_phrase(&phrase, "")
                .map_err(|error| malformed(&format!("in secretPhrase, {error}")))?;
            return Ok(Some(("secretPhrase", material.key().clone())));
        }
        Ok(None)
    }

    /// The key that the file states, in up to three ways that must agree. Addresses of other chains are other texts for the
    /// same key.
    fn stated_key(&self) -> Result<Option<Hotkey>, KeyfileJsonError> {
        let mut stated = None;
        let hex_fields = [
            (
                "publicKey",
                self.public_key,
                "publicKey is not 32 bytes in hex",
            ),
            (
                "accountId",
                self.account_id,
                "accountId is not 32 bytes in hex",
            ),
        ];
        for (field, value, why) in hex_fields {
            if let Some(hex) = text_of(field, value)? {
                let key = decode_hex::<32>(&hex).ok_or_else(|| malformed(why))?;
                agree(&mut stated, field, Hotkey(*key))?;
            }
        }
        if let Some(address) = text_of("ss58Address", self.ss58_address)? {
            let (_, key) = ss58::decode_of_any_chain(&address)
                .map_err(|_| malformed("ss58Address is no address"))?;
            agree(&mut stated, "ss58Address", Hotkey(key))?;
        }
        Ok(stated)
    }
}

/// Takes `found` for the stated key, unless another one is stated already.
fn agree(
    stated: &mut Option<Hotkey>,
    field: &'static str,
    found: Hotkey,
) -> Result<(), KeyfileJsonError> {
    match *stated.get_or_insert(found) {
        stated if stated == found => Ok(()),
        stated => Err(KeyfileJsonError::Mismatch {
            stated,
            field,
            found,
        }),
    }
}

/// A public key as old tools keep it, without JSON: in hex, or as an address.
fn parse_bare_public_key(text: &str) -> Result<Hotkey, KeyfileJsonError> {
    if let Some(key) = decode_hex::<32>(text) {
        return Ok(Hotkey(*key));
    }
    if let Ok((_, key)) = ss58::decode_of_any_chain(text) {
        return Ok(Hotkey(key));
    }
    Err(malformed(if KeyMaterial::from_phrase(text, "").is_ok() {
        "it is a phrase as plain text, which `keys import` makes a keyfile of"
    } else {
        "it is no JSON object"
    }))
}

/// The text in a field; `None` if there is none, or an empty one.
fn text_of(
    field: &str,
    value: Option<&RawValue>,
) -> Result<Option<Zeroizing<String>>, KeyfileJsonError> {
    let Some(value) = value else { return Ok(None) };
    let text: Option<String> =
        serde_json::from_str(value.get()).map_err(|_| malformed(&format!("{field} is no text")))?;
    Ok(text.filter(|text| !text.is_empty()).map(Zeroizing::new))
}

fn malformed(why: &str) -> KeyfileJsonError {
    KeyfileJsonError::Malformed(why.to_owned())
}

fn to_hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn decode_hex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode_to_slice(digits, bytes.as_mut_slice()).ok()?;
    Some(bytes)
}
