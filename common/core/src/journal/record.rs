//! What a journal holds: records of everything that a weight depends on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::genesis::Genesis;
use crate::hash::{Commitment, Hash, Nonce, Signature};
use crate::hotkey::{Hotkey, Uid};
use crate::miss::MissReason;
use crate::pool::recalibration::WidthTrials;
use crate::pool::{FitSnapshot, Forecaster};
use crate::price::Price;
use crate::score::Score;
use crate::settle::{PriceProvenance, Settlement, VoidReason};
use crate::time::UnixMillis;

/// One thing that happened. Rounds are named by their origin; the series stands in the first record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// The first record: what this journal is about.
    Genesis(Genesis),
    /// A round was opened to these miners.
    Opened {
        /// Its origin.
        round: UnixMillis,
        /// Everybody who is asked.
        asked: Vec<Hotkey>,
        /// Coldkeys of the eligible.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        owners: BTreeMap<Hotkey, Hotkey>,
        /// The entries of this round's consensus, with their shares.
        pool: Vec<Forecaster>,
    },
    /// A commitment arrived in time and got its receipt.
    Committed {
        /// The round's origin.
        round: UnixMillis,
        /// Who committed.
        miner: Hotkey,
        /// To what.
        commitment: Commitment,
        /// When it arrived, by the round clock.
        arrival: UnixMillis,
        /// The miner's signature under its answer.
        signature: Signature,
        /// The validator's signature under the receipt.
        receipt: Signature,
    },
    /// The committed payload was revealed and holds a forecast.
    Revealed {
        /// The round's origin.
        round: UnixMillis,
        /// Whose it is.
        miner: Hotkey,
        /// The nonce of its commitment.
        nonce: Nonce,
        /// SHA-256 of the payload, which the store keeps verbatim.
        payload: Hash,
        /// The miner's signature under its payload.
        signature: Signature,
    },
    /// A miner has no forecast in this round.
    Missed {
        /// The round's origin.
        round: UnixMillis,
        /// Who.
        miner: Hotkey,
        /// The verdict.
        miss: MissReason,
    },
    /// The price of an instant is decided, once and for all.
    Priced {
        /// The instant: the end of a minute, or of a step where the series has nothing finer.
        instant: UnixMillis,
        /// The price of record; `None` is a gap.
        price: Option<Price>,
        /// What it was decided from.
        provenance: PriceProvenance,
    },
    /// The round's prices are known.
    Settled {
        /// The round's origin.
        round: UnixMillis,
        /// Anchor, volatility and closes.
        settlement: Settlement,
    },
    /// Everybody's score.
    Scored {
        /// The round's origin.
        round: UnixMillis,
        /// The reference's.
        reference: Score,
        /// The consensus's as buyers got it, unless its pool was empty.
        consensus: Option<Score>,
        /// The consensus's at other widths.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trials: Option<WidthTrials>,
        /// Those who revealed.
        miners: BTreeMap<Hotkey, Score>,
        /// Those who were asked and missed.
        missed: Vec<Hotkey>,
        /// What each hotkey of the pool added to the consensus.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        credits: BTreeMap<Hotkey, f64>,
        /// The fit's state after this round, by its hash.
        fit: FitSnapshot,
    },
    /// The round counts for nobody.
    Voided {
        /// The round's origin.
        round: UnixMillis,
        /// By which rule.
        why: VoidReason,
    },
    /// Weights were signed; from here on they may be on chain.
    WeightsSigned {
        /// Uids in the order of `values`.
        uids: Vec<Uid>,
        /// Their weights as the chain takes them.
        values: Vec<u16>,
        /// The extrinsic, ready to be sent (again).
        extrinsic: String,
        /// Its hash, by which the chain is asked for it.
        hash: Hash,
    },
    /// The chain has the weights.
    WeightsIncluded {
        /// The extrinsic's hash.
        hash: Hash,
        /// The block that holds it.
        block: u64,
    },
}
