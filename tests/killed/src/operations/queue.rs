//! [`Queue`]: a message is there as a whole or not at all, and once.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::Duration;

use mp_handle::Descriptor;
use mp_queue::{GetError, Queue};
use serde::{Deserialize, Serialize};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};
use crate::partner::Partner;

/// Long enough to sleep, and to sleep again.
const A_WHILE: Duration = Duration::from_millis(70);

/// More than a segment holds of small messages.
const LARGE: usize = 300_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Note {
    number: u32,
    filling: String,
    file: Option<Descriptor>,
}

fn letter(number: u32) -> &'static str {
    &"0123456789"[number as usize..][..1]
}

/// What kind of messages an operation is about.
#[derive(Clone, Copy)]
enum Size {
    Small,
    Large,
    WithFile,
}

impl Size {
    fn note(self, number: u32) -> Note {
        let len = if matches!(self, Size::Large) { LARGE } else { 20 };
        let null = || Descriptor::from(OwnedFd::from(File::open("/dev/null").unwrap()));
        let file = matches!(self, Size::WithFile).then(null);
        Note { number, filling: letter(number).repeat(len), file }
    }

    fn is_whole(self, note: &Note) -> bool {
        let len = if matches!(self, Size::Large) { LARGE } else { 20 };
        let is_filled = note.filling == letter(note.number).repeat(len);
        is_filled
            && note.filling.len() == len
            && note.file.is_some() == matches!(self, Size::WithFile)
    }
}

struct Shared {
    queue: Queue<Note>,
    size: Size,
    partner: Option<Partner>,
}

impl Shared {
    fn new(size: Size, messages: u32) -> Shared {
        Shared::around(Queue::new().unwrap(), size, messages)
    }

    fn around(queue: Queue<Note>, size: Size, messages: u32) -> Shared {
        for number in 1..=messages {
            queue.put(size.note(number)).unwrap();
        }
        Shared { queue, size, partner: None }
    }

