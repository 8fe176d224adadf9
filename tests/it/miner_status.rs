//! What a miner's operator sees after a network has run: the outcomes that the validator sent.

use std::process::Command;

use foretell_testkit::{LocalnetCommand, TestProcess, miner_binary, write_simulated_prices};

#[test]
fn a_miner_knows_its_scores_its_rank_and_its_weight() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()))
        .path_option("--data", &data);
    let result = network.run().json();
    for row in result["leaderboard"].as_array().unwrap() {
        let name = row["miner"].as_str().unwrap();
        let config = data.join("miners").join(name).join("miner.toml");
        if ["reference", "consensus"].contains(&name) {
            continue;
        }
        let mut command = Command::new(miner_binary());
        command.args(["status", "--json", "--config"]).arg(&config);
        let status = TestProcess::spawn(&mut command).wait().json();
        let outcomes = status["outcomes"].as_array().unwrap();
        assert_eq!(status["rounds"], row["rounds"], "{name}");
        assert!(
            outcomes
                .iter()
                .all(|outcome| outcome["verdict"] == "scored")
        );
        let scores = outcomes
            .iter()
            .map(|outcome| outcome["score"].as_f64().unwrap());
        let mean = scores.sum::<f64>() / outcomes.len() as f64;
        let expected = row["score"].as_f64().unwrap();
        assert!((mean - expected).abs() < 1e-12, "{name}: {mean} {expected}");
        for key in ["rank", "weight", "skill"] {
            assert_eq!(status[key], row[key], "{key} of {name}");
        }
    }
}
