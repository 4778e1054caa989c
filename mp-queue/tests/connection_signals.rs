//! Connections in a process that gets a thousand signals a second: nobody notices.

mod common {
    pub(crate) mod watchdog;
}

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::watchdog::watchdog;
use mp_queue::connection::{
    Address, ByteConnection, Client, Connection, Listener, RecvError, pipe,
};

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: i32) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// Has the system send a signal each millisecond, and its handler interrupt system calls.
fn ring() {
    let millisecond = libc::timeval { tv_sec: 0, tv_usec: 1000 };
    let timer = libc::itimerval { it_interval: millisecond, it_value: millisecond };
    // SAFETY: all zeros is a valid `sigaction`, and the handler does nothing but count.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as *const () as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGALRM, &action, std::ptr::null_mut()), 0);
        libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut());
    }
}

fn echo(address: Address, peer: Connection<Vec<u8>, Vec<u8>>) {
    let bytes = Client::builder().key("secret").connect(address).unwrap();
    while let Ok(message) = peer.recv() {
        peer.send(&message).unwrap();
        bytes.send_bytes(&message).unwrap();
    }
}

/// One round on each connection, with a wait that times out.
fn round(values: &Connection<Vec<u8>, Vec<u8>>, bytes: &ByteConnection) {
    let message = vec![7; 300_000];
    values.send(&message).unwrap();
    assert!(values.recv().unwrap() == message);
    assert!(bytes.recv_bytes().unwrap() == message);
    let late = values.recv_timeout(Duration::from_millis(5));
    assert!(matches!(late, Err(RecvError::TimedOut)));
}

#[mp_process::test]
fn signals_interrupt_nothing() {
    let _watchdog = watchdog();
    ring();
    let listener = Listener::builder().key("secret").bind(Address::private().unwrap()).unwrap();
    let (ours, theirs) = pipe().unwrap();
    let child = mp_process::spawn(echo, (listener.address().clone(), theirs)).unwrap();
    let bytes = listener.accept().unwrap();
    while SIGNALS.load(Ordering::Relaxed) < 500 {
        round(&ours, &bytes);
    }
    drop(ours);
    child.join().unwrap();
}
