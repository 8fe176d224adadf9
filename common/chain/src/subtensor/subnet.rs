//! The subnet as the chain has it: who is registered, and by which parameters it runs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;

use foretell_core::hotkey::{Hotkey, Uid};
use subxt::dynamic::Value;
use subxt::ext::scale_decode::DecodeAsType;
use subxt::utils::AccountId32;

use super::SubtensorError;
use super::runtime::Place;
use super::state::{State, number};
use crate::bonds::{BondRules, LiquidAlpha, Version};
use crate::metagraph::{Block, Hyperparameters, Metagraph, Neuron};
use crate::registration::{Motion, PriceRules};

/// The root network, whose stake counts everywhere.
const ROOT: u16 = 0;
/// Bonds keep `BondsMovingAverage` millionths at each epoch.
const MILLION: f64 = 1e6;

/// Where a neuron says that it answers.
#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub(super) struct AxonInfo {
    pub(super) ip: u128,
    pub(super) port: u16,
    pub(super) ip_type: u8,
}

impl AxonInfo {
    pub(super) fn address(&self) -> Option<SocketAddr> {
        let ip: IpAddr = match self.ip_type {
            4 => Ipv4Addr::from(u32::try_from(self.ip).ok()?).into(),
            6 => Ipv6Addr::from(self.ip).into(),
            _ => return None,
        };
        (self.port != 0 && !ip.is_unspecified()).then(|| SocketAddr::new(ip, self.port))
    }
}

/// The places that hold what is known of the whole subnet.
pub(super) fn general(netuid: u16) -> Vec<Place> {
    let of_subnet = |entry| Place::new(entry, [number(netuid)]);
    let mut places: Vec<Place> = [
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
    places.push(Place::new("TaoWeight", []));
    places
}

/// The places that hold what is known of one neuron.
pub(super) fn of_hotkey(netuid: u16, hotkey: &Hotkey) -> [Place; 4] {
    let key = || account(hotkey);
    [
        Place::new("Owner", [key()]),
        Place::new("Axons", [number(netuid), key()]),
        Place::new("TotalHotkeyAlpha", [key(), number(netuid)]),
        Place::new("TotalHotkeyAlpha", [key(), number(ROOT)]),
    ]
}

/// The subnet at this block. Stake is what the hotkey holds in the subnet's alpha, and its root stake by the chain's TAO
/// weight; what parents and children lend each other is not in it. Emission is that of the last epoch.
pub async fn metagraph(state: &State<'_>, netuid: u16) -> Result<Metagraph, SubtensorError> {
    let mut read = state.read(general(netuid)).await?;
    let count: u16 = read.value()?;
    let tempo = read.value()?;
    let owner: Option<AccountId32> = read.optional()?;
    let permits: Vec<bool> = read.value()?;
    let updates: Vec<u64> = read.value()?;
    let incentives: Vec<u16> = read.value()?;
    let dividends: Vec<u16> = read.value()?;
    let emissions: Vec<u64> = read.value()?;
    let tao_weight: u64 = read.value()?;
    let tao_weight = tao_weight as f64 / u64::MAX as f64;
    let tempo = NonZeroU16::new(tempo).ok_or(SubtensorError::NoSubnet(netuid))?;

    let keys = (0..count).map(|uid| Place::new("Keys", [number(netuid), number(uid)]));
    let mut read = state.read(keys.collect()).await?;
    let hotkeys = (0..count).map(|_| Ok(Hotkey(read.value::<AccountId32>()?.0)));
    let hotkeys: Vec<Hotkey> = hotkeys.collect::<Result<_, SubtensorError>>()?;

    let places = hotkeys.iter().flat_map(|hotkey| of_hotkey(netuid, hotkey));
    let mut read = state.read(places.collect()).await?;
    let neurons = (0..count).zip(&hotkeys).map(|(uid, hotkey)| {
        let place = usize::from(uid);
        let coldkey: AccountId32 = read.value()?;
        let axon: Option<AxonInfo> = read.optional()?;
        let alpha: u64 = read.value()?;
        let root: u64 = read.value()?;
        Ok(Neuron {
            uid: Uid(uid),
            hotkey: *hotkey,
            coldkey: Hotkey(coldkey.0),
            axon: axon.and_then(|axon| axon.address()),
            stake: alpha.saturating_add((root as f64 * tao_weight) as u64),
            permit: permits.get(place).copied().unwrap_or(false),
            last_update: Block(updates.get(place).copied().unwrap_or(0)),
            incentive: incentives.get(place).copied().unwrap_or(0),
            dividend: dividends.get(place).copied().unwrap_or(0),
            emission: emissions.get(place).copied().unwrap_or(0),
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

/// The entries that hold the parameters of a subnet.
pub(super) const PARAMETERS: [&str; 15] = [
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

/// The entries that hold how the price of a registration moves, on runtimes that move it
/// once an interval.
pub(super) const PRICE_INTERVALS: [&str; 3] = [
    "AdjustmentInterval",
    "TargetRegistrationsPerInterval",
    "AdjustmentAlpha",
];

/// The subnet's parameters at this block; how the price of a registration moves is the chain's default where that isn't
/// once an interval.
pub async fn hyperparameters(
    state: &State<'_>,
    netuid: u16,
) -> Result<Hyperparameters, SubtensorError> {
    // Newer runtimes move the price of a registration with every block.
    let by_intervals = !state.runtime.has("BurnHalfLife");
    let intervals = PRICE_INTERVALS.iter().filter(|_| by_intervals);
    let entries = PARAMETERS.iter().chain(intervals);
    let places = entries.map(|entry| Place::new(entry, [number(netuid)]));
    let mut read = state.read(places.collect()).await?;
    let tempo = NonZeroU16::new(read.value()?).ok_or(SubtensorError::NoSubnet(netuid))?;
    let weights_rate_limit = read.value()?;
    let share = |part: u16| f64::from(part) / f64::from(u16::MAX);
    let kappa = share(read.value()?);
    let max_validators = read.value()?;
    let version_key = read.value()?;
    let memory = read.value::<u64>()? as f64 / MILLION;
    let penalty = share(read.value()?);
    let (yuma3, liquid): (bool, bool) = (read.value()?, read.value()?);
    let (low, high): (u16, u16) = read.value()?;
    let steepness: i16 = read.value()?;
    let version = match (yuma3, liquid) {
        (false, _) => Version::Yuma2,
        (true, false) => Version::Yuma3,
        (true, true) => Version::Yuma3Liquid(LiquidAlpha {
            low: share(low),
            high: share(high),
            steepness: f64::from(steepness),
        }),
    };
    let max_uids = read.value()?;
    let immunity = u64::from(read.value::<u16>()?);
    let (least, most) = (read.value()?, read.value()?);
    let motion = if by_intervals {
        Motion::Intervals {
            interval: read.value::<u16>()?.into(),
            target: read.value::<u16>()?.into(),
            memory: read.value()?,
        }
    } else {
        PriceRules::default().motion
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
        immunity,
        registration: PriceRules {
            least,
            most,
            motion,
        },
    })
}

/// An account as a key.
pub(super) fn account(account: &Hotkey) -> Value {
    Value::from_bytes(account.0)
}
