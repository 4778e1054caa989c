//! Who puts or gets is killed, and what our queues and pipes make of it.

use std::thread;

use anyhow::{Result, ensure};
use mp_queue::{Connection, Queue, pipe};

use super::GOES_ON;
use super::case::{self, Ready, kill, kill_asleep, victim};
use super::channel::{LARGE, kill_when_we_sleep};

type Bytes = Vec<u8>;

/// A sender that does nothing but put large messages is most likely amid one when it is killed.
pub(super) fn sender(ready: Ready) -> Result<String> {
    let queue = Queue::bounded(2)?;
    let (sender, _) = victim(put_large, queue.clone())?;
    for _ in 0..3 {
        queue.get()?;
    }
    kill(&sender)?;
    ready.say();
    while let Ok(whole) = queue.try_get() {
        ensure!(whole.len() == LARGE, "a part of a message");
    }
    queue.put(vec![1])?;
    ensure!(queue.get()? == [1], "another message");
    Ok(GOES_ON.into())
}

fn put_large(ready: Ready, queue: Queue<Bytes>) {
    ready.say();
    while queue.put(vec![0; LARGE]).is_ok() {}
}

pub(super) fn receiver(ready: Ready) -> Result<String> {
    let queue = Queue::new()?;
    let (receiver, _) = victim(get, queue.clone())?;
    kill_asleep(&receiver)?;
    ready.say();
    queue.put(vec![1])?;
    Ok(case::outcome(queue.get()))
}

fn get(ready: Ready, queue: Queue<Bytes>) {
    ready.say();
    queue.get().expect("a message");
}

type End = Connection<Bytes, Bytes>;

/// What was sent before arrives; that the sender is gone is an error.
pub(super) fn pipe_sender(ready: Ready) -> Result<String> {
    let (ours, theirs) = pipe()?;
    let (sender, _) = victim(send_large, theirs)?;
    kill_asleep(&sender)?;
    ready.say();
    loop {
        match ours.recv() {
            Ok(whole) => ensure!(whole.len() == LARGE, "a part of a message"),
            end => return Ok(case::outcome(end)),
        }
    }
}

fn send_large(ready: Ready, end: End) {
    ready.say();
    while end.send(&vec![0; LARGE]).is_ok() {}
}

pub(super) fn pipe_receiver(ready: Ready) -> Result<String> {
    let (ours, theirs) = pipe::<Bytes, Bytes>()?;
    let receiver = mp_process::spawn(ignore, (theirs,))?;
    kill_when_we_sleep(ready, receiver);
    loop {
        let sent = ours.send(&vec![0; LARGE]);
        if sent.is_err() {
            return Ok(case::outcome(sent));
        }
    }
}

/// Receives nothing: the sender has to wait.
fn ignore(_end: End) {
    thread::park();
}
