//! Miners that break the rules get their verdicts, and nobody else feels it.

use std::collections::BTreeMap;

use foretell_testkit::{LocalnetCommand, write_simulated_prices};
use serde_json::Value;

/// Rounds of each network here.
const ROUNDS: u64 = 4;

/// Leaderboard rows by name.
fn rows(json: &Value) -> BTreeMap<&str, &Value> {
    let rows = json["leaderboard"].as_array().unwrap();
    let named = rows.iter().map(|row| (row["miner"].as_str().unwrap(), row));
    named.collect()
}

#[test]
fn each_gets_its_verdict_and_honest_miners_feel_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let honest = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()));
    let alone = honest.run().json();
    let with_adversaries = honest.clone().flag("--adversaries").run().json();

    let verdicts = serde_json::json!({
        "late": {"late": ROUNDS},
        "silent": {"silent": ROUNDS},
        "rubbish": {"bad answer": ROUNDS},
        "nonsense": {"payload rejected": ROUNDS},
        "crossing": {"payload rejected": ROUNDS},
        "withholding": {"bad answer": ROUNDS},
        "swapping": {"payload does not match commitment": ROUNDS},
    });
    assert_eq!(with_adversaries["misses"], verdicts);
    assert_eq!(alone["misses"], serde_json::json!({}));

    let (alone, with_adversaries) = (rows(&alone), rows(&with_adversaries));
    for name in ["reference", "har-30d", "gaussian-7d"] {
        for (key, value) in alone[name].as_object().unwrap() {
            // Ranks are shared with whoever is there.
            if key != "rank" {
                assert_eq!(&with_adversaries[name][key], value, "{key} of {name}");
            }
        }
    }
}

#[test]
fn misses_count_from_the_first_commitment_and_for_nobody_who_never_committed() {
    let folder = tempfile::tempdir().unwrap();
    let network =
        LocalnetCommand::with_prices(&write_simulated_prices(folder.path())).flag("--adversaries");
    let json = network.run().json();
    let rows = rows(&json);
    let counts = |name: &str| ["rounds", "missed"].map(|key| rows[name][key].as_u64().unwrap());
    for name in ["nonsense", "crossing", "withholding", "swapping"] {
        assert_eq!(counts(name), [ROUNDS, ROUNDS], "{name}");
        assert_eq!(rows[name]["score"], Value::Null, "{name}");
        // What the rules give for a miss, averaged.
        let advantage = rows[name]["advantage"].as_f64().unwrap();
        assert!((advantage + 0.15).abs() < 1e-12, "{name}: {advantage}");
    }
    for name in ["late", "silent", "rubbish"] {
        assert_eq!(counts(name), [0, 0], "{name}");
        assert_eq!(
            (&rows[name]["score"], &rows[name]["advantage"]),
            (&Value::Null, &Value::Null)
        );
    }
    for name in ["huge", "har-30d", "gaussian-7d"] {
        assert_eq!(counts(name), [ROUNDS, 0], "{name}");
        for key in [
            "score",
            "skill",
            "crps_bps",
            "rmse_bps",
            "mae_bps",
            "advantage",
        ] {
            assert!(
                rows[name][key].as_f64().unwrap().is_finite(),
                "{key} of {name}"
            );
        }
    }
    // 1e300 is 25 σ·√i off at every step, and a forecast of one value scores how far it is off.
    let score = rows["huge"]["score"].as_f64().unwrap();
    assert!((20.0..30.0).contains(&score), "{score}");
    for name in ["har-30d", "gaussian-7d"] {
        assert!(
            rows[name]["score"].as_f64().unwrap() < 1.5,
            "{}",
            rows[name]
        );
    }
}
