//! The messages between a validator and a miner, as JSON.

use std::fmt;

use foretell_core::hash::{Commitment, Nonce, Signature};
use foretell_core::price::Price;
use foretell_core::round::Receipt;
use foretell_core::series::{RoundId, Series, SeriesId};
use foretell_core::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// Route on which a miner is asked for a commitment.
pub const COMMIT_ROUTE: &str = "/v1/commit";

/// Route on which a miner is asked to reveal.
pub const REVEAL_ROUTE: &str = "/v1/reveal";

/// Route on which a miner gets the outcome of a round.
pub const OUTCOME_ROUTE: &str = "/v1/outcome";

/// Response header by which an adversary declares how late it answers, in ms or `never`.
///
/// Only a replay reads it: there, wall time means nothing.
pub const DELAY_HEADER: &str = "x-foretell-delay";

/// Asks for a commitment to a forecast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitRequest {
    /// The round, `SERIES@T_MS` with its origin T.
    pub round: RoundId,
    /// The series of [`round`](Self::round), for miners that don't take ids apart.
    pub series: SeriesId,
    /// Step of the grid in seconds.
    pub step_s: u64,
    /// Number of steps H of the forecast that is asked for.
    pub horizon: usize,
    /// The last instant of the round clock at which an answer counts.
    pub deadline_ms: UnixMillis,
    /// The round clock now; in a replay the only time that a miner may know.
    pub round_time_ms: UnixMillis,
}

impl CommitRequest {
    /// The request for the round of `series` at `origin`.
    pub fn new(series: &Series, origin: UnixMillis, deadline: UnixMillis, now: UnixMillis) -> Self {
        Self {
            round: series.round(origin),
            series: series.id.clone(),
            step_s: series.grid.step.get().unsigned_abs() / 1000,
            horizon: series.grid.horizon,
            deadline_ms: deadline,
            round_time_ms: now,
        }
    }
}

/// The miner's commitment, which binds it to a payload that it doesn't show yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitResponse {
    /// The hash of payload and nonce: [`foretell_core::signed_text::commitment`].
    pub commitment: Commitment,
    /// The miner's, over [`foretell_core::signed_text::answer_text`].
    pub signature: Signature,
}

/// Asks for the payload behind a commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevealRequest {
    /// The round of the commitment.
    pub round: RoundId,
    /// The validator's receipt for the commitment.
    pub receipt: Receipt,
}

/// The payload behind a commitment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevealResponse<P = String> {
    /// The nonce that went into the commitment.
    pub nonce: Nonce,
    /// The forecast's JSON as one string, never re-serialised.
    pub payload: P,
    /// The miner's, over [`foretell_core::signed_text::reveal_text`].
    pub signature: Signature,
}

/// The outcome of a round for one miner, from which it can learn and its operator sees why; the miner answers 204.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeNotice {
    /// The round that is settled or void.
    pub round: RoundId,
    /// Whether the miner's answer was scored.
    pub verdict: OutcomeStatus,
    /// Why it was not scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Settled price at the origin; none if it is a gap.
    pub anchor: Option<Price>,
    /// Settled prices at steps 1 ..= H; `null` is a gap. None at all of a void round.
    pub realised: Vec<Option<Price>>,
    /// The miner's scaled CRPS, lower is better; none unless it was scored.
    pub score: Option<f64>,
    /// The reference's scaled CRPS; none of a void round.
    pub reference: Option<f64>,
    /// The miner's place on the leaderboard, on which the reference stands too; none without one.
    pub rank: Option<usize>,
    /// The miner's share of all weight, 0 to 1.
    pub weight: Option<f64>,
}

/// What became of a miner's answer in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// It was a valid forecast, and has a score.
    Scored,
    /// No valid forecast came in time: a miss.
    Missed,
    /// The round is void: it counts for nobody.
    Void,
}

impl fmt::Display for OutcomeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Scored => "scored",
            Self::Missed => "missed",
            Self::Void => "void",
        })
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::hash::Hex;
    use foretell_core::testing::{MONDAY, btc_usd};
    use foretell_core::time::Millis;
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    fn round() -> RoundId {
        "BTC/USD@1704067200000".parse().unwrap()
    }

    /// The message is written as `expected`, and `expected` is read as the message.
    fn check<M>(message: &M, expected: &Value)
    where
        M: Serialize + DeserializeOwned + PartialEq + fmt::Debug,
    {
        assert_eq!(serde_json::to_value(message).unwrap(), *expected);
        let text = expected.to_string();
        assert_eq!(serde_json::from_str::<M>(&text).unwrap(), *message);
    }

    #[test]
    fn a_request_for_a_commitment() {
        let deadline = MONDAY - Millis::seconds(5);
        let now = MONDAY - Millis::seconds(15);
        check(
            &CommitRequest::new(&btc_usd(100), MONDAY, deadline, now),
            &json!({
                "round": "BTC/USD@1704067200000",
                "series": "BTC/USD",
                "step_s": 300,
                "horizon": 100,
                "deadline_ms": 1_704_067_195_000_i64,
                "round_time_ms": 1_704_067_185_000_i64,
            }),
        );
    }

    #[test]
    fn a_commitment() {
        check(
            &CommitResponse {
                commitment: Hex([0xab; 32]),
                signature: Hex([0xcd; 64]),
            },
            &json!({"commitment": "ab".repeat(32), "signature": "cd".repeat(64)}),
        );
    }

    #[test]
    fn a_request_to_reveal() {
        check(
            &RevealRequest {
                round: round(),
                receipt: Receipt {
                    commitment: Hex([0xab; 32]),
                    arrival: UnixMillis::literal(1_704_067_194_321),
                    signature: Hex([0xcd; 64]),
                },
            },
            &json!({
                "round": "BTC/USD@1704067200000",
                "receipt": {
                    "commitment": "ab".repeat(32),
                    "arrival_ms": 1_704_067_194_321_i64,
                    "signature": "cd".repeat(64),
                },
            }),
        );
    }

    #[test]
    fn a_reveal_carries_its_payload_as_one_string() {
        check(
            &RevealResponse {
                nonce: Hex([0xab; 32]),
                payload: r#"{"k": 1}"#.to_owned(),
                signature: Hex([0xcd; 64]),
            },
            &json!({
                "nonce": "ab".repeat(32),
                "payload": "{\"k\": 1}",
                "signature": "cd".repeat(64),
            }),
        );
    }

    #[test]
    fn an_outcome_says_what_is_undefined() {
        check(
            &OutcomeNotice {
                round: round(),
                verdict: OutcomeStatus::Missed,
                reason: Some("late by 3 s".into()),
                anchor: Price::new(42_000.5).ok(),
                realised: vec![Price::new(42_001.0).ok(), None],
                score: None,
                reference: Some(0.53),
                rank: Some(4),
                weight: Some(0.0),
            },
            &json!({
                "round": "BTC/USD@1704067200000",
                "verdict": "missed",
                "reason": "late by 3 s",
                "anchor": "42000.5",
                "realised": ["42001", null],
                "score": null,
                "reference": 0.53,
                "rank": 4,
                "weight": 0.0,
            }),
        );
    }
}
