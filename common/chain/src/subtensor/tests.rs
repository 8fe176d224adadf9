//! Our calls against the metadata of real runtimes, which are not part of this repository.

mod answers;

use std::path::{Path, PathBuf};

use foretell_core::hotkey::Uid;
use foretell_core::testing::hotkey;
use foretell_core::testing::shared_file;
use subxt::client::OfflineClient;
use subxt::config::PolkadotConfig;
use subxt::config::polkadot::SpecVersionForRange;
use subxt::ext::scale_decode::DecodeAsType;
use subxt::ext::scale_value::{Composite, Value};
use subxt::utils::{AccountId32, H256};
use subxt::{ArcMetadata, Metadata};

use super::calls::{self, Call, WeightsCall};
use super::runtime::{Runtime, StorageKey};
use super::state::{account, number};
use super::{extrinsic, preflight, runtime_errors, subnet};
use crate::block::Block;
use crate::signer::Signer;

/// Spec versions, and the path of weights in the open and of those that are committed.
const RUNTIMES: [(u32, &str, WeightsCall, WeightsCall); 3] = [
    (
        293,
        "spec293_v14.scale",
        WeightsCall::Plain,
        WeightsCall::Crv3,
    ),
    (
        365,
        "spec365_v16.scale",
        WeightsCall::Mechanism,
        WeightsCall::TimelockedMechanism,
    ),
    (
        393,
        "spec393_v16.scale",
        WeightsCall::Mechanism,
        WeightsCall::TimelockedMechanism,
    ),
];

fn folder() -> Option<PathBuf> {
    shared_file("bittensor/metadata", "the metadata of real runtimes")
}

fn metadata(folder: &Path, file: &str) -> ArcMetadata {
    let bytes = std::fs::read(folder.join(file)).unwrap();
    Metadata::decode_from(&bytes).unwrap().arc()
}

/// The arguments of `call` after encoding and decoding by a runtime's metadata.
fn encoded_and_decoded(spec: u32, metadata: &ArcMetadata, call: &Call) -> Composite<()> {
    let config = PolkadotConfig::builder()
        .use_historic_types(false)
        .set_metadata_for_spec_versions([(spec, metadata.clone())])
        .set_spec_version_for_block_ranges([SpecVersionForRange {
            block_range: 0..u64::MAX,
            spec_version: spec,
            transaction_version: 1,
        }])
        .build();
    let client = OfflineClient::new_with_config(config)
        .at_block(1_u64)
        .unwrap();
    let bytes = client.tx().call_data(call).unwrap();
    let decoded = client.tx().from_call_data_bytes(&bytes).unwrap();
    assert_eq!(decoded.call_name(), call.call_name());
    decoded.call_data().clone()
}

fn argument(arguments: &Composite<()>, name: &str) -> String {
    let Composite::Named(fields) = arguments else {
        panic!("{arguments:?}");
    };
    let field = fields.iter().find(|(field, _)| field == name);
    let value: &Value<()> = &field.unwrap_or_else(|| panic!("no {name} in {fields:?}")).1;
    // Newtypes show as a composite of one.
    value.to_string().replace(['(', ')', ' '], "")
}

#[test]
fn our_calls_are_those_of_the_runtimes() {
    let Some(folder) = folder() else { return };
    for (spec, file, open, committed) in RUNTIMES {
        let metadata = metadata(&folder, file);
        assert_eq!(
            WeightsCall::from_metadata(&metadata, false),
            Some(open),
            "{spec}"
        );
        assert_eq!(
            WeightsCall::from_metadata(&metadata, true),
            Some(committed),
            "{spec}"
        );

        let call = calls::set_weights(open, 12, &[Uid(3), Uid(250)], &[65_535, 7], 1_080);
        let found = encoded_and_decoded(spec, &metadata, &call);
        assert_eq!(argument(&found, "netuid"), "12", "{spec}");
        assert_eq!(argument(&found, "dests"), "3,250", "{spec}");
        assert_eq!(argument(&found, "weights"), "65535,7", "{spec}");
        assert_eq!(argument(&found, "version_key"), "1080", "{spec}");

        let call = calls::commit_weights(committed, 12, &[1, 2, 3], 99);
        let found = encoded_and_decoded(spec, &metadata, &call);
        assert_eq!(argument(&found, "commit"), "1,2,3", "{spec}");
        assert_eq!(argument(&found, "reveal_round"), "99", "{spec}");

        let axon = "203.0.113.5:8091".parse().unwrap();
        let found = encoded_and_decoded(spec, &metadata, &calls::serve_axon(12, axon, 1));
        assert_eq!(
            argument(&found, "ip"),
            0xcb00_7105_u32.to_string(),
            "{spec}"
        );
        assert_eq!(argument(&found, "port"), "8091", "{spec}");
        assert_eq!(argument(&found, "ip_type"), "4", "{spec}");

        let call = calls::burned_register(12, &hotkey(7));
        let found = encoded_and_decoded(spec, &metadata, &call);
        assert_eq!(
            argument(&found, "hotkey").matches('7').count(),
            32,
            "{spec}"
        );
    }
}

