//! Which connections stay open when there are too many: those of strangers make room, a verified caller's don't.
//!
//! A connection is a stranger's until a request on it is verified. When an address, or all together, hold too many of
//! these, the oldest is closed for the newest, so that whoever sends its request at once gets through a crowd that
//! holds its connections open. A verified connection counts against its caller alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foretell_core::hotkey::Hotkey;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// How many connections may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Of strangers, in all.
    pub strangers: usize,
    /// Of strangers at one address (IPv4), or in one network of 64 bits (IPv6).
    pub strangers_per_address: usize,
    /// Of one verified caller.
    pub per_caller: usize,
}

/// The connections of a service.
#[derive(Debug, Clone)]
pub struct OpenConnections(Arc<Mutex<ConnectionTable>>);

/// One connection; it counts until it is dropped.
#[derive(Debug)]
pub struct OpenConnection {
    id: u64,
    table: OpenConnections,
    closed: CancellationToken,
}

#[derive(Debug)]
struct ConnectionTable {
    limits: ConnectionLimits,
    next_id: u64,
    by_id: BTreeMap<u64, TableEntry>,
    /// Ids rise with time: the first of each set is the oldest.
    strangers: BTreeMap<u128, BTreeSet<u64>>,
    stranger_count: usize,
    callers: BTreeMap<Hotkey, BTreeSet<u64>>,
}

#[derive(Debug)]
struct TableEntry {
    holder: Holder,
    closed: CancellationToken,
}

#[derive(Debug, Clone, Copy)]
enum Holder {
    Stranger(u128),
    Caller(Hotkey),
}

impl OpenConnections {
    /// No connection yet.
    pub fn new(limits: ConnectionLimits) -> Self {
        Self(Arc::new(Mutex::new(ConnectionTable {
            limits,
            next_id: 0,
            by_id: BTreeMap::new(),
            strangers: BTreeMap::new(),
            stranger_count: 0,
            callers: BTreeMap::new(),
        })))
    }

    /// Takes a new connection in, and closes the oldest of a stranger where there are too many.
    pub fn admit(&self, peer: IpAddr) -> Arc<OpenConnection> {
        let closed = CancellationToken::new();
        let id = self.lock().admit(network_of(peer), closed.clone());
        Arc::new(OpenConnection {
            id,
            table: self.clone(),
            closed,
        })
    }

    /// Closes the oldest stranger's connection at the address that holds most of them, if there is one.
    pub fn close_oldest_stranger(&self) {
        self.lock().close_oldest_of_busiest();
    }

    fn lock(&self) -> MutexGuard<'_, ConnectionTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnection {
    /// Completes once the connection is to be closed to make room.
    pub fn closed(&self) -> WaitForCancellationFuture<'_> {
        self.closed.cancelled()
    }

    /// A request on it was verified as this caller's.
    pub fn verified(&self, caller: Hotkey) {
        self.table.lock().verified(self.id, caller);
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.table.lock().remove(self.id);
    }
}

impl ConnectionTable {
    fn admit(&mut self, network: u128, closed: CancellationToken) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.by_id.insert(
            id,
            TableEntry {
                holder: Holder::Stranger(network),
                closed,
            },
        );
        let of_network = self.strangers.entry(network).or_default();
        of_network.insert(id);
        self.stranger_count += 1;
        if of_network.len() > self.limits.strangers_per_address {
            let oldest = of_network.first().copied();
            self.close(oldest);
        }
        if self.stranger_count > self.limits.strangers {
            self.close_oldest_of_busiest();
        }
        id
    }

    fn verified(&mut self, id: u64, caller: Hotkey) {
        match self.by_id.get(&id).map(|entry| entry.holder) {
            None => return,
            Some(Holder::Caller(holder)) if holder == caller => return,
            Some(_) => {}
        }
        let Some(TableEntry { closed, .. }) = self.remove(id) else {
            return;
        };
        let holder = Holder::Caller(caller);
        self.by_id.insert(id, TableEntry { holder, closed });
        let of_caller = self.callers.entry(caller).or_default();
        of_caller.insert(id);
        if of_caller.len() > self.limits.per_caller {
            let oldest = of_caller.iter().copied().find(|other| *other != id);
            self.close(oldest);
        }
    }

    fn close_oldest_of_busiest(&mut self) {
        let busiest = self.strangers.values().max_by_key(|ids| ids.len());
        let oldest = busiest.and_then(|ids| ids.first().copied());
        self.close(oldest);
    }

    fn close(&mut self, id: Option<u64>) {
        if let Some(entry) = id.and_then(|id| self.remove(id)) {
            entry.closed.cancel();
        }
    }

    fn remove(&mut self, id: u64) -> Option<TableEntry> {
        let entry = self.by_id.remove(&id)?;
        match entry.holder {
            Holder::Stranger(network) => {
                self.stranger_count -= 1;
                if let Some(ids) = self.strangers.get_mut(&network) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        self.strangers.remove(&network);
                    }
                }
            }
            Holder::Caller(caller) => {
                if let Some(ids) = self.callers.get_mut(&caller) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        self.callers.remove(&caller);
                    }
                }
            }
        }
        Some(entry)
    }
}

