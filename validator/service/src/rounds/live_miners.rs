//! Asking miners live: by the machine's clock, within each window's deadline.

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

use super::miners::{AnswerError, Miners, TimedAnswer, notify_over_http};

/// A miner that can't be reached is tried again after this, while its window is open.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Miners on the network. Whatever one of them does wrong is its own miss, never an error of the validator.
#[derive(Debug)]
pub struct LiveMiners {
    client: MinerClient,
    address_policy: AddressPolicy,
    stop: CancellationToken,
}

impl LiveMiners {
    /// Miners at addresses that the `address_policy` allows, asked by `client`; no longer waited for once the validator is to
    /// `stop`.
    pub const fn new(
        client: MinerClient,
        address_policy: AddressPolicy,
        stop: CancellationToken,
    ) -> Self {
        Self {
            client,
            address_policy,
            stop,
        }
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
    async fn commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
    ) -> Result<TimedAnswer<CommitResponse>, AnswerError> {
        self.check_address(miner, axon)?;
        let request_within = |left| self.client.request_commitment(miner, axon, request, left);
        self.unless_stopped(request_until(request.deadline_ms, request_within))
            .await
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
        self.unless_stopped(request_until(deadline, request_within))
            .await
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

/// The answer of a miner that is asked until `deadline`, again and again if it can't be reached.
async fn request_until<T, F>(
    deadline: UnixMillis,
    request_within: impl Fn(Duration) -> F,
) -> Result<TimedAnswer<T>, AnswerError>
where
    F: Future<Output = Result<VerifiedAnswer<T>, MinerRequestError>>,
{
    loop {
        let Some(left) = time_left(deadline, system_now()) else {
            return Err(AnswerError::Miss(MissReason::Silent));
        };
        match request_within(left).await {
            // A declared delay is for replays; live, the clock tells the arrival.
            Ok(VerifiedAnswer { answer, .. }) => {
                let at = system_now();
                return Ok(TimedAnswer { answer, at });
            }
            Err(MinerRequestError::InvalidAnswer { why, .. }) => {
                return Err(AnswerError::Miss(MissReason::BadAnswer { why }));
            }
            Err(MinerRequestError::BadSignature) => {
                return Err(AnswerError::Miss(MissReason::BadSignature));
            }
            Err(MinerRequestError::TimedOut(_)) => {
                return Err(AnswerError::Miss(MissReason::Silent));
            }
            Err(MinerRequestError::Unreachable(error)) => {
                tracing::debug!(%error, "a miner can't be reached");
                tokio::time::sleep(RETRY_INTERVAL.min(left)).await;
            }
        }
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
    use foretell_cli::clock::system_nanos;
    use foretell_core::testing::{MONDAY, btc_usd};
    use foretell_keys::keypair::Keypair;
    use foretell_wire::client::DeclaredDelay;

    use super::*;

    fn in_ms(millis: i64) -> UnixMillis {
        system_now() + foretell_core::time::Millis::literal(millis)
    }

    async fn outcome_of(
        answer: fn() -> Result<VerifiedAnswer<()>, MinerRequestError>,
    ) -> Result<TimedAnswer<()>, AnswerError> {
        request_until(in_ms(60_000), |_| async move { answer() }).await
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

    #[tokio::test]
    async fn a_declared_delay_does_not_change_the_arrival() {
        let before = system_now();
        let answer = outcome_of(|| {
            Ok(VerifiedAnswer {
                answer: (),
                declared_delay: DeclaredDelay::Never,
            })
        });
        let at = answer.await.unwrap().at;
        assert!(before <= at && at <= system_now());
    }

    #[tokio::test]
    async fn what_a_miner_does_wrong_is_its_own_miss() {
        let unusable = outcome_of(|| {
            Err(MinerRequestError::InvalidAnswer {
                why: "rubbish".into(),
                declared_delay: DeclaredDelay::Millis(0),
            })
        });
        let error = unusable.await.unwrap_err();
        assert!(
            matches!(error, AnswerError::Miss(MissReason::BadAnswer { why }) if why == "rubbish")
        );
        let forged = outcome_of(|| Err(MinerRequestError::BadSignature))
            .await
            .unwrap_err();
        assert!(matches!(
            forged,
            AnswerError::Miss(MissReason::BadSignature)
        ));
        let slow = outcome_of(|| Err(MinerRequestError::TimedOut(Duration::ZERO)))
            .await
            .unwrap_err();
        assert!(matches!(slow, AnswerError::Miss(MissReason::Silent)));
        let late = request_until(in_ms(-1), |_| async {
            Err::<VerifiedAnswer<()>, _>(MinerRequestError::BadSignature)
        });
        assert!(matches!(
            late.await.unwrap_err(),
            AnswerError::Miss(MissReason::Silent)
        ));
    }
}
