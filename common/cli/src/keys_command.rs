//! `validator keys` and `miner keys`: the keyfiles of Bittensor's wallets, without Python.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use foretell_core::hotkey::Hotkey;
use foretell_keys::key_material::KeyMaterial;
use foretell_keys::keyfile::{Keyfile, KeyfileError, WalletHotkey};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::output::StdoutError;
use crate::wallet_flags::WalletFlags;

/// Make, show and import the keys of a Bittensor wallet.
///
/// The files are the ones that btcli and the Python SDK read and write.
#[derive(Debug, Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a new key and print its phrase, which is its only backup.
    ///
    /// Example: keys new --wallet my-wallet --coldkey, then keys new --wallet my-wallet --hotkey default
    New(CreateKeyArgs),
    /// Show the addresses of a wallet; asks for no password.
    ///
    /// Example: keys show --wallet my-wallet --hotkey default
    Show(ShowKeysArgs),
    /// Make the key of a phrase, a seed or a URI, read as one line from standard input.
    ///
    /// Example: keys import --wallet my-wallet --hotkey default < phrase.txt
    Import(CreateKeyArgs),
}

#[derive(Debug, Args)]
struct CreateKeyArgs {
    #[command(flatten)]
    wallet: WalletFlags,
    /// The wallet's coldkey, instead of a hotkey; encrypted unless --no-password.
    #[arg(long)]
    coldkey: bool,
    /// Encrypt a hotkey too; services then need --password-file.
    #[arg(long, conflicts_with = "no_password")]
    use_password: bool,
    /// Leave a coldkey unencrypted.
    #[arg(long)]
    no_password: bool,
    /// Replace a key that is there.
    #[arg(long)]
    overwrite: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ShowKeysArgs {
    #[command(flatten)]
    wallet: WalletFlags,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// The key that was written, as the command prints it.
#[derive(Serialize)]
struct CreatedKey<'a> {
    kind: &'static str,
    address: Hotkey,
    public_key: String,
    file: String,
    encrypted: bool,
    /// The phrase of a new key, which is shown nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    phrase: Option<&'a str>,
}

/// What can be shown of a key without its password.
#[derive(Serialize)]
struct KeyInfo {
    kind: &'static str,
    address: Option<Hotkey>,
    public_key: Option<String>,
    file: String,
    exists: bool,
    encrypted: bool,
    mode: Option<String>,
}

/// Runs one subcommand of `keys`.
pub fn run(arguments: KeysArgs) -> Result<()> {
    match arguments.command {
        KeysCommand::New(args) => store(&args, &KeyMaterial::generate(), true),
        KeysCommand::Import(args) => store(&args, &read_key_material()?, false),
        KeysCommand::Show(args) => print_keys(&args),
    }
}

fn store(args: &CreateKeyArgs, secret: &KeyMaterial, new: bool) -> Result<()> {
    let wallet_hotkey = args.wallet.wallet_hotkey();
    let (kind, keyfile, public) = if args.coldkey {
        (
            "coldkey",
            wallet_hotkey.coldkey(),
            wallet_hotkey.public_coldkey(),
        )
    } else {
        (
            "hotkey",
            wallet_hotkey.keyfile(),
            wallet_hotkey.public_keyfile(),
        )
    };
    if !args.overwrite && keyfile.path().exists() {
        return Err(KeyfileError::Exists(keyfile.path().to_owned()).into());
    }
    let plain = args.no_password || !(args.coldkey || args.use_password);
    let password = args.wallet.new_password(&keyfile, plain)?;
    let address = secret.key().hotkey();
    let password = password.as_ref().map(|password| password.as_str());
    keyfile.store(secret, password, args.overwrite)?;
    public.store_public_key(address, true)?;
    let created = CreatedKey {
        kind,
        address,
        public_key: format!("0x{}", hex::encode(address.0)),
        file: keyfile.path().display().to_string(),
        encrypted: password.is_some(),
        phrase: secret.phrase().filter(|_| new),
    };
    let mut out = io::stdout().lock();
    let printed = if args.json {
        serde_json::to_string_pretty(&created)
            .map_err(io::Error::from)
            .and_then(|json| writeln!(out, "{json}"))
    } else {
        print_created(&mut out, &created)
    };
    Ok(printed.map_err(StdoutError)?)
}

fn print_created(out: &mut impl Write, created: &CreatedKey<'_>) -> io::Result<()> {
    let CreatedKey {
        kind,
        address,
        file,
        encrypted,
        ..
    } = created;
    let how = if *encrypted {
        "encrypted"
    } else {
        "not encrypted"
    };
    writeln!(out, "{kind} {address}")?;
    writeln!(out, "kept in {file} ({how})")?;
    if let Some(phrase) = created.phrase {
        writeln!(out, "\nphrase: {phrase}\n")?;
        writeln!(
            out,
            "Write the phrase down and keep it off this machine: whoever has it has the key, and without it a lost\n\
             keyfile is lost for ever."
        )?;
    }
    Ok(())
}

fn print_keys(args: &ShowKeysArgs) -> Result<()> {
    let wallet_hotkey = args.wallet.wallet_hotkey();
    let keys = [
        key_info(
            "coldkey",
            &wallet_hotkey.coldkey(),
            &wallet_hotkey.public_coldkey(),
        ),
        key_info(
            "hotkey",
            &wallet_hotkey.keyfile(),
            &wallet_hotkey.public_keyfile(),
        ),
    ];
    if keys.iter().all(|key| !key.exists && key.address.is_none()) {
        return Err(KeyfileError::Missing(wallet_hotkey.keyfile_path()).into());
    }
    let mut out = io::stdout().lock();
    let printed = if args.json {
        serde_json::to_string_pretty(&keys)
            .map_err(io::Error::from)
            .and_then(|json| writeln!(out, "{json}"))
    } else {
        print_key_infos(&mut out, &wallet_hotkey, &keys)
    };
    Ok(printed.map_err(StdoutError)?)
}

fn print_key_infos(
    out: &mut impl Write,
    wallet_hotkey: &WalletHotkey,
    keys: &[KeyInfo],
) -> io::Result<()> {
    writeln!(
        out,
        "wallet {}, hotkey {}",
        wallet_hotkey.wallet, wallet_hotkey.hotkey
    )?;
    for key in keys {
        let address = key.address.map_or_else(
            || "unknown without its password".to_owned(),
            |address| address.to_string(),
        );
        let state = match (key.exists, key.encrypted) {
            (false, _) => "the secret is not on this machine",
            (true, true) => "encrypted",
            (true, false) => "not encrypted",
        };
        let warning = match &key.mode {
            Some(mode) if !mode.ends_with("00") => ", READABLE BY OTHERS: chmod 600 it",
            _ => "",
        };
        writeln!(
            out,
            "{:<8} {address}\n         {} ({state}{warning})",
            key.kind, key.file
        )?;
    }
    Ok(())
}

fn key_info(kind: &'static str, keyfile: &Keyfile, public: &Keyfile) -> KeyInfo {
    let info = keyfile.info().ok();
    let address = public.public_key().or_else(|_| keyfile.public_key()).ok();
    KeyInfo {
        kind,
        address,
        public_key: address.map(|address| format!("0x{}", hex::encode(address.0))),
        file: keyfile.path().display().to_string(),
        exists: info.is_some(),
        encrypted: info.as_ref().is_some_and(|info| info.encrypted),
        mode: info.map(|info| format!("{:o}", info.mode)),
    }
}

/// The key that standard input describes; typed without being shown at a terminal.
fn read_key_material() -> Result<KeyMaterial> {
    let stdin = io::stdin();
    let line = Zeroizing::new(if stdin.is_terminal() {
        rpassword::prompt_password("Phrase, seed or URI: ").context("can't read the secret")?
    } else {
        let mut line = String::new();
        stdin
            .lock()
            .read_line(&mut line)
            .context("can't read the secret from standard input")?;
        line
    });
    Ok(KeyMaterial::parse(&line)?)
}
