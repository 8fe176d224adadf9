//! Settles a recording again: the very [`CandleCollector`] and rules that settle live, on answers that come from disk.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures_util::FutureExt;

use super::entry::{RecordingContent, RecordingEntry};
use super::settlement_attempt::{
    MarketName, SettledMinuteRecord, SettlementAttempt, settle_attempt,
};
use crate::collector::CandleCollector;
use crate::rest::{RecordedResponse, RecordedResponses, RestClient};
use crate::venue::VenueError;

/// Settles again what a recording's attempts settled: the same prices for the same entries.
#[derive(Debug, Default)]
pub struct SettlementReplay {
    responses: RecordedResponses,
    pairs: BTreeMap<String, (SettlementAttempt, CandleCollector)>,
}

impl SettlementReplay {
    /// Takes in an entry and hands each minute that it settles to `on`. Frames settle none.
    pub fn push(
        &mut self,
        entry: &RecordingEntry,
        on: &mut dyn FnMut(SettledMinuteRecord),
    ) -> Result<(), VenueError> {
        match &entry.content {
            RecordingContent::Response { path, status, body } => {
                self.responses.insert(RecordedResponse {
                    venue: entry.venue.clone(),
                    path: path.clone(),
                    status: *status,
                    body: body.clone(),
                });
            }
            RecordingContent::Attempt(attempt) => {
                let collector = self.collector(attempt)?;
                let [Some(first), Some(last)] = [attempt.minutes.first(), attempt.minutes.last()]
                else {
                    return Ok(());
                };
                // Answers from memory are there at once.
                let collected = collector.collect(*first, *last, attempt.now).now_or_never();
                if let Some(collected) = collected {
                    settle_attempt(attempt, &collected).into_iter().for_each(on);
                }
                self.responses.take();
            }
            RecordingContent::Frame { .. } | RecordingContent::Lost(_) => {}
        }
        Ok(())
    }

    /// The collector of the attempt's session: it makes the requests that the recorder's made, and has the volumes that
    /// one had.
    fn collector(&mut self, attempt: &SettlementAttempt) -> Result<&CandleCollector, VenueError> {
        let new_collector = || -> Result<(SettlementAttempt, CandleCollector), VenueError> {
            let venues = attempt.venues.iter();
            let venues = venues.map(|(name, quote)| Ok((name.market()?, *quote)));
            let usdt_usd = attempt.usdt_usd.iter().map(MarketName::market);
            let collector = CandleCollector::new(
                RestClient::replaying(&self.responses),
                attempt.rules.rules().minute,
                venues.collect::<Result<_, VenueError>>()?,
                usdt_usd.collect::<Result<_, _>>()?,
            );
            Ok((attempt.clone(), collector))
        };
        let known = match self.pairs.entry(attempt.pair.clone()) {
            Entry::Vacant(none) => none.insert(new_collector()?),
            Entry::Occupied(known) => {
                let known = known.into_mut();
                if !known.0.is_same_session(attempt) {
                    *known = new_collector()?;
                }
                known
            }
        };
        Ok(&known.1)
    }
}
