//! How far this machine's clock is from those of venues, chain and miners, for `validator doctor`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use foretell_chain::chain::Chain;
use foretell_chain::local_chain::LocalChain;
use foretell_chain::metagraph::Metagraph;
use foretell_cli::clock::system_now;
use foretell_cli::time_text::format_time;
use foretell_core::hotkey::Hotkey;
use foretell_core::time::UnixMillis;
use foretell_feed::clock_comparison::{ClockReading, ClockVerdict};
use foretell_feed::clock_probe::ClockProbe;
use foretell_service::run::clock_sources::ClockSources;
use foretell_service::run::clock_trust::VALIDATOR_CLOCK_TOLERANCE;
use foretell_service::run::config::{ChainConfig, ValidatorConfig};
use foretell_service::run::data_dir_manifest::DataDirManifest;
use foretell_wire::address_policy::AddressPolicy;
use futures_util::future::join_all;

/// Deadline of a question to a miner, and of the chain's answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Miners that are asked, at most.
const MAX_MINERS: usize = 8;

/// Names for people of miners, by the address of each.
type MinerAddresses = BTreeMap<String, String>;

/// Asks venues or the source of prices, the chain and the first miners, and says how far the clock is from theirs.
pub(super) async fn check_clock(config: &ValidatorConfig) -> Result<String> {
    let (others, miners) = match &config.chain {
        ChainConfig::Local { miners } => {
            let sources = ClockSources::<LocalChain>::from_config(config, None)?;
            let miners = miners.iter().map(|miner| (miner.axon, miner.hotkey));
            let addresses = miners.filter(|(axon, _)| AddressPolicy::Any.allows(*axon));
            let addresses = addresses.map(|(axon, hotkey)| address(axon, &hotkey));
            (sources.read(system_now).await, addresses.collect())
        }
        ChainConfig::Subtensor(subnet) => {
            // What is wrong with the chain is said in its own line.
            let begun_on = DataDirManifest::chain_genesis(config, subnet).unwrap_or(None);
            match subnet.connect(begun_on, env!("CARGO_PKG_NAME")) {
                Ok(chain) => {
                    let sources = ClockSources::from_config(config, Some(chain.clone()))?;
                    let metagraph = tokio::time::timeout(DEADLINE, chain.metagraph());
                    let (others, metagraph) = tokio::join!(sources.read(system_now), metagraph);
                    let miners = metagraph.ok().and_then(Result::ok);
                    (
                        others,
                        miners
                            .map(|metagraph| public_miners(&metagraph))
                            .unwrap_or_default(),
                    )
                }
                Err(_) => {
                    let sources = ClockSources::<LocalChain>::from_config(config, None)?;
                    (sources.read(system_now).await, MinerAddresses::new())
                }
            }
        }
    };
    let miners = read_miners(&miners).await?;
    say(system_now(), &others, &miners)
}

fn address(axon: std::net::SocketAddr, hotkey: &Hotkey) -> (String, String) {
    (format!("http://{axon}/healthz"), format!("miner {hotkey}"))
}

fn public_miners(metagraph: &Metagraph) -> MinerAddresses {
    let serving = metagraph.neurons.iter();
    let serving = serving.filter_map(|neuron| Some((neuron.axon?, neuron.hotkey)));
    serving
        .filter(|(axon, _)| AddressPolicy::PublicOnly.allows(*axon))
        .take(MAX_MINERS)
        .map(|(axon, hotkey)| address(axon, &hotkey))
        .collect()
}

async fn read_miners(miners: &MinerAddresses) -> Result<Vec<ClockReading>> {
    let probe = ClockProbe::of_peers(DEADLINE)?;
    let asking = miners.iter().take(MAX_MINERS).map(|(url, name)| {
        let probe = &probe;
        async move {
            let ahead = probe.difference(url, system_now).await.ok()?;
            let source = name.clone();
            Some(ClockReading { source, ahead })
        }
    });
    Ok(join_all(asking).await.into_iter().flatten().collect())
}

/// The line: `others` decide; miners do where there is nobody else, and are named where their clocks differ.
fn say(now: UnixMillis, others: &[ClockReading], miners: &[ClockReading]) -> Result<String> {
    let tolerance = VALIDATOR_CLOCK_TOLERANCE;
    let verdict = match ClockVerdict::new(others, tolerance) {
        ClockVerdict::Unknown => ClockVerdict::new(miners, tolerance),
        verdict => verdict,
    };
    match verdict {
        ClockVerdict::Disagree(reading) => bail!(
            "{reading}, and miners refuse requests that are more than 2 s ahead or 10 s behind: set this machine's clock (chrony, \
             systemd-timesyncd)"
        ),
        ClockVerdict::Agree(reading) => {
            let differing = miners.iter();
            let differing = differing.filter(|miner| !miner.ahead.may_be_within(tolerance));
            let differing: String = differing
                .map(|miner| format!("; {miner}, which refuses requests"))
                .collect();
            Ok(format!("{}, {reading}{differing}", format_time(now)))
        }
        ClockVerdict::Unknown => Ok(format!(
            "{}, compared with nobody: no venue, chain or miner answers",
            format_time(now)
        )),
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::MONDAY;
    use foretell_core::time::Millis;
    use foretell_feed::clock_comparison::ClockDifference;

    use super::*;

    fn reading(source: &str, ahead: Millis) -> ClockReading {
        ClockReading {
            source: source.into(),
            ahead: ClockDifference::from_whole_seconds(
                MONDAY,
                MONDAY + Millis::literal(500) + ahead,
                MONDAY + Millis::literal(500) + ahead,
            ),
        }
    }

    #[test]
    fn the_line_names_who_agrees_who_doesnt_and_the_cure() {
        let exact = reading("kraken", Millis::literal(0));
        let ahead = reading("kraken", Millis::seconds(30));
        let slow = reading("miner 5F", Millis::seconds(40));
        let say =
            |others: &[ClockReading], miners: &[ClockReading]| match say(MONDAY, others, miners) {
                Ok(fine) => format!("ok {fine}"),
                Err(wrong) => format!("wrong {wrong}"),
            };
        assert_eq!(
            say(std::slice::from_ref(&exact), &[]),
            "ok 2024-01-01T00:00:00Z, within 0.5 s of kraken"
        );
        assert_eq!(
            say(&[exact], std::slice::from_ref(&slow)),
            "ok 2024-01-01T00:00:00Z, within 0.5 s of kraken; 40.0 s ahead of miner 5F, which refuses requests"
        );
        assert_eq!(
            say(&[ahead], &[]),
            "wrong 30.0 s ahead of kraken, and miners refuse requests that are more than 2 s ahead or 10 s behind: set this machine's \
             clock (chrony, systemd-timesyncd)"
        );
        assert!(say(&[], &[slow]).starts_with("wrong 40.0 s ahead of miner 5F"));
        assert!(say(&[], &[]).contains("compared with nobody"));
    }
}
