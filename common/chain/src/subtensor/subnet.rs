//! The subnet read from the chain's storage: its metagraph, and its parameters.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;

use foretell_core::coldkey::Coldkey;
use foretell_core::hotkey::{Hotkey, Uid};
use subxt::ext::scale_decode::DecodeAsType;
use subxt::utils::AccountId32;

use super::error::{MAX_NEURONS, SubtensorError};
use super::runtime::StorageKey;
use super::state::{BlockState, account, number};
use crate::block::Block;
use crate::bond_rules::{BondRules, LiquidAlpha, YumaVersion};
use crate::metagraph::{Hyperparameters, Metagraph, Neuron};
use crate::registration_price::{PriceAdjustment, RegistrationPriceRules};

/// The root network, stake on which counts in every subnet.
const ROOT: u16 = 0;
/// Bonds keep `BondsMovingAverage` millionths at each epoch.
const MILLION: f64 = 1e6;

/// The address that a neuron publishes.
#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct AxonInfo {
    /// The IP address as a number.
    pub ip: u128,
    /// The TCP port.
    pub port: u16,
    /// 4 or 6, the version of IP.
    pub ip_type: u8,
}

impl AxonInfo {
    /// The address as others can connect to it; `None` if it is none.
    pub fn address(&self) -> Option<SocketAddr> {
        let ip: IpAddr = match self.ip_type {
            4 => Ipv4Addr::from(u32::try_from(self.ip).ok()?).into(),
            6 => Ipv6Addr::from(self.ip).into(),
            _ => return None,
        };
        (self.port != 0 && !ip.is_unspecified()).then(|| SocketAddr::new(ip, self.port))
    }
}

/// Storage keys of the whole subnet, in the order in which [`metagraph`] reads them.
pub(super) fn subnet_keys(netuid: u16) -> Vec<StorageKey> {
    let of_subnet = |entry| StorageKey::new(entry, [number(netuid)]);
    let mut storage_keys: Vec<StorageKey> = [
        "SubnetworkN",
        "Tempo",
        "SubnetOwnerHotkey",
        "ValidatorPermit",
        "LastUpdate",
        "Incentive",
        "Dividends",
        "Emission",
    ]
    .map(of_subnet)
    .into();
    storage_keys.push(StorageKey::new("TaoWeight", []));
    storage_keys
}

/// Storage keys of one neuron, in the order in which [`metagraph`] reads them.
pub(super) fn hotkey_keys(netuid: u16, hotkey: &Hotkey) -> [StorageKey; 4] {
    let key = || account(hotkey);
    [
        StorageKey::new("Owner", [key()]),
        StorageKey::new("Axons", [number(netuid), key()]),
        StorageKey::new("TotalHotkeyAlpha", [key(), number(netuid)]),
        StorageKey::new("TotalHotkeyAlpha", [key(), number(ROOT)]),
    ]
}

/// The subnet's neurons after this block. Stake is what the hotkey holds in the subnet's alpha, and its root stake by the chain's TAO
/// weight; what parents and children lend each other is not in it. Emission is that of the last epoch.
pub async fn metagraph(state: &BlockState<'_>, netuid: u16) -> Result<Metagraph, SubtensorError> {
    let mut read = state.read(subnet_keys(netuid)).await?;
    let count: u16 = read.next_value()?;
    if count > MAX_NEURONS {
        return Err(SubtensorError::TooManyNeurons { netuid, count });
    }
    let tempo = read.next_value()?;
    let owner: Option<AccountId32> = read.next_optional()?;
    let permits: Vec<bool> = read.next_value()?;
    let updates: Vec<u64> = read.next_value()?;
    let incentives: Vec<u16> = read.next_value()?;
    let dividends: Vec<u16> = read.next_value()?;
    let emissions: Vec<u64> = read.next_value()?;
    let tao_weight: u64 = read.next_value()?;
    let tao_weight = tao_weight as f64 / u64::MAX as f64;
    let tempo = NonZeroU16::new(tempo).ok_or(SubtensorError::NoSubnet(netuid))?;

    let keys = (0..count).map(|uid| StorageKey::new("Keys", [number(netuid), number(uid)]));
    let mut read = state.read(keys.collect()).await?;
    let hotkeys = (0..count).map(|_| Ok(Hotkey(read.next_value::<AccountId32>()?.0)));
    let hotkeys: Vec<Hotkey> = hotkeys.collect::<Result<_, SubtensorError>>()?;

    let storage_keys = hotkeys
        .iter()
        .flat_map(|hotkey| hotkey_keys(netuid, hotkey));
    let mut read = state.read(storage_keys.collect()).await?;
    let neurons = (0..count).zip(&hotkeys).map(|(uid, hotkey)| {
        let index = usize::from(uid);
        let coldkey: AccountId32 = read.next_value()?;
        let axon: Option<AxonInfo> = read.next_optional()?;
        let alpha: u64 = read.next_value()?;
        let root: u64 = read.next_value()?;
        Ok(Neuron {
            uid: Uid(uid),
            hotkey: *hotkey,
            coldkey: Coldkey(coldkey.0),
            axon: axon.and_then(|axon| axon.address()),
            stake: alpha.saturating_add((root as f64 * tao_weight) as u64),
            permit: permits.get(index).copied().unwrap_or(false),
            last_update: Block::new(updates.get(index).copied().unwrap_or(0)),
            incentive: incentives.get(index).copied().unwrap_or(0),
            dividend: dividends.get(index).copied().unwrap_or(0),
            emission: emissions.get(index).copied().unwrap_or(0),
        })
    });
    let neurons: Vec<Neuron> = neurons.collect::<Result<_, SubtensorError>>()?;
    let owner = owner.map(|owner| Hotkey(owner.0));
    let owner = neurons.iter().find(|neuron| Some(neuron.hotkey) == owner);
    let owner = owner.ok_or(SubtensorError::NoOwner(netuid))?.uid;
    Ok(Metagraph {
        block: state.block,
        tempo,
        owner,
        neurons,
    })
}

