//! The miners of the small network: what they do depends on the round alone.

use std::net::SocketAddr;
use std::time::Duration;

use foretell_core::hotkey::Hotkey;
use foretell_core::miss::MissReason;
use foretell_core::series::RoundId;
use foretell_core::signed_text::{commitment, nonce_text, receipt_text};
use foretell_core::testing::{MONDAY, STEP};
use foretell_core::time::{Millis, UnixMillis};
use foretell_keys::keypair::{Keypair, verify_signature};
use foretell_wire::client::MinerRequestError;
use foretell_wire::messages::{
    CommitRequest, CommitResponse, OutcomeNotice, RevealRequest, RevealResponse,
};

use super::super::miners::{AnswerError, Miners, TimedAnswer};
use super::test_network::{HORIZON, Killable, ROUND_EVERY, hotkey, key};

/// A miner that always answers, `steady`, and one that makes every mistake in turn, `moody`.
#[derive(Debug)]
pub struct ScriptedMiners;

/// What the moody miner does in a round, in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Honest,
    Late,
    Silent,
    Rubbish,
    Swapping,
    Withholding,
}

impl Behaviour {
    fn in_round(miner: &Hotkey, origin: UnixMillis) -> Self {
        if *miner == hotkey("steady") {
            return Self::Honest;
        }
        match ((origin - MONDAY).get() / ROUND_EVERY.get()) % 6 {
            0 => Self::Honest,
            1 => Self::Rubbish,
            2 => Self::Late,
            3 => Self::Swapping,
            4 => Self::Silent,
            _ => Self::Withholding,
        }
    }

    fn payload(self, origin: UnixMillis) -> String {
        let middle = 100.0 + (origin.get() / STEP.get() % 7) as f64 / 10.0;
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

impl ScriptedMiners {
    fn commit_response(miner: &Hotkey, round: &RoundId) -> CommitResponse {
        let payload = Behaviour::in_round(miner, round.origin).payload(round.origin);
        let (key, validator) = (key_of(miner), hotkey("validator"));
        let nonce = key.nonce(&nonce_text(round, &validator));
        CommitResponse {
            commitment: commitment(round, &validator, miner, &nonce, payload.as_bytes()),
            signature: key.sign(round.to_string().as_bytes()),
        }
    }
}

impl Killable<ScriptedMiners> {
    fn pass_fail_point(&self, miner: &Hotkey, axon: SocketAddr) -> Result<(), AnswerError> {
        self.fail_point.pass().map_err(|_| AnswerError::Broken {
            miner: *miner,
            axon,
            source: MinerRequestError::TimedOut(Duration::ZERO),
        })
    }
}

impl Miners for Killable<ScriptedMiners> {
    async fn commitment(
        &self,
        miner: &Hotkey,
        axon: SocketAddr,
        request: &CommitRequest,
    ) -> Result<TimedAnswer<CommitResponse>, AnswerError> {
        self.pass_fail_point(miner, axon)?;
        let late = match Behaviour::in_round(miner, request.round.origin) {
            Behaviour::Silent => return Err(AnswerError::Miss(MissReason::Silent)),
            Behaviour::Late => Millis::literal(1),
            _ => Millis::ZERO,
        };
        Ok(TimedAnswer {
            answer: ScriptedMiners::commit_response(miner, &request.round),
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
    ) -> Result<TimedAnswer<RevealResponse>, AnswerError> {
        self.pass_fail_point(miner, axon)?;
        let RevealRequest { round, receipt } = request;
        let text = receipt_text(round, miner, &receipt.commitment, receipt.arrival);
        let validator = hotkey("validator");
        assert!(verify_signature(
            &validator,
            text.as_bytes(),
            &receipt.signature
        ));
        assert_eq!(
            receipt.commitment,
            ScriptedMiners::commit_response(miner, round).commitment
        );
        assert!(self.durable.journalled(&receipt.signature.to_string()));
        let behaviour = Behaviour::in_round(miner, round.origin);
        let key = key_of(miner);
        let payload = match behaviour {
            Behaviour::Withholding => return Err(AnswerError::Miss(MissReason::Silent)),
            Behaviour::Swapping => "another".to_owned(),
            _ => behaviour.payload(round.origin),
        };
        Ok(TimedAnswer {
            answer: RevealResponse {
                nonce: key.nonce(&nonce_text(round, &validator)),
                signature: key.sign(payload.as_bytes()),
                payload,
            },
            at: now,
        })
    }

    async fn notify(
        &self,
        miner: &Hotkey,
        _axon: SocketAddr,
        notices: &[OutcomeNotice],
        _timeout: Duration,
    ) {
        let mut notices_sent = self.durable.notices.lock().unwrap();
        notices_sent.extend(notices.iter().map(|notice| (*miner, notice.clone())));
    }
}
