//! What a task costs the memory of who submitted it, while it waits for its turn.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::{fs, thread};

use anyhow::{Context, Result};
use mp_handle::Descriptor;
use mp_pool::Pool;

use crate::python::Python;
use crate::row::{Better, Row, Scale, System};

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let [many, few] = [200_000, 20_000].map(|count| scale.of(count));
    let systems = vec![
        System::new("ours", move || Ok(move || Ok(mp_process::spawn(ours, (many,))?.join()?))),
        System::absent(
            "procspawn",
            "each task keeps descriptors: no room for more than some hundred",
        ),
        python("CPython Pool", "pool.pool_queued", few),
        python("CPython Executor", "pool.executor_queued", few),
        python("loky", "thirdparty.loky_queued", few),
        python("pebble", "thirdparty.pebble_queued", few),
    ];
    vec![Row {
        name: "memory-queued".into(),
        about: "a task that waits for the one worker, and its handle".into(),
        unit: "bytes",
        better: Better::Lower,
        ballast: 0,
        systems,
    }]
}

/// Each sample is a process of its own: memory that was freed would be used again.
fn python(name: &'static str, what: &'static str, count: usize) -> System {
    System::new(name, move || Ok(move || Python::new(&[what, &count.to_string()])?.seconds()))
}

fn ours(count: usize) -> f64 {
    let pool = Pool::new(1).expect("a pool");
    let (mut begun, report) = UnixStream::pair().expect("a socket");
    let _endless = pool.apply_async(occupy, (Descriptor::from(OwnedFd::from(report)),));
    begun.read_exact(&mut [0]).expect("the task that occupies the worker");
    let before = resident().expect("/proc");
    let handles: Vec<_> = (0..count).map(|n| pool.apply_async(|n: usize| n, (n,))).collect();
    let after = resident().expect("/proc");
    drop(handles);
    pool.terminate();
    after.saturating_sub(before) as f64 / count as f64
}

fn occupy(report: Descriptor) {
    let mut report = UnixStream::from(report.into_owned().expect("the only owner"));
    report.write_all(&[0]).expect("who waits for it");
    loop {
        thread::park();
    }
}

/// The bytes of memory that this process has now.
fn resident() -> Result<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).context("VmRSS")?;
    Ok(kib.parse::<usize>()? << 10)
}
