//! The life of a venue's connection, as a state machine: `(time, input) → (actions, notes)`. No socket, clock or
//! chance of its own; [`crate::socket`] runs it on real ones, tests on none.
//!
//! ```text
//!            Open                 opened              every topic acknowledged
//!  waiting ───────▶ opening ───────────▶ subscribing ─────────────────────▶ live
//!     ▲                │ refused, late        │ refused, ignored              │ dead: silent, or words cease
//!     └── full jitter ◀┴──────────────────────┴──────────────────────────────┤
//!                                                                             │ leaving: age, notice, long quiet
//!                                             a successor is opened first, and once it is live: draining ─▶ closed
//! ```
//!
//! Three clocks watch a live socket. *Bytes*: nothing at all means that the line is dead. *Words*: bytes without a whole
//! message, heartbeat or pong mean that too. *Trades*: none for long means a quiet market or a forgotten
//! subscription, and nobody can tell which; so the socket stays and a successor is opened beside it.

mod backoff;
mod clock_offset;
mod socket;

use foretell_core::time::{Millis, UnixMillis};
use thiserror::Error;

use self::backoff::{Backoff, Spent};
use self::clock_offset::ClockOffset;
use self::socket::{Socket, Stage};
use crate::event::{Event, FrameError, Market, Status};
use crate::stream::{Counts, Heard, Stream};
use crate::venue::{Ping, Subscription, Terms, Venue};

/// Names a socket of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// What happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<'a> {
    /// Time went by.
    Tick,
    /// The socket is open.
    Opened(SocketId),
    /// Bytes came, whatever they are.
    Bytes(SocketId),
    /// A control frame came: a ping or a pong.
    Control(SocketId),
    /// A message came, at this time by our clock.
    Text(SocketId, &'a str, UnixMillis),
    /// The socket couldn't be opened, or is gone.
    Gone(SocketId, Loss),
    /// Everything is to be closed.
    Stop,
}

/// What is to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open a socket.
    Open(SocketId),
    /// Send a message.
    Send(SocketId, String),
    /// Send a ping frame.
    Ping(SocketId),
    /// Close a socket; its end needn't be told.
    Close(SocketId),
}

/// What the connection has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Note<'a> {
    /// A subscribed trade, or anything else that the venue said.
    Heard(Heard<'a>),
    /// A frame that isn't what the protocol says.
    Fault(&'a FrameError),
    /// A trade of something that wasn't subscribed to.
    Stranger(&'a Market<'a>),
    /// Every topic is acknowledged.
    Live(SocketId),
    /// The socket is replaced for this reason.
    Leaving(SocketId, Reason),
    /// The socket is gone for this reason; the next is opened after this span.
    Lost(SocketId, &'a Loss, Millis),
}

/// Why a socket is replaced while it still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The venue will soon cut it.
    Age,
    /// The venue said that it is going to restart.
    Notice,
    /// No trade for long.
    Quiet,
}

/// Why a socket is gone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Loss {
    /// It broke, or was closed by the venue.
    #[error("connection broke: {0}")]
    Broken(String),
    /// The venue answered the handshake with an HTTP status.
    #[error("the venue answered status {status}{}", meaning(*.status))]
    Status {
        /// The status.
        status: u16,
        /// How long it asks to be left alone.
        retry_after: Option<Millis>,
    },
    /// It didn't open in time.
    #[error("no connection within {0}")]
    NotOpened(Millis),
    /// A subscription was refused.
    #[error("subscription refused: {0}; check the venue's pairs in the configuration")]
    Refused(String),
    /// A subscription was never acknowledged.
    #[error("{0} was not acknowledged within {1}")]
    Unacknowledged(String, Millis),
    /// Not a byte.
    #[error("not a byte for {0}")]
    Silent(Millis),
    /// Bytes, but no message, heartbeat or pong.
    #[error("no message, heartbeat or pong for {0}")]
    Wordless(Millis),
}

/// How long a connection waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a socket to open.
    pub open: Millis,
    /// For all acknowledgements.
    pub acknowledge: Millis,
    /// How long an old socket is still listened to once its successor is live.
    pub drain: Millis,
    /// Without a trade for so long, a successor is opened.
    pub quiet: Millis,
    /// Retries come within this at first,
    pub first_retry: Millis,
    /// and within this in the end.
    pub longest_retry: Millis,
    /// A socket that was live for so long makes retries quick again.
    pub steady: Millis,
    /// How long a venue is left alone that has refused us, when it doesn't say.
    pub refused: Millis,
}

