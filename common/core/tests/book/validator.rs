//! A validator in memory: it does what its book wants, one record at a time, on simulated time.

use std::collections::BTreeMap;

use foretell_core::attest::{Hash, Hex, Nonce, commitment, sha256};
use foretell_core::book::{Book, Task};
use foretell_core::hotkey::Hotkey;
use foretell_core::journal::{Head, Record};
use foretell_core::round::{Event, Miss, Want};
use foretell_core::time::UnixMillis;

use crate::market::{Market, STEP};
use crate::miners::{Answer, Style};

const NONCE: Nonce = Hex([7; 32]);

/// Everything outside a validator.
pub struct World {
    /// Where prices come from.
    pub market: Market,
    /// Who answers, and how.
    pub miners: BTreeMap<Hotkey, Style>,
}

/// A validator with all that a crash would leave it: its journal and the payloads.
pub struct Validator<'w> {
    world: &'w World,
    /// The state.
    pub book: Book,
    /// Simulated time.
    pub now: UnixMillis,
    /// The journal's end.
    pub head: Head,
    journal: Vec<Vec<u8>>,
    payloads: BTreeMap<Hash, Vec<u8>>,
}

impl World {
    /// A validator at the end of this world's season.
    pub fn played(&self) -> Validator<'_> {
        let mut validator = Validator::new(self);
        validator.finish();
        validator
    }

    fn answer(&self, miner: &Hotkey, book: &Book, origin: UnixMillis) -> Option<Answer> {
        let charter = book.charter();
        let n = (origin - charter.first).0 / charter.round_every.0;
        self.miners[miner].answer(n as usize, origin, &self.market)
    }
}

impl<'w> Validator<'w> {
    /// A validator whose journal has just begun.
    pub fn new(world: &'w World) -> Self {
        let charter = world.market.charter();
        let (mut head, now) = (Head::EMPTY, charter.first);
        let began = head.append(now, Record::Began(charter.clone()));
        Self {
            world,
            book: Book::new(charter),
            now,
            head,
            journal: vec![began],
            payloads: BTreeMap::new(),
        }
    }

    /// The validator that reads this one's journal after a crash.
    pub fn restarted(&self) -> Self {
        let mut head = Head::EMPTY;
        let mut entries = self.journal.iter().map(|bytes| head.follow(bytes).unwrap());
        let first = entries.next().unwrap();
        let Record::Began(charter) = first.record else {
            panic!("a journal begins with its charter");
        };
        let (mut book, mut now) = (Book::new(charter), first.at);
        for entry in entries {
            book.apply(&entry.record).unwrap();
            now = entry.at;
        }
        if let Some(hash) = book.missing_fit() {
            book.restore_fit(&self.payloads[&hash]).unwrap();
        }
        Self {
            world: self.world,
            book,
            now,
            head,
            journal: self.journal.clone(),
            payloads: self.payloads.clone(),
        }
    }

    /// Goes on to the next record; `false` at the end of the season.
    pub fn step(&mut self) -> bool {
        let charter = self.book.charter();
        let end = charter.end + charter.series.grid.span();
        while self.now < end {
            if let Some(task) = self.book.wants(self.now).into_iter().next() {
                let record = self.carry_out(task);
                if let Record::Scored { fit, .. } = &record {
                    let bytes = fit.state().unwrap().to_bytes();
                    self.payloads.insert(fit.hash(), bytes);
                }
                self.book.apply(&record).unwrap();
                self.journal.push(self.head.append(self.now, record));
                return true;
            }
            self.now = self.now + STEP;
        }
        false
    }

    /// Goes on to the end of the season.
    pub fn finish(&mut self) {
        while self.step() {}
    }

    /// The first record that a task leads to.
    fn carry_out(&mut self, task: Task) -> Record {
        let (origin, want) = match task {
            Task::Open(origin) => {
                let asked = self.world.miners.keys().copied().collect();
                let opened = self.book.open(origin, asked, &BTreeMap::new());
                return opened.unwrap();
            }
            Task::Round(origin, want) => (origin, want),
        };
        match want {
            Want::Commitments { from, .. } => self.ask(origin, from[0]),
            Want::Reveals { from, .. } => self.ask_to_reveal(origin, from[0].0),
            Want::Settlement => {
                let settled = Event::Settled(self.world.market.settlement(origin));
                self.book.decide(origin, settled).unwrap()
            }
            Want::Scores {
                settlement,
                forecasts,
                pool,
                missed,
            } => {
                let stored = |(key, hash)| (key, self.payloads[&hash].clone());
                let payloads = forecasts.into_iter().map(stored).collect();
                let scored = self
                    .book
                    .score(origin, &settlement, &payloads, &pool, missed);
                scored.unwrap()
            }
        }
    }

    fn ask(&self, origin: UnixMillis, miner: Hotkey) -> Record {
        let charter = self.book.charter();
        let round = charter.series.round(origin);
        let event = match self.world.answer(&miner, &self.book, origin) {
            None => Event::Failed {
                miner,
                miss: Miss::Silent,
            },
            Some(answer) => Event::Commitment {
                miner,
                commitment: commitment(
                    &round,
                    &charter.validator,
                    &miner,
                    &NONCE,
                    &answer.committed,
                ),
                arrival: self.now + answer.commit_delay,
                signature: Hex([0; 64]),
                receipt: Hex([0; 64]),
            },
        };
        self.book.decide(origin, event).unwrap()
    }

    fn ask_to_reveal(&mut self, origin: UnixMillis, miner: Hotkey) -> Record {
        let answer = self.world.answer(&miner, &self.book, origin);
        let answer = answer.expect("who committed answers");
        let event = Event::Reveal {
            miner,
            arrival: self.now + answer.reveal_delay,
            nonce: NONCE,
            payload: &answer.revealed,
            signature: Hex([0; 64]),
        };
        let record = self.book.decide(origin, event).unwrap();
        self.payloads
            .insert(sha256(&answer.revealed), answer.revealed);
        record
    }
}
