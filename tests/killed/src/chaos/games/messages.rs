//! Queues and channels: each message once, whole, and in its sender's order.

use mp_queue::{GetError, JoinError, PutError};

use super::{Game, Line, nothing};
use crate::chaos::ground::Letter;
use crate::chaos::mail::Message;
use crate::chaos::player::{PATIENCE, Player};

/// Most messages are small; some are larger than what a queue has at first.
const SMALL: usize = 100;
const LARGE: usize = 40_000;

const QUEUE: usize = 0;
const CHANNEL: usize = 1;
const TASKS: usize = 2;

fn write(player: &mut Player, line: usize) -> Letter {
    let len = if player.random.below(32) == 0 { LARGE } else { SMALL };
    let message = player.next_message(line);
    Letter { message, filling: vec![message as u8; player.random.below(len)] }
}

impl Letter {
    fn read(self) -> Message {
        let is_whole = self.filling.iter().all(|&byte| byte == self.message as u8);
        assert!(is_whole, "{:#x} is torn", self.message);
        self.message
    }
}

/// Notes what was put; to be tried later if there was no room.
fn note_put<T>(player: &mut Player, line: usize, put: Result<(), PutError<T>>) -> bool {
    if let Err(error) = put {
        assert!(error.is_full(), "{error}");
        return false;
    }
    player.note_put(line);
    player.pause();
    true
}

/// Notes what was got; there may be nothing.
fn note_got(player: &mut Player, line: usize, got: Result<Message, GetError>) -> bool {
    match got {
        Ok(message) => player.note_got(line, message),
        Err(error) => {
            assert!(error.is_empty(), "{error}");
            return false;
        }
    }
    player.pause();
    true
}

pub(super) const PUT: Game = Game {
    name: "Queue: put",
    weight: 40,
    play: |player| {
        let letter = write(player, QUEUE);
        let put = player.ground.queue.put_timeout(letter, PATIENCE);
        note_put(player, QUEUE, put)
    },
    judge: nothing,
    mail: Some(Line { number: QUEUE, is_got: false, take: |_| None }),
};

pub(super) const GOT: Game = Game {
    name: "Queue: got",
    weight: 40,
    play: |player| {
        let got = player.ground.queue.get_timeout(PATIENCE).map(Letter::read);
        note_got(player, QUEUE, got)
    },
    judge: nothing,
    mail: Some(Line {
        number: QUEUE,
        is_got: true,
        take: |ground| ground.queue.try_get().ok().map(Letter::read),
    }),
};

pub(super) const SENT: Game = Game {
    name: "channel: sent",
    weight: 32,
    play: |player| {
        let letter = write(player, CHANNEL);
        let sent = player.ground.channel.0.send_timeout(letter, PATIENCE);
        note_put(player, CHANNEL, sent)
    },
    judge: nothing,
    mail: Some(Line { number: CHANNEL, is_got: false, take: |_| None }),
};

pub(super) const RECEIVED: Game = Game {
    name: "channel: received",
    weight: 32,
    play: |player| {
        let received = player.ground.channel.1.recv_timeout(PATIENCE).map(Letter::read);
        note_got(player, CHANNEL, received)
    },
    judge: nothing,
    mail: Some(Line {
        number: CHANNEL,
        is_got: true,
        take: |ground| ground.channel.1.try_recv().ok().map(Letter::read),
    }),
};

pub(super) const TASK_PUT: Game = Game {
    name: "JoinableQueue: put",
    weight: 24,
    play: |player| {
        let put = player.ground.tasks.put_timeout(player.next_message(TASKS), PATIENCE);
        note_put(player, TASKS, put)
    },
    judge: nothing,
    mail: Some(Line { number: TASKS, is_got: false, take: |_| None }),
};

pub(super) const TASK_DONE: Game = Game {
    name: "JoinableQueue: got and done",
    weight: 24,
    play: |player| {
        let got = player.ground.tasks.get_timeout(PATIENCE);
        let is_got = note_got(player, TASKS, got);
        if is_got {
            player.ground.tasks.task_done().expect("it has taken one");
        }
        is_got
    },
    // What the dead have not done counts as done, once that was told.
    judge: |ground, _| loop {
        match ground.tasks.join() {
            Ok(()) => return Ok(()),
            Err(JoinError::ConsumerDied { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
    },
    mail: Some(Line {
        number: TASKS,
        is_got: true,
        take: |ground| {
            let message = ground.tasks.try_get().ok()?;
            ground.tasks.task_done().expect("it has taken one");
            Some(message)
        },
    }),
};