/// Values as a runtime stores them: zeros, and lists of one.
const ZEROS: [u8; 600] = [0; 600];
const LIST: [u8; 600] = {
    let mut bytes = ZEROS;
    bytes[0] = 4;
    bytes
};

/// A flag that is set.
const TRUE: [u8; 1] = [1];

/// Checks that a storage key can be encoded and that what is stored there is read as a `T`.
fn read<T: DecodeAsType>(runtime: &Runtime, storage_key: &StorageKey) {
    read_each::<T>(runtime, storage_key, [&ZEROS, &LIST]);
}

/// The same of a flag, which is one of two bytes.
fn read_flag(runtime: &Runtime, storage_key: &StorageKey) {
    read_each::<bool>(runtime, storage_key, [&ZEROS[..1], &TRUE]);
}

fn read_each<T: DecodeAsType>(runtime: &Runtime, storage_key: &StorageKey, stored: [&[u8]; 2]) {
    let spec = runtime.spec_version();
    assert!(runtime.key(storage_key).unwrap().len() >= 32);
    for bytes in stored {
        let value = runtime.value::<T>(storage_key, Some(bytes));
        assert!(
            value.is_ok_and(|value| value.is_some()),
            "{spec}: {storage_key:?}"
        );
    }
}

#[test]
fn every_entry_that_we_read_is_there_and_of_the_type_that_we_read_it_as() {
    let Some(folder) = folder() else { return };
    for (spec, file, ..) in RUNTIMES {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let runtime = Runtime::new(spec, 1, H256::zero(), &bytes).unwrap();
        let own = hotkey(7);
        let of_subnet = |entry| StorageKey::new(entry, [number(12_u16)]);

        let storage_keys: [StorageKey; 9] = subnet::subnet_keys(12).try_into().unwrap();
        let [count, tempo, owner, permits, updates, storage_keys @ ..] = storage_keys;
        let [incentive, dividends, emission, tao_weight] = storage_keys;
        for storage_key in [&count, &tempo] {
            read::<u16>(&runtime, storage_key);
        }
        read::<AccountId32>(&runtime, &owner);
        read::<Vec<bool>>(&runtime, &permits);
        read::<u64>(&runtime, &tao_weight);
        for storage_key in [&updates, &emission] {
            read::<Vec<u64>>(&runtime, storage_key);
        }
        for storage_key in [&incentive, &dividends] {
            read::<Vec<u16>>(&runtime, storage_key);
        }

        let [coldkey, axon, alpha, root] = subnet::hotkey_keys(12, &own);
        read::<AccountId32>(&runtime, &coldkey);
        read::<subnet::AxonInfo>(&runtime, &axon);
        read::<u64>(&runtime, &alpha);
        read::<u64>(&runtime, &root);

        for entry in subnet::HYPERPARAMETER_ENTRIES {
            let storage_key = of_subnet(entry);
            match entry {
                "WeightsSetRateLimit"
                | "WeightsVersionKey"
                | "BondsMovingAverage"
                | "MinBurn"
                | "MaxBurn" => read::<u64>(&runtime, &storage_key),
                "Yuma3On" | "LiquidAlphaOn" => read_flag(&runtime, &storage_key),
                "AlphaValues" => read::<(u16, u16)>(&runtime, &storage_key),
                "AlphaSigmoidSteepness" => read::<i16>(&runtime, &storage_key),
                _ => read::<u16>(&runtime, &storage_key),
            }
        }
        read::<u64>(&runtime, &of_subnet("Burn"));
        for entry in subnet::PRICE_INTERVAL_ENTRIES {
            let storage_key = of_subnet(entry);
            match entry {
                "AdjustmentAlpha" => read::<u64>(&runtime, &storage_key),
                _ => read::<u16>(&runtime, &storage_key),
            }
        }
        for entry in preflight::WEIGHTS_ENTRIES {
            let storage_key = of_subnet(entry);
            match entry {
                "ValidatorPermit" => read::<Vec<bool>>(&runtime, &storage_key),
                "LastUpdate" => read::<Vec<u64>>(&runtime, &storage_key),
                "CommitRevealWeightsEnabled" => read_flag(&runtime, &storage_key),
                "WeightsSetRateLimit" | "WeightsVersionKey" | "RevealPeriodEpochs" => {
                    read::<u64>(&runtime, &storage_key);
                }
                _ => read::<u16>(&runtime, &storage_key),
            }
        }

        let uid = StorageKey::new("Uids", [number(12_u16), account(&own)]);
        read::<u16>(&runtime, &uid);
        let of_uid = |entry| StorageKey::new(entry, [number(12_u16), number(3_u16)]);
        read::<AccountId32>(&runtime, &of_uid("Keys"));
        for entry in ["Weights", "Bonds"] {
            read::<Vec<(u16, u16)>>(&runtime, &of_uid(entry));
        }
        read::<extrinsic::AccountInfo>(&runtime, &extrinsic::nonce_key(&own));
        read::<Vec<extrinsic::EventRecord>>(
            &runtime,
            &StorageKey::in_pallet("System", "Events", []),
        );
        // These recorded runtimes all count epochs by the block's number.
        assert!(!runtime.has("LastEpochBlock"), "{spec}");
        // And they move the price of a registration once an interval.
        assert!(!runtime.has("BurnHalfLife"), "{spec}");
    }
}

