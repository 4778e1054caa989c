//! One process puts, another gets, each on a core of its own.

use anyhow::Result;

use super::{threads, unit};
use crate::duo::line::{
    Iceoryx, IpcBytes, IpcTyped, Line, LocalSocket, QueueBytes, QueueInPlace, QueueTyped, Ring,
    Socket, SpinRing,
};
use crate::duo::{Pace, Partner, Places, Sample, Team, Work, apart, python_pair, repeat};
use crate::row::{Row, System};

pub(super) fn row(pace: Pace, name: &str, len: usize) -> Row {
    let [crossbeam, std_mpsc] = threads::systems(pace, len);
    let systems = vec![
        System::new("ours, bytes", stream::<QueueBytes>(pace, len)),
        System::new("ours, typed Vec<u8>", stream::<QueueTyped>(pace, len)),
        System::new("ours, in place", stream::<QueueInPlace>(pace, len)),
        System::limit("bare ring", stream::<Ring>(pace, len)),
        System::limit("bare ring, only spinning", stream::<SpinRing>(pace, len)),
        System::limit("socketpair, bytes", stream::<Socket>(pace, len)),
        crossbeam,
        std_mpsc,
        System::new("ipc-channel typed Vec<u8>", stream::<IpcTyped>(pace, len)),
        System::new("ipc-channel bytes", stream::<IpcBytes>(pace, len)),
        System::new("iceoryx2, polling", stream::<Iceoryx>(pace, len)),
        System::new("interprocess local socket", stream::<LocalSocket>(pace, len)),
        cpython("CPython Queue", "queue_.stream", pace, len),
        cpython("CPython SimpleQueue", "queue_.stream_simple", pace, len),
    ];
    super::row(format!("queue-{name}"), "from one process to another", unit(len).0, systems)
}

fn stream<L: Line>(pace: Pace, len: usize) -> impl FnOnce() -> Result<Sample> {
    apart(pace, unit(len).1, move |there| {
        let (host, invitation) = L::host(len)?;
        let partner = Partner::process(there, send::<L>, (invitation, len))?;
        let mut line = L::open(host)?;
        Ok(Team::pair(partner, repeat(move || line.receive())))
    })
}

fn send<L: Line>((invitation, len): (L::Invitation, usize)) -> Result<Work> {
    let mut line = L::join(invitation, len)?;
    let message = vec![7; len];
    Ok(repeat(move || line.send(&message)))
}

fn cpython(name: &str, what: &'static str, pace: Pace, len: usize) -> System {
    python_pair(name, what, pace, Places::two_cores, [len], unit(len).1)
}
