//! `validator feed` on files: what it prints, and that a recording gives the same minutes again.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use foretell_feed::venue::{self, Pair};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::driver::validator;
use crate::exchange::{Act, Exchange};

/// Longer than any of these tests takes.
const PATIENT: Duration = Duration::from_secs(60);
/// Price of the trade that ends a minute, and the minute's close.
const LAST_BEFORE: &str = "49990.00";
const LAST_CLOSE: &str = r#""close":"49990.00""#;

async fn feed(arguments: &[&str]) -> Output {
    let mut command = Command::new(validator());
    command.arg("feed").args(arguments).kill_on_drop(true);
    command.output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn decode_prints_a_line_of_json_for_everything_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("frames.jsonl");
    let frames = [
        r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":100.50,"qty":0.10,"ord_type":"market","trade_id":7,"timestamp":"1970-01-01T00:00:01.000999Z"}]}"#,
        "",
        r#"{"recv_ns":5,"raw":"{\"channel\":\"heartbeat\"}"}"#,
        "{broken",
        r#"[0,[],"trade","XBT/USD"]"#,
    ];
    std::fs::write(&file, frames.join("\n")).unwrap();
    let output = feed(&["decode", "--venue", "kraken", path(&file)]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let printed = text(&output.stdout);
    let lines: Vec<serde_json::Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<&str> = lines
        .iter()
        .map(|line| line["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["trade", "status", "error", "ignored"]);
    let trade = &lines[0];
    assert_eq!(
        (
            &trade["venue"],
            &trade["symbol"],
            &trade["time_ms"],
            &trade["price"],
            &trade["size"],
            &trade["id"]
        ),
        (
            &"kraken".into(),
            &"BTC/USD".into(),
            &1000.into(),
            &"100.50".into(),
            &"0.10".into(),
            &"7".into()
        )
    );
    assert_eq!(lines[2]["line"], 4);
    assert_eq!(lines[3]["protocol"], "kraken v1");
    // One message over several lines.
    let file = folder.path().join("frame.json");
    std::fs::write(&file, frames[0].replace(',', ",\n")).unwrap();
    let output = feed(&["decode", "--venue", "kraken", path(&file)]).await;
    assert_eq!(text(&output.stdout).lines().count(), 1);
}

#[tokio::test]
async fn decode_fails_only_if_the_file_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.jsonl");
    let output = feed(&["decode", "--venue", "okx", path(&missing)]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("missing.jsonl"), "{output:?}");
    let output = feed(&["decode", "--venue", "mtgox", path(&missing)]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("coinbase_exchange"),
        "{output:?}"
    );
    let garbage = folder.path().join("garbage.jsonl");
    std::fs::write(&garbage, [0xff, 0xfe, b'\n', 0, 1, 2]).unwrap();
    for venue in venue::ALL {
        let output = feed(&["decode", "--venue", venue.name(), path(&garbage)]).await;
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(
            text(&output.stdout).matches(r#""kind":"error""#).count(),
            2,
            "{output:?}"
        );
    }
    // A source whose protocol nobody speaks is not an error.
    let output = feed(&["decode", "--venue", "pyth", path(&garbage)]).await;
    assert_eq!(
        text(&output.stdout).matches(r#""protocol":"pyth""#).count(),
        2,
        "{output:?}"
    );
}

#[tokio::test]
async fn a_recording_gives_the_same_minutes_again_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = String::new();
    let mut exchanges = Vec::new();
    for name in ["kraken", "bitfinex", "binance"] {
        let venue = venue::by_name(name).unwrap();
        let pair = Pair::new("BTC", &venue.quote().to_string());
        // Minutes close as trades of later ones come; the connection is cut in between and trades come twice.
        let first = vec![
            Act::Acknowledge,
            Act::Trade(1, "50000.50", 100_000),
            Act::Trade(2, "50002.25", 99_000),
            Act::Trade(3, LAST_BEFORE, 70_000),
            Act::Cut,
        ];
        let second = vec![
            Act::Acknowledge,
            Act::Trade(3, LAST_BEFORE, 70_000),
            Act::Say("nonsense"),
            Act::Trade(4, "50001.00", 0),
            Act::Beat(60_000),
        ];
        let exchange = Exchange::open(venue, &venue.symbol(&pair), vec![first, second]).await;
        let url = exchange.url();
        config.push_str(&format!(
            "[[venue]]\nname = \"{name}\"\nurl = \"{url}\"\npairs = [\"{pair}\"]\n"
        ));
        exchanges.push(exchange);
    }
    let file = folder.path().join("venues.toml");
    std::fs::write(&file, config).unwrap();
    let recording = folder.path().join("recording");
    let mut recorder = Command::new(validator())
        .args([
            "feed",
            "record",
            "--out",
            path(&recording),
            "--config",
            path(&file),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    // The minute of the last but one trade closes everywhere, whatever the time of day.
    let mut printed = BufReader::new(recorder.stdout.take().unwrap()).lines();
    let mut minutes = String::new();
    while minutes.matches(LAST_CLOSE).count() < 3 {
        let line = tokio::time::timeout(PATIENT, printed.next_line()).await;
        minutes += &(line.expect(&minutes).unwrap().expect(&minutes) + "\n");
    }
    let id = recorder.id().unwrap().to_string();
    let stopped = Command::new("kill")
        .args(["-TERM", &id])
        .status()
        .await
        .unwrap();
    assert!(stopped.success());
    while let Some(line) = printed.next_line().await.unwrap() {
        minutes += &(line + "\n");
    }
    let recorded = recorder.wait_with_output().await.unwrap();
    assert_eq!(recorded.status.code(), Some(0), "{recorded:?}");
    for name in ["kraken", "bitfinex", "binance"] {
        assert!(
            minutes.contains(&format!(r#""venue":"{name}""#)),
            "{minutes}"
        );
    }
    let replayed = feed(&["replay", path(&recording)]).await;
    assert_eq!(replayed.status.code(), Some(0), "{replayed:?}");
    assert_eq!(text(&replayed.stdout), minutes);
    // What was heard is told alike.
    let counts = |output: &Output| {
        let lines = text(&output.stderr);
        let lines = lines.lines().filter(|line| line.contains(" duplicates, "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(counts(&recorded), counts(&replayed));
    assert_eq!(counts(&replayed).len(), 3, "{replayed:?}");
    assert!(
        counts(&replayed)[0].contains("4 trades, 1 duplicates"),
        "{replayed:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_recorded_or_replayed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = feed(&["replay", path(folder.path())]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("holds no recording"),
        "{output:?}"
    );
    let config = folder.path().join("venues.toml");
    let out = folder.path().join("out");
    for (written, words) in [
        (
            "[[venue]]\nname = \"mtgox\"\npairs = [\"BTC/USD\"]",
            "mtgox",
        ),
        (
            "[[venue]]\nname = \"kraken\"\npairs = [\"BTCUSD\"]",
            "BASE/QUOTE",
        ),
        ("[[venue]]\nname = \"kraken\"\npairs = []", "pairs"),
        (
            "[[venue]]\nname = \"kraken\"\nhost = \"x\"\npairs = []",
            "host",
        ),
        (
            "[[venue]]\nname = \"kraken\"\nurl = \"https://x\"\npairs = [\"BTC/USD\"]",
            "wss://",
        ),
    ] {
        std::fs::write(&config, written).unwrap();
        let output = feed(&["record", "--out", path(&out), "--config", path(&config)]).await;
        assert_eq!(output.status.code(), Some(1), "{written}");
        assert!(
            text(&output.stderr).contains(words),
            "{written}: {output:?}"
        );
    }
}
