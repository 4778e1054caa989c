//! Both sides of a channel learn that the other is gone, and never before it is.

mod common {
    pub(crate) mod watchdog;
}

use std::thread;
use std::time::Duration;

use common::watchdog::watchdog;
use mp_handle::Parcel;
use mp_process::{Process, spawn};
use mp_queue::{GetError, Queue, Receiver, Sender, channel, sync_channel};

fn kill<R: serde::de::DeserializeOwned + std::fmt::Debug>(victim: Process<R>) {
    victim.kill().unwrap();
    victim.join().unwrap_err();
}

fn is_over<T: std::fmt::Debug>(received: Result<T, GetError>) -> bool {
    received.is_err_and(|error| error.is_disconnected())
}

#[mp_process::test]
fn what_was_sent_is_received_before_the_end() {
    let _watchdog = watchdog();
    let (sender, receiver) = channel().unwrap();
    sender.send_many((0..1000).collect()).unwrap();
    drop(sender);
    assert_eq!(receiver.len(), 1000);
    assert_eq!(receiver.recv_many(10).unwrap().map(Result::unwrap).sum::<u32>(), 45);
    assert!(receiver.iter().eq(10..1000));
    assert!(is_over(receiver.recv()));
    assert!(is_over(receiver.try_recv()));
    assert!(is_over(receiver.recv_timeout(Duration::from_secs(60))));
}

fn send_and_wait(sender: Sender<u32>) {
    sender.send(7).unwrap();
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn a_sender_that_is_killed_is_gone() {
    let _watchdog = watchdog();
    let (sender, receiver) = channel().unwrap();
    let child = spawn(send_and_wait, (sender.clone(),)).unwrap();
    drop(sender);
    assert_eq!(receiver.recv().unwrap(), 7);
    assert!(matches!(receiver.try_recv(), Err(GetError::Empty)));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| receiver.recv());
        kill(child);
        assert!(is_over(waiting.join().unwrap()));
    });
}

fn hold<T>(_handle: T, held: Queue<()>) {
    held.put(()).unwrap();
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn a_receiver_that_is_killed_is_gone_for_those_who_wait_and_those_who_do_not() {
    let _watchdog = watchdog();
    let (sender, receiver) = sync_channel(1).unwrap();
    let held = Queue::new().unwrap();
    let child = spawn(hold::<Receiver<u32>>, (receiver.clone(), held.clone())).unwrap();
    held.get().unwrap();
    drop(receiver);
    assert!(!sender.is_disconnected());
    sender.send(1).unwrap();
    assert!(sender.try_send(2).unwrap_err().is_full());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| sender.send(3));
        kill(child);
        let error = waiting.join().unwrap().unwrap_err();
        assert!(error.is_disconnected());
        assert_eq!(error.into_inner(), 3);
    });
    assert!(sender.try_send(4).unwrap_err().is_disconnected());
    assert!(sender.is_disconnected());
}

#[mp_process::test]
fn a_sender_without_limits_learns_it_too() {
    let _watchdog = watchdog();
    let (sender, receiver) = channel().unwrap();
    let held = Queue::new().unwrap();
    let child = spawn(hold::<Receiver<u32>>, (receiver.clone(), held.clone())).unwrap();
    held.get().unwrap();
    drop(receiver);
    sender.send(1).unwrap();
    kill(child);
    while sender.send(2).is_ok() {
        thread::yield_now();
    }
}

/// Runs in a process of its own: a child that another test starts has what is open here for a
/// moment, and with that the receiver.
fn drop_the_last_one() {
    let (sender, receiver) = channel().unwrap();
    sender.send(1).unwrap();
    drop(receiver.clone());
    sender.send(2).unwrap();
    drop(receiver);
    assert!(sender.send(3).unwrap_err().is_disconnected());
}

#[mp_process::test]
fn to_drop_the_last_one_is_noticed_at_once() {
    let _watchdog = watchdog();
    spawn(drop_the_last_one, ()).unwrap().join().unwrap();
}

#[mp_process::test]
fn a_handle_on_its_way_is_not_gone() {
    let (sender, receiver) = channel::<u32>().unwrap();
    let on_its_way = Parcel::encode(&sender).unwrap();
    drop(sender);
    let timeout = Duration::from_millis(120);
    assert!(matches!(receiver.recv_timeout(timeout), Err(GetError::TimedOut)));
    let sender: Sender<u32> = on_its_way.decode().unwrap();
    sender.send(1).unwrap();
    drop(sender);
    assert_eq!(receiver.recv().unwrap(), 1);
    assert!(is_over(receiver.recv()));
}

#[mp_process::test]
fn sides_are_not_mixed_up() {
    let (sender, receiver) = channel::<u32>().unwrap();
    let parcel = Parcel::encode(&sender).unwrap();
    assert!(parcel.decode::<Receiver<u32>>().is_err());
    let parcel = Parcel::encode(&receiver).unwrap();
    assert!(parcel.decode::<Queue<u32>>().is_err());
    let parcel = Parcel::encode(&Queue::<u32>::new().unwrap()).unwrap();
    assert!(parcel.decode::<Sender<u32>>().is_err());
}

fn count(receiver: Receiver<u32>, counts: Sender<u64>) {
    counts.send(receiver.into_iter().map(u64::from).sum()).unwrap();
}

#[mp_process::test]
fn many_receivers_share_what_many_senders_send() {
    let _watchdog = watchdog();
    let (sender, receiver) = sync_channel(10).unwrap();
    let (counts, sums) = channel().unwrap();
    let children: Vec<_> =
        (0..3).map(|_| spawn(count, (receiver.clone(), counts.clone())).unwrap()).collect();
    drop((receiver, counts));
    thread::scope(|scope| {
        for _ in 0..3 {
            let sender = sender.clone();
            scope.spawn(move || (1..=1000).for_each(|number| sender.send(number).unwrap()));
        }
    });
    drop(sender);
    assert_eq!(sums.iter().sum::<u64>(), 3 * 500_500);
    children.into_iter().for_each(|child| child.join().unwrap());
}