/// Names of the storage entries of a subnet's parameters, in the order in which [`hyperparameters`] reads them.
pub(super) const HYPERPARAMETER_ENTRIES: [&str; 15] = [
    "Tempo",
    "WeightsSetRateLimit",
    "Kappa",
    "MaxAllowedValidators",
    "WeightsVersionKey",
    "BondsMovingAverage",
    "BondsPenalty",
    "Yuma3On",
    "LiquidAlphaOn",
    "AlphaValues",
    "AlphaSigmoidSteepness",
    "MaxAllowedUids",
    "ImmunityPeriod",
    "MinBurn",
    "MaxBurn",
];

/// Names of the entries that say how the price of a registration moves, on runtimes that move it once an interval.
pub(super) const PRICE_INTERVAL_ENTRIES: [&str; 3] = [
    "AdjustmentInterval",
    "TargetRegistrationsPerInterval",
    "AdjustmentAlpha",
];

/// The subnet's parameters after this block; how the price of a registration moves is the chain's default where that isn't
/// once an interval.
pub async fn hyperparameters(
    state: &BlockState<'_>,
    netuid: u16,
) -> Result<Hyperparameters, SubtensorError> {
    // Newer runtimes move the price of a registration with every block.
    let by_intervals = !state.runtime.has("BurnHalfLife");
    let intervals = PRICE_INTERVAL_ENTRIES.iter().filter(|_| by_intervals);
    let entries = HYPERPARAMETER_ENTRIES.iter().chain(intervals);
    let storage_keys = entries.map(|entry| StorageKey::new(entry, [number(netuid)]));
    let mut read = state.read(storage_keys.collect()).await?;
    let tempo = NonZeroU16::new(read.next_value()?).ok_or(SubtensorError::NoSubnet(netuid))?;
    let weights_rate_limit = read.next_value()?;
    let share = |part: u16| f64::from(part) / f64::from(u16::MAX);
    let kappa = share(read.next_value()?);
    let max_validators = read.next_value()?;
    let version_key = read.next_value()?;
    let memory = read.next_value::<u64>()? as f64 / MILLION;
    let penalty = share(read.next_value()?);
    let (yuma3, liquid): (bool, bool) = (read.next_value()?, read.next_value()?);
    let (low, high): (u16, u16) = read.next_value()?;
    let steepness: i16 = read.next_value()?;
    let version = match (yuma3, liquid) {
        (false, _) => YumaVersion::Yuma2,
        (true, false) => YumaVersion::Yuma3,
        (true, true) => YumaVersion::Yuma3Liquid(LiquidAlpha {
            low: share(low),
            high: share(high),
            steepness: f64::from(steepness),
        }),
    };
    let max_uids = read.next_value()?;
    let immunity_period = u64::from(read.next_value::<u16>()?);
    let (least, most) = (read.next_value()?, read.next_value()?);
    let adjustment = if by_intervals {
        PriceAdjustment::Intervals {
            interval: read.next_value::<u16>()?.into(),
            target: read.next_value::<u16>()?.into(),
            memory: read.next_value()?,
        }
    } else {
        RegistrationPriceRules::default().adjustment
    };
    Ok(Hyperparameters {
        tempo,
        weights_rate_limit,
        kappa,
        max_validators,
        version_key,
        bonds: BondRules {
            version,
            memory,
            penalty,
        },
        max_uids,
        immunity_period,
        registration: RegistrationPriceRules {
            least,
            most,
            adjustment,
        },
    })
}
