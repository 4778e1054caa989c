//! To wait for a child, to look at it, and to stop it.

mod common {
    pub(crate) mod linger;
    pub(crate) mod watchdog;
}

use std::io::{self, ErrorKind};
use std::os::fd::BorrowedFd;
use std::thread;
use std::time::Duration;

use common::linger::lingering;
use common::watchdog::watchdog;
use mp_process::{Child, ExitStatus, Failure, JoinError, Process, active_children, spawn};
use rustix::event::{PollFd, PollFlags, Timespec};

const SHORT: Duration = Duration::from_millis(10);

fn signal(error: JoinError) -> i32 {
    match error.into_failure() {
        Failure::Signaled { signal, .. } => signal,
        other => panic!("{other}"),
    }
}

fn is_readable(fd: BorrowedFd<'_>, timeout: Option<Duration>) -> bool {
    let timeout = timeout.map(|timeout| Timespec::try_from(timeout).unwrap());
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    rustix::event::poll(&mut fds, timeout.as_ref()).unwrap() == 1
}

#[mp_process::test]
fn a_wait_with_a_timeout_leaves_the_child_alone() {
    let _watchdog = watchdog();
    let mut process = lingering(Process::builder());
    assert_eq!(process.join_timeout(SHORT), None);
    assert_eq!(process.wait_timeout(SHORT), None);
    assert_eq!(process.try_join(), None);
    assert_eq!(process.exit_status(), None);
    assert!(process.is_alive());
    process.kill().unwrap();
    assert_eq!(signal(process.join_timeout(Duration::MAX).unwrap().unwrap_err()), libc::SIGKILL);
    assert!(!process.is_alive());
}

#[mp_process::test]
fn each_way_to_stop_a_child_is_its_own_signal() {
    let _watchdog = watchdog();
    type Stop = fn(&Child) -> io::Result<()>;
    let stops: [(Stop, i32); 4] = [
        (Child::terminate, libc::SIGTERM),
        (Child::kill, libc::SIGKILL),
        (Child::interrupt, libc::SIGINT),
        (|child| child.send_signal(libc::SIGUSR2), libc::SIGUSR2),
    ];
    for (stop, number) in stops {
        let process = lingering(Process::builder());
        stop(&process).unwrap();
        assert_eq!(signal(process.join().unwrap_err()), number);
    }
}

#[mp_process::test]
fn there_is_no_signal_of_a_bad_number() {
    let _watchdog = watchdog();
    let process = lingering(Process::builder());
    for bad in [-1, 65, i32::MAX, i32::MIN] {
        assert_eq!(process.send_signal(bad).unwrap_err().kind(), ErrorKind::InvalidInput, "{bad}");
    }
    process.send_signal(0).unwrap();
    assert!(process.is_alive());
    process.kill().unwrap();
    process.wait();
}

#[mp_process::test]
fn to_signal_a_child_that_has_ended_is_no_error() {
    let _watchdog = watchdog();
    let process = spawn(|| (), ()).unwrap();
    // Nobody has taken its status yet, then somebody has.
    assert!(is_readable(process.sentinel(), None));
    process.terminate().unwrap();
    process.wait();
    for stop in [Child::terminate, Child::kill, Child::interrupt] {
        stop(&process).unwrap();
    }
    process.join().unwrap();
}

#[mp_process::test]
fn the_sentinel_is_readable_from_the_end_on() {
    let _watchdog = watchdog();
    let process = lingering(Process::builder());
    assert!(!is_readable(process.sentinel(), Some(SHORT)));
    process.kill().unwrap();
    assert!(is_readable(process.sentinel(), None));
    let status = process.exit_status().unwrap();
    assert!(matches!(status, ExitStatus::Signaled { signal: libc::SIGKILL, .. }), "{status}");
    assert!(is_readable(process.sentinel(), Some(Duration::ZERO)));
}

#[mp_process::test]
fn the_status_can_be_asked_for_again() {
    let _watchdog = watchdog();
    let process = spawn(|| 3, ()).unwrap();
    for _ in 0..2 {
        assert_eq!(process.wait(), ExitStatus::Exited(0));
        assert_eq!(process.wait_timeout(SHORT), Some(ExitStatus::Exited(0)));
        assert_eq!(process.exit_status(), Some(ExitStatus::Exited(0)));
    }
    assert!(process.wait().success());
    assert_eq!(process.join().unwrap(), 3);
}

#[mp_process::test]
fn a_child_has_a_pid_and_a_name() {
    let _watchdog = watchdog();
    let process = Process::builder().name("teller").spawn(std::process::id, ()).unwrap();
    let pid = process.pid();
    assert_eq!(process.name(), "teller");
    assert_ne!(pid, std::process::id());
    assert_eq!(process.join().unwrap(), pid);
}

#[mp_process::test]
fn the_children_that_live_are_listed() {
    let _watchdog = watchdog();
    let process = lingering(Process::builder());
    let is_listed = |pid| active_children().iter().any(|child| child.pid() == pid);
    assert!(is_listed(process.pid()));
    process.kill().unwrap();
    assert!(is_readable(process.sentinel(), None));
    assert!(!is_listed(process.pid()));
    // The list has taken the status, and has kept it for the handle.
    assert_eq!(signal(process.join().unwrap_err()), libc::SIGKILL);
}

/// Whoever takes the status from the system: another thread may be in the midst of it.
#[mp_process::test]
fn a_child_whose_end_is_known_is_listed_no_more() {
    let _watchdog = watchdog();
    for _ in 0..20 {
        let process = lingering(Process::builder());
        let others: Vec<_> = (0..4)
            .map(|_| {
                let child = Child::clone(&process);
                thread::spawn(move || child.wait())
            })
            .collect();
        process.kill().unwrap();
        process.wait();
        assert!(active_children().iter().all(|child| child.pid() != process.pid()));
        assert!(others.into_iter().all(|other| !other.join().unwrap().success()));
    }
}

#[mp_process::test]
fn a_dropped_handle_leaves_the_child_in_the_list() {
    let _watchdog = watchdog();
    let process = lingering(Process::builder());
    let pid = process.pid();
    drop(process);
    let child = active_children().into_iter().find(|child| child.pid() == pid).unwrap();
    assert!(child.is_alive());
    child.kill().unwrap();
    let status = child.wait();
    assert!(matches!(status, ExitStatus::Signaled { signal: libc::SIGKILL, .. }), "{status}");
}

#[mp_process::test]
fn debug_shows_whether_it_runs() {
    let _watchdog = watchdog();
    let process = lingering(Process::builder().name("shown"));
    let head = format!("Process {{ name: \"shown\", pid: {}, status: ", process.pid());
    assert_eq!(format!("{process:?}"), format!("{head}\"running\" }}"));
    process.kill().unwrap();
    process.wait();
    let signaled = "Signaled { signal: 9, core_dumped: false }";
    assert_eq!(format!("{process:?}"), format!("{head}{signaled} }}"));
}

#[mp_process::test]
fn many_threads_wait_for_one_child() {
    let _watchdog = watchdog();
    let process = lingering(Process::builder());
    let waiters: Vec<_> = (0..8)
        .map(|_| {
            let child = Child::clone(&process);
            thread::spawn(move || child.wait())
        })
        .collect();
    process.kill().unwrap();
    for waiter in waiters {
        let status = waiter.join().unwrap();
        assert!(matches!(status, ExitStatus::Signaled { signal: libc::SIGKILL, .. }), "{status}");
    }
}
