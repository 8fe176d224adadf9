//! `validator adversary`, which only a local network starts.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use foretell_keys::keyfile::WalletHotkey;
use foretell_localnet::adversary;
use foretell_localnet::adversary::Misbehaviour;

/// A misbehaving miner of a local network; started by `localnet --adversaries`.
#[derive(Debug, Args)]
pub struct AdversaryArgs {
    #[arg(long)]
    kind: Misbehaviour,
    #[arg(long)]
    horizon: usize,
    #[arg(long)]
    wallet_path: PathBuf,
    #[arg(long)]
    wallet: String,
    #[arg(long)]
    hotkey: String,
}

/// Serves the adversary until its parent closes standard input.
pub async fn run(arguments: AdversaryArgs) -> Result<()> {
    let wallet = WalletHotkey {
        path: arguments.wallet_path,
        wallet: arguments.wallet,
        hotkey: arguments.hotkey,
    };
    let key = wallet.load()?;
    Ok(adversary::serve(key, arguments.kind, arguments.horizon).await?)
}
