//! `validator keys` and `miner keys`: the keyfiles of Bittensor's wallets, without Python.

use std::error::Error;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::iter::successors;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use foretell_core::hotkey::Hotkey;
use foretell_keys::key_material::{KeyMaterial, MAX_TEXT_BYTES};
use foretell_keys::keyfile::{KeyfileError, KeyfilePair, WalletHotkey};
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
    /// Replace a key that is there, or the public half of another one.
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
    /// Why its files give less than they should.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
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
    let (kind, pair) = if args.coldkey {
        ("coldkey", wallet_hotkey.coldkey_pair())
    } else {
        ("hotkey", wallet_hotkey.hotkey_pair())
    };
    let address = secret.key().hotkey();
    pair.check_free(address, args.overwrite)?;
    let plain = args.no_password || !(args.coldkey || args.use_password);
    let password = args.wallet.new_password(&pair.secret, plain)?;
    let password = password.as_ref().map(|password| password.as_str());
    // Nothing is shown of a key before it is on disk.
    let stored = pair.store(secret, password, args.overwrite)?;
    let created = CreatedKey {
        kind,
        address,
        public_key: format!("0x{}", hex::encode(address.0)),
        file: pair.secret.path().display().to_string(),
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
    printed.map_err(StdoutError)?;
    stored
        .public_half
        .context("the key is kept, but its public half is not")
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
        key_info("coldkey", &wallet_hotkey.coldkey_pair()),
        key_info("hotkey", &wallet_hotkey.hotkey_pair()),
    ];
    let nothing = |key: &KeyInfo| !key.exists && key.address.is_none() && key.problem.is_none();
    if keys.iter().all(nothing) {
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
    printed.map_err(StdoutError)?;
    let damaged = keys.iter().filter(|key| key.problem.is_some()).count();
    if damaged > 0 {
        bail!("{damaged} of these keys can't be read as they should");
    }
    Ok(())
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
            || {
                let why = match (key.exists, &key.problem) {
                    (_, Some(_)) => "unknown",
                    (true, None) => "unknown without its password",
                    (false, None) => "none",
                };
                why.to_owned()
            },
            |address| address.to_string(),
        );
        let state = match (key.exists, key.encrypted) {
            (true, _) if key.problem.is_some() && key.mode.is_none() => "unreadable",
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
        if let Some(problem) = &key.problem {
            writeln!(out, "         WRONG: {problem}")?;
        }
    }
    Ok(())
}

/// What both files of a key say, and what is wrong with them.
fn key_info(kind: &'static str, pair: &KeyfilePair) -> KeyInfo {
    let found = |error: &KeyfileError| !matches!(error, KeyfileError::Missing(_));
    let info = pair.secret.info();
    let public = pair.public.public_key();
    let stated = info.as_ref().ok().and_then(|info| info.public_key);
    let problem = match (&info, &public) {
        (Err(error), _) if found(error) => Some(with_causes(error)),
        (_, Err(error)) if found(error) => Some(with_causes(error)),
        (_, Ok(public)) if stated.is_some_and(|stated| stated != *public) => Some(format!(
            "{} is the public half of another key, {public}: remove it",
            pair.public.path().display()
        )),
        _ => None,
    };
    let address = stated.or(public.ok());
    let info = info.ok();
    KeyInfo {
        kind,
        address,
        public_key: address.map(|address| format!("0x{}", hex::encode(address.0))),
        file: pair.secret.path().display().to_string(),
        exists: pair.secret.exists(),
        encrypted: info.as_ref().is_some_and(|info| info.encrypted),
        mode: info.map(|info| format!("{:o}", info.mode)),
        problem,
    }
}

fn with_causes(error: &KeyfileError) -> String {
    let first: &(dyn Error + 'static) = error;
    let causes = successors(Some(first), |error| Error::source(*error));
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

/// The key that standard input describes; typed without being shown at a terminal.
fn read_key_material() -> Result<KeyMaterial> {
    let stdin = io::stdin();
    let line = Zeroizing::new(if stdin.is_terminal() {
        rpassword::prompt_password("Phrase, seed or URI: ").context("can't read the secret")?
    } else {
        // So that no piece of the secret stays behind where the text grew; what is longer is refused.
        let mut line = String::with_capacity(MAX_TEXT_BYTES + 2);
        let limit = MAX_TEXT_BYTES as u64 + 2;
        stdin
            .lock()
            .take(limit)
            .read_line(&mut line)
            .context("can't read the secret from standard input")?;
        line
    });
    Ok(KeyMaterial::parse(&line)?)
}
