//! The miners of the small network: what they do depends on the round alone.

use std::net::SocketAddr;
use std::time::Duration;

use foretell_core::attest::{commitment, nonce_text};
use foretell_core::series::RoundId;
use foretell_core::time::Millis;
use foretell_wire::client::AskError;
use foretell_wire::keypair::verifies;
use foretell_wire::messages::{CommitAnswer, OutcomeNotice, RevealAnswer};

use super::super::*;
use super::world::{FIRST, HORIZON, Mortal, ROUND_EVERY, STEP, hotkey, key};

/// Who is asked: one miner that always answers, and one with all bad habits in turn.
#[derive(Debug)]
pub struct Village;

/// What the moody miner does in a round, in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Honest,
    Late,
    Silent,
    Rubbish,
    Swapping,
    Withholding,
}

impl Mood {
    fn of(miner: &Hotkey, origin: UnixMillis) -> Self {
        if *miner == hotkey("steady") {
            return Self::Honest;
        }
        match ((origin - FIRST).0 / ROUND_EVERY.0) % 6 {
            0 => Self::Honest,
            1 => Self::Rubbish,
            2 => Self::Late,
            3 => Self::Swapping,
            4 => Self::Silent,
            _ => Self::Withholding,
        }
    }

    fn payload(self, origin: UnixMillis) -> String {
        let middle = 100.0 + (origin.0 / STEP.0 % 7) as f64 / 10.0;
        let row = [middle - 0.5, middle, middle + 0.5];
        let values = row.repeat(HORIZON);
        match self {
            Self::Rubbish => "rubbish".into(),
            _ => serde_json::json!({"kind": "quantiles", "k": 3, "values": values}).to_string(),
        }
    }
}

fn key_of(miner: &Hotkey) -> Keypair {
    let mut keys = ["steady", "moody"].map(key).into_iter();
    keys.find(|key| key.hotkey() == *miner).unwrap()
}

impl Village {
    fn committed(miner: &Hotkey, round: &RoundId) -> CommitAnswer {
        let payload = Mood::of(miner, round.origin).payload(round.origin);
        let (key, validator) = (key_of(miner), hotkey("validator"));
        let nonce = key.nonce(&nonce_text(round, &validator));
        CommitAnswer {
            commitment: commitment(round, &validator, miner, &nonce, payload.as_bytes()),
            signature: key.sign(round.to_string().as_bytes()),
        }
    }
}

impl Mortal<Village> {
    fn reached(&self, miner: &Hotkey, axon: SocketAddr) -> Result<(), NoAnswer> {
        self.fuse.pass().map_err(|_| NoAnswer::Broken {
            miner: *miner,
            axon,
            source: AskError::TimedOut(Duration::ZERO),
        })
    }
}

impl Miners for Mortal<Village> {
    async fn commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
    ) -> Result<Arrived<CommitAnswer>, NoAnswer> {
        self.reached(miner, axon)?;
        let late = match Mood::of(miner, request.round.origin) {
            Mood::Silent => return Err(NoAnswer::Miss(Miss::Silent)),
            Mood::Late => Millis(1),
            _ => Millis(0),
        };
        Ok(Arrived {
            answer: Village::committed(miner, &request.round),
            at: request.round_time_ms + late,
        })
    }

    async fn reveal(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &RevealRequest,
        _deadline: UnixMillis,
        now: UnixMillis,
    ) -> Result<Arrived<RevealAnswer>, NoAnswer> {
        self.reached(miner, axon)?;
        let RevealRequest { round, receipt } = request;
        let text = receipt_text(round, miner, &receipt.commitment, receipt.arrival);
        let validator = hotkey("validator");
        assert!(verifies(&validator, text.as_bytes(), &receipt.signature));
        assert_eq!(
            receipt.commitment,
            Village::committed(miner, round).commitment
        );
        assert!(self.durable.journalled(&receipt.signature.to_string()));
        let mood = Mood::of(miner, round.origin);
        let key = key_of(miner);
        let payload = match mood {
            Mood::Withholding => return Err(NoAnswer::Miss(Miss::Silent)),
            Mood::Swapping => "another".to_owned(),
            _ => mood.payload(round.origin),
        };
        Ok(Arrived {
            answer: RevealAnswer {
                nonce: key.nonce(&nonce_text(round, &validator)),
                signature: key.sign(payload.as_bytes()),
                payload,
            },
            at: now,
        })
    }
    async fn tell(
        &self,
        miner: &Hotkey,
        _axon: SocketAddr,
        notices: &[OutcomeNotice],
        _patience: Duration,
    ) {
        let mut told = self.durable.told.lock().unwrap();
        told.extend(notices.iter().map(|notice| (*miner, notice.clone())));
    }
}
