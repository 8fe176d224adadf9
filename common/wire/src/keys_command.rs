//! `validator keys` and `miner keys`: the keyfiles of Bittensor's wallets, without Python.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use foretell_core::hotkey::Hotkey;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::keyfile::{Keyfile, KeyfileError, WalletHotkey};
use crate::output::Unprinted;
use crate::secret::Secret;
use crate::wallet_flags::WalletFlags;

/// Make, show and import the keys of a Bittensor wallet.
///
/// The files are the ones that btcli and the Python SDK read and write.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a new key and print its phrase, which is its only backup.
    ///
    /// Example: keys new --wallet my-wallet --coldkey, then keys new --wallet my-wallet --hotkey default
    New(Make),
    /// Show the addresses of a wallet; asks for no password.
    ///
    /// Example: keys show --wallet my-wallet --hotkey default
    Show(Show),
    /// Make the key of a phrase, a seed or a URI, read as one line from standard input.
    ///
    /// Example: keys import --wallet my-wallet --hotkey default < phrase.txt
    Import(Make),
}

#[derive(Debug, Args)]
struct Make {
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
struct Show {
    #[command(flatten)]
    wallet: WalletFlags,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What was made.
#[derive(Serialize)]
struct Made<'a> {
    kind: &'static str,
    address: Hotkey,
    public_key: String,
    file: String,
    encrypted: bool,
    /// Of a new key: nowhere else is it shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    phrase: Option<&'a str>,
}

/// What is known of a key without its password.
#[derive(Serialize)]
struct Shown {
    kind: &'static str,
    address: Option<Hotkey>,
    public_key: Option<String>,
    file: String,
    exists: bool,
    encrypted: bool,
    mode: Option<String>,
}

/// Does what the arguments say.
pub fn run(arguments: Arguments) -> Result<()> {
    match arguments.action {
        Action::New(make) => store(&make, &Secret::generate(), true),
        Action::Import(make) => store(&make, &imported()?, false),
        Action::Show(show) => print_keys(&show),
    }
}

fn store(make: &Make, secret: &Secret, new: bool) -> Result<()> {
    let place = make.wallet.place();
    let (kind, keyfile, public) = if make.coldkey {
        ("coldkey", place.coldkey(), place.public_coldkey())
    } else {
        ("hotkey", place.keyfile(), place.public_keyfile())
    };
    if !make.overwrite && keyfile.path().exists() {
        return Err(KeyfileError::Exists(keyfile.path().to_owned()).into());
    }
    let plain = make.no_password || !(make.coldkey || make.use_password);
    let password = make.wallet.new_password(&keyfile, plain)?;
    let address = secret.key().hotkey();
    let password = password.as_ref().map(|password| password.as_str());
    keyfile.store(secret, password, make.overwrite)?;
    public.store_public(address, true)?;
    let made = Made {
        kind,
        address,
        public_key: format!("0x{}", hex::encode(address.0)),
        file: keyfile.path().display().to_string(),
        encrypted: password.is_some(),
        phrase: secret.phrase().filter(|_| new),
    };
    let mut out = io::stdout().lock();
    let printed = if make.json {
        serde_json::to_string_pretty(&made)
            .map_err(io::Error::from)
            .and_then(|json| writeln!(out, "{json}"))
    } else {
        print_made(&mut out, &made)
    };
    Ok(printed.map_err(Unprinted)?)
}

fn print_made(out: &mut impl Write, made: &Made<'_>) -> io::Result<()> {
    let Made {
        kind,
        address,
        file,
        encrypted,
        ..
    } = made;
    let how = if *encrypted {
        "encrypted"
    } else {
        "not encrypted"
    };
    writeln!(out, "{kind} {address}")?;
    writeln!(out, "kept in {file} ({how})")?;
    if let Some(phrase) = made.phrase {
        writeln!(out, "\nphrase: {phrase}\n")?;
        writeln!(
            out,
            "Write the phrase down and keep it off this machine: whoever has it has the key, and without it a lost\n\
             keyfile is lost for ever."
        )?;
    }
    Ok(())
}

fn print_keys(show: &Show) -> Result<()> {
    let place = show.wallet.place();
    let keys = [
        shown("coldkey", &place.coldkey(), &place.public_coldkey()),
        shown("hotkey", &place.keyfile(), &place.public_keyfile()),
    ];
    if keys.iter().all(|key| !key.exists && key.address.is_none()) {
        return Err(KeyfileError::Missing(place.file()).into());
    }
    let mut out = io::stdout().lock();
    let printed = if show.json {
        serde_json::to_string_pretty(&keys)
            .map_err(io::Error::from)
            .and_then(|json| writeln!(out, "{json}"))
    } else {
        print_shown(&mut out, &place, &keys)
    };
    Ok(printed.map_err(Unprinted)?)
}

fn print_shown(out: &mut impl Write, place: &WalletHotkey, keys: &[Shown]) -> io::Result<()> {
    writeln!(out, "wallet {}, hotkey {}", place.wallet, place.hotkey)?;
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

fn shown(kind: &'static str, keyfile: &Keyfile, public: &Keyfile) -> Shown {
    let outside = keyfile.outside().ok();
    let address = public.public().or_else(|_| keyfile.public()).ok();
    Shown {
        kind,
        address,
        public_key: address.map(|address| format!("0x{}", hex::encode(address.0))),
        file: keyfile.path().display().to_string(),
        exists: outside.is_some(),
        encrypted: outside.as_ref().is_some_and(|outside| outside.encrypted),
        mode: outside.map(|outside| format!("{:o}", outside.mode)),
    }
}

/// The key that standard input describes; typed without being shown at a terminal.
fn imported() -> Result<Secret> {
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
    Ok(Secret::parse(&line)?)
}
