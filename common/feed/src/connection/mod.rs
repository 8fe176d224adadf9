//! The life of a venue's connection as a state machine: `(time, input) → (actions, events)`. It has no socket and no
//! clock, and its randomness comes from a seed; [`crate::websocket`] runs it on real sockets, tests on none.
//!
//! ```text
//!            Open                 opened              every topic acknowledged
//!  waiting ───────▶ opening ───────────▶ subscribing ─────────────────────▶ live
//!     ▲                │ refused, late        │ refused, ignored              │ dead: no bytes, or no messages
//!     └── full jitter ◀┴──────────────────────┴──────────────────────────────┤
//!                                                                             │ replaced: age, notice, long quiet
//!                                             a successor is opened first, and once it is live: draining ─▶ closed
//! ```
//!
//! A live socket has three deadlines. *Bytes*: without any, it is dead. *Messages*: bytes without a whole message,
//! heartbeat or pong are no sign of life either. *Trades*: none for long means a quiet market or a forgotten
//! subscription, and nothing shows which; so the socket stays and a successor is opened beside it.

mod backoff;
mod clock_offset;
mod messages;
mod reasons;
mod socket_state;
mod timeouts;

use foretell_core::time::{Millis, UnixMillis};

use self::backoff::{Backoff, ConnectLimiter};
use self::clock_offset::ClockOffset;
pub use self::messages::{ConnectionAction, ConnectionEvent, ConnectionInput, SocketId};
pub use self::reasons::{DisconnectReason, ReplacementReason};
use self::socket_state::{SocketState, Stage};
pub use self::timeouts::Timeouts;
use crate::event::{MarketId, StatusMessage, VenueEvent};
use crate::retry_after::RetryAfter;
use crate::stream::{FeedEvent, StreamStats, VenueStream};
use crate::venue::{Ping, Subscription, Venue, VenueLimits};

/// The connection to one venue: a live socket, its successor, and those that drain.
#[derive(Debug)]
pub struct VenueConnection {
    venue: &'static dyn Venue,
    limits: VenueLimits,
    timeouts: Timeouts,
    symbols: Vec<String>,
    stream: VenueStream,
    /// Oldest first; at most one that is neither live nor draining.
    sockets: Vec<SocketState>,
    opened_sockets: u64,
    backoff: Backoff,
    connect_limiter: ConnectLimiter,
    clock_offset: ClockOffset,
    stopping: bool,
}

impl VenueConnection {
    /// A connection for the trades of these symbols; `seed` gives its jitter. It opens at the first input.
    pub fn new(
        venue: &'static dyn Venue,
        limits: VenueLimits,
        timeouts: Timeouts,
        symbols: Vec<String>,
        seed: u64,
    ) -> Self {
        Self {
            venue,
            limits,
            timeouts,
            symbols,
            stream: VenueStream::new(venue),
            sockets: Vec::new(),
            opened_sockets: 0,
            backoff: Backoff::new(timeouts.initial_backoff, timeouts.max_backoff, seed),
            connect_limiter: ConnectLimiter::new(limits.connect_limit),
            clock_offset: ClockOffset::default(),
            stopping: false,
        }
    }

