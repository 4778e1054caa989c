//! Several put and several get, on whichever processor.

use std::hint::black_box;
use std::os::fd::OwnedFd;

use anyhow::Result;
use mp_handle::Descriptor;
use mp_queue::Queue;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};

use crate::duo::{Pace, Partner, Place, Sample, Team, Work, mega, repeat, together};
use crate::row::{Row, System};
use crate::rows::python;

/// So many on each side.
const SIDE: usize = 4;
const LEN: usize = 8;

pub(super) fn row(pace: Pace) -> Row {
    const NONE: &str = "a receiver has one owner";
    let systems = vec![
        System::new("ours", queue(pace)),
        System::limit("socketpair, packets", sockets(pace)),
        System::ceiling("crossbeam bounded", crossbeam(pace)),
        System::absent("ipc-channel", NONE),
        System::absent("iceoryx2", "each subscriber gets every message"),
        System::absent("interprocess", NONE),
        python("CPython Queue", "queue_.many", [pace.millis(), SIDE, LEN], mega(SIDE)),
        python("CPython SimpleQueue", "queue_.many_simple", [pace.millis(), SIDE, LEN], mega(SIDE)),
    ];
    super::row("queue-8b-4x4".into(), "from four processes to four", "M/s", systems)
}

/// A team where all the work is done by partners.
fn crew(partners: impl IntoIterator<Item = Result<Partner>>) -> Result<Team> {
    let partners = partners.into_iter().collect::<Result<_>>()?;
    Ok(Team { partners, work: Box::new(|_| Ok(())) })
}

type Message = [u8; LEN];

/// As many messages as in a bounded channel of threads may wait.
const CAPACITY: usize = 1024;

fn queue(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    together(pace, Place::ANYWHERE, mega(SIDE), || {
        let queue = Queue::bounded(CAPACITY)?;
        let putters = (0..SIDE).map(|_| Partner::process(Place::ANYWHERE, put, queue.clone()));
        let getters = (0..SIDE).map(|_| Partner::process(Place::ANYWHERE, get, queue.clone()));
        crew(putters.chain(getters))
    })
}

fn put(queue: Queue<Message>) -> Result<Work> {
    Ok(repeat(move || Ok(queue.put([7; LEN])?)))
}

fn get(queue: Queue<Message>) -> Result<Work> {
    Ok(repeat(move || {
        black_box(queue.get()?);
        Ok(())
    }))
}

fn sockets(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    together(pace, Place::ANYWHERE, mega(SIDE), || {
        let (kind, flags) = (SocketType::SEQPACKET, SocketFlags::CLOEXEC);
        let (ours, theirs) = socketpair(AddressFamily::UNIX, kind, flags, None)?;
        let [ours, theirs] = [ours, theirs].map(Descriptor::from);
        let senders = vec![ours; SIDE].into_iter();
        let receivers = vec![theirs; SIDE].into_iter();
        let place = Place::ANYWHERE;
        crew(
            senders
                .map(|socket| Partner::process(place, send_packets, socket))
                .chain(receivers.map(|socket| Partner::process(place, receive_packets, socket))),
        )
    })
}

fn send_packets(socket: Descriptor) -> Result<Work> {
    let socket: OwnedFd = socket.into_owned()?;
    Ok(repeat(move || {
        send(&socket, &[7; LEN], SendFlags::empty())?;
        Ok(())
    }))
}

fn receive_packets(socket: Descriptor) -> Result<Work> {
    let socket: OwnedFd = socket.into_owned()?;
    Ok(repeat(move || {
        recv(&socket, &mut [0; LEN], RecvFlags::empty())?;
        Ok(())
    }))
}

fn crossbeam(pace: Pace) -> impl FnOnce() -> Result<Sample> {
    together(pace, Place::ANYWHERE, mega(SIDE), || {
        let (sender, receiver) = crossbeam_channel::bounded(CAPACITY);
        let senders = vec![sender; SIDE].into_iter().map(|sender| {
            let put = move || Ok(sender.send([7_u8; LEN])?);
            Partner::thread(Place::ANYWHERE, move || Ok(repeat(put)))
        });
        let receivers = vec![receiver; SIDE].into_iter().map(|receiver| {
            let get = move || {
                black_box(receiver.recv()?);
                Ok(())
            };
            Partner::thread(Place::ANYWHERE, move || Ok(repeat(get)))
        });
        crew(senders.chain(receivers))
    })
}
