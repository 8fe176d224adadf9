//! A line of input: a message, plain or in a recorder's wrapper.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A recorder's line around a message.
#[derive(Deserialize)]
struct Wrapper<'a> {
    #[serde(borrow)]
    dir: Option<Cow<'a, str>>,
    #[serde(borrow)]
    recv_ns: Option<&'a RawValue>,
    #[serde(borrow)]
    raw: Option<&'a RawValue>,
    #[serde(borrow)]
    path: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// What a line of input holds.
pub(super) enum InputMessage<'a> {
    /// A message, perhaps a REST answer.
    Message(Cow<'a, str>),
    /// A REST answer.
    Response(Cow<'a, str>),
    /// Nothing that came from the venue; what it is instead.
    NotFromVenue(&'static str),
}

/// The message inside a line, without its wrapper.
pub(super) fn unwrap_line(text: &str) -> InputMessage<'_> {
    let Ok(wrapper) = serde_json::from_str::<Wrapper<'_>>(text) else {
        return InputMessage::Message(text.into());
    };
    match wrapper {
        Wrapper {
            dir: Some(dir),
            raw,
            ..
        } => match (dir.as_ref(), raw) {
            ("in", Some(raw)) => InputMessage::Message(unquoted(raw)),
            ("open", _) => InputMessage::NotFromVenue("connection opened"),
            _ => InputMessage::NotFromVenue("sent by the client"),
        },
        Wrapper {
            recv_ns: Some(_),
            raw: Some(raw),
            ..
        } => InputMessage::Message(unquoted(raw)),
        Wrapper {
            path: Some(_),
            body: Some(body),
            ..
        } => InputMessage::Response(unquoted(body)),
        _ => InputMessage::Message(text.into()),
    }
}

/// A message that is wrapped as a JSON string, or bare.
fn unquoted(raw: &RawValue) -> Cow<'_, str> {
    match serde_json::from_str::<String>(raw.get()) {
        Ok(text) => text.into(),
        Err(_) => raw.get().into(),
    }
}
