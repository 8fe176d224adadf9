//! What a key is made from: a phrase, a seed or a URI, as every tool of the ecosystem writes them.
//!
//! ```text
//! bottom drive obey lake curtain smoke basket hold race lonely fit walk    phrase (BIP-39, 12 to 24 words)
//! 0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a      seed
//! //Alice    PHRASE//hard/soft    0xSEED//1    PHRASE//hard///password     URI
//! ```
//!
//! Without a phrase a URI starts from the development phrase, which everybody knows.

use std::fmt;

use bip39::{Language, Mnemonic};
use blake2::Blake2b;
use blake2::Digest;
use blake2::digest::consts::U32;
use rand_core::{OsRng, RngCore};
use schnorrkel::derive::{ChainCode, Derivation};
use schnorrkel::{ExpansionMode, MiniSecretKey};
use sha2::Sha512;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::keypair::Keypair;

/// What development keys such as `//Alice` start from.
const DEVELOPMENT_PHRASE: &str =
    "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
/// The longest text that a key is made of: a phrase of 24 words has at most 215.
pub const MAX_TEXT_BYTES: usize = 4096;
/// Bytes of randomness of a new key; they make a phrase of 12 words.
const NEW_ENTROPY_BYTES: usize = 16;
/// Rounds of PBKDF2 between a phrase and its seed (substrate-bip39).
const PBKDF2_ROUNDS: u32 = 2048;

/// A key with what it was made from, which is wiped on drop and never shown by `Debug`.
pub struct KeyMaterial {
    key: Keypair,
    seed: Option<Zeroizing<[u8; 32]>>,
    phrase: Option<Zeroizing<String>>,
}

/// Why a text makes no key. None of these messages shows any of the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyMaterialError {
    /// The text is empty, or blank.
    #[error("no secret was given: expected a phrase, a seed in hex or a URI such as //Alice")]
    Empty,
    /// The text begins as hex and isn't 64 hex digits.
    #[error("a seed is 32 bytes, that is 64 hex digits after 0x")]
    SeedLength,
    /// As many words as no BIP-39 phrase has; holds their number.
    #[error("the phrase has {0} words: expected 12, 15, 18, 21 or 24")]
    WordCount(usize),
    /// Holds the place of the first word that isn't in the list, counted from 1.
    #[error("word {0} of the phrase is not in the English BIP-39 list: was it misspelt?")]
    UnknownWord(usize),
    /// Every word is in the list, but the checksum in the last one isn't that of the others.
    #[error("the words of the phrase do not belong together: is one wrong, or in the wrong place?")]
    Checksum,
    /// Longer than any phrase or URI that makes sense; holds the limit in bytes.
    #[error("the secret is too long: expected a phrase, a seed in hex or a URI, at most {0} bytes")]
    TooLong(usize),
    /// A slash of the URI's path that is followed by no part.
    #[error("the URI has an empty part between its slashes")]
    EmptyJunction,
}

impl KeyMaterial {
    /// A new key with a phrase of 12 words, from the system's randomness.
    pub fn generate() -> Self {
        let mut entropy = Zeroizing::new([0; NEW_ENTROPY_BYTES]);
        OsRng.fill_bytes(entropy.as_mut_slice());
        // 16 bytes are entropy of a length that BIP-39 knows.
        let phrase = Mnemonic::from_entropy(entropy.as_slice())
            .unwrap_or_else(|_| unreachable!("16 bytes make 12 words"));
        Self::from_mnemonic(&phrase, "")
    }

