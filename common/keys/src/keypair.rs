//! An sr25519 key pair: it signs requests, answers, receipts, reveals and weights.

use std::fmt;

use foretell_core::hash::{Hex, Nonce, Signature};
use foretell_core::hotkey::Hotkey;
use hmac::{Hmac, Mac};
use rand_core::{CryptoRng, RngCore};
use schnorrkel::context::{attach_rng, signing_context};
use schnorrkel::{ExpansionMode, MiniSecretKey, PublicKey, SecretKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The key of 32 zero bytes: the identity of the group, under which a signature for every message is known to everybody.
///
/// Chains use it where they mean no account, so it can be read as a [`Hotkey`]; it only never signs.
const NOBODY: Hotkey = Hotkey([0; 32]);
/// The signing context of Substrate chains and of Bittensor's tools.
const CONTEXT: &[u8] = b"substrate";

/// A hotkey with its secret. The secret is wiped on drop and never shown by `Debug`.
#[derive(Clone)]
pub struct Keypair {
    pair: schnorrkel::Keypair,
}

impl Keypair {
    /// The pair of a 32-byte seed, expanded as Substrate does.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let mini = MiniSecretKey::from_bytes(seed).unwrap_or_else(|_| {
            // It refuses wrong lengths only, and the type has seen to that.
            unreachable!("32 bytes are a mini secret key")
        });
        Self {
            pair: mini.expand_to_keypair(ExpansionMode::Ed25519),
        }
    }

    /// The pair of a 64-byte secret (canonical scalar ‖ nonce), or `None` if the bytes are no such secret, or a scalar of 0.
    pub fn from_secret(secret: &[u8; 64]) -> Option<Self> {
        let secret = SecretKey::from_bytes(secret).ok()?;
        let pair = secret.to_keypair();
        (pair.public.to_bytes() != NOBODY.0).then_some(Self { pair })
    }

    /// The pair that `seed` gives `role`, for networks that live on one machine: SHA-256 of
    /// `foretell/key/1\nSEED\nROLE` is its secret seed. Anybody who knows the seed has the key.
    pub fn derived(seed: u64, role: &str) -> Self {
        Self::from_seed(&derived_seed(seed, role))
    }

    /// The public key.
    pub fn hotkey(&self) -> Hotkey {
        Hotkey(self.pair.public.to_bytes())
    }

    /// The signature of `message`: the same bytes each time.
    ///
    /// The secret nonce is derived from key and message alone (as in RFC 8032): an answer that is asked for
    /// again after a crash carries the very same signature, and a replay gives the same bytes.
    pub fn sign(&self, message: &[u8]) -> Signature {
        let transcript = signing_context(CONTEXT).bytes(message);
        Hex(self.pair.sign(attach_rng(transcript, ZeroRng)).to_bytes())
    }

    /// The nonce that this key gives `text`: HMAC-SHA256 under the secret, so that nobody else can tell it
    /// and a restarted miner finds it again.
    pub fn nonce(&self, text: &str) -> Nonce {
        let secret = Zeroizing::new(self.pair.secret.to_bytes());
        let mut mac = match Hmac::<Sha256>::new_from_slice(secret.as_slice()) {
            Ok(mac) => mac,
            // HMAC takes keys of any length.
            Err(_) => return Hex([0; 32]),
        };
        mac.update(text.as_bytes());
        Hex(mac.finalize().into_bytes().into())
    }

    pub(crate) fn from_secret_key(secret: &SecretKey) -> Self {
        Self {
            pair: secret.clone().to_keypair(),
        }
    }

    pub(crate) const fn secret_key(&self) -> &SecretKey {
        &self.pair.secret
    }

    pub(crate) fn secret_bytes(&self) -> Zeroizing<[u8; 64]> {
        Zeroizing::new(self.pair.secret.to_bytes())
    }
}

/// Whether `signature` is `signer`'s own over `message`; nothing is signed by the key of 32 zero bytes.
///
/// The group (Ristretto) has no other point of small order, and decoding accepts one text of each point only.
pub fn verify_signature(signer: &Hotkey, message: &[u8], signature: &Signature) -> bool {
    if *signer == NOBODY {
        return false;
    }
    let key = PublicKey::from_bytes(&signer.0);
    let signature = schnorrkel::Signature::from_bytes(&signature.0);
    match (key, signature) {
        (Ok(key), Ok(signature)) => key
            .verify(signing_context(CONTEXT).bytes(message), &signature)
            .is_ok(),
        _ => false,
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keypair({})", self.hotkey())
    }
}

