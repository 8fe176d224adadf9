//! Bytes and block hashes as JSON-RPC writes them.

use serde_json::Value;

/// The hash of the block of this number: the number itself, in its first bytes.
pub fn hash_of(number: u64) -> String {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&number.to_le_bytes());
    hex(&hash)
}

/// The number of the block of this hash.
pub fn number_of(hash: &Value) -> u64 {
    let bytes = hex::decode(&hash.as_str().unwrap()[2..]).unwrap();
    u64::from_le_bytes(bytes[..8].try_into().unwrap())
}

/// `0x` and two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}
