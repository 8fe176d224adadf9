//! Which venues have no candles, as far as the log was told.

use std::collections::BTreeMap;

use foretell_core::time::Millis;

use super::collected_candles::CollectedCandles;
use crate::outage::Outage;

/// The venues of a collector that have no candles: each is told of once, and when it has some again.
#[derive(Debug, Default)]
pub struct VenueOutages(BTreeMap<String, Outage>);

impl VenueOutages {
    /// Tells the log which venues have no candles any more at `now`, by a monotonic clock or nearly one, and which have some
    /// again. Nothing if none can be reached, which is this machine's trouble.
    pub fn observe(&mut self, now: Millis, collected: &CollectedCandles) {
        if !collected.reached_any_venue() {
            return;
        }
        for (venue, failure) in collected.failures_by_venue() {
            // The venues are those of the configuration.
            let outage = self.0.entry(venue.to_owned()).or_default();
            let notice = match failure {
                Some(why) => outage.failed(now, &why),
                None => outage.works(now),
            };
            if let Some(notice) = notice {
                notice.log(venue);
            }
        }
    }
}
