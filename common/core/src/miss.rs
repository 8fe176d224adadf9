//! Why a miner has no forecast in a round.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::forecast::ForecastRejection;
use crate::hash::Hash;
use crate::time::Millis;

/// Why a miner has no forecast in a round, in words for its operator.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum MissReason {
    /// The metagraph has no address to send the request to.
    #[error("no axon is served: announce an address")]
    NotServing,
    /// No answer came before the window closed.
    #[error("no answer")]
    Silent,
    /// An answer came after its window had closed.
    #[error("answered {} ms after the window had closed", by.get())]
    Late {
        /// Time from the end of the window to the answer.
        by: Millis,
    },
    /// The answer is not of the protocol's form.
    #[error("unusable answer: {why}")]
    BadAnswer {
        /// What is wrong with the answer.
        why: String,
    },
    /// The miner's signature under its answer does not verify.
    #[error("the answer's signature does not verify")]
    BadSignature,
    /// The revealed bytes are not the committed ones.
    #[error("the payload does not match the commitment")]
    Mismatch,
    /// The payload is the committed one, and no forecast.
    #[error("rejected: {0}")]
    Rejected(RejectedPayload),
}

/// A payload that is the committed one and yet no forecast; it is kept as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{rejection}")]
pub struct RejectedPayload {
    /// SHA-256 of the payload, which the store keeps verbatim.
    pub payload: Hash,
    /// Why it is no forecast.
    #[serde(flatten)]
    pub rejection: ForecastRejection,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha256;

    #[test]
    fn every_miss_reason_reads_back_as_it_was_stored() {
        let rejections = [
            ForecastRejection::TooLong { bytes: 5_000_000 },
            ForecastRejection::NotAForecast {
                why: "expected `,` at line 1 column 4".into(),
            },
            ForecastRejection::K { k: 1001 },
            ForecastRejection::Shape {
                expected: 300,
                found: 299,
            },
            ForecastRejection::NotFinite { step: 1, column: 2 },
            ForecastRejection::NotPositive { step: 3, column: 4 },
            ForecastRejection::Decreasing { step: 5, column: 6 },
        ];
        let rejected = rejections.map(|rejection| {
            MissReason::Rejected(RejectedPayload {
                payload: sha256(b"payload"),
                rejection,
            })
        });
        let others = [
            MissReason::NotServing,
            MissReason::Silent,
            MissReason::Late {
                by: Millis::literal(1),
            },
            MissReason::BadAnswer {
                why: "status 500".into(),
            },
            MissReason::BadSignature,
            MissReason::Mismatch,
        ];
        for miss in rejected.into_iter().chain(others) {
            let stored = serde_json::to_string(&miss).unwrap();
            assert_eq!(
                serde_json::from_str::<MissReason>(&stored).unwrap(),
                miss,
                "{stored}"
            );
        }
    }

    #[test]
    fn a_rejection_is_stored_flat_beside_the_hash_of_what_was_rejected() {
        let miss = MissReason::Rejected(RejectedPayload {
            payload: sha256(b""),
            rejection: ForecastRejection::K { k: 0 },
        });
        let expected = serde_json::json!({
            "verdict": "rejected",
            "payload": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "rejection": "k",
            "k": 0,
        });
        assert_eq!(serde_json::to_value(&miss).unwrap(), expected);
        assert_eq!(miss.to_string(), "rejected: k = 0, it must be 1 to 1000");
    }
}
