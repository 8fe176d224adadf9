//! What is wrong with a text from outside that is not the JSON that it should be: how, and where. Nothing of the text is
//! quoted, so that nobody else's bytes get into a journal, a log or a terminal, and a fault is as short as any other.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How and where a text fails to be the JSON that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct JsonFault(Option<Place>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    kind: JsonFaultKind,
    line: u64,
    column: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JsonFaultKind {
    Syntax,
    Shape,
    Cut,
}

/// Every kind with its words.
const WORDS: [(JsonFaultKind, &str); 3] = [
    (JsonFaultKind::Syntax, "no JSON"),
    (
        JsonFaultKind::Shape,
        "a field is missing, unknown or of another type",
    ),
    (JsonFaultKind::Cut, "it ends too early"),
];

impl JsonFault {
    /// The parser's finding, without what it quotes of the text.
    pub fn new(error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        let kind = match error.classify() {
            Category::Data => JsonFaultKind::Shape,
            Category::Eof => JsonFaultKind::Cut,
            Category::Syntax | Category::Io => JsonFaultKind::Syntax,
        };
        Self(Some(Place {
            kind,
            line: error.line() as u64,
            column: error.column() as u64,
        }))
    }
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Place { kind, line, column }) = &self.0 else {
            return f.write_str("not said");
        };
        let words = WORDS.iter().find(|(of, _)| of == kind);
        let words = words.map_or("", |(_, words)| words);
        write!(f, "{words}, at line {line} column {column}")
    }
}

impl From<JsonFault> for String {
    fn from(fault: JsonFault) -> Self {
        fault.to_string()
    }
}

/// What a journal holds: the words of a fault, or a parser's message, as journals had before; that is not repeated.
impl From<String> for JsonFault {
    fn from(stored: String) -> Self {
        Self(place_in(&stored))
    }
}

fn place_in(stored: &str) -> Option<Place> {
    let (words, place) = stored.split_once(", at line ")?;
    let (kind, _) = WORDS.iter().find(|(_, of)| *of == words)?;
    let (line, column) = place.split_once(" column ")?;
    Some(Place {
        kind: *kind,
        line: line.parse().ok()?,
        column: column.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn fault(text: &str) -> JsonFault {
        let parsed = serde_json::from_str::<BTreeMap<String, bool>>(text);
        JsonFault::new(&parsed.unwrap_err())
    }

    #[test]
    fn a_fault_says_how_and_where_and_quotes_nothing() {
        assert_eq!(fault("nonsense").to_string(), "no JSON, at line 1 column 2");
        assert_eq!(
            fault("{").to_string(),
            "it ends too early, at line 1 column 1"
        );
        let long = format!("{{\"a\": \"\u{1b}[31m{}\"}}", "x".repeat(1 << 20));
        let text = fault(&long.replace('\u{1b}', "")).to_string();
        assert!(text.starts_with("a field is missing"), "{text}");
        assert!(text.len() < 100 && !text.contains("xx"), "{text}");
    }

    #[test]
    fn a_fault_reads_back_as_it_was_stored_and_an_older_message_is_not_repeated() {
        for text in ["nonsense", "{", "{\"a\": 1}"] {
            let stored = serde_json::to_string(&fault(text)).unwrap();
            assert_eq!(
                serde_json::from_str::<JsonFault>(&stored).unwrap(),
                fault(text)
            );
        }
        let older = "unknown variant `\\u001b[2J`, expected `paths` at line 1 column 4";
        let read: JsonFault = serde_json::from_str(&format!("\"{older}\"")).unwrap();
        assert_eq!(read.to_string(), "not said");
    }
}
