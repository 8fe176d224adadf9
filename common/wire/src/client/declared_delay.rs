//! How late a miner declares its answer to be: only adversaries do, and only a replay reads it.

use hyper::HeaderMap;

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
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let declared = headers.get(DELAY_HEADER);
        let declared = declared.and_then(|value| value.to_str().ok());
        match declared {
            Some("never") => Self::Never,
            Some(millis) => Self::Millis(millis.parse().unwrap_or(0)),
            None => Self::Millis(0),
        }
    }
}
