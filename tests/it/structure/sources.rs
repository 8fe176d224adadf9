//! The workspace's crates and their modules, read line by line. The sources are formatted by rustfmt, so lines are enough.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use foretell_testkit::repository_root;

/// A member of the workspace.
pub struct WorkspaceCrate {
    pub name: String,
    pub manifest: toml::Table,
    folder: PathBuf,
}

/// A module that has a file of its own.
pub struct SourceFile {
    /// Relative to the crate's `src`.
    pub path: String,
    /// Its lines without what is `#[cfg(test)]`, comments included.
    pub lines: Vec<String>,
}

/// The modules below one root, a library's or a program's, by their paths from it. Those of tests are left out.
pub type ModuleTree = BTreeMap<Vec<String>, SourceFile>;

impl WorkspaceCrate {
    /// All members, in the order of the workspace's `Cargo.toml`.
    pub fn all() -> Vec<Self> {
        let root = repository_root();
        let workspace = read_manifest(&root);
        let members = workspace["workspace"]["members"].as_array().unwrap();
        let members = members.iter().map(|member| {
            let folder = root.join(member.as_str().unwrap());
            let manifest = read_manifest(&folder);
            Self {
                name: manifest["package"]["name"].as_str().unwrap().to_owned(),
                manifest,
                folder,
            }
        });
        members.collect()
    }

    /// The library's modules and the program's, as far as there are such.
    pub fn module_trees(&self) -> Vec<ModuleTree> {
        let src = self.folder.join("src");
        let roots = ["lib.rs", "main.rs"].map(|root| src.join(root));
        let roots = roots.iter().filter(|root| root.exists());
        let trees = roots.map(|root| {
            let mut tree = ModuleTree::new();
            add_module(&mut tree, &src, root, Vec::new());
            tree
        });
        trees.collect()
    }
}

fn read_manifest(folder: &Path) -> toml::Table {
    let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    text.parse().unwrap()
}

/// Adds the module of this file, and those that it declares.
fn add_module(tree: &mut ModuleTree, src: &Path, file: &Path, module: Vec<String>) {
    let lines = without_tests(&fs::read_to_string(file).unwrap());
    for child in lines.iter().filter_map(|line| declared_module(line)) {
        let child_module = [&module[..], &[child.to_owned()]].concat();
        let folder = src.join(child_module.join("/"));
        let file = Some(folder.with_extension("rs")).filter(|file| file.exists());
        let file = file.unwrap_or_else(|| folder.join("mod.rs"));
        add_module(tree, src, &file, child_module);
    }
    let path = file.strip_prefix(src).unwrap().display().to_string();
    tree.insert(module, SourceFile { path, lines });
}

/// The name in `mod name;`.
fn declared_module(line: &str) -> Option<&str> {
    without_visibility(line)
        .strip_prefix("mod ")?
        .strip_suffix(';')
}

/// A line without its indentation and without `pub` or `pub(…)`.
pub fn without_visibility(line: &str) -> &str {
    let line = line.trim_start();
    let Some(rest) = line.strip_prefix("pub") else {
        return line;
    };
    if let Some(rest) = rest.strip_prefix(' ') {
        return rest;
    }
    let within = rest
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") "));
    within.map_or(line, |(_, rest)| rest)
}

/// The lines without the items that only tests have.
fn without_tests(text: &str) -> Vec<String> {
    let mut kept = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start() != "#[cfg(test)]" {
            kept.push(line.to_owned());
            continue;
        }
        let indentation = &line[..line.len() - line.trim_start().len()];
        let mut is_first = true;
        for line in lines.by_ref() {
            if line.trim_start().starts_with("#[") {
                continue;
            }
            // An item on one line, or the line that closes it.
            let item = line.strip_prefix(indentation).unwrap_or_default();
            let is_whole = is_first && (item.ends_with(';') || item.ends_with('}'));
            if is_whole || item.starts_with('}') {
                break;
            }
            is_first = false;
        }
    }
    kept
}
