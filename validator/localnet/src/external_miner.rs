//! A miner of the caller's own, as `--guest NAME=PROGRAM` names it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use foretell_data::forecasts::MinerName;
use serde::{Deserialize, Serialize};

/// A miner of the caller's own, written `NAME=PROGRAM`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalMiner {
    /// Name on the leaderboard, and of its wallet and folder: letters, digits, `-` and `_`.
    pub name: String,
    /// Path of its program, which is started with the flags of its wallet.
    pub program: PathBuf,
}

impl FromStr for ExternalMiner {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, program)) if is_valid_name(name) && !program.is_empty() => Ok(Self {
                name: name.to_owned(),
                program: program.into(),
            }),
            _ => Err(
                "expected NAME=PROGRAM, the name of at most 100 letters, digits, - and _, and not reference or consensus",
            ),
        }
    }
}

impl fmt::Display for ExternalMiner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.program.display())
    }
}

/// Whether a name is good for a folder, a wallet and a row of a table, where it isn't taken for one of our own.
fn is_valid_name(name: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    name.bytes().all(valid) && name.parse::<MinerName>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_miner_has_a_name_and_a_program() {
        let external_miner: ExternalMiner = "my-model=./run.sh".parse().unwrap();
        assert_eq!(external_miner.to_string(), "my-model=./run.sh");
        for wrong in ["run.sh", "=run.sh", "a=", "../a=run.sh", "reference=run.sh"] {
            assert!(wrong.parse::<ExternalMiner>().is_err(), "{wrong}");
        }
    }
}
