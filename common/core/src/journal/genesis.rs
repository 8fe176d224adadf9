//! What a journal is about: its first record.

use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::hotkey::Hotkey;
use crate::pool::evidence;
use crate::rules::RulesVersion;
use crate::series::Series;
use crate::time::{Millis, UnixMillis, deserialize_step};

/// What a journal is about: series, rules, validator, and the origins of its rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// The series that is forecast.
    pub series: Series,
    /// The rules that all records follow.
    pub rules: RulesVersion,
    /// The validator whose journal it is: it asks miners and signs receipts.
    pub validator: Hotkey,
    /// Origin of the first round.
    pub first_origin: UnixMillis,
    /// All origins are below this instant.
    pub end_origin: UnixMillis,
    /// Time from one origin to the next.
    #[serde(deserialize_with = "deserialize_step")]
    pub round_every: Millis,
    /// Where the settled prices come from.
    pub prices: PriceOrigin,
}

impl Genesis {
    /// How far evidence looks back, and over how many rounds a horizon's prices are shared.
    pub fn evidence_window(&self) -> evidence::EvidenceWindow {
        evidence::EvidenceWindow {
            lags: evidence::lags(self.series.grid.span(), self.round_every),
            half_life: self.rules.rules().evidence.half_life,
        }
    }
}

/// Where settled prices come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum PriceOrigin {
    /// A replay of bars: the digest of their canonical text.
    Replay {
        /// SHA-256 of that text.
        sha256: Hash,
    },
    /// A quorum of venues, minute by minute from `since` on. Each minute's inputs name its venues.
    Venues {
        /// Start of the first minute.
        since: UnixMillis,
    },
    /// One source of values, step by step from `since` on.
    Source {
        /// Start of the first step.
        since: UnixMillis,
    },
}
