//! What validator and miner sign, and the hash that binds a miner to its payload before T.
//!
//! Every text below is versioned and stands in the journal's evidence: change one, and old rounds
//! no longer verify.

use sha2::{Digest, Sha256};

use crate::hash::{Commitment, Hash, Hex, Nonce, sha256};
use crate::hotkey::Hotkey;
use crate::series::RoundId;
use crate::time::UnixMillis;

/// The commitment of `miner` to `payload` in a round of `validator`: SHA-256 of
/// `foretell/commit/1\nSERIES\nT_MS\nVALIDATOR\nMINER\nNONCE\n` followed by the payload.
pub fn commitment(
    round: &RoundId,
    validator: &Hotkey,
    miner: &Hotkey,
    nonce: &Nonce,
    payload: &[u8],
) -> Commitment {
    let (series, origin) = (&round.series, round.origin);
    let mut hash = Sha256::new();
    hash.update(format!(
        "foretell/commit/1\n{series}\n{origin}\n{validator}\n{miner}\n{nonce}\n"
    ));
    hash.update(payload);
    Hex(hash.finalize().into())
}

/// The text that a miner signs with its commitment.
pub fn answer_text(round: &RoundId, validator: &Hotkey, commitment: &Commitment) -> String {
    format!("foretell/answer/1\n{round}\n{validator}\n{commitment}")
}

/// The text that a validator signs for a commitment that arrived in time.
pub fn receipt_text(
    round: &RoundId,
    miner: &Hotkey,
    commitment: &Commitment,
    arrival: UnixMillis,
) -> String {
    format!("foretell/receipt/1\n{round}\n{miner}\n{commitment}\n{arrival}")
}

/// The text that a miner signs with its payload.
pub fn reveal_text(round: &RoundId, validator: &Hotkey, payload: &[u8]) -> String {
    reveal_text_from_digest(round, validator, &sha256(payload))
}

/// [`reveal_text`] of the payload with this SHA-256.
pub fn reveal_text_from_digest(round: &RoundId, validator: &Hotkey, digest: &Hash) -> String {
    format!("foretell/reveal/1\n{round}\n{validator}\n{digest}")
}

/// The text that a miner's nonce is derived from, under its own secret: the same for the same request.
pub fn nonce_text(round: &RoundId, validator: &Hotkey) -> String {
    let (series, origin) = (&round.series, round.origin);
    format!("foretell/nonce/1\n{series}\n{origin}\n{validator}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Worked with `printf 'foretell/commit/1\nBTC/USD\n1704067200000\n5FHn…\n5FLS…\n0…0\n{}' | sha256sum`.
    #[test]
    fn the_commitment_is_the_hash_of_its_documented_text() {
        let round: RoundId = "BTC/USD@1704067200000".parse().unwrap();
        let validator: Hotkey = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
            .parse()
            .unwrap();
        let miner: Hotkey = "5FLSigC9HGRKVhB9FiEo4Y3koPsNmBmLJbpXg2mp1hXcS59Y"
            .parse()
            .unwrap();
        let found = commitment(&round, &validator, &miner, &Hex([0; 32]), b"{}");
        assert_eq!(
            found.to_string(),
            "e1dade2f1b8f48897f048d64dd6658ac54946e38555cd83dae667948aaa31b8e"
        );
    }

    /// All inputs of the texts and of the commitment.
    #[derive(Debug, Clone, PartialEq)]
    struct Inputs {
        round: RoundId,
        validator: Hotkey,
        miner: Hotkey,
        nonce: Nonce,
        payload: Vec<u8>,
        arrival: UnixMillis,
    }

    impl Inputs {
        fn commitment(&self) -> Commitment {
            let Self {
                round,
                validator,
                miner,
                nonce,
                payload,
                ..
            } = self;
            commitment(round, validator, miner, nonce, payload)
        }

        fn texts(&self) -> [String; 4] {
            let (round, validator) = (&self.round, &self.validator);
            let fixed = Hex([0; 32]);
            [
                answer_text(round, validator, &fixed),
                receipt_text(round, &self.miner, &fixed, self.arrival),
                reveal_text(round, validator, &self.payload),
                nonce_text(round, validator),
            ]
        }
    }

    fn inputs() -> impl Strategy<Value = Inputs> {
        let key = || any::<[u8; 32]>();
        let instant = || any::<i64>().prop_map(UnixMillis::saturating);
        let round = ("[A-Z/.-]{1,8}", instant());
        (round, key(), key(), key(), any::<Vec<u8>>(), instant()).prop_map(
            |((series, origin), validator, miner, nonce, payload, arrival)| Inputs {
                round: RoundId {
                    series: series.parse().unwrap(),
                    origin,
                },
                validator: Hotkey(validator),
                miner: Hotkey(miner),
                nonce: Hex(nonce),
                payload,
                arrival,
            },
        )
    }

    proptest! {
        #[test]
        fn each_input_changes_the_commitment_and_the_texts_that_name_it(a in inputs(), b in inputs()) {
            // One input after the other from `a` to `b`, and the texts that name it: answer, receipt, reveal, nonce.
            type Change = fn(&mut Inputs, Inputs);
            let changes: [(Change, bool, [bool; 4]); 7] = [
                (|i, b| i.round.series = b.round.series, true, [true; 4]),
                (|i, b| i.round.origin = b.round.origin, true, [true; 4]),
                (|i, b| i.validator = b.validator, true, [true, false, true, true]),
                (|i, b| i.miner = b.miner, true, [false, true, false, false]),
                (|i, b| i.nonce = b.nonce, true, [false; 4]),
                (|i, b| i.payload = b.payload, true, [false, false, true, false]),
                (|i, b| i.arrival = b.arrival, false, [false, true, false, false]),
            ];
            for (change, committed, named) in changes {
                let mut changed = a.clone();
                change(&mut changed, b.clone());
                let differs = changed != a;
                prop_assert_eq!(changed.commitment() != a.commitment(), differs && committed);
                for ((before, after), named) in a.texts().iter().zip(changed.texts()).zip(named) {
                    prop_assert_eq!(*before != after, differs && named, "{} and {}", before, after);
                }
            }
        }

        #[test]
        fn each_commitment_changes_the_texts_that_name_it(a in inputs(), b in inputs()) {
            let (one, other) = (Hex(a.nonce.0), Hex(b.nonce.0));
            let (round, validator, miner) = (&a.round, &a.validator, &a.miner);
            let answers = [one, other].map(|c| answer_text(round, validator, &c));
            prop_assert_eq!(answers[0] == answers[1], one == other);
            let receipts = [one, other].map(|c| receipt_text(round, miner, &c, a.arrival));
            prop_assert_eq!(receipts[0] == receipts[1], one == other);
        }
    }

    #[test]
    fn no_two_kinds_of_text_can_be_taken_for_each_other() {
        let round: RoundId = "BTC/USD@1704067200000".parse().unwrap();
        let (key, hash) = (Hotkey([1; 32]), Hex([2; 32]));
        let texts = [
            answer_text(&round, &key, &hash),
            receipt_text(&round, &key, &hash, round.origin),
            reveal_text(&round, &key, b""),
            nonce_text(&round, &key),
        ];
        let titles: Vec<&str> = texts
            .iter()
            .filter_map(|text| text.lines().next())
            .collect();
        let expected =
            ["answer", "receipt", "reveal", "nonce"].map(|kind| format!("foretell/{kind}/1"));
        assert_eq!(titles, expected);
    }
}
