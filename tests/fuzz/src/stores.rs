//! What the programs keep beside the journal: payloads, manifests, statuses, outcomes, models.

use std::path::Path;

use foretell_core::testing::btc_usd;
use foretell_miner::model_file::ModelFile;
use foretell_miner::serve::ReceivedOutcome;
use foretell_service::run::data_dir_manifest::DataDirManifest;
use foretell_service::run::status::ValidatorStatus;
use foretell_service::store::unpack_payload;

/// A payload as the store keeps it.
pub fn stored_payload(bytes: &[u8]) {
    let _ = unpack_payload(bytes);
}

/// What a data directory is bound to.
pub fn data_dir_manifest(bytes: &[u8]) {
    if let Some(manifest) = DataDirManifest::parse(bytes) {
        let printed = serde_json::to_vec(&manifest).expect("a manifest is JSON");
        assert!(DataDirManifest::parse(&printed).is_some());
    }
}

/// A running validator's status.
pub fn validator_status(bytes: &[u8]) {
    if let Ok(status) = serde_json::from_slice::<ValidatorStatus>(bytes) {
        let printed = serde_json::to_vec(&status).expect("a status is JSON");
        let again: ValidatorStatus =
            serde_json::from_slice(&printed).expect("our own status is one");
        assert_eq!(again, status);
    }
}

/// Outcomes that a miner received, one a line.
pub fn received_outcomes(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Ok(received) = serde_json::from_slice::<ReceivedOutcome>(line) {
            let printed = serde_json::to_vec(&received).expect("an outcome is JSON");
            let again: ReceivedOutcome =
                serde_json::from_slice(&printed).expect("our own outcome is one");
            assert_eq!(again, received);
        }
    }
}

/// A fitted model's file, and what it restores.
pub fn model_file(bytes: &[u8]) {
    let path = Path::new("model.json");
    if let Ok(file) = ModelFile::parse(path, bytes) {
        let _ = file.restore(path, &btc_usd(100));
    }
}
