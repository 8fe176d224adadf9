//! Errors of the runtime and of the transaction pool as refusals that say what to do.

use foretell_core::error_kind::ErrorKind;
use subxt::Metadata;
use subxt::dynamic::{At, Value};

use super::connection::NodeError;
use crate::refusal::ChainRefusal;

/// The pool's refusals by number (`common/src/transaction_error.rs` of subtensor).
const CUSTOM_ERRORS: [(u8, &str); 14] = [
    (0, "ColdkeyInSwapSchedule"),
    (1, "NotEnoughStakeToSetWeights"),
    (2, "NotEnoughBalanceToStake"),
    (3, "SubnetNotExists"),
    (4, "HotKeyAccountNotExists"),
    (6, "SettingWeightsTooFast"),
    (10, "HotKeyNotRegisteredInSubNet"),
    (11, "InvalidIpAddress"),
    (12, "ServingRateLimitExceeded"),
    (13, "InvalidPort"),
    (15, "InvalidRevealRound"),
    (16, "NoWeightsCommitFound"),
    (18, "InputLengthsUnequal"),
    (19, "HotKeyNotRegisteredInSubNet"),
];

/// What to do about the runtime's error of this name; `None` for names that aren't listed.
fn advice(name: &str) -> Option<&'static str> {
    Some(match name {
        "HotKeyNotRegisteredInSubNet" | "HotKeyNotRegisteredInNetwork" => {
            "the hotkey has no uid on this subnet: register it"
        }
        "HotKeyAccountNotExists" => "the chain doesn't know the hotkey: register it",
        "SubnetNotExists" | "MechanismDoesNotExist" | "SubNetworkDoesNotExist" => {
            "there is no such subnet on this network: check --netuid"
        }
        "NotEnoughStakeToSetWeights" => {
            "the hotkey has less stake than validating takes: stake more on it"
        }
        "NeuronNoValidatorPermit" => {
            "the hotkey has no validator permit: it needs one of the largest stakes when an epoch ends"
        }
        "SettingWeightsTooFast" | "CommittingWeightsTooFast" => {
            "weights were set too recently: wait for the subnet's rate limit"
        }
        "CommitRevealEnabled" => "this subnet wants weights committed, not set in the open",
        "CommitRevealDisabled" => "this subnet wants weights set in the open, not committed",
        "IncorrectWeightVersionKey" => "the subnet asks for weights of a newer program: upgrade",
        "IncorrectCommitRevealVersion" => {
            "the chain asks for another version of commitments: upgrade"
        }
        "TooManyUnrevealedCommits" => {
            "ten commitments wait to be revealed: wait for the next epoch"
        }
        "WeightVecLengthIsLow" => "the subnet asks for more weights than were given",
        "WeightVecNotEqualSize" | "InputLengthsUnequal" => "give one weight for each uid",
        "DuplicateUids" => "name each uid once",
        "UidVecContainInvalidOne" | "UidsLengthExceedUidsInSubNet" => {
            "a uid is not on the subnet: map hotkeys to uids again"
        }
        "MaxWeightExceeded" => "one weight is larger than the subnet allows",
        "NotEnoughBalanceToStake" | "NotEnoughBalanceToPaySubnetRegistration" => {
            "the coldkey's balance is too small: send it TAO"
        }
        "TooManyRegistrationsThisBlock" | "TooManyRegistrationsThisInterval" => {
            "too many registrations at once: try again in an hour"
        }
        "SubNetRegistrationDisabled" | "RegistrationNotPermittedOnRootSubnet" => {
            "this subnet takes no registrations now"
        }
        "HotKeyAlreadyRegisteredInSubNet" => "the hotkey has a uid already",
        "NonAssociatedColdKey" => "the hotkey belongs to another coldkey",
        "InvalidIpAddress" | "InvalidIpType" => {
            "the address can't be an axon: give the public one under which others reach this machine"
        }
        "InvalidPort" => {
            "port 0 can't be an axon: give the port under which others reach this machine"
        }
        "ServingRateLimitExceeded" => {
            "the axon was published too recently: wait 50 blocks (10 min)"
        }
        "NetworkTxRateLimitExceeded" | "TxRateLimitExceeded" => "too soon after the last one: wait",
        "ColdkeyInSwapSchedule" => "the coldkey is about to be swapped: it can do nothing else",
        "InvalidRevealRound" => "the drand round is over: is this machine's clock right?",
        _ => return None,
    })
}

