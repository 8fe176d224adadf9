//! Killed at any instant and started again, a network carries on to the very same result.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use foretell_core::time::Millis;
use foretell_data::prices::write_csv;
use foretell_testkit::{
    FIRST_ORIGIN, LocalnetCommand, ProcessOutput, ProcessTableEntry, durable_record_count,
    record_kinds, send_signal, simulated_prices, wait_until, write_simulated_prices,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Starts `network` and kills it as soon as `now` is true; `Some` if it came to its end before.
fn kill_when(network: &LocalnetCommand, mut now: impl FnMut() -> bool) -> Option<ProcessOutput> {
    let mut running = network.spawn();
    wait_until("the moment to kill", || now() || running.has_exited());
    if running.has_exited() {
        return Some(running.wait());
    }
    running.kill();
    None
}

#[test]
fn killed_after_every_kind_of_record_it_ends_the_same() {
    let home = tempfile::tempdir().unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()));
    let unbroken_data = home.path().join("unbroken");
    let unbroken = network.clone().path_option("--data", &unbroken_data).run();
    let kinds = record_kinds(&unbroken_data);
    let all: BTreeSet<&str> = kinds.iter().map(String::as_str).collect();
    assert_eq!(
        all,
        BTreeSet::from([
            "genesis",
            "opened",
            "committed",
            "revealed",
            "settled",
            "scored",
            "weights_signed",
            "weights_included",
        ])
    );

    // One kill after each batch of records; where the machine was too busy to catch every kind, once more.
    let mut killed_after = BTreeSet::new();
    for attempt in 1.. {
        assert!(attempt <= 5, "killed only after {killed_after:?}");
        let data = home.path().join(format!("broken-{attempt}"));
        let network = network.clone().path_option("--data", &data);
        let mut known = 0;
        let ended = loop {
            let ended = kill_when(&network, || {
                let now = durable_record_count(&data);
                assert!(now >= known, "{known} records were durable, {now} are left");
                now > known
            });
            if let Some(ended) = ended {
                break ended;
            }
            known = durable_record_count(&data);
            killed_after.insert(kinds[known as usize - 1].as_str());
        };
        assert!(
            ended.stderr.contains("carrying on after"),
            "{}",
            ended.stderr
        );
        assert_eq!(
            ended.stdout_without_timing(),
            unbroken.stdout_without_timing()
        );
        if killed_after == all {
            break;
        }
    }
}

#[test]
fn killed_while_it_starts_it_ends_the_same() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()));
    let unbroken = network.run();
    let network = network.path_option("--data", &data);
    assert!(kill_when(&network, || true).is_none());
    for made in [
        "foretell-prices.csv",
        "foretell.json",
        "journal/sled/db",
        "ledger.json",
        "miners/har-30d/miner.toml",
        "miners/gaussian-7d/log.txt",
        "miners/gaussian-7d/answers",
    ] {
        let ended = kill_when(&network, || data.join(made).exists());
        assert!(ended.is_none(), "ended before {made} was there");
    }
    assert_eq!(
        network.run().stdout_without_timing(),
        unbroken.stdout_without_timing()
    );
}

#[test]
fn killed_at_random_moments_among_adversaries_it_ends_the_same() {
    let home = tempfile::tempdir().unwrap();
    let network =
        LocalnetCommand::with_prices(&write_simulated_prices(home.path())).flag("--adversaries");
    let unbroken = network.run();
    let whole = Duration::from_secs_f64(unbroken.json()["timing"]["total_s"].as_f64().unwrap());
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for name in ["one", "two", "three"] {
        let network = network
            .clone()
            .path_option("--data", home.path().join(name));
        let ended = (0..4).find_map(|_| {
            let moment = Instant::now() + whole.mul_f64(rng.random());
            kill_when(&network, || Instant::now() >= moment)
        });
        let ended = ended.unwrap_or_else(|| network.run());
        assert_eq!(
            ended.stdout_without_timing(),
            unbroken.stdout_without_timing(),
            "{name}"
        );
    }
}

#[test]
fn a_finished_directory_gives_its_result_again_at_once() {
    let home = tempfile::tempdir().unwrap();
    let prices = write_simulated_prices(home.path());
    let data = home.path().join("data");
    let network = LocalnetCommand::with_prices(&prices).path_option("--data", &data);
    let first = network.run();
    let ledger = fs::read(data.join("ledger.json")).unwrap();
    // Repeated, with what the directory knows left out, and without the file that the prices came from.
    let bare = LocalnetCommand::without_span(&prices)
        .without("--horizon")
        .without("--miners")
        .path_option("--data", &data);
    for network in [&network, &bare, &bare.clone().without("--prices")] {
        let again = network.run();
        assert_eq!(again.stdout_without_timing(), first.stdout_without_timing());
        assert!(again.stderr.contains("had finished"), "{}", again.stderr);
        assert_eq!(again.json()["timing"]["score_s"], 0.0);
    }
    assert_eq!(fs::read(data.join("ledger.json")).unwrap(), ledger);
}

