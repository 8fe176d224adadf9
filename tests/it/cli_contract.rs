//! The command line as a contract: keys, order and counts of the JSON, exit codes, help.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use foretell_core::testing::{STEP, assert_contains_all};
use foretell_core::time::{Millis, UnixMillis};
use foretell_data::prices::write_csv;
use foretell_testkit::{
    BacktestFixture, FIRST_ORIGIN, LEADERBOARD_ROW_KEYS, LocalnetCommand, ProcessOutput,
    RESULT_KEYS, TestProcess, backtest_command, miner_binary, simulated_prices, validator_binary,
    write_simulated_prices,
};
use serde_json::Value;

/// What localnet's document has beside that of every command.
const LOCALNET_KEYS: [&str; 7] = [
    "ledger", "misses", "from", "to", "seed", "prices", "journal",
];

fn keys(object: &Value) -> BTreeSet<&str> {
    let object = object.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}

fn run_program(program: &Path, arguments: &[&str]) -> ProcessOutput {
    TestProcess::spawn(Command::new(program).args(arguments)).wait()
}

/// What the miners are ordered by, best first; a smaller key is a better miner.
fn order(row: &Value) -> (i64, i64, String) {
    // To twelve decimals, so that a tuple orders it; nothing here is closer together.
    let descending = |key: &str| -(row[key].as_f64().unwrap_or(-1.0) * 1e12) as i64;
    let name = row["miner"].as_str().unwrap().to_owned();
    (descending("weight"), descending("advantage"), name)
}

#[test]
fn the_json_has_every_key_and_is_all_there_is_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let json = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()))
        .run()
        .json();
    assert_eq!(
        keys(&json),
        RESULT_KEYS.into_iter().chain(LOCALNET_KEYS).collect()
    );
    assert_eq!(
        keys(&json["timing"]),
        BTreeSet::from(["load_s", "score_s", "total_s"])
    );
    assert_eq!(
        (&json["series"], &json["policy"]),
        (&"BTC/USD".into(), &"evidence".into())
    );
    let counts = ["rounds", "void_rounds", "unsettled"].map(|key| json[key].as_u64().unwrap());
    assert_eq!(counts, [4, 0, 0]);
    for row in json["leaderboard"].as_array().unwrap() {
        assert_eq!(keys(row), BTreeSet::from(LEADERBOARD_ROW_KEYS), "{row}");
    }
}

#[test]
fn reference_and_consensus_come_first_and_what_is_undefined_is_null() {
    let folder = tempfile::tempdir().unwrap();
    let network =
        LocalnetCommand::with_prices(&write_simulated_prices(folder.path())).option("--miners", 5);
    let json = network.run().json();
    let rows = json["leaderboard"].as_array().unwrap();
    let ranks: Vec<u64> = rows
        .iter()
        .map(|row| row["rank"].as_u64().unwrap())
        .collect();
    assert_eq!(ranks, [0, 1, 2, 3, 4, 5, 6]);
    let [reference, consensus, miners @ ..] = rows.as_slice() else {
        panic!("too few rows: {rows:?}");
    };
    assert_eq!(
        (&reference["miner"], &consensus["miner"]),
        (&"reference".into(), &"consensus".into())
    );
    for row in [reference, consensus] {
        assert_eq!(row["weight"], Value::Null);
    }
    assert!(miners.is_sorted_by_key(order), "{miners:?}");

    // Nobody is eligible within four rounds, so the consensus has no rounds and no figures.
    assert_eq!(consensus["rounds"], 0);
    let defined = ["miner", "rank", "rounds", "missed"];
    for key in LEADERBOARD_ROW_KEYS
        .iter()
        .filter(|key| !defined.contains(key))
    {
        assert_eq!(consensus[key], Value::Null, "{key}");
    }
    for row in [reference, &miners[0]] {
        for key in ["dm_t", "dm_p", "in_mcs"] {
            assert_eq!(row[key], Value::Null, "{key} of {row}");
        }
        for key in [
            "score",
            "skill",
            "rmse_bps",
            "mae_bps",
            "crps_bps",
            "coverage_80",
            "advantage",
        ] {
            assert!(row[key].is_f64(), "{key} of {row}");
        }
    }
    // A point has no intervals.
    let point = miners
        .iter()
        .find(|row| row["miner"] == "random-walk-1d")
        .unwrap();
    assert_eq!(point["coverage_50"], Value::Null);
    assert!(point["score"].is_f64());
}

