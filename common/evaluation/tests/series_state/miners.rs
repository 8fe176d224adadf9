//! Miners by what they do: some know a part of the future, some resubmit the reference, some misbehave.

use foretell_core::forecast::QuantileForecast;
use foretell_core::time::{Millis, UnixMillis};

use crate::market::{SIGMA, SyntheticMarket};

/// How a miner answers.
#[derive(Debug, Clone)]
pub enum MinerBehaviour {
    /// Three quantiles about this share of the move to come.
    Informed(f64),
    /// These moves, round after round.
    Fixed(QuantileForecast),
    /// The first behaviour before this instant, the second from then on.
    SwitchAt(UnixMillis, Box<(Self, Self)>),
    /// These actions, one a round, in turn.
    Adversary(Vec<AdversaryAction>),
}

/// What an adversary does with a round.
#[derive(Debug, Clone, Copy)]
pub enum AdversaryAction {
    /// Does not answer.
    Silence,
    /// Commits a millisecond too late.
    LateCommitment,
    /// Reveals a millisecond too late.
    LateReveal,
    /// Reveals other bytes than it committed to.
    OtherPayload,
    /// Commits to what is no forecast.
    InvalidPayload,
    /// Commits to values that are no numbers.
    NotANumber,
    /// Forecasts 1e300.
    Huge,
    /// Forecasts the smallest positive number.
    Tiny,
    /// Forecasts −1e300, which is a value but no price.
    Negative,
}

/// What a miner sends in one round.
pub struct MinerResponse {
    /// Committed payload.
    pub committed: Vec<u8>,
    /// Time from the request to the commitment.
    pub commit_delay: Millis,
    /// Revealed payload.
    pub revealed: Vec<u8>,
    /// Time from the request to the reveal.
    pub reveal_delay: Millis,
}

impl AdversaryAction {
    /// All actions.
    pub const ALL: [Self; 9] = [
        Self::Silence,
        Self::LateCommitment,
        Self::LateReveal,
        Self::OtherPayload,
        Self::InvalidPayload,
        Self::NotANumber,
        Self::Huge,
        Self::Tiny,
        Self::Negative,
    ];

    fn answer(self) -> Option<MinerResponse> {
        let late = Millis::literal(1);
        let sound = MinerResponse::at_once(points("100.0"));
        Some(match self {
            Self::Silence => return None,
            Self::LateCommitment => MinerResponse {
                commit_delay: late,
                ..sound
            },
            Self::LateReveal => MinerResponse {
                reveal_delay: late,
                ..sound
            },
            Self::OtherPayload => MinerResponse {
                revealed: points("101.0"),
                ..sound
            },
            Self::InvalidPayload => MinerResponse::at_once(b"\xff{rubbish".to_vec()),
            Self::NotANumber => MinerResponse::at_once(points("NaN")),
            Self::Huge => MinerResponse::at_once(points("1e300")),
            Self::Tiny => MinerResponse::at_once(points("5e-324")),
            Self::Negative => MinerResponse::at_once(points("-1e300")),
        })
    }
}

impl MinerResponse {
    fn at_once(payload: Vec<u8>) -> Self {
        Self {
            committed: payload.clone(),
            commit_delay: Millis::ZERO,
            revealed: payload,
            reveal_delay: Millis::ZERO,
        }
    }
}

impl MinerBehaviour {
    /// The answer in round number `n`, at `origin`; `None` if there is none.
    pub fn answer(
        &self,
        n: usize,
        origin: UnixMillis,
        market: &SyntheticMarket,
    ) -> Option<MinerResponse> {
        match self {
            Self::Informed(share) => {
                let around = |y: &f64| [-0.5, 0.0, 0.5].map(|spread| share * y + spread * SIGMA);
                let moves = market.moves(origin).iter().flat_map(around).collect();
                Some(MinerResponse::at_once(payload(
                    &QuantileForecast::from_moves(3, moves),
                    origin,
                    market,
                )))
            }
            Self::Fixed(fan) => Some(MinerResponse::at_once(payload(fan, origin, market))),
            Self::SwitchAt(when, behaviours) => {
                let behaviour = if origin < *when {
                    &behaviours.0
                } else {
                    &behaviours.1
                };
                behaviour.answer(n, origin, market)
            }
            Self::Adversary(actions) => actions[n % actions.len()].answer(),
        }
    }
}

/// The payload of these moves from the round's anchor.
fn payload(fan: &QuantileForecast, origin: UnixMillis, market: &SyntheticMarket) -> Vec<u8> {
    let moves = fan.rows().flatten();
    let values: Vec<f64> = moves.map(|change| market.price(origin, *change)).collect();
    let k = fan.k();
    serde_json::json!({ "kind": "quantiles", "k": k, "values": values })
        .to_string()
        .into_bytes()
}

/// A point forecast with one value, as text, at each of the four steps.
fn points(value: &str) -> Vec<u8> {
    let values = [value; crate::market::HORIZON].join(",");
    format!(r#"{{"kind":"quantiles","k":1,"values":[{values}]}}"#).into_bytes()
}
