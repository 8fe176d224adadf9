//! Text of others, made fit to print: what a peer, a venue or a node wrote can neither steer a terminal nor forge a line of
//! a table or a log.

use std::borrow::Cow;

/// Characters that are printed of a text of others, unless said otherwise; longer ones end with `…`.
const MAX_CHARS: usize = 300;

/// The text on one line, without control and formatting characters and escape sequences, and not longer than 300 characters.
pub fn printable(text: &str) -> Cow<'_, str> {
    printable_up_to(text, MAX_CHARS)
}

/// [`printable`], with another limit.
pub fn printable_up_to(text: &str, max_chars: usize) -> Cow<'_, str> {
    let plain = |c: char| !c.is_control() && !is_invisible(c);
    if text.len() <= max_chars && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut printed = String::new();
    let mut count = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let shown = match c {
            '\u{1b}' => {
                let introducer = chars.next_if(|c| matches!(c, '[' | ']' | 'P' | 'X' | '^' | '_'));
                skip_sequence(&mut chars, introducer);
                continue;
            }
            '\u{9b}' => {
                skip_sequence(&mut chars, Some('['));
                continue;
            }
            // What ends a line or a cell becomes a space, so that words stay apart.
            '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
            c if plain(c) => c,
            _ => continue,
        };
        if count == max_chars {
            // The last character makes room, so that the limit holds.
            printed.pop();
            printed.push('…');
            break;
        }
        printed.push(shown);
        count += 1;
    }
    Cow::Owned(printed)
}

/// Skips the rest of an escape sequence: up to its final byte, and of a string (`ESC ]` and its like) up to the bell, a control
/// character that can't be in it, or its terminator.
fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, introducer: Option<char>) {
    match introducer {
        Some('[') => {
            while chars
                .next_if(|c| ('\u{20}'..='\u{3f}').contains(c))
                .is_some()
            {}
            chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
        }
        Some(_) => {
            while chars.next_if(|c| !c.is_control()).is_some() {}
            chars.next_if_eq(&'\u{7}');
        }
        None => {}
    }
}

/// Characters that show nothing and change how others show: directions, joiners, tags and their like (Unicode's Cf, and
/// line separators).
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed_as_it_is() {
        for text in ["", "scored", "BTC/USD – 5 % “ok” 価格 é", "a\\nb"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn nothing_steers_the_terminal() {
        for (foreign, expected) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[2J\u{1b}[1;1Hhome", "home"),
            ("\u{9b}31mred", "red"),
            ("\u{1b}]0;title\u{7}after", "after"),
            (
                "\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\",
                "\\link\\",
            ),
            ("\u{1b}Pq#0\u{1b}\\x", "\\x"),
            ("\u{1b}cfull reset", "cfull reset"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("a\r\nok  b", "a  ok  b"),
            ("a\tb\u{2028}c\u{85}d", "a b c d"),
            ("bell\u{7}back\u{8}null\0del\u{7f}", "bellbacknulldel"),
            ("\u{202e}lanosrep\u{202c}", "lanosrep"),
            ("\u{2066}a\u{2069}\u{200f}b\u{61c}", "ab"),
            ("zero\u{200b}width\u{feff}\u{e0041}", "zerowidth"),
        ] {
            assert_eq!(printable(foreign), expected, "{foreign:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_its_limit() {
        let cut = printable_up_to("123456", 5);
        assert_eq!(cut, "1234…");
        assert_eq!(printable_up_to("12345", 5), "12345");
        // Characters count, not bytes, and what isn't shown doesn't.
        assert_eq!(printable_up_to("ééééé", 5), "ééééé");
        assert_eq!(printable_up_to("\u{200b}12345\u{200b}\n", 6), "12345 ");
        assert_eq!(printable(&"x".repeat(5_000_000)).chars().count(), MAX_CHARS);
        assert_eq!(printable_up_to("12", 0), "…");
    }
}
