//! Every number of the round, the score and the weights, as one versioned value.
//!
//! Operators pick a version, not numbers; the version is stamped in the journal. What each number means stands beside
//! its field, its value in [`RulesVersion::rules`].

mod pool;
mod score;
mod settlement;
mod timing;
mod version;

pub use pool::{EvidenceRules, FitRules, PayRules, RecalibrationRules};
pub use score::ScoreRules;
pub use settlement::{MinuteRules, SettlementRules};
pub use timing::RoundTiming;
pub use version::{Rules, RulesVersion};
