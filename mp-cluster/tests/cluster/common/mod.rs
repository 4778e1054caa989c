//! What the tests need: a server of their own, agents, and a watchdog.

pub(crate) mod server;

use std::env;
use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use self::server::{SECRET, Server};
use mp_cluster::Nats;
use mp_pool::Pool;
use rustix::process::{Pid, Signal, kill_process};

/// Ends the test process if the test has not ended by then.
#[must_use]
pub(crate) fn watchdog(test: &'static str) -> Sender<()> {
    let (alive, ended) = mpsc::channel();
    thread::spawn(move || {
        if ended.recv_timeout(Duration::from_secs(480)) == Err(RecvTimeoutError::Timeout) {
            let _ = writeln!(io::stderr(), "{test} hangs");
            std::process::abort();
        }
    });
    alive
}

/// An agent: this test, as a worker.
pub(crate) struct Agent(pub(crate) Child);

impl Agent {
    pub(crate) fn start(server: &Server, test: &str, workers: usize) -> Self {
        Self::with(server, test, workers, &[])
    }

    pub(crate) fn with(server: &Server, test: &str, workers: usize, env: &[(&str, &str)]) -> Self {
        let program = env::current_exe().unwrap();
        Self::of(program.as_os_str(), server, test, workers, env)
    }

    /// An agent of a program that need not be this one.
    pub(crate) fn of(
        program: &std::ffi::OsStr,
        server: &Server,
        test: &str,
        workers: usize,
        env: &[(&str, &str)],
    ) -> Self {
        Self::run(Command::new(program), server, test, workers, env)
    }

    /// An agent in a network namespace.
    pub(crate) fn within(
        namespace: &str,
        server: &Server,
        test: &str,
        workers: usize,
        env: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace]).arg(std::env::current_exe().unwrap());
        Self::run(command, server, test, workers, env)
    }

    fn run(
        mut command: Command,
        server: &Server,
        test: &str,
        workers: usize,
        env: &[(&str, &str)],
    ) -> Self {
        command
            .args([test, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"])
            .env("MP_ROLE", "worker")
            .env("MP_CLUSTER", server.address())
            .env("MP_CLUSTER_TOKEN", server.token())
            .env("MP_CLUSTER_SECRET", SECRET)
            .env("MP_CLUSTER_LEASE", "2")
            .env("MP_WORKERS", workers.to_string())
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Self(start(&mut command))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program, which may be one that was just written: for a moment a child that another test
/// starts has what is open here, and what somebody could write to is not executed.
pub(crate) fn start(command: &mut Command) -> Child {
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => thread::yield_now(),
            started => return started.unwrap(),
        }
    }
}

/// A client that gives up soon.
pub(crate) fn nats(server: &Server) -> Nats {
    let builder = Nats::builder(&server.address()).token(server.token()).secret(SECRET);
    builder.patience(Duration::from_secs(60)).connect().unwrap()
}

/// A pool of the cluster, and its handle, once so many agents are there.
pub(crate) fn pool(server: &Server, agents: usize) -> (Pool, Nats) {
    let nats = nats(server);
    wait_until("agents", || nats.agents().len() == agents);
    (Pool::with(nats.clone()), nats)
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(240), "no {what} within four minutes");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A directory for the marks that tasks leave, which is removed in the end.
pub(crate) struct Marks(pub(crate) std::path::PathBuf);

impl Marks {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> String {
        self.0.to_str().unwrap().to_owned()
    }

    /// How many there are whose name begins so.
    pub(crate) fn count(&self, start: &str) -> usize {
        let names = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_str().is_some_and(|name| name.starts_with(start))).count()
    }
}

impl Drop for Marks {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Leaves a mark of its own.
pub(crate) fn mark(directory: &str, start: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::fs::write(format!("{directory}/{start}-{}-{number}", std::process::id()), "").unwrap();
}
