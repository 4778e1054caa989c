//! A runtime of one's own, made of processes and queues: actors, and a supervisor that starts those
//! anew that crash.
//!
//! An actor is a function that reads letters from a mailbox. The mailbox outlives it: whoever dies over
//! a letter takes that one with it, and the next one goes on with those behind it.

use std::time::Duration;

use mp_process::{Process, SpawnError, spawn};
use mp_queue::{Queue, Receiver, Sender, channel, wait};

/// What an actor does with a letter.
fn square(number: u64) -> u64 {
    match number {
        13 => std::process::abort(),
        number => number * number,
    }
}

/// The life of an actor.
fn live(mailbox: Queue<Option<u64>>, replies: Sender<u64>) {
    while let Ok(Some(letter)) = mailbox.get() {
        replies.send(square(letter)).unwrap();
    }
}

struct Actor {
    mailbox: Queue<Option<u64>>,
    replies: Sender<u64>,
    process: Process<()>,
}

impl Actor {
    fn start(replies: &Sender<u64>) -> Result<Self, Box<dyn std::error::Error>> {
        let (mailbox, replies) = (Queue::new()?, replies.clone());
        let process = spawn(live, (mailbox.clone(), replies.clone()))?;
        Ok(Self { mailbox, replies, process })
    }

    /// Gives the mailbox to another process, if this one has crashed.
    fn revive(&mut self) -> Result<bool, SpawnError> {
        let crashed = matches!(self.process.try_join(), Some(Err(_)));
        if crashed {
            self.process = spawn(live, (self.mailbox.clone(), self.replies.clone()))?;
        }
        Ok(crashed)
    }
}

/// Waits until each letter is answered, or has been the death of an actor.
fn supervise(
    actors: &mut [Actor],
    replies: &Receiver<u64>,
    letters: usize,
) -> Result<(Vec<u64>, usize), Box<dyn std::error::Error>> {
    let (mut answers, mut deaths) = (Vec::new(), 0);
    while answers.len() + deaths < letters {
        let sentinels: Vec<_> = actors.iter().map(|actor| actor.process.sentinel()).collect();
        let mut events: Vec<&dyn mp_queue::Waitable> = vec![replies];
        events.extend(sentinels.iter().map(|sentinel| sentinel as &dyn mp_queue::Waitable));
        wait(&events, Some(Duration::from_secs(60)))?;

        answers.extend(replies.try_iter());
        for actor in &mut *actors {
            deaths += usize::from(actor.revive()?);
        }
    }
    Ok((answers, deaths))
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (sender, replies) = channel()?;
    let mut actors = vec![Actor::start(&sender)?, Actor::start(&sender)?];
    for number in 10..20 {
        actors[number as usize % 2].mailbox.put(Some(number))?;
    }
    let (mut answers, deaths) = supervise(&mut actors, &replies, 10)?;
    answers.sort_unstable();
    println!("{answers:?}");
    println!("{deaths} actor has been replaced");

    for actor in actors {
        actor.mailbox.put(None)?;
        actor.process.join()?;
    }
    Ok(())
}
