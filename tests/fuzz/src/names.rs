//! Names and other short texts, and the configuration of the feed, which is made of them.

use std::fmt::{Debug, Display};
use std::path::Path;
use std::str::FromStr;

use foretell_chain::network::SubtensorNetwork;
use foretell_cli::config_file;
use foretell_core::hash::{Hash, Signature};
use foretell_core::hotkey::Hotkey;
use foretell_core::price::Price;
use foretell_core::rules::RulesVersion;
use foretell_core::series::{RoundId, SeriesId};
use foretell_feed::config::FeedConfig;
use foretell_feed::venue::Pair;
use foretell_feed::websocket::SocketUrl;

/// What is a name is the same name once it is written again.
pub fn names(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else {
        return;
    };
    check_name::<SeriesId>(text);
    check_name::<RoundId>(text);
    check_name::<Hotkey>(text);
    check_name::<Hash>(text);
    check_name::<Signature>(text);
    check_name::<Price>(text);
    check_name::<Pair>(text);
    check_name::<SubtensorNetwork>(text);
    let _ = SocketUrl::new(text);
}

fn check_name<N: FromStr + Display + PartialEq + Debug>(text: &str) {
    let Ok(name) = text.parse::<N>() else {
        return;
    };
    let printed = name.to_string();
    let Ok(again) = printed.parse::<N>() else {
        panic!("{text:?} is written {printed:?}, which is none");
    };
    assert_eq!(again, name);
}

/// A configuration of the feed, with all that is made of it.
pub fn feed_config(bytes: &[u8]) {
    let Some(text) = crate::text(bytes) else {
        return;
    };
    let Ok(config) = config_file::parse::<FeedConfig>(Path::new("feed.toml"), text) else {
        return;
    };
    let _ = config.stream_targets();
    let rules = RulesVersion::V1.rules().minute;
    if let Ok(markets) = config.settlement_markets(&rules) {
        assert!(markets.len() <= bytes.len());
    }
}
