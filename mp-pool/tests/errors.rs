//! What errors of tasks say: which task, in which worker, and why.

mod common;
#[path = "common/gate.rs"]
mod gate;

use std::alloc::{Layout, handle_alloc_error};
use std::process;
use std::time::Duration;

use common::Watchdog;
use gate::Gate;
use mp_pool::{Cause, Output, Pool, TaskError, TaskErrorKind};
use mp_process::ExitStatus;

/// Says something, and ends in one of many ways.
fn end(n: u32) -> u32 {
    fn deeper(depth: u64) -> u64 {
        let sum = std::hint::black_box([depth; 64]).iter().sum();
        if sum == u64::MAX { sum } else { sum.wrapping_add(deeper(depth + 1)) }
    }
    fn raise(signal: i32) {
        // SAFETY: a signal to this process itself, with what it does by default.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    }
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).unwrap();
    eprintln!("this is the end of task {n}");
    match n {
        1 => process::exit(3),
        2 => process::abort(),
        3 => raise(libc::SIGSEGV),
        4 => return deeper(0) as u32,
        5 => handle_alloc_error(Layout::new::<[u64; 1000]>()),
        6 => raise(libc::SIGSYS),
        7 => raise(libc::SIGXCPU),
        8 => raise(libc::SIGTERM),
        _ => {}
    }
    n
}

fn cause_of(error: &TaskError) -> Option<Cause> {
    match error.kind {
        TaskErrorKind::WorkerLost { cause, .. } => cause,
        _ => panic!("{error}"),
    }
}

#[mp_process::test]
fn row_09_a_native_crash_says_why_and_keeps_the_last_words() {
    let _watchdog = Watchdog::new("row_09_a_native_crash_says_why_and_keeps_the_last_words");
    // A backtrace would be the last words of the allocation that fails.
    let pool = Pool::builder().workers(2).env("RUST_BACKTRACE", "0").build().unwrap();
    let results = pool.task(end).chunk_size(3).try_map(0..10);
    let causes = [
        None,
        None,
        Some(Cause::InvalidAccess),
        Some(Cause::StackOverflow),
        Some(Cause::AllocationFailed),
        Some(Cause::ForbiddenCall),
        Some(Cause::CpuLimit),
        None,
    ];
    for (n, cause) in (1..).zip(causes) {
        let error = results[n].as_ref().unwrap_err();
        assert_eq!((error.index(), cause_of(error)), (Some(n), cause), "{error}");
        let tail = error.stderr_tail();
        assert!(tail.contains(&format!("this is the end of task {n}\n")), "task {n}: {tail:?}");
        assert!(error.to_string().starts_with(&format!("task {n} in worker ")), "{error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
    let TaskErrorKind::WorkerLost { status, .. } = results[1].as_ref().unwrap_err().kind else {
        panic!("{results:?}")
    };
    assert_eq!(status, ExitStatus::Exited(3));
    assert_eq!((&results[0], &results[9]), (&Ok(0), &Ok(9)));
    let overflow = results[4].as_ref().unwrap_err().to_string();
    assert!(overflow.ends_with(", probably because its stack overflowed"), "{overflow}");
}

#[mp_process::test]
fn an_error_names_its_task_and_its_worker_whatever_it_is() {
    fn fate(n: u32) -> Result<u32, String> {
        match n {
            1 => Err("no".into()),
            2 => panic!("not this"),
            n => Ok(n),
        }
    }
    let pool = Pool::new(1).unwrap();
    let pids = pool.worker_pids();
    let results = pool.task(fate).fallible().try_map(0..3);
    for (n, what) in [(1, "no"), (2, "not this")] {
        let error = results[n].as_ref().unwrap_err();
        assert_eq!((error.index(), error.pid()), (Some(n), Some(pids[0])));
        assert!(error.to_string().ends_with(what), "{error}");
        assert_eq!(error.stderr_tail(), "", "the worker lives");
    }
}

#[mp_process::test]
fn a_task_that_was_stopped_at_its_deadline_keeps_its_last_words() {
    let _watchdog = Watchdog::new("a_task_that_was_stopped_at_its_deadline_keeps_its_last_words");
    fn hang(spoken: Gate) {
        eprint!("waiting for the lock");
        spoken.step();
        spoken.wait(u32::MAX);
    }
    let pool = Pool::new(1).unwrap();
    let (mut limit, spoken) = (Duration::from_millis(300), Gate::new());
    // On a busy machine the time may be over before it has spoken.
    while spoken.steps() == 0 {
        let error = pool.task(hang).deadline(limit).apply((spoken.clone(),)).unwrap_err();
        assert!(matches!(error.kind, TaskErrorKind::TimedOut { .. }), "{error}");
        assert!(spoken.steps() == 0 || error.stderr_tail() == "waiting for the lock", "{error:?}");
        limit *= 2;
    }
}

#[mp_process::test]
fn a_pool_that_gives_up_tells_what_its_workers_said() {
    let _watchdog = Watchdog::new("a_pool_that_gives_up_tells_what_its_workers_said");
    fn dies() {
        eprintln!("cannot find libmodel.so");
        process::abort();
    }
    let pool = Pool::builder().workers(2).initializer(dies, ()).build().unwrap();
    let error = pool.apply(|| 1, ()).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::PoolBroken { .. }), "{error}");
    assert!(error.stderr_tail().contains("cannot find libmodel.so\n"), "{error:?}");
    let later = pool.apply(|| 1, ()).unwrap_err();
    assert_eq!(later, error);
}

#[mp_process::test]
fn the_tail_is_bounded() {
    let _watchdog = Watchdog::new("the_tail_is_bounded");
    fn chatter() {
        for n in 0..5000 {
            eprintln!("chatter {n}");
        }
        process::abort();
    }
    let pool = Pool::builder().workers(1).output(Output::Named).build().unwrap();
    let error = pool.apply(chatter, ()).unwrap_err();
    let tail = error.stderr_tail();
    assert!(tail.starts_with("chatter ") && tail.ends_with("chatter 4999\n"), "{tail}");
    assert!(tail.len() <= 16 << 10);
}

#[mp_process::test]
fn there_is_no_tail_of_what_is_not_read() {
    let _watchdog = Watchdog::new("there_is_no_tail_of_what_is_not_read");
    for output in [Output::Inherit, Output::Null] {
        let pool = Pool::builder().workers(1).output(output).build().unwrap();
        let error = pool.apply(end, (2,)).unwrap_err();
        assert_eq!(error.stderr_tail(), "");
    }
}
