//! The golden cases, and how cases are read and written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{CaseError, CaseResult, SettlementCase, format_price};
use crate::rules::{MinuteRules, RulesVersion};
use crate::settle::settle_minute;
use crate::testing::price;

fn rules() -> MinuteRules {
    RulesVersion::V1.rules().minute
}

/// A file of golden cases: each has what goes `in` and what is to `expect`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct GoldenCases {
    /// By name.
    cases: BTreeMap<String, GoldenCase>,
}

/// One golden case.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct GoldenCase {
    /// The minute.
    #[serde(rename = "in")]
    input: SettlementCase,
    /// What becomes of it.
    expect: CaseResult,
}

#[test]
fn the_golden_cases() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/feeds/composite_vectors.json"
    );
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("SKIPPED, NOT TESTED: no golden cases of settlement at {path}: {error}");
            return;
        }
    };
    let golden: GoldenCases = serde_json::from_str(&text).unwrap();
    assert!(!golden.cases.is_empty());
    for (name, case) in &golden.cases {
        let inputs = case.input.inputs(&rules()).unwrap();
        let result = CaseResult::from(&settle_minute(&inputs, &rules()));
        assert_eq!(result, case.expect, "{name}");
    }
}

#[test]
fn a_case_can_hold_the_minutes_before() {
    let minute = |c: &str, before: &str| {
        format!(
            r#"{{"usdt_usd": [], "venues": [
                {{"id": "a", "price": "99.9", "quote": "USD", "w": "1", "age_s": 2, "volume": "1"}},
                {{"id": "b", "price": "100", "quote": "USD", "w": "1", "age_s": 2, "volume": "1"}},
                {{"id": "c", "price": "{c}", "quote": "USD", "w": "1", "age_s": 2, "volume": "1"}},
                {{"id": "d", "price": "100.2", "quote": "USD", "w": "1", "age_s": 61, "volume": "1"}},
                {{"id": "e", "price": "100.3", "quote": "USD", "w": "1", "age_s": 60, "volume": "1"}}
            ]{before}}}"#
        )
    };
    let settle = |text: &str| {
        let case: SettlementCase = serde_json::from_str(text).unwrap();
        CaseResult::from(&settle_minute(&case.inputs(&rules()).unwrap(), &rules()))
    };
    let near = minute("100.1", "");
    let result = settle(&near);
    assert_eq!(result.price.as_deref(), Some("100.050"));
    assert_eq!(result.used, ["a", "b", "c", "e"]);

    let spike = minute("110", "");
    let result = settle(&minute(
        "100.1",
        &format!(", \"before\": [{spike}, {near}, {near}]"),
    ));
    assert_eq!(
        (result.excluded, result.price.as_deref()),
        (vec!["c".into()], Some("100.000"))
    );
    let result = settle(&minute(
        "100.1",
        &format!(", \"before\": [{spike}, {near}, {near}, {near}]"),
    ));
    assert_eq!(result.excluded, Vec::<String>::new());
}

#[test]
fn errors_of_a_case_name_what_is_wrong() {
    let good = r#"{"usdt_usd": ["1"], "venues": [{"id": "a", "price": "99.9", "quote": "USD", "w": "1", "age_s": 2, "volume": "1"}]}"#;
    let wrong = |from: &str, to: &str| {
        let case: SettlementCase = serde_json::from_str(&good.replace(from, to)).unwrap();
        case.inputs(&rules()).unwrap_err().to_string()
    };
    assert!(wrong("99.9", "0").contains(r#""a" has price = 0"#));
    assert!(wrong(r#""w": "1""#, r#""w": "-1""#).contains("w = -1"));
    assert!(wrong(r#""volume": "1""#, r#""volume": "-1""#).contains("volume = -1"));
    assert!(wrong(r#""age_s": 2"#, r#""age_s": -2"#).contains("age_s = -2"));
    assert!(wrong(r#"["1"]"#, r#"["0"]"#).contains("usdt_usd holds 0"));
    let case: SettlementCase = serde_json::from_str(good).unwrap();
    let twice = SettlementCase {
        venues: [case.venues.clone(), case.venues.clone()].concat(),
        ..case.clone()
    };
    assert_eq!(
        twice.inputs(&rules()),
        Err(CaseError::DuplicateVenue("a".into()))
    );
    let long = SettlementCase {
        before: vec![case.clone(); 31],
        ..case.clone()
    };
    assert_eq!(long.inputs(&rules()), Err(CaseError::TooLong(31, 30)));
    let nested = SettlementCase {
        before: vec![SettlementCase {
            before: vec![case.clone()],
            ..case.clone()
        }],
        ..case
    };
    assert_eq!(nested.inputs(&rules()), Err(CaseError::Nested));
}

#[test]
fn written_prices_have_two_decimals_and_at_least_six_digits() {
    let text = |value: f64| format_price(price(value));
    assert_eq!(text(100_004.977_5), "100004.98");
    assert_eq!(text(100_000.0), "100000.00");
    assert_eq!(text(3456.789), "3456.79");
    assert_eq!(text(0.081_234_56), "0.0812346");
    assert_eq!(text(9.5), "9.50000");
}