/// The connection to one venue.
#[derive(Debug)]
pub struct Connection {
    venue: &'static dyn Venue,
    terms: Terms,
    patience: Patience,
    symbols: Vec<String>,
    stream: Stream,
    /// Oldest first; at most one that is neither live nor draining.
    sockets: Vec<Socket>,
    opened: u64,
    backoff: Backoff,
    spent: Spent,
    clock_offset: ClockOffset,
    stopping: bool,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            open: Millis::seconds(10),
            acknowledge: Millis::seconds(10),
            drain: Millis::seconds(2),
            quiet: Millis::minutes(10),
            first_retry: Millis::seconds(1),
            longest_retry: Millis::minutes(1),
            steady: Millis::minutes(1),
            refused: Millis::minutes(10),
        }
    }
}

impl Connection {
    /// A connection for the trades of these symbols; `seed` gives its jitter. It opens at the first input.
    pub fn new(
        venue: &'static dyn Venue,
        terms: Terms,
        patience: Patience,
        symbols: Vec<String>,
        seed: u64,
    ) -> Self {
        Self {
            venue,
            terms,
            patience,
            symbols,
            stream: Stream::new(venue),
            sockets: Vec::new(),
            opened: 0,
            backoff: Backoff::new(patience.first_retry, patience.longest_retry, seed),
            spent: Spent::new(terms.connects),
            clock_offset: ClockOffset::default(),
            stopping: false,
        }
    }

    /// Takes in what happened at `now`, a steady clock's time since any beginning.
    pub fn handle(
        &mut self,
        now: Millis,
        input: Input<'_>,
        on: &mut dyn FnMut(Note<'_>),
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            Input::Tick => {}
            Input::Opened(id) => self.opened(now, id, &mut actions),
            Input::Bytes(id) => {
                if let Some(socket) = self.socket(id) {
                    socket.bytes_at = now;
                }
            }
            Input::Control(id) => {
                if let Some(socket) = self.socket(id) {
                    socket.word(now);
                }
            }
            Input::Text(id, text, received) => self.text(now, id, text, received, &mut actions, on),
            Input::Gone(id, loss) => self.lose(now, id, &loss, on),
            Input::Stop => {
                self.stopping = true;
                actions.extend(
                    self.sockets
                        .drain(..)
                        .map(|socket| Action::Close(socket.id)),
                );
            }
        }
        self.watch(now, &mut actions, on);
        self.open_what_is_needed(now, &mut actions);
        actions
    }

    /// When the next [`Input::Tick`] is due at the latest.
    pub fn next_tick(&self, now: Millis) -> Millis {
        let sockets = self
            .sockets
            .iter()
            .map(|s| s.next_tick(&self.terms, &self.patience));
        let open = self.needs_socket().then(|| self.may_open_at(now));
        sockets
            .chain(open)
            .min()
            .unwrap_or(now + Millis::hours(1))
            .max(now)
    }

    /// Whether trades are coming in.
    pub fn is_live(&self) -> bool {
        let live = |socket: &Socket| matches!(socket.stage, Stage::Live { .. });
        self.sockets.iter().any(live)
    }

    /// What has been seen since the beginning.
    pub const fn counts(&self) -> &Counts {
        self.stream.counts()
    }

    /// How far our clock is ahead of the venue's, at most; `None` before it said a time.
    pub fn clock_offset(&self) -> Option<Millis> {
        self.clock_offset.get()
    }

    fn socket(&mut self, id: SocketId) -> Option<&mut Socket> {
        self.sockets.iter_mut().find(|socket| socket.id == id)
    }

    fn opened(&mut self, now: Millis, id: SocketId, actions: &mut Vec<Action>) {
        let asked = self.venue.subscribe(&self.symbols);
        let Some(socket) = self.socket(id) else {
            return;
        };
        socket.bytes_at = now;
        socket.word(now);
        let awaited = asked.iter().flat_map(|s| s.acks.clone()).collect();
        socket.stage = Stage::Subscribing {
            since: now,
            awaited,
        };
        let sends = asked
            .into_iter()
            .map(|Subscription { text, .. }| Action::Send(id, text));
        actions.extend(sends);
    }

