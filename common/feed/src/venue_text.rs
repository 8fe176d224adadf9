//! What a venue wrote, fit to be shown, logged and kept: of bounded length, and without characters that steer a terminal.

use std::borrow::Cow;

/// Longest text of a venue that is quoted, in characters.
const MAX_QUOTED_CHARS: usize = 200;

/// A text of a venue as it is quoted: as it came where it is short and plain; else its beginning, with `�` for each
/// control character.
pub fn quoted(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_QUOTED_CHARS && !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().take(MAX_QUOTED_CHARS);
    let mut plain: String = shown
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(MAX_QUOTED_CHARS).is_some() {
        plain.push('…');
    }
    Cow::Owned(plain)
}

/// As [`quoted`], of a text that is owned or borrowed.
pub fn quoted_cow<'a>(text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    match text.into() {
        Cow::Borrowed(text) => quoted(text),
        Cow::Owned(text) => match quoted(&text) {
            Cow::Borrowed(_) => Cow::Owned(text),
            Cow::Owned(plain) => Cow::Owned(plain),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_plain_text_is_quoted_as_it_came() {
        for text in [
            "",
            "Invalid symbol.",
            "ungültig",
            "symbol: invalid tXXX (10300)",
        ] {
            assert!(matches!(quoted(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn a_long_text_is_cut_and_one_that_steers_terminals_is_made_plain() {
        let long = quoted_cow("é".repeat(1_000_000));
        assert_eq!(long.chars().count(), MAX_QUOTED_CHARS + 1);
        assert!(long.ends_with('…'));
        let steering = quoted("a\u{1b}[2Jb\nc\u{9b}d\u{7f}");
        assert_eq!(steering, "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}");
        assert_eq!(quoted_cow("x".repeat(200)), "x".repeat(200));
    }
}
