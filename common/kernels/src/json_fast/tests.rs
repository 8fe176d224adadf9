//! Texts of a venue's shape, whole and broken, read here and by `serde_json`.

use std::borrow::Cow;

use proptest::prelude::*;
use serde::Deserialize;

use super::parser::find_stop;
use super::read;
use crate::decimal::{Decimal, JsonDecimal};

/// All kinds of fields that venues' messages have.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "read to be printed")]
struct Message<'a> {
    #[serde(borrow)]
    s: Cow<'a, str>,
    #[serde(borrow)]
    p: Decimal<'a>,
    #[serde(borrow, default)]
    rows: Vec<Vec<JsonDecimal<'a>>>,
    t: Option<u64>,
    time: Option<i64>,
    small: Option<u8>,
    #[serde(default)]
    yes: bool,
    side: Option<Side>,
    inner: Option<Inner>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "read to be printed")]
struct Inner {
    n: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    Buy,
    Sell,
}

#[test]
fn what_is_plain_is_read() {
    let text = r#"{"s":"BTC/USD","p":"-0.50","rows":[[1,"2.50",-3e-5],[]],"t":9999999999999999999,"time":-7,"new":{"a":[true,null,"x",1.5]},"small":0,"yes":true,"side":"sell","inner":{"n":12}}"#;
    let read: Message<'_> = read(text).unwrap();
    assert!(matches!(read.s, Cow::Borrowed("BTC/USD")));
    let library: Message<'_> = serde_json::from_str(text).unwrap();
    assert_eq!(format!("{read:?}"), format!("{library:?}"));
}

#[test]
fn anything_else_is_none() {
    for text in [
        "",
        r#"{"s":"a","p":"1"} "#,
        r#"{"s": "a","p":"1"}"#,
        r#"{"s":"a\"","p":"1"}"#,
        r#"{"s":"a","p":"1","p":"1"}"#,
        r#"{"s":"a","p":"1",}"#,
        r#"{"s":"a"}"#,
        r#"{"s":"a","p":"1","t":01}"#,
        r#"{"s":"a","p":"1","t":1.0}"#,
        r#"{"s":"a","p":"1","t":-1}"#,
        r#"{"s":"a","p":"1","t":18446744073709551616}"#,
        r#"{"s":"a","p":"1","new":[[[[[[[[[1]]]]]]]]]}"#,
        r#"{"s":"a","p":"1""#,
        "[\"a\",\"1\"]",
    ] {
        assert!(read::<Message<'_>>(text).is_none(), "{text}");
    }
}

fn tokens() -> impl Strategy<Value = String> {
    let odd = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "01",
        "1.",
        ".5",
        "1.50",
        "1e5",
        "1E-8",
        "-12",
        "255",
        "256",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "99999999999999999999",
        "\"\"",
        "\"buy\"",
        "\"sell\"",
        "\"hold\"",
        "\"0.10\"",
        "\"-3e7\"",
        "\"a\\nb\"",
        "\"\\u00e9\"",
        "\"é\"",
        "\"a\tb\"",
        "\"long enough to be read in two steps\"",
        "[]",
        "[[1,\"2\"],[3.0]]",
        "[[\"x\"]]",
        "{\"n\":5}",
        "{\"n\":\"5\"}",
        "{}",
        "[1, 2]",
    ];
    prop::sample::select(odd.to_vec()).prop_map(str::to_owned)
}

fn texts() -> impl Strategy<Value = String> {
    let keys = [
        "s", "p", "rows", "t", "time", "small", "yes", "side", "inner", "new",
    ];
    let needed = (tokens(), tokens());
    let field = (prop::sample::select(keys.to_vec()), tokens());
    (needed, prop::collection::vec(field, 0..5)).prop_map(|((s, p), fields)| {
        let fields = fields
            .iter()
            .map(|(key, token)| format!(",\"{key}\":{token}"));
        format!("{{\"s\":{s},\"p\":{p}{}}}", fields.collect::<String>())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    /// Broken texts too: a byte is replaced in most.
    #[test]
    fn a_text_is_read_as_the_library_reads_it_or_not_at_all(
        text in texts(),
        place in any::<prop::sample::Index>(),
        byte in prop::sample::select(b"\"\\,:{}[]0e.-\n a".to_vec()),
        broken in prop::bool::weighted(0.7),
    ) {
        let mut bytes = text.into_bytes();
        if broken {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some(read) = read::<Message<'_>>(&text) {
            let library: Message<'_> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(format!("{:?}", read), format!("{:?}", library));
        }
    }

    #[test]
    fn the_first_stop_is_where_a_search_finds_it(eight in prop::array::uniform8(any::<u8>())) {
        let stops = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
        prop_assert_eq!(find_stop(&eight), eight.iter().position(stops));
    }
}