#[test]
fn other_arguments_for_a_directory_are_refused_with_the_one_that_differs() {
    let home = tempfile::tempdir().unwrap();
    let prices = write_simulated_prices(home.path());
    let other_prices = home.path().join("other.csv");
    write_csv(&other_prices, &simulated_prices(2, 3)).unwrap();
    // In these the span has no rounds.
    let later_prices = home.path().join("later.csv");
    let (all, end) = (simulated_prices(1, 5), simulated_prices(1, 3).last_close());
    write_csv(&later_prices, &all.slice(end, all.last_close()).unwrap()).unwrap();
    let data = home.path().join("data");
    let network = LocalnetCommand::with_prices(&prices)
        .option("--seed", 3)
        .path_option("--data", &data);
    // Killed half way, and finished: both are refused alike.
    assert!(kill_when(&network, || durable_record_count(&data) >= 6).is_none());
    for _ in 0..2 {
        for (name, value, before) in [
            ("--seed", "4", "3"),
            ("--miners", "3", "2"),
            ("--horizon", "7", "6"),
            ("--series", "ETH/USD", "BTC/USD"),
            ("--round-every", "1h", "30m"),
            ("--from", "2024-01-03T00:30:00Z", "2024-01-03T00:00:00Z"),
            ("--to", "2024-01-03T03:00:00Z", "2024-01-03T02:00:00Z"),
        ] {
            let expected = format!("{name} was {before}");
            let ended = network.clone().option(name, value).run();
            ended.assert_failed_with(&[
                "other arguments",
                &expected,
                "repeat the first command",
                "another --data",
            ]);
        }
        let ended = network.clone().flag("--adversaries").run();
        ended.assert_failed_with(&["--adversaries was", "repeat the first command"]);
        for prices in [&other_prices, &later_prices] {
            let ended = network.clone().path_option("--prices", prices).run();
            ended.assert_failed_with(&["the content of --prices was", "repeat the first command"]);
        }
        assert_eq!(network.run().code, Some(0));
    }
}

#[test]
fn a_span_beyond_the_prices_is_the_same_span_when_repeated() {
    let home = tempfile::tempdir().unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()))
        .option("--round-every", "12h");
    let end = simulated_prices(1, 3).last_close();
    let late = network
        .clone()
        .option("--from", end - Millis::days(1))
        .option("--to", end + Millis::days(9));
    let early = network
        .clone()
        .option("--from", FIRST_ORIGIN - Millis::days(9))
        .option("--to", FIRST_ORIGIN);
    for (name, network) in [("late", late), ("early", early)] {
        let network = network.path_option("--data", home.path().join(name));
        assert_eq!(
            network.run().stdout_without_timing(),
            network.run().stdout_without_timing(),
            "{name}"
        );
    }
}

#[test]
fn miners_die_with_their_validator() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()))
        .path_option("--data", &data)
        .flag("--adversaries");
    // At the pace of the clock on the wall it waits half an hour for its second round.
    let running = network.option("--speed", 1).spawn();
    wait_until("the first round", || durable_record_count(&data) > 1);
    let children = ProcessTableEntry::children_of(running.id());
    assert_eq!(children.len(), 2 + 8, "{children:?}");
    assert!(children.iter().all(ProcessTableEntry::is_alive));
    running.kill();
    wait_until("the miners to end", || {
        !children.iter().any(ProcessTableEntry::is_alive)
    });
}

#[test]
fn a_miner_that_dies_fails_the_run_which_then_carries_on() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()));
    let unbroken = network.run();
    let network = network.path_option("--data", &data);
    let running = network.clone().option("--speed", 3600).spawn();
    wait_until("the second round", || durable_record_count(&data) >= 8);
    let children = ProcessTableEntry::children_of(running.id());
    send_signal(children.first().unwrap().id, "KILL");
    running
        .wait()
        .assert_failed_with(&["did not answer", "log"]);
    let ended = network.run();
    assert!(
        ended.stderr.contains("carrying on after"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        ended.stdout_without_timing(),
        unbroken.stdout_without_timing()
    );
}

#[test]
fn interrupted_it_says_how_to_carry_on_and_takes_its_miners_along() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()))
        .path_option("--data", &data)
        .option("--speed", 1);
    let running = network.spawn();
    wait_until("the first round", || durable_record_count(&data) > 1);
    let children = ProcessTableEntry::children_of(running.id());
    assert_eq!(children.len(), 2);
    send_signal(running.id(), "INT");
    running
        .wait()
        .assert_failed_with(&["interrupted", "the same command carries on"]);
    wait_until("the miners to end", || {
        !children.iter().any(ProcessTableEntry::is_alive)
    });
}
