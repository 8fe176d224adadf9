//! How late a miner declares its answer to be: only adversaries do, and only a replay reads it.

use reqwest::Response;

use crate::messages::DELAY_HEADER;

/// How late an answer counts as, in a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclaredDelay {
    /// This many milliseconds of the round clock; 0 unless declared.
    Millis(u32),
    /// The answer counts as one that never came.
    Never,
}

impl DeclaredDelay {
    /// The delay in [`DELAY_HEADER`]; none if the header is missing or no number.
    pub(super) fn from_response(response: &Response) -> Self {
        let declared = response
            .headers()
            .get(DELAY_HEADER)
            .and_then(|value| value.to_str().ok());
        match declared {
            Some("never") => Self::Never,
            Some(millis) => Self::Millis(millis.parse().unwrap_or(0)),
            None => Self::Millis(0),
        }
    }
}
