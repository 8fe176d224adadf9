//! Why a miner has no forecast in a round.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::forecast::ForecastRejection;
use crate::hash::Hash;
use crate::json_fault::JsonFault;
use crate::time::Millis;

/// Why a miner has no forecast in a round, in words for its operator. None of them quotes what the miner sent: a reason is a
/// few words of ours, however long the answer was.
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
        why: AnswerFault,
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

/// What is wrong with an answer that is not of the protocol's form; stored as its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum AnswerFault {
    /// An HTTP status other than success.
    Status(u16),
    /// It is longer than this many bytes, the most that is read on its route.
    TooLong(usize),
    /// It is not the JSON of the route.
    NotJson(JsonFault),
    /// The synapse of the older protocol came back without a response in it.
    NoResponse,
    /// What an earlier version recorded in other words, which are not repeated.
    NotSaid,
}

const STATUS: &str = "status ";
const TOO_LONG: (&str, &str) = ("longer than ", " bytes");
const NOT_JSON: &str = "not the JSON of the route: ";
const NO_RESPONSE: &str = "the synapse came back without a response";
const NOT_SAID: &str = "not said";

impl fmt::Display for AnswerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{STATUS}{status}"),
            Self::TooLong(bytes) => write!(f, "{}{bytes}{}", TOO_LONG.0, TOO_LONG.1),
            Self::NotJson(fault) => write!(f, "{NOT_JSON}{fault}"),
            Self::NoResponse => f.write_str(NO_RESPONSE),
            Self::NotSaid => f.write_str(NOT_SAID),
        }
    }
}

impl From<AnswerFault> for String {
    fn from(fault: AnswerFault) -> Self {
        fault.to_string()
    }
}

impl From<String> for AnswerFault {
    fn from(stored: String) -> Self {
        let status = || stored.strip_prefix(STATUS)?.parse().ok().map(Self::Status);
        let too_long = || {
            let bytes = stored.strip_prefix(TOO_LONG.0)?.strip_suffix(TOO_LONG.1)?;
            bytes.parse().ok().map(Self::TooLong)
        };
        let not_json = || {
            let fault = stored.strip_prefix(NOT_JSON)?.to_owned();
            Some(Self::NotJson(fault.into()))
        };
        let no_response = || (stored == NO_RESPONSE).then_some(Self::NoResponse);
        status()
            .or_else(too_long)
            .or_else(not_json)
            .or_else(no_response)
            .unwrap_or(Self::NotSaid)
    }
}

/// A payload that is the committed one and yet no forecast.
///
/// It is kept verbatim, as evidence by which anybody can check the verdict, unless it is longer than any forecast of the K that
/// it states: then only its hash and length are.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{rejection}")]
pub struct RejectedPayload {
    /// SHA-256 of the payload.
    pub payload: Hash,
    /// Length in bytes of a payload that is not kept; `None` where the store keeps it verbatim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_bytes: Option<usize>,
    /// Why it is no forecast.
    #[serde(flatten)]
    pub rejection: ForecastRejection,
}

impl RejectedPayload {
    /// The hash under which the store keeps the payload, if it does.
    pub const fn kept(&self) -> Option<Hash> {
        match self.dropped_bytes {
            None => Some(self.payload),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::sha256;

    fn json_fault() -> JsonFault {
        JsonFault::new(&serde_json::from_str::<bool>("{").unwrap_err())
    }

    #[test]
    fn every_miss_reason_reads_back_as_it_was_stored() {
        let rejections = [
            ForecastRejection::TooLong { bytes: 5_000_000 },
            ForecastRejection::NotAForecast { why: json_fault() },
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
                dropped_bytes: None,
                rejection,
            })
        });
        let faults = [
            AnswerFault::Status(500),
            AnswerFault::TooLong(4096),
            AnswerFault::NotJson(json_fault()),
            AnswerFault::NoResponse,
            AnswerFault::NotSaid,
        ];
        let others = [
            MissReason::NotServing,
            MissReason::Silent,
            MissReason::Late {
                by: Millis::literal(1),
            },
            MissReason::BadSignature,
            MissReason::Mismatch,
            MissReason::Rejected(RejectedPayload {
                payload: sha256(b"long"),
                dropped_bytes: Some(4 << 20),
                rejection: ForecastRejection::K { k: 0 },
            }),
        ];
        let faults = faults.map(|why| MissReason::BadAnswer { why });
        for miss in rejected.into_iter().chain(faults).chain(others) {
            let stored = serde_json::to_string(&miss).unwrap();
            assert_eq!(
                serde_json::from_str::<MissReason>(&stored).unwrap(),
                miss,
                "{stored}"
            );
            assert!(stored.len() < 250, "{stored}");
        }
    }

    #[test]
    fn what_an_earlier_version_recorded_is_read_and_not_repeated() {
        let stored = r#"{"verdict":"bad_answer","why":"status 500: \u001b[2J all is lost"}"#;
        let miss: MissReason = serde_json::from_str(stored).unwrap();
        assert_eq!(miss.to_string(), "unusable answer: not said");
        let stored = format!(
            r#"{{"verdict":"rejected","payload":"{}","rejection":"not_a_forecast","why":"expected value"}}"#,
            sha256(b"x")
        );
        let miss: MissReason = serde_json::from_str(&stored).unwrap();
        let MissReason::Rejected(rejected) = miss else {
            panic!("{miss:?}");
        };
        assert_eq!(rejected.kept(), Some(sha256(b"x")));
    }

    #[test]
    fn a_rejection_is_stored_flat_beside_the_hash_of_what_was_rejected() {
        let miss = MissReason::Rejected(RejectedPayload {
            payload: sha256(b""),
            dropped_bytes: None,
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
