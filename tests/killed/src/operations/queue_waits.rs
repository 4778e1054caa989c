//! [`Queue`]s that are waited for in the midst of many messages, and that travel.

use mp_handle::Parcel;
use mp_queue::{GetError, Queue, SimpleQueue};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};

type Numbers = Queue<u32>;

pub(super) fn operations() -> Vec<Operation> {
    vec![many_put(), many_got(), sent(), simple_put(), simple_got()]
}

/// A queue with room for two, and so many in it.
fn numbers(count: u32) -> Numbers {
    let queue = Queue::bounded(2).unwrap();
    (1..=count).for_each(|number| queue.put(number).unwrap());
    queue
}

fn drain(queue: &Numbers) -> Result<Vec<u32>, String> {
    let mut found = Vec::new();
    loop {
        match queue.try_get() {
            Ok(number) => found.push(number),
            Err(GetError::Empty) => return Ok(found),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn use_it(queue: &Numbers) -> Verdict {
    queue.put(9).map_err(|error| error.to_string())?;
    let found = drain(queue)?;
    ensure!(found == [9], "then 9 was put, and {found:?} came out");
    Ok(())
}

/// Four of which two have room at first: they are put in order, and each once.
fn many_put() -> Operation {
    operation("Queue: many put, as there is room", |_| (numbers(1), Vec::new()))
        .victim(|(queue, _), _| {
            numbers(2).get().unwrap();
            Notes::mark();
            queue.put_many(vec![2, 3, 4]).unwrap();
        })
        .assist(|(queue, got), _| got.extend(queue.try_get()))
        .check(|(queue, got), notes| {
            got.extend(drain(queue)?);
            let is_in_order = [1, 2, 3, 4].starts_with(got) && !got.is_empty();
            ensure!(is_in_order, "there were {got:?}");
            ensure!(got.len() == 4 || !notes.is_finished(), "only {got:?} were there");
            use_it(queue)
        })
}

/// What a victim got it may have lost, and nobody gets it twice.
fn many_got() -> Operation {
    operation("Queue: many waited for and got", |_| numbers(0))
        .victim(|queue, _| {
            numbers(1).get().unwrap();
            Notes::mark();
            assert!(queue.get_many(2).unwrap().count() > 0);
        })
        .assist(|queue, _| {
            let _ = queue.try_put_many(vec![1, 2]);
        })
        .check(|queue, notes| {
            let found = drain(queue)?;
            let is_right = [[1, 2].as_slice(), &[2], &[]].contains(&found.as_slice());
            ensure!(is_right, "there are {found:?}");
            ensure!(found.len() < 2 || !notes.is_finished(), "{found:?} are still there");
            use_it(queue)
        })
}

/// A handle that was on its way leaves the queue as it was.
fn sent() -> Operation {
    operation("Queue: handle sent, received and dropped", |_| numbers(2))
        .victim(|queue, _| {
            Notes::mark();
            let parcel = Parcel::encode(queue).unwrap();
            drop(parcel.decode::<Numbers>().unwrap());
        })
        .check(|queue, _| {
            let found = drain(queue)?;
            ensure!(found == [1, 2], "there are {found:?}");
            use_it(queue)
        })
}

fn simple(_: &Notes) -> SimpleQueue<u32> {
    let queue = SimpleQueue::new().unwrap();
    queue.put(1).unwrap();
    queue
}

fn simple_put() -> Operation {
    operation("SimpleQueue: put", simple)
        .victim(|queue, notes| {
            simple(notes).get().unwrap();
            Notes::mark();
            queue.put(2).unwrap();
        })
        .check(|queue, notes| judge_simple(queue, notes, &[1, 2], &[1]))
}

fn simple_got() -> Operation {
    operation("SimpleQueue: got", simple)
        .victim(|queue, notes| {
            simple(notes).get().unwrap();
            Notes::mark();
            assert_eq!(queue.get().unwrap(), 1);
        })
        .check(|queue, notes| judge_simple(queue, notes, &[], &[1]))
}

/// There is what there is after the operation or, if that was not acknowledged, before.
fn judge_simple(queue: &SimpleQueue<u32>, notes: &Notes, after: &[u32], before: &[u32]) -> Verdict {
    let mut found = Vec::new();
    while !queue.is_empty() {
        found.push(queue.get().map_err(|error| error.to_string())?);
    }
    ensure!(found == after || (found == before && !notes.is_finished()), "there are {found:?}");
    queue.put(9).map_err(|error| error.to_string())?;
    ensure!(queue.get().is_ok_and(|number| number == 9), "9 was put, and did not come");
    Ok(())
}
