//! Recorded data, which lies in `shared` beside the clone and is no part of the project.

use std::fs;

pub use foretell_core::testing::shared_file;

use super::fake_node::RuntimeSpec;

/// The subtensor runtime of spec version 293 or 393 for a fake node. `None`, and a word about the skipped
/// test, without its metadata.
pub fn shared_runtime(version: u32) -> Option<RuntimeSpec> {
    let metadata_version = match version {
        293 => 14,
        393 => 16,
        other => panic!("no metadata of spec {other} was recorded"),
    };
    let file = format!("bittensor/metadata/spec{version}_v{metadata_version}.scale");
    let file = shared_file(&file, "what takes a node of the chain")?;
    Some(RuntimeSpec {
        version,
        metadata: fs::read(file).unwrap(),
    })
}
