//! Which of our crates may import which: the picture in the design, as a table.

use std::collections::{BTreeMap, BTreeSet};

use foretell_testkit::cargo_tree;

use super::sources::WorkspaceCrate;

/// Each crate, and those that it may import, from the ground floor up: only crates above it in the table.
const MAY_IMPORT: [(&str, &str); 18] = [
    ("files", ""),
    ("kernels", ""),
    ("core", "kernels"),
    ("evaluation", "kernels core"),
    ("simulation", "core evaluation"),
    ("feed", "kernels core"),
    ("keys", "files core"),
    ("wire", "core keys"),
    ("chain", "files core keys"),
    ("data", "files core"),
    ("cli", "files core evaluation keys chain"),
    (
        "miner",
        "files kernels core evaluation feed keys wire chain data cli",
    ),
    (
        "service",
        "files core evaluation feed keys wire chain data cli",
    ),
    (
        "localnet",
        "files core evaluation feed keys wire chain data cli miner service",
    ),
    (
        "validator",
        "files core evaluation simulation feed keys wire chain data cli miner service localnet",
    ),
    ("testkit", "core feed keys chain data"),
    (
        "fuzz",
        "kernels core feed keys wire chain data cli miner service",
    ),
    // Imports everything, but only to test it.
    ("tests", ""),
];

/// What no miner in Rust has to build that stands on our crates core, keys and wire.
const NOT_FOR_MINERS: [&str; 4] = ["polars", "clap", "foretell-chain", "subxt"];

fn short_name(package: &str) -> &str {
    package.strip_prefix("foretell-").unwrap_or(package)
}

#[test]
fn every_crate_imports_only_what_the_design_lets_it() {
    let members = WorkspaceCrate::all();
    let members: BTreeMap<&str, &WorkspaceCrate> = members
        .iter()
        .map(|member| (short_name(&member.name), member))
        .collect();
    let named: BTreeSet<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        members.keys().copied().collect::<BTreeSet<_>>(),
        named,
        "the table has every member of the workspace, and nothing else"
    );
    let mut below: BTreeSet<&str> = BTreeSet::new();
    for (name, allowed) in MAY_IMPORT {
        let allowed: Vec<&str> = allowed.split_whitespace().collect();
        for import in &allowed {
            let stands_below = below.contains(import);
            assert!(stands_below, "{name} is above {import} in the table");
        }
        below.insert(name);
        let manifest = &members[name].manifest;
        let imports = manifest.get("dependencies").and_then(toml::Value::as_table);
        let imports = imports.into_iter().flat_map(toml::Table::keys);
        for import in imports.filter_map(|package| package.strip_prefix("foretell-")) {
            assert!(
                allowed.contains(&import),
                "{name} imports {import}, which the design doesn't let it: move what it needs to a crate that both may \
                 import, or change the design (docs and this table) first"
            );
        }
    }
}

#[test]
fn a_miner_in_rust_builds_neither_polars_nor_clap_nor_the_chain() {
    for package in ["foretell-core", "foretell-keys", "foretell-wire"] {
        let tree = cargo_tree(&[package], "normal");
        assert!(tree.contains(package), "{package} is not in {tree:#?}");
        for banned in NOT_FOR_MINERS {
            let found = tree.iter().find(|name| name.starts_with(banned));
            assert_eq!(
                found, None,
                "{package} depends on it: cargo tree -i {banned}"
            );
        }
    }
}
