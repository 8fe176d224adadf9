//! Addresses, keyfiles, phrases and URIs.

use foretell_core::ss58 as address;
use foretell_keys::key_material::KeyMaterial;
use foretell_keys::keyfile::encrypted::{EncryptedKeyfile, is_encrypted, legacy_cipher};
use foretell_keys::keyfile::json;

/// An address has one spelling; what isn't one is refused with a message of bounded length.
pub fn ss58(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else {
        return;
    };
    match address::decode(text) {
        Ok(key) => assert_eq!(address::encode(&key), text),
        Err(error) => assert!(error.to_string().len() <= 400 + 10 * text.len()),
    }
}

/// A keyfile, plain or encrypted, as far as it can be read without a password.
pub fn keyfile(bytes: &[u8]) {
    if legacy_cipher(bytes).is_some() {
        return;
    }
    if is_encrypted(bytes) {
        // More needs seconds and half a gigabyte, whatever the bytes are.
        let _ = EncryptedKeyfile::parse(bytes);
        return;
    }
    let public = json::parse_public_key(bytes);
    // One with a phrase alone states no public key.
    if let (Ok(pair), Ok(public)) = (json::parse_keypair(bytes), &public) {
        assert_eq!(pair.hotkey(), *public);
    }
    if let Ok(hotkey) = public {
        let printed = json::serialize_public_key(hotkey).expect("a public key is JSON");
        assert_eq!(json::parse_public_key(&printed), Ok(hotkey));
    }
}

/// What a text makes is the key that its keyfile, its seed and its phrase make.
pub fn key_material(bytes: &[u8]) {
    let Some(Ok(made)) = crate::text(bytes).map(KeyMaterial::parse) else {
        return;
    };
    let hotkey = made.key().hotkey();
    let printed = json::serialize(&made).expect("a key is JSON");
    let read = json::parse_keypair(&printed).expect("our own keyfile is one");
    assert_eq!(read.hotkey(), hotkey);
    if let Some(seed) = made.seed() {
        assert_eq!(KeyMaterial::from_seed(seed).key().hotkey(), hotkey);
    }
    if let Some(phrase) = made.phrase() {
        let again = KeyMaterial::parse(phrase).expect("its phrase is one");
        assert_eq!(again.key().hotkey(), hotkey);
    }
}
