//! The fork server: what its children have of it, and what they have not.
//!
//! That a forked child is otherwise like a spawned one is what all other tests here tell, when they
//! are run with `MULTIPROCESS_START_METHOD=forkserver`.
#![allow(unsafe_code)]

mod common {
    pub(crate) mod linger;
    pub(crate) mod pidfd;
    pub(crate) mod watchdog;
}

use std::env;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use common::linger::lingering;
use common::pidfd::{pidfd, wait_for_end};
use common::watchdog::watchdog;
use mp_handle::Descriptor;
use mp_process::{
    Context, Failure, ForkServerError, Process, SpawnError, active_children, at_exit,
    current_process, parent_process, spawn,
};
use rustix::process::{Pid, Signal};

/// The process that has preloaded, and how often it did.
static SERVER: AtomicU32 = AtomicU32::new(0);
static LOADED: AtomicU32 = AtomicU32::new(0);

fn load() {
    SERVER.store(process::id(), Ordering::Relaxed);
    LOADED.fetch_add(1, Ordering::Relaxed);
}

/// The server of a child, and how often that has loaded.
fn loaded() -> (u32, u32) {
    (SERVER.load(Ordering::Relaxed), LOADED.load(Ordering::Relaxed))
}

/// A context with a server, and the pid of that.
fn context() -> (Context, u32) {
    let context = Context::fork_server().preload(load);
    let (server, loaded) = context.spawn(loaded, ()).unwrap().join().unwrap();
    assert_eq!(loaded, 1);
    (context, server)
}

