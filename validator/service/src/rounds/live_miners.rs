//! Asking miners live, within each window's deadline.
//!
//! A miner that can't be reached, or that says that it can't answer at the moment, is asked again until its window closes: one
//! that is restarted, or that strangers keep busy, loses nothing. When the window has closed it is a miss like any other,
//! whatever it answered last.

use std::net::SocketAddr;
use std::time::Duration;

use foretell_cli::clock::system_now;
use foretell_core::hotkey::Hotkey;
use foretell_core::miss::MissReason;
use foretell_core::time::UnixMillis;
use foretell_wire::address_policy::AddressPolicy;
use foretell_wire::client::{MinerClient, MinerRequestError, VerifiedAnswer};
use foretell_wire::messages::{
    CommitRequest, CommitResponse, OutcomeNotice, RevealRequest, RevealResponse,
};
use tokio_util::sync::CancellationToken;

use super::miners::{AnswerError, Miners, TimedAnswer, miss_of, notify_over_http};
use super::retry_delay::RetryDelay;
use super::round_clock::RoundClock;

/// Bytes of payloads that wait to be journalled, after which they are: a round's could be more than a memory should hold.
const MAX_PENDING_BYTES: usize = 16 << 20;

/// Miners on the network. Whatever one of them does wrong is its own miss, never an error of the validator.
#[derive(Debug)]
pub struct LiveMiners {
    client: MinerClient,
    address_policy: AddressPolicy,
    stop: CancellationToken,
    clock: RoundClock,
}

impl LiveMiners {
    /// Miners at addresses that the `address_policy` allows, asked by `client`; no longer waited for once the validator is to
    /// `stop`.
    pub fn new(
        client: MinerClient,
        address_policy: AddressPolicy,
        stop: CancellationToken,
    ) -> Self {
        Self {
            client,
            address_policy,
            stop,
            clock: RoundClock::new(system_now()),
        }
    }

    /// The answer of a miner that is asked until `deadline`.
    async fn answer_until<T, F>(
        &self,
        deadline: UnixMillis,
        request_within: impl Fn(Duration) -> F,
    ) -> Result<TimedAnswer<T>, AnswerError>
    where
        F: Future<Output = Result<VerifiedAnswer<T>, MinerRequestError>>,
    {
        let asking = request_until(
            deadline,
            || self.clock.now(),
            rand::random,
            tokio::time::sleep,
            request_within,
        );
        self.unless_stopped(asking).await
    }

    /// A miner at an address that may not be asked counts as not serving.
    fn check_address(&self, miner: &Hotkey, axon: SocketAddr) -> Result<(), AnswerError> {
        if self.address_policy.allows(axon) {
            return Ok(());
        }
        tracing::debug!(%miner, %axon, "not asked: no address of the public internet");
        Err(AnswerError::Miss(MissReason::NotServing))
    }

    async fn unless_stopped<T>(
        &self,
        answer: impl Future<Output = Result<T, AnswerError>>,
    ) -> Result<T, AnswerError> {
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.stop.cancelled() => Err(AnswerError::Stopped),
        }
    }
}

impl Miners for LiveMiners {
    fn begin_turn(&self, now: UnixMillis) {
        self.clock.begin_turn(now);
    }

    fn max_pending_bytes(&self) -> usize {
        MAX_PENDING_BYTES
    }

