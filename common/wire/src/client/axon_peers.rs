//! Which miners are known to speak the older [axon protocol](crate::axon).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foretell_core::hotkey::Hotkey;

/// Miners whose older protocol is remembered; more than any subnet has.
const MAX_REMEMBERED_AXONS: usize = 4096;
/// Miners that speak the older protocol, each at the address where it did so last.
#[derive(Debug, Default)]
pub(super) struct AxonPeers {
    addresses: Mutex<HashMap<Hotkey, SocketAddr>>,
}

impl AxonPeers {
    /// Whether this miner spoke the older protocol at this address.
    pub(super) fn contains(&self, miner: &Hotkey, address: SocketAddr) -> bool {
        self.lock().get(miner) == Some(&address)
    }

    /// Remembers the miner. When the memory is full it is emptied: whoever was in it is found out again.
    pub(super) fn insert(&self, miner: Hotkey, address: SocketAddr) {
        let mut addresses = self.lock();
        if addresses.len() >= MAX_REMEMBERED_AXONS {
            addresses.clear();
        }
        addresses.insert(miner, address);
    }

    /// Forgets the miner.
    pub(super) fn remove(&self, miner: &Hotkey) {
        self.lock().remove(miner);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Hotkey, SocketAddr>> {
        // A panic elsewhere leaves no entry half made.
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
