//! What must not creep into the dependency tree: each has broken a build or a connection somewhere.

use std::path::Path;

/// The lock file's package names, with repetitions.
fn packages() -> Vec<String> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let text = std::fs::read_to_string(lock).unwrap();
    let names = text.lines().filter_map(|line| {
        let name = line.strip_prefix("name = \"")?.strip_suffix('"')?;
        Some(name.to_owned())
    });
    names.collect()
}

#[test]
fn there_is_one_tls_stack_and_one_http_client() {
    let packages = packages();
    let count = |name: &str| packages.iter().filter(|package| *package == name).count();
    // A second provider makes rustls refuse to choose at the first connection.
    for banned in ["openssl-sys", "native-tls", "aws-lc-sys", "object_store"] {
        assert_eq!(count(banned), 0, "{banned} is in Cargo.lock");
    }
    for single in ["reqwest", "rustls", "ring"] {
        assert_eq!(
            count(single),
            1,
            "{single} is not exactly once in Cargo.lock"
        );
    }
}
