//! Recorded frames and answers: lines of a recording, and lines that `validator feed decode` reads.

use foretell_feed::decode::Decoder;
use foretell_feed::recording::{MinuteReplay, RecordingEntry};
use foretell_feed::venue;

/// The first byte chooses the venue, the rest are lines of a file that is decoded.
pub fn decode_lines(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let venue = venue::ALL[usize::from(*first) % venue::ALL.len()];
    let mut decoder = Decoder::new(venue);
    for line in rest.split(|byte| *byte == b'\n') {
        let mut written = 0;
        decoder.decode_line(line, &mut |decoded| {
            written += serde_json::to_string(decoded)
                .expect("a decoded line is JSON")
                .len();
        });
        // A candle of six one-digit numbers, 14 bytes, becomes some 200.
        assert!(
            written <= 4096 + 64 * line.len(),
            "{} bytes became {written}",
            line.len()
        );
    }
}

/// Lines of a recording, replayed; the first byte chooses the venue.
pub fn recording_lines(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let venue = venue::ALL[usize::from(*first) % venue::ALL.len()].name();
    let mut replay = MinuteReplay::default();
    for line in String::from_utf8_lossy(rest).lines() {
        let Ok(entry) = RecordingEntry::from_line(venue, line) else {
            continue;
        };
        let printed = entry.to_line().expect("an entry is JSON");
        let again = RecordingEntry::from_line(venue, &printed).expect("our own line is one");
        assert_eq!(again, entry);
        replay
            .push(&entry, &mut |_| {})
            .expect("the venue is one that is known");
    }
}
