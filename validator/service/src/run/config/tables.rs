//! Tables of the configuration whose keys depend on their `kind`, as they stand in the file: each value keeps its place for errors.

use std::net::SocketAddr;
use std::path::PathBuf;

use foretell_chain::network::SubtensorNetwork;
use foretell_chain::subnet_address::SubnetAddress;
use foretell_core::hotkey::Hotkey;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::markets::{MarketConfig, VenuesConfig};

/// Key `prices`: where settled prices come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", try_from = "PricesTable")]
pub enum PriceSourceConfig {
    /// A quorum of exchanges.
    Venues(VenuesConfig),
    /// A table `open_time_ms,value` in a file that grows.
    File {
        /// Path of the CSV file, read anew at every attempt.
        path: PathBuf,
    },
    /// The same table at an address.
    Url {
        /// Address with http:// or https://, fetched anew at every attempt.
        url: String,
    },
}

/// Key `chain`: which chain lists the miners and takes the weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", try_from = "ChainTable")]
pub enum ChainConfig {
    /// A ledger of the validator's own, in the data directory.
    Local {
        /// Miners that are registered on it at the start.
        #[serde(default)]
        miners: Vec<LocalMinerConfig>,
    },
    /// A subnet of the real chain.
    Subtensor(SubnetAddress),
}

/// A miner on the local ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalMinerConfig {
    /// SS58 address of its hotkey, which is its coldkey, too.
    pub hotkey: Hotkey,
    /// IP address and port where it listens.
    pub axon: SocketAddr,
}

/// The keys of a table don't go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TableKindError {
    /// A key that this kind needs isn't there.
    #[error("missing field `{key}`, which kind = \"{kind}\" needs")]
    Missing {
        /// The key.
        key: &'static str,
        /// The table's kind.
        kind: &'static str,
    },
    /// A key is there that another kind has.
    #[error(
        "`{key}` goes with kind = \"{of}\", and this is kind = \"{kind}\": take it out, or change kind"
    )]
    OfAnotherKind {
        /// The key.
        key: &'static str,
        /// The kind that has it.
        of: &'static str,
        /// The table's kind.
        kind: &'static str,
    },
}

/// Table `[chain]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainTable {
    kind: ChainKind,
    miners: Option<Vec<LocalMinerConfig>>,
    network: Option<SubtensorNetwork>,
    netuid: Option<u16>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChainKind {
    Local,
    Subtensor,
}

/// Table `[prices]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PricesTable {
    kind: PricesKind,
    pair: Option<String>,
    venues: Option<Vec<MarketConfig>>,
    usdt_usd: Option<Vec<MarketConfig>>,
    path: Option<PathBuf>,
    url: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PricesKind {
    Venues,
    File,
    Url,
}

impl TryFrom<ChainTable> for ChainConfig {
    type Error = TableKindError;

    fn try_from(table: ChainTable) -> Result<Self, TableKindError> {
        let ChainTable {
            kind,
            miners,
            network,
            netuid,
        } = table;
        match kind {
            ChainKind::Local => {
                refuse("network", network.is_some(), "subtensor", "local")?;
                refuse("netuid", netuid.is_some(), "subtensor", "local")?;
                Ok(Self::Local {
                    miners: miners.unwrap_or_default(),
                })
            }
            ChainKind::Subtensor => {
                refuse("miners", miners.is_some(), "local", "subtensor")?;
                Ok(Self::Subtensor(SubnetAddress {
                    network: require("network", network, "subtensor")?,
                    netuid: require("netuid", netuid, "subtensor")?,
                }))
            }
        }
    }
}

impl TryFrom<PricesTable> for PriceSourceConfig {
    type Error = TableKindError;

    fn try_from(table: PricesTable) -> Result<Self, TableKindError> {
        let PricesTable {
            kind,
            pair,
            venues,
            usdt_usd,
            path,
            url,
        } = table;
        let name = match kind {
            PricesKind::Venues => "venues",
            PricesKind::File => "file",
            PricesKind::Url => "url",
        };
        let of_other_kinds = [
            ("pair", pair.is_some(), "venues"),
            ("venues", venues.is_some(), "venues"),
            ("usdt_usd", usdt_usd.is_some(), "venues"),
            ("path", path.is_some(), "file"),
            ("url", url.is_some(), "url"),
        ];
        for (key, there, of) in of_other_kinds {
            refuse(key, there && of != name, of, name)?;
        }
        let defaults = VenuesConfig::default();
        Ok(match kind {
            PricesKind::Venues => Self::Venues(VenuesConfig {
                pair,
                venues: venues.unwrap_or(defaults.venues),
                usdt_usd: usdt_usd.unwrap_or(defaults.usdt_usd),
            }),
            PricesKind::File => Self::File {
                path: require("path", path, name)?,
            },
            PricesKind::Url => Self::Url {
                url: require("url", url, name)?,
            },
        })
    }
}

fn require<T>(
    key: &'static str,
    value: Option<T>,
    kind: &'static str,
) -> Result<T, TableKindError> {
    value.ok_or(TableKindError::Missing { key, kind })
}

fn refuse(
    key: &'static str,
    there: bool,
    of: &'static str,
    kind: &'static str,
) -> Result<(), TableKindError> {
    match there {
        true => Err(TableKindError::OfAnotherKind { key, of, kind }),
        false => Ok(()),
    }
}
