//! [`Books`]: what all players have done, as far as they were told, and what is there of it.

use std::fmt;

use super::games::{GAMES, LINES, Total};
use super::ground::Ground;
use super::journal::Journal;
use super::mail::{Doubt, Mail};

/// Of all games, and of all lines of messages.
#[derive(Debug, Default)]
pub(super) struct Books {
    totals: [Total; GAMES.len()],
    mail: [Mail; LINES],
    violations: Vec<String>,
}

impl Books {
    pub(super) fn violate(&mut self, text: String) {
        self.violations.push(text);
    }

    /// Takes in the journal of a player that has ended.
    pub(super) fn enter(&mut self, number: u64, journal: &Journal) {
        for (game, total) in self.totals.iter_mut().enumerate() {
            total.done += journal.done(game);
        }
        let mut doubts = [Doubt::default(); LINES];
        if let Some(game) = journal.playing() {
            self.totals[game].doubtful += 1;
            if let Some(line) = &GAMES[game].mail {
                let doubt = &mut doubts[line.number];
                (doubt.was_putting, doubt.was_getting) = (!line.is_got, line.is_got);
            }
        }
        for (line, mail) in self.mail.iter_mut().enumerate() {
            if let Err(text) = mail.digest(line, number, journal.notes(), doubts[line]) {
                self.violations.push(format!("player {number}, line {line}: {text}"));
            }
        }
    }

    /// Compares with what is there, when all have ended.
    pub(super) fn judge(&mut self, ground: &Ground, mut alive: impl FnMut(&str)) {
        for (game, line) in GAMES.iter().filter_map(|game| Some((game, game.mail.as_ref()?))) {
            if line.is_got {
                alive(game.name);
                let left = std::iter::from_fn(|| (line.take)(ground));
                if let Err(text) = self.mail[line.number].judge(left) {
                    self.violations.push(format!("{}: {text}", game.name));
                }
            }
        }
        for (game, total) in GAMES.iter().zip(&self.totals) {
            alive(game.name);
            if let Err(text) = (game.judge)(ground, total) {
                self.violations.push(format!("{}: {text}", game.name));
            }
        }
    }

    /// Returns what was wrong, one a line.
    pub(super) fn violations(&self) -> Result<(), String> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.violations.join("\n")) }
    }
}

/// A line for each game.
impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (game, Total { done, doubtful }) in GAMES.iter().zip(&self.totals) {
            writeln!(f, "{:44} {done:8} done {doubtful:5} died over it", game.name)?;
        }
        Ok(())
    }
}
