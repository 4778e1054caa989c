//! Ctrl-C: a program that asks for it ends in order, and one that does not is left alone.

mod common;
#[path = "common/processes.rs"]
mod processes;

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{io, thread};

use common::Watchdog;
use mp_pool::Pool;
use mp_process::{ExitStatus, Function, Process, Stdio};
use processes::wait_for_state;

/// Sets what SIGINT does. Who runs the tests may have it ignored.
fn on_interrupt(action: libc::sighandler_t) {
    // SAFETY: the actions are the default, and a function that does nothing but write.
    unsafe { libc::signal(libc::SIGINT, action) };
}

/// Says that the program, which has these workers, is ready to be interrupted.
fn ready(pool: &Pool) {
    println!("workers {:?}", pool.worker_pids());
}

fn park(_: u32) {
    loop {
        thread::park();
    }
}

/// Runs a program, interrupts it when it is ready, and returns how it ended and what it said on
/// standard output (behind the line of its workers) and error. No worker is left then.
fn interrupt<F: Function<(), Output = ()>>(program: F) -> (ExitStatus, String, String) {
    let builder = Process::builder().stdout(Stdio::Piped).stderr(Stdio::Piped);
    let mut process = builder.spawn(program, ()).unwrap();
    let mut stdout = BufReader::new(process.take_stdout().unwrap());
    let mut line = String::new();
    while !line.starts_with("workers ") {
        line.clear();
        assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it has ended before");
    }
    process.interrupt().unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    stdout.read_to_string(&mut out).unwrap();
    process.take_stderr().unwrap().read_to_string(&mut err).unwrap();
    let status = process.wait();
    for pid in line["workers [".len()..].trim_end_matches("]\n").split(", ") {
        wait_for_state(pid.parse().unwrap(), None);
    }
    (status, out, err)
}

/// Waits for results, and says so if there are any, or an error.
fn wait_for_results(interruptible: bool) {
    on_interrupt(libc::SIG_DFL);
    let pool = Pool::new(2).unwrap();
    if interruptible {
        pool.end_on_interrupt().unwrap();
    }
    let result = pool.task(park).chunk_size(1).map_async(0..2);
    ready(&pool);
    println!("{:?}", result.get());
}

#[mp_process::test]
fn row_13_one_interrupt_ends_the_program_with_one_line_and_status_130() {
    let _watchdog = Watchdog::new("one_interrupt_ends_the_program");
    let (status, out, err) = interrupt(|| wait_for_results(true));
    assert_eq!(status, ExitStatus::Exited(130));
    assert_eq!((out.as_str(), err.as_str()), ("", "interrupted (tasks not done: 2)\n"));
}

#[mp_process::test]
fn who_has_not_asked_for_it_is_ended_by_the_signal() {
    let _watchdog = Watchdog::new("who_has_not_asked_for_it_is_ended_by_the_signal");
    let (status, out, err) = interrupt(|| wait_for_results(false));
    assert!(matches!(status, ExitStatus::Signaled { signal: libc::SIGINT, .. }), "{status}");
    assert_eq!((out.as_str(), err.as_str()), ("", ""));
}

#[mp_process::test]
fn a_program_that_is_busy_elsewhere_ends_as_well() {
    let _watchdog = Watchdog::new("a_program_that_is_busy_elsewhere_ends_as_well");
    fn program() {
        let pools = [Pool::new(1).unwrap(), Pool::new(1).unwrap()];
        drop(Pool::new(1).map(|dropped| dropped.end_on_interrupt()).unwrap());
        pools.iter().for_each(|pool| pool.end_on_interrupt().unwrap());
        let _parked = pools[0].apply_async(park, (0,));
        ready(&pools[0]);
        loop {
            std::hint::spin_loop();
        }
    }
    let (status, _, err) = interrupt(program);
    assert_eq!(status, ExitStatus::Exited(130));
    assert_eq!(err, "interrupted (tasks not done: 1)\n");
}

extern "C" fn say_so(_: i32) {
    // The standard library's output is not for signal handlers.
    let _ = rustix::io::write(rustix::stdio::stdout(), b"a handler of old\n");
}

#[mp_process::test]
fn other_handlers_are_called_as_well() {
    let _watchdog = Watchdog::new("other_handlers_are_called_as_well");
    fn program() {
        // What the crate ctrlc does is the one, what tokio does the other.
        on_interrupt(say_so as extern "C" fn(i32) as libc::sighandler_t);
        let pool = Pool::new(1).unwrap();
        pool.end_on_interrupt().unwrap();
        let takes_its_time = || thread::sleep(Duration::from_millis(50));
        // SAFETY: to sleep is allowed in a handler.
        unsafe { signal_hook::low_level::register(libc::SIGINT, takes_its_time) }.unwrap();
        let seen = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(libc::SIGINT, Arc::clone(&seen)).unwrap();
        mp_process::at_exit(move || println!("seen: {}", seen.load(Ordering::Relaxed)));
        let parked = pool.apply_async(park, (0,));
        ready(&pool);
        parked.get().unwrap();
    }
    let (status, out, _) = interrupt(program);
    assert_eq!(status, ExitStatus::Exited(130));
    assert_eq!(out, "a handler of old\nseen: true\n");
}

#[mp_process::test]
fn what_runs_at_the_exit_may_drop_the_pool() {
    let _watchdog = Watchdog::new("what_runs_at_the_exit_may_drop_the_pool");
    fn program() {
        let pool = Arc::new(Pool::new(1).unwrap());
        pool.end_on_interrupt().unwrap();
        let last = Arc::clone(&pool);
        mp_process::at_exit(move || {
            last.close();
            last.join().unwrap();
            drop(last);
            println!("dropped");
        });
        ready(&pool);
        park(0);
    }
    let (status, out, _) = interrupt(program);
    assert_eq!((status, out.as_str()), (ExitStatus::Exited(130), "dropped\n"));
}

#[mp_process::test]
fn a_second_interrupt_ends_a_program_that_hangs_on_its_way_out() {
    let _watchdog = Watchdog::new("a_second_interrupt_ends_a_program_that_hangs");
    fn program() {
        let pool = Pool::new(1).unwrap();
        pool.end_on_interrupt().unwrap();
        mp_process::at_exit(|| {
            println!("hangs");
            io::stdout().flush().unwrap();
            // SAFETY: a signal to this process itself.
            unsafe { libc::kill(libc::getpid(), libc::SIGINT) };
            park(0);
        });
        ready(&pool);
        park(0);
    }
    let (status, out, _) = interrupt(program);
    assert_eq!((status, out.as_str()), (ExitStatus::Exited(130), "hangs\n"));
}
