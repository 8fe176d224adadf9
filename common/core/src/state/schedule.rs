//! Which actions of a series are due, and when the next ones will be.

use super::SeriesState;
use super::action::Action;
use crate::round::RoundAction;
use crate::time::UnixMillis;

impl SeriesState {
    /// The actions that are due at `now`, most urgent first: those with a deadline before those without.
    pub fn due_actions(&self, now: UnixMillis) -> Vec<Action> {
        let mut actions = Vec::new();
        let timing = &self.rules.timing;
        if self.next_origin < self.genesis.end_origin
            && now >= self.next_origin - timing.commit_opens_before
        {
            actions.push(Action::OpenRound(self.next_origin));
        }
        let rounds = self.rounds.iter().filter_map(|(origin, round)| {
            let action = round.due_action(now, &self.genesis.series, timing)?;
            Some(Action::Round(*origin, action))
        });
        actions.extend(rounds);
        actions.sort_by_key(|action| match action {
            Action::OpenRound(_) => 0,
            Action::Round(_, RoundAction::RequestCommitments { .. }) => 1,
            Action::Round(_, RoundAction::RequestReveals { .. }) => 2,
            Action::Round(_, RoundAction::Settle) => 3,
            Action::Round(_, RoundAction::Score { .. }) => 4,
        });
        actions
    }

    /// The next instant after `now` at which a round opens or has another action due; `None` if there is no round left.
    pub fn next_action_time(&self, now: UnixMillis) -> Option<UnixMillis> {
        let timing = &self.rules.timing;
        let next = (self.next_origin < self.genesis.end_origin)
            .then(|| self.next_origin - timing.commit_opens_before);
        let rounds = self.rounds.values();
        let instants = rounds.flat_map(|round| round.action_times(&self.genesis.series, timing));
        instants.chain(next).filter(|instant| *instant > now).min()
    }

    /// Origin of the round that opens next; `None` if there is none left.
    pub fn next_origin(&self) -> Option<UnixMillis> {
        (self.next_origin < self.genesis.end_origin).then_some(self.next_origin)
    }

    /// Makes `origin` the next round's, in a history that has no rounds before it.
    pub const fn skip_to(&mut self, origin: UnixMillis) {
        self.next_origin = origin;
    }
}