#[test]
fn a_miner_that_shows_skill_is_paid_by_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let prices = folder.path().join("long.csv");
    write_csv(&prices, &simulated_prices(1, 6)).unwrap();
    // Evidence takes 240 rounds, and the consensus of the eligible some more to show a gain.
    let network = LocalnetCommand::with_prices(&prices)
        .option("--horizon", 1)
        .option("--round-every", "5m")
        .option("--to", FIRST_ORIGIN + STEP.times(420));
    let json = network.run().json();
    assert_eq!(json["rounds"], 420);
    let [_, consensus, miners @ ..] = json["leaderboard"].as_array().unwrap().as_slice() else {
        panic!("too few rows: {json}");
    };
    assert!(consensus["rounds"].as_u64().unwrap() > 100, "{consensus}");
    assert!(consensus["score"].is_f64(), "{consensus}");
    assert!(miners.is_sorted_by_key(order), "{miners:?}");
    let weights = miners.iter().map(|row| row["weight"].as_f64().unwrap());
    let [skilled, unskilled] = weights.collect::<Vec<f64>>()[..] else {
        panic!("not two miners: {miners:?}");
    };
    assert!(skilled > 0.0 && skilled <= 1.0, "{skilled}");
    assert_eq!(
        (&miners[1]["miner"], unskilled),
        (&"gaussian-7d".into(), 0.0)
    );

    let ledger = &json["ledger"];
    let emission = |name: &Value| {
        let neurons = ledger["neurons"].as_array().unwrap();
        let neuron = neurons
            .iter()
            .find(|neuron| neuron["name"] == *name)
            .unwrap();
        neuron["emission"].as_u64().unwrap()
    };
    let [issued, owner, validators, paid, burned] =
        ["issued", "owner", "validators", "miners", "burned"]
            .map(|key| ledger["supply"][key].as_u64().unwrap());
    assert_eq!(issued, ledger["block"].as_u64().unwrap() * 1_000_000_000);
    assert_eq!(owner + validators + paid + burned, issued);
    assert!(paid > 0);
    assert_eq!(
        (emission(&miners[0]["miner"]), emission(&miners[1]["miner"])),
        (paid, 0)
    );
}

#[test]
fn without_a_span_it_is_the_last_three_days_that_can_settle() {
    let folder = tempfile::tempdir().unwrap();
    let prices = folder.path().join("week.csv");
    let week = simulated_prices(1, 7);
    write_csv(&prices, &week).unwrap();
    let network = LocalnetCommand::without_span(&prices).option("--round-every", "6h");
    let json = network.run().json();
    // The last origin that can settle is half an hour (six steps) before the end, three days before it the first.
    let last = week.last_close() - STEP.times(6);
    let [from, to] = ["from", "to"].map(|key| UnixMillis::literal(json[key].as_i64().unwrap()));
    let six_hours = Millis::hours(6).get();
    assert!(
        from >= last - Millis::days(3)
            && from < last - Millis::days(3) + Millis::literal(six_hours)
    );
    assert_eq!((from.get() % six_hours, to), (0, last + Millis::literal(1)));
    let counts = ["rounds", "void_rounds", "unsettled"].map(|key| json[key].as_u64().unwrap());
    assert_eq!(counts, [12, 0, 0]);
}

#[test]
fn origins_are_at_or_after_from_and_below_to() {
    let folder = tempfile::tempdir().unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()))
        .option("--from", FIRST_ORIGIN + Millis::literal(1))
        .option("--to", "2024-01-03T01:00:00Z");
    let json = network.run().json();
    // 00:30 only: 00:00 is before --from, 01:00 is not below --to.
    assert_eq!(
        (&json["rounds"], &json["from"]),
        (&1.into(), &(FIRST_ORIGIN.get() + 1_800_000).into())
    );
}

#[test]
fn rounds_that_the_prices_do_not_reach_are_counted_as_unsettled() {
    let folder = tempfile::tempdir().unwrap();
    let end = simulated_prices(1, 3).last_close();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()))
        .option("--horizon", 12)
        .option("--from", end - Millis::hours(2))
        .option("--to", end + Millis::days(1));
    let json = network.run().json();
    // Of the origins at −120, −90, −60 and −30 minutes the first three have their hour.
    let counts = ["rounds", "void_rounds", "unsettled"].map(|key| json[key].as_u64().unwrap());
    assert_eq!(counts, [3, 0, 1]);
}

