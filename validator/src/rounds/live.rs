//! Asking miners live: by the machine's clock, within each window's deadline.

use std::net::SocketAddr;
use std::time::Duration;

use foretell_core::hotkey::Hotkey;
use foretell_core::round::Miss;
use foretell_core::time::{Millis, UnixMillis};
use foretell_wire::client::{Answered, AskError, MinerClient};
use foretell_wire::messages::{
    CommitAnswer, CommitRequest, OutcomeNotice, RevealAnswer, RevealRequest,
};
use foretell_wire::reach::Reach;
use tokio_util::sync::CancellationToken;

use super::miners::{Arrived, Miners, NoAnswer, tell_by};
use crate::clock::system_now;

/// A miner that can't be reached is tried again after this, while its window is open.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Miners on the network. Whatever one does or doesn't do is its verdict, and no trouble of the validator's.
#[derive(Debug)]
pub struct LiveMiners {
    client: MinerClient,
    reach: Reach,
    stop: CancellationToken,
}

impl LiveMiners {
    /// Miners within `reach` asked by `client`, and no longer waited for once it is to `stop`.
    pub const fn new(client: MinerClient, reach: Reach, stop: CancellationToken) -> Self {
        Self {
            client,
            reach,
            stop,
        }
    }

    /// A miner whose address is out of reach serves nobody.
    fn check(&self, miner: &Hotkey, axon: SocketAddr) -> Result<(), NoAnswer> {
        if self.reach.allows(axon) {
            return Ok(());
        }
        tracing::debug!(%miner, %axon, "not asked: no address of the public internet");
        Err(NoAnswer::Miss(Miss::NotServing))
    }

    async fn unless_stopped<T>(
        &self,
        answer: impl Future<Output = Result<T, NoAnswer>>,
    ) -> Result<T, NoAnswer> {
        tokio::select! {
            biased;
            answer = answer => answer,
            () = self.stop.cancelled() => Err(NoAnswer::Stopped),
        }
    }
}

impl Miners for LiveMiners {
    async fn commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
    ) -> Result<Arrived<CommitAnswer>, NoAnswer> {
        self.check(miner, axon)?;
        let ask = |left| self.client.commitment(miner, axon, request, left);
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
    ) -> Result<Arrived<RevealAnswer>, NoAnswer> {
        self.check(miner, axon)?;
        let ask = |left| self.client.reveal(miner, axon, request, left);
        self.unless_stopped(ask_until(deadline, ask)).await
    }

    async fn tell(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notices: &[OutcomeNotice],
        patience: Duration,
    ) {
        if self.check(miner, axon).is_err() {
            return;
        }
        tokio::select! {
            () = tell_by(&self.client, miner, axon, notices, patience) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// The answer of a miner that is asked, again and again if it can't be reached, until `deadline`.
async fn ask_until<T, F>(
    deadline: UnixMillis,
    ask: impl Fn(Duration) -> F,
) -> Result<Arrived<T>, NoAnswer>
where
    F: Future<Output = Result<Answered<T>, AskError>>,
{
    loop {
        let Some(left) = time_left(deadline, system_now()) else {
            return Err(NoAnswer::Miss(Miss::Silent));
        };
        match ask(left).await {
            // What it declares of delays is for replays; here it arrived when it arrived.
            Ok(Answered { answer, .. }) => {
                let at = system_now();
                return Ok(Arrived { answer, at });
            }
            Err(AskError::Unusable { why, .. }) => {
                return Err(NoAnswer::Miss(Miss::BadAnswer { why }));
            }
            Err(AskError::Signature) => return Err(NoAnswer::Miss(Miss::BadSignature)),
            Err(AskError::TimedOut(_)) => return Err(NoAnswer::Miss(Miss::Silent)),
            Err(AskError::Unreachable(error)) => {
                tracing::debug!(%error, "a miner can't be reached");
                tokio::time::sleep(TRY_AGAIN.min(left)).await;
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
    use foretell_wire::client::Delay;

    fn in_ms(millis: i64) -> UnixMillis {
        system_now() + Millis(millis)
    }

    async fn asked(
        answer: fn() -> Result<Answered<()>, AskError>,
    ) -> Result<Arrived<()>, NoAnswer> {
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
        let key = foretell_wire::keypair::Keypair::derived(1, "validator");
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
            MinerClient::new(key.clone()).unwrap(),
            Reach::Anywhere,
            stop.clone(),
        );
        let hotkey = key.hotkey();
        let (answer, ()) = tokio::join!(miners.commitment(&hotkey, axon, &request), async {
            drop(listener.accept().await.unwrap().0);
            stop.cancel();
        });
        assert!(matches!(answer, Err(NoAnswer::Stopped)), "{answer:?}");
    }

    #[tokio::test]
    async fn a_miner_at_a_private_address_is_not_asked_on_a_public_network() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let axon = listener.local_addr().unwrap();
        let key = foretell_wire::keypair::Keypair::derived(1, "validator");
        let client = MinerClient::new(key.clone()).unwrap();
        let miners = LiveMiners::new(client, Reach::Public, CancellationToken::new());
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
        assert!(matches!(answer, Err(NoAnswer::Miss(Miss::NotServing))));
        miners.tell(&hotkey, axon, &[], Duration::ZERO).await;
        let knock = listener.accept();
        let knock = tokio::time::timeout(Duration::ZERO, knock).await;
        assert!(knock.is_err(), "somebody knocked");
    }

    #[tokio::test]
    async fn an_answer_arrives_when_it_arrives_whatever_it_declares() {
        let before = system_now();
        let arrived = asked(|| {
            Ok(Answered {
                answer: (),
                declared_delay: Delay::Never,
            })
        });
        let at = arrived.await.unwrap().at;
        assert!(before <= at && at <= system_now());
    }

    #[tokio::test]
    async fn what_a_miner_does_wrong_is_its_own_miss() {
        let unusable = asked(|| {
            Err(AskError::Unusable {
                why: "rubbish".into(),
                declared_delay: Delay::Millis(0),
            })
        });
        let verdict = unusable.await.unwrap_err();
        assert!(matches!(verdict, NoAnswer::Miss(Miss::BadAnswer { why }) if why == "rubbish"));
        let forged = asked(|| Err(AskError::Signature)).await.unwrap_err();
        assert!(matches!(forged, NoAnswer::Miss(Miss::BadSignature)));
        let slow = asked(|| Err(AskError::TimedOut(Duration::ZERO)))
            .await
            .unwrap_err();
        assert!(matches!(slow, NoAnswer::Miss(Miss::Silent)));
        let late = ask_until(in_ms(-1), |_| async {
            Err::<Answered<()>, _>(AskError::Signature)
        });
        assert!(matches!(
            late.await.unwrap_err(),
            NoAnswer::Miss(Miss::Silent)
        ));
    }
}
