//! What a journal holds: records of everything that a weight depends on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::genesis::Genesis;
use crate::coldkey::Coldkey;
use crate::hash::{Commitment, Hash, Nonce, Signature};
use crate::hotkey::{Hotkey, Uid};
use crate::miss::MissReason;
use crate::pool::recalibration::WidthTrials;
use crate::pool::{FitSnapshot, Forecaster};
use crate::price::Price;
use crate::score::Score;
use crate::settle::{PriceProvenance, Settlement, VoidReason};
use crate::time::UnixMillis;

/// One thing that happened. Rounds are named by their origin; the series stands in the [`Genesis`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// The first record: what this journal is about.
    Genesis(Genesis),
    /// A round was opened to these miners.
    Opened {
        /// The round's origin.
        round: UnixMillis,
        /// Every miner that is asked for a forecast.
        asked: Vec<Hotkey>,
        /// The coldkey of each eligible hotkey that has one on the metagraph.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        owners: BTreeMap<Hotkey, Coldkey>,
        /// The forecasters of this round's consensus, with their shares.
        pool: Vec<Forecaster>,
    },
    /// A commitment arrived in time and got its receipt.
    Committed {
        /// The round's origin.
        round: UnixMillis,
        /// The miner that committed.
        miner: Hotkey,
        /// The hash that binds the miner to its payload.
        commitment: Commitment,
        /// When the commitment arrived, by the round clock.
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
        /// The miner that revealed.
        miner: Hotkey,
        /// The nonce that the commitment was made with.
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
        /// The miner without a forecast.
        miner: Hotkey,
        /// Why it has none.
        miss: MissReason,
    },
    /// The price of an instant is decided, once and for all.
    Priced {
        /// The instant: the end of a minute, or of a step where the series has nothing finer.
        instant: UnixMillis,
        /// The price of record; `None` is a gap.
        price: Option<Price>,
        /// The inputs that it was decided from.
        provenance: PriceProvenance,
    },
    /// All prices that a round is scored against are decided.
    Settled {
        /// The round's origin.
        round: UnixMillis,
        /// The round's anchor, volatility and closes.
        settlement: Settlement,
    },
    /// The scores of a settled round.
    Scored {
        /// The round's origin.
        round: UnixMillis,
        /// The reference's score, which all advantages are measured from.
        reference: Score,
        /// The score of the consensus as it was published; `None` where its pool was empty.
        consensus: Option<Score>,
        /// Scaled CRPS of the consensus at other widths, for its recalibration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trials: Option<WidthTrials>,
        /// The score of every miner with a forecast.
        miners: BTreeMap<Hotkey, Score>,
        /// The miners that were asked and have no forecast.
        missed: Vec<Hotkey>,
        /// What each hotkey of the pool added to the consensus.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        credits: BTreeMap<Hotkey, f64>,
        /// State of the consensus's fit after this round, stored by its hash.
        fit: FitSnapshot,
    },
    /// The round is void: it counts for nobody.
    Voided {
        /// The round's origin.
        round: UnixMillis,
        /// The rule that makes it void.
        why: VoidReason,
    },
    /// Rounds that were never opened are void, from one origin to another: the validator was down.
    VoidedStretch {
        /// Origin of the first of these rounds.
        round: UnixMillis,
        /// Origin of the last of them.
        last: UnixMillis,
        /// The rule that makes them void.
        why: VoidReason,
    },
    /// Weights were signed; from here on they may be on chain.
    WeightsSigned {
        /// Uids in the order of `values`.
        uids: Vec<Uid>,
        /// Weight of each uid on the scale of the chain, 0 to 65,535.
        values: Vec<u16>,
        /// The signed extrinsic as text, ready to be sent, and to be sent again after a crash.
        extrinsic: String,
        /// The extrinsic's hash, by which it is found on chain.
        hash: Hash,
    },
    /// A block of the chain holds the signed weights.
    WeightsIncluded {
        /// The extrinsic's hash.
        hash: Hash,
        /// Number of the block that holds it.
        block: u64,
    },
}
