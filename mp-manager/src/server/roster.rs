//! Who refers to which object.
//!
//! Each reference, wherever it is, is one [`Hold`]: in the books of a client, in a value that is
//! stored in another object, or in a lease of a proxy that travels. When the last one is dropped
//! the object is dead, and the server buries it at its next turn.

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::wire::ObjectId;

/// One reference to an object; clones are others.
pub(crate) type Hold = Arc<Token>;

/// What the holds of an object have in common.
pub(crate) struct Token {
    id: ObjectId,
    roster: Arc<Roster>,
}

impl Token {
    pub(crate) fn id(&self) -> ObjectId {
        self.id
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.roster.lock().dead.push(self.id);
        self.roster.has_dead.store(true, Ordering::Release);
    }
}

/// All objects, by number.
#[derive(Default)]
pub(crate) struct Roster {
    lists: Mutex<Lists>,
    has_dead: AtomicBool,
}

#[derive(Default)]
struct Lists {
    live: HashMap<ObjectId, Weak<Token>>,
    dead: Vec<ObjectId>,
    last: ObjectId,
}

impl Roster {
    /// Gives a new object its number, and the first reference to it.
    pub(crate) fn enter(self: &Arc<Self>) -> Hold {
        let mut lists = self.lock();
        lists.last += 1;
        let id = lists.last;
        let hold = Arc::new(Token { id, roster: Arc::clone(self) });
        lists.live.insert(id, Arc::downgrade(&hold));
        hold
    }

    /// Makes one more reference to an object that somebody still refers to.
    pub(crate) fn claim(&self, id: ObjectId) -> Option<Hold> {
        self.lock().live.get(&id)?.upgrade()
    }

    /// The objects to which nobody refers any more, each once.
    pub(crate) fn take_dead(&self) -> Vec<ObjectId> {
        // Nearly always there are none, and then nothing is written.
        if !self.has_dead.load(Ordering::Relaxed) || !self.has_dead.swap(false, Ordering::Acquire) {
            return Vec::new();
        }
        let mut lists = self.lock();
        let dead = mem::take(&mut lists.dead);
        for id in &dead {
            lists.live.remove(id);
        }
        dead
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Roster;

    #[test]
    fn an_object_lives_as_long_as_somebody_holds_it() {
        let roster = Arc::new(Roster::default());
        let first = roster.enter();
        let id = first.id();
        let second = roster.claim(id).unwrap();
        drop(first);
        assert!(roster.take_dead().is_empty() && roster.claim(id).is_some());
        drop(second);
        assert!(roster.claim(id).is_none(), "dead before it is buried");
        assert_eq!(roster.take_dead(), [id]);
        assert!(roster.take_dead().is_empty());
        assert_ne!(roster.enter().id(), id);
    }
}
