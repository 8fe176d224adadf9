//! Asks all miners of a round at once, for their commitments or for what is behind them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use foretell_core::hotkey::Hotkey;
use foretell_core::miss::MissReason;
use foretell_core::round::Receipt;
use foretell_core::series::RoundId;
use foretell_core::time::UnixMillis;
use foretell_wire::messages::{CommitRequest, CommitResponse, RevealRequest, RevealResponse};
use futures_util::future::join_all;

use super::miners::{AnswerError, Miners, TimedAnswer};

/// What one miner answered, or how it missed.
pub(super) type AnswerOrMiss<T> = Result<TimedAnswer<T>, MissReason>;

/// The commitment of each miner in `from`, in that order.
///
/// # Errors
/// A miner broke down in a replay, or the validator is to stop.
pub(super) async fn request_commitments(
    miners: &impl Miners,
    axons: &BTreeMap<Hotkey, SocketAddr>,
    from: &[Hotkey],
    request: &CommitRequest,
) -> Result<Vec<AnswerOrMiss<CommitResponse>>, AnswerError> {
    let requests = from.iter().map(|miner| async move {
        let axon = axon_of(miner, axons)?;
        miners.commitment(miner, axon, request).await
    });
    misses_apart(join_all(requests).await)
}

/// The reveal of each miner in `from`, in that order, asked for with the receipt of its commitment.
///
/// # Errors
/// A miner broke down in a replay, or the validator is to stop.
pub(super) async fn request_reveals(
    miners: &impl Miners,
    axons: &BTreeMap<Hotkey, SocketAddr>,
    from: &[(Hotkey, Receipt)],
    round: &RoundId,
    deadline: UnixMillis,
    now: UnixMillis,
) -> Result<Vec<AnswerOrMiss<RevealResponse>>, AnswerError> {
    let requests = from.iter().map(|(miner, receipt)| async move {
        let axon = axon_of(miner, axons)?;
        let request = RevealRequest {
            round: round.clone(),
            receipt: *receipt,
        };
        miners.reveal(miner, axon, &request, deadline, now).await
    });
    misses_apart(join_all(requests).await)
}

fn axon_of(
    miner: &Hotkey,
    axons: &BTreeMap<Hotkey, SocketAddr>,
) -> Result<SocketAddr, AnswerError> {
    let axon = axons.get(miner).copied();
    axon.ok_or(AnswerError::Miss(MissReason::NotServing))
}

/// A miss is the miner's own and goes into the journal; any other error is the whole request's.
fn misses_apart<T>(
    answers: Vec<Result<TimedAnswer<T>, AnswerError>>,
) -> Result<Vec<AnswerOrMiss<T>>, AnswerError> {
    let answers = answers.into_iter().map(|answer| match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(AnswerError::Miss(miss)) => Ok(Err(miss)),
        Err(other) => Err(other),
    });
    answers.collect()
}