    async fn commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
    ) -> Result<TimedAnswer<CommitResponse>, AnswerError> {
        self.check_address(miner, axon)?;
        let request_within = |left| self.client.request_commitment(miner, axon, request, left);
        self.answer_until(request.deadline_ms, request_within).await
    }

    async fn reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        deadline: UnixMillis,
        _now: UnixMillis,
    ) -> Result<TimedAnswer<RevealResponse>, AnswerError> {
        self.check_address(miner, axon)?;
        let request_within = |left| self.client.request_reveal(miner, axon, request, left);
        self.answer_until(deadline, request_within).await
    }

    async fn notify(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notices: &[OutcomeNotice],
        timeout: Duration,
    ) {
        if self.check_address(miner, axon).is_err() {
            return;
        }
        tokio::select! {
            () = notify_over_http(&self.client, miner, axon, notices, timeout) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// The answer of a miner that is asked until `deadline` by `clock`, again and again as long as that may help, with a `pause`
/// of some length by `jitter` between.
async fn request_until<T, F, P>(
    deadline: UnixMillis,
    clock: impl Fn() -> UnixMillis,
    mut jitter: impl FnMut() -> f64,
    pause: impl Fn(Duration) -> P,
    request_within: impl Fn(Duration) -> F,
) -> Result<TimedAnswer<T>, AnswerError>
where
    F: Future<Output = Result<VerifiedAnswer<T>, MinerRequestError>>,
    P: Future<Output = ()>,
{
    let mut retry_delay = RetryDelay::default();
    // What the miner said last, if it said anything.
    let mut last = MissReason::Silent;
    loop {
        let Some(left) = time_left(deadline, clock()) else {
            return Err(AnswerError::Miss(last));
        };
        let error = match request_within(left).await {
            // A declared delay is for replays; live, the clock tells the arrival.
            Ok(VerifiedAnswer { answer, .. }) => {
                let at = clock();
                return Ok(TimedAnswer { answer, at });
            }
            Err(error) => error,
        };
        let miss = miss_of(&error);
        if !error.is_transient() {
            return Err(AnswerError::Miss(miss));
        }
        tracing::debug!(%error, "a miner can't answer at the moment");
        let asked_for = match error {
            MinerRequestError::Refused { retry_after, .. } => retry_after,
            _ => None,
        };
        last = miss;
        let left = time_left(deadline, clock()).unwrap_or_default();
        pause(retry_delay.next(left, asked_for, jitter())).await;
    }
}

/// How long it is until `deadline`; `None` once it is past.
fn time_left(deadline: UnixMillis, now: UnixMillis) -> Option<Duration> {
    let left = (deadline - now).get();
    u64::try_from(left)
        .ok()
        .filter(|left| *left > 0)
        .map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use foretell_cli::clock::system_nanos;
    use foretell_core::miss::AnswerFault;
    use foretell_core::testing::{MONDAY, btc_usd};
    use foretell_core::time::Millis;
    use foretell_keys::keypair::Keypair;
    use foretell_wire::client::DeclaredDelay;

    use super::*;

    /// How long a window of these tests is.
    const WINDOW: Millis = Millis::seconds(10);

    type Answered = Result<VerifiedAnswer<()>, MinerRequestError>;

    fn in_ms(millis: i64) -> UnixMillis {
        system_now() + Millis::saturating(millis)
    }

    /// What comes of a miner whose window opens at [`MONDAY`], which takes 100 ms for each answer of `answer`, given how many
    /// there were before; and when each request was made, in milliseconds from then.
    async fn asked(
        answer: impl Fn(usize) -> Answered,
    ) -> (Result<TimedAnswer<()>, AnswerError>, Vec<i64>) {
        let now = Cell::new(MONDAY);
        let pass = |time: Duration| {
            now.set(now.get() + Millis::saturating(i64::try_from(time.as_millis()).unwrap()));
        };
        let requests = Cell::new(Vec::new());
        let outcome = request_until(
            MONDAY + WINDOW,
            || now.get(),
            || 0.5,
            |time| {
                pass(time);
                std::future::ready(())
            },
            |_| {
                let mut made = requests.take();
                let answered = answer(made.len());
                made.push((now.get() - MONDAY).get());
                requests.set(made);
                pass(Duration::from_millis(100));
                async move { answered }
            },
        );
        let outcome = outcome.await;
        (outcome, requests.take())
    }

    fn refused(status: u16, retry_after: Option<u64>) -> Answered {
        Err(MinerRequestError::Refused {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            said: "busy".into(),
            declared_delay: DeclaredDelay::Millis(0),
        })
    }

    fn unreachable() -> Answered {
        Err(MinerRequestError::Unreachable("reset".into()))
    }

    fn answered() -> Answered {
        Ok(VerifiedAnswer {
            answer: (),
            declared_delay: DeclaredDelay::Never,
        })
    }

    fn miss(outcome: Result<TimedAnswer<()>, AnswerError>) -> MissReason {
        match outcome {
            Err(AnswerError::Miss(miss)) => miss,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_deadline_that_is_past_leaves_no_time() {
        let now = UnixMillis::literal(1_000);
        assert_eq!(
            time_left(UnixMillis::literal(1_250), now),
            Some(Duration::from_millis(250))
        );
        assert_eq!(time_left(now, now), None);
        assert_eq!(time_left(UnixMillis::EPOCH, now), None);
    }

    /// The miner closes every connection, so that it is asked again, and the validator is to stop meanwhile.
    #[tokio::test]
    async fn a_validator_that_is_to_stop_waits_for_no_miner() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let axon = listener.local_addr().unwrap();
        let key = Keypair::derived(1, "validator");
        let request = CommitRequest::new(&btc_usd(2), in_ms(60_000), in_ms(60_000), in_ms(0));
        let stop = CancellationToken::new();
        let miners = LiveMiners::new(
            MinerClient::new(key.clone(), system_nanos).unwrap(),
            AddressPolicy::Any,
            stop.clone(),
        );
        let hotkey = key.hotkey();
        let (answer, ()) = tokio::join!(miners.commitment(&hotkey, axon, &request), async {
            drop(listener.accept().await.unwrap().0);
            stop.cancel();
        });
        assert!(matches!(answer, Err(AnswerError::Stopped)), "{answer:?}");
    }

    #[tokio::test]
    async fn a_miner_at_a_private_address_is_not_asked_on_a_public_network() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let axon = listener.local_addr().unwrap();
        let key = Keypair::derived(1, "validator");
        let client = MinerClient::new(key.clone(), system_nanos).unwrap();
        let miners = LiveMiners::new(client, AddressPolicy::PublicOnly, CancellationToken::new());
        let now = in_ms(60_000);
        let request = CommitRequest::new(&btc_usd(2), MONDAY, now, now);
        let hotkey = key.hotkey();
        let answer = miners.commitment(&hotkey, axon, &request).await;
        assert!(matches!(
            answer,
            Err(AnswerError::Miss(MissReason::NotServing))
        ));
        miners.notify(&hotkey, axon, &[], Duration::ZERO).await;
        let connection = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
        assert!(connection.is_err(), "the miner was asked");
    }

    /// A turn that began at another time than the machine's clock says now: the clock was set meanwhile.
    #[tokio::test]
    async fn a_machines_clock_that_is_set_changes_no_arrival() {
        let key = Keypair::derived(1, "validator");
        let client = MinerClient::new(key, system_nanos).unwrap();
        let miners = LiveMiners::new(client, AddressPolicy::Any, CancellationToken::new());
        miners.begin_turn(MONDAY);
        let answer = miners.answer_until(MONDAY + Millis::hours(1), |_| async { answered() });
        let at = answer.await.unwrap().at;
        assert!(MONDAY <= at && at < MONDAY + Millis::minutes(10), "{at}");
    }

    #[tokio::test]
    async fn a_declared_delay_does_not_change_the_arrival() {
        let (outcome, requests) = asked(|_| answered()).await;
        assert_eq!(outcome.unwrap().at, MONDAY + Millis::literal(100));
        assert_eq!(requests, [0]);
    }

    #[tokio::test]
    async fn a_miner_that_is_away_or_busy_is_asked_again_and_loses_nothing() {
        let faults: [fn() -> Answered; 4] = [
            unreachable,
            || refused(503, None),
            || refused(429, None),
            || refused(425, None),
        ];
        for fault in faults {
            let (outcome, requests) = asked(|n| if n < 4 { fault() } else { answered() }).await;
            assert_eq!(requests, [0, 350, 950, 2_050, 4_150]);
            assert_eq!(outcome.unwrap().at, MONDAY + Millis::literal(4_250));
        }
        let three = |n| {
            if n == 0 {
                refused(503, Some(3))
            } else {
                answered()
            }
        };
        assert_eq!(asked(three).await.1, [0, 3_100]);
        let year = |n| {
            if n == 0 {
                refused(503, Some(31_536_000))
            } else {
                answered()
            }
        };
        assert_eq!(asked(year).await.1, [0, 350]);
    }

    #[tokio::test]
    async fn a_miner_that_is_busy_until_its_window_closes_misses() {
        let status = |status| MissReason::BadAnswer {
            why: AnswerFault::Status(status),
        };
        let (outcome, requests) = asked(|_| refused(503, None)).await;
        assert_eq!(miss(outcome), status(503));
        assert!(
            requests.len() > 5 && requests.iter().all(|at| *at < WINDOW.get()),
            "{requests:?}"
        );
        let (outcome, _) = asked(|_| unreachable()).await;
        assert_eq!(miss(outcome), MissReason::Silent);
        let (outcome, _) = asked(|n| {
            if n == 0 {
                refused(429, Some(1))
            } else {
                unreachable()
            }
        })
        .await;
        assert_eq!(miss(outcome), MissReason::Silent);
    }

    #[tokio::test]
    async fn what_a_miner_does_wrong_is_its_own_miss_at_once() {
        let bad = |why| {
            Err(MinerRequestError::InvalidAnswer {
                why,
                declared_delay: DeclaredDelay::Millis(0),
            })
        };
        for status in [302, 400, 401, 403, 404, 408, 500, 502, 504] {
            let (outcome, requests) = asked(|_| refused(status, Some(1))).await;
            let why = AnswerFault::Status(status);
            assert_eq!(miss(outcome), MissReason::BadAnswer { why });
            assert_eq!(requests, [0]);
        }
        let (unusable, requests) = asked(|_| bad(AnswerFault::NoResponse)).await;
        let why = AnswerFault::NoResponse;
        assert_eq!(
            (miss(unusable), requests),
            (MissReason::BadAnswer { why }, vec![0])
        );
        let (forged, requests) = asked(|_| Err(MinerRequestError::BadSignature)).await;
        assert_eq!(
            (miss(forged), requests),
            (MissReason::BadSignature, vec![0])
        );
        let (slow, requests) = asked(|_| Err(MinerRequestError::TimedOut(Duration::ZERO))).await;
        assert_eq!((miss(slow), requests), (MissReason::Silent, vec![0]));
    }
}