#[test]
fn errors_of_the_runtimes_become_advice() {
    let Some(folder) = folder() else { return };
    for (spec, file, ..) in RUNTIMES {
        let metadata = metadata(&folder, file);
        let pallet = metadata.pallet_by_name(calls::PALLET).unwrap();
        let errors = pallet.error_variants().unwrap();
        let permit = errors
            .iter()
            .find(|error| error.name == "NeuronNoValidatorPermit");
        let number = |value: u8| Value::u128(value.into());
        let error = Value::unnamed_variant(
            "Module",
            [Value::named_composite([
                ("index", number(pallet.error_index())),
                ("error", Value::from_bytes([permit.unwrap().index, 0, 0, 0])),
            ])],
        );
        let text = runtime_errors::from_dispatch_error(&error, &metadata).to_string();
        let expected = "NeuronNoValidatorPermit: the hotkey has no validator permit";
        assert!(text.starts_with(expected), "{spec}: {text}");
        let other = Value::unnamed_variant("BadOrigin", Vec::<Value<()>>::new());
        let text = runtime_errors::from_dispatch_error(&other, &metadata).to_string();
        assert!(text.contains("BadOrigin"), "{text}");
    }
}

#[test]
fn a_signed_extrinsic_is_valid_for_32_blocks_on_every_runtime() {
    let Some(folder) = folder() else { return };
    for (spec, file, open, _) in RUNTIMES {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let runtime = Runtime::new(spec, 1, H256::zero(), &bytes).unwrap();
        let call = calls::set_weights(open, 12, &[Uid(3)], &[65_535], 0);
        let signer = Signer::new(hotkey(7), |_| [9; 64]);
        let at = (Block::new(1_000), H256::repeat_byte(3));
        let signed = extrinsic::sign_offline(&runtime, at, &call, &signer, 5).unwrap();
        assert_eq!(
            (signed.nonce, signed.until),
            (5, Block::new(1_031)),
            "{spec}"
        );
        let text = serde_json::to_string(&signed).unwrap();
        assert_eq!(
            serde_json::from_str::<extrinsic::SignedExtrinsic>(&text).unwrap(),
            signed
        );
        // Account, signature and the era are in it: 32 blocks (log2 − 1 = 4) from phase 1000 mod 32 = 8.
        let body = hex::decode(&signed.encoded[2..]).unwrap();
        let position = body.windows(64).position(|part| part == [9; 64]).unwrap();
        assert_eq!(body[position - 33..position - 1], [7; 32], "{spec}");
        assert_eq!(
            body[position + 64..position + 66],
            [4 | (8 << 4), 0],
            "{spec}"
        );
    }
}

#[test]
fn both_forms_of_a_call_are_known_where_the_runtime_has_both() {
    let Some(folder) = folder() else { return };
    for (spec, file, ..) in &RUNTIMES[1..] {
        let metadata = metadata(&folder, file);
        for weights_call in [WeightsCall::Plain, WeightsCall::Mechanism] {
            encoded_and_decoded(
                *spec,
                &metadata,
                &calls::set_weights(weights_call, 1, &[], &[], 0),
            );
        }
        for weights_call in [WeightsCall::Timelocked, WeightsCall::TimelockedMechanism] {
            encoded_and_decoded(
                *spec,
                &metadata,
                &calls::commit_weights(weights_call, 1, &[], 5),
            );
        }
    }
}
