use std::fs;

use foretell_chain::subnet_address::SubnetAddress;
use foretell_core::testing::assert_contains_all;

use super::*;

fn read(text: &str) -> Result<ValidatorConfig, ValidatorConfigError> {
    ValidatorConfig::parse(Path::new("/etc/foretell/validator.toml"), text)
}

/// The error that this configuration gives, with its causes.
fn error_text(text: &str) -> String {
    format!("{:#}", anyhow::Error::from(read(text).unwrap_err()))
}

#[test]
fn the_example_shows_every_key_with_its_default() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../example.toml"));
    let text = fs::read_to_string(path).unwrap();
    let example = read(&text).unwrap();
    assert_eq!(example, read("data = \"validator-data\"").unwrap());
    // Keys without a default stand there as comments, and work once the mark is taken off.
    let shown = text
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line));
    let text: Vec<&str> = shown.collect();
    let all = read(&text.join("\n")).unwrap();
    assert_contains_all(
        &toml::to_string(&all).unwrap(),
        &[
            "[wallet]",
            "pair",
            "host",
            "url",
            "symbol",
            "quote",
            "[http]",
            "[[chain.miners]]",
            "axon",
        ],
    );
}

#[test]
fn paths_are_relative_to_the_configuration_and_begin_at_home_with_a_tilde() {
    let text = "data = \"data\"\n[prices]\nkind = \"file\"\npath = \"../p.csv\"\n\
                [wallet]\npath = \"~/.bittensor/wallets\"\nname = \"w\"\nhotkey = \"h\"";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("validator.toml");
    fs::write(&path, text).unwrap();
    let config = ValidatorConfig::read(&path).unwrap();
    assert_eq!(config.data, folder.path().join("data"));
    let prices = PriceSourceConfig::File {
        path: folder.path().join("../p.csv"),
    };
    assert_eq!(config.prices, prices);
    let home = std::env::home_dir().unwrap();
    assert_eq!(config.wallet.unwrap().path, home.join(".bittensor/wallets"));
}

#[test]
fn every_configuration_reads_as_it_was_written() {
    let miner = LocalMinerConfig {
        hotkey: foretell_core::testing::hotkey(1),
        axon: "127.0.0.1:8091".parse().unwrap(),
    };
    let subnet = SubnetAddress {
        network: "test".parse().unwrap(),
        netuid: 8,
    };
    let chains = [
        ChainConfig::Local {
            miners: vec![miner],
        },
        ChainConfig::Subtensor(subnet),
    ];
    let prices = [
        PriceSourceConfig::default(),
        PriceSourceConfig::File {
            path: "/p.csv".into(),
        },
        PriceSourceConfig::Url {
            url: "https://example.com/p.csv".into(),
        },
    ];
    for chain in chains {
        for prices in prices.clone() {
            let config = ValidatorConfig {
                chain: chain.clone(),
                prices,
                ..ValidatorConfig::with_data_dir(Path::new("/data"))
            };
            assert_eq!(read(&toml::to_string(&config).unwrap()).unwrap(), config);
        }
    }
}

#[test]
fn the_real_chain_is_a_network_and_a_subnet() {
    let chain = |text: &str| format!("data = \"d\"\n[chain]\nkind = \"subtensor\"\n{text}");
    let config = read(&chain("network = \"test\"\nnetuid = 8")).unwrap();
    let ChainConfig::Subtensor(subnet) = config.chain else {
        panic!("{:?}", config.chain);
    };
    assert_eq!(subnet.to_string(), "subnet 8 of test");
    assert!(error_text(&chain("network = \"test\"")).contains("missing field `netuid`"));
    assert!(
        error_text(&chain("network = \"main\"\nnetuid = 8")).contains("use finney, test, local")
    );
}

#[test]
fn another_pair_takes_another_name() {
    let config =
        read("data = \"d\"\n[series]\nid = \"ETH/USD\"\nstep_ms = 300000\nhorizon = 100").unwrap();
    let markets = config.markets().unwrap();
    let symbols: Vec<String> = markets
        .venues
        .iter()
        .map(|(m, _)| m.symbol.clone())
        .collect();
    for symbol in ["ETHUSDT", "ETH-USD", "ethusd", "tETHUSD", "ETH-USDT"] {
        assert!(
            symbols.contains(&symbol.to_owned()),
            "{symbol} is not in {symbols:?}"
        );
    }
    assert_eq!(markets.usdt_usd.len(), 3);
}

#[test]
fn mistakes_are_named_with_their_cure() {
    let data = "data = \"d\"\n";
    assert!(error_text("").contains("missing field `data`"));
    assert!(error_text("data = \"d\"\nprice = 1").contains("unknown field `price`"));
    let series = |id: &str, step: i64, horizon: u32| {
        format!("{data}[series]\nid = \"{id}\"\nstep_ms = {step}\nhorizon = {horizon}")
    };
    assert!(error_text(&series("BTC/USD", 300_000, 0)).contains("series.horizon = 0"));
    assert!(error_text(&series("BTC/USD", 1500, 1)).contains("series.step_ms = 1500"));
    assert!(error_text(&series("temperature", 300_000, 1)).contains("needs a file or a url"));
    let every = format!("{data}[rounds]\nevery_minutes = 7");
    assert!(error_text(&every).contains("rounds.every_minutes = 7"));
    let every = format!(
        "{}\n[rounds]\nevery_minutes = 1",
        series("BTC/USD", 60_000, 1)
    );
    assert!(error_text(&every).contains("rounds.every_minutes = 1"));
    let venues = |text: &str| error_text(&format!("{data}[prices]\nkind = \"venues\"\n{text}"));
    assert!(venues("venues = [{venue = \"mtgox\"}]").contains("mtgox"));
    assert!(venues("venues = [{venue = \"kraken\"}]").contains("a quorum of at least 3"));
    let twice = "venues = [{venue = \"kraken\"}, {venue = \"kraken\"}]";
    assert!(venues(twice).contains("kraken"));
    let both = r#"venues = [{venue = "coinbase_exchange"}, {venue = "coinbase_advanced"}, {venue = "kraken"}]"#;
    assert!(venues(both).contains("the same book"));
    assert!(
        error_text(&format!("{data}[prices]\nkind = \"url\"\nurl = \"ftp\"")).contains("http://")
    );
    let missing = ValidatorConfig::read(Path::new("nowhere.toml")).unwrap_err();
    assert!(missing.to_string().contains("nowhere.toml"));
}
