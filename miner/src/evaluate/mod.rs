//! Walk-forward: every model refitted on the past only, its forecasts scored as live ones are.
//!
//! ```text
//!  first origin ├──── refit ────┬──── refit ────┬── …        origins every `stride` steps
//!               fit on [T−365 d, T]             forecasts of the block, in parallel ──▶ scores ──▶ track records
//! ```

pub mod html_report;
mod report;
pub mod report_data;
mod round;
mod totals;
mod walk_forward;

pub use report::{EvaluationReport, EvaluationTiming};
pub use round::EvaluatedRound;
pub use walk_forward::{EVALUATION_RULES, WalkForward, WalkForwardError, WalkForwardResult};