/// The secret seed behind [`Keypair::derived`].
pub fn derived_seed(seed: u64, role: &str) -> [u8; 32] {
    Sha256::digest(format!("foretell/key/1\n{seed}\n{role}")).into()
}

/// No randomness: schnorrkel mixes it with the key's secret nonce and the message, which suffice.
struct ZeroRng;

impl RngCore for ZeroRng {
    fn next_u32(&mut self) -> u32 {
        0
    }
    fn next_u64(&mut self) -> u64 {
        0
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        bytes.fill(0);
        Ok(())
    }
}

impl CryptoRng for ZeroRng {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_verify_and_are_repeatable() {
        let key = Keypair::derived(7, "validator");
        let signature = key.sign(b"text");
        assert_eq!(signature, key.sign(b"text"));
        assert!(verify_signature(&key.hotkey(), b"text", &signature));
        assert!(!verify_signature(&key.hotkey(), b"texT", &signature));
        assert!(!verify_signature(
            &Keypair::derived(8, "validator").hotkey(),
            b"text",
            &signature
        ));
        assert_ne!(signature, key.sign(b"other"));
    }

    /// schnorrkel by itself takes this signature, whatever the message: R and s are zero, and so is the key.
    #[test]
    fn nobody_signs_by_the_key_of_zeros() {
        let mut forged = [0; 64];
        forged[63] = 128;
        let key = PublicKey::from_bytes(&NOBODY.0).unwrap();
        let parsed = schnorrkel::Signature::from_bytes(&forged).unwrap();
        let transcript = signing_context(CONTEXT).bytes(b"text");
        assert!(key.verify(transcript, &parsed).is_ok());
        assert!(!verify_signature(&NOBODY, b"text", &Hex(forged)));
        assert!(!verify_signature(&NOBODY, b"text", &Hex([0; 64])));
        assert!(Keypair::from_secret(&[0; 64]).is_none());
    }

    /// Other bytes that would stand for the same points: the field's prime p, its negatives, and numbers above p.
    #[test]
    fn keys_and_signatures_have_one_encoding() {
        let mut prime = [255; 32];
        (prime[0], prime[31]) = (0xed, 0x7f);
        let mut above = prime;
        above[0] = 0xef;
        let mut minus_zero = [0; 32];
        minus_zero[31] = 128;
        let mut one = [0; 32];
        one[0] = 1;
        let mut minus_one = prime;
        minus_one[0] = 0xec;
        let mut forged = [0; 64];
        forged[63] = 128;
        for encoding in [prime, above, minus_zero, one, minus_one, [255; 32]] {
            assert!(!verify_signature(&Hotkey(encoding), b"text", &Hex(forged)));
            assert!(PublicKey::from_bytes(&encoding).is_err(), "{encoding:?}");
        }
        let key = Keypair::derived(7, "validator");
        let signature = key.sign(b"text");
        // s + the group's order is the same number and another text.
        let order = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
            0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let mut malleated = signature;
        malleated.0[63] &= 0x7f;
        let mut carry = 0;
        for (byte, more) in malleated.0[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + more + carry;
            *byte = sum as u8;
            carry = sum >> 8;
        }
        malleated.0[63] |= 0x80;
        assert!(!verify_signature(&key.hotkey(), b"text", &malleated));
        let mut unmarked = signature;
        unmarked.0[63] &= 0x7f;
        assert!(!verify_signature(&key.hotkey(), b"text", &unmarked));
    }

    #[test]
    fn nonces_depend_on_key_and_text() {
        let key = Keypair::derived(7, "validator");
        assert_eq!(key.nonce("a"), key.nonce("a"));
        assert_ne!(key.nonce("a"), key.nonce("b"));
        assert_ne!(key.nonce("a"), Keypair::derived(7, "miner").nonce("a"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = Keypair::derived(7, "validator");
        assert_eq!(format!("{key:?}"), format!("Keypair({})", key.hotkey()));
    }

    /// `//Alice`'s well-known seed gives her well-known address.
    #[test]
    fn seeds_expand_as_substrate_does() {
        let seed: Hex<32> = "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"
            .parse()
            .unwrap();
        let alice = Keypair::from_seed(&seed.0);
        assert_eq!(
            alice.hotkey().to_string(),
            "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
        );
        let reread = Keypair::from_secret(&alice.secret_bytes()).unwrap();
        assert_eq!(reread.hotkey(), alice.hotkey());
    }
}
