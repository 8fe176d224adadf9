//! Gives a service its turns by the machine's clock.

use std::time::Duration;

use anyhow::{Context, Result};
use foretell_chain::chain::Chain;
use foretell_cli::clock::system_now;
use foretell_core::state::SeriesState;
use foretell_core::time::UnixMillis;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::clock_guard::GuardedTime;
use super::config::ValidatorConfig;
use super::service::ValidatorService;
use super::status_file::StatusFile;
use super::status_server::StatusServer;
use crate::rounds::RoundRunnerError;
use crate::rounds::miners::{AnswerError, Miners};
use crate::store::JournalStore;

/// How often the status is written, and served anew.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);
/// An urgent instant may be further away; the service looks again after this, so that a clock that was set is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// [Serves](serve), with the status in the configured data directory and, if configured, over HTTP.
pub async fn serve_with_status<S: JournalStore, C: Chain + 'static, M: Miners>(
    config: &ValidatorConfig,
    service: &mut ValidatorService<S, C, M>,
    tick: impl Fn(UnixMillis) -> Result<()>,
    is_over: impl Fn(&SeriesState, UnixMillis) -> bool,
    stop: &CancellationToken,
) -> Result<()> {
    let (status_sender, status_receiver) = watch::channel(None);
    let status_server = StatusServer::start(config.http.as_ref(), status_receiver).await?;
    let status_file = StatusFile::new(&config.data, status_sender);
    let served = serve(service, &status_file, tick, is_over, stop).await;
    status_server.stop().await;
    served
}

/// Gives the service its turns by the machine's clock until `stop`, or until it `is_over`; before each turn, `tick` lets
/// the chain's time pass.
pub async fn serve<S: JournalStore, C: Chain + 'static, M: Miners>(
    service: &mut ValidatorService<S, C, M>,
    status_file: &StatusFile,
    tick: impl Fn(UnixMillis) -> Result<()>,
    is_over: impl Fn(&SeriesState, UnixMillis) -> bool,
    stop: &CancellationToken,
) -> Result<()> {
    let served = run_turns(service, status_file, tick, is_over, stop).await;
    let stopped = service
        .stop()
        .await
        .context("a task of the validator broke down");
    served.and(stopped)?;
    tracing::info!("stopped; the same command carries on");
    Ok(())
}

async fn run_turns<S: JournalStore, C: Chain + 'static, M: Miners>(
    service: &mut ValidatorService<S, C, M>,
    status_file: &StatusFile,
    tick: impl Fn(UnixMillis) -> Result<()>,
    is_over: impl Fn(&SeriesState, UnixMillis) -> bool,
    stop: &CancellationToken,
) -> Result<()> {
    let mut status_written: Option<Instant> = None;
    loop {
        // Nothing follows from a clock that can't be believed: no turn, no block, no price.
        let GuardedTime::Now(now) = service.time() else {
            if status_written.is_none_or(|written| written.elapsed() >= STATUS_INTERVAL) {
                status_file.write(service.status(system_now()))?;
                status_written = Some(Instant::now());
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = service.clock_changed() => changed?,
            }
            continue;
        };
        tick(now)?;
        // A turn is never broken off: the journal holds what a miner was promised. It ends soon once the miners' answers are
        // no longer waited for; the miners that were asked are asked again after the restart.
        let next = match service.run_once(now).await {
            Err(RoundRunnerError::Miner(AnswerError::Stopped)) => return Ok(()),
            next => next?,
        };
        status_file.write(service.status(system_now()))?;
        if is_over(service.runner().state(), now) {
            return Ok(());
        }
        let wait = Duration::from_millis((next - system_now()).get().try_into().unwrap_or(0));
        let wake = Instant::now() + wait.min(LONGEST_SLEEP);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                attempt = service.attempt_finished() => {
                    let attempt = attempt?;
                    // What was learnt by a clock that is doubted is asked for again.
                    if let GuardedTime::Now(now) = service.time() {
                        service.apply_attempt(now, attempt).await?;
                    }
                    break;
                }
                () = tokio::time::sleep_until(wake) => break,
                () = tokio::time::sleep(STATUS_INTERVAL) => status_file.write(service.status(system_now()))?,
            }
        }
    }
}
