//! Our metrics beside independent implementations from PyPI, on ordinary and on adversarial inputs, to 1e-9.

use std::sync::LazyLock;

use foretell_core::pool::evidence::EvidenceWindow;
use foretell_core::pool::{Advantage, Evidence};
use foretell_core::rules::{EvidenceRules, RulesVersion};
use foretell_core::score::crps::crps;
use foretell_core::time::{Millis, UnixMillis};
use foretell_evaluation::diebold_mariano::diebold_mariano;
use foretell_evaluation::mean_inference::RoundDependence;
use foretell_evaluation::metrics::ModelConfidenceSet;
use foretell_evaluation::metrics::interval_score::{
    ALPHAS, interval_score, row_weighted_interval_score, weighted_interval_score,
};
use foretell_testkit::{repository_root, run_reference_script};
use serde_json::Value;

/// What the others compute, once for all tests.
static REFERENCE_VALUES: LazyLock<Value> = LazyLock::new(|| {
    let script = "tests/it/reference_implementations.py";
    let text = run_reference_script(&repository_root().join(script));
    serde_json::from_str(&text).unwrap()
});

fn cases(of: &str) -> &'static [Value] {
    let cases = REFERENCE_VALUES[of].as_array().unwrap();
    assert!(cases.len() >= 4, "{of}: {} cases", cases.len());
    cases
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// Checks that `found` differs from `expected` by at most 1e-9 of `scale`.
fn assert_close(found: f64, expected: f64, scale: f64, what: &dyn std::fmt::Debug) {
    let tolerance = 1e-9 * scale.abs();
    assert!(
        (found - expected).abs() <= tolerance,
        "{found} is not {expected}: {what:?}"
    );
}

#[test]
fn crps_is_that_of_properscoring_and_scoringrules() {
    for case in cases("crps") {
        let (x, y) = (numbers(&case["x"]), number(&case["y"]));
        let size = x.iter().fold(y.abs(), |a, b| a.max(b.abs()));
        for expected in numbers(&case["expected"]) {
            assert_close(crps(&x, y), expected, size, &(x.len(), y));
        }
    }
}

#[test]
fn interval_scores_are_those_of_scoringrules() {
    for case in cases("intervals") {
        let (x, y) = (numbers(&case["x"]), number(&case["y"]));
        let size = x.iter().fold(y.abs(), |a, b| a.max(b.abs()));
        let score = row_weighted_interval_score(&x, y).unwrap();
        assert_close(score, number(&case["expected"]), size, &(x.len(), y));
        // A single interval is scored as scoringrules scores it.
        let mean: f64 = numbers(&case["single"])
            .iter()
            .zip(ALPHAS)
            .map(|(s, a)| 0.5 * a * s)
            .sum();
        assert!(score * 3.5 >= mean - 1e-9 * size);
    }
    assert_eq!(interval_score(0.0, 1.0, 2.0, 0.1), 21.0);
    assert_eq!(weighted_interval_score(0.0, &[], 3.0), 3.0);
}

#[test]
fn diebold_mariano_is_that_of_scipys_cosine_transform() {
    for case in cases("diebold_mariano") {
        let d = numbers(&case["d"]);
        let (h, lags) = (
            case["h"].as_u64().unwrap() as usize,
            case["lags"].as_u64().unwrap() as usize,
        );
        let test = diebold_mariano(&d, RoundDependence::new(h, lags));
        let what = (d.len(), h, lags);
        let test = test.unwrap_or_else(|| panic!("{what:?}: no test"));
        assert_close(test.t, number(&case["t"]), test.t, &what);
        assert_close(test.p, number(&case["p"]), 1.0, &what);
    }
}

#[test]
fn evidence_has_the_standard_error_of_statsmodels() {
    for case in cases("evidence") {
        let interval = Millis::minutes(30);
        let advantages: Vec<Advantage> = (0..)
            .zip(numbers(&case["d"]))
            .map(|(i, value)| Advantage {
                origin: UnixMillis::EPOCH + interval.times(i),
                value,
            })
            .collect();
        let rules = EvidenceRules {
            half_life: Millis::literal((number(&case["half_life"]) * interval.get() as f64) as i64),
            ..RulesVersion::V1.rules().evidence
        };
        let window = EvidenceWindow {
            lags: case["lags"].as_u64().unwrap() as usize,
            half_life: rules.half_life,
        };
        let evidence = Evidence::from_advantages(&advantages, window, &rules).unwrap();
        assert_close(evidence.mean, number(&case["mean"]), evidence.mean, &"mean");
        assert_close(
            evidence.standard_error,
            number(&case["se"]),
            evidence.standard_error,
            &"se",
        );
    }
}

#[test]
fn the_model_confidence_set_is_that_of_arch_on_the_same_draws() {
    for case in cases("confidence_sets") {
        let losses: Vec<Vec<f64>> = case["losses"]
            .as_array()
            .unwrap()
            .iter()
            .map(numbers)
            .collect();
        let draws = case["draws"].as_array().unwrap().iter();
        let draws: Vec<Vec<u32>> = draws
            .map(|draw| {
                draw.as_array()
                    .unwrap()
                    .iter()
                    .map(|n| n.as_u64().unwrap() as u32)
                    .collect()
            })
            .collect();
        let set = ModelConfidenceSet::new(&losses, &draws);
        for (found, expected) in set.p_values.iter().zip(numbers(&case["expected"])) {
            assert_close(*found, expected, 1.0, &losses.len());
        }
    }
}
