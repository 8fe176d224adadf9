//! Configurations of a miner.

use std::path::Path;

/// The configuration of a miner of 6 steps that takes its prices from the replay venue at `host` and keeps its data in
/// `folder`, with these lines below `[model]` and `[serve]`.
pub fn miner_config_toml(folder: &Path, host: &str, model: &str, serve: &str) -> String {
    let data = folder.join("answers");
    format!(
        r#"
        [series]
        id = "BTC/USD"
        step_ms = 300000
        horizon = 6
        [prices]
        venue = "replay"
        host = "http://{host}"
        symbol = "BTC/USD"
        [model]
        {model}
        [serve]
        listen = "127.0.0.1:0"
        {serve}
        clock = "request"
        data = {data:?}
        "#
    )
}
