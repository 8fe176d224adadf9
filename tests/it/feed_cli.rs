//! `validator feed` on files: what it decodes, and what it says of what can't be recorded or replayed.

use std::path::Path;
use std::process::{Output, Stdio};

use foretell_feed::venue;
use foretell_testkit::{TestProcess, validator_binary, wait_until};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

pub async fn feed(arguments: &[&str]) -> Output {
    let mut command = Command::new(validator_binary());
    command.arg("feed").args(arguments).kill_on_drop(true);
    command.output().await.unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn path(path: &Path) -> &str {
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
async fn what_cannot_be_recorded_or_replayed_is_refused_in_words() {
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
            "[[venue]]\nname = \"kraken\"\nrest = \"x\"\npairs = []",
            "rest",
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

#[tokio::test]
async fn decode_reads_standard_input() {
    let mut decoder = Command::new(validator_binary())
        .args(["feed", "decode", "--venue", "kraken", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut input = decoder.stdin.take().unwrap();
    let frames = "{\"channel\":\"heartbeat\"}\n{broken\n";
    input.write_all(frames.as_bytes()).await.unwrap();
    drop(input);
    let output = decoder.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let printed = text(&output.stdout);
    assert_eq!(printed.lines().count(), 2, "{printed}");
    assert!(printed.contains("heartbeat") && printed.contains("not_json"));
}

/// However early it is told to stop, a recorder ends well and says where its recording is.
#[test]
fn a_recorder_that_is_stopped_at_once_ends_well_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("venues.toml");
    let venue = "[[venue]]\nname = \"kraken\"\npairs = [\"BTC/USD\"]\nurl = \"ws://127.0.0.1:9\"\nhost = \"http://127.0.0.1:9\"\n";
    std::fs::write(&config, venue).unwrap();
    let out = folder.path().join("out");
    let mut command = std::process::Command::new(validator_binary());
    command.args([
        "feed",
        "record",
        "--out",
        path(&out),
        "--config",
        path(&config),
    ]);
    let recorder = TestProcess::spawn(&mut command);
    wait_until("the folder", || out.exists());
    foretell_testkit::send_signal(recorder.id(), "INT");
    let ended = recorder.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains(path(&out)), "{ended:?}");
}
