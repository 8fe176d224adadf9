//! Plain JSON and its numbers: the fast readers beside their slow twins.

use std::borrow::Cow;

use foretell_kernels::decimal::{Decimal, JsonDecimal};
use foretell_kernels::json_fast;
use serde::Deserialize;

/// All kinds of fields that venues' messages have.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "read to be printed")]
struct Message<'a> {
    #[serde(borrow)]
    s: Cow<'a, str>,
    #[serde(borrow)]
    p: Option<Decimal<'a>>,
    #[serde(borrow, default)]
    rows: Vec<Vec<JsonDecimal<'a>>>,
    t: Option<u64>,
    time: Option<i64>,
    small: Option<u8>,
    #[serde(default)]
    yes: bool,
    side: Option<Side>,
    inner: Option<Box<Message<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    Buy,
    Sell,
}

/// What the fast reader reads, `serde_json` reads as the same.
pub fn json_fast(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else {
        return;
    };
    if let Some(fast) = json_fast::read::<Message<'_>>(text) {
        let library: Message<'_> = serde_json::from_str(text).expect("what is plain JSON is JSON");
        assert_eq!(format!("{fast:?}"), format!("{library:?}"));
    }
}

/// A decimal number is a double to Rust, too, and stays the same number without its exponent.
pub fn decimal(bytes: &[u8]) {
    let Some(Ok(decimal)) = crate::text(bytes).map(Decimal::new) else {
        return;
    };
    let text = decimal.as_str();
    let number: f64 = text.parse().expect("a decimal number is a number");
    assert_eq!(decimal.to_f64().to_bits(), number.to_bits());
    let plain = decimal.to_plain_string();
    assert!(!plain.contains(['e', 'E']), "{plain}");
    assert_eq!(plain.parse(), Ok(number), "{text} became {plain}");
    // An exponent adds at most its 40 digits, a point and a zero.
    assert!(plain.len() <= text.len() + 42, "{text} became {plain}");
    let (unsigned, negative) = decimal.split_sign();
    assert!(!negative || !decimal.is_positive());
    assert_eq!(unsigned.to_f64(), number.abs());
}
