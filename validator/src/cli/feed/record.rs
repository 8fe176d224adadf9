//! `validator feed record`.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use foretell_cli::clock::system_now;
use foretell_cli::config_file;
use foretell_cli::time_text;
use foretell_core::rules::RulesVersion;
use foretell_core::time::Millis;
use foretell_feed::config::FeedConfig;
use foretell_feed::connection::{Timeouts, VenueConnection};
use foretell_feed::connection_log::ConnectionLog;
use foretell_feed::lossy_sender::LossySender;
use foretell_feed::recording::Recorder;
use foretell_feed::tls;
use foretell_feed::websocket::{self, ConnectionUpdate, SocketEndpoint};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::settler::PairSettler;
use super::writer::{RecordingItem, write_recording};
use crate::cli::stopped_by_signal;

/// Bytes of frames that wait to be written, at most; the same is done with those that don't fit.
const QUEUED_BYTES: usize = 256 << 20;

/// The rules that minutes are settled by: those of a live validator.
const RULES: RulesVersion = RulesVersion::V1;
/// Frames and attempts that wait to be written, at most. Frames that don't fit are marked as lost in the recording.
const QUEUED_ITEMS: usize = 65_536;

/// Record the trades and candles of exchanges, word for word, to hourly zstd files, until interrupted.
///
/// Each minute of a market that closes is printed as a JSON line, and each minute that the venues' candles settle;
/// `validator feed replay` prints the same lines from the files. No key and no account is needed.
///
/// Example: validator feed record --out recording
#[derive(Debug, Args)]
pub struct FeedRecordArgs {
    /// Folder of the recording; what it holds already is kept.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// TOML with [[venue]] name, pairs, url, host, enabled [default: BTC on eight venues].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only these venues.
    #[arg(long, value_name = "NAME")]
    venue: Vec<String>,
    /// End after this span, such as 10m.
    #[arg(long = "for", value_name = "SPAN", value_parser = time_text::parse_duration)]
    span: Option<Millis>,
}

/// Records until interrupted, or for a span.
pub async fn run(arguments: FeedRecordArgs) -> Result<()> {
    // Before anything else, so that an early one ends the recording as a later one does.
    let interrupted = stopped_by_signal()?;
    let config = config(&arguments)?;
    let targets = config.stream_targets()?;
    let settlement_markets = config.settlement_markets(&RULES.rules().minute)?;
    let recorder = Recorder::new(&arguments.out)?;
    let tls = tls::client_config().context("can't set up TLS")?;
    let stop = CancellationToken::new();
    let mut writers = JoinSet::new();
    let mut sockets = JoinSet::new();
    let (sender, frames) = mpsc::channel(QUEUED_ITEMS);
    let queue_room = Arc::new(Semaphore::new(QUEUED_BYTES));
    let start = Instant::now();
    writers.spawn_blocking(move || write_recording(recorder, frames));
    for (pair, markets) in settlement_markets {
        let settler = PairSettler::new(pair, markets, RULES)?;
        let (sender, stop) = (sender.clone(), stop.clone());
        sockets.spawn(async move { settler.run(&sender, &stop).await });
    }
    for target in targets {
        let name = target.venue.name();
        let limits = target.venue.limits();
        let seed = RandomState::new().hash_one(name);
        let connection = VenueConnection::new(
            target.venue,
            limits,
            Timeouts::default(),
            target.symbols,
            seed,
        );
        let endpoint = SocketEndpoint {
            address: target.address,
            tls: Arc::clone(&tls),
            clock: system_now,
        };
        let stop = stop.clone();
        let mut lossy_sender = LossySender::new(sender.clone());
        let mut log = ConnectionLog::new(name);
        let queue_room = Arc::clone(&queue_room);
        sockets.spawn(async move {
            let mut observe = |update: ConnectionUpdate<'_>| match update {
                ConnectionUpdate::Frame {
                    socket,
                    received,
                    text,
                } => {
                    let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
                    match Arc::clone(&queue_room).try_acquire_many_owned(bytes) {
                        Ok(room) => {
                            lossy_sender.offer(RecordingItem::Frame {
                                venue: name,
                                socket: socket.0,
                                received,
                                text: text.to_owned(),
                                room,
                            });
                        }
                        Err(_) => lossy_sender.lose(),
                    }
                }
                ConnectionUpdate::Event(event) => {
                    let now = i64::try_from(start.elapsed().as_millis()).unwrap_or(i64::MAX);
                    log.observe(Millis::saturating(now), &event);
                }
                ConnectionUpdate::ClockOffset(_) => {}
            };
            websocket::run(connection, endpoint, stop, &mut observe).await;
            lossy_sender.finish().await;
        });
    }
    drop(sender);
    let end = async {
        match arguments.span {
            Some(span) => {
                let span = u64::try_from(span.get()).unwrap_or(0);
                tokio::time::sleep(std::time::Duration::from_millis(span)).await;
            }
            None => std::future::pending().await,
        }
    };
    let written = tokio::select! {
        () = end => None,
        () = interrupted.cancelled() => None,
        // Only a fault ends the writer before the sockets.
        written = writers.join_next() => written,
    };
    stop.cancel();
    while let Some(ended) = sockets.join_next().await {
        ended.context("a task broke down")?;
    }
    let written = match written {
        Some(written) => Some(written),
        None => writers.join_next().await,
    };
    let entries = match written {
        Some(written) => written.context("the writer broke down")??,
        None => 0,
    };
    let folder = arguments.out.display();
    match entries {
        0 => eprintln!("nothing came to be recorded in {folder}"),
        entries => eprintln!("{entries} frames and answers were recorded in {folder}"),
    }
    Ok(())
}

fn config(arguments: &FeedRecordArgs) -> Result<FeedConfig> {
    let mut config = match &arguments.config {
        Some(path) => config_file::read(path)?,
        None => FeedConfig::for_base("BTC"),
    };
    for name in &arguments.venue {
        if !config.venue.iter().any(|venue| venue.name == *name) {
            let known: Vec<&str> = config
                .venue
                .iter()
                .map(|venue| venue.name.as_str())
                .collect();
            bail!("--venue {name}: there are {}", known.join(", "));
        }
    }
    if !arguments.venue.is_empty() {
        for venue in &mut config.venue {
            venue.enabled = arguments.venue.contains(&venue.name);
        }
    }
    Ok(config)
}
