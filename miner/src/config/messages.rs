//! What people read of bad configurations of a miner: all in one snapshot.

use std::fmt::Write;
use std::path::Path;

use super::*;

#[test]
fn what_is_said_of_bad_configurations() {
    let good = include_str!("../../miner.example.toml");
    let mut lines = String::new();
    for (given, from, to) in [
        ("an unknown key", "horizon = 100", "horizons = 100"),
        (
            "an unknown key of the service",
            "data = \"miner-data\"",
            "data = \"d\"\nvalidatrs = []",
        ),
        ("no horizon", "horizon = 100", "horizon = 0"),
        ("a horizon in quotes", "horizon = 100", "horizon = \"100\""),
        (
            "a step without end",
            "step_ms = 300000",
            "step_ms = 9223372036854775807",
        ),
        (
            "more than a number can be",
            "step_ms = 300000",
            "step_ms = 9223372036854775808",
        ),
        ("an unknown venue", "bitstamp", "mtgox"),
        (
            "a venue without a host",
            "venue = \"bitstamp\"",
            "venue = \"replay\"",
        ),
        ("no symbol", "symbol = \"btcusd\"", ""),
        ("no days", "# history_days = 365", "history_days = 0"),
        ("too many values", "# k = 99", "k = 1001"),
        (
            "an unknown kind",
            "# kind = \"quantiles\"",
            "kind = \"quantile\"",
        ),
        (
            "a fit in a year",
            "# refit_hours = 24",
            "refit_hours = 100000",
        ),
        ("a name for an address", "0.0.0.0:8091", "localhost:8091"),
        ("no port", "0.0.0.0:8091", "0.0.0.0"),
        ("no data", "data = \"miner-data\"", ""),
        ("an empty path", "data = \"miner-data\"", "data = \"\""),
        ("another's home", "# files = []", "files = [\"~you/p.csv\"]"),
        (
            "an unknown clock",
            "# clock = \"system\"",
            "clock = \"sytem\"",
        ),
        (
            "a mistyped hotkey",
            "# validators = []",
            "validators = [\"5Grw\"]",
        ),
        (
            "a table twice",
            "[serve]",
            "[serve]\nlisten = \"127.0.0.1:1\"\n[serve]",
        ),
        ("an unknown table", "[serve]", "[server]"),
        (
            "a kind of chain",
            "[serve]",
            "[chain]\nkind = \"subtensor\"\nnetwork = \"test\"\nnetuid = 8\n[serve]",
        ),
        (
            "no netuid",
            "[serve]",
            "[chain]\nnetwork = \"test\"\n[serve]",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let text = good.replacen(from, to, 1);
        let error = match MinerConfig::parse(Path::new("etc/miner.toml"), &text) {
            Err(error) => format!("{:#}", anyhow::Error::from(error)),
            Ok(_) => panic!("{given} is accepted"),
        };
        writeln!(lines, "{given}\n  {error}").unwrap();
    }
    insta::assert_snapshot!(lines);
}
