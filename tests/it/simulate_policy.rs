//! `validator simulate-policy`: policies side by side on the same forecasts.

use std::process::Command;

use foretell_data::prices::write_csv;
use tempfile::TempDir;

use super::driver::{Ended, Running, market, validator};

fn simulate(arguments: &[&str]) -> Ended {
    let folder = TempDir::new().unwrap();
    let prices = folder.path().join("prices.csv");
    write_csv(&prices, &market(1, 98)).unwrap();
    let mut command = Command::new(validator());
    command.args([
        "simulate-policy",
        "--starts",
        "1",
        "--seeds",
        "1",
        "--days",
        "6",
    ]);
    command.arg("--prices").arg(&prices).args(arguments);
    Running::start(&mut command).wait()
}

#[test]
fn every_policy_is_judged_on_the_same_season() {
    let json = simulate(&["--attack", "gamble", "--json"]).json();
    let policies = json["policies"].as_array().unwrap();
    let names: Vec<&str> = policies
        .iter()
        .map(|findings| findings["policy"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["evidence (z = 0, ρ = 0.3, κ = 3)", "taoshi", "increments"]
    );
    for findings in policies {
        let attacks = findings["attacks"].as_array().unwrap();
        let names: Vec<&str> = attacks
            .iter()
            .map(|finding| finding["attack"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["honest", "gamble"]);
        assert_eq!(attacks[0]["gain"], 0.0);
        let consensus = &findings["consensus_gain"];
        assert!(
            consensus.is_null() || findings["policy"].as_str().unwrap().starts_with("evidence"),
            "{findings}"
        );
    }
}

#[test]
fn an_unknown_attack_is_refused_with_the_known_ones() {
    let refused = simulate(&["--attack", "magic", "--json"]);
    refused.assert_refused(&["magic", "exaggerate-1.25", "copy-consensus"]);
}
