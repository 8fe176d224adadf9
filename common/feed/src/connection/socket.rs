//! One socket of a connection: its stage and its clocks.

use foretell_core::time::Millis;

use super::{Loss, Patience, Reason, SocketId};
use crate::event::Ack;
use crate::stream::Numbering;
use crate::venue::{Ping, Terms};

/// A socket.
#[derive(Debug)]
pub(super) struct Socket {
    pub id: SocketId,
    pub stage: Stage,
    /// When the last byte came.
    pub bytes_at: Millis,
    /// When the last whole message, ping or pong came.
    pub words_at: Millis,
    /// When the last trade came.
    pub trade_at: Millis,
    /// When we last pinged.
    pub pinged_at: Millis,
    /// The venue said that it is going to restart.
    pub noticed: bool,
    /// Why it is to be replaced.
    pub leaving: Option<Reason>,
    /// Names and numbers of its channels and frames.
    pub numbering: Numbering,
    born: Millis,
    /// Spreads planned replacements: 0 ..= 1.
    share: f64,
}

/// How far a socket has come.
#[derive(Debug)]
pub(super) enum Stage {
    Opening {
        since: Millis,
    },
    Subscribing {
        since: Millis,
        awaited: Vec<Ack<'static>>,
    },
    Live {
        since: Millis,
    },
    Draining {
        until: Millis,
    },
}

impl Socket {
    pub(super) fn opening(id: SocketId, now: Millis, share: f64) -> Self {
        Self {
            id,
            stage: Stage::Opening { since: now },
            bytes_at: now,
            words_at: now,
            trade_at: now,
            pinged_at: now,
            noticed: false,
            leaving: None,
            numbering: Numbering::default(),
            born: now,
            share,
        }
    }

    /// A whole message or control frame came.
    pub(super) fn word(&mut self, now: Millis) {
        self.bytes_at = now;
        self.words_at = now;
    }

    pub(super) fn acknowledge(&mut self, ack: &Ack<'_>) {
        if let Stage::Subscribing { awaited, .. } = &mut self.stage {
            awaited.retain(|expected| !ack.answers(expected));
        }
    }

    pub(super) fn all_acknowledged(&self) -> bool {
        matches!(&self.stage, Stage::Subscribing { awaited, .. } if awaited.is_empty())
    }

    /// Why the socket is dead, if it is.
    pub(super) fn loss(&self, now: Millis, terms: &Terms, patience: &Patience) -> Option<Loss> {
        match &self.stage {
            Stage::Opening { since } => {
                (now >= *since + patience.open).then_some(Loss::NotOpened(patience.open))
            }
            Stage::Subscribing { since, awaited } => {
                let first = awaited.first().map(ToString::to_string).unwrap_or_default();
                let late = now >= *since + patience.acknowledge;
                late.then_some(Loss::Unacknowledged(first, patience.acknowledge))
            }
            Stage::Live { .. } if now >= self.bytes_at + terms.silence => {
                Some(Loss::Silent(terms.silence))
            }
            Stage::Live { .. } if now >= self.words_at + terms.heartbeat => {
                Some(Loss::Wordless(terms.heartbeat))
            }
            Stage::Live { .. } | Stage::Draining { .. } => None,
        }
    }

    /// Why the socket is to be replaced, said once.
    pub(super) fn leaves(
        &mut self,
        now: Millis,
        terms: &Terms,
        patience: &Patience,
    ) -> Option<Reason> {
        if self.leaving.is_some() || !matches!(self.stage, Stage::Live { .. }) {
            return None;
        }
        self.leaving = if self.noticed {
            Some(Reason::Notice)
        } else if self.retires_at(terms).is_some_and(|at| at <= now) {
            Some(Reason::Age)
        } else if now >= self.trade_at + patience.quiet {
            Some(Reason::Quiet)
        } else {
            None
        };
        self.leaving
    }

    pub(super) fn ping_due(&self, now: Millis, terms: &Terms) -> bool {
        matches!(self.stage, Stage::Live { .. } | Stage::Subscribing { .. })
            && now >= self.pinged_at + every(terms)
    }

    /// When one of its clocks runs out next.
    pub(super) fn next_tick(&self, terms: &Terms, patience: &Patience) -> Millis {
        match &self.stage {
            Stage::Opening { since } => *since + patience.open,
            Stage::Subscribing { since, .. } => {
                (*since + patience.acknowledge).min(self.pinged_at + every(terms))
            }
            Stage::Live { .. } => {
                let dead = (self.bytes_at + terms.silence).min(self.words_at + terms.heartbeat);
                let soon = dead.min(self.pinged_at + every(terms));
                match self.leaving {
                    Some(_) => soon,
                    None => soon
                        .min(self.trade_at + patience.quiet)
                        .min(self.retires_at(terms).unwrap_or(soon)),
                }
            }
            Stage::Draining { until } => *until,
        }
    }

    /// Between 90 and 95 % of the age at which the venue cuts it.
    fn retires_at(&self, terms: &Terms) -> Option<Millis> {
        let lifetime = terms.lifetime?.0 as f64;
        let age = lifetime * (0.90 + 0.05 * self.share);
        Some(self.born + Millis(age as i64))
    }
}

const fn every(terms: &Terms) -> Millis {
    match terms.ping {
        Ping::Message(every, _) | Ping::Frame(every) => every,
    }
}
