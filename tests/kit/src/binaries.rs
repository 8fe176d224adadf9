//! The programs under test: built beside this one.

use std::path::{Path, PathBuf};

/// The path of the program `validator`.
pub fn validator_binary() -> PathBuf {
    built("validator")
}

/// The path of the program `miner`.
pub fn miner_binary() -> PathBuf {
    built("miner")
}

fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    // target/<profile>/deps/it-… stands one folder below the programs.
    let folder = own.parent().and_then(Path::parent).unwrap();
    let program = folder.join(name);
    assert!(
        program.exists(),
        "no program {}: run `make test`, which builds it first",
        program.display()
    );
    program
}
