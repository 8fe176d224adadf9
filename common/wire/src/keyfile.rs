//! Hotkeys on disk, as Bittensor's tools keep them: `<path>/<wallet>/hotkeys/<hotkey>`, JSON, mode 600.
//!
//! Plain keyfiles only; encrypted ones are not read yet.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use foretell_core::attest::Hex;
use foretell_core::hotkey::Hotkey;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::keypair::Keypair;

/// A hotkey's place in a wallet directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletHotkey {
    /// Directory of all wallets, such as `~/.bittensor/wallets`.
    pub path: PathBuf,
    /// Wallet (coldkey) name.
    pub wallet: String,
    /// Hotkey name.
    pub hotkey: String,
}

/// Why a keyfile gives no key.
#[derive(Debug, Error)]
pub enum KeyfileError {
    /// Not there.
    #[error("no keyfile at {0}: check --wallet-path, --wallet and --hotkey")]
    Missing(PathBuf),
    /// Can't be read or written.
    #[error("can't access keyfile {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read it.
    #[error("keyfile {path} is readable by others (mode {mode:o}): run chmod 600 {path}")]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Encrypted.
    #[error(
        "keyfile {0} is encrypted: encrypted hotkeys are not supported, use an unencrypted hotkey"
    )]
    Encrypted(PathBuf),
    /// Not a keyfile.
    #[error("{path} is not a Bittensor keyfile: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The secret belongs to another key.
    #[error("keyfile {path} states public key {stated}, but its secret gives {found}")]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The key that the file states.
        stated: Hotkey,
        /// The key that its secret gives.
        found: Hotkey,
    },
}

/// The fields of a keyfile that we read and write; URI-made keys lack `secretSeed`.
#[derive(Serialize, Deserialize, Zeroize)]
#[serde(rename_all = "camelCase")]
struct Keyfile {
    account_id: String,
    public_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_seed: Option<String>,
    #[serde(rename = "ss58Address")]
    ss58_address: String,
}

impl WalletHotkey {
    /// The keyfile's path.
    pub fn file(&self) -> PathBuf {
        self.path
            .join(&self.wallet)
            .join("hotkeys")
            .join(&self.hotkey)
    }

    /// The key pair in the keyfile, checked against the public key that the file states.
    pub fn load(&self) -> Result<Keypair, KeyfileError> {
        let path = self.file();
        let io_error = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => KeyfileError::Missing(path.clone()),
            _ => KeyfileError::Io {
                path: path.clone(),
                source,
            },
        };
        let mode = fs::metadata(&path).map_err(io_error)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyfileError::Exposed { path, mode });
        }
        let bytes = Zeroizing::new(fs::read(&path).map_err(io_error)?);
        parse(&bytes, &path)
    }

    /// Writes the key of `seed`, replacing what was there.
    pub fn store(&self, seed: &[u8; 32]) -> Result<(), KeyfileError> {
        let path = self.file();
        let io_error = |source: io::Error| KeyfileError::Io {
            path: path.clone(),
            source,
        };
        let key = Keypair::from_seed(seed);
        let public = format!("0x{}", hex::encode(key.hotkey().0));
        let keyfile = Zeroizing::new(Keyfile {
            account_id: public.clone(),
            public_key: public,
            private_key: Some(format!("0x{}", hex::encode(key.secret_bytes().as_slice()))),
            secret_seed: Some(format!("0x{}", hex::encode(seed))),
            ss58_address: key.hotkey().to_string(),
        });
        let json =
            Zeroizing::new(serde_json::to_vec(&*keyfile).map_err(|error| io_error(error.into()))?);
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(io_error)?;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(io_error)?;
        file.write_all(&json).map_err(io_error)?;
        file.sync_all().map_err(io_error)
    }
}

