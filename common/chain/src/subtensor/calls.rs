//! The calls that we make, by name: arguments are found in the runtime's own metadata, so that a runtime may move or
//! wrap them.

use std::net::{IpAddr, SocketAddr};

use foretell_core::hotkey::{Hotkey, Uid};
use serde::{Deserialize, Serialize};
use subxt::Metadata;
use subxt::dynamic::Value;
use subxt::ext::scale_value::Composite;
use subxt::tx::DynamicPayload;

/// The pallet of subnets, whose calls these all are.
pub const PALLET: &str = "SubtensorModule";
/// The version of timelocked commitments that we make.
const COMMIT_VERSION: u16 = 4;

/// A call of the pallet, with its arguments by name.
pub type Call = DynamicPayload<Composite<()>>;

/// The call by which a runtime takes weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightsCall {
    /// `set_weights`.
    Plain,
    /// `set_mechanism_weights`, for the subnet's first mechanism.
    Mechanism,
    /// `commit_timelocked_weights`, version 4.
    Timelocked,
    /// `commit_timelocked_mechanism_weights`, version 4, for the subnet's first mechanism.
    TimelockedMechanism,
    /// `commit_crv3_weights`, before version 4.
    Crv3,
}

impl WeightsCall {
    /// The newest form that the runtime has; `None` if weights must be committed and it knows no way that we do.
    pub fn from_metadata(metadata: &Metadata, commit_reveal: bool) -> Option<Self> {
        let variants: &[Self] = if commit_reveal {
            &[Self::TimelockedMechanism, Self::Timelocked, Self::Crv3]
        } else {
            &[Self::Mechanism, Self::Plain]
        };
        let pallet = metadata.pallet_by_name(PALLET)?;
        let known = |variant: &&Self| pallet.call_variant_by_name(variant.call_name()).is_some();
        variants.iter().find(known).copied()
    }

    /// Its name in the pallet.
    pub const fn call_name(self) -> &'static str {
        match self {
            Self::Plain => "set_weights",
            Self::Mechanism => "set_mechanism_weights",
            Self::Timelocked => "commit_timelocked_weights",
            Self::TimelockedMechanism => "commit_timelocked_mechanism_weights",
            Self::Crv3 => "commit_crv3_weights",
        }
    }

    /// Whether it takes the number of a mechanism.
    const fn names_mechanism(self) -> bool {
        matches!(self, Self::Mechanism | Self::TimelockedMechanism)
    }
}

/// Sets weights in the open, by [`WeightsCall::Plain`] or [`WeightsCall::Mechanism`].
pub fn set_weights(
    weights_call: WeightsCall,
    netuid: u16,
    uids: &[Uid],
    values: &[u16],
    version_key: u64,
) -> Call {
    let mut arguments = subnet_arguments(weights_call, netuid);
    arguments.push(("dests", list(uids.iter().map(|uid| uid.0))));
    arguments.push(("weights", list(values.iter().copied())));
    arguments.push(("version_key", number(version_key)));
    call(weights_call.call_name(), arguments)
}

/// Commits to weights that reveal themselves in drand round `reveal_round`, by one of the other calls.
pub fn commit_weights(
    weights_call: WeightsCall,
    netuid: u16,
    commit: &[u8],
    reveal_round: u64,
) -> Call {
    let mut arguments = subnet_arguments(weights_call, netuid);
    arguments.push(("commit", Value::from_bytes(commit)));
    arguments.push(("reveal_round", number(reveal_round)));
    if weights_call != WeightsCall::Crv3 {
        arguments.push(("commit_reveal_version", number(COMMIT_VERSION)));
    }
    call(weights_call.call_name(), arguments)
}

/// Publishes where the caller answers requests.
pub fn serve_axon(netuid: u16, axon: SocketAddr, version: u32) -> Call {
    let (ip, ip_type) = match axon.ip() {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)), 4_u8),
        IpAddr::V6(ip) => (u128::from(ip), 6),
    };
    call(
        "serve_axon",
        vec![
            ("netuid", number(netuid)),
            ("version", number(version)),
            ("ip", Value::u128(ip)),
            ("port", number(axon.port())),
            ("ip_type", number(ip_type)),
            ("protocol", number(4_u8)),
            ("placeholder1", number(0_u8)),
            ("placeholder2", number(0_u8)),
        ],
    )
}

/// Registers `hotkey` on the subnet, at the price of the day; signed by the coldkey that pays.
pub fn burned_register(netuid: u16, hotkey: &Hotkey) -> Call {
    call(
        "burned_register",
        vec![
            ("netuid", number(netuid)),
            ("hotkey", Value::from_bytes(hotkey.0)),
        ],
    )
}

/// Stakes `rao` of TAO on `hotkey`; signed by the coldkey that owns it.
pub fn add_stake(netuid: u16, hotkey: &Hotkey, rao: u64) -> Call {
    call(
        "add_stake",
        vec![
            ("hotkey", Value::from_bytes(hotkey.0)),
            ("netuid", number(netuid)),
            ("amount_staked", number(rao)),
        ],
    )
}

fn subnet_arguments(weights_call: WeightsCall, netuid: u16) -> Vec<(&'static str, Value)> {
    let mut arguments = vec![("netuid", number(netuid))];
    if weights_call.names_mechanism() {
        arguments.push(("mecid", number(0_u8)));
    }
    arguments
}

fn call(name: &str, arguments: Vec<(&'static str, Value)>) -> Call {
    subxt::dynamic::tx(PALLET, name, Composite::named(arguments))
}

fn number(value: impl Into<u128>) -> Value {
    Value::u128(value.into())
}

fn list(values: impl Iterator<Item = u16>) -> Value {
    Value::unnamed_composite(values.map(number))
}
