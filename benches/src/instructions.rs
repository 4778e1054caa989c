//! How many instructions the hot paths take: a figure without noise.
//!
//! This same program is run under callgrind with an argument that makes it do one thing N times,
//! for two N's. The difference, divided, is free of the start of the program.

use std::env::{self, Args};
use std::fmt::Write;
use std::hint::black_box;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, anyhow, ensure};
use mp_handle::{Consumer, Kind, Parcel, Producer, Region, Signal, ring_size};
use mp_queue::Queue;
use mp_sync::{Event, Lock, LockError, Semaphore};
use serde::{Deserialize, Serialize};

/// Makes this program do one hot path: its name, and how often, follow.
pub(crate) const REPEAT: &str = "--repeat";

const FEW: u64 = 1_000;
const MANY: u64 = 11_000;

/// Does a hot path so many times.
type Body = fn(u64) -> Result<()>;

/// The hot paths, by name.
const PATHS: [(&str, Body); 11] = [
    ("codec-encode", codec_encode),
    ("codec-decode", codec_decode),
    ("parcel-encode", parcel_encode),
    ("parcel-decode", parcel_decode),
    ("ring-push-pop-8", |times| ring_push_pop(times, 8)),
    ("ring-push-pop-256", |times| ring_push_pop(times, 256)),
    ("signal-notify", signal_notify),
    ("lock-unlock", lock_unlock),
    ("event-set-clear", event_set_clear),
    ("semaphore-acquire-release", semaphore_acquire_release),
    ("queue-put-get-8", |times| queue_put_get(times, 8)),
];

/// What callgrind counted.
pub(crate) struct Count {
    pub(crate) path: &'static str,
    /// Instructions each time.
    pub(crate) each: f64,
}

/// Is there a valgrind?
pub(crate) fn can_count() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Counts all of them.
pub(crate) fn count() -> Result<Vec<Count>> {
    ensure!(can_count(), "valgrind is missing");
    ensure!(cfg!(not(debug_assertions)), "the instructions of a debug build say nothing");
    let each = |(path, _)| {
        let difference = collected(path, MANY)?.saturating_sub(collected(path, FEW)?);
        Ok(Count { path, each: difference as f64 / (MANY - FEW) as f64 })
    };
    PATHS.into_iter().map(each).collect()
}

/// The counts for eyes.
pub(crate) fn text(counts: &[Count]) -> String {
    let mut out = String::from("instructions each time, by callgrind\n");
    for Count { path, each } in counts {
        let _ = writeln!(out, "  {path:24} {each:10.1}");
    }
    out
}

/// The instructions of the whole program.
fn collected(path: &str, times: u64) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args([REPEAT, path, &times.to_string()])
        .output()?;
    let report = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{path}: {}", report.trim());
    let number = report.lines().find_map(|line| line.split_once("Collected :"));
    let (_, number) = number.with_context(|| format!("{path}: callgrind collected nothing"))?;
    Ok(number.trim().parse()?)
}

/// What [`REPEAT`] asks for.
pub(crate) fn repeat(mut arguments: Args) -> Result<ExitCode> {
    let (path, times) = arguments.next().zip(arguments.next()).context("a path, and how often")?;
    let found = PATHS.iter().find(|(name, _)| *name == path);
    let (_, body) = found.with_context(|| format!("no hot path {path}"))?;
    body(times.parse()?)?;
    Ok(ExitCode::SUCCESS)
}

/// A small struct, without heap.
#[derive(Serialize, Deserialize)]
struct Point {
    id: u64,
    place: (f64, f64),
    label: Option<u32>,
}

const POINT: Point = Point { id: 1 << 40, place: (48.137, 11.575), label: Some(7) };

/// Into a parcel that is used again.
fn codec_encode(times: u64) -> Result<()> {
    let mut parcel = Parcel::new();
    for _ in 0..times {
        parcel.clear();
        black_box(parcel.push(black_box(&POINT))?);
    }
    Ok(())
}

/// From a parcel that is kept.
fn codec_decode(times: u64) -> Result<()> {
    let parcel = Parcel::encode(&POINT)?;
    for _ in 0..times {
        black_box(black_box(&parcel).get::<Point>(0..parcel.bytes().len())?);
    }
    Ok(())
}

/// Into a parcel of its own.
fn parcel_encode(times: u64) -> Result<()> {
    for _ in 0..times {
        black_box(Parcel::encode(black_box(&POINT))?);
    }
    Ok(())
}

/// From a parcel that has arrived, which is used up.
fn parcel_decode(times: u64) -> Result<()> {
    let bytes = Parcel::encode(&POINT)?.bytes().to_vec();
    for _ in 0..times {
        let parcel = Parcel::from_parts(black_box(&bytes).clone(), Vec::new());
        black_box(parcel.decode::<Point>()?);
    }
    Ok(())
}

fn ring_push_pop(times: u64, len: usize) -> Result<()> {
    const CAPACITY: usize = 4096;
    let region = Region::create(Kind::new(1000, "bench ring"), 0, ring_size(CAPACITY))?;
    let mut producer = Producer::attach(&region, 0, CAPACITY)?;
    let mut consumer = Consumer::attach(&region, 0, CAPACITY)?;
    let frame = vec![1; len];
    let mut popped = Vec::with_capacity(len);
    for _ in 0..times {
        producer.try_push(&[black_box(&frame)])?;
        popped.clear();
        ensure!(consumer.try_pop(&mut popped)?, "the frame is not there");
        black_box(&popped);
    }
    Ok(())
}

/// Nobody sleeps.
fn signal_notify(times: u64) -> Result<()> {
    let region = Region::create(Kind::new(1000, "bench signal"), 0, Signal::SIZE)?;
    let signal = Signal::at(&region, 0)?;
    for _ in 0..times {
        black_box(&signal).notify();
    }
    Ok(())
}

/// Nobody else wants it.
fn lock_unlock(times: u64) -> Result<()> {
    let lock = Lock::new()?;
    for _ in 0..times {
        let guard = black_box(&lock).lock().or_else(LockError::recover);
        drop(guard.map_err(|error| anyhow!(error.to_string()))?);
    }
    Ok(())
}

/// Nobody waits for it.
fn event_set_clear(times: u64) -> Result<()> {
    let event = Event::new()?;
    for _ in 0..times {
        black_box(&event).set();
        event.clear();
    }
    Ok(())
}

/// Nobody else wants the permit.
fn semaphore_acquire_release(times: u64) -> Result<()> {
    let semaphore = Semaphore::new(1)?;
    for _ in 0..times {
        drop(black_box(&semaphore).acquire());
    }
    Ok(())
}

/// Bytes from a slice, and into a buffer.
fn queue_put_get(times: u64, len: usize) -> Result<()> {
    let queue = Queue::<Vec<u8>>::new()?;
    let message = vec![1; len];
    let mut got = Vec::with_capacity(len);
    for _ in 0..times {
        queue.put_bytes(black_box(&message))?;
        queue.get_bytes_into(&mut got)?;
        black_box(&got);
    }
    Ok(())
}
