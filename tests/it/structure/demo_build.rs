//! How much a newcomer waits for: the crates that `make demo` builds before it runs.

use foretell_testkit::cargo_tree;

/// Crates of others in that build. Lower it whenever there are fewer.
const MAX_CRATES: usize = 360;

#[test]
fn make_demo_builds_no_more_crates_than_before() {
    let tree = cargo_tree(&["foretell-validator", "foretell-miner"], "normal,build");
    let of_others = tree.iter().filter(|name| !name.starts_with("foretell-"));
    let count = of_others.count();
    assert!(
        count <= MAX_CRATES,
        "`make demo` builds {count} crates of others, {MAX_CRATES} are allowed: do without the new one, switch off its \
         features, or put it behind a feature that the demo doesn't have. If it is worth the minutes that everybody waits for \
         it, raise MAX_CRATES and say why in the commit"
    );
}
