//! A worker is killed while it is busy: when does the caller know, and when is there a next result?

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mp_pool::Pool;
use rustix::process::{Pid, Signal};

use super::python;
use crate::row::{Better, Row, Scale, System};

/// After so long, a peer is said to hang.
const PATIENCE: Duration = Duration::from_secs(5);

/// Up to when it is measured, from the kill on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Told,
    NextResult,
}

pub(crate) fn rows(_: Scale) -> Vec<Row> {
    let mut told = row("kill-told", "a busy worker is killed: the caller is told", Until::Told);
    told.systems.push(python("CPython Pool", "pool.pool_kill", [], ms));
    vec![told, row("kill-next", "the same: the next result is there", Until::NextResult)]
}

fn row(name: &str, about: &str, until: Until) -> Row {
    let until_next = usize::from(until == Until::NextResult);
    let peer = |name: &'static str, what| python(name, what, [until_next], ms);
    Row {
        name: name.into(),
        about: about.into(),
        unit: "ms",
        better: Better::Lower,
        ballast: 0,
        systems: vec![
            System::new("ours", move || {
                let pool = Pool::new(1)?;
                Ok(move || ours(&pool, until).map(ms))
            }),
            System::new("procspawn", move || {
                let pool = procspawn::Pool::new(1)?;
                Ok(move || procspawn(&pool, until).map(ms))
            }),
            peer("CPython Executor", "pool.executor_kill"),
            peer("loky", "thirdparty.loky_kill"),
            peer("mpire", "thirdparty.mpire_kill"),
            peer("pebble", "thirdparty.pebble_kill"),
        ],
    }
}

fn ms(seconds: f64) -> f64 {
    seconds * 1e3
}

fn ours(pool: &Pool, until: Until) -> Result<f64> {
    let reports = Reports::new()?;
    let task = pool.apply_async(busy, (reports.name(),));
    let begin = reports.kill_first()?;
    ensure!(task.get().is_err(), "the busy task has a result");
    if until == Until::NextResult {
        pool.apply(|| (), ())?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

fn procspawn(pool: &procspawn::Pool, until: Until) -> Result<f64> {
    let reports = Reports::new()?;
    let mut task = pool.spawn(reports.name(), busy);
    let begin = reports.kill_first()?;
    let told = task.join_timeout(PATIENCE);
    ensure!(!told.is_err_and(|error| error.is_timeout()), "not told within {PATIENCE:?}");
    if until == Until::NextResult {
        pool.spawn((), |()| ()).join_timeout(PATIENCE).context("no next result")?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// Where busy tasks tell who they are.
pub(super) struct Reports {
    name: String,
    socket: UnixDatagram,
}

impl Reports {
    pub(super) fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("mp-bench-{}-{count}", process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { name, socket })
    }

    /// What [`busy`] wants to know.
    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    /// Kills the first process that reports, and returns when that was.
    pub(super) fn kill_first(&self) -> Result<Instant> {
        let mut report = [0; 4];
        self.socket.recv(&mut report).context("the task did not begin")?;
        let pid = Pid::from_raw(i32::from_ne_bytes(report)).context("no process")?;
        let begin = Instant::now();
        rustix::process::kill_process(pid, Signal::KILL)?;
        Ok(begin)
    }
}

/// A task that reports the process it is in, and never ends.
pub(super) fn busy(reports: String) {
    let report = process::id().to_ne_bytes();
    let socket = UnixDatagram::unbound().expect("a socket");
    let address = SocketAddr::from_abstract_name(reports).expect("a name that was made by bind");
    socket.send_to_addr(&report, &address).expect("somebody to report to");
    loop {
        std::hint::spin_loop();
    }
}
