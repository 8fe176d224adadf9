//! Data directories that are not what they should be: each fault has a message of its own, and none is overlooked.

use std::fs;
use std::path::Path;

use foretell_testkit::{
    LocalnetCommand, copy_dir, durable_record_count, record_kinds, validator_binary, wait_until,
    write_simulated_prices,
};

/// Overwrites a file with something that it can't be.
fn overwrite_with_garbage(file: &Path) {
    fs::write(file, "garbage").unwrap();
}

#[test]
fn a_directory_that_no_network_made_is_not_touched() {
    let home = tempfile::tempdir().unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()));
    let thesis = home.path().join("thesis");
    fs::create_dir(&thesis).unwrap();
    fs::write(thesis.join("chapter-1.txt"), "It was").unwrap();
    network
        .clone()
        .path_option("--data", &thesis)
        .run()
        .assert_failed_with(&["thesis", "not empty", "choose another --data"]);
    assert_eq!(fs::read_dir(&thesis).unwrap().count(), 1);
    let file = thesis.join("chapter-1.txt");
    network
        .path_option("--data", &file)
        .run()
        .assert_failed_with(&["chapter-1.txt", "check --data"]);
}

#[test]
fn a_start_that_was_cut_short_leaves_no_foreign_directory() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    fs::create_dir(&data).unwrap();
    // What a kill leaves of a file that is written beside its place first.
    fs::write(data.join(".unfinished-Xy12ab"), "open_time_ms,").unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()))
        .path_option("--data", &data);
    assert_eq!(network.run().json()["rounds"], 4);
}

#[test]
fn damage_to_what_an_unfinished_run_needs_is_refused_in_words() {
    let home = tempfile::tempdir().unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()));
    let whole = home.path().join("whole");
    let result = network.clone().path_option("--data", &whole).run();
    // As if killed just before the result was written.
    fs::remove_file(whole.join("result.json")).unwrap();
    let after = |damage: &dyn Fn(&Path)| {
        let data = home.path().join("damaged");
        copy_dir(&whole, &data);
        damage(&data);
        let ended = network.clone().path_option("--data", &data).run();
        fs::remove_dir_all(data).unwrap();
        ended
    };
    assert_eq!(
        after(&|_| ()).stdout_without_timing(),
        result.stdout_without_timing()
    );
    let refused = |damage: &dyn Fn(&Path), words: &[&str]| after(damage).assert_failed_with(words);

    let lost = ["damaged/journal", "were written", "another --data"];
    let records = durable_record_count(&whole);
    refused(
        &|data| overwrite_with_garbage(&data.join("journal/sled/db")),
        &lost,
    );
    refused(
        &|data| {
            let database = data.join("journal/sled/db");
            let mut bytes = fs::read(&database).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle..middle + 4096].fill(0xa5);
            fs::write(database, bytes).unwrap();
        },
        &[&format!("but {records} were written"), "another --data"],
    );
    refused(
        &|data| {
            for entry in fs::read_dir(data.join("journal/sled")).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    fs::write(entry.path(), [0xa5; 500]).unwrap();
                }
            }
        },
        &["damaged/journal", "is damaged", "another --data"],
    );
    refused(
        &|data| fs::remove_dir_all(data.join("journal/sled")).unwrap(),
        &lost,
    );
    refused(
        &|data| overwrite_with_garbage(&data.join("journal/head.json")),
        &["damaged/journal", "is damaged", "another --data"],
    );
    refused(
        &|data| fs::remove_dir_all(data.join("journal")).unwrap(),
        &["ledger.json", "the journal at block 0", "another --data"],
    );
    refused(
        &|data| fs::remove_file(data.join("ledger.json")).unwrap(),
        &["ledger.json is at block 0", "another --data"],
    );
    refused(
        &|data| overwrite_with_garbage(&data.join("ledger.json")),
        &["damaged/ledger.json", "holds no ledger", "copy"],
    );
    refused(
        &|data| overwrite_with_garbage(&data.join("foretell.json")),
        &["damaged/foretell.json", "can't be read", "another --data"],
    );
    refused(
        &|data| overwrite_with_garbage(&data.join("foretell-prices.csv")),
        &["damaged/foretell-prices.csv"],
    );
    let price = |data: &Path| {
        let prices = data.join("foretell-prices.csv");
        let text = fs::read_to_string(&prices).unwrap();
        let (rest, _) = text.trim_end().rsplit_once('\n').unwrap();
        fs::write(prices, rest).unwrap();
    };
    refused(
        &price,
        &[
            "damaged/foretell-prices.csv",
            "begun with",
            "another --data",
        ],
    );
}

#[test]
fn a_damaged_result_can_be_deleted_and_comes_back() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()))
        .path_option("--data", &data);
    let first = network.run();
    overwrite_with_garbage(&data.join("result.json"));
    network
        .run()
        .assert_failed_with(&["data/result.json", "damaged", "delete it"]);
    fs::remove_file(data.join("result.json")).unwrap();
    assert_eq!(
        network.run().stdout_without_timing(),
        first.stdout_without_timing()
    );
}

#[test]
fn a_journal_that_another_network_is_writing_is_not_touched() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let network = LocalnetCommand::with_prices(&write_simulated_prices(home.path()))
        .path_option("--data", &data);
    // At the pace of the clock on the wall it waits half an hour for its second round.
    let waiting = network.clone().option("--speed", 1).spawn();
    wait_until("the first round", || durable_record_count(&data) >= 6);
    network
        .run()
        .assert_failed_with(&["data/journal", "in use", "another validator"]);
    waiting.kill();
    assert_eq!(record_kinds(&data).len(), 6);
    assert_eq!(network.run().json()["rounds"], 4);
}

#[test]
fn a_validator_without_a_miner_beside_it_says_how_to_build_one() {
    let home = tempfile::tempdir().unwrap();
    let lonely = home.path().join("validator");
    fs::copy(validator_binary(), &lonely).unwrap();
    let network =
        LocalnetCommand::with_prices(&write_simulated_prices(home.path())).program(&lonely);
    let expected = home.path().join("miner");
    let expected = expected.to_str().unwrap();
    network.run().assert_failed_with(&[
        "no miner program",
        expected,
        "cargo build -p foretell-miner",
    ]);
}