/// What counts as one address: whoever has an IPv6 address has the 64 bits below its network, too.
fn network_of(peer: IpAddr) -> u128 {
    match peer.to_canonical() {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6) >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use foretell_core::testing::hotkey;

    use super::*;

    fn table(strangers: usize, strangers_per_address: usize) -> OpenConnections {
        OpenConnections::new(ConnectionLimits {
            strangers,
            strangers_per_address,
            per_caller: 2,
        })
    }

    fn is_closed(connection: &OpenConnection) -> bool {
        connection.closed.is_cancelled()
    }

    fn address(n: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, n])
    }

    #[test]
    fn the_newest_of_an_address_closes_its_oldest_and_nobody_elses() {
        let table = table(100, 2);
        let other = table.admit(address(2));
        let crowd: Vec<_> = (0..5).map(|_| table.admit(address(1))).collect();
        let closed: Vec<_> = crowd.iter().map(|it| is_closed(it)).collect();
        assert_eq!(closed, [true, true, true, false, false]);
        assert!(!is_closed(&other));
    }

    #[test]
    fn a_verified_connection_makes_no_room_for_strangers() {
        let table = table(100, 2);
        let honest = table.admit(address(1));
        honest.verified(hotkey(1));
        let crowd: Vec<_> = (0..5).map(|_| table.admit(address(1))).collect();
        assert!(!is_closed(&honest));
        assert_eq!(crowd.iter().filter(|it| is_closed(it)).count(), 3);
    }

    #[test]
    fn one_caller_has_a_number_of_connections_and_takes_none_of_others() {
        let table = table(100, 100);
        let open = |caller| {
            let connection = table.admit(address(1));
            connection.verified(caller);
            connection
        };
        let other = open(hotkey(2));
        let own: Vec<_> = (0..3).map(|_| open(hotkey(1))).collect();
        // Verified again, it stays where it is.
        own[2].verified(hotkey(1));
        let closed: Vec<_> = own.iter().map(|it| is_closed(it)).collect();
        assert_eq!(closed, [true, false, false]);
        assert!(!is_closed(&other));
    }

    #[test]
    fn with_too_many_in_all_the_address_that_holds_most_makes_room() {
        let table = table(4, 100);
        let few = table.admit(address(1));
        let many: Vec<_> = (0..4).map(|_| table.admit(address(2))).collect();
        assert!(!is_closed(&few));
        let closed: Vec<_> = many.iter().map(|it| is_closed(it)).collect();
        assert_eq!(closed, [true, false, false, false]);
        drop(few);
        let next = table.admit(address(3));
        assert!(!is_closed(&next));
        assert!(!is_closed(&many[1]));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let table = table(100, 1);
        let host = |text: &str| table.admit(text.parse().unwrap());
        let first = host("2001:db8::1");
        let elsewhere = host("2001:db8:0:1::1");
        let mapped = host("::ffff:203.0.113.1");
        let _second = host("2001:db8::2");
        assert!(is_closed(&first));
        assert!(!is_closed(&elsewhere) && !is_closed(&mapped));
        let _plain = host("203.0.113.1");
        assert!(is_closed(&mapped));
    }

    #[test]
    fn what_ends_is_forgotten() {
        let table = table(100, 100);
        let connections: Vec<_> = (0..10).map(|n| table.admit(address(n))).collect();
        connections[3].verified(hotkey(1));
        drop(connections);
        let table = table.lock();
        assert!(table.by_id.is_empty() && table.strangers.is_empty() && table.callers.is_empty());
        assert_eq!(table.stranger_count, 0);
    }
}
