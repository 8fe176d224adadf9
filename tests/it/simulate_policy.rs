//! `validator simulate-policy`: policies side by side on the same forecasts.

use std::process::Command;

use foretell_core::time::Millis;
use foretell_data::prices::write_csv;
use foretell_testkit::{ProcessOutput, TestProcess, simulated_prices, validator_binary};
use tempfile::TempDir;

fn simulate(days: i64, arguments: &[&str]) -> ProcessOutput {
    let folder = TempDir::new().unwrap();
    let prices = folder.path().join("prices.csv");
    write_csv(&prices, &simulated_prices(1, days)).unwrap();
    let mut command = Command::new(validator_binary());
    command.arg("simulate-policy").arg("--prices").arg(&prices);
    TestProcess::spawn(command.args(arguments)).wait()
}

/// The arguments of the shortest simulation, run once.
const SHORT: [&str; 6] = ["--starts", "1", "--seeds", "1", "--days", "6"];

#[test]
fn every_policy_is_simulated_on_the_same_forecasts() {
    let json = simulate(
        98,
        &[&SHORT[..], &["--attack", "gamble", "--json"]].concat(),
    )
    .json();
    let policies = json["policies"].as_array().unwrap();
    let names: Vec<&str> = policies
        .iter()
        .map(|summary| summary["policy"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["evidence (z = 0, ρ = 0.3, κ = 3)", "taoshi", "increments"]
    );
    for summary in policies {
        let attacks = summary["attacks"].as_array().unwrap();
        let names: Vec<&str> = attacks
            .iter()
            .map(|attack| attack["attack"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["honest", "gamble"]);
        assert_eq!(attacks[0]["gain"], 0.0);
        let consensus = &summary["consensus_gain"];
        assert!(
            consensus.is_null() || summary["policy"].as_str().unwrap().starts_with("evidence"),
            "{summary}"
        );
    }
}

#[test]
fn an_unknown_attack_is_refused_with_the_known_ones() {
    let refused = simulate(98, &[&SHORT[..], &["--attack", "magic", "--json"]].concat());
    refused.assert_failed_with(&["magic", "exaggerate-1.25", "copy-consensus"]);
}

#[test]
fn luck_is_reported_by_habit_and_by_standard_errors() {
    let json = simulate(122, &["--luck", "--standard-errors", "0,9", "--json"]).json();
    let luck = json["luck"].as_array().unwrap();
    assert_eq!(luck.len(), 6 * 2, "every habit under every z");
    for pair in luck.chunks(2) {
        assert_eq!(pair[0]["habit"], pair[1]["habit"]);
        assert_eq!(pair[0]["seasons"], 2);
        let late = &pair[1]["eligible"][3];
        assert_eq!((&late[0], &late[1]), (&30.into(), &0.0.into()), "{late}");
    }
}

#[test]
fn a_start_between_two_bars_is_the_bar_before() {
    let earliest = simulated_prices(1, 122).first_open() + Millis::days(90);
    let luck = |later: i64| {
        let from = (earliest + Millis::literal(later)).get().to_string();
        simulate(122, &["--luck", "--json", "--from", &from]).json()
    };
    let (on, between) = (luck(0), luck(60_000));
    assert_eq!(between, on);
    assert!(on["luck"][0]["rounds"].as_u64().unwrap() > 1_400, "{on}");
}

#[test]
fn a_strength_that_is_no_number_is_refused() {
    for (option, value) in [
        ("--standard-errors=nan", "0 or more"),
        ("--ridge=-1", "0 or more"),
        ("--kin=x", "expected a number"),
    ] {
        let refused = simulate(1, &[option]);
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains(value), "{}", refused.stderr);
    }
}

#[test]
fn luck_needs_thirty_days_and_takes_no_seeds() {
    simulate(98, &["--luck"]).assert_failed_with(&["30 days", "give more prices"]);
    let mixed = simulate(98, &["--luck", "--seeds", "3"]);
    assert_eq!(mixed.code, Some(2), "{}", mixed.stderr);
}
