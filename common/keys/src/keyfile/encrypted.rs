//! Encrypted keyfiles: `$NACL` ‖ nonce (24 bytes) ‖ XSalsa20-Poly1305 under a key that Argon2i stretches from the
//! password.
//!
//! Argon2i v1.3 with 8 passes over 512 MiB and a fixed salt, as the ecosystem's tools have it: one try takes
//! seconds and half a gigabyte, on purpose.

use argon2::{Algorithm, Argon2, Params, Version};
use crypto_secretbox::aead::{Aead, KeyInit};
use crypto_secretbox::{Nonce, XSalsa20Poly1305};
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"$NACL";
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const PASSES: u32 = 8;
const MEMORY_KIB: u32 = 524_288;
const SALT: [u8; 16] = [
    0x13, 0x71, 0x83, 0xdf, 0xf1, 0x5a, 0x09, 0xbc, 0x9c, 0x90, 0xb5, 0x51, 0x87, 0x39, 0xe9, 0xb1,
];

/// Why a keyfile can't be encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyfileCipherError {
    /// Too short to hold a nonce, a tag and anything else.
    Truncated,
    /// Another password encrypted it, or bytes were changed: the tag can't tell.
    WrongPassword,
    /// The 512 MiB in which the password is stretched can't be had.
    OutOfMemory,
}

/// Whether a keyfile is encrypted in this module's format.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The cipher of a keyfile that is encrypted as tools did it long ago.
pub fn legacy_cipher(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"$ANSIBLE_VAULT") {
        Some("Ansible Vault")
    } else if bytes.starts_with(b"gAAAAA") {
        Some("Fernet")
    } else {
        None
    }
}

/// An encrypted keyfile that is long enough; more can't be seen without its password.
pub struct EncryptedKeyfile<'a> {
    nonce: &'a [u8; NONCE_BYTES],
    ciphertext: &'a [u8],
}

impl<'a> EncryptedKeyfile<'a> {
    /// Nonce and ciphertext of the bytes of an encrypted keyfile.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, KeyfileCipherError> {
        let ciphertext = bytes
            .strip_prefix(MAGIC)
            .ok_or(KeyfileCipherError::Truncated)?;
        let (nonce, ciphertext) = ciphertext
            .split_first_chunk::<NONCE_BYTES>()
            .filter(|(_, ciphertext)| ciphertext.len() > TAG_BYTES)
            .ok_or(KeyfileCipherError::Truncated)?;
        Ok(Self { nonce, ciphertext })
    }

    /// The JSON that was encrypted.
    pub fn decrypt(&self, password: &str) -> Result<Zeroizing<Vec<u8>>, KeyfileCipherError> {
        let decrypted = cipher(password)?
            .decrypt(Nonce::from_slice(self.nonce), self.ciphertext)
            .map_err(|_| KeyfileCipherError::WrongPassword)?;
        Ok(Zeroizing::new(decrypted))
    }
}

/// `plain` as the bytes of an encrypted keyfile; the nonce is the system's randomness.
pub fn encrypt(plain: &[u8], password: &str) -> Result<Vec<u8>, KeyfileCipherError> {
    let mut nonce = [0; NONCE_BYTES];
    OsRng.fill_bytes(&mut nonce);
    let ciphertext = cipher(password)?
        .encrypt(Nonce::from_slice(&nonce), plain)
        .map_err(|_| KeyfileCipherError::OutOfMemory)?;
    Ok([MAGIC, &nonce, &ciphertext].concat())
}

fn cipher(password: &str) -> Result<XSalsa20Poly1305, KeyfileCipherError> {
    let mut key = Zeroizing::new([0; 32]);
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(key.len()))
        .map_err(|_| KeyfileCipherError::OutOfMemory)?;
    Argon2::new(Algorithm::Argon2i, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), &SALT, key.as_mut_slice())
        .map_err(|_| KeyfileCipherError::OutOfMemory)?;
    Ok(XSalsa20Poly1305::new(key.as_slice().into()))
}
