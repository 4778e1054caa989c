//! [`Journal`]: what a player has begun, and what it was told is done, in memory that survives it.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use mp_handle::{Kind, Region, RegionError};
use serde::{Deserialize, Serialize};

use super::games::GAMES;

const JOURNAL: Kind = Kind::new(1001, "journal");

/// How many messages a player notes before it retires.
const NOTES: u64 = 1 << 15;

/// Where the words lie.
const PLAYING: usize = 0;
const STEPS: usize = 8;
const NOTED: usize = 16;
const DONE: usize = 24;
const FIRST_NOTE: usize = DONE + 8 * GAMES.len();

/// Written by one player, and read by the one who started it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    region: Region,
}

impl Journal {
    pub(super) fn new() -> Result<Journal, RegionError> {
        let region = Region::create(JOURNAL, 0, FIRST_NOTE + 8 * NOTES as usize)?;
        Ok(Journal { region })
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        self.region.atomic_u64(offset).expect("a word of the journal")
    }

    fn add(&self, offset: usize, count: u64) {
        self.word(offset).fetch_add(count, SeqCst);
    }

    /// Begins a game.
    pub(super) fn begin(&self, game: usize) {
        self.word(PLAYING).store(game as u64 + 1, SeqCst);
    }

    /// Ends the game, which had an effect or not.
    pub(super) fn end(&self, game: usize, is_done: bool) {
        self.add(DONE + 8 * game, u64::from(is_done));
        self.word(PLAYING).store(0, SeqCst);
        self.add(STEPS, 1);
    }

    /// Notes that a message was put, or got.
    pub(super) fn note(&self, word: u64) {
        let count = self.word(NOTED).load(Relaxed);
        self.word(FIRST_NOTE + 8 * count as usize).store(word, SeqCst);
        self.word(NOTED).store(count + 1, SeqCst);
    }

    pub(super) fn is_full(&self) -> bool {
        self.word(NOTED).load(Relaxed) == NOTES
    }

    /// The game that was begun and not ended.
    pub(super) fn playing(&self) -> Option<usize> {
        (self.word(PLAYING).load(SeqCst) as usize).checked_sub(1)
    }

    /// How many games were ended.
    pub(super) fn steps(&self) -> u64 {
        self.word(STEPS).load(SeqCst)
    }

    /// How many of a game had an effect.
    pub(super) fn done(&self, game: usize) -> u64 {
        self.word(DONE + 8 * game).load(SeqCst)
    }

    /// What was noted, in order.
    pub(super) fn notes(&self) -> impl Iterator<Item = u64> {
        let count = self.word(NOTED).load(SeqCst).min(NOTES) as usize;
        (0..count).map(|number| self.word(FIRST_NOTE + 8 * number).load(SeqCst))
    }
}
