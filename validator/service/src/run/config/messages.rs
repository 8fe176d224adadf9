//! What people read of bad configurations of a validator: all in one snapshot.

use std::fmt::Write;
use std::path::Path;

use super::*;

#[test]
fn what_is_said_of_bad_configurations() {
    let mut lines = String::new();
    let series = |lines: &str| format!("data = \"d\"\n[series]\nid = \"BTC/USD\"\n{lines}");
    let table = |name: &str, lines: &str| format!("data = \"d\"\n\n[{name}]\n{lines}\n");
    for (given, text) in [
        ("nothing", String::new()),
        ("no data", "[rounds]\nevery_minutes = 30\n".into()),
        ("no TOML", "data = d\n".into()),
        (
            "an open table",
            "data = \"d\"\n[chain\nkind = \"local\"\n".into(),
        ),
        ("a key twice", "data = \"d\"\ndata = \"e\"\n".into()),
        ("an unknown key", "data = \"d\"\n# so\nwalet = 1\n".into()),
        (
            "an unknown key that is near none",
            "data = \"d\"\ncolour = 1\n".into(),
        ),
        ("a number for a path", "data = 17\n".into()),
        ("an empty path", "data = \"\"\n".into()),
        ("another's home", "data = \"~you/data\"\n".into()),
        (
            "an unknown key in a table",
            series("stepms = 300000\nhorizon = 100\n"),
        ),
        ("a missing key in a table", series("horizon = 100\n")),
        (
            "a text for a number",
            series("step_ms = 300000\nhorizon = \"100\"\n"),
        ),
        (
            "a negative horizon",
            series("step_ms = 300000\nhorizon = -1\n"),
        ),
        ("no horizon", series("step_ms = 300000\nhorizon = 0\n")),
        ("half a minute", series("step_ms = 30000\nhorizon = 1\n")),
        (
            "a step without end",
            series("step_ms = 9223372036854740000\nhorizon = 1\n"),
        ),
        ("rounds off the grid", table("rounds", "every_minutes = 7")),
        (
            "rounds too seldom",
            table("rounds", "every_minutes = 4294967295"),
        ),
        (
            "more than a number can be",
            table("rounds", "every_minutes = 4294967296"),
        ),
        (
            "a chain without a kind",
            table("chain", "network = \"test\""),
        ),
        (
            "an unknown kind of chain",
            table("chain", "kind = \"subtensr\""),
        ),
        (
            "an unknown network",
            table(
                "chain",
                "kind = \"subtensor\"\nnetuid = 8\nnetwork = \"main\"",
            ),
        ),
        (
            "no netuid",
            table("chain", "kind = \"subtensor\"\nnetwork = \"test\""),
        ),
        (
            "a netuid that can't be",
            table(
                "chain",
                "kind = \"subtensor\"\nnetwork = \"test\"\nnetuid = 70000",
            ),
        ),
        (
            "a key of the other kind of chain",
            table("chain", "kind = \"local\"\nnetwork = \"test\""),
        ),
        (
            "an unknown key of a chain",
            table("chain", "kind = \"local\"\nminer = []"),
        ),
        (
            "a mistyped hotkey",
            table(
                "[chain.miners]",
                "axon = \"127.0.0.1:1\"\nhotkey = \"5Grw\"",
            )
            .replace("[[", "[chain]\nkind = \"local\"\n[["),
        ),
        (
            "a name for an address",
            table("http", "listen = \"localhost:8080\""),
        ),
        (
            "a url for a file",
            table("prices", "kind = \"file\"\nurl = \"http://x\""),
        ),
        ("no path", table("prices", "kind = \"file\"")),
        (
            "another scheme",
            table("prices", "kind = \"url\"\nurl = \"ftp://x\""),
        ),
        (
            "an unknown venue",
            table(
                "prices",
                "kind = \"venues\"\nvenues = [\n  {venue = \"kraken\"},\n  {venue = \"mtgox\"},\n]",
            ),
        ),
        (
            "an unknown venue of USDT",
            table(
                "prices",
                "kind = \"venues\"\nusdt_usd = [{venue = \"mtgox\"}]",
            ),
        ),
        (
            "too few venues",
            table(
                "prices",
                "kind = \"venues\"\nvenues = [{venue = \"kraken\"}]",
            ),
        ),
        (
            "a venue twice",
            table(
                "prices",
                "kind = \"venues\"\nvenues = [{venue = \"kraken\"}, {venue = \"kraken\"}]",
            ),
        ),
        (
            "no pair",
            table("prices", "kind = \"venues\"\npair = \"BTC\""),
        ),
        (
            "a wallet that is a path",
            table(
                "wallet",
                "path = \"w\"\nname = \"../w\"\nhotkey = \"default\"",
            ),
        ),
        (
            "a wallet without a hotkey",
            table("wallet", "path = \"w\"\nname = \"w\""),
        ),
    ] {
        let error = ValidatorConfig::parse(Path::new("etc/validator.toml"), &text).unwrap_err();
        writeln!(lines, "{given}\n  {:#}", anyhow::Error::from(error)).unwrap();
    }
    insta::assert_snapshot!(lines);
}
