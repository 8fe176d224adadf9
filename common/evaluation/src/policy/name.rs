//! Policies by name.

use std::fmt;

/// The name of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyName {
    /// The one that pays: [`EvidencePolicy`](super::EvidencePolicy).
    Evidence,
    /// That of the first generation: [`TaoshiPolicy`](super::TaoshiPolicy).
    Taoshi,
    /// The CRPS of increments: [`SynthIncrementsPolicy`](super::SynthIncrementsPolicy).
    Increments,
}

impl PolicyName {
    /// All policies, the one that pays first.
    pub const ALL: [Self; 3] = [Self::Evidence, Self::Taoshi, Self::Increments];

    /// The name as on the command line and in results.
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
