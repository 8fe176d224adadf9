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
