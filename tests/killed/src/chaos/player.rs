//! [`Player`]: a process that plays one game after the other, as chance has it, until it is killed.

use std::hint;
use std::thread;
use std::time::Duration;

use super::games::{GAMES, Game};
use super::ground::Ground;
use super::interrupt;
use super::journal::Journal;
use super::mail::{Message, message, note};
use crate::random::Random;

/// How long a player waits for others: it comes in vain often enough.
pub(super) const PATIENCE: Duration = Duration::from_millis(3);

/// One process at play.
pub(super) struct Player {
    pub(super) ground: Ground,
    pub(super) random: Random,
    pub(super) number: u64,
    journal: Journal,
    /// How many messages it has put on each line.
    sent: [u64; GAMES.len()],
}

/// What a player does from its beginning to its end.
pub(super) fn play(ground: Ground, journal: Journal, number: u64, seed: u64) {
    interrupt::listen();
    let random = Random::new(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut player = Player { ground, random, number, journal, sent: [0; GAMES.len()] };
    let total: usize = GAMES.iter().map(|game| game.weight).sum();
    while player.ground.is_over.get() == 0 && !player.journal.is_full() {
        let (index, game) = choose(player.random.below(total));
        player.journal.begin(index);
        let is_done = (game.play)(&mut player);
        player.journal.end(index, is_done);
    }
}

/// Chooses a game, each as often as its weight says.
fn choose(mut at: usize) -> (usize, &'static Game) {
    let is_it = |&(_, game): &(usize, &Game)| {
        let is_it = at < game.weight;
        at = at.wrapping_sub(game.weight);
        is_it
    };
    GAMES.iter().enumerate().find(is_it).expect("the weights add up to the total")
}

impl Player {
    /// Does nothing for a moment, now and then, so that others come at any moment.
    pub(super) fn pause(&mut self) {
        match self.random.below(32) {
            0..4 => thread::sleep(Duration::from_micros(self.random.below(1000) as u64)),
            4..8 => (0..self.random.below(2000)).for_each(|_| hint::spin_loop()),
            8 => thread::yield_now(),
            _ => {}
        }
    }

    /// The message that it puts next on a line.
    pub(super) fn next_message(&self, line: usize) -> Message {
        message(self.number, self.sent[line])
    }

    /// Notes that it has put that.
    pub(super) fn note_put(&mut self, line: usize) {
        self.journal.note(note(line, false, self.next_message(line)));
        self.sent[line] += 1;
    }

    /// Notes what it has got.
    pub(super) fn note_got(&self, line: usize, message: Message) {
        self.journal.note(note(line, true, message));
    }
}
