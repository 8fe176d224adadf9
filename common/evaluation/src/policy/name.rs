//! Policies by name.

use std::fmt;

/// A policy by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyName {
    /// The live one.
    Evidence,
    /// The first generation's.
    Taoshi,
    /// The CRPS-of-increments family.
    Increments,
}

impl PolicyName {
    /// All of them, the live one first.
    pub const ALL: [Self; 3] = [Self::Evidence, Self::Taoshi, Self::Increments];

    /// As on the command line and in results.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Taoshi => "taoshi",
            Self::Increments => "increments",
        }
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
