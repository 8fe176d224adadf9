//! Processes as the kernel lists them.

use std::fs;

/// A process, told from a later one of the same id by when it began.
#[derive(Debug, PartialEq, Eq)]
pub struct ProcessTableEntry {
    /// Given to another process some time after this one has ended.
    pub id: u32,
    parent: u32,
    /// In clock ticks since the machine was started.
    start_time: u64,
}

impl ProcessTableEntry {
    /// The living children of a process.
    pub fn children_of(parent: u32) -> Vec<Self> {
        let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let name = entry.unwrap().file_name();
            name.to_str()?.parse().ok()
        });
        ids.filter_map(Self::find_alive)
            .filter(|process| process.parent == parent)
            .collect()
    }

    /// Whether this very process still runs.
    pub fn is_alive(&self) -> bool {
        Self::find_alive(self.id).is_some_and(|process| process.start_time == self.start_time)
    }

    /// The process of this id, unless it has ended, whether or not its parent knows yet.
    fn find_alive(id: u32) -> Option<Self> {
        let line = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // "id (name) state parent …": the name may hold anything, so count from its end (man 5 proc_pid_stat).
        let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
        let [state, parent, .., _] = fields.as_slice() else {
            return None;
        };
        let alive = !matches!(*state, "Z" | "X");
        alive.then_some(Self {
            id,
            parent: parent.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }
}

/// The largest resident size of a process so far; 0 once it is gone.
pub fn peak_memory_kb(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
