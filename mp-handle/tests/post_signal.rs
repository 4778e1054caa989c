//! Signals that come while parcels are sent and received.

use std::env::current_exe;
use std::fs;
use std::io::ErrorKind;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{self, yield_now};

use mp_handle::{Parcel, Post};
use rustix::thread::gettid;

static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count_signal(_: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::SeqCst);
}

/// Installs a handler after which system calls are not restarted.
fn interrupt_calls() {
    // SAFETY: all zeros is a valid `sigaction`, and the handler does nothing but count.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count_signal as *const () as libc::sighandler_t;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut()), 0);
    }
}

fn interrupt(thread: i32) {
    // SAFETY: a signal with a handler, to a thread of this process.
    let sent = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, libc::SIGUSR1) };
    assert_eq!(sent, 0);
}

/// Tells whether the kernel has put the thread to sleep.
fn is_blocked(thread: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat"));
    stat.is_ok_and(|text| text.contains(") S "))
}

#[test]
fn a_signal_does_not_end_the_wait() {
    interrupt_calls();
    let (ours, theirs) = Post::pair().unwrap();
    let (started, starts) = mpsc::channel();
    let receiver = thread::spawn(move || {
        started.send(gettid().as_raw_nonzero().get()).unwrap();
        theirs.receive().map(|arrived| arrived.map(|(tag, _)| tag))
    });
    let thread = starts.recv().unwrap();
    for count in 1..=20 {
        while !is_blocked(thread) && !receiver.is_finished() {
            yield_now();
        }
        assert!(!receiver.is_finished(), "{:?}", receiver.join());
        interrupt(thread);
        while SIGNALS.load(Ordering::SeqCst) < count {
            yield_now();
        }
    }
    ours.send(4, &Parcel::new()).unwrap();
    assert_eq!(receiver.join().unwrap().unwrap(), Some(4));
}

#[test]
fn a_peer_that_is_gone_raises_no_signal() {
    let mut child = Command::new(current_exe().unwrap());
    child.args(["--ignored", "--exact", "send_to_nobody"]);
    let output = child.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[ignore = "the child of the test above"]
fn send_to_nobody() {
    // SAFETY: no handler is installed; this is what programs that are not Rust begin with.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let (ours, theirs) = Post::pair().unwrap();
    drop(theirs);
    let error = ours.send(0, &Parcel::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}