/// The refusal for an error's name, with `otherwise` as its text where there is no advice.
pub fn refusal_by_name(name: &str, otherwise: impl Into<String>) -> ChainRefusal {
    let message = advice(name).map_or_else(|| otherwise.into(), str::to_owned);
    refusal(name, message, kind_by_name(name))
}

fn refusal(name: &str, message: impl Into<String>, kind: ErrorKind) -> ChainRefusal {
    ChainRefusal::Runtime {
        name: name.to_owned(),
        message: message.into(),
        kind,
    }
}

/// Whether the runtime may take the same later: only its limits on how often are lifted by time.
fn kind_by_name(name: &str) -> ErrorKind {
    match name {
        "SettingWeightsTooFast"
        | "CommittingWeightsTooFast"
        | "TooManyUnrevealedCommits"
        | "TooManyRegistrationsThisBlock"
        | "TooManyRegistrationsThisInterval"
        | "ServingRateLimitExceeded"
        | "NetworkTxRateLimitExceeded"
        | "TxRateLimitExceeded" => ErrorKind::Transient,
        _ => ErrorKind::Permanent,
    }
}

/// The refusal for the runtime's `DispatchError` of an extrinsic in a block.
pub fn from_dispatch_error(error: &Value<()>, metadata: &Metadata) -> ChainRefusal {
    let unnamed = || refusal_by_name("DispatchError", error.to_string());
    let number = |value: Option<&Value<()>>| -> Option<u8> {
        let value = value?;
        let inner = value.as_u128().or_else(|| value.at(0)?.as_u128())?;
        inner.try_into().ok()
    };
    let module = error.at(0).filter(|_| error.at("index").is_none());
    let module = module.unwrap_or(error);
    let (Some(pallet), Some(index)) = (number(module.at("index")), number(module.at("error")))
    else {
        return unnamed();
    };
    let pallet = metadata.pallet_by_error_index(pallet);
    match pallet.and_then(|pallet| pallet.error_variant_by_index(index)) {
        Some(variant) => refusal_by_name(&variant.name, variant.docs.join(" ").trim()),
        None => unnamed(),
    }
}

/// What the pool's error to a sent transaction means: refused, or a failure of the node. `Ok` where the pool has it
/// already, or knows that a block holds it.
pub fn from_pool_error(error: NodeError) -> Result<(), TransactionPoolError> {
    let NodeError::Rejected { message, code, .. } = &error else {
        return Err(error.into());
    };
    let known = [
        "already imported",
        "temporarily banned",
        "is outdated",
        "Stale",
        "too low priority",
        "Priority is too low",
    ];
    if matches!(code, 1012..=1014) || known.iter().any(|words| message.contains(words)) {
        return Ok(());
    }
    let digits = |text: &str| -> Option<u8> {
        let text = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        let end = text.find(|c: char| !c.is_ascii_digit());
        text[..end.unwrap_or(text.len())].parse().ok()
    };
    let custom = message
        .split_once("ustom")
        .and_then(|(_, rest)| digits(rest));
    if let Some(number) = custom {
        let found = CUSTOM_ERRORS.iter().find(|(code, _)| *code == number);
        let name = found.map_or("InvalidTransaction", |(_, name)| name);
        return Err(TransactionPoolError::Refused(refusal_by_name(
            name,
            message.clone(),
        )));
    }
    let other_runtime = "the signature doesn't fit this chain's runtime: it is signed again";
    for (words, advice, kind) in [
        (
            "ayment",
            "the account can't pay the fee: send it TAO",
            ErrorKind::Permanent,
        ),
        ("BadProof", other_runtime, ErrorKind::Transient),
        ("bad signature", other_runtime, ErrorKind::Transient),
        (
            "AncientBirthBlock",
            "it is too old: it is signed again",
            ErrorKind::Transient,
        ),
        (
            "Future",
            "an earlier transaction of this account is missing: wait",
            ErrorKind::Transient,
        ),
    ] {
        if message.contains(words) {
            let refused = refusal("InvalidTransaction", advice, kind);
            return Err(TransactionPoolError::Refused(refused));
        }
    }
    Err(error.into())
}

/// Why the pool doesn't take a transaction.
#[derive(Debug)]
pub enum TransactionPoolError {
    /// The pool refuses the transaction.
    Refused(ChainRefusal),
    /// The node's answer doesn't say; it can't be reached, or failed.
    Node(NodeError),
}

impl From<NodeError> for TransactionPoolError {
    fn from(error: NodeError) -> Self {
        Self::Node(error)
    }
}
