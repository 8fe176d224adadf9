//! Where in a configuration something is wrong, and what, in words.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How different a name may be from one that is meant: letters changed, left out, added or swapped, in thirds of its length.
const MAX_DIFFERENCE_THIRDS: usize = 1;

/// A line and a column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextPlace {
    line: usize,
    column: usize,
}

impl TextPlace {
    /// The place of byte `offset` of `text`.
    pub fn of(text: &str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset);
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Its line.
    pub const fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for TextPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// The error of TOML in words, and where it is, as exactly as can be known.
pub fn explain(text: &str, error: &toml::de::Error) -> (Option<TextPlace>, String) {
    let message = error.message();
    // All of the text, or nothing before it, is no place: something is missing at its top.
    let is_place = |span: &Range<usize>| span.end > 0 && (span.start > 0 || span.end < text.len());
    let span = error.span().filter(is_place);
    let document = DeTable::parse(text).ok();
    let found = span
        .clone()
        .zip(document.as_ref())
        .and_then(|(span, document)| {
            let mut keys = Vec::new();
            find_span(document.get_ref(), &span, &mut keys).map(|table| (keys, table))
        });
    let names = quoted_names(message);
    let (keys, span) = match found {
        // The table is at fault for a key in it.
        Some((mut keys, Some(table))) => {
            let key = names.first().and_then(|name| table.get_key_value(*name));
            if let Some((key, _)) = key {
                keys.push(key.get_ref().to_string());
            }
            (keys, key.map(|(key, _)| key.span()).or(span))
        }
        Some((keys, None)) => (keys, span),
        None => (Vec::new(), span),
    };
    let place = span.map(|span| TextPlace::of(text, span.start));
    let mut words = in_words(message);
    if let Some((unknown, known)) = names.split_first()
        && message.starts_with("unknown ")
        && let Some(meant) = nearest(unknown, known)
    {
        words = format!("{words}; did you mean `{meant}`?");
    }
    if !keys.is_empty() {
        words = format!("{}: {words}", keys.join("."));
    }
    (place, words)
}

/// The place of the key `series.horizon`, and so on; in lists, of the first that has this value.
pub fn place_of_key(text: &str, key: &str, value: &str) -> Option<TextPlace> {
    let document = DeTable::parse(text).ok()?;
    let keys: Vec<&str> = key.split('.').collect();
    let span = find_key(document.get_ref(), &keys, Some(value))
        .or_else(|| find_key(document.get_ref(), &keys, None))?;
    Some(TextPlace::of(text, span.start))
}

type DeEntry<'a> = (
    &'a Spanned<std::borrow::Cow<'a, str>>,
    &'a Spanned<DeValue<'a>>,
);

/// The keys that lead to what has this place, and the table there if it is one.
fn find_span<'a>(
    table: &'a DeTable<'a>,
    span: &Range<usize>,
    keys: &mut Vec<String>,
) -> Option<Option<&'a DeTable<'a>>> {
    table.iter().find_map(|entry: DeEntry<'a>| {
        let (key, value) = entry;
        keys.push(key.get_ref().to_string());
        let found = if key.span() == *span {
            Some(None)
        } else {
            find_value(value, span, keys)
        };
        if found.is_none() {
            keys.pop();
        }
        found
    })
}

fn find_value<'a>(
    value: &'a Spanned<DeValue<'a>>,
    span: &Range<usize>,
    keys: &mut Vec<String>,
) -> Option<Option<&'a DeTable<'a>>> {
    let is_it = value.span() == *span;
    match value.get_ref() {
        DeValue::Table(table) if is_it => Some(Some(table)),
        _ if is_it => Some(None),
        DeValue::Table(table) => find_span(table, span, keys),
        DeValue::Array(values) => values
            .iter()
            .find_map(|value| find_value(value, span, keys)),
        _ => None,
    }
}

fn find_key(table: &DeTable<'_>, keys: &[&str], value: Option<&str>) -> Option<Range<usize>> {
    let (first, rest) = keys.split_first()?;
    let (key, found) = table.get_key_value(*first)?;
    if rest.is_empty() {
        let is_it = value.is_none_or(|value| scalar_text(found.get_ref()) == Some(value));
        return is_it.then(|| key.span());
    }
    match found.get_ref() {
        DeValue::Table(table) => find_key(table, rest, value),
        DeValue::Array(values) => values.iter().find_map(|found| match found.get_ref() {
            DeValue::Table(table) => find_key(table, rest, value),
            _ => None,
        }),
        _ => None,
    }
}

fn scalar_text<'a>(value: &'a DeValue<'_>) -> Option<&'a str> {
    match value {
        DeValue::String(text) => Some(text),
        DeValue::Integer(number) => Some(number.as_str()),
        DeValue::Float(number) => Some(number.as_str()),
        _ => None,
    }
}

/// What stands in backticks.
fn quoted_names(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// The known name that `unknown` was probably meant to be.
fn nearest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let distances = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(unknown, name), *name));
    let (distance, name) = distances.min()?;
    let limit = (unknown.chars().count() * MAX_DIFFERENCE_THIRDS).div_ceil(3);
    (distance <= limit.max(1)).then_some(name)
}

/// The types that a message names, as people call them.
fn in_words(message: &str) -> String {
    let words = [
        ("expected usize", "expected a whole number, 0 or more"),
        ("expected u64", "expected a whole number, 0 or more"),
        (
            "expected u32",
            "expected a whole number from 0 to 4294967295",
        ),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected i64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("expected a string", "expected a text in quotes"),
        ("expected path string", "expected a path in quotes"),
        ("expected a sequence", "expected a list in [ ]"),
        ("expected a map", "expected a table"),
        (
            "invalid socket address syntax",
            "no IP address and port: write them as 127.0.0.1:8091 or [::1]:8091",
        ),
    ];
    let found = words.iter().find(|(rust, _)| {
        message
            .find(rust)
            .is_some_and(|at| message.len() == at + rust.len())
    });
    let message = match found {
        Some((rust, words)) => message.replace(rust, words),
        None => message.to_owned(),
    };
    match message.split_once("expected struct ") {
        Some((before, _)) => format!("{before}expected a table"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_from_1() {
        let text = "a = 1\r\nä = \"ü\" b\n";
        let at = |what: &str| TextPlace::of(text, text.find(what).unwrap()).to_string();
        assert_eq!(at("a"), "line 1, column 1");
        assert_eq!(at("b"), "line 2, column 9");
        assert_eq!(TextPlace::of(text, usize::MAX).line(), 3);
    }

    #[test]
    fn a_key_is_found_in_tables_and_lists() {
        let text = "x = 1\n[a]\nb = 2\n[[a.c]]\nd = \"e\"\n[[a.c]]\nd = \"f\"\ng = {h = 1}\n";
        let line =
            |key: &str, value: &str| place_of_key(text, key, value).map(|place| place.line());
        assert_eq!(line("x", "1"), Some(1));
        assert_eq!(line("a.b", "another"), Some(3));
        assert_eq!(line("a.c.d", "f"), Some(7));
        assert_eq!(line("a.c.d", "another"), Some(5));
        assert_eq!(line("a.c.g.h", "1"), Some(8));
        assert_eq!(line("a.nothing", "1"), None);
        assert_eq!(line("x.b", "1"), None);
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = ["horizon", "step_ms", "id", "unit"];
        assert_eq!(nearest("horizons", &known), Some("horizon"));
        assert_eq!(nearest("stepms", &known), Some("step_ms"));
        assert_eq!(nearest("ID", &known), None);
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
