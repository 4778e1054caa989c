//! A pool that has nothing to do: what does it take of the machine meanwhile?

use std::any::Any;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mp_handle::Descriptor;
use mp_pool::Pool;
use mp_process::Function;

use super::rings::Helper;
use super::tree::{self, Memory};
use super::{WORKERS, same};
use crate::python::Python;
use crate::row::{Better, Row, Scale, System};

pub(super) fn rows(scale: Scale) -> Vec<Row> {
    let while_idle = Duration::from_millis(scale.of(1_000) as u64);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20) / WORKERS as f64;
    let workers = format!("an idle pool of {WORKERS}");
    vec![
        row("idle-cpu", format!("{workers}: of one processor"), "%", move |pool| {
            processor_use(pool, while_idle)
        }),
        row(
            "idle-pss",
            format!("{workers}: each, its share of shared pages"),
            "MiB",
            move |pool| Ok(mib(pool.memory()?.proportional)),
        ),
        row("idle-private", format!("{workers}: each, its pages alone"), "MiB", move |pool| {
            Ok(mib(pool.memory()?.private))
        }),
    ]
}

fn row(
    name: &str,
    about: String,
    unit: &'static str,
    look: impl Fn(&IdlePool) -> Result<f64> + Copy + 'static,
) -> Row {
    let system = |name: &'static str, start: fn() -> Result<IdlePool>| {
        System::new(name, move || {
            let pool = start()?;
            Ok(move || look(&pool))
        })
    };
    let systems = vec![
        system("ours", || IdlePool::rust(ours)),
        system("procspawn", || IdlePool::rust(procspawn)),
        system("CPython Pool", || IdlePool::python("pool.pool_idle")),
        system("CPython Executor", || IdlePool::python("pool.executor_idle")),
        system("loky", || IdlePool::python("thirdparty.loky_idle")),
        system("mpire", || IdlePool::python("thirdparty.mpire_idle")),
        system("pebble", || IdlePool::python("thirdparty.pebble_idle")),
    ];
    Row { name: name.into(), about, unit, better: Better::Lower, ballast: 0, systems }
}

/// A process that has a pool, and has used it. It ends when its owner is dropped.
struct IdlePool {
    pid: u32,
    _owner: Box<dyn Any>,
}

impl IdlePool {
    /// `hold` makes the pool, uses it, writes a byte, and keeps the pool until it is killed.
    fn rust<F: Function<(Descriptor,), Output = ()>>(hold: F) -> Result<Self> {
        let (mut ours, theirs) = UnixStream::pair()?;
        let owner = Helper::start(hold, (Descriptor::from(OwnedFd::from(theirs)),))?;
        ours.read_exact(&mut [0]).context("the pool did not start")?;
        Ok(Self { pid: owner.process().pid(), _owner: Box::new(owner) })
    }

    fn python(what: &str) -> Result<Self> {
        let mut python = Python::new(&[what])?;
        let pid = python.words()?.parse()?;
        Ok(Self { pid, _owner: Box::new(python) })
    }

    /// Of its owner, its workers, and their helpers.
    fn processor_time(&self) -> Result<Duration> {
        let helpers = tree::descendants(self.pid)?;
        let all = helpers.into_iter().chain([self.pid]);
        // Who has just ended runs no more.
        Ok(all.map(|pid| tree::processor_time(pid).unwrap_or_default()).sum())
    }

    /// Of its workers and their helpers.
    fn memory(&self) -> Result<Memory> {
        let mut sum = Memory::default();
        for pid in tree::descendants(self.pid)? {
            // Who has just ended has none.
            let one = tree::memory(pid).unwrap_or_default();
            sum.proportional += one.proportional;
            sum.private += one.private;
        }
        Ok(sum)
    }
}

/// In percent of one processor.
fn processor_use(pool: &IdlePool, how_long: Duration) -> Result<f64> {
    let (begin, before) = (Instant::now(), pool.processor_time()?);
    thread::sleep(how_long);
    let used = pool.processor_time()?.saturating_sub(before);
    // What is less than this cannot be told from nothing.
    Ok((used.as_secs_f64() / begin.elapsed().as_secs_f64() * 100.0).max(0.001))
}

fn ours(ready: Descriptor) {
    let pool = Pool::new(WORKERS).expect("a pool");
    pool.map(same, 0..100).expect("a map");
    report_and_wait(ready);
}

fn procspawn(ready: Descriptor) {
    procspawn::init();
    let pool = procspawn::Pool::new(WORKERS).expect("a pool");
    let tasks: Vec<_> = (0..10).map(|n| pool.spawn(n, same)).collect();
    tasks.into_iter().for_each(|task| drop(task.join()));
    report_and_wait(ready);
}

fn report_and_wait(ready: Descriptor) {
    let mut ready = UnixStream::from(ready.into_owned().expect("the only owner"));
    ready.write_all(&[0]).expect("who waits for it");
    loop {
        thread::park();
    }
}
