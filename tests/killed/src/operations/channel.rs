//! `channel` and `pipe`: who talks to a victim gets whole messages, and then the end.

use std::time::Duration;

use mp_queue::{Connection, Receiver, Sender, channel, pipe};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};

/// More than a socket holds.
const LARGE: usize = 1_000_000;

/// Long enough to sleep, and to sleep again.
const A_WHILE: Duration = Duration::from_millis(70);

type Text = String;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = channels();
    all.extend(
        [(20, "small"), (LARGE, "large")].into_iter().flat_map(|(len, what)| pipes(len, what)),
    );
    all
}

fn is_whole(text: &Text, len: usize) -> Verdict {
    ensure!(*text == "7".repeat(len), "a message is torn");
    Ok(())
}

/// Receives until the end: whole messages, as many as there may be.
fn receive_all(
    mut receive: impl FnMut() -> Option<Text>,
    len: usize,
    least: usize,
    most: usize,
) -> Verdict {
    let mut count = 0;
    while let Some(text) = receive() {
        is_whole(&text, len)?;
        count += 1;
    }
    ensure!((least..=most).contains(&count), "{count} messages came");
    Ok(())
}

type Ends = (Option<Sender<Text>>, Option<Receiver<Text>>);

fn ends(_: &Notes) -> Ends {
    let (sender, receiver) = channel().unwrap();
    (Some(sender), Some(receiver))
}

fn channels() -> Vec<Operation> {
    let sent = operation("channel: sent, and the sender dropped", ends)
        .victim(|(sender, _), notes| {
            let sender = sender.take().unwrap();
            Notes::mark();
            sender.send("7".repeat(20)).unwrap();
            notes.reach(1);
            drop(sender);
        })
        .apart(|(sender, _)| drop(sender.take()))
        .check(|(_, receiver), notes| {
            let receiver = receiver.take().unwrap();
            receive_all(|| receiver.recv().ok(), 20, notes.reached() as usize, 1)
        });
    let received = operation("channel: received, and the receiver dropped", ends)
        .victim(|(sender, receiver), _| {
            sender.take().unwrap().send("7".repeat(20)).unwrap();
            let receiver = receiver.take().unwrap();
            Notes::mark();
            receiver.recv().unwrap();
        })
        .apart(|(_, receiver)| drop(receiver.take()))
        .check(|(sender, _), _| {
            let sender = sender.take().unwrap();
            let end = std::time::Instant::now() + 100 * A_WHILE;
            while sender.send("7".repeat(20)).is_ok() {
                ensure!(std::time::Instant::now() < end, "nobody says that the receiver is gone");
                std::thread::sleep(A_WHILE / 100);
            }
            Ok(())
        });
    vec![sent, received]
}

type Connections = (Option<Connection<Text, Text>>, Option<Connection<Text, Text>>);

fn connections(_: &Notes) -> Connections {
    let (here, there) = pipe().unwrap();
    (Some(here), Some(there))
}

fn pipes(len: usize, what: &str) -> Vec<Operation> {
    let sent = operation(format!("pipe: sent, {what}"), connections)
        .victim(move |(here, there), notes| {
            let (_, there) = (here.take(), there.take().unwrap());
            let text = "7".repeat(len);
            Notes::mark();
            there.send(&text).unwrap();
            notes.reach(1);
        })
        .apart(|(_, there)| drop(there.take()))
        .check(move |(here, _), notes| {
            let here = here.take().unwrap();
            let least = notes.reached() as usize;
            receive_all(|| here.recv().ok(), len, least, 1)
        });
    let received = operation(format!("pipe: received, {what}"), connections)
        .victim(move |(here, there), _| {
            let (_, there) = (here.take(), there.take().unwrap());
            Notes::mark();
            is_whole(&there.recv().unwrap(), len).unwrap();
        })
        .apart(|(_, there)| drop(there.take()))
        .assist(move |(here, _), _| {
            let _ = here.as_ref().unwrap().send_timeout(&"7".repeat(len), A_WHILE);
        })
        .check(move |(here, _), _| {
            let here = here.take().unwrap();
            while here.send(&"7".repeat(len)).is_ok() {}
            ensure!(here.recv().is_err(), "something came of nobody");
            Ok(())
        });
    vec![sent, received]
}
