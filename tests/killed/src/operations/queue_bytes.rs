//! [`Queue`] of bytes: what is written and read in its memory is there as a whole or not at all.

use mp_queue::{GetError, Queue};

use crate::notes::Notes;
use crate::operation::{Operation, Script, Verdict, ensure, operation};

/// The bytes of a message.
const LEN: usize = 20;

type Bytes = Queue<Vec<u8>>;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        put("Queue: bytes put", |queue| queue.put_bytes(&[3; LEN]).unwrap()),
        put("Queue: bytes written in place", |queue| {
            let mut loan = queue.reserve(LEN).unwrap();
            loan.write_at(0, &[3; LEN]).unwrap();
            loan.publish().unwrap();
        }),
        acting("Queue: room for bytes taken and given back", |queue| {
            drop(queue.reserve(LEN).unwrap());
        })
        .check(|queue, _| {
            let numbers = drain(queue)?;
            ensure!(numbers == [1, 2], "there are {numbers:?}");
            use_it(queue)
        }),
        got("Queue: bytes got", |queue| {
            let mut buffer = Vec::with_capacity(LEN);
            queue.get_bytes_into(&mut buffer).unwrap();
            assert_eq!(buffer, [1; LEN]);
        }),
        got("Queue: bytes read in place and taken", |queue| {
            let message = queue.get_in_place().unwrap();
            let mut bytes = [0; LEN];
            message.read_at(0, &mut bytes).unwrap();
            assert_eq!(bytes, [1; LEN]);
            message.take();
        }),
        acting("Queue: bytes read in place and left", |queue| {
            drop(queue.get_in_place().unwrap());
        })
        .check(|queue, _| {
            let numbers = drain(queue)?;
            ensure!(numbers == [1, 2], "there are {numbers:?}");
            use_it(queue)
        }),
    ]
}

/// A queue of two messages.
fn filled() -> Bytes {
    let queue = Queue::new().unwrap();
    queue.put_many(vec![vec![1; LEN], vec![2; LEN]]).unwrap();
    queue
}

fn acting(name: &str, act: fn(&Bytes)) -> Script<Bytes> {
    operation(name, |_| filled()).victim(move |queue, _| {
        act(&filled());
        Notes::mark();
        act(queue);
    })
}

fn put(name: &str, act: fn(&Bytes)) -> Operation {
    acting(name, act).check(|queue, notes| {
        let numbers = drain(queue)?;
        let is_there = numbers == [1, 2, 3];
        ensure!(is_there || (numbers == [1, 2] && !notes.is_finished()), "there are {numbers:?}");
        use_it(queue)
    })
}

fn got(name: &str, act: fn(&Bytes)) -> Operation {
    acting(name, act).check(|queue, notes| {
        let numbers = drain(queue)?;
        let is_gone = numbers == [2];
        ensure!(is_gone || (numbers == [1, 2] && !notes.is_finished()), "there are {numbers:?}");
        use_it(queue)
    })
}

/// Takes all that is there; what is taken must be whole.
fn drain(queue: &Bytes) -> Result<Vec<u8>, String> {
    let mut numbers = Vec::new();
    loop {
        match queue.try_get() {
            Ok(bytes) => {
                ensure!(bytes == [bytes[0]; LEN], "a message is torn: {bytes:?}");
                numbers.push(bytes[0]);
            }
            Err(GetError::Empty) => return Ok(numbers),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// It works as ever.
fn use_it(queue: &Bytes) -> Verdict {
    queue.put_bytes(&[9; LEN]).map_err(|error| error.to_string())?;
    let numbers = drain(queue)?;
    ensure!(numbers == [9], "then 9 was put, and {numbers:?} came out");
    Ok(())
}
