//! What a source answered, and which prices and gaps that decides.

use std::collections::BTreeMap;

use foretell_core::price::Price;
use foretell_core::rules::MinuteRules;
use foretell_core::settle::{MINUTE, PriceProvenance, settle_minute};
use foretell_core::time::UnixMillis;
use foretell_feed::collector::CollectedCandles;

use crate::rounds::PriceDecision;

/// What a source answered.
#[derive(Debug)]
pub enum SourceResponse {
    /// Venues' candles, or why a venue gave none.
    Venues(CollectedCandles),
    /// Values by the end of their step, or why there are none.
    Values(Result<BTreeMap<UnixMillis, Price>, String>),
}

/// What a response decides.
#[derive(Debug)]
pub struct DecidedPrices {
    /// Prices, and gaps that are final, oldest first.
    pub decided: Vec<PriceDecision>,
    /// What is wrong with the source, in a line; `None` if nothing is.
    pub trouble: Option<String>,
    /// Why the newest price is not there yet; `None` if it is.
    pub waiting: Option<String>,
}

impl SourceResponse {
    /// What this response decides of these instants: prices, and gaps where the attempt was the last. What it doesn't
    /// decide is tried again.
    ///
    /// # Errors
    /// No source could be reached, so that nothing was learnt; in words.
    pub fn decide(
        &self,
        instants: &[UnixMillis],
        is_last: impl Fn(UnixMillis) -> bool,
        rules: &MinuteRules,
    ) -> Result<DecidedPrices, String> {
        let found: Vec<PriceDecision> = match self {
            Self::Venues(collected) if !collected.reached_any_venue() => {
                return Err("no exchange can be reached: check the network".into());
            }
            Self::Values(Err(why)) => return Err(why.clone()),
            Self::Venues(collected) => instants
                .iter()
                .map(|instant| {
                    let inputs = collected.inputs(*instant - MINUTE);
                    let decision = settle_minute(&inputs, rules);
                    PriceDecision::from_venues(*instant, &inputs, decision)
                })
                .collect(),
            Self::Values(Ok(values)) => instants
                .iter()
                .map(|instant| PriceDecision::from_source(*instant, values.get(instant).copied()))
                .collect(),
        };
        let is_final =
            |decided: &PriceDecision| decided.price.is_some() || is_last(decided.instant);
        let (decided, waiting): (Vec<_>, Vec<_>) = found.into_iter().partition(is_final);
        let mut troubles = match self {
            Self::Venues(collected) => collected.failures(),
            Self::Values(_) => Vec::new(),
        };
        let waiting = waiting.last().map(why_waiting);
        troubles.extend(waiting.clone());
        let trouble = (!troubles.is_empty()).then(|| troubles.join("; "));
        Ok(DecidedPrices {
            decided,
            trouble,
            waiting,
        })
    }
}

/// Why the newest price is not there yet.
fn why_waiting(waiting: &PriceDecision) -> String {
    match &waiting.provenance {
        PriceProvenance::Venues { gap: Some(gap), .. } => format!("no price yet: {gap}"),
        PriceProvenance::Venues { .. } | PriceProvenance::Source => {
            "the newest value isn't there yet".into()
        }
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::rules::RulesVersion;
    use foretell_core::testing::price;

    use super::*;

    #[test]
    fn a_missing_value_is_a_gap_only_after_the_last_attempt() {
        let known = BTreeMap::from([(UnixMillis::literal(60_000), price(1.0))]);
        let response = SourceResponse::Values(Ok(known));
        let rules = RulesVersion::V1.rules().minute;
        let instants = [UnixMillis::literal(60_000), UnixMillis::literal(120_000)];
        let early = response.decide(&instants, |_| false, &rules).unwrap();
        assert_eq!(early.decided.len(), 1);
        assert_eq!(
            early.trouble.as_deref(),
            Some("the newest value isn't there yet")
        );
        let last = response.decide(&instants, |_| true, &rules).unwrap();
        assert_eq!((last.decided[1].price, last.trouble), (None, None));
    }
}
