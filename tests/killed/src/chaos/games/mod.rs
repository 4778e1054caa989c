//! The games: what players do with what they share, and what must hold in the end.

mod locks;
mod memory;
mod messages;
mod served;
mod signals;
mod started;

use super::ground::Ground;
use super::player::Player;
use crate::operation::Verdict;

/// Something to do, over and over.
pub(super) struct Game {
    pub(super) name: &'static str,
    /// How often it is played, compared to others.
    pub(super) weight: usize,
    /// Plays it once; tells whether that had an effect. It panics if something is not as it
    /// should be.
    pub(super) play: fn(&mut Player) -> bool,
    /// Compares with what players were told that they had done. Messages are counted elsewhere.
    pub(super) judge: fn(&Ground, &Total) -> Verdict,
    pub(super) mail: Option<Line>,
}

/// Whose messages a game puts or gets.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) is_got: bool,
    /// Takes a message that is left.
    pub(super) take: fn(&Ground) -> Option<u64>,
}

/// How many lines there are.
pub(super) const LINES: usize = 4;

/// What came of a game in all journals.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Total {
    pub(super) done: u64,
    /// How many died over it.
    pub(super) doubtful: u64,
}

impl Total {
    /// Fails unless the effect is there as often as it was acknowledged, but for the dead.
    pub(super) fn fits(&self, found: u64) -> Verdict {
        let most = self.done + self.doubtful;
        if (self.done..=most).contains(&found) {
            return Ok(());
        }
        Err(format!("{found} times, and {} to {most} were acknowledged", self.done))
    }
}

/// What there is to judge of a game without lasting effects.
fn nothing(_: &Ground, _: &Total) -> Verdict {
    Ok(())
}

/// All games.
pub(super) const GAMES: [Game; 25] = [
    locks::PAIR,
    locks::WRITE,
    locks::READ,
    locks::NESTED,
    locks::SEMAPHORE,
    signals::EVENT,
    signals::CONDITION,
    signals::BARRIER,
    memory::COUNTER,
    memory::PART,
    memory::LIST,
    memory::MUCH,
    messages::PUT,
    messages::GOT,
    messages::SENT,
    messages::RECEIVED,
    messages::TASK_PUT,
    messages::TASK_DONE,
    served::SUM,
    served::PUT,
    served::GOT,
    served::LOCK,
    started::PROCESS,
    started::FORKED,
    started::POOL,
];
