//! Requests for trades, and the channel numbers that their acknowledgements give.

use std::collections::BTreeMap;

use crate::event::Ack;

/// A message that subscribes to trades.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The message to send.
    pub text: String,
    /// The acknowledgements that must come before it counts as subscribed.
    pub acks: Vec<Ack<'static>>,
}

/// Channels of a connection that are remembered; no venue has more on one.
const MAX_CHANNELS: usize = 256;
/// Longest name of a channel or symbol.
const MAX_NAME_BYTES: usize = 64;

/// The channels behind the numbers that a connection's frames use, filled from its acknowledgements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelMap {
    named: BTreeMap<u64, (String, String)>,
}

impl ChannelMap {
    /// Remembers the number that an acknowledgement gave to a channel.
    pub fn register(&mut self, ack: &Ack<'_>) {
        if let Ack::Topic {
            channel,
            symbol,
            number: Some(number),
        } = ack
            && channel.len() <= MAX_NAME_BYTES
            && symbol.len() <= MAX_NAME_BYTES
            && (self.named.len() < MAX_CHANNELS || self.named.contains_key(number))
        {
            let named = (channel.clone().into_owned(), symbol.clone().into_owned());
            self.named.insert(*number, named);
        }
    }

    /// Channel and symbol behind a number.
    pub fn get(&self, number: u64) -> Option<(&str, &str)> {
        let (channel, symbol) = self.named.get(&number)?;
        Some((channel, symbol))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ever_new_channels_fill_no_memory() {
        let mut channels = ChannelMap::default();
        let ack = |number, symbol: &str| Ack::Topic {
            channel: "trades".into(),
            symbol: symbol.to_owned().into(),
            number: Some(number),
        };
        channels.register(&ack(0, &"x".repeat(1000)));
        assert_eq!(channels.get(0), None);
        for number in 1..10_000 {
            channels.register(&ack(number, "tA"));
        }
        assert_eq!(channels.named.len(), MAX_CHANNELS);
        channels.register(&ack(5, "tB"));
        assert_eq!(channels.get(5), Some(("trades", "tB")));
    }
}
