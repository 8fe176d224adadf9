//! The same command gives the same bytes, whatever the machine does meanwhile.

use foretell_testkit::{LocalnetCommand, shared_file, write_simulated_prices};

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads_and_any_log_level() {
    let folder = tempfile::tempdir().unwrap();
    let network =
        LocalnetCommand::with_prices(&write_simulated_prices(folder.path())).option("--seed", 7);
    let first = network.run();
    assert_eq!(first.json()["journal"]["hash"].as_str().unwrap().len(), 64);
    for (variable, value) in [
        ("TOKIO_WORKER_THREADS", "1"),
        ("TOKIO_WORKER_THREADS", "2"),
        ("RUST_LOG", "debug"),
    ] {
        let again = network.clone().env(variable, value).run();
        assert_eq!(
            again.stdout_without_timing(),
            first.stdout_without_timing(),
            "{variable}={value}"
        );
    }
}

#[test]
fn the_slower_run_has_the_same_result() {
    let folder = tempfile::tempdir().unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()));
    // Two and a half simulated hours in about a second.
    let slow = network.clone().option("--speed", 9000).run();
    assert!(slow.json()["timing"]["score_s"].as_f64().unwrap() >= 7200.0 / 9000.0);
    assert_eq!(
        slow.stdout_without_timing(),
        network.run().stdout_without_timing()
    );
}

#[test]
fn another_seed_gives_other_keys_but_the_same_scores() {
    let folder = tempfile::tempdir().unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()));
    let [one, two] = [1, 2].map(|seed| network.clone().option("--seed", seed).run().json());
    assert_ne!(one["journal"]["hash"], two["journal"]["hash"]);
    assert_ne!(
        one["ledger"]["neurons"][2]["hotkey"],
        two["ledger"]["neurons"][2]["hotkey"]
    );
    // No model here takes chances.
    assert_eq!(one["leaderboard"], two["leaderboard"]);
}

#[test]
fn real_prices_at_the_default_horizon_give_the_same_bytes_twice() {
    let Some(prices) = shared_file("prices/BTCUSDT_5m_2024.csv", "the replay of real prices")
    else {
        return;
    };
    let network = LocalnetCommand::with_prices(&prices)
        .without("--horizon")
        .option("--from", "2024-03-05T12:00:00Z")
        .option("--to", "2024-03-05T15:00:00Z");
    let first = network.run();
    assert_eq!(first.json()["rounds"], 6);
    assert_eq!(
        network.run().stdout_without_timing(),
        first.stdout_without_timing()
    );
}
