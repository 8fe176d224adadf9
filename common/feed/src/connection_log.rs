//! What the log is told of a venue's connection: each trouble once, and its end; of faults in frames, the 1st, 2nd, 4th, 8th
//! and so on. A venue can't fill the log.

use foretell_core::time::Millis;

use crate::connection::ConnectionEvent;
use crate::event::VenueEvent;
use crate::outage::Outage;
use crate::stream::FeedEvent;

/// The log of one venue's connection.
#[derive(Debug)]
pub struct ConnectionLog {
    venue: &'static str,
    outage: Outage,
    is_live: bool,
    was_live: bool,
    faults: u64,
    refusals: u64,
}

impl ConnectionLog {
    /// The log of the connection to this venue, before its first event.
    pub fn new(venue: &'static str) -> Self {
        Self {
            venue,
            outage: Outage::default(),
            is_live: false,
            was_live: false,
            faults: 0,
            refusals: 0,
        }
    }

    /// Tells the log what an operator should know of an event at `now`, by a monotonic clock.
    pub fn observe(&mut self, now: Millis, event: &ConnectionEvent<'_>) {
        let venue = self.venue;
        match event {
            ConnectionEvent::Live(_) => {
                self.is_live = true;
                if !std::mem::replace(&mut self.was_live, true) {
                    tracing::info!(venue, "live");
                }
            }
            ConnectionEvent::Replacing(_, reason) => {
                tracing::debug!(venue, ?reason, "a successor is opened");
            }
            ConnectionEvent::Disconnected(_, reason, wait) => {
                self.is_live = false;
                tracing::debug!(venue, %reason, %wait, "not connected");
                if let Some(notice) = self.outage.failed(now, &reason.to_string()) {
                    notice.log(venue);
                }
            }
            ConnectionEvent::MalformedFrame(fault) => {
                self.faults = self.faults.saturating_add(1);
                if self.faults.is_power_of_two() {
                    tracing::warn!(venue, faults = self.faults, %fault, "malformed frame");
                }
            }
            ConnectionEvent::UnknownMarket(market) => {
                self.faults = self.faults.saturating_add(1);
                if self.faults.is_power_of_two() {
                    tracing::warn!(
                        venue,
                        faults = self.faults,
                        ?market,
                        "trade of an unknown symbol"
                    );
                }
            }
            // While it subscribes, the end of the connection gives the reason.
            ConnectionEvent::Feed(FeedEvent::Venue(VenueEvent::Refused(why))) if self.is_live => {
                self.refusals = self.refusals.saturating_add(1);
                if self.refusals.is_power_of_two() {
                    tracing::warn!(venue, %why, "refused by the venue");
                }
            }
            ConnectionEvent::Feed(_) => {}
        }
        if self.is_live
            && let Some(notice) = self.outage.works(now)
        {
            notice.log(venue);
        }
    }
}
