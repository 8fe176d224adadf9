//! What the chain's side gives: the local ledger's file, signed weights, a node's answers.

use std::path::Path;

use foretell_chain::signed_weights::SignedWeights;

/// The local ledger's file; what it holds has as many neurons as the bytes have room for.
pub fn ledger_file(bytes: &[u8]) {
    if let Ok(ledger) = foretell_chain::ledger_file::parse(Path::new("ledger.json"), bytes) {
        assert!(ledger.metagraph().neurons.len() <= bytes.len());
    }
}

/// Weights as the journal keeps them for the local ledger.
pub fn signed_weights(bytes: &[u8]) {
    if let Ok(weights) = serde_json::from_slice::<SignedWeights>(bytes) {
        let printed = serde_json::to_vec(&weights).expect("weights are JSON");
        let again: SignedWeights =
            serde_json::from_slice(&printed).expect("our own weights are some");
        assert_eq!((again.hash(), &again), (weights.hash(), &weights));
        let _ = weights.is_authentic();
    }
}

#[cfg(feature = "subtensor")]
pub use real::{chain_storage, signed_extrinsic};

#[cfg(feature = "subtensor")]
mod real {
    use std::sync::OnceLock;

    use foretell_chain::subtensor::runtime::{Runtime, StorageKey};
    use foretell_chain::subtensor::state::{bytes_of, hex_of};
    use foretell_chain::subtensor::{AxonInfo, SignedExtrinsic};
    use foretell_core::testing::shared_file;
    use subxt::utils::{AccountId32, H256};

    /// A spec version, and its metadata among the recorded data.
    const SPEC: (u32, &str) = (393, "bittensor/metadata/spec393_v16.scale");

    /// An extrinsic as the journal keeps it.
    pub fn signed_extrinsic(bytes: &[u8]) {
        if let Ok(signed) = serde_json::from_slice::<SignedExtrinsic>(bytes) {
            let printed = serde_json::to_vec(&signed).expect("an extrinsic is JSON");
            let again: SignedExtrinsic =
                serde_json::from_slice(&printed).expect("our own extrinsic is one");
            assert_eq!((again.hash(), &again), (signed.hash(), &signed));
        }
    }

    /// Values of storage in SCALE, by the types of a real runtime; and a node's hex. Where there are no recorded metadata, the
    /// hex alone.
    pub fn chain_storage(bytes: &[u8]) {
        if let Some(found) = crate::text(bytes).and_then(bytes_of) {
            assert_eq!(bytes_of(&hex_of(&found)), Some(found));
        }
        static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
        let runtime = RUNTIME.get_or_init(|| {
            let (spec, path) = SPEC;
            let metadata = shared_file(path, "the values of a real runtime")?;
            let metadata = std::fs::read(metadata).expect("the metadata can be read");
            Some(Runtime::new(spec, 1, H256::zero(), &metadata).expect("they are metadata"))
        });
        let Some(runtime) = runtime else {
            return;
        };
        macro_rules! decode {
            ($($kind:ty: $($entry:literal)*;)*) => {$($(
                let key = StorageKey::new($entry, []);
                let _ = runtime.value::<$kind>(&key, Some(bytes));
            )*)*};
        }
        decode! {
            u16: "SubnetworkN" "Tempo";
            u64: "TotalHotkeyAlpha" "TaoWeight" "WeightsVersionKey" "Burn";
            AccountId32: "SubnetOwnerHotkey" "Keys" "Owner";
            Vec<bool>: "ValidatorPermit";
            Vec<u16>: "Incentive" "Dividends";
            Vec<u64>: "LastUpdate" "Emission";
            Vec<(u16, u16)>: "Weights";
            (u16, u16): "AlphaValues";
        }
        let axon = runtime.value::<AxonInfo>(&StorageKey::new("Axons", []), Some(bytes));
        if let Ok(Some(axon)) = axon
            && let Some(address) = axon.address()
        {
            assert!(address.port() != 0 && !address.ip().is_unspecified());
        }
    }
}
