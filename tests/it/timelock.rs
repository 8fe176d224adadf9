//! Timelocked weights that we make are read by the ecosystem's own library, once their round is out.

use foretell_chain::subtensor::timelock;
use foretell_core::hotkey::{Hotkey, Uid};
use serde_json::json;

use crate::driver::BittensorSdk;

/// Round 1,000 of drand's quicknet, as drand published it in August 2023.
const ROUND: u64 = 1_000;
const SIGNATURE: &str = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39";

#[test]
fn the_ecosystems_library_decrypts_our_commitments() {
    let (uids, values) = ([Uid(1), Uid(200)], [65_535, 12]);
    for payload in [
        timelock::payload_v4(&Hotkey([7; 32]), &uids, &values, 3),
        timelock::payload_v3(&uids, &values, 3),
        // A whole subnet's.
        timelock::payload_v4(&Hotkey([7; 32]), &[Uid(9); 256], &[1; 256], 3),
    ] {
        let commit = timelock::encrypt(&payload, ROUND).unwrap();
        assert!(commit.len() <= 5_000, "{} bytes are too many", commit.len());
        let input = json!({"commit": hex::encode(&commit), "round": ROUND, "signature": SIGNATURE});
        let opened = BittensorSdk::V10.run("decrypt_commit.py", &input);
        assert_eq!(opened["payload"], hex::encode(&payload));
    }
}
