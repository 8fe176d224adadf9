//! When a round takes commitments: nobody gets a forecast, or binds the miner to one, before that.

use foretell_core::rules::RulesVersion;
use foretell_core::time::{Millis, UnixMillis};

/// A validator's clock may run ahead of ours by as much as its signature may.
const CLOCK_TOLERANCE: Millis = Millis::seconds(2);
/// The window opens this long before a round's origin T.
pub const LEAD_TIME: Millis = RulesVersion::V1.rules().timing.commit_opens_before;

/// Where a time lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitWindow {
    /// Before the window; it opens at this time.
    Early(UnixMillis),
    /// In it. Whether an answer is still in time is the validator's to say.
    Open,
    /// The round has begun.
    Past,
}

impl CommitWindow {
    /// Where `now` lies in the round of this origin.
    pub fn at(origin: UnixMillis, now: UnixMillis) -> Self {
        let opens = origin - LEAD_TIME;
        if now > origin {
            Self::Past
        } else if now < opens - CLOCK_TOLERANCE {
            Self::Early(opens)
        } else {
            Self::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::MONDAY;

    use super::*;

    #[test]
    fn the_window_opens_a_quarter_of_a_minute_before_the_round_for_a_clock_that_is_two_seconds_ahead()
     {
        let opens = MONDAY - Millis::seconds(15);
        for (before_origin, expected) in [
            (Millis::days(300), CommitWindow::Early(opens)),
            (Millis::minutes(2), CommitWindow::Early(opens)),
            (Millis::literal(17_001), CommitWindow::Early(opens)),
            (Millis::literal(17_000), CommitWindow::Open),
            (Millis::literal(0), CommitWindow::Open),
            (Millis::literal(-1), CommitWindow::Past),
            (Millis::days(-300), CommitWindow::Past),
        ] {
            let now = MONDAY - before_origin;
            assert_eq!(CommitWindow::at(MONDAY, now), expected, "{before_origin}");
        }
    }
}
