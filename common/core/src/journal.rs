//! The journal: an append-only chain of records that holds everything a weight depends on.
//!
//! Entry n holds the hash of entry n − 1, and is hashed as it is stored. State is nothing but the fold of
//! its records (see [`SeriesState`](crate::state::SeriesState)), so a validator that was killed carries on from here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::hash::{Commitment, Hash, Hex, Nonce, Signature, sha256};
use crate::hotkey::{Hotkey, Uid};
use crate::miss::MissReason;
use crate::pool::recalibration::WidthTrials;
use crate::pool::{FitSnapshot, Forecaster, evidence};
use crate::price::Price;
use crate::rules::RulesVersion;
use crate::score::Score;
use crate::series::Series;
use crate::settle::{PriceProvenance, Settlement, VoidReason};
use crate::time::{Millis, UnixMillis};

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

/// What a journal is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// The series that is forecast.
    pub series: Series,
    /// The rules that all records follow.
    pub rules: RulesVersion,
    /// Who asks and signs.
    pub validator: Hotkey,
    /// First origin.
    pub first: UnixMillis,
    /// Origins are below this.
    pub end: UnixMillis,
    /// Interval between origins.
    pub round_every: Millis,
    /// Where the settled prices come from.
    pub prices: PriceOrigin,
}

impl Genesis {
    /// How far evidence looks back, and over how many rounds a horizon's prices are shared.
    pub fn evidence_window(&self) -> evidence::EvidenceWindow {
        evidence::EvidenceWindow {
            lags: evidence::lags(self.series.grid.span().0, self.round_every.0),
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
        /// SHA-256.
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

/// A link of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Position, from 0.
    pub seq: u64,
    /// Hash of the entry before; zeros for the first.
    pub prev: Hash,
    /// Round time of the record.
    pub at: UnixMillis,
    /// What happened.
    pub record: Record,
}

/// The end of the chain: how many entries there are and the hash of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalHead {
    /// Number of entries.
    pub records: u64,
    /// Hash of the last entry; zeros for none.
    pub hash: Hash,
}

/// Where a chain of entries stops being one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JournalError {
    /// The stored bytes are no entry.
    #[error("journal record {seq} can't be read: {why}")]
    Unreadable {
        /// Its position.
        seq: u64,
        /// What the parser said.
        why: String,
    },
    /// The entry does not follow the one before.
    #[error("journal record {seq} doesn't follow the one before it")]
    Unlinked {
        /// Its position.
        seq: u64,
    },
}

impl JournalHead {
    /// The head of an empty journal.
    pub const EMPTY: Self = Self {
        records: 0,
        hash: Hex([0; 32]),
    };

    /// The bytes of the next entry, as they are stored; the head moves on to it.
    pub fn append(&mut self, at: UnixMillis, record: Record) -> Vec<u8> {
        let entry = JournalEntry {
            seq: self.records,
            prev: self.hash,
            at,
            record,
        };
        // Plain data with string keys and finite numbers: serialisation has nothing to fail on.
        let bytes = serde_json::to_vec(&entry).unwrap_or_default();
        self.records += 1;
        self.hash = sha256(&bytes);
        bytes
    }

