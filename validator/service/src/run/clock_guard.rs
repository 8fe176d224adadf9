//! Stands between this machine's clock and everything that follows from the time: asks others, and waits while they disagree.

use std::time::{Duration, Instant};

use foretell_chain::chain::Chain;
use foretell_cli::clock::system_now;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::clock_comparison::ClockVerdict;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::clock_sources::ClockSources;
use super::clock_trust::{
    ClockDecision, ClockDoubt, ClockInstant, ClockTrust, VALIDATOR_CLOCK_TOLERANCE,
};

/// How soon a clock that isn't believed is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A machine's clock, and what others say of it.
#[derive(Debug)]
pub struct ClockGuard<C> {
    sources: ClockSources<C>,
    trust: ClockTrust,
    begun: Instant,
    /// The question under way, at most one.
    asking: JoinSet<ClockVerdict>,
    /// Since when the clock is not believed, by the steady clock, and why.
    doubt: Option<(Instant, ClockDoubt)>,
}

/// A reading of the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GuardedTime {
    /// It is this time.
    Now(UnixMillis),
    /// The time isn't known yet; why, if more than an answer is waited for.
    Unknown(Option<ClockDoubt>),
}

impl<C: Chain + 'static> ClockGuard<C> {
    /// A guard that compares the clock with these.
    pub fn new(sources: ClockSources<C>) -> Self {
        Self {
            trust: ClockTrust::new(!sources.is_empty()),
            sources,
            begun: Instant::now(),
            asking: JoinSet::new(),
            doubt: None,
        }
    }

    /// The time, if it can be believed; `last_record` is that of the journal's last record. Asks others when that is due, without
    /// waiting for them.
    pub fn read(&mut self, last_record: Option<UnixMillis>) -> GuardedTime {
        let now = self.instant();
        if self.asking.is_empty() && self.trust.is_to_ask(now) {
            let sources = self.sources.clone();
            self.asking.spawn(async move {
                let readings = sources.read(system_now).await;
                ClockVerdict::new(&readings, VALIDATOR_CLOCK_TOLERANCE)
            });
        }
        match self.trust.decide(now, last_record) {
            ClockDecision::Believe => {
                if let Some((since, _)) = self.doubt.take() {
                    let seconds = since.elapsed().as_secs();
                    tracing::info!("this machine's clock is right again after {seconds} s");
                }
                GuardedTime::Now(now.wall)
            }
            ClockDecision::Ask => GuardedTime::Unknown(self.doubt()),
            ClockDecision::Wait(doubt) => {
                let since = self.doubt.take().map(|(since, _)| since);
                if since.is_none() {
                    tracing::error!("{doubt}");
                }
                self.doubt = Some((since.unwrap_or_else(Instant::now), doubt));
                GuardedTime::Unknown(self.doubt())
            }
        }
    }

    /// Waits until the clock is worth another look: others have answered, or a moment has passed.
    ///
    /// # Errors
    /// The task that asks them panicked.
    pub async fn changed(&mut self) -> Result<(), JoinError> {
        tokio::select! {
            biased;
            answered = self.answered() => answered,
            () = tokio::time::sleep(LOOK_AGAIN) => Ok(()),
        }
    }

    /// Waits until others have answered; without end, if they aren't asked.
    ///
    /// # Errors
    /// The task that asks them panicked.
    pub async fn answered(&mut self) -> Result<(), JoinError> {
        match self.asking.join_next().await {
            Some(verdict) => {
                let now = self.instant();
                self.trust.note_verdict(verdict?, now);
                Ok(())
            }
            None => std::future::pending().await,
        }
    }

    /// Waits for a time that can be believed before anything was recorded; `None` if it is to `stop`.
    ///
    /// # Errors
    /// The task that asks others panicked.
    pub async fn wait_for_time(
        &mut self,
        stop: &CancellationToken,
    ) -> Result<Option<UnixMillis>, JoinError> {
        loop {
            if let GuardedTime::Now(now) = self.read(None) {
                return Ok(Some(now));
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(None),
                changed = self.changed() => changed?,
            }
        }
    }

    /// Why the clock is not believed; `None` while it is.
    pub fn doubt(&self) -> Option<ClockDoubt> {
        self.doubt.as_ref().map(|(_, doubt)| doubt.clone())
    }

    fn instant(&self) -> ClockInstant {
        let steady = i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        ClockInstant {
            wall: system_now(),
            steady: Millis::saturating(steady),
        }
    }
}
