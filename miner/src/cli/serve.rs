//! `miner serve`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use foretell_wire::wallet_flags::WalletFlags;
use tokio::io::AsyncReadExt;

use crate::config::Config;
use crate::serve::Service;
use foretell_wire::output;

/// Answer validators.
///
/// Example: miner serve --config miner.toml --wallet my-wallet --hotkey default
#[derive(Debug, Args)]
pub struct Arguments {
    /// Configuration file (TOML).
    #[arg(long)]
    config: PathBuf,
    /// Model to forecast with, instead of the configured one.
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    wallet: WalletFlags,
    /// Stop when standard input closes: for a parent process whose children must not outlive it.
    #[arg(long)]
    until_stdin_closes: bool,
}

/// Serves until it is told to stop.
pub fn run(arguments: Arguments) -> Result<()> {
    let mut config = Config::read(&arguments.config)?;
    if let Some(model) = arguments.model {
        config.model.name = model;
    }
    let key = arguments.wallet.load()?;
    let model = config.model.name.clone();
    let runtime = tokio::runtime::Runtime::new().context("can't start the runtime")?;
    let served = runtime.block_on(async {
        let service = Service::bind(config, key).await?;
        let ready = serde_json::json!({
            "listening": service.address(),
            "hotkey": service.hotkey(),
            "model": model,
        });
        output::print(ready)?;
        service.run(stop(arguments.until_stdin_closes)).await?;
        Ok(())
    });
    // A thread may still be waiting for standard input.
    runtime.shutdown_background();
    served
}

/// Completes when the process is asked to stop.
async fn stop(when_stdin_closes: bool) {
    let stdin_closed = async {
        let mut input = tokio::io::stdin();
        let mut ignored = [0; 64];
        while matches!(input.read(&mut ignored).await, Ok(n) if n > 0) {}
    };
    tokio::select! {
        () = stdin_closed, if when_stdin_closes => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
