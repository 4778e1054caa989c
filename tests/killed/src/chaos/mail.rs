//! [`Mail`]: the messages of one line, put and got: none lost, none twice, none of nobody.
//!
//! A message is its sender's number and its own, counted from zero. Who dies while it puts one may
//! have put it, and who dies while it gets one may have got it: there is no more doubt than that.

use std::collections::{HashMap, HashSet};

use crate::operation::{Verdict, ensure};

/// A sender's number in the upper half, the message's in the lower.
pub(super) type Message = u64;

pub(super) fn message(sender: u64, number: u64) -> Message {
    sender << 32 | number
}

/// What a journal notes: the message, and what was done with it on which line.
pub(super) fn note(line: usize, is_got: bool, message: Message) -> u64 {
    (line as u64 * 2 + u64::from(is_got)) << 56 | message
}

fn parse(note: u64) -> (usize, bool, Message) {
    let kind = (note >> 56) as usize;
    (kind / 2, kind % 2 == 1, note & ((1 << 56) - 1))
}

/// How the player of a journal ended, as far as a line is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) was_putting: bool,
    pub(super) was_getting: bool,
}

/// What is known of a line.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// Acknowledged, and not known to be got.
    put: HashSet<Message>,
    /// Got, and not known to be put.
    got: HashSet<Message>,
    /// What the dead were putting.
    doubtful: HashSet<Message>,
    /// How many died when they were getting.
    takers: usize,
    count: u64,
}

impl Mail {
    /// Takes in what one player has noted of this line.
    pub(super) fn digest(
        &mut self,
        line: usize,
        sender: u64,
        notes: impl Iterator<Item = u64>,
        doubt: Doubt,
    ) -> Verdict {
        let mut last: HashMap<u64, Message> = HashMap::new();
        let mut sent = 0;
        for (_, is_got, message) in notes.map(parse).filter(|&(other, ..)| other == line) {
            if is_got {
                let before = last.insert(message >> 32, message);
                let is_later = before.is_none_or(|before| before < message);
                ensure!(is_later, "{message:#x} was got after {before:x?}");
                let is_new = self.put.remove(&message) || self.got.insert(message);
                ensure!(is_new, "{message:#x} was got twice");
            } else {
                sent += 1;
                self.count += 1;
                if !self.got.remove(&message) {
                    self.put.insert(message);
                }
            }
        }
        self.takers += usize::from(doubt.was_getting);
        if doubt.was_putting {
            self.doubtful.insert(message(sender, sent));
        }
        Ok(())
    }

    /// Compares, when all players have ended, with what is left; returns how many there were.
    pub(super) fn judge(&mut self, left: impl IntoIterator<Item = Message>) -> Result<u64, String> {
        for message in left {
            let is_known = self.put.remove(&message) || self.doubtful.remove(&message);
            ensure!(is_known, "{message:#x} is there twice, or of nobody");
        }
        let strays = self.got.difference(&self.doubtful).count();
        ensure!(strays == 0, "{strays} messages were got twice, or of nobody");
        let (lost, takers) = (self.put.len(), self.takers);
        ensure!(
            lost <= takers,
            "{lost} messages are lost, and {takers} died when they were getting"
        );
        Ok(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Doubt = Doubt { was_putting: false, was_getting: false };

    fn mail(notes: &[(bool, Message)], doubt: Doubt) -> Result<Mail, String> {
        let mut mail = Mail::default();
        let notes = notes.iter().map(|&(is_got, message)| note(3, is_got, message));
        mail.digest(3, 1, notes, doubt).map(|()| mail)
    }

    #[test]
    fn what_was_put_is_got_or_left() {
        let puts = [(false, message(1, 0)), (false, message(1, 1)), (true, message(1, 0))];
        assert_eq!(mail(&puts, NOBODY).unwrap().judge([message(1, 1)]), Ok(2));
        assert!(mail(&puts, NOBODY).unwrap().judge([]).is_err(), "one is lost");
        assert!(mail(&puts, NOBODY).unwrap().judge([message(1, 0)]).is_err(), "one is there twice");
    }

    #[test]
    fn one_that_died_is_in_doubt_of_one_message() {
        let put = [(false, message(1, 0))];
        let getting = Doubt { was_getting: true, ..NOBODY };
        assert_eq!(mail(&put, getting).unwrap().judge([]), Ok(1));
        let putting = Doubt { was_putting: true, ..NOBODY };
        let both = [message(1, 0), message(1, 1)];
        assert_eq!(mail(&put, putting).unwrap().judge(both), Ok(1));
        assert!(mail(&put, putting).unwrap().judge([message(1, 0), message(1, 2)]).is_err());
    }

    #[test]
    fn order_and_number_are_kept() {
        let (one, two) = (message(1, 0), message(1, 1));
        assert!(mail(&[(true, two), (true, one)], NOBODY).is_err(), "out of order");
        assert!(mail(&[(true, one), (true, one)], NOBODY).is_err(), "twice");
        assert!(mail(&[(true, one)], NOBODY).unwrap().judge([]).is_err(), "of nobody");
    }
}