fn signal(pid: u32, signal: Signal) {
    rustix::process::kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

fn refused<R: std::fmt::Debug>(started: Result<Process<R>, SpawnError>) -> ForkServerError {
    match started {
        Err(SpawnError::ForkServer(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[mp_process::test]
fn what_was_preloaded_is_in_each_child_and_not_here() {
    let _watchdog = watchdog();
    let (context, server) = context();
    for _ in 0..3 {
        assert_eq!(context.spawn(loaded, ()).unwrap().join().unwrap(), (server, 1));
    }
    let changes = || LOADED.fetch_add(1, Ordering::Relaxed) + 1;
    assert_eq!(context.spawn(changes, ()).unwrap().join().unwrap(), 2);
    assert_eq!(context.spawn(loaded, ()).unwrap().join().unwrap(), (server, 1));
    assert_eq!(loaded(), (0, 0));
    assert_eq!(spawn(loaded, ()).unwrap().join().unwrap(), (0, 0), "another context");
}

#[mp_process::test]
fn a_forked_child_is_a_child_of_this_process() {
    let _watchdog = watchdog();
    let (context, server) = context();
    let family = || {
        let parent = rustix::process::getppid().unwrap().as_raw_pid().unsigned_abs();
        (parent, parent_process().unwrap().pid(), current_process().name().to_owned())
    };
    let child = context.builder().name("forked").spawn(family, ()).unwrap();
    assert_ne!(child.pid(), server);
    assert_eq!(child.join().unwrap(), (process::id(), process::id(), String::from("forked")));
    assert!(active_children().iter().all(|child| child.pid() != server), "nobody asked for it");
}

/// The C library knows the thread by its number, and the kernel its list of locks.
#[mp_process::test]
fn the_c_library_knows_the_thread_of_a_forked_child() {
    fn known() -> bool {
        let mut tid = std::ptr::null_mut::<i32>();
        let (mut head, mut size) = (std::ptr::null_mut::<libc::c_void>(), 0_usize);
        // SAFETY: the kernel writes to the variables; the number that it names is this thread's.
        unsafe {
            assert_eq!(libc::prctl(libc::PR_GET_TID_ADDRESS, &raw mut tid), 0);
            libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut size);
            *tid == libc::gettid() && !head.is_null()
        }
    }
    let _watchdog = watchdog();
    assert!(context().0.spawn(known, ()).unwrap().join().unwrap());
}

#[mp_process::test]
fn a_child_begins_where_this_process_is_now() {
    fn place() -> (PathBuf, Option<String>, Option<String>) {
        (env::current_dir().unwrap(), env::var("SET_LATER").ok(), env::var("SET_EARLIER").ok())
    }
    /// Runs in a process of its own: it changes what belongs to all of that.
    fn mover() -> (PathBuf, Option<String>, Option<String>) {
        // SAFETY: this process has one thread.
        unsafe { env::set_var("SET_EARLIER", "1") };
        let (context, _) = context();
        env::set_current_dir("/").unwrap();
        // SAFETY: as above.
        unsafe {
            env::set_var("SET_LATER", "1");
            env::remove_var("SET_EARLIER");
        }
        context.spawn(place, ()).unwrap().join().unwrap()
    }
    let _watchdog = watchdog();
    let seen = spawn(mover, ()).unwrap().join().unwrap();
    assert_eq!(seen, (PathBuf::from("/"), Some("1".into()), None));
}

fn variable() -> Option<String> {
    env::var("OF_ONE_CHILD").ok()
}

#[mp_process::test]
fn a_variable_of_one_child_is_not_in_others() {
    let _watchdog = watchdog();
    let context = Context::fork_server().preload(load);
    let first = context.builder().env("OF_ONE_CHILD", "1").spawn(variable, ()).unwrap();
    assert_eq!(first.join().unwrap().as_deref(), Some("1"));
    let (server, _) = context.spawn(loaded, ()).unwrap().join().unwrap();
    assert_eq!(context.spawn(variable, ()).unwrap().join().unwrap(), None);
    signal(server, Signal::KILL);
    assert_eq!(context.spawn(variable, ()).unwrap().join().unwrap(), None, "of another server");
    let last = context.builder().env("OF_ONE_CHILD", "2").spawn(variable, ()).unwrap();
    assert_eq!(last.join().unwrap().as_deref(), Some("2"));
}

#[mp_process::test]
fn environment_and_standard_input_are_not_those_that_preloading_leaves() {
    fn found() -> (Option<String>, usize) {
        (variable(), io::stdin().read(&mut [0]).unwrap())
    }
    let _watchdog = watchdog();
    let context = Context::fork_server().preload(|| {
        // SAFETY: the server has one thread at work.
        unsafe { env::set_var("OF_ONE_CHILD", "loaded") };
        rustix::stdio::dup2_stdin(File::open("/proc/self/status").unwrap()).unwrap();
    });
    assert_eq!(context.spawn(found, ()).unwrap().join().unwrap(), (None, 0));
}

static PRELOADED_FILE: OnceLock<File> = OnceLock::new();

#[mp_process::test]
fn a_file_that_was_preloaded_stays_open() {
    let _watchdog = watchdog();
    let context = Context::fork_server()
        .preload(|| drop(PRELOADED_FILE.set(File::open("/proc/self/status").unwrap())));
    let is_open = || rustix::fs::fstat(PRELOADED_FILE.get().unwrap()).is_ok();
    assert!(context.spawn(is_open, ()).unwrap().join().unwrap());
}

#[mp_process::test]
fn what_the_server_prints_is_printed_once_and_its_handlers_are_its_own() {
    /// Runs in a process of its own, whose output is read.
    fn parent() {
        let context = Context::fork_server().preload(|| {
            print!("loaded;");
            at_exit(|| print!("handler;"));
        });
        for _ in 0..2 {
            context.spawn(|| print!("child;"), ()).unwrap().join().unwrap();
        }
    }
    let _watchdog = watchdog();
    let mut process =
        Process::builder().stdout(mp_process::Stdio::Piped).spawn(parent, ()).unwrap();
    let mut said = String::new();
    process.take_stdout().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.ends_with("loaded;child;child;"), "{said}");
    process.join().unwrap();
}

#[mp_process::test]
fn preloading_may_fail_in_any_way() {
    let _watchdog = watchdog();
    type Preload = fn(&Context) -> Context;
    let cases: [(Preload, &str); 4] = [
        (|c| c.clone().preload(|| panic!("no data")), ": no data"),
        (|c| c.clone().preload(|| process::exit(3)), "exited with code 3 before its function"),
        (|c| c.clone().preload(|| process::abort()), "killed by signal 6 (SIGABRT)"),
        (|c| c.clone().preload(|| drop(spawn(|| (), ()).unwrap())), "before init"),
    ];
    for (preload, expected) in cases {
        let context = preload(&Context::fork_server());
        for _ in 0..2 {
            let error = refused(context.spawn(|| (), ()));
            assert!(matches!(error, ForkServerError::Ended(_)), "{error:?}");
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}

#[mp_process::test]
fn threads_that_preloading_leaves_behind_are_refused() {
    let _watchdog = watchdog();
    let forgetful = Context::fork_server().preload(|| {
        for _ in 0..2 {
            thread::spawn(thread::park);
        }
    });
    let error = refused(forgetful.spawn(|| (), ()));
    assert!(matches!(error, ForkServerError::Threads { count: 2, .. }), "{error:?}");
}

/// It may take a moment until the system has done with a thread that was joined.
#[mp_process::test]
fn threads_that_preloading_has_joined_are_none() {
    let _watchdog = watchdog();
    for _ in 0..20 {
        let tidy = Context::fork_server().preload(|| {
            let threads: Vec<_> = (0..8).map(|_| thread::spawn(|| ())).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        assert_eq!(tidy.spawn(|| 5, ()).unwrap().join().unwrap(), 5);
    }
}

#[mp_process::test]
fn a_server_that_does_not_answer_is_given_up_in_time() {
    let _watchdog = watchdog();
    let brief = Duration::from_millis(100);
    let endless = Context::fork_server().preload(|| {
        loop {
            thread::park();
        }
    });
    let error = refused(endless.builder().start_timeout(brief).spawn(|| (), ()));
    assert!(matches!(error, ForkServerError::TimedOut { after, .. } if after == brief), "{error}");

    let (context, server) = context();
    signal(server, Signal::STOP);
    let error = refused(context.builder().start_timeout(brief).spawn(|| (), ()));
    assert!(matches!(error, ForkServerError::TimedOut { .. }), "{error:?}");
    assert_ne!(context.spawn(loaded, ()).unwrap().join().unwrap().0, server);
}

#[mp_process::test]
fn a_killed_server_is_replaced_and_its_children_live_on() {
    let _watchdog = watchdog();
    let (context, server) = context();
    let child = lingering(context.builder());
    let end = pidfd(server);
    signal(server, Signal::KILL);
    wait_for_end(&end);
    let (next, loaded) = context.spawn(loaded, ()).unwrap().join().unwrap();
    assert_ne!(next, server);
    assert_eq!(loaded, 1);
    assert!(child.is_alive());
    child.kill().unwrap();
    let failure = child.join().unwrap_err().into_failure();
    assert!(matches!(failure, Failure::Signaled { signal: libc::SIGKILL, .. }), "{failure}");
}

#[mp_process::test]
fn a_server_that_is_killed_before_it_forks_costs_nothing() {
    let _watchdog = watchdog();
    let (context, server) = context();
    signal(server, Signal::STOP);
    let starter = {
        let context = context.clone();
        thread::spawn(move || context.spawn(loaded, ()).unwrap().join().unwrap())
    };
    thread::sleep(Duration::from_millis(20));
    signal(server, Signal::KILL);
    assert_ne!(starter.join().unwrap().0, server);
}

#[mp_process::test]
fn a_server_ends_with_its_context() {
    let _watchdog = watchdog();
    let (context, server) = context();
    let end = pidfd(server);
    drop(context);
    wait_for_end(&end);
}

/// Tells the pids of its server and of a child of that, and stays.
fn parent_of_a_server(to: Descriptor) {
    let (context, server) = context();
    let child = lingering(context.builder());
    let mut to = PipeWriter::from(to.into_owned().unwrap());
    writeln!(to, "{server} {}", child.pid()).unwrap();
    drop(to);
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn server_and_children_end_with_a_killed_program() {
    let _watchdog = watchdog();
    for stopped in [false, true] {
        let (reader, writer) = io::pipe().unwrap();
        let to = Descriptor::from(OwnedFd::from(writer));
        let parent = Process::builder().daemon(true).spawn(parent_of_a_server, (to,)).unwrap();
        let pids = told(reader);
        let ends: Vec<OwnedFd> = pids.iter().map(|&pid| pidfd(pid)).collect();
        if stopped {
            signal(pids[0], Signal::STOP);
        }
        parent.kill().unwrap();
        ends.iter().for_each(wait_for_end);
        assert!(parent.join().is_err());
    }
}

/// The pids on the one line that is told.
fn told(mut from: PipeReader) -> Vec<u32> {
    let mut line = String::new();
    from.read_to_string(&mut line).unwrap();
    line.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Starts children while their servers are killed at any moment; returns how many were refused.
fn starts_under_fire(count: usize) -> (usize, usize) {
    let (context, first) = context();
    let target = std::sync::Arc::new(AtomicU32::new(first));
    let shared = std::sync::Arc::clone(&target);
    let killer = thread::spawn(move || {
        let mut pause = 0;
        loop {
            match shared.swap(0, Ordering::Relaxed) {
                u32::MAX => return,
                0 => thread::yield_now(),
                server => {
                    // Somewhere in the next start, or the one after it.
                    pause = (pause + 37) % 400;
                    thread::sleep(Duration::from_micros(pause));
                    let pid = Pid::from_raw(server.try_into().unwrap()).unwrap();
                    let _ = rustix::process::kill_process(pid, Signal::KILL);
                }
            }
        }
    });
    let (mut refused, mut last) = (0, 0);
    for _ in 0..count {
        match context.spawn(loaded, ()) {
            Ok(child) => last = child.join().unwrap().0,
            Err(SpawnError::ForkServer(_)) => refused += 1,
            Err(error) => panic!("{error}"),
        }
        target.store(last, Ordering::Relaxed);
    }
    target.store(u32::MAX, Ordering::Relaxed);
    killer.join().unwrap();
    drop(context);
    // Whoever has ended is taken leave of; the last server may take a moment for that.
    let children = || {
        let _ = active_children();
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let lists = tasks.map(|task| task.unwrap().path().join("children"));
        lists.map(|list| std::fs::read_to_string(list).unwrap_or_default()).collect::<String>()
    };
    let mut looks = 0;
    while !children().trim().is_empty() && looks < 1000 {
        thread::sleep(Duration::from_millis(10));
        looks += 1;
    }
    (refused, children().split_whitespace().count())
}

#[mp_process::test]
fn starts_while_servers_are_killed_succeed_or_say_so_and_leave_nobody() {
    let _watchdog = watchdog();
    let deaths = env::var("MP_DEATHS").ok().and_then(|deaths| deaths.parse().ok()).unwrap_or(30);
    let (refused, left) = spawn(starts_under_fire, (deaths,)).unwrap().join().unwrap();
    assert!(refused < deaths, "none came through");
    assert_eq!(left, 0, "zombies or orphans");
}

#[mp_process::test]
fn descriptors_of_this_process_are_not_in_the_server() {
    let _watchdog = watchdog();
    let (mut reader, writer) = io::pipe().unwrap();
    // SAFETY: fcntl with an integer on an open descriptor.
    assert_eq!(unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETFD, 0) }, 0);
    let (context, _) = context();
    let child = lingering(context.builder());
    drop(writer);
    assert_eq!(reader.read(&mut [0]).unwrap(), 0, "somebody has the pipe");
    child.kill().unwrap();
}
