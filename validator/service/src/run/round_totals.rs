//! What a turn did to the rounds, for the log.

use foretell_core::state::SeriesState;

/// How many rounds there have been of each kind.
pub(super) struct RoundTotals {
    open: usize,
    scored: usize,
    void: usize,
    times_weights_set: usize,
}

impl RoundTotals {
    pub(super) fn from_state(state: &SeriesState) -> Self {
        Self {
            open: state.open_rounds().len(),
            scored: state.reference_track().rounds(),
            void: state.voided().len(),
            times_weights_set: state.times_weights_set(),
        }
    }

    pub(super) fn log_changes_since(&self, before: &Self) {
        let Self {
            open,
            scored,
            void,
            times_weights_set,
        } = self;
        if scored > &before.scored {
            tracing::info!(scored, open, void, "scored {}", scored - before.scored);
        }
        if void > &before.void {
            tracing::warn!(scored, open, void, "void: {}", void - before.void);
        }
        if open > &before.open {
            tracing::info!(open, "a round was opened");
        }
        if times_weights_set > &before.times_weights_set {
            tracing::info!("weights are on chain");
        }
    }
}
