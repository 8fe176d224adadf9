//! A validator's status in words, for `validator status`.

use foretell_cli::time_text;
use foretell_core::time::{Millis, UnixMillis};
use foretell_feed::market_view::{CompositePrice, ConnectionState, VenueStatus};

use super::status::ValidatorStatus;

/// The validator of a status older than this has stopped.
const MAX_AGE: Millis = Millis::minutes(3);

impl ValidatorStatus {
    /// The status in lines of words, as read at `now`.
    pub fn describe(&self, now: UnixMillis) -> String {
        let mut lines = Vec::new();
        let age = now - self.at;
        lines.push(if age > MAX_AGE {
            format!("NOT RUNNING: last seen {}", time_text::format_time(self.at))
        } else {
            format!("running: {}", self.series)
        });
        lines.push(match self.next_round {
            Some(origin) => format!("next round: {}", time_text::format_time(origin)),
            None => "next round: none".into(),
        });
        lines.push(format!(
            "rounds: {} under way, {} scored, {} void; {} miners have answered",
            self.open_rounds, self.scored_rounds, self.void_rounds, self.miners
        ));
        lines.push(match &self.newest_price {
            Some((at, price)) => {
                format!("newest price: {price} at {}", time_text::format_time(*at))
            }
            None => "newest price: none yet".into(),
        });
        lines.push(format!(
            "prices: {} still to be decided, {} gaps",
            self.undecided, self.gaps
        ));
        lines.extend(self.live_price.map(|CompositePrice { price, venues }| {
            format!("live price: {price:.2}, the median of {venues} venues")
        }));
        lines.extend(self.cross_check.map(|check| check.to_string()));
        lines.extend(
            self.venues
                .iter()
                .map(|venue| describe_venue(venue, self.at)),
        );
        let weights = self.weights.iter().map(|status| format!("; {status}"));
        let weights: String = weights.collect();
        let times = self.times_weights_set;
        lines.push(format!("weights: set {times} times{weights}"));
        lines.extend(self.chain.iter().map(|chain| format!("chain: {chain}")));
        lines.extend(
            self.waiting
                .iter()
                .map(|waiting| format!("waiting: {waiting}")),
        );
        lines.extend(
            self.trouble
                .iter()
                .map(|trouble| format!("trouble: {trouble}")),
        );
        lines.join("\n")
    }
}

/// One line: state, last trade, lag, and what was lost.
fn describe_venue(venue: &VenueStatus, at: UnixMillis) -> String {
    let state = match venue.state {
        ConnectionState::Live => "live",
        ConnectionState::Connecting => "CONNECTING",
    };
    let last = match venue.last {
        Some((time, price)) => format!("{price} {:.0} s ago", (at - time).get() as f64 / 1e3),
        None => "no trade yet".into(),
    };
    let ms = |name: &str, span: Option<Millis>| {
        span.map(|span| format!(", {name} {span}"))
            .unwrap_or_default()
    };
    let trouble = venue.trouble.as_ref().map(|why| format!("; {why}"));
    format!(
        "  {}: {state}, {last}{}{}, {} trades, {} connections lost{}",
        venue.venue,
        ms("lag", venue.lag),
        ms("our clock at most ahead by", venue.clock_offset),
        venue.trades,
        venue.losses,
        trouble.unwrap_or_default()
    )
}
