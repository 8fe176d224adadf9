//! `validator feed record`.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use foretell_core::rules::RulesVersion;
use foretell_core::time::Millis;
use foretell_feed::config::StreamsConfig;
use foretell_feed::connection::{Connection, Note, Patience};
use foretell_feed::event::Event;
use foretell_feed::outbox::Outbox;
use foretell_feed::recording::Recorder;
use foretell_feed::socket::{self, Observed};
use foretell_feed::stream;
use foretell_feed::tls;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::settling::Settler;
use super::writing::{self, Item};
use crate::cli::stopped_by_signal;
use crate::moment;

/// The rules that minutes are settled by.
const RULES: RulesVersion = RulesVersion::V1;
/// Frames that wait to be written. What doesn't fit is marked as lost in the recording.
const WAITING: usize = 65_536;

/// Record the trades and candles of exchanges, word for word, to hourly zstd files, until interrupted.
///
/// Each minute of a market that closes is printed as a JSON line, and each minute that the venues' candles settle;
/// `validator feed replay` prints the same lines from the files. No key and no account is needed.
///
/// Example: validator feed record --out recording
#[derive(Debug, Args)]
pub struct Arguments {
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
    #[arg(long = "for", value_name = "SPAN", value_parser = moment::parse_span)]
    span: Option<Millis>,
}

/// Records until interrupted, or for a span.
pub async fn run(arguments: Arguments) -> Result<()> {
    let config = config(&arguments)?;
    let listening = config.listening()?;
    let settling = config.settling(&RULES.rules().minute)?;
    let recorder = Recorder::new(&arguments.out)?;
    let tls = tls::client().context("can't set up TLS")?;
    let stop = CancellationToken::new();
    let mut writers = JoinSet::new();
    let mut sockets = JoinSet::new();
    let (sender, frames) = mpsc::channel(WAITING);
    writers.spawn_blocking(move || writing::write(recorder, frames));
    for (pair, markets) in settling {
        let settler = Settler::new(pair, markets, RULES)?;
        let (sender, stop) = (sender.clone(), stop.clone());
        sockets.spawn(async move { settler.run(&sender, &stop).await });
    }
    for each in listening {
        let name = each.venue.name();
        let terms = each.venue.terms();
        let seed = RandomState::new().hash_one(name);
        let connection =
            Connection::new(each.venue, terms, Patience::default(), each.symbols, seed);
        let (tls, stop) = (tls.clone(), stop.clone());
        let mut outbox = Outbox::new(sender.clone());
        let mut faults = 0;
        sockets.spawn(async move {
            let mut observe = |observed: Observed<'_>| match observed {
                Observed::Frame {
                    socket,
                    received,
                    text,
                } => {
                    outbox.offer(Item::Frame {
                        venue: name,
                        socket: socket.0,
                        received,
                        text: text.to_owned(),
                    });
                }
                Observed::Note(note) => {
                    faults += u64::from(matches!(note, Note::Fault(_) | Note::Stranger(_)));
                    tell(name, &note, faults);
                }
                Observed::ClockOffset(_) => {}
            };
            socket::run(connection, each.address, tls, stop, &mut observe).await;
            outbox.finish().await;
        });
    }
    drop(sender);
    let interrupted = stopped_by_signal()?;
    let end = async {
        match arguments.span {
            Some(span) => {
                let span = u64::try_from(span.0).unwrap_or(0);
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
    match written {
        Some(written) => written.context("the writer broke down")?,
        None => Ok(()),
    }
}

fn config(arguments: &Arguments) -> Result<StreamsConfig> {
    let mut config = match &arguments.config {
        Some(path) => read(path)?,
        None => StreamsConfig::of("BTC"),
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

fn read(path: &Path) -> Result<StreamsConfig> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!(
            "can't read configuration {}: check --config",
            path.display()
        )
    })?;
    toml::from_str(&text).with_context(|| format!("configuration {} is not valid", path.display()))
}

/// Tells the log what an operator should know; of `faults`, the 1st, 2nd, 4th, 8th and so on, so that a venue can't
/// fill the log.
fn tell(venue: &str, note: &Note<'_>, faults: u64) {
    match note {
        Note::Fault(_) | Note::Stranger(_) if !faults.is_power_of_two() => {}
        Note::Live(_) => tracing::info!(venue, "live"),
        Note::Leaving(_, reason) => tracing::info!(venue, ?reason, "a successor is opened"),
        Note::Lost(_, loss, wait) => {
            tracing::warn!(
                venue,
                "{loss}; next attempt in {:.1} s",
                wait.0 as f64 / 1e3
            );
        }
        Note::Fault(fault) => tracing::warn!(venue, faults, %fault, "malformed frame"),
        Note::Stranger(market) => {
            tracing::warn!(venue, faults, ?market, "trade of an unknown symbol");
        }
        Note::Heard(stream::Heard::Event(Event::Refused(why))) => {
            tracing::warn!(venue, %why, "refused by the venue");
        }
        Note::Heard(_) => {}
    }
}
