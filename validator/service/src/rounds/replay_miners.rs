//! Asking miners in a replay, over signed HTTP. Wall time decides nothing here.

use std::net::SocketAddr;
use std::time::Duration;

use foretell_core::hotkey::Hotkey;
use foretell_core::miss::MissReason;
use foretell_core::time::{Millis, UnixMillis};
use foretell_wire::client::{DeclaredDelay, MinerClient, MinerRequestError, VerifiedAnswer};
use foretell_wire::messages::{
    CommitRequest, CommitResponse, OutcomeNotice, RevealRequest, RevealResponse,
};

use super::miners::{AnswerError, Miners, TimedAnswer, miss_of, notify_over_http};

/// Miners in a replay. An answer arrives at the instant it was asked for, plus the delay that an adversary declares.
#[derive(Debug)]
pub struct ReplayMiners {
    client: MinerClient,
    timeout: Duration,
}

impl ReplayMiners {
    /// Miners asked by `client`; one that doesn't answer for `timeout` of wall time ends the replay with an error.
    pub const fn new(client: MinerClient, timeout: Duration) -> Self {
        Self { client, timeout }
    }

    fn timed_answer<T>(
        answered: Result<VerifiedAnswer<T>, MinerRequestError>,
        miner: &Hotkey,
        axon: SocketAddr,
        now: UnixMillis,
    ) -> Result<TimedAnswer<T>, AnswerError> {
        match answered {
            Ok(VerifiedAnswer {
                answer,
                declared_delay,
            }) => match declared_delay {
                DeclaredDelay::Never => Err(AnswerError::Miss(MissReason::Silent)),
                DeclaredDelay::Millis(delay) => Ok(TimedAnswer {
                    answer,
                    at: now + Millis::saturating(delay.into()),
                }),
            },
            Err(
                MinerRequestError::InvalidAnswer {
                    declared_delay: DeclaredDelay::Never,
                    ..
                }
                | MinerRequestError::Refused {
                    declared_delay: DeclaredDelay::Never,
                    ..
                },
            ) => Err(AnswerError::Miss(MissReason::Silent)),
            // Time stands still: whoever can't answer now can't at any other moment of this instant.
            Err(
                error @ (MinerRequestError::InvalidAnswer { .. }
                | MinerRequestError::Refused { .. }
                | MinerRequestError::BadSignature),
            ) => Err(AnswerError::Miss(miss_of(&error))),
            Err(
                source @ (MinerRequestError::Unreachable(_)
                | MinerRequestError::TimedOut(_)
                | MinerRequestError::Unsendable(_)),
            ) => Err(AnswerError::Broken {
                miner: *miner,
                axon,
                source,
            }),
        }
    }
}

impl Miners for ReplayMiners {
    async fn commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
    ) -> Result<TimedAnswer<CommitResponse>, AnswerError> {
        let answered = self
            .client
            .request_commitment(miner, axon, request, self.timeout)
            .await;
        Self::timed_answer(answered, miner, axon, request.round_time_ms)
    }

    async fn reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        _deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<TimedAnswer<RevealResponse>, AnswerError> {
        let answered = self
            .client
            .request_reveal(miner, axon, request, self.timeout)
            .await;
        Self::timed_answer(answered, miner, axon, now)
    }

    async fn notify(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        notices: &[OutcomeNotice],
        timeout: Duration,
    ) {
        notify_over_http(&self.client, miner, axon, notices, timeout).await;
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::miss::AnswerFault;
    use foretell_core::testing::hotkey;

    use super::*;

    const NOW: UnixMillis = UnixMillis::literal(1_000);

    fn arrival(
        answered: Result<VerifiedAnswer<()>, MinerRequestError>,
    ) -> Result<UnixMillis, AnswerError> {
        let axon = SocketAddr::from(([127, 0, 0, 1], 1));
        let answer = ReplayMiners::timed_answer(answered, &hotkey(1), axon, NOW);
        answer.map(|answer| answer.at)
    }

    fn invalid_answer(
        declared_delay: DeclaredDelay,
    ) -> Result<VerifiedAnswer<()>, MinerRequestError> {
        Err(MinerRequestError::InvalidAnswer {
            why: AnswerFault::Status(500),
            declared_delay,
        })
    }

    #[test]
    fn an_answer_arrives_after_the_declared_delay() {
        let answered = |declared_delay| {
            arrival(Ok(VerifiedAnswer {
                answer: (),
                declared_delay,
            }))
        };
        assert_eq!(answered(DeclaredDelay::Millis(0)).unwrap(), NOW);
        assert_eq!(
            answered(DeclaredDelay::Millis(3000)).unwrap(),
            UnixMillis::literal(4_000)
        );
        let never = answered(DeclaredDelay::Never);
        assert!(matches!(never, Err(AnswerError::Miss(MissReason::Silent))));
    }

    #[test]
    fn a_wrong_answer_is_a_miss_and_a_broken_miner_ends_the_replay() {
        let bad = arrival(invalid_answer(DeclaredDelay::Millis(0)));
        assert!(
            matches!(bad, Err(AnswerError::Miss(MissReason::BadAnswer { why })) if why == AnswerFault::Status(500))
        );
        let never = arrival(invalid_answer(DeclaredDelay::Never));
        assert!(matches!(never, Err(AnswerError::Miss(MissReason::Silent))));
        let forged = arrival(Err(MinerRequestError::BadSignature));
        assert!(matches!(
            forged,
            Err(AnswerError::Miss(MissReason::BadSignature))
        ));
        let hung = arrival(Err(MinerRequestError::TimedOut(Duration::ZERO)));
        assert!(matches!(hung, Err(AnswerError::Broken { .. })));
    }
}
