//! Every kind of record, stored and read back.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::hash::{Hex, sha256};
use crate::hotkey::Uid;
use crate::miss::MissReason;
use crate::pool::{FitSnapshot, Forecaster};
use crate::price::Price;
use crate::rules::RulesVersion;
use crate::score::{CoverageCount, MetricSums, Score};
use crate::settle::{GapReason, PriceProvenance, Settlement, VenueExclusion, VoidReason};
use crate::testing::{MONDAY, btc_usd, hotkey, replay_genesis};
use crate::time::{Millis, UnixMillis};

/// One record of every kind (of voids, one of every reason), with `x` wherever a number is free.
fn one_of_each(x: f64) -> Vec<Record> {
    let round = MONDAY;
    let (miner, hash, signature) = (hotkey(1), sha256(b"bytes"), Hex([3; 64]));
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
            rules: RulesVersion::V1,
            prices: PriceOrigin::Replay { sha256: hash },
            ..replay_genesis(btc_usd(100), round, 48, Millis::minutes(30))
        }),
        Record::Opened {
            round,
            asked: vec![miner],
            owners: BTreeMap::from([(miner, miner.into())]),
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
            miss: MissReason::Late {
                by: Millis::literal(1),
            },
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
        Record::VoidedStretch {
            round,
            last: round,
            why: VoidReason::ValidatorDown,
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
            let stored = written.append(UnixMillis::literal(1), record.clone());
            prop_assert_eq!(read.verify_next(&stored).map(|entry| entry.record), Ok(record));
            prop_assert_eq!(read, written);
        }
    }
}
