//! An account that signs for the chain.

use std::fmt;
use std::sync::Arc;

use foretell_core::hotkey::Hotkey;

/// An account that signs. The secret stays with whoever made it.
#[derive(Clone)]
pub struct Signer {
    account: Hotkey,
    sign: Arc<Sign>,
}

/// Turns bytes into an sr25519 signature.
type Sign = dyn Fn(&[u8]) -> [u8; 64] + Send + Sync;

impl Signer {
    /// The account, and what turns bytes into its sr25519 signature in context `substrate`.
    pub fn new(account: Hotkey, sign: impl Fn(&[u8]) -> [u8; 64] + Send + Sync + 'static) -> Self {
        Self {
            account,
            sign: Arc::new(sign),
        }
    }

    /// The public key under which the signatures verify.
    pub const fn account(&self) -> Hotkey {
        self.account
    }

    /// The account's signature of `bytes`.
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        (self.sign)(bytes)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signer").field(&self.account).finish()
    }
}
