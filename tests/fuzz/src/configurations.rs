//! The configurations of both programs.

use std::path::Path;

use foretell_miner::config::MinerConfig;
use foretell_service::run::config::ValidatorConfig;

/// A validator's configuration reads the same once it is written again; what is derived from it can be.
pub fn validator_config(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else {
        return;
    };
    let name = Path::new("validator.toml");
    let Ok(config) = ValidatorConfig::parse(name, text) else {
        return;
    };
    let printed = toml::to_string(&config).expect("a configuration is TOML");
    let again = ValidatorConfig::parse(name, &printed).expect("our own configuration is one");
    assert_eq!(again, config);
    let _ = (config.markets(), config.monitored_venues());
    let grid = config.series.grid;
    assert!(config.round_every() >= grid.step && grid.span() >= grid.step);
}

/// A miner's configuration, likewise.
pub fn miner_config(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else {
        return;
    };
    let name = Path::new("miner.toml");
    let Ok(config) = MinerConfig::parse(name, text) else {
        return;
    };
    let printed = toml::to_string(&config).expect("a configuration is TOML");
    let again = MinerConfig::parse(name, &printed).expect("our own configuration is one");
    assert_eq!(again, config);
    let (_, host) = config.venue().expect("it was checked");
    assert!(!host.is_empty());
    let grid = config.series.grid;
    assert!(grid.span() >= grid.step);
}
