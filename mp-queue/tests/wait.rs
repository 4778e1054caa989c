//! Waiting for several things at once.

mod common {
    pub(crate) mod watchdog;
}

use std::io::{self, PipeReader};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use common::watchdog::watchdog;
use mp_queue::connection::{Address, Listener, pipe};
use mp_queue::{Waitable, wait};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const NOW: Option<Duration> = Some(Duration::ZERO);

fn linger() {
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn connections_listeners_and_processes_are_waited_for_together() {
    let _watchdog = watchdog();
    let (ours, theirs) = pipe::<(), u8>().unwrap();
    let tcp = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::builder().without_key().bind(tcp).unwrap();
    let Address::Tcp(tcp) = *listener.address() else { unreachable!("bound to TCP") };
    let process = mp_process::spawn(linger, ()).unwrap();
    let sentinel = process.sentinel();
    let objects: [&dyn Waitable; 3] = [&ours, &listener, &sentinel];
    assert!(wait(&objects, NOW).unwrap().is_empty());

    theirs.send(&1).unwrap();
    assert_eq!(wait(&objects, None).unwrap(), [0]);
    let _knock = TcpStream::connect(tcp).unwrap();
    while wait(&objects, None).unwrap() != [0, 1] {}
    process.kill().unwrap();
    while wait(&objects, Some(Duration::MAX)).unwrap() != [0, 1, 2] {}

    assert_eq!(ours.recv().unwrap(), 1);
    listener.try_accept().unwrap();
    assert_eq!(wait(&objects, NOW).unwrap(), [2]);
    process.join().unwrap_err();
}

#[test]
fn nothing_in_time_is_nothing() {
    let (reader, _writer) = io::pipe().unwrap();
    let timeout = Duration::from_millis(20);
    for objects in [&[&reader as &dyn Waitable][..], &[]] {
        let start = Instant::now();
        assert!(wait(objects, Some(timeout)).unwrap().is_empty());
        assert!(start.elapsed() >= timeout);
    }
    let error = wait(&[], None).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn the_same_thing_twice_is_ready_twice() {
    let (reader, writer) = io::pipe().unwrap();
    drop(writer);
    // A child that another test starts may let go of it between the two.
    while wait(&[&reader, &reader], None).unwrap() != [0, 1] {}
}

/// Waits for more descriptors than the limit, of which `ready` will be the ready one.
fn wait_beyond_the_limit(ready: usize) -> (Vec<usize>, Duration) {
    let (readers, mut writers): (Vec<PipeReader>, Vec<_>) =
        (0..40).map(|_| io::pipe().unwrap()).unzip();
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(16), maximum }).unwrap();
    let objects: Vec<&dyn Waitable> = readers.iter().map(|reader| reader as _).collect();
    assert!(wait(&objects, NOW).unwrap().is_empty());
    let cpu = || {
        let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(usage.tv_sec as u64, usage.tv_nsec as u32)
    };
    let before = cpu();
    assert!(wait(&objects, Some(Duration::from_millis(400))).unwrap().is_empty());
    let spent = cpu() - before;
    drop(writers.swap_remove(ready));
    (wait(&objects, None).unwrap(), spent)
}

#[mp_process::test]
fn more_than_the_process_may_have_open_neither_fail_nor_spin() {
    let _watchdog = watchdog();
    for ready in [0, 20, 39] {
        let (found, spent) =
            mp_process::spawn(wait_beyond_the_limit, (ready,)).unwrap().join().unwrap();
        assert_eq!(found, [ready]);
        // A wait that spins spends all of the time.
        assert!(spent < Duration::from_millis(200), "{spent:?}");
    }
}
