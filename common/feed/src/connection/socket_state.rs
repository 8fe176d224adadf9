//! One socket of a connection: its stage and its deadlines.

use foretell_core::time::Millis;

use super::messages::SocketId;
use super::reasons::{DisconnectReason, ReplacementReason};
use super::timeouts::Timeouts;
use crate::event::Ack;
use crate::stream::SocketNumbering;
use crate::venue::{Ping, VenueLimits};

/// The state of one socket; times are those of the connection's monotonic clock.
#[derive(Debug)]
pub(super) struct SocketState {
    pub id: SocketId,
    pub stage: Stage,
    /// When the last byte came.
    pub bytes_at: Millis,
    /// When the last whole message, ping or pong came.
    pub message_at: Millis,
    /// When the last trade came.
    pub trade_at: Millis,
    /// When we last pinged.
    pub pinged_at: Millis,
    /// The venue announced a restart.
    pub restart_announced: bool,
    /// Why it is to be replaced.
    pub replacement: Option<ReplacementReason>,
    /// Its channels' numbers and its last frame's number.
    pub numbering: SocketNumbering,
    created_at: Millis,
    /// Spreads planned replacements: 0 ..= 1.
    jitter: f64,
}

/// How far a socket has come.
#[derive(Debug)]
pub(super) enum Stage {
    Opening {
        since: Millis,
    },
    Subscribing {
        since: Millis,
        pending_acks: Vec<Ack<'static>>,
    },
    Live {
        since: Millis,
    },
    Draining {
        until: Millis,
    },
}

impl SocketState {
    pub(super) fn opening(id: SocketId, now: Millis, jitter: f64) -> Self {
        Self {
            id,
            stage: Stage::Opening { since: now },
            bytes_at: now,
            message_at: now,
            trade_at: now,
            pinged_at: now,
            restart_announced: false,
            replacement: None,
            numbering: SocketNumbering::default(),
            created_at: now,
            jitter,
        }
    }

    /// A whole message or control frame came.
    pub(super) fn on_message(&mut self, now: Millis) {
        self.bytes_at = now;
        self.message_at = now;
    }

    pub(super) fn acknowledge(&mut self, ack: &Ack<'_>) {
        if let Stage::Subscribing { pending_acks, .. } = &mut self.stage {
            pending_acks.retain(|expected| !ack.matches(expected));
        }
    }

    pub(super) fn all_acknowledged(&self) -> bool {
        matches!(&self.stage, Stage::Subscribing { pending_acks, .. } if pending_acks.is_empty())
    }

    /// Why the socket is dead, if it is.
    pub(super) fn disconnect_reason(
        &self,
        now: Millis,
        limits: &VenueLimits,
        timeouts: &Timeouts,
    ) -> Option<DisconnectReason> {
        match &self.stage {
            Stage::Opening { since } => (now >= *since + timeouts.open)
                .then_some(DisconnectReason::ConnectTimeout(timeouts.open)),
            Stage::Subscribing {
                since,
                pending_acks,
            } => {
                let first = pending_acks
                    .first()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                let late = now >= *since + timeouts.acknowledge;
                late.then_some(DisconnectReason::Unacknowledged(
                    first,
                    timeouts.acknowledge,
                ))
            }
            Stage::Live { .. } if now >= self.bytes_at + limits.byte_timeout => {
                Some(DisconnectReason::NoBytes(limits.byte_timeout))
            }
            Stage::Live { .. } if now >= self.message_at + limits.message_timeout => {
                Some(DisconnectReason::NoMessages(limits.message_timeout))
            }
            Stage::Live { .. } | Stage::Draining { .. } => None,
        }
    }

    /// Why the socket is to be replaced; `None` again after the first time.
    pub(super) fn replacement_due(
        &mut self,
        now: Millis,
        limits: &VenueLimits,
        timeouts: &Timeouts,
    ) -> Option<ReplacementReason> {
        if self.replacement.is_some() || !matches!(self.stage, Stage::Live { .. }) {
            return None;
        }
        self.replacement = if self.restart_announced {
            Some(ReplacementReason::Notice)
        } else if self.retires_at(limits).is_some_and(|at| at <= now) {
            Some(ReplacementReason::Age)
        } else if now >= self.trade_at + timeouts.no_trades {
            Some(ReplacementReason::Quiet)
        } else {
            None
        };
        self.replacement
    }

    pub(super) fn ping_due(&self, now: Millis, limits: &VenueLimits) -> bool {
        matches!(self.stage, Stage::Live { .. } | Stage::Subscribing { .. })
            && now >= self.pinged_at + ping_interval(limits)
    }

    /// Its next deadline.
    pub(super) fn next_tick(&self, limits: &VenueLimits, timeouts: &Timeouts) -> Millis {
        match &self.stage {
            Stage::Opening { since } => *since + timeouts.open,
            Stage::Subscribing { since, .. } => {
                (*since + timeouts.acknowledge).min(self.pinged_at + ping_interval(limits))
            }
            Stage::Live { .. } => {
                let dead = (self.bytes_at + limits.byte_timeout)
                    .min(self.message_at + limits.message_timeout);
                let soon = dead.min(self.pinged_at + ping_interval(limits));
                match self.replacement {
                    Some(_) => soon,
                    None => soon
                        .min(self.trade_at + timeouts.no_trades)
                        .min(self.retires_at(limits).unwrap_or(soon)),
                }
            }
            Stage::Draining { until } => *until,
        }
    }

    /// At 90 to 95 % of the age at which the venue closes it, so that not all connections are replaced at once.
    fn retires_at(&self, limits: &VenueLimits) -> Option<Millis> {
        let max_age = limits.max_age?.get() as f64;
        let age = max_age * (0.90 + 0.05 * self.jitter);
        Some(self.created_at + Millis::saturating(age as i64))
    }
}

const fn ping_interval(limits: &VenueLimits) -> Millis {
    match limits.ping {
        Ping::Message(every, _) | Ping::Frame(every) => every,
    }
}
