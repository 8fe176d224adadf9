//! A validator in memory: it carries out the actions that are due, one record at a time, on simulated time.

use std::collections::BTreeMap;

use foretell_core::hash::{Hash, Hex, Nonce, sha256};
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{JournalHead, Record};
use foretell_core::miss::MissReason;
use foretell_core::round::{RoundAction, RoundEvent};
use foretell_core::signed_text::commitment;
use foretell_core::state::{Action, SeriesState};
use foretell_core::testing::STEP;
use foretell_core::time::UnixMillis;

use crate::market::SyntheticMarket;
use crate::miners::{MinerBehaviour, MinerResponse};

const NONCE: Nonce = Hex([7; 32]);

/// Everything outside a validator.
pub struct TestNetwork {
    /// Where prices come from.
    pub market: SyntheticMarket,
    /// How each miner answers.
    pub miners: BTreeMap<Hotkey, MinerBehaviour>,
}

/// A validator with all that a crash would leave it: its journal and the payloads.
pub struct InMemoryValidator<'n> {
    network: &'n TestNetwork,
    /// What its journal adds up to.
    pub state: SeriesState,
    /// The round clock, which is simulated.
    pub now: UnixMillis,
    /// The journal's end.
    pub head: JournalHead,
    journal: Vec<Vec<u8>>,
    payloads: BTreeMap<Hash, Vec<u8>>,
}

impl TestNetwork {
    /// A validator after the last round of this network.
    pub fn run_to_end(&self) -> InMemoryValidator<'_> {
        let mut validator = InMemoryValidator::new(self);
        validator.finish();
        validator
    }

    fn answer(
        &self,
        miner: &Hotkey,
        state: &SeriesState,
        origin: UnixMillis,
    ) -> Option<MinerResponse> {
        let genesis = state.genesis();
        let n = (origin - genesis.first_origin).get() / genesis.round_every.get();
        self.miners[miner].answer(n as usize, origin, &self.market)
    }
}

impl<'n> InMemoryValidator<'n> {
    /// A validator whose journal has just begun.
    pub fn new(network: &'n TestNetwork) -> Self {
        let genesis = network.market.genesis();
        let (mut head, now) = (JournalHead::EMPTY, genesis.first_origin);
        let first_entry = head.append(now, Record::Genesis(genesis.clone()));
        Self {
            network,
            state: SeriesState::new(genesis),
            now,
            head,
            journal: vec![first_entry],
            payloads: BTreeMap::new(),
        }
    }

    /// The validator that reads this one's journal after a crash.
    pub fn restarted(&self) -> Self {
        let mut head = JournalHead::EMPTY;
        let mut entries = self
            .journal
            .iter()
            .map(|bytes| head.verify_next(bytes).unwrap());
        let first = entries.next().unwrap();
        let Record::Genesis(genesis) = first.record else {
            panic!("a journal begins with its genesis");
        };
        let (mut state, mut now) = (SeriesState::new(genesis), first.at);
        for entry in entries {
            state.apply(&entry.record).unwrap();
            now = entry.at;
        }
        if let Some(hash) = state.missing_fit_state() {
            state.restore_fit_state(&self.payloads[&hash]).unwrap();
        }
        Self {
            network: self.network,
            state,
            now,
            head,
            journal: self.journal.clone(),
            payloads: self.payloads.clone(),
        }
    }

    /// Goes on to the next record; `false` after the last round.
    pub fn step(&mut self) -> bool {
        let genesis = self.state.genesis();
        let end = genesis.end_origin + genesis.series.grid.span();
        while self.now < end {
            if let Some(action) = self.state.due_actions(self.now).into_iter().next() {
                let record = self.execute(action);
                if let Record::Scored { fit, .. } = &record {
                    let bytes = fit.state().unwrap().to_bytes();
                    self.payloads.insert(fit.hash(), bytes);
                }
                self.state.apply(&record).unwrap();
                self.journal.push(self.head.append(self.now, record));
                return true;
            }
            self.now = self.now + STEP;
        }
        false
    }

    /// Goes on to the last record.
    pub fn finish(&mut self) {
        while self.step() {}
    }

    /// The first record that carrying out an action gives.
    fn execute(&mut self, action: Action) -> Record {
        let (origin, action) = match action {
            Action::OpenRound(origin) => {
                let asked = self.network.miners.keys().copied().collect();
                let opened = self.state.open(origin, asked, &BTreeMap::new());
                return opened.unwrap();
            }
            Action::Round(origin, action) => (origin, action),
        };
        match action {
            RoundAction::RequestCommitments { from, .. } => {
                self.request_commitment(origin, from[0])
            }
            RoundAction::RequestReveals { from, .. } => self.request_reveal(origin, from[0].0),
            RoundAction::Settle => {
                let settled = RoundEvent::Settled(self.network.market.settlement(origin));
                self.state.decide(origin, settled).unwrap()
            }
            RoundAction::Score {
                settlement,
                forecasts,
                pool,
                missed,
            } => {
                let stored = |(key, hash)| (key, self.payloads[&hash].clone());
                let payloads = forecasts.into_iter().map(stored).collect();
                let scored = self
                    .state
                    .score(origin, &settlement, &payloads, &pool, missed);
                scored.unwrap()
            }
        }
    }

    fn request_commitment(&self, origin: UnixMillis, miner: Hotkey) -> Record {
        let genesis = self.state.genesis();
        let round = genesis.series.round(origin);
        let event = match self.network.answer(&miner, &self.state, origin) {
            None => RoundEvent::Failed {
                miner,
                miss: MissReason::Silent,
            },
            Some(answer) => RoundEvent::Commitment {
                miner,
                commitment: commitment(
                    &round,
                    &genesis.validator,
                    &miner,
                    &NONCE,
                    &answer.committed,
                ),
                arrival: self.now + answer.commit_delay,
                signature: Hex([0; 64]),
                receipt: Hex([0; 64]),
            },
        };
        self.state.decide(origin, event).unwrap()
    }

    fn request_reveal(&mut self, origin: UnixMillis, miner: Hotkey) -> Record {
        let answer = self.network.answer(&miner, &self.state, origin);
        let answer = answer.expect("who has committed answers again");
        let event = RoundEvent::Reveal {
            miner,
            arrival: self.now + answer.reveal_delay,
            nonce: NONCE,
            payload: &answer.revealed,
            signature: Hex([0; 64]),
        };
        let record = self.state.decide(origin, event).unwrap();
        self.payloads
            .insert(sha256(&answer.revealed), answer.revealed);
        record
    }
}
