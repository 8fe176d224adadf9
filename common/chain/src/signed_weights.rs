//! Weights as the local ledger takes them: signed by a hotkey, identified by a hash.

use std::fmt::Write;

use foretell_core::hash::{Hash, Hex};
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_keys::keypair::verify_signature;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The weights that a validator submits, signed with its hotkey.
///
/// Other sr25519 signers than ours use fresh randomness, so that signing again makes other weights with another hash:
/// keep these bytes to submit them a second time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedWeights {
    /// The hotkey that sets the weights.
    pub hotkey: Hotkey,
    /// The uids that get a weight.
    pub uids: Vec<Uid>,
    /// The weight of each uid, in the same order; only their ratios count.
    pub values: Vec<u16>,
    /// Version of the program that made the weights.
    pub version_key: u64,
    /// Greater than the nonce of any weights that the chain has included from this hotkey: the block, or a
    /// time in milliseconds.
    pub nonce: u64,
    /// sr25519 signature of [`SignedWeights::signing_bytes`], in context `substrate`.
    #[serde(with = "hex::serde")]
    pub signature: [u8; 64],
}

impl SignedWeights {
    /// Weights signed by `signer`, which turns the bytes to sign into the hotkey's signature.
    pub fn sign(
        hotkey: Hotkey,
        uids: Vec<Uid>,
        values: Vec<u16>,
        version_key: u64,
        nonce: u64,
        signer: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> Self {
        let mut weights = Self {
            hotkey,
            uids,
            values,
            version_key,
            nonce,
            signature: [0; 64],
        };
        weights.signature = signer(&weights.signing_bytes());
        weights
    }

    /// The bytes that are signed, UTF-8 text without a newline at its end:
    ///
    /// `foretell/weights/1\nHOTKEY\nVERSION_KEY\nNONCE\nUIDS\nVALUES`
    ///
    /// The hotkey is written as ss58, numbers in decimal, UIDS and VALUES with commas between.
    pub fn signing_bytes(&self) -> Vec<u8> {
        format!(
            "foretell/weights/1\n{}\n{}\n{}\n{}\n{}",
            self.hotkey,
            self.version_key,
            self.nonce,
            with_commas(self.uids.iter().map(|uid| uid.0)),
            with_commas(self.values.iter().copied()),
        )
        .into_bytes()
    }

    /// The hash by which the ledger knows the weights: SHA-256 of the signed bytes followed by the signature in lowercase hex.
    pub fn hash(&self) -> Hash {
        let mut hash = Sha256::new();
        hash.update(self.signing_bytes());
        hash.update(hex::encode(self.signature));
        Hex(hash.finalize().into())
    }

    /// Whether the signature is the hotkey's own over these weights.
    pub fn is_authentic(&self) -> bool {
        verify_signature(&self.hotkey, &self.signing_bytes(), &Hex(self.signature))
    }
}

fn with_commas(numbers: impl Iterator<Item = u16>) -> String {
    let mut text = String::new();
    for number in numbers {
        let comma = if text.is_empty() { "" } else { "," };
        // Writing to a String never fails.
        let _ = write!(text, "{comma}{number}");
    }
    text
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::hotkey;
    use foretell_keys::keypair::Keypair;

    use super::*;

    fn signed() -> SignedWeights {
        let key = Keypair::from_seed(&[7; 32]);
        SignedWeights::sign(
            key.hotkey(),
            vec![Uid(1), Uid(12)],
            vec![65_535, 300],
            4,
            99,
            |bytes| key.sign(bytes).0,
        )
    }

    #[test]
    fn the_signed_text_is_as_documented() {
        let weights = signed();
        let expected = format!(
            "foretell/weights/1\n{}\n4\n99\n1,12\n65535,300",
            weights.hotkey
        );
        assert_eq!(weights.signing_bytes(), expected.as_bytes());
        let named = format!("{expected}{}", hex::encode(weights.signature));
        let hash = Hex(Sha256::digest(named).into());
        assert_eq!(weights.hash(), hash);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!("12".parse::<Hash>().is_err());
    }

    #[test]
    fn a_change_of_any_field_breaks_the_signature() {
        let weights = signed();
        assert!(weights.is_authentic());
        let forgeries: [fn(&mut SignedWeights); 6] = [
            |w| w.hotkey = hotkey(9),
            |w| w.uids[1] = Uid(2),
            |w| w.values[1] += 1,
            |w| w.version_key += 1,
            |w| w.nonce += 1,
            |w| w.signature[0] ^= 1,
        ];
        for (field, forge) in forgeries.iter().enumerate() {
            let mut forged = weights.clone();
            forge(&mut forged);
            assert!(!forged.is_authentic(), "field {field}");
            assert_ne!(forged.hash(), weights.hash(), "field {field}");
        }
    }

    #[test]
    fn signed_weights_survive_json() {
        let weights = signed();
        let text = serde_json::to_string(&weights).unwrap();
        assert!(text.contains(&format!("\"{}\"", hex::encode(weights.signature))));
        assert_eq!(
            serde_json::from_str::<SignedWeights>(&text).unwrap(),
            weights
        );
    }
}
