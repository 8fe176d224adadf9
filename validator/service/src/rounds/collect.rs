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
use futures_util::stream::{FuturesUnordered, Stream};

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

/// The reveals of the miners in `from`, as they come, each with its miner and that one's place in `from`; asked for with the receipt of its
/// commitment.
pub(super) fn request_reveals<'a, M: Miners>(
    miners: &'a M,
    axons: &'a BTreeMap<Hotkey, SocketAddr>,
    from: &'a [(Hotkey, Receipt)],
    round: &'a RoundId,
    deadline: UnixMillis,
    now: UnixMillis,
) -> impl Stream<
    Item = (
        usize,
        Hotkey,
        Result<AnswerOrMiss<RevealResponse>, AnswerError>,
    ),
> + Send {
    let requests = from.iter().enumerate();
    let requests = requests.map(move |(place, (miner, receipt))| async move {
        let request = RevealRequest {
            round: round.clone(),
            receipt: *receipt,
        };
        let answer = match axon_of(miner, axons) {
            Ok(axon) => miners.reveal(miner, axon, &request, deadline, now).await,
            Err(error) => Err(error),
        };
        (place, *miner, miss_apart(answer))
    });
    requests.collect::<FuturesUnordered<_>>()
}

fn axon_of(
    miner: &Hotkey,
    axons: &BTreeMap<Hotkey, SocketAddr>,
) -> Result<SocketAddr, AnswerError> {
    let axon = axons.get(miner).copied();
    axon.ok_or(AnswerError::Miss(MissReason::NotServing))
}

fn misses_apart<T>(
    answers: Vec<Result<TimedAnswer<T>, AnswerError>>,
) -> Result<Vec<AnswerOrMiss<T>>, AnswerError> {
    answers.into_iter().map(miss_apart).collect()
}

/// A miss is the miner's own and goes into the journal; any other error is the whole request's.
fn miss_apart<T>(
    answer: Result<TimedAnswer<T>, AnswerError>,
) -> Result<AnswerOrMiss<T>, AnswerError> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(AnswerError::Miss(miss)) => Ok(Err(miss)),
        Err(other) => Err(other),
    }
}