    /// Takes all that is there; what is taken must be whole and in order.
    fn drain(&self) -> Result<Vec<u32>, String> {
        let mut numbers = Vec::new();
        loop {
            match self.queue.try_get() {
                Ok(note) => {
                    ensure!(self.size.is_whole(&note), "message {} is torn", note.number);
                    numbers.push(note.number);
                }
                Err(GetError::Empty) => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        ensure!(self.queue.is_empty(), "{} messages that nobody gets", self.queue.len());
        Ok(numbers)
    }

    /// It works as ever.
    fn use_it(&self) -> Verdict {
        self.queue.put(self.size.note(9)).map_err(|error| error.to_string())?;
        let numbers = self.drain()?;
        ensure!(numbers == [9], "then 9 was put, and {numbers:?} came out");
        Ok(())
    }
}

pub(super) fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (size, what) in
        [(Size::Small, "small"), (Size::Large, "large"), (Size::WithFile, "with a descriptor")]
    {
        all.push(put(size, &format!("Queue: put, {what}")));
        all.push(got(size, &format!("Queue: got, {what}")));
    }
    all.extend([put_many(), got_many(), put_to_a_waiter(), got_when_put(), got_in_vain()]);
    all.extend([put_when_got(), got_from_a_full_one(), put_in_vain()]);
    all
}

/// Uses a queue once, so that what a process does but once is not in what follows.
fn warm_up(size: Size) {
    let other = Shared::new(size, 1);
    drop(other.queue.get().unwrap());
}

fn put(size: Size, name: &str) -> Operation {
    operation(name, move |_| Shared::new(size, 2))
        .victim(move |shared, _| {
            warm_up(size);
            let note = size.note(3);
            Notes::mark();
            shared.queue.put(note).unwrap();
        })
        .check(|shared, notes| {
            let numbers = shared.drain()?;
            let is_there = numbers == [1, 2, 3];
            let was_not_put = numbers == [1, 2] && !notes.is_finished();
            ensure!(is_there || was_not_put, "there are {numbers:?}");
            shared.use_it()
        })
}

fn got(size: Size, name: &str) -> Operation {
    operation(name, move |_| Shared::new(size, 3))
        .victim(move |shared, _| {
            warm_up(size);
            Notes::mark();
            assert_eq!(shared.queue.get().unwrap().number, 1);
        })
        .check(|shared, notes| {
            let numbers = shared.drain()?;
            let is_gone = numbers == [2, 3];
            let was_not_got = numbers == [1, 2, 3] && !notes.is_finished();
            ensure!(is_gone || was_not_got, "there are {numbers:?}");
            shared.use_it()
        })
}

fn put_many() -> Operation {
    operation("Queue: many put", |_| Shared::new(Size::Small, 1))
        .victim(|shared, _| {
            warm_up(Size::Small);
            let notes = (2..=5).map(|number| Size::Small.note(number)).collect();
            Notes::mark();
            shared.queue.put_many(notes).unwrap();
        })
        .check(|shared, notes| {
            let numbers = shared.drain()?;
            let is_in_order = (1..=5).collect::<Vec<_>>().starts_with(&numbers);
            ensure!(is_in_order && !numbers.is_empty(), "there are {numbers:?}");
            ensure!(numbers.len() == 5 || !notes.is_finished(), "only {numbers:?} are there");
            shared.use_it()
        })
}

fn got_many() -> Operation {
    operation("Queue: many got", |_| Shared::new(Size::Small, 5))
        .victim(|shared, _| {
            warm_up(Size::Small);
            Notes::mark();
            assert_eq!(shared.queue.get_many(3).unwrap().count(), 3);
        })
        .check(|shared, notes| {
            let numbers = shared.drain()?;
            let is_rest = [1, 2, 3, 4, 5].ends_with(&numbers) && numbers.len() >= 2;
            ensure!(is_rest, "there are {numbers:?}");
            ensure!(numbers.len() == 2 || !notes.is_finished(), "{numbers:?} are still there");
            shared.use_it()
        })
}

fn put_to_a_waiter() -> Operation {
    let awaited = |_: &Notes| {
        let mut shared = Shared::new(Size::Small, 0);
        let wait = || match shared.queue.get() {
            Ok(note) if shared.size.is_whole(&note) => Ok(()),
            got => Err(format!("got {got:?}")),
        };
        shared.partner = Some(Partner::waiting(wait));
        shared
    };
    operation("Queue: put for one who waits", awaited)
        .victim(|shared, _| {
            shared.partner.iter().for_each(Partner::let_wait);
            let note = Size::Small.note(1);
            Notes::mark();
            shared.queue.put(note).unwrap();
        })
        .check(|shared, notes| {
            if !notes.is_finished() {
                // Whether the victim put one or not, now there is one to get.
                shared.queue.put(Size::Small.note(2)).map_err(|error| error.to_string())?;
            }
            shared.partner.take().map_or(Ok(()), |partner| partner.join())?;
            let rest = shared.drain()?;
            let is_right = if notes.is_finished() { rest.is_empty() } else { rest != [1, 2] };
            ensure!(is_right, "there are {rest:?}");
            shared.use_it()
        })
}

fn got_when_put() -> Operation {
    operation("Queue: waited for and got", |_| Shared::new(Size::Small, 0))
        .victim(|shared, _| {
            warm_up(Size::Small);
            Notes::mark();
            assert_eq!(shared.queue.get().unwrap().number, 1);
        })
        .assist(|shared, _| {
            let _ = shared.queue.put(Size::Small.note(1));
        })
        .check(|shared, _| {
            let rest = shared.drain()?;
            ensure!(rest.len() <= 1, "there are {rest:?}");
            shared.use_it()
        })
}

fn got_in_vain() -> Operation {
    operation("Queue: waited for in vain", |_| Shared::new(Size::Small, 0))
        .victim(|shared, _| {
            warm_up(Size::Small);
            Notes::mark();
            assert!(shared.queue.get_timeout(A_WHILE).is_err());
        })
        .check(|shared, _| shared.use_it())
}

fn full(_: &Notes) -> Shared {
    Shared::around(Queue::bounded(2).unwrap(), Size::Small, 2)
}

fn put_when_got() -> Operation {
    operation("Queue: waited for room and put", full)
        .victim(|shared, _| {
            warm_up(Size::Small);
            let note = Size::Small.note(3);
            Notes::mark();
            shared.queue.put(note).unwrap();
        })
        .assist(|shared, notes| {
            if shared.queue.try_get().is_ok_and(|note| note.number == 1) {
                notes.reach(1);
            }
        })
        .check(|shared, notes| {
            let rest = shared.drain()?;
            let first = if notes.reached() == 1 { 2 } else { 1 };
            let expected: Vec<_> = (first..=3).collect();
            let is_right = rest == expected
                || (!notes.is_finished() && rest[..] == expected[..expected.len() - 1]);
            ensure!(is_right, "there are {rest:?}");
            shared.use_it()
        })
}

fn got_from_a_full_one() -> Operation {
    let awaited = |notes: &Notes| {
        let mut shared = full(notes);
        let wait = || shared.queue.put(Size::Small.note(3)).map_err(|error| error.to_string());
        shared.partner = Some(Partner::waiting(wait));
        shared
    };
    operation("Queue: got, and room for one who waits", awaited)
        .victim(|shared, _| {
            shared.partner.iter().for_each(Partner::let_wait);
            Notes::mark();
            assert_eq!(shared.queue.get().unwrap().number, 1);
        })
        .check(|shared, notes| {
            let mut first = None;
            if !notes.is_finished() {
                first = Some(shared.queue.get().map_err(|error| error.to_string())?.number);
            }
            shared.partner.take().map_or(Ok(()), |partner| partner.join())?;
            let rest = shared.drain()?;
            let is_right = match first {
                None | Some(1) => rest == [2, 3],
                _ => rest == [3],
            };
            ensure!(is_right, "there are {first:?} and {rest:?}");
            shared.use_it()
        })
}

fn put_in_vain() -> Operation {
    operation("Queue: waited for room in vain", full)
        .victim(|shared, _| {
            warm_up(Size::Small);
            let note = Size::Small.note(3);
            Notes::mark();
            assert!(shared.queue.put_timeout(note, A_WHILE).is_err());
        })
        .check(|shared, _| {
            let rest = shared.drain()?;
            ensure!(rest == [1, 2], "there are {rest:?}");
            shared.use_it()
        })
}
