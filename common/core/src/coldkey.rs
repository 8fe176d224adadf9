//! Who owns hotkeys: coldkeys, which are public keys of the same kind and are written the same way.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hotkey::Hotkey;
use crate::ss58::{self, Ss58Error};

/// A coldkey's public key. All hotkeys of one coldkey are one forecaster in the pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coldkey(pub [u8; 32]);

impl From<Hotkey> for Coldkey {
    /// The same key in the other role, where one key is both: a hotkey that nobody else owns is its own owner.
    fn from(hotkey: Hotkey) -> Self {
        Self(hotkey.0)
    }
}

impl FromStr for Coldkey {
    type Err = Ss58Error;

    fn from_str(text: &str) -> Result<Self, Ss58Error> {
        ss58::decode(text).map(Self)
    }
}

impl fmt::Display for Coldkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ss58::encode(&self.0))
    }
}

impl fmt::Debug for Coldkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Coldkey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Coldkey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::hotkey;

    #[test]
    fn a_coldkey_is_written_as_a_hotkey_of_the_same_bytes_is() {
        let text = serde_json::to_string(&hotkey(7)).unwrap();
        let coldkey: Coldkey = serde_json::from_str(&text).unwrap();
        assert_eq!(coldkey, Coldkey::from(hotkey(7)));
        assert_eq!(serde_json::to_string(&coldkey).unwrap(), text);
    }
}
