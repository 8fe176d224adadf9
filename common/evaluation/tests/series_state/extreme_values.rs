//! Whatever finite numbers come in, the scores that go out are finite and survive the journal.

use std::collections::BTreeMap;

use foretell_core::journal::{JournalHead, Record};
use foretell_core::pool::Forecaster;
use foretell_core::price::Price;
use foretell_core::series::Unit;
use foretell_core::settle::Settlement;
use foretell_core::state::SeriesState;
use foretell_core::testing::{MONDAY, hotkey};
use proptest::prelude::*;

use crate::market::genesis;

/// Any finite number, the extremes often.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        prop::sample::select(vec![
            f64::MAX,
            f64::MIN,
            5e-324,
            1e300,
            -1e300,
            1e200,
            100.0
        ]),
    ]
}

/// What a journal gives back for a record.
fn stored(record: &Record) -> Record {
    let bytes = JournalHead::EMPTY.clone().append(MONDAY, record.clone());
    JournalHead::EMPTY
        .clone()
        .verify_next(&bytes)
        .unwrap()
        .record
}

proptest! {
    #[test]
    fn scores_of_extreme_values_survive_the_journal(
        forecast in prop::collection::vec(any_number(), 4),
        anchor in any_number(),
        volatility in any_number(),
        closes in prop::collection::vec(any_number(), 2),
        unit in prop::sample::select(vec![Unit::LogPrice, Unit::Value]),
        positive: bool,
    ) {
        let sign = |x: f64| if positive { x.abs() } else { x };
        let price = |x: f64| Price::new(sign(x)).ok();
        let settlement = Settlement {
            anchor: price(anchor),
            volatility: Some(volatility.abs()),
            closes: closes.into_iter().map(price).collect(),
        };
        let mut values = forecast;
        // What is no price is rejected when it is revealed, and never comes here.
        values.iter_mut().filter(|value| !unit.admits(**value)).for_each(|value| *value = 5e-324);
        let payload = serde_json::json!({ "kind": "paths", "k": 2, "values": values });
        let miner = hotkey(1);
        let payloads = BTreeMap::from([(miner, payload.to_string().into_bytes())]);
        let forecaster = Forecaster {
            share: 1.0,
            members: BTreeMap::from([(miner, 1.0)]),
        };
        let state = SeriesState::new(genesis(unit, 2, 1));
        let record = state.score(MONDAY, &settlement, &payloads, &[forecaster], vec![]);
        let record = record.unwrap();
        prop_assert_eq!(&stored(&record), &record);
        if let Record::Scored { reference, consensus, miners, .. } = record {
            let scores = miners.values().chain(&consensus).chain([&reference]);
            prop_assert_eq!(scores.clone().count(), 3);
            for score in scores {
                prop_assert!(score.scaled_crps.is_finite() && score.metric_sums.squared_error.is_finite());
            }
        }
    }
}