    /// The key of a secret seed; it has no phrase.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self {
            key: Keypair::from_seed(seed),
            seed: Some(Zeroizing::new(*seed)),
            phrase: None,
        }
    }

    /// The key of a phrase, a seed or a URI, as shown at the [top](self); blanks around it are ignored.
    pub fn parse(text: &str) -> Result<Self, KeyMaterialError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyMaterialError::Empty);
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(KeyMaterialError::TooLong(MAX_TEXT_BYTES));
        }
        let (text, password) = text.split_once("///").unwrap_or((text, ""));
        let (root, path) = text.split_at(text.find('/').unwrap_or(text.len()));
        let root = match root.trim() {
            "" => Self::from_phrase(DEVELOPMENT_PHRASE, password)?,
            hex if hex.starts_with("0x") || is_bare_seed(hex) => {
                let mut seed = Zeroizing::new([0; 32]);
                hex::decode_to_slice(hex.strip_prefix("0x").unwrap_or(hex), seed.as_mut_slice())
                    .map_err(|_| KeyMaterialError::SeedLength)?;
                Self::from_seed(&seed)
            }
            phrase => Self::from_phrase(phrase, password)?,
        };
        junctions(path)?.iter().try_fold(root, Self::derived)
    }

    /// The pair that signs.
    pub const fn key(&self) -> &Keypair {
        &self.key
    }

    /// The secret seed; keys made by a soft derivation have none.
    pub fn seed(&self) -> Option<&[u8; 32]> {
        self.seed.as_deref()
    }

    /// The BIP-39 phrase that alone gives this key; `None` if it was derived further, or has a password.
    pub fn phrase(&self) -> Option<&str> {
        self.phrase.as_ref().map(|phrase| phrase.as_str())
    }

    /// The key of a BIP-39 phrase in English; capitals and any blanks between its words don't matter.
    pub(crate) fn from_phrase(phrase: &str, password: &str) -> Result<Self, KeyMaterialError> {
        let words = Zeroizing::new(phrase.to_lowercase());
        let mnemonic =
            Mnemonic::parse_in(Language::English, words.as_str()).map_err(|error| match error {
                bip39::Error::BadWordCount(count) => KeyMaterialError::WordCount(count),
                bip39::Error::UnknownWord(index) => KeyMaterialError::UnknownWord(index + 1),
                _ => KeyMaterialError::Checksum,
            })?;
        Ok(Self::from_mnemonic(&mnemonic, password))
    }

    /// As Substrate does: the seed is stretched from the entropy, not, as elsewhere, from the words.
    fn from_mnemonic(mnemonic: &Mnemonic, password: &str) -> Self {
        let entropy = Zeroizing::new(mnemonic.to_entropy());
        let salt = Zeroizing::new(format!("mnemonic{password}"));
        let mut stretched = Zeroizing::new([0; 64]);
        pbkdf2::pbkdf2_hmac::<Sha512>(
            &entropy,
            salt.as_bytes(),
            PBKDF2_ROUNDS,
            stretched.as_mut_slice(),
        );
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(&stretched[..32]);
        let phrase = password
            .is_empty()
            .then(|| Zeroizing::new(mnemonic.to_string()));
        Self {
            phrase,
            ..Self::from_seed(&seed)
        }
    }

    /// The key one step down the URI's path.
    fn derived(self, junction: &Junction) -> Result<Self, KeyMaterialError> {
        let code = ChainCode(junction.code());
        let secret = self.key.secret_key();
        Ok(match junction {
            Junction::Hard(_) => {
                let (mini, _) = secret.hard_derive_mini_secret_key(Some(code), b"");
                Self::from_mini(&mini)
            }
            Junction::Soft(_) => Self {
                key: Keypair::from_secret_key(&secret.derived_key_simple(code, b"").0),
                seed: None,
                phrase: None,
            },
        })
    }

    fn from_mini(mini: &MiniSecretKey) -> Self {
        Self {
            key: Keypair::from_secret_key(&mini.expand(ExpansionMode::Ed25519)),
            seed: Some(Zeroizing::new(mini.to_bytes())),
            phrase: None,
        }
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyMaterial({})", self.key.hotkey())
    }
}

/// One step of a URI's path.
enum Junction {
    /// `//part`: the new key has a seed of its own.
    Hard(String),
    /// `/part`: the new key has no seed.
    Soft(String),
}

impl Junction {
    /// A number as 8 bytes, any other text with its length before it; hashed if that is longer than 32 bytes.
    fn code(&self) -> [u8; 32] {
        let (Self::Hard(part) | Self::Soft(part)) = self;
        let bytes = match part.parse::<u64>() {
            Ok(number) => number.to_le_bytes().to_vec(),
            Err(_) => scale_encode_str(part),
        };
        let mut code = [0; 32];
        if bytes.len() > code.len() {
            return Blake2b::<U32>::digest(&bytes).into();
        }
        code[..bytes.len()].copy_from_slice(&bytes);
        code
    }
}

/// The steps of a URI's path, in order.
fn junctions(path: &str) -> Result<Vec<Junction>, KeyMaterialError> {
    let mut rest = path;
    let mut junctions = Vec::new();
    while let Some(after) = rest.strip_prefix('/') {
        let (hard, after) = match after.strip_prefix('/') {
            Some(after) => (true, after),
            None => (false, after),
        };
        let (part, next) = after.split_at(after.find('/').unwrap_or(after.len()));
        if part.is_empty() {
            return Err(KeyMaterialError::EmptyJunction);
        }
        let part = part.to_owned();
        junctions.push(if hard {
            Junction::Hard(part)
        } else {
            Junction::Soft(part)
        });
        rest = next;
    }
    Ok(junctions)
}