    fn text(
        &mut self,
        now: Millis,
        id: SocketId,
        text: &str,
        received: UnixMillis,
        actions: &mut Vec<Action>,
        on: &mut dyn FnMut(Note<'_>),
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
        socket.word(now);
        let mut refused = None;
        let mut numbering = std::mem::take(&mut socket.numbering);
        let heard = stream.hear(&mut numbering, text, &mut |heard| {
            match &heard {
                Heard::Event(Event::Trade(trade)) | Heard::Duplicate(trade) => {
                    let known = |symbol: &str| symbols.iter().any(|known| known == symbol);
                    match &trade.market {
                        Market::Symbol(symbol) if known(symbol) => {}
                        market => return on(Note::Stranger(market)),
                    }
                    socket.trade_at = now;
                    clock_offset.note(received, trade.time);
                }
                Heard::Event(Event::Status(Status::Subscribed(ack))) => socket.acknowledge(ack),
                Heard::Event(Event::Status(Status::Heartbeat { time: Some(time) })) => {
                    clock_offset.note(received, *time);
                }
                Heard::Event(Event::Status(Status::Restart)) => socket.noticed = true,
                Heard::Event(Event::Refused(why)) => refused = Some(why.to_string()),
                _ => {}
            }
            on(Note::Heard(heard));
        });
        socket.numbering = numbering;
        if let Err(fault) = &heard {
            on(Note::Fault(fault));
        }
        let subscribing = matches!(socket.stage, Stage::Subscribing { .. });
        match refused {
            Some(why) if subscribing => {
                actions.push(Action::Close(id));
                self.lose(now, id, &Loss::Refused(why), on);
            }
            _ if subscribing && socket.all_acknowledged() => self.live(now, id, on),
            _ => {}
        }
    }

    /// A socket went live: the one before it is only drained, and one that still drains has nothing that this one lacks.
    fn live(&mut self, now: Millis, id: SocketId, on: &mut dyn FnMut(Note<'_>)) {
        for socket in &mut self.sockets {
            if socket.id == id {
                socket.trade_at = now;
                socket.stage = Stage::Live { since: now };
                continue;
            }
            match &mut socket.stage {
                Stage::Live { .. } => {
                    let until = now + self.patience.drain;
                    socket.stage = Stage::Draining { until };
                }
                Stage::Draining { until } => *until = now,
                _ => {}
            }
        }
        on(Note::Live(id));
    }

    /// Looks at every clock of every socket.
    fn watch(&mut self, now: Millis, actions: &mut Vec<Action>, on: &mut dyn FnMut(Note<'_>)) {
        let mut lost = Vec::new();
        for socket in &mut self.sockets {
            if let Some(loss) = socket.loss(now, &self.terms, &self.patience) {
                lost.push((socket.id, loss));
                continue;
            }
            if let Some(reason) = socket.leaves(now, &self.terms, &self.patience) {
                on(Note::Leaving(socket.id, reason));
            }
            if socket.ping_due(now, &self.terms) {
                socket.pinged_at = now;
                actions.push(match self.terms.ping {
                    Ping::Message(_, text) => Action::Send(socket.id, text.to_owned()),
                    Ping::Frame(_) => Action::Ping(socket.id),
                });
            }
        }
        for (id, loss) in lost {
            actions.push(Action::Close(id));
            self.lose(now, id, &loss, on);
        }
        self.sockets.retain(|socket| {
            let drained = matches!(socket.stage, Stage::Draining { until } if until <= now);
            if drained {
                actions.push(Action::Close(socket.id));
            }
            !drained
        });
    }

    fn lose(&mut self, now: Millis, id: SocketId, loss: &Loss, on: &mut dyn FnMut(Note<'_>)) {
        let Some(place) = self.sockets.iter().position(|socket| socket.id == id) else {
            return;
        };
        let socket = self.sockets.remove(place);
        let steady = |since: Millis| now - since >= self.patience.steady;
        match socket.stage {
            // It has done its work.
            Stage::Draining { .. } => return,
            Stage::Live { since } if steady(since) => self.backoff.calm_down(),
            _ => {}
        }
        let at_least = match loss {
            Loss::Status {
                status: 403 | 418 | 429 | 451,
                retry_after,
            } => retry_after.unwrap_or(self.patience.refused),
            Loss::Status {
                retry_after: Some(span),
                ..
            } => *span,
            Loss::Refused(_) => self.patience.refused,
            _ => Millis(0),
        };
        let wait = self.backoff.after_loss(now, at_least);
        on(Note::Lost(id, loss, wait));
    }

    /// Whether no socket is there, or on its way, that is to stay.
    fn needs_socket(&self) -> bool {
        let stays = |socket: &Socket| match socket.stage {
            Stage::Opening { .. } | Stage::Subscribing { .. } => true,
            Stage::Live { .. } => socket.leaving.is_none(),
            Stage::Draining { .. } => false,
        };
        !self.stopping && !self.sockets.iter().any(stays)
    }

    fn may_open_at(&self, now: Millis) -> Millis {
        self.backoff.may_retry_at().max(self.spent.free_at(now))
    }

    fn open_what_is_needed(&mut self, now: Millis, actions: &mut Vec<Action>) {
        if self.needs_socket() && self.may_open_at(now) <= now {
            self.opened += 1;
            let id = SocketId(self.opened);
            self.spent.note(now);
            let share = self.backoff.share();
            self.sockets.push(Socket::opening(id, now, share));
            actions.push(Action::Open(id));
        }
    }
}

/// What a status means, where it needs saying.
const fn meaning(status: u16) -> &'static str {
    match status {
        418 | 429 => ": too many requests",
        403 | 451 => {
            ": it doesn't serve this address or region; use another host or turn the venue off"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests;
