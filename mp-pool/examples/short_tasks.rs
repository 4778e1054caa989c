//! Tasks that are shorter than the way to another process: a loop is faster, until many of them
//! travel together.

use std::hint::black_box;
use std::time::{Duration, Instant};

use mp_pool::{Pool, TaskError};

const COUNT: u64 = 100_000;

fn successor(n: u64) -> u64 {
    black_box(n) + 1
}

/// How long each of `count` calls took.
fn each<R>(count: u64, all: impl FnOnce() -> R) -> (R, Duration) {
    let begun = Instant::now();
    let result = all();
    (result, begun.elapsed() / count as u32)
}

#[mp_process::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::new(2)?;
    pool.map(successor, 0..COUNT)?;

    let (in_loop, one_by_loop) = each(COUNT, || (0..COUNT).map(successor).collect::<Vec<_>>());
    println!("in a loop: {} ns each", one_by_loop.as_nanos());

    let (first, one_by_one) = each(1_000, || {
        (0..1_000).map(|n| pool.apply(successor, (n,))).collect::<Result<Vec<_>, TaskError>>()
    });
    println!("one by one: {} ns each", one_by_one.as_nanos());

    let (in_chunks, one_in_chunk) = each(COUNT, || pool.map(successor, 0..COUNT));
    println!("in chunks: {} ns each", one_in_chunk.as_nanos());

    assert_eq!(in_loop[..1_000], first?);
    assert_eq!(in_loop, in_chunks?);
    Ok(())
}