/// A text in SCALE, the chain's encoding: its length in the compact form, then its bytes.
fn scale_encode_str(text: &str) -> Vec<u8> {
    let length = text.len();
    let mut bytes = match u16::try_from(length) {
        Ok(length) if length < 64 => vec![(length << 2) as u8],
        Ok(length) if length < 1 << 14 => ((length << 2) | 1).to_le_bytes().to_vec(),
        _ => ((length as u32) << 2 | 2).to_le_bytes().to_vec(),
    };
    bytes.extend(text.as_bytes());
    bytes
}

fn is_bare_seed(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHRASE: &str = DEVELOPMENT_PHRASE;

    fn address(text: &str) -> String {
        KeyMaterial::parse(text).unwrap().key().hotkey().to_string()
    }

    /// Addresses that the Python SDK 11.3.0 gives (`Keypair.create_from_uri`).
    #[test]
    fn uris_give_the_keys_that_the_python_sdk_gives() {
        for (uri, expected) in [
            (
                "//Alice",
                "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
            ),
            (
                "//Alice/soft",
                "5C8PhJPLE54x23RjmqBcEEnALryCDWdTJM5xLaoL9W8XEpnt",
            ),
            (
                "//polkadot/0/1",
                "5C4xLaTEK1HhjbsqSFwpti5XLJ5wMbNGH9HMYzbokK4m9h5X",
            ),
            (
                &format!("{PHRASE}//1//abc/2///pw"),
                "5CkHk9UjQppnY9U5MBaCZo99tjT3SKwqErvYiaKkiE5PN8SR",
            ),
            (
                "//averyveryveryverylongjunctionnamethatisover32bytes",
                "5F1fvEntiz2z6NtXSz6ovyPRNU4MVQKJJqFCQGQT5SvhF4jU",
            ),
            (PHRASE, "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"),
            (
                "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a",
                "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
            ),
        ] {
            assert_eq!(address(uri), expected, "{uri}");
        }
    }

    #[test]
    fn seed_and_phrase_are_given_only_where_they_alone_make_the_key() {
        let phrase = KeyMaterial::parse(PHRASE).unwrap();
        assert_eq!(phrase.phrase(), Some(PHRASE));
        let reread = KeyMaterial::from_seed(phrase.seed().unwrap());
        assert_eq!(reread.key().hotkey(), phrase.key().hotkey());
        let hard = KeyMaterial::parse("//Alice").unwrap();
        assert!(hard.seed().is_some() && hard.phrase().is_none());
        let soft = KeyMaterial::parse("//Alice/soft").unwrap();
        assert!(soft.seed().is_none() && soft.phrase().is_none());
        // The phrase alone would give another key.
        assert_eq!(
            KeyMaterial::parse(&format!("{PHRASE}///pw"))
                .unwrap()
                .phrase(),
            None
        );
    }

    #[test]
    fn new_keys_come_back_from_their_phrase() {
        let new = KeyMaterial::generate();
        assert_eq!(new.phrase().unwrap().split(' ').count(), 12);
        assert_eq!(
            address(new.phrase().unwrap()),
            new.key().hotkey().to_string()
        );
        assert_ne!(new.key().hotkey(), KeyMaterial::generate().key().hotkey());
    }

    #[test]
    fn each_mistake_has_its_error_and_no_message_shows_the_text() {
        let error = |text: &str| KeyMaterial::parse(text).unwrap_err();
        assert_eq!(error(" \n"), KeyMaterialError::Empty);
        assert_eq!(error("0x1234"), KeyMaterialError::SeedLength);
        assert_eq!(error("bottom drive obey"), KeyMaterialError::WordCount(3));
        assert_eq!(
            error(&PHRASE.replace("obey", "oboy")),
            KeyMaterialError::UnknownWord(3)
        );
        assert_eq!(
            error(&PHRASE.replace("obey", "lake")),
            KeyMaterialError::Checksum
        );
        assert_eq!(error("//Alice/"), KeyMaterialError::EmptyJunction);
        let shown = format!(
            "{:?} {}",
            KeyMaterial::parse(PHRASE).unwrap(),
            error("secretword")
        );
        assert!(!shown.contains("bottom") && !shown.contains("secretword"));
    }
}
