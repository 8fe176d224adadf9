//! One program for all targets: the environment variable `TARGET` names the one that libFuzzer drives.
#![no_main]

use std::sync::OnceLock;

use foretell_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    let target = CHOSEN.get_or_init(|| {
        let wanted = std::env::var("TARGET").unwrap_or_default();
        let found = TARGETS.iter().find(|(name, _)| *name == wanted);
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        found.map_or_else(
            || panic!("TARGET={wanted:?} is none of {names:?}"),
            |(_, run)| *run,
        )
    });
    target(bytes);
});
