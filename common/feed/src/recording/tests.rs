use std::fs;

use foretell_core::testing::assert_contains_all;
use foretell_core::time::UnixMillis;

use super::*;

const HOUR: i64 = 3_600_000;

fn frame(id: i64, time: i64) -> RecordingContent {
    let raw = format!(
        r#"{{"e":"trade","E":1,"s":"BTCUSDT","t":{id},"p":"{}.50","q":"0.1","T":{time},"m":true,"M":true}}"#,
        100 + id % 7
    );
    RecordingContent::Frame { socket: 1, raw }
}

/// Minutes that a replay gives for these entries, as text.
fn minutes(entries: &[RecordingEntry]) -> String {
    let mut replay = MinuteReplay::default();
    let mut text = String::new();
    for entry in entries {
        let write_line = &mut |minute: VenueMinuteCandle| {
            text.push_str(&serde_json::to_string(&minute).unwrap());
            text.push('\n');
        };
        replay.push(entry, write_line).unwrap();
    }
    text
}

fn read(folder: &std::path::Path) -> Vec<RecordingEntry> {
    let mut entries = Vec::new();
    read_recording(folder, &mut |entry| {
        entries.push(entry);
        Ok(())
    })
    .unwrap();
    entries
}

#[test]
fn a_replay_gives_every_record_again_and_the_same_candles_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::new(folder.path()).unwrap();
    let mut written = Vec::new();
    let start = 471_000 * HOUR;
    // Two venues over three hours; several frames within a millisecond.
    for i in 0..2_000_i64 {
        let received = start + i / 3 * 16_000;
        let venue = if i % 2 == 0 { "binance" } else { "binance_us" };
        written.push(
            recorder
                .write(venue, UnixMillis::saturating(received), frame(i, received))
                .unwrap(),
        );
    }
    written.push(
        recorder
            .write(
                "binance",
                UnixMillis::saturating(start),
                RecordingContent::Lost(3),
            )
            .unwrap(),
    );
    recorder.finish().unwrap();
    let read = read(folder.path());
    assert_eq!(read, written);
    assert!(read.is_sorted_by(|a, b| a.recv_ns < b.recv_ns));
    let text = minutes(&written);
    assert!(text.lines().count() > 300, "{}", text.lines().count());
    assert_eq!(minutes(&read), text);
    let files = fs::read_dir(folder.path().join("binance")).unwrap().count();
    assert_eq!(files, 3);
}

#[test]
fn a_recorder_that_was_killed_leaves_what_it_had_written() {
    let folder = tempfile::tempdir().unwrap();
    for part in 0..2 {
        let mut recorder = Recorder::new(folder.path()).unwrap();
        for i in 0..100 {
            let received = UnixMillis::saturating(part * 200_000 + i * 1_000);
            recorder.write("binance", received, frame(i, 0)).unwrap();
        }
        recorder.finish().unwrap();
    }
    let first = folder.path().join("binance/1970-01-01T00.000.jsonl.zst");
    let second = folder.path().join("binance/1970-01-01T00.001.jsonl.zst");
    assert!(first.exists() && second.exists());
    let whole = read(folder.path());
    assert_eq!(whole.len(), 200);
    // Cut the first file within its compressed end.
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, &bytes[..bytes.len() - 20]).unwrap();
    let cut = read(folder.path());
    assert!(cut.len() >= 100 && cut.len() <= 200, "{}", cut.len());
    assert_eq!(cut[cut.len() - 100..], whole[100..]);
}

#[test]
fn a_folder_that_is_no_recording_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut ignore = |_| Ok(());
    let error = read_recording(folder.path(), &mut ignore)
        .unwrap_err()
        .to_string();
    assert_contains_all(&error, &["holds no recording"]);
    fs::create_dir(folder.path().join("mtgox")).unwrap();
    let error = read_recording(folder.path(), &mut ignore)
        .unwrap_err()
        .to_string();
    assert_contains_all(&error, &["mtgox"]);
    let error = read_recording(&folder.path().join("nowhere"), &mut ignore)
        .unwrap_err()
        .to_string();
    assert_contains_all(&error, &["nowhere"]);
    let folder = tempfile::tempdir().unwrap();
    let venue = folder.path().join("kraken");
    fs::create_dir(&venue).unwrap();
    let bad = zstd::encode_all(&b"{\"recv_ns\":1}\n"[..], 1).unwrap();
    fs::write(venue.join("1970-01-01T00.000.jsonl.zst"), bad).unwrap();
    let error = read_recording(folder.path(), &mut ignore)
        .unwrap_err()
        .to_string();
    assert_contains_all(&error, &["line 1"]);
}

/// The error of a recording of kraken with this line, or of attempts if it is one.
fn error_of_line(line: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let name = match line.contains("attempt") {
        true => SETTLEMENT_FOLDER,
        false => "kraken",
    };
    let venue = folder.path().join(name);
    fs::create_dir(&venue).unwrap();
    let bytes = zstd::encode_all(format!("{line}\n").as_bytes(), 1).unwrap();
    fs::write(venue.join("1970-01-01T00.000.jsonl.zst"), bytes).unwrap();
    let mut ignore = |_| Ok(());
    read_recording(folder.path(), &mut ignore)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_line_without_end_is_refused_before_it_is_held() {
    let line = "x".repeat(crate::bounded_lines::MAX_LINE_BYTES + 1);
    assert_contains_all(
        &error_of_line(&line),
        &["line 1", "more than 16777216 bytes"],
    );
}

#[test]
fn an_attempt_over_aeons_is_refused() {
    for minutes in [
        "0",
        "1767225600000,253402300799000",
        "1767225660000,1767225600000",
    ] {
        let line = format!(
            r#"{{"recv_ns":1,"attempt":{{"pair":"BTC/USD","rules":"1","session":1767225600000,"venues":[],"usdt_usd":[],"minutes":[{minutes}],"now":1767225720000}}}}"#
        );
        assert_contains_all(
            &error_of_line(&line),
            &["line 1", "not an attempt of a recorder"],
        );
    }
}

/// Sockets and counts with numbers at the end of their range, ever new ones, and ever new symbols.
#[test]
fn absurd_numbers_in_a_recording_break_nothing() {
    let mut replay = MinuteReplay::default();
    let mut push = |content| {
        let entry = RecordingEntry {
            venue: "binance".into(),
            recv_ns: i64::MAX,
            content,
        };
        replay.push(&entry, &mut |_| {}).unwrap();
    };
    for count in [u64::MAX, 1, u64::MAX] {
        push(RecordingContent::Lost(count));
    }
    for socket in [u64::MAX, 0, u64::MAX - 1]
        .into_iter()
        .chain((0..100).rev())
    {
        let raw =
            r#"{"e":"trade","s":"B","t":18446744073709551615,"p":"1","q":"1","T":1,"m":true}"#;
        let raw = raw.to_owned();
        push(RecordingContent::Frame { socket, raw });
    }
    let (_, stats, lost) = replay.stats().next().unwrap();
    assert_eq!((stats.frames, stats.trades, lost), (103, 1, u64::MAX));
}
