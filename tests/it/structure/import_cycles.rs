//! The files of a crate can be read one after another, each after those that it imports from.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::sources::{ModuleTree, SourceFile, WorkspaceCrate, without_visibility};

/// The files that each file imports from, by path.
type FileImports<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The paths in the `use` declarations of a file, re-exports included, as segments.
fn used_paths(file: &SourceFile) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut lines = file.lines.iter();
    while let Some(line) = lines.next() {
        let Some(first) = without_visibility(line).strip_prefix("use ") else {
            continue;
        };
        let mut declaration = first.to_owned();
        while !declaration.ends_with(';') {
            declaration += lines.next().unwrap().trim_start();
        }
        expand(&[], declaration.trim_end_matches(';'), &mut paths);
    }
    paths
}

/// Adds the paths of a tree of imports, such as `a::{b, c::{self, d}}`.
fn expand(prefix: &[String], tree: &str, paths: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let (path, inner) = match tree.split_once('{') {
        Some((path, inner)) => (path, inner.strip_suffix('}')),
        None => (tree.split(" as ").next().unwrap_or(tree), None),
    };
    let segments = path.split("::").filter(|segment| !segment.is_empty());
    let path: Vec<String> = prefix
        .iter()
        .cloned()
        .chain(segments.map(str::to_owned))
        .collect();
    let Some(inner) = inner else {
        paths.push(path);
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (at, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&path, &inner[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        expand(&path, &inner[start..], paths);
    }
}

/// The file of our own that a path leads to: that of the longest module in it. `None` for other crates' paths.
fn imported_file<'a>(tree: &'a ModuleTree, module: &[String], path: &[String]) -> Option<&'a str> {
    let mut base = module;
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (base, rest) = (&[], &path[1..]),
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|segment| segment == "super") {
                (base, rest) = (base.split_last()?.1, &rest[1..]);
            }
        }
        child => {
            // A module declared here, or another crate.
            tree.get(&[base, &[child.to_owned()]].concat())?;
        }
    }
    let full = [base, rest].concat();
    let modules = (0..=full.len()).rev().map(|length| &full[..length]);
    let file = modules.into_iter().find_map(|module| tree.get(module))?;
    Some(&file.path)
}

fn file_imports(tree: &ModuleTree) -> FileImports<'_> {
    let files = tree.iter().map(|(module, file)| {
        let paths = used_paths(file);
        let imported = paths
            .iter()
            .filter_map(|path| imported_file(tree, module, path));
        let own = file.path.as_str();
        (own, imported.filter(|path| *path != own).collect())
    });
    files.collect()
}

/// A shortest way from a file over its imports back to itself.
fn cycle_of<'a>(imports: &FileImports<'a>, file: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![file]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in &imports[way.last()?] {
            let longer = [&way[..], &[*next]].concat();
            if *next == file {
                return Some(longer);
            }
            if seen.insert(*next) {
                ways.push_back(longer);
            }
        }
    }
    None
}

#[test]
fn no_file_imports_from_itself_by_way_of_others() {
    let (mut cycles, mut import_count) = (Vec::new(), 0);
    for member in WorkspaceCrate::all() {
        for tree in member.module_trees() {
            let imports = file_imports(&tree);
            import_count += imports.values().map(BTreeSet::len).sum::<usize>();
            let mut reported = BTreeSet::new();
            for file in imports.keys() {
                let cycle = cycle_of(&imports, file).filter(|_| !reported.contains(file));
                if let Some(cycle) = cycle {
                    cycles.push(format!("{}: {}", member.name, cycle.join(" -> ")));
                    reported.extend(cycle);
                }
            }
        }
    }
    assert!(import_count > 500, "only {import_count} imports were found");
    assert!(
        cycles.is_empty(),
        "files that import from each other: move what both need to a file of its own\n{cycles:#?}"
    );
}
