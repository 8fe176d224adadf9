//! Which hotkeys a service answers.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use foretell_core::hotkey::Hotkey;

use crate::auth_error::AuthError;

/// The verified sender of a request; handlers take it as `Extension<Caller>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(pub Hotkey);

/// The hotkeys that are answered; clones share one list, which can be [replaced](Self::replace) while it serves.
#[derive(Debug, Clone)]
pub struct Callers(Arc<RwLock<CallerList>>);

#[derive(Debug)]
enum CallerList {
    Anyone,
    NotYetKnown,
    Only(BTreeSet<Hotkey>),
}

impl Callers {
    /// Every hotkey whose signature verifies.
    pub fn anyone() -> Self {
        Self::new(CallerList::Anyone)
    }

    /// Nobody, until the list is there; callers are told to try again.
    pub fn not_yet_known() -> Self {
        Self::new(CallerList::NotYetKnown)
    }

    /// Only these hotkeys.
    pub fn only(allowed: impl IntoIterator<Item = Hotkey>) -> Self {
        Self::new(CallerList::Only(allowed.into_iter().collect()))
    }

    /// From now on only these hotkeys.
    pub fn replace(&self, allowed: BTreeSet<Hotkey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = CallerList::Only(allowed);
    }

    /// Whether somebody is answered, as far as is known.
    pub fn answer_anybody(&self) -> bool {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match &*list {
            CallerList::Anyone => true,
            CallerList::Only(allowed) => !allowed.is_empty(),
            CallerList::NotYetKnown => false,
        }
    }

    /// Whether the list is there.
    pub fn are_known(&self) -> bool {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        !matches!(*list, CallerList::NotYetKnown)
    }

    /// # Errors
    /// The hotkey isn't answered, or it isn't known yet whether it is.
    pub(crate) fn check(&self, caller: &Hotkey) -> Result<(), AuthError> {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match &*list {
            CallerList::Anyone => Ok(()),
            CallerList::Only(allowed) if allowed.contains(caller) => Ok(()),
            CallerList::Only(_) => Err(AuthError::CallerNotAllowed(*caller)),
            CallerList::NotYetKnown => Err(AuthError::CallersNotKnown),
        }
    }

    fn new(list: CallerList) -> Self {
        Self(Arc::new(RwLock::new(list)))
    }
}