/// As in `| head`: whoever reads has seen enough.
#[test]
fn a_reader_that_leaves_is_no_failure() {
    let fixture = BacktestFixture::new(3);
    let forecasts = fixture.three_miners(3);
    let backtest = backtest_command(&fixture.prices, &[&forecasts], &[]);
    let mut forecast = Command::new(miner_binary());
    forecast.args([
        "forecast",
        "--model",
        "gaussian",
        "--horizon",
        "6",
        "--at",
        "2024-01-03",
    ]);
    forecast.arg("--prices").arg(&fixture.prices);
    for mut command in [backtest, forecast] {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert!(
            ended.status.success() && !stderr.contains("error"),
            "{command:?}: {stderr}"
        );
    }
}

/// As in `2>&1 | head`: notes such as where the report is have no reader either.
#[test]
fn a_reader_of_standard_error_may_leave_too() {
    let fixture = BacktestFixture::new(3);
    let forecasts = fixture.three_miners(3);
    let report = fixture.folder.path().join("report");
    let mut command = backtest_command(&fixture.prices, &[&forecasts], &[]);
    command.arg("--report").arg(&report);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert!(child.wait().unwrap().success());
    assert!(report.join("report.html").exists());
}

#[test]
fn help_and_tables_fit_a_terminal() {
    let fixture = BacktestFixture::new(3);
    let forecasts = fixture.three_miners(3);
    let fits = |text: &str| text.lines().all(|line| line.chars().count() <= 80);
    for program in [validator_binary(), miner_binary()] {
        let help = run_program(&program, &["--help"]).stdout;
        assert!(fits(&help), "{help}");
    }
    let help = run_program(&validator_binary(), &["localnet", "--help"]).stdout;
    assert!(fits(&help), "{help}");
    let mut command = Command::new(validator_binary());
    command.args(["backtest", "--horizon", "6", "--prices"]);
    command
        .arg(&fixture.prices)
        .arg("--forecasts")
        .arg(&forecasts);
    let table_rows = |text: &str| -> String {
        let lines = text.lines().filter(|line| line.contains(['│', '┆', '╞']));
        lines.map(|line| format!("{line}\n")).collect()
    };
    let table = table_rows(&TestProcess::spawn(&mut command).wait().stdout);
    assert!(table.contains("right") && fits(&table), "{table}");
    let all = TestProcess::spawn(command.arg("--wide")).wait().stdout;
    let all = table_rows(&all);
    assert!(all.contains("RMSE bps") && !fits(&all), "{all}");
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_is_expected() {
    for (arguments, word) in [
        (&["localnet", "--speed", "nonsense"][..], "expected max"),
        (&["localnet", "--speed", "0"], "expected max"),
        (&["localnet", "--from", "yesterday"], "RFC 3339"),
        (&["localnet", "--round-every", "0m"], "such as 30m"),
        (&["localnet", "--http", "nowhere"], "--http"),
        (&["localnet", "--miners", "many"], "--miners"),
        (&["localnet", "--no-such-option"], "--no-such-option"),
        (&["no-such-command"], "no-such-command"),
        (&[], "Usage"),
    ] {
        let ended = run_program(&validator_binary(), arguments);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert!(
            ended.stderr.contains(word),
            "{word:?} is not in:\n{}",
            ended.stderr
        );
    }
}

#[test]
fn arguments_out_of_range_are_refused_with_the_range() {
    let folder = tempfile::tempdir().unwrap();
    let network = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()));
    for (name, value, word) in [
        ("--miners", "0", "1 to 256"),
        ("--horizon", "1001", "1 to 1000"),
        ("--round-every", "7m", "multiple"),
    ] {
        network
            .clone()
            .option(name, value)
            .run()
            .assert_failed_with(&[name, word]);
    }
}

#[test]
fn help_shows_an_example_of_every_command() {
    for (program, command) in [
        (validator_binary(), "localnet"),
        (validator_binary(), "run"),
        (validator_binary(), "settle"),
        (validator_binary(), "status"),
        (miner_binary(), "serve"),
    ] {
        let all = run_program(&program, &["--help"]);
        assert!(all.stdout.contains(command), "{}", all.stdout);
        let help = run_program(&program, &[command, "--help"]);
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
        let name = program.file_name().unwrap().to_str().unwrap();
        let example = format!("Example: {name} {command} --");
        assert!(help.stdout.contains(&example), "{}", help.stdout);
    }
}

#[test]
fn without_json_tables_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let ended = LocalnetCommand::with_prices(&write_simulated_prices(folder.path()))
        .without("--json")
        .run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_contains_all(
        &ended.stdout,
        &[
            "4 rounds of BTC/USD scored",
            "reference",
            "har-30d",
            "gaussian-7d",
            "ledger: block",
        ],
    );
    assert!(fs::exists(folder.path().join("prices.csv")).unwrap());
}
