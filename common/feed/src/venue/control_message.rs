//! Messages that aren't data: acknowledgements, refusals, and those that we don't know.
//!
//! Venues say no in many forms, and some say it within what looks like a yes: Binance answers a subscription with
//! `{"error":{"code":2,"msg":"…"},"id":1}`, Bybit with `"success":true` and a list of `failTopics`. So an acknowledgement
//! counts only if nothing in its message says no, and a message of an unknown kind is never an acknowledgement.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::event::{Ack, IgnoredMessage, StatusMessage, VenueEvent};

/// Longest acknowledgement; ours have some kilobytes.
const MAX_ACKNOWLEDGEMENT_BYTES: usize = 64 << 10;
/// Longest message of another kind that is searched for a refusal: longer ones are data.
const MAX_OTHER_BYTES: usize = 4 << 10;
/// How deep in a message a refusal is looked for.
const MAX_DEPTH: usize = 4;

/// Fields whose presence says no, unless they are empty.
const ERRORS: [&str; 9] = [
    "error",
    "errors",
    "err",
    "errorMessage",
    "error_message",
    "errMsg",
    "failTopics",
    "fail_topics",
    "failed",
];
/// Fields that hold a number, or a text, of which only nothing, 0 and 2xx mean yes.
const CODES: [&str; 8] = [
    "code",
    "retCode",
    "ret_code",
    "errorCode",
    "error_code",
    "errCode",
    "sCode",
    "status_code",
];
/// Fields of a word that may say no.
const WORDS: [&str; 7] = [
    "status",
    "result",
    "event",
    "type",
    "op",
    "method",
    "reason_code",
];
/// Words that say no.
const REFUSALS: [&str; 9] = [
    "error",
    "failed",
    "failure",
    "fail",
    "rejected",
    "refused",
    "denied",
    "forbidden",
    "unauthorized",
];
/// Fields of the venue's text, best first.
const TEXTS: [&str; 7] = [
    "msg",
    "message",
    "ret_msg",
    "retMsg",
    "sMsg",
    "errorMessage",
    "reason",
];
/// Fields whose content is searched, too.
const WRAPPERS: [&str; 6] = ["result", "data", "response", "events", "ret", "params"];

/// The acknowledgement, or the refusal that its message holds.
pub(super) fn acknowledged<'a>(frame: &str, ack: Ack<'a>) -> VenueEvent<'a> {
    match refusal_beside_consent(frame) {
        Some(refused) => refused,
        None => VenueEvent::Status(StatusMessage::Subscribed(ack)),
    }
}

/// As [`acknowledged`], of a message that acknowledges several things at once.
pub(super) fn acknowledge_each<'a>(
    frame: &str,
    acks: impl Iterator<Item = Ack<'a>>,
    on: &mut dyn FnMut(VenueEvent<'_>),
) {
    match refusal_beside_consent(frame) {
        Some(refused) => on(refused),
        None => acks.for_each(|ack| on(VenueEvent::Status(StatusMessage::Subscribed(ack)))),
    }
}

fn refusal_beside_consent(frame: &str) -> Option<VenueEvent<'static>> {
    if frame.len() > MAX_ACKNOWLEDGEMENT_BYTES {
        return Some(VenueEvent::refused(
            "an acknowledgement that is too long to be one",
        ));
    }
    refusal(frame).map(VenueEvent::refused)
}

/// A message of a kind that prices don't need, or that we don't know; a refusal if it says no.
pub(super) fn other_message<'a>(frame: &str, kind: impl Into<Cow<'a, str>>) -> VenueEvent<'a> {
    let why = (frame.len() <= MAX_OTHER_BYTES).then(|| refusal(frame));
    match why.flatten() {
        Some(why) => VenueEvent::refused(why),
        None => VenueEvent::Ignored(IgnoredMessage::kind(kind)),
    }
}

/// The venue's words, with its code, where a message says no in any of the usual forms; `None` if nothing in it does.
fn refusal(frame: &str) -> Option<String> {
    let message: Value = serde_json::from_str(frame).ok()?;
    refusal_in(&message, MAX_DEPTH)
}

fn refusal_in(value: &Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::Array(elements) => elements.iter().find_map(|each| refusal_in(each, depth)),
        Value::Object(fields) => {
            let wrapped = |name: &&str| refusal_in(fields.get(*name)?, depth);
            said_no(fields).or_else(|| WRAPPERS.iter().find_map(wrapped))
        }
        _ => None,
    }
}

