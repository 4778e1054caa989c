//! `channel`: who waits for the other side is told when the last of it is gone, however it went.

use mp_queue::{Receiver, Sender, channel, sync_channel};

use crate::notes::Notes;
use crate::operation::{Operation, ensure, operation};
use crate::partner::Partner;

type Ends = (Option<Sender<u32>>, Option<Receiver<u32>>, Option<Partner>);

pub(super) fn operations() -> Vec<Operation> {
    vec![cloned(), last_sender(), last_receiver(), received_when_sent(), many_received(), sent()]
}

fn ends(_: &Notes) -> Ends {
    let (sender, receiver) = channel().unwrap();
    (Some(sender), Some(receiver), None)
}

/// A channel whose receiver is in another process, which receives up to the end.
fn awaited(_: &Notes) -> Ends {
    let (sender, receiver) = channel::<u32>().unwrap();
    let (mut senders, mut receivers) = (Some(sender), Some(receiver));
    let partner = Partner::waiting(|| {
        drop(senders.take());
        let receiver = receivers.take().unwrap();
        let error = receiver.recv().expect_err("nobody sends anything");
        ensure!(error.is_disconnected(), "told that {error}");
        Ok(())
    });
    drop(receivers);
    (senders, None, Some(partner))
}

fn cloned() -> Operation {
    operation("channel: a sender cloned, and both dropped", ends)
        .victim(|(sender, receiver, _), _| {
            drop(receiver.take());
            let sender = sender.take().unwrap();
            Notes::mark();
            let other = sender.clone();
            drop(sender);
            drop(other);
        })
        .apart(|(sender, ..)| drop(sender.take()))
        .check(|(_, receiver, _), _| {
            let told = receiver.take().unwrap().recv();
            ensure!(told.is_err_and(|error| error.is_disconnected()), "a sender is left over");
            Ok(())
        })
}

fn last_sender() -> Operation {
    operation("channel: the last sender dropped, for one who waits", awaited)
        .victim(|(sender, _, partner), _| {
            let sender = sender.take().unwrap();
            partner.iter().for_each(Partner::let_wait);
            Notes::mark();
            drop(sender);
        })
        .apart(|(sender, ..)| drop(sender.take()))
        .check(|(.., partner), _| partner.as_ref().unwrap().join())
}

/// One who waits for room is told that nobody will make any.
fn last_receiver() -> Operation {
    let full = |_: &Notes| -> Ends {
        let (sender, receiver) = sync_channel(1).unwrap();
        sender.send(1).unwrap();
        let (mut senders, mut receivers) = (Some(sender), Some(receiver));
        let partner = Partner::waiting(|| {
            drop(receivers.take());
            let error = senders.take().unwrap().send(2).expect_err("there is no room");
            ensure!(error.is_disconnected(), "told that {error}");
            Ok(())
        });
        drop(senders);
        (None, receivers, Some(partner))
    };
    operation("channel: the last receiver dropped, for one who waits for room", full)
        .victim(|(_, receiver, partner), _| {
            let receiver = receiver.take().unwrap();
            partner.iter().for_each(Partner::let_wait);
            Notes::mark();
            drop(receiver);
        })
        .apart(|(_, receiver, _)| drop(receiver.take()))
        .check(|(.., partner), _| partner.as_ref().unwrap().join())
}

fn received_when_sent() -> Operation {
    operation("channel: waited for and received", ends)
        .victim(|(sender, receiver, _), _| {
            drop(sender.take());
            let receiver = receiver.take().unwrap();
            Notes::mark();
            assert_eq!(receiver.recv().unwrap(), 1);
        })
        .assist(|(sender, ..), _| {
            let _ = sender.as_ref().unwrap().send(1);
        })
        .check(|(sender, receiver, _), _| {
            drop(sender.take());
            let rest: Vec<_> = receiver.take().unwrap().iter().collect();
            ensure!(rest.iter().all(|&number| number == 1), "there are {rest:?}");
            Ok(())
        })
}

fn many_received() -> Operation {
    let filled = |notes: &Notes| {
        let ends = ends(notes);
        ends.0.as_ref().unwrap().send_many(vec![1, 2, 3]).unwrap();
        ends
    };
    operation("channel: many received", filled)
        .victim(|(_, receiver, _), _| {
            let receiver = receiver.take().unwrap();
            Notes::mark();
            assert_eq!(receiver.recv_many(2).unwrap().count(), 2);
        })
        .check(|(sender, receiver, _), notes| {
            drop(sender.take());
            let rest: Vec<_> = receiver.take().unwrap().iter().collect();
            ensure!([1, 2, 3].ends_with(&rest) && !rest.is_empty(), "there are {rest:?}");
            ensure!(rest == [3] || !notes.is_finished(), "{rest:?} are still there");
            Ok(())
        })
}

/// Room is made by who receives, and nobody else's message is lost over it.
fn sent() -> Operation {
    let full = |_: &Notes| -> Ends {
        let (sender, receiver) = sync_channel(1).unwrap();
        sender.send(1).unwrap();
        (Some(sender), Some(receiver), None)
    };
    operation("channel: waited for room and sent", full)
        .victim(|(sender, receiver, _), _| {
            drop(receiver.take());
            let sender = sender.take().unwrap();
            Notes::mark();
            sender.send(2).unwrap();
        })
        .apart(|(sender, ..)| drop(sender.take()))
        .assist(|(_, receiver, _), notes| {
            if receiver.as_ref().unwrap().try_recv().is_ok_and(|number| number == 1) {
                notes.reach(1);
            }
        })
        .check(|(_, receiver, _), notes| {
            let found: Vec<_> = receiver.take().unwrap().iter().collect();
            let first = if notes.reached() == 1 { 2 } else { 1 };
            let expected: Vec<_> = (first..=2).collect();
            let without = &expected[..expected.len() - 1];
            let is_right = found == expected || (found == *without && !notes.is_finished());
            ensure!(is_right, "there are {found:?}");
            Ok(())
        })
}
