//! What a data directory says of its journal, read from outside.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Number of records that are known to be durable; 0 before the first.
pub fn durable_record_count(data: &Path) -> u64 {
    let Ok(bytes) = fs::read(data.join("journal/head.json")) else {
        return 0;
    };
    let head: Value = serde_json::from_slice(&bytes).unwrap();
    head["records"].as_u64().unwrap()
}

/// The kind of every record, oldest first.
pub fn record_kinds(data: &Path) -> Vec<String> {
    let database = sled::open(data.join("journal/sled")).unwrap();
    let records = database.scan_prefix(b"j").map(|entry| {
        let (_, bytes) = entry.unwrap();
        let entry: Value = serde_json::from_slice(&bytes).unwrap();
        entry["record"]["kind"].as_str().unwrap().to_owned()
    });
    records.collect()
}