/// The words of an object that says no by its own fields.
fn said_no(fields: &Map<String, Value>) -> Option<String> {
    let error = ERRORS
        .iter()
        .filter_map(|name| fields.get(*name))
        .find(|error| !is_empty(error));
    let code = CODES
        .iter()
        .filter_map(|name| fields.get(*name))
        .find(|code| !means_yes(code));
    let word = WORDS
        .iter()
        .filter_map(|name| fields.get(*name))
        .find(|word| says_no(word));
    let status = fields.get("status").filter(|status| is_failure(status));
    let word = word.or(status);
    let failed = fields.get("success") == Some(&Value::Bool(false));
    if error.is_none() && code.is_none() && word.is_none() && !failed {
        return None;
    }
    let (inner_text, inner_code) = match error {
        Some(Value::Object(inner)) => (text_of(inner), code_of(inner)),
        Some(Value::String(text)) => (Some(text.clone()), None),
        Some(other) => (Some(other.to_string()), None),
        None => (None, None),
    };
    let text = inner_text.or_else(|| text_of(fields));
    let code = inner_code.or_else(|| code_of(fields));
    Some(match (text, code) {
        (Some(text), Some(code)) => format!("{text} ({code})"),
        (Some(text), None) => text,
        (None, Some(code)) => format!("({code})"),
        (None, None) => match error.or(word) {
            Some(said) => plain(said),
            None => "request refused without a reason".to_owned(),
        },
    })
}

fn text_of(fields: &Map<String, Value>) -> Option<String> {
    let texts = TEXTS.iter().filter_map(|name| fields.get(*name)?.as_str());
    texts
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
        .next()
}

/// The code that doesn't mean yes.
fn code_of(fields: &Map<String, Value>) -> Option<String> {
    let codes = CODES.iter().filter_map(|name| fields.get(*name));
    codes.filter(|code| !means_yes(code)).map(plain).next()
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether an error field says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// Whether a code is that of a success: nothing, 0 or an HTTP status 2xx.
fn means_yes(code: &Value) -> bool {
    let number = match code {
        Value::Null => return true,
        Value::String(text) if text.is_empty() => return true,
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    matches!(number, Some(0 | 200..=299))
}

/// Whether a field says no in a word.
fn says_no(value: &Value) -> bool {
    let word = value.as_str().unwrap_or_default();
    REFUSALS.iter().any(|no| word.eq_ignore_ascii_case(no))
}

/// Whether a status is a number of HTTP's that doesn't mean success.
fn is_failure(status: &Value) -> bool {
    status.as_i64().is_some_and(|status| status >= 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_found_in_every_usual_form() {
        for (message, words) in [
            (
                r#"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#,
                "Invalid request (2)",
            ),
            (
                r#"{"code":2,"msg":"Invalid request","id":1}"#,
                "Invalid request (2)",
            ),
            (
                r#"{"id":1,"status":400,"error":{"code":-1,"msg":"no"}}"#,
                "no (-1)",
            ),
            (r#"{"id":1,"status":400}"#, "400"),
            (
                r#"{"id":1,"result":{"error":"no such stream"}}"#,
                "no such stream",
            ),
            (r#"{"id":1,"result":{"code":3,"msg":"bad"}}"#, "bad (3)"),
            (
                r#"{"event":"x","data":[{"sCode":"51000","sMsg":"bad"}]}"#,
                "bad (51000)",
            ),
            (
                r#"{"success":false,"ret_msg":"Invalid topic"}"#,
                "Invalid topic",
            ),
            (r#"{"success":false}"#, "request refused without a reason"),
            (
                r#"{"success":true,"data":{"failTopics":["a"],"successTopics":[]}}"#,
                r#"["a"]"#,
            ),
            (
                r#"{"op":"auth","retCode":10004,"retMsg":"bad key"}"#,
                "bad key (10004)",
            ),
            (
                r#"{"event":"auth","status":"FAILED","code":10100,"msg":"apikey: invalid"}"#,
                "apikey: invalid (10100)",
            ),
            (
                r#"{"result":"error","reason":"InvalidSymbol"}"#,
                "InvalidSymbol",
            ),
            (r#"{"type":"ERROR"}"#, "ERROR"),
            (
                r#"{"error":["EQuery:Unknown asset pair"]}"#,
                r#"["EQuery:Unknown asset pair"]"#,
            ),
            (r#"{"error":true}"#, "true"),
            (r#"[{"error":"nested"}]"#, "nested"),
        ] {
            assert_eq!(refusal(message).as_deref(), Some(words), "{message}");
        }
    }

    #[test]
    fn consent_and_data_are_no_refusals() {
        for message in [
            r#"{"result":null,"id":1}"#,
            r#"{"id":1,"status":200}"#,
            r#"{"code":"0","msg":"","event":"subscribe"}"#,
            r#"{"success":true,"ret_msg":"","data":{"failTopics":[],"successTopics":["a"]}}"#,
            r#"{"error":[],"errors":{},"err":"","result":{"status":"online"}}"#,
            r#"{"method":"subscribe","success":true,"result":{"channel":"trade","snapshot":false}}"#,
            r#"{"event":"conf","status":"OK","flags":98304}"#,
            r#"{"retCode":0,"retMsg":"OK"}"#,
            "[]",
            "5",
            "{",
        ] {
            assert_eq!(refusal(message), None, "{message}");
        }
        let deep = format!("{}{}", r#"{"data":"#.repeat(10_000), "[".repeat(10_000));
        assert_eq!(refusal(&deep), None);
    }
}
