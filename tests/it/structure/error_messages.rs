//! An error says its cause itself or has it as its source, never both: who prints a chain of errors would say it twice.

use std::collections::BTreeMap;

use super::sources::WorkspaceCrate;

/// The attribute `#[error(…)]` at the beginning of `text`, and what follows up to the next one or the type's end.
fn split_variant(text: &str) -> Option<(&str, &str)> {
    let end = text.find(")]")?;
    let (message, rest) = text.split_at(end);
    let next = rest.find("#[error(").unwrap_or(rest.len());
    let type_end = rest.find("\n}\n").unwrap_or(rest.len());
    Some((message, &rest[..next.min(type_end)]))
}

/// The names of the fields that thiserror takes for a variant's source, and says again as such; `0` in a tuple.
fn sources(variant: &str) -> Vec<String> {
    let mut names = Vec::new();
    if variant.contains("\n        source: ") || variant.contains("\n    pub source: ") {
        names.push("source".to_owned());
    }
    for attribute in ["#[from]", "#[source]"] {
        for (_, marked) in variant
            .match_indices(attribute)
            .filter_map(|(at, _)| variant.split_at_checked(at))
        {
            let field = marked.trim_start_matches(attribute).trim_start();
            let field = field.strip_prefix("pub ").unwrap_or(field);
            let name: String = field
                .chars()
                .take_while(|c| *c == '_' || c.is_alphanumeric())
                .collect();
            let named = field[name.len()..].starts_with(": ");
            names.push(if named { name } else { "0".to_owned() });
        }
    }
    names
}

/// The errors of a source text whose message holds their source.
fn said_twice(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("#[error(") {
        let Some((message, variant)) = split_variant(&text[at..]) else {
            continue;
        };
        let shows = |name: &String| {
            let name = if name == "0" { "0" } else { name.as_str() };
            [
                format!("{{{name}}}"),
                format!("{{_{name}}}"),
                format!(".{name}"),
            ]
            .iter()
            .any(|shown| message.contains(shown))
        };
        if sources(variant).iter().any(shows) {
            found.push(message.to_owned());
        }
    }
    found
}

#[test]
fn no_error_says_its_source_twice() {
    let mut twice: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut errors = 0;
    for member in WorkspaceCrate::all() {
        for file in member.module_trees().iter().flat_map(BTreeMap::values) {
            let text = file.lines.join("\n") + "\n";
            errors += text.matches("#[error(").count();
            let found = said_twice(&text);
            if !found.is_empty() {
                twice.insert(format!("{} {}", member.name, file.path), found);
            }
        }
    }
    assert!(errors > 100, "only {errors} errors were found");
    assert!(
        twice.is_empty(),
        "errors that say their source twice: leave it out of the text, or don't make it their source\n{twice:#?}"
    );
}

#[test]
fn what_is_said_twice_is_found() {
    let text = |message: &str, body: &str| {
        format!("enum E {{\n    #[error({message})]\n    A{body},\n}}\n")
    };
    for (message, body, twice) in [
        ("\"a: {0}\"", "(#[from] B)", true),
        ("\"a: {}\", .0", "(#[source] B)", true),
        ("\"a\"", "(#[from] B)", false),
        ("transparent", "(#[from] B)", false),
        ("\"a: {0}\"", "(B)", false),
        ("\"a: {source}\"", " {\n        source: B,\n    }", true),
        ("\"a\"", " {\n        source: B,\n    }", false),
        (
            "\"a: {why}\"",
            " {\n        #[source]\n        why: B,\n    }",
            true,
        ),
        ("\"a: {why}\"", " {\n        why: B,\n    }", false),
    ] {
        assert_eq!(
            !said_twice(&text(message, body)).is_empty(),
            twice,
            "{message} {body}"
        );
    }
}
