//! The pages in words name what there is: files that exist, and types that are declared.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use foretell_testkit::repository_root;

use super::public_types::public_type;
use super::sources::WorkspaceCrate;

/// Pages whose names in code must be types of the workspace.
const PAGES_OF_TYPES: [&str; 3] = [
    "docs/glossary.md",
    "docs/architecture.md",
    "CONTRIBUTING.md",
];

/// Every page of the repository, by its path from the root.
fn pages(root: &Path) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "*.md",
        ])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(listed.status.success(), "git can't list the pages");
    let text = String::from_utf8(listed.stdout).unwrap();
    let pages = text.lines().map(PathBuf::from);
    pages.filter(|page| root.join(page).exists()).collect()
}

/// What stands between `open` and `close`, wherever it does in the text.
fn between<'a>(text: &'a str, open: &str, close: char) -> Vec<&'a str> {
    let parts = text.split(open).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(close)?.0))
        .collect()
}

#[test]
fn every_link_leads_to_a_file() {
    let root = repository_root();
    let (mut dead, mut count) = (Vec::new(), 0);
    for page in pages(&root) {
        let text = fs::read_to_string(root.join(&page)).unwrap();
        for link in between(&text, "](", ')') {
            let file = link.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") || file.contains(' ') {
                continue;
            }
            count += 1;
            if !root.join(&page).with_file_name(file).exists() {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(count > 50, "only {count} links were found");
    assert!(dead.is_empty(), "links to nothing: {dead:#?}");
}

#[test]
fn every_type_that_a_page_names_is_declared() {
    let root = repository_root();
    let mut declared = BTreeSet::new();
    for member in WorkspaceCrate::all() {
        for tree in member.module_trees() {
            for file in tree.values() {
                let types = file.lines.iter().filter_map(|line| public_type(line));
                declared.extend(types.map(str::to_owned));
            }
        }
    }
    let (mut unknown, mut count) = (Vec::new(), 0);
    for page in PAGES_OF_TYPES {
        let text = fs::read_to_string(root.join(page)).unwrap();
        // Every second part of a line stands in backticks.
        let code = text
            .lines()
            .flat_map(|line| line.split('`').skip(1).step_by(2));
        for name in code.filter_map(|code| code.split("::").next()) {
            let mut letters = name.chars();
            let is_type = letters.next().is_some_and(char::is_uppercase)
                && letters.next().is_some_and(char::is_lowercase)
                && name.chars().all(char::is_alphanumeric);
            if is_type {
                count += 1;
                if !declared.contains(name) {
                    unknown.push(format!("{page}: {name}"));
                }
            }
        }
    }
    assert!(count > 100, "only {count} names were found");
    assert!(unknown.is_empty(), "no such public type: {unknown:#?}");
}
