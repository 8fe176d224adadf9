//! `miner serve`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use foretell_cli::network_flags::NetworkFlags;
use foretell_cli::path_text::parse_path;
use foretell_cli::stop_signal::stop_signal;
use foretell_cli::wallet_flags::WalletFlags;
use foretell_cli::{output, program};
use foretell_wire::callers::Callers;
use tokio::io::AsyncReadExt;

use crate::axon_publisher::keep_axon_published;
use crate::config::MinerConfig;
use crate::permitted_validators::keep_permitted_validators;
use crate::serve::MinerService;

/// Answer validators.
///
/// With a network, the chain publishes where this miner answers. Ctrl-c or SIGTERM stops it, once the requests under way are
/// answered.
///
/// Example: miner serve --config miner.toml --network test --netuid 8 --wallet my-wallet --hotkey default
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Configuration file (TOML).
    #[arg(long, value_parser = parse_path)]
    config: PathBuf,
    /// Model to forecast with, instead of the configured one.
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    wallet: WalletFlags,
    #[command(flatten)]
    network: NetworkFlags,
    /// Stop when standard input closes: for a parent process whose children must not outlive it.
    #[arg(long)]
    until_stdin_closes: bool,
}

/// Serves until SIGINT or SIGTERM, or until standard input closes where that is asked for; requests under way are finished.
pub fn run(args: ServeArgs) -> Result<()> {
    let mut config = MinerConfig::read(&args.config)?;
    if let Some(model) = args.model {
        config.model.name = model;
    }
    let subnet = args.network.resolve(config.chain.take())?;
    let chain = subnet
        .as_ref()
        .map(|subnet| subnet.connect(None, env!("CARGO_PKG_NAME")))
        .transpose()?;
    let answered = config.serve.validators.clone();
    let callers = match (&answered, &chain) {
        (Some(validators), _) => Callers::only(validators.iter().copied()),
        (None, Some(_)) => Callers::not_yet_known(),
        (None, None) => {
            tracing::error!(
                "nobody is answered: name the hotkeys of the validators in serve.validators of {}, or the subnet whose permitted \
                 validators are answered, in [chain] or by --network and --netuid",
                args.config.display()
            );
            Callers::only([])
        }
    };
    let key = args.wallet.load()?;
    let model = config.model.name.clone();
    let serve = config.serve.clone();
    program::block_on(async {
        let signal = stop_signal().context("can't listen for signals")?;
        let stop = async move {
            tokio::select! {
                () = stdin_closed(), if args.until_stdin_closes => {}
                () = signal => {}
            }
        };
        let service = MinerService::bind(config, key.clone(), callers.clone()).await?;
        let published = chain.map(|chain| {
            let axon = serve.public_address(service.address());
            let axon =
                axon.context("under which address do validators reach this miner? Set serve.axon");
            axon.map(|axon| (chain, axon))
        });
        let published = published.transpose()?;
        let ready = serde_json::json!({
            "listening": service.address(),
            "hotkey": service.hotkey(),
            "model": model,
        });
        output::print_line(ready)?;
        let publishing = async {
            match published {
                Some((chain, axon)) => {
                    let permitted = async {
                        if answered.is_none() {
                            keep_permitted_validators(chain.as_ref(), &callers).await;
                        }
                    };
                    tokio::join!(keep_axon_published(chain.as_ref(), key, axon), permitted);
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            served = service.run(stop) => served?,
            () = publishing => {}
        }
        Ok(())
    })
}

/// Completes when standard input closes.
async fn stdin_closed() {
    let mut input = tokio::io::stdin();
    let mut ignored = [0; 64];
    while matches!(input.read(&mut ignored).await, Ok(n) if n > 0) {}
}