fn parse(bytes: &[u8], path: &Path) -> Result<Keypair, KeyfileError> {
    let malformed = |why: &str| KeyfileError::Malformed {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    if [&b"$NACL"[..], b"$ANSIBLE_VAULT", b"gAAAAA"]
        .iter()
        .any(|magic| bytes.starts_with(magic))
    {
        return Err(KeyfileError::Encrypted(path.to_owned()));
    }
    let keyfile: Zeroizing<Keyfile> = Zeroizing::new(
        serde_json::from_slice(bytes).map_err(|error| malformed(&error.to_string()))?,
    );
    let key = match (&keyfile.secret_seed, &keyfile.private_key) {
        (Some(seed), _) => secret::<32>(seed)
            .map(|bytes| Keypair::from_seed(&bytes))
            .ok_or_else(|| malformed("secretSeed is not 32 bytes in hex"))?,
        (None, Some(secret_key)) => secret::<64>(secret_key)
            .and_then(|bytes| Keypair::from_secret(&bytes))
            .ok_or_else(|| malformed("privateKey is no sr25519 secret of 64 bytes in hex"))?,
        (None, None) => return Err(malformed("it holds neither secretSeed nor privateKey")),
    };
    let stated = secret::<32>(&keyfile.public_key)
        .map(|bytes| Hotkey(*bytes))
        .ok_or_else(|| malformed("publicKey is not 32 bytes in hex"))?;
    if stated != key.hotkey() {
        return Err(KeyfileError::Mismatch {
            path: path.to_owned(),
            stated,
            found: key.hotkey(),
        });
    }
    Ok(key)
}

fn secret<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    let bytes: Hex<N> = text.parse().ok()?;
    Some(Zeroizing::new(bytes.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wallet(folder: &Path) -> WalletHotkey {
        WalletHotkey {
            path: folder.to_owned(),
            wallet: "miner".into(),
            hotkey: "default".into(),
        }
    }

    #[test]
    fn a_stored_key_loads_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let wallet = wallet(folder.path());
        wallet.store(&[7; 32]).unwrap();
        let mode = fs::metadata(wallet.file()).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let key = wallet.load().unwrap();
        assert_eq!(key.hotkey(), Keypair::from_seed(&[7; 32]).hotkey());
    }

    #[test]
    fn each_fault_has_its_own_message() {
        let folder = tempfile::tempdir().unwrap();
        let wallet = wallet(folder.path());
        let said = |wallet: &WalletHotkey| wallet.load().unwrap_err().to_string();
        assert!(said(&wallet).contains("--wallet-path"));

        wallet.store(&[7; 32]).unwrap();
        let json = fs::read_to_string(wallet.file()).unwrap();
        fs::set_permissions(wallet.file(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(said(&wallet).contains("chmod 600"));
        fs::set_permissions(wallet.file(), fs::Permissions::from_mode(0o600)).unwrap();

        fs::write(wallet.file(), &json[..json.len() / 2]).unwrap();
        assert!(said(&wallet).contains("not a Bittensor keyfile"));
        fs::write(wallet.file(), "$NACLrest").unwrap();
        assert!(said(&wallet).contains("encrypted"));

        let other = hex::encode(Keypair::from_seed(&[8; 32]).hotkey().0);
        let own = hex::encode(Keypair::from_seed(&[7; 32]).hotkey().0);
        fs::write(wallet.file(), json.replace(&own, &other)).unwrap();
        assert!(said(&wallet).contains("states public key"));
    }

    #[test]
    fn a_key_without_a_seed_loads_from_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        let wallet = wallet(folder.path());
        wallet.store(&[7; 32]).unwrap();
        let mut json: serde_json::Value =
            serde_json::from_slice(&fs::read(wallet.file()).unwrap()).unwrap();
        json.as_object_mut().unwrap().remove("secretSeed");
        fs::write(wallet.file(), json.to_string()).unwrap();
        assert_eq!(
            wallet.load().unwrap().hotkey(),
            Keypair::from_seed(&[7; 32]).hotkey()
        );
    }
}
