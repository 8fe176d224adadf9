//! What prices are settled from: stored inputs, and cases as people write them.

use foretell_core::rules::RulesVersion;
use foretell_core::settle::case::{CaseResult, SettlementCase};
use foretell_core::settle::{MinuteInputs, settle_minute};

/// Stored inputs read the same once they are written again, and settle to a finite price or a gap.
pub fn minute_inputs(bytes: &[u8]) {
    if let Ok(inputs) = serde_json::from_slice::<MinuteInputs>(bytes) {
        let again: MinuteInputs =
            serde_json::from_slice(&inputs.bytes()).expect("our own inputs are some");
        assert_eq!(again, inputs);
        settle(&inputs);
    }
}

/// A case that can be settled settles to a finite price or a gap.
pub fn settlement_case(bytes: &[u8]) {
    if let Ok(case) = serde_json::from_slice::<SettlementCase>(bytes) {
        let rules = RulesVersion::V1.rules().minute;
        if let Ok(inputs) = case.inputs(&rules) {
            settle(&inputs);
        }
    }
}

fn settle(inputs: &MinuteInputs) {
    let decision = settle_minute(inputs, &RulesVersion::V1.rules().minute);
    let result = CaseResult::from(&decision);
    assert!(result.used.len() + result.excluded.len() <= 2 * inputs.venues.len());
    serde_json::to_string(&result).expect("a result is JSON");
    if let Ok(settled) = &decision.price {
        assert!(settled.dispersion_bps.is_finite(), "{settled:?}");
    }
}