    /// Takes in an input at `now`, which is the time of a monotonic clock since any beginning; hands events to `on` and
    /// returns the actions to carry out, in order.
    pub fn handle(
        &mut self,
        now: Millis,
        input: ConnectionInput<'_>,
        on: &mut dyn FnMut(ConnectionEvent<'_>),
    ) -> Vec<ConnectionAction> {
        let mut actions = Vec::new();
        match input {
            ConnectionInput::Tick => {}
            ConnectionInput::Opened(id) => self.on_opened(now, id, &mut actions),
            ConnectionInput::Bytes(id) => {
                if let Some(socket) = self.socket_mut(id) {
                    socket.bytes_at = now;
                }
            }
            ConnectionInput::Control(id) => {
                if let Some(socket) = self.socket_mut(id) {
                    socket.on_message(now);
                }
            }
            ConnectionInput::Text(id, text, received) => {
                self.on_text(now, id, text, received, &mut actions, on);
            }
            ConnectionInput::Closed(id, reason) => self.disconnect(now, id, &reason, on),
            ConnectionInput::Stop => {
                self.stopping = true;
                actions.extend(
                    self.sockets
                        .drain(..)
                        .map(|socket| ConnectionAction::Close(socket.id)),
                );
            }
        }
        self.check_deadlines(now, &mut actions, on);
        self.open_if_needed(now, &mut actions);
        actions
    }

    /// When the next [`ConnectionInput::Tick`] is due at the latest.
    pub fn next_tick(&self, now: Millis) -> Millis {
        let sockets = self
            .sockets
            .iter()
            .map(|s| s.next_tick(&self.limits, &self.timeouts));
        let open = self.needs_socket().then(|| self.next_open_at(now));
        sockets
            .chain(open)
            .min()
            .unwrap_or(now + Millis::hours(1))
            .max(now)
    }

    /// Whether a socket has all subscriptions acknowledged.
    pub fn is_live(&self) -> bool {
        let live = |socket: &SocketState| matches!(socket.stage, Stage::Live { .. });
        self.sockets.iter().any(live)
    }

    /// Counts since the beginning, over all sockets.
    pub const fn stats(&self) -> &StreamStats {
        self.stream.stats()
    }

    /// Upper bound of how far our clock is ahead of the venue's; `None` before the first message with a time.
    pub fn clock_offset(&self) -> Option<Millis> {
        self.clock_offset.get()
    }

    fn socket_mut(&mut self, id: SocketId) -> Option<&mut SocketState> {
        self.sockets.iter_mut().find(|socket| socket.id == id)
    }

    fn on_opened(&mut self, now: Millis, id: SocketId, actions: &mut Vec<ConnectionAction>) {
        let subscriptions = self.venue.subscribe(&self.symbols);
        let Some(socket) = self.socket_mut(id) else {
            return;
        };
        socket.bytes_at = now;
        socket.on_message(now);
        let pending_acks = subscriptions.iter().flat_map(|s| s.acks.clone()).collect();
        socket.stage = Stage::Subscribing {
            since: now,
            pending_acks,
        };
        let sends = subscriptions
            .into_iter()
            .map(|Subscription { text, .. }| ConnectionAction::Send(id, text));
        actions.extend(sends);
    }

    fn on_text(
        &mut self,
        now: Millis,
        id: SocketId,
        text: &str,
        received: UnixMillis,
        actions: &mut Vec<ConnectionAction>,
        on: &mut dyn FnMut(ConnectionEvent<'_>),
    ) {
        let Self {
            sockets,
            stream,
            symbols,
            clock_offset,
            ..
        } = self;
        let Some(socket) = sockets.iter_mut().find(|socket| socket.id == id) else {
            return;
        };
        socket.bytes_at = now;
        socket.on_message(now);
        let mut refused = None;
        let mut numbering = std::mem::take(&mut socket.numbering);
        let result = stream.process_frame(&mut numbering, text, &mut |event| {
            match &event {
                FeedEvent::Venue(VenueEvent::Trade(trade)) | FeedEvent::Duplicate(trade) => {
                    let known = |symbol: &str| symbols.iter().any(|known| known == symbol);
                    match &trade.market {
                        MarketId::Symbol(symbol) if known(symbol) => {}
                        market => return on(ConnectionEvent::UnknownMarket(market)),
                    }
                    socket.trade_at = now;
                    clock_offset.update(received, trade.time);
                }
                FeedEvent::Venue(VenueEvent::Status(StatusMessage::Subscribed(ack))) => {
                    socket.acknowledge(ack);
                }
                FeedEvent::Venue(VenueEvent::Status(StatusMessage::Heartbeat {
                    time: Some(time),
                })) => {
                    clock_offset.update(received, *time);
                }
                FeedEvent::Venue(VenueEvent::Status(StatusMessage::Restart)) => {
                    socket.restart_announced = true;
                }
                FeedEvent::Venue(VenueEvent::Refused(why)) => refused = Some(why.to_string()),
                _ => {}
            }
            on(ConnectionEvent::Feed(event));
        });
        socket.numbering = numbering;
        if let Err(error) = &result {
            on(ConnectionEvent::MalformedFrame(error));
        }
        let subscribing = matches!(socket.stage, Stage::Subscribing { .. });
        match refused {
            Some(why) if subscribing => {
                actions.push(ConnectionAction::Close(id));
                self.disconnect(now, id, &DisconnectReason::SubscriptionRefused(why), on);
            }
            _ if subscribing && socket.all_acknowledged() => self.go_live(now, id, on),
            _ => {}
        }
    }

    /// A socket went live. The one before it drains from now on; one that drains already has no trade that this one lacks,
    /// so it is closed.
    fn go_live(&mut self, now: Millis, id: SocketId, on: &mut dyn FnMut(ConnectionEvent<'_>)) {
        for socket in &mut self.sockets {
            if socket.id == id {
                socket.trade_at = now;
                socket.stage = Stage::Live { since: now };
                continue;
            }
            match &mut socket.stage {
                Stage::Live { .. } => {
                    let until = now + self.timeouts.drain;
                    socket.stage = Stage::Draining { until };
                }
                Stage::Draining { until } => *until = now,
                _ => {}
            }
        }
        on(ConnectionEvent::Live(id));
    }

    /// Acts on every deadline of every socket that has passed.
    fn check_deadlines(
        &mut self,
        now: Millis,
        actions: &mut Vec<ConnectionAction>,
        on: &mut dyn FnMut(ConnectionEvent<'_>),
    ) {
        let mut dead = Vec::new();
        for socket in &mut self.sockets {
            if let Some(reason) = socket.disconnect_reason(now, &self.limits, &self.timeouts) {
                dead.push((socket.id, reason));
                continue;
            }
            if let Some(reason) = socket.replacement_due(now, &self.limits, &self.timeouts) {
                on(ConnectionEvent::Replacing(socket.id, reason));
            }
            if socket.ping_due(now, &self.limits) {
                socket.pinged_at = now;
                actions.push(match self.limits.ping {
                    Ping::Message(_, text) => ConnectionAction::Send(socket.id, text.to_owned()),
                    Ping::Frame(_) => ConnectionAction::Ping(socket.id),
                });
            }
        }
        for (id, reason) in dead {
            actions.push(ConnectionAction::Close(id));
            self.disconnect(now, id, &reason, on);
        }
        self.sockets.retain(|socket| {
            let drained = matches!(socket.stage, Stage::Draining { until } if until <= now);
            if drained {
                actions.push(ConnectionAction::Close(socket.id));
            }
            !drained
        });
    }

    fn disconnect(
        &mut self,
        now: Millis,
        id: SocketId,
        reason: &DisconnectReason,
        on: &mut dyn FnMut(ConnectionEvent<'_>),
    ) {
        let Some(index) = self.sockets.iter().position(|socket| socket.id == id) else {
            return;
        };
        let socket = self.sockets.remove(index);
        let was_steady = |since: Millis| now - since >= self.timeouts.backoff_reset;
        match socket.stage {
            // Its successor is live.
            Stage::Draining { .. } => return,
            Stage::Live { since } if was_steady(since) => self.backoff.reset(),
            _ => {}
        }
        let at_least = match reason {
            DisconnectReason::HttpStatus {
                status: 403 | 418 | 429 | 451,
                retry_after,
            } => retry_after.map_or(self.timeouts.refused_backoff, RetryAfter::as_millis),
            DisconnectReason::HttpStatus {
                retry_after: Some(pause),
                ..
            } => pause.as_millis(),
            DisconnectReason::SubscriptionRefused(_) => self.timeouts.refused_backoff,
            _ => Millis::literal(0),
        };
        let wait = self.backoff.after_disconnect(now, at_least);
        on(ConnectionEvent::Disconnected(id, reason, wait));
    }

    /// Whether a socket is to be opened: none is live, opening or subscribing that isn't to be replaced.
    fn needs_socket(&self) -> bool {
        let stays = |socket: &SocketState| match socket.stage {
            Stage::Opening { .. } | Stage::Subscribing { .. } => true,
            Stage::Live { .. } => socket.replacement.is_none(),
            Stage::Draining { .. } => false,
        };
        !self.stopping && !self.sockets.iter().any(stays)
    }

    fn next_open_at(&self, now: Millis) -> Millis {
        self.backoff
            .retry_at()
            .max(self.connect_limiter.next_allowed_at(now))
    }

    fn open_if_needed(&mut self, now: Millis, actions: &mut Vec<ConnectionAction>) {
        if self.needs_socket() && self.next_open_at(now) <= now {
            self.opened_sockets += 1;
            let id = SocketId(self.opened_sockets);
            self.connect_limiter.record(now);
            let jitter = self.backoff.jitter_fraction();
            self.sockets.push(SocketState::opening(id, now, jitter));
            actions.push(ConnectionAction::Open(id));
        }
    }
}

#[cfg(test)]
mod tests;
