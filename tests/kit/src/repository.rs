//! Where the sources are.

use std::path::{Path, PathBuf};

/// The root of the clone that these tests were built from.
pub fn repository_root() -> PathBuf {
    // This package is in tests/kit.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.unwrap().to_owned()
}
