//! Timelocked weights that we make are read by the ecosystem's own library, once their round is out.

use foretell_chain::subtensor::timelock;
use foretell_core::hotkey::{Hotkey, Uid};
use foretell_testkit::{BittensorSdk, DRAND_ROUND, DRAND_SIGNATURE};
use serde_json::json;

#[test]
fn the_ecosystems_library_decrypts_our_commitments() {
    let (uids, values) = ([Uid(1), Uid(200)], [65_535, 12]);
    for payload in [
        timelock::payload_v4(&Hotkey([7; 32]), &uids, &values, 3),
        timelock::payload_v3(&uids, &values, 3),
        // A whole subnet's.
        timelock::payload_v4(&Hotkey([7; 32]), &[Uid(9); 256], &[1; 256], 3),
    ] {
        let commit = timelock::encrypt(&payload, DRAND_ROUND).unwrap();
        assert!(commit.len() <= 5_000, "{} bytes are too many", commit.len());
        let input = json!({"commit": hex::encode(&commit), "round": DRAND_ROUND, "signature": DRAND_SIGNATURE});
        let opened = BittensorSdk::V10.run("decrypt_commit.py", &input);
        assert_eq!(opened["payload"], hex::encode(&payload));
    }
}
