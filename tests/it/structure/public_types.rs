//! One name, one type: in the whole workspace, so that a name can be searched for.

use std::collections::BTreeMap;

use super::sources::{WorkspaceCrate, without_visibility};

/// The name of the type or trait that a line declares for others than its own module.
pub(super) fn public_type(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let declared = without_visibility(line);
    if declared.len() == line.len() {
        return None;
    }
    let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
    let rest = kinds.iter().find_map(|kind| {
        declared
            .strip_prefix("unsafe ")
            .unwrap_or(declared)
            .strip_prefix(kind)
    })?;
    let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
    // A macro's `$name` is no name.
    Some(&rest[..end.unwrap_or(rest.len())]).filter(|name| !name.is_empty())
}

#[test]
fn no_two_public_types_have_one_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for member in WorkspaceCrate::all() {
        for file in member.module_trees().iter().flat_map(BTreeMap::values) {
            for name in file.lines.iter().filter_map(|line| public_type(line)) {
                let place = format!("{} {}", member.name, file.path);
                places.entry(name.to_owned()).or_default().push(place);
            }
        }
    }
    assert!(places.len() > 300, "only {} types were found", places.len());
    places.retain(|_, places| places.len() > 1);
    assert!(
        places.is_empty(),
        "types of one name: rename one of each pair by what makes it different\n{places:#?}"
    );
}