    /// The entry in these stored bytes, if it is the next one; the head moves on to it.
    pub fn verify_next(&mut self, bytes: &[u8]) -> Result<JournalEntry, JournalError> {
        let seq = self.records;
        let entry: JournalEntry =
            serde_json::from_slice(bytes).map_err(|error| JournalError::Unreadable {
                seq,
                why: error.to_string(),
            })?;
        if entry.seq != seq || entry.prev != self.hash {
            return Err(JournalError::Unlinked { seq });
        }
        self.records += 1;
        self.hash = sha256(bytes);
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::score::{CoverageCount, MetricSums};
    use crate::series::{Grid, Unit};
    use crate::settle::{GapReason, VenueExclusion};

    fn voided(round: i64) -> Record {
        Record::Voided {
            round: UnixMillis(round),
            why: VoidReason::NoAnchor,
        }
    }

    /// One record of every kind (of voids, one of every reason), with `x` wherever a number is free.
    fn one_of_each(x: f64) -> Vec<Record> {
        let round = UnixMillis(1_704_067_200_000);
        let (miner, hash, signature) = (Hotkey([1; 32]), sha256(b"bytes"), Hex([3; 64]));
        let coverage = Some(CoverageCount {
            inside: 1,
            total: 2,
        });
        let score = Score {
            scaled_crps: x,
            metric_sums: MetricSums {
                squared_error: x,
                inside_50: coverage,
                ..MetricSums::default()
            },
        };
        let voids = [
            VoidReason::ValidatorDown,
            VoidReason::NoAnchor,
            VoidReason::NoVolatility,
            VoidReason::TooManyGaps { gaps: 2, steps: 10 },
            VoidReason::LastStepMissing,
        ];
        let others = [
            Record::Genesis(Genesis {
                series: Series {
                    id: "BTC/USD".parse().unwrap(),
                    grid: Grid {
                        step: Millis::minutes(5),
                        horizon: 100,
                    },
                    unit: Unit::LogPrice,
                },
                rules: RulesVersion::V1,
                validator: Hotkey([9; 32]),
                first: round,
                end: round + Millis::days(1),
                round_every: Millis::minutes(30),
                prices: PriceOrigin::Replay { sha256: hash },
            }),
            Record::Opened {
                round,
                asked: vec![miner],
                owners: BTreeMap::from([(miner, miner)]),
                pool: vec![Forecaster {
                    share: x,
                    members: BTreeMap::from([(miner, 1.0)]),
                }],
            },
            Record::Committed {
                round,
                miner,
                commitment: hash,
                arrival: round,
                signature,
                receipt: signature,
            },
            Record::Revealed {
                round,
                miner,
                nonce: hash,
                payload: hash,
                signature,
            },
            Record::Missed {
                round,
                miner,
                miss: MissReason::Late { by: Millis(1) },
            },
            Record::Priced {
                instant: round,
                price: Price::new(x).ok(),
                provenance: PriceProvenance::Venues {
                    inputs: hash,
                    dispersion_bps: Some(x),
                    gap: Some(GapReason::TooLittleWeight {
                        weight: x,
                        needed: 0.5,
                    }),
                    excluded: BTreeMap::from([
                        ("a".into(), VenueExclusion::Outlier { off_percent: x }),
                        ("b".into(), VenueExclusion::NoCandle),
                    ]),
                },
            },
            Record::Priced {
                instant: round,
                price: None,
                provenance: PriceProvenance::Source,
            },
            Record::Settled {
                round,
                settlement: Settlement {
                    anchor: Price::new(x).ok(),
                    volatility: Some(x),
                    closes: vec![Price::new(x).ok(), None],
                },
            },
            Record::Scored {
                round,
                reference: score.clone(),
                consensus: None,
                trials: None,
                miners: BTreeMap::from([(miner, score)]),
                missed: vec![miner],
                credits: BTreeMap::from([(miner, x)]),
                fit: FitSnapshot::default(),
            },
            Record::WeightsSigned {
                uids: vec![Uid(7)],
                values: vec![u16::MAX],
                extrinsic: "0xabcd".into(),
                hash,
            },
            Record::WeightsIncluded { hash, block: 8 },
        ];
        let voids = voids.map(|why| Record::Voided { round, why });
        others.into_iter().chain(voids).collect()
    }

    proptest! {
        #[test]
        fn every_record_reads_back_as_it_was_stored_to_the_last_bit(
            x in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        ) {
            let (mut written, mut read) = (JournalHead::EMPTY, JournalHead::EMPTY);
            for record in one_of_each(x) {
                let stored = written.append(UnixMillis(1), record.clone());
                prop_assert_eq!(read.verify_next(&stored).map(|entry| entry.record), Ok(record));
                prop_assert_eq!(read, written);
            }
        }
    }

    #[test]
    fn a_chain_follows_itself_to_the_same_head() {
        let mut written = JournalHead::EMPTY;
        let stored: Vec<Vec<u8>> = (0..3)
            .map(|i| written.append(UnixMillis(i), voided(i)))
            .collect();
        let mut read = JournalHead::EMPTY;
        for (bytes, i) in stored.iter().zip(0..) {
            let entry = read.verify_next(bytes).unwrap();
            assert_eq!((entry.at, entry.record), (UnixMillis(i), voided(i)));
        }
        assert_eq!(read, written);
    }

    #[test]
    fn a_changed_missing_or_mangled_record_is_named() {
        let mut head = JournalHead::EMPTY;
        let first = head.append(UnixMillis(0), voided(0));
        let second = head.append(UnixMillis(1), voided(1));
        let other = JournalHead::EMPTY.clone().append(UnixMillis(0), voided(9));

        let mut read = JournalHead::EMPTY;
        assert_eq!(
            read.verify_next(&second),
            Err(JournalError::Unlinked { seq: 0 })
        );
        read.verify_next(&other).unwrap();
        assert_eq!(
            read.verify_next(&second),
            Err(JournalError::Unlinked { seq: 1 })
        );
        let mut read = JournalHead::EMPTY;
        read.verify_next(&first).unwrap();
        assert!(matches!(
            read.verify_next(b"{}"),
            Err(JournalError::Unreadable { seq: 1, .. })
        ));
    }
}
