//! Asking miners live: by the machine's clock, within each window's deadline.

use std::net::SocketAddr;
use std::time::Duration;

use foretell_core::hotkey::Hotkey;
use foretell_core::miss::MissReason;
use foretell_core::time::{Millis, UnixMillis};
use foretell_wire::address_policy::AddressPolicy;
use foretell_wire::client::{MinerClient, MinerRequestError, VerifiedAnswer};
use foretell_wire::messages::{
    CommitRequest, CommitResponse, OutcomeNotice, RevealRequest, RevealResponse,
};
use tokio_util::sync::CancellationToken;

use super::miners::{AnswerError, Miners, TimedAnswer, notify_over_http};
use foretell_cli::clock::system_now;

/// A miner that can't be reached is tried again after this, while its window is open.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Miners on the network. Whatever one does or doesn't do is its verdict, and no trouble of the validator's.
#[derive(Debug)]
pub struct LiveMiners {
    client: MinerClient,
    address_policy: AddressPolicy,
    stop: CancellationToken,
}

impl LiveMiners {
    /// Miners whose addresses the `address_policy` allows, asked by `client`, and no longer waited for once it is to `stop`.
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

    /// A miner whose address may not be asked serves nobody.
    fn check(&self, miner: &Hotkey, axon: SocketAddr) -> Result<(), AnswerError> {
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
        self.check(miner, axon)?;
        let ask = |left| self.client.request_commitment(miner, axon, request, left);
        self.unless_stopped(ask_until(request.deadline_ms, ask))
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
        self.check(miner, axon)?;
        let ask = |left| self.client.request_reveal(miner, axon, request, left);
        self.unless_stopped(ask_until(deadline, ask)).await
    }

    async fn notify(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notices: &[OutcomeNotice],
        timeout: Duration,
    ) {
        if self.check(miner, axon).is_err() {
            return;
        }
        tokio::select! {
            () = notify_over_http(&self.client, miner, axon, notices, timeout) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// The answer of a miner that is asked, again and again if it can't be reached, until `deadline`.
async fn ask_until<T, F>(
    deadline: UnixMillis,
    ask: impl Fn(Duration) -> F,
) -> Result<TimedAnswer<T>, AnswerError>
where
    F: Future<Output = Result<VerifiedAnswer<T>, MinerRequestError>>,
{
    loop {
        let Some(left) = time_left(deadline, system_now()) else {
            return Err(AnswerError::Miss(MissReason::Silent));
        };
        match ask(left).await {
            // What it declares of delays is for replays; here it arrived when it arrived.
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
    let Millis(left) = deadline - now;
    u64::try_from(left)
        .ok()
        .filter(|left| *left > 0)
        .map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use foretell_cli::clock::system_nanos;
    use foretell_wire::client::DeclaredDelay;

    fn in_ms(millis: i64) -> UnixMillis {
        system_now() + Millis(millis)
    }

    async fn asked(
        answer: fn() -> Result<VerifiedAnswer<()>, MinerRequestError>,
    ) -> Result<TimedAnswer<()>, AnswerError> {
        ask_until(in_ms(60_000), |_| async move { answer() }).await
    }

    #[test]
    fn a_deadline_that_is_past_leaves_no_time() {
        let now = UnixMillis(1_000);
        assert_eq!(
            time_left(UnixMillis(1_250), now),
            Some(Duration::from_millis(250))
        );
        assert_eq!(time_left(now, now), None);
        assert_eq!(time_left(UnixMillis(0), now), None);
    }

    /// A miner that hangs up on whoever asks, and a validator that is told to stop meanwhile.
    #[tokio::test]
    async fn a_validator_that_is_to_stop_waits_for_nobody() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let axon = listener.local_addr().unwrap();
        let key = foretell_keys::keypair::Keypair::derived(1, "validator");
        let series = foretell_core::series::Series {
            id: "BTC/USD".parse().unwrap(),
            grid: foretell_core::series::Grid {
                step: Millis::minutes(5),
                horizon: 2,
            },
            unit: foretell_core::series::Unit::LogPrice,
        };
        let request = CommitRequest::new(&series, in_ms(60_000), in_ms(60_000), in_ms(0));
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
        let key = foretell_keys::keypair::Keypair::derived(1, "validator");
        let client = MinerClient::new(key.clone(), system_nanos).unwrap();
        let miners = LiveMiners::new(client, AddressPolicy::PublicOnly, CancellationToken::new());
        let now = in_ms(60_000);
        let request = CommitRequest {
            round: "BTC/USD@1704067200000".parse().unwrap(),
            series: "BTC/USD".parse().unwrap(),
            step_s: 300,
            horizon: 2,
            deadline_ms: now,
            round_time_ms: now,
        };
        let hotkey = key.hotkey();
        let answer = miners.commitment(&hotkey, axon, &request).await;
        assert!(matches!(
            answer,
            Err(AnswerError::Miss(MissReason::NotServing))
        ));
        miners.notify(&hotkey, axon, &[], Duration::ZERO).await;
        let knock = listener.accept();
        let knock = tokio::time::timeout(Duration::ZERO, knock).await;
        assert!(knock.is_err(), "somebody knocked");
    }

    #[tokio::test]
    async fn an_answer_arrives_when_it_arrives_whatever_it_declares() {
        let before = system_now();
        let answer = asked(|| {
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
        let unusable = asked(|| {
            Err(MinerRequestError::InvalidAnswer {
                why: "rubbish".into(),
                declared_delay: DeclaredDelay::Millis(0),
            })
        });
        let verdict = unusable.await.unwrap_err();
        assert!(
            matches!(verdict, AnswerError::Miss(MissReason::BadAnswer { why }) if why == "rubbish")
        );
        let forged = asked(|| Err(MinerRequestError::BadSignature))
            .await
            .unwrap_err();
        assert!(matches!(
            forged,
            AnswerError::Miss(MissReason::BadSignature)
        ));
        let slow = asked(|| Err(MinerRequestError::TimedOut(Duration::ZERO)))
            .await
            .unwrap_err();
        assert!(matches!(slow, AnswerError::Miss(MissReason::Silent)));
        let late = ask_until(in_ms(-1), |_| async {
            Err::<VerifiedAnswer<()>, _>(MinerRequestError::BadSignature)
        });
        assert!(matches!(
            late.await.unwrap_err(),
            AnswerError::Miss(MissReason::Silent)
        ));
    }
}
