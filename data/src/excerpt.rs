//! Text out of a file, as messages show it: one line, no control characters, not long.

/// Most characters that a message shows of one cell or name.
const MAX_CHARS: usize = 60;
/// Most names that a message lists.
const MAX_NAMES: usize = 20;

/// The text without what a terminal would act on; cut where it is long.
pub(crate) fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_CHARS).map(visible).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// Names of columns, as a list in a message.
pub(crate) fn name_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut shown: Vec<String> = names.by_ref().take(MAX_NAMES).map(excerpt).collect();
    match names.count() {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    shown.join(", ")
}

/// Whether a character is drawn, and where it stands: no control character, and none that hides or reorders others.
pub(crate) fn is_visible(character: char) -> bool {
    let hides = matches!(character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !character.is_control() && !hides
}

fn visible(character: char) -> char {
    if is_visible(character) {
        character
    } else {
        '\u{fffd}'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_not_shown() {
        assert_eq!(
            excerpt("a\u{1b}[2Jb\n\u{202e}c"),
            "a\u{fffd}[2Jb\u{fffd}\u{fffd}c"
        );
        assert_eq!(excerpt(&"x".repeat(60)), "x".repeat(60));
        assert_eq!(excerpt(&"x".repeat(61)), "x".repeat(60) + "…");
    }

    #[test]
    fn long_lists_are_counted() {
        let names = vec!["v"; 25];
        assert!(name_list(names).ends_with("v, v, and 5 more"));
        assert_eq!(name_list(["a", "b"]), "a, b");
    }
}
