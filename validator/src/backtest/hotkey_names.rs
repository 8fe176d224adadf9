//! Hotkeys for the names in forecasts files: the core knows miners and owners by key.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foretell_core::hash::sha256;
use foretell_core::hotkey::Hotkey;

/// The names of all miners and owners, by key.
#[derive(Debug, Default)]
pub struct HotkeyNames {
    by_key: BTreeMap<Hotkey, String>,
    /// The keys by name, so that each is made once.
    keys: HashMap<String, Hotkey>,
}

impl HotkeyNames {
    /// The key of this name, which is kept; the same name always has the same key.
    pub fn key(&mut self, name: &str) -> Hotkey {
        if let Some(key) = self.keys.get(name) {
            return *key;
        }
        let key = key_of(name);
        self.keys.insert(name.to_owned(), key);
        self.by_key.entry(key).or_insert_with(|| name.to_owned());
        key
    }

    /// All names, in order of their keys.
    pub const fn by_key(&self) -> &BTreeMap<Hotkey, String> {
        &self.by_key
    }

    /// The names of these keys, without all others.
    pub fn only(&self, keys: &BTreeSet<Hotkey>) -> Self {
        let by_key = self.by_key.iter().filter(|(key, _)| keys.contains(key));
        Self {
            by_key: by_key.map(|(key, name)| (*key, name.clone())).collect(),
            keys: HashMap::new(),
        }
    }

    /// The name of a key; its address if it has none.
    pub fn name(&self, key: &Hotkey) -> String {
        self.by_key
            .get(key)
            .cloned()
            .unwrap_or_else(|| key.to_string())
    }
}

/// An address stands for its own key. Any other name stands for a key that begins like it, so that the order of keys,
/// in which sums are taken, is the order of names.
fn key_of(name: &str) -> Hotkey {
    const WHOLE: usize = 32;
    const BEGINNING: usize = 20;
    if let Ok(key) = name.parse() {
        return key;
    }
    let bytes = name.as_bytes();
    let mut key = [0; WHOLE];
    if bytes.len() <= WHOLE {
        key[..bytes.len()].copy_from_slice(bytes);
    } else {
        key[..BEGINNING].copy_from_slice(&bytes[..BEGINNING]);
        key[BEGINNING..].copy_from_slice(&sha256(bytes).0[..WHOLE - BEGINNING]);
    }
    Hotkey(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_names_and_differ() {
        let long = "a".repeat(33);
        let longer = "a".repeat(34);
        let mut names = ["b", "a", "ab", &long, &longer, "é"];
        names.sort_unstable();
        let keys: Vec<Hotkey> = names.into_iter().map(key_of).collect();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(key_of("a") < key_of("ab"), "a" < "ab");
        assert_eq!(key_of("ab") < key_of("b"), "ab" < "b");
    }

    #[test]
    fn an_address_is_its_own_key() {
        let address = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
        assert_eq!(key_of(address).to_string(), address);
    }
}
