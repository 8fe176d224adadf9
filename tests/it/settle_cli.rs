//! `validator settle`: golden cases in, their results out; gaps are results, and bad input is named.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use foretell_core::testing::assert_contains_all;
use foretell_testkit::{ProcessOutput, TestProcess, shared_file, validator_binary};
use serde_json::{Value, json};

fn settle(file: &Path, flags: &[&str]) -> ProcessOutput {
    let mut command = Command::new(validator_binary());
    TestProcess::spawn(command.arg("settle").args(flags).arg(file)).wait()
}

fn written(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("minute.json");
    fs::write(&file, text).unwrap();
    file
}

fn venue(id: &str, price: &str) -> Value {
    json!({"id": id, "price": price, "quote": "USD", "w": "1", "age_s": 2, "volume": "1"})
}

#[test]
fn every_golden_case_comes_out_as_expected() {
    let file = "feeds/composite_vectors.json";
    let Some(file) = shared_file(file, "the golden cases of settlement") else {
        return;
    };
    let text = fs::read_to_string(file).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, case) in golden["cases"].as_object().unwrap() {
        let file = written(folder.path(), &case["in"].to_string());
        assert_eq!(settle(&file, &["--json"]).json(), case["expect"], "{name}");
    }
}

#[test]
fn a_gap_is_a_result_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let minute = json!({"usdt_usd": [], "venues": [venue("a", "100"), venue("b", "101")]});
    let file = written(folder.path(), &minute.to_string());
    let gap = settle(&file, &["--json"]).json();
    assert_eq!(gap["price"], Value::Null);
    assert_eq!(gap["gap"], "2 venues have a say, 3 are needed");
    let words = settle(&file, &[]);
    assert_eq!(words.code, Some(0));
    assert!(words.stdout.contains("gap: 2 venues"), "{}", words.stdout);
}

#[test]
fn without_json_weights_and_exclusions_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let venues = [("a", "100"), ("b", "100.1"), ("c", "100.2"), ("d", "120")];
    let minute = json!({"venues": venues.map(|(id, price)| venue(id, price))});
    let file = written(folder.path(), &minute.to_string());
    let words = settle(&file, &[]);
    assert_contains_all(
        &words.stdout,
        &[
            "price 100.100",
            "b: 100.10 USD, weight 33.3 %",
            "d is out: 19.82 % off the median",
        ],
    );
}

#[test]
fn bad_input_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |text: &str, words: &[&str]| {
        settle(&written(folder.path(), text), &["--json"]).assert_failed_with(words);
    };
    refused("not json", &["minute.json", "line 1"]);
    refused(
        r#"{"usdt_usd": []}"#,
        &["minute.json", "missing field `venues`"],
    );
    refused(r#"{"venues": [], "extra": 1}"#, &["unknown field `extra`"]);
    let minute = json!({"venues": [venue("a", "ten")]}).to_string();
    refused(&minute, &["minute.json", "\"ten\" is not a decimal number"]);
    let minute = json!({"venues": [venue("a", "1"), venue("a", "1")]}).to_string();
    refused(&minute, &["minute.json", "\"a\" is there twice"]);
    let minute = json!({"venues": [venue("a", "-1")]}).to_string();
    refused(&minute, &["\"a\" has price = -1"]);
    settle(&folder.path().join("nowhere.json"), &[]).assert_failed_with(&["nowhere.json"]);
}
