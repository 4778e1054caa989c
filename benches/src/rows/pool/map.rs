//! Many tasks that do nothing, in one call.

use std::hint::black_box;

use anyhow::Result;
use mp_pool::Pool;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::rings::RingPool;
use super::{WORKERS, same};
use crate::row::{Better, Row, Scale, System};
use crate::rows::{python, seconds};

pub(super) fn rows(scale: Scale) -> Vec<Row> {
    vec![chunk_1(scale), chunk_default(scale), imap_unordered(scale)]
}

fn row(name: &str, about: &str, systems: Vec<System>) -> Row {
    Row {
        name: name.into(),
        about: format!("{about} of no-op tasks by {WORKERS} workers"),
        unit: "tasks/s",
        better: Better::Higher,
        ballast: 0,
        systems,
    }
}

/// The slow peers get fewer tasks; what counts is the rate.
fn chunk_1(scale: Scale) -> Row {
    let [many, some, few, least] = [100_000, 5_000, 1_000, 500].map(|count| scale.of(count));
    let systems = vec![
        ours(many, Some(1)),
        rings(many, 1),
        rayon(many, 1),
        System::new("procspawn", move || {
            let pool = procspawn::Pool::new(WORKERS)?;
            Ok(move || rate(few, || procspawn_map(&pool, few)))
        }),
        peer("CPython Pool", "pool.pool_map", some, 1),
        peer("CPython Executor", "pool.executor_map", few, 1),
        peer("loky", "thirdparty.loky_map", least, 1),
        peer("mpire", "thirdparty.mpire_map", least, 1),
        peer("pebble", "thirdparty.pebble_map", few, 1),
    ];
    row("map-chunk-1", "map, each on its own,", systems)
}

fn chunk_default(scale: Scale) -> Row {
    let [many, few] = [100_000, 10_000].map(|count| scale.of(count));
    let systems = vec![
        ours(many, None),
        rings(many, many / (4 * WORKERS)),
        rayon(many, usize::MAX),
        peer("CPython Pool", "pool.pool_map", many, 0),
        // These leave the choice to the caller, with 1 as default: it shall be that of a Pool.
        peer("CPython Executor", "pool.executor_map", many, many / (4 * WORKERS)),
        peer("loky", "thirdparty.loky_map", many, many / (4 * WORKERS)),
        peer("mpire", "thirdparty.mpire_map", few, 0),
        peer("pebble", "thirdparty.pebble_map", few, few / (4 * WORKERS)),
    ];
    row("map-default", "map, in chunks as each likes them,", systems)
}

fn imap_unordered(scale: Scale) -> Row {
    let [many, some, few] = [100_000, 5_000, 500].map(|count| scale.of(count));
    let systems = vec![
        System::new("ours", move || {
            let pool = Pool::new(WORKERS)?;
            Ok(move || {
                rate(many, || {
                    for number in pool.task(same).imap_unordered(0..many as u64) {
                        black_box(number?);
                    }
                    Ok(())
                })
            })
        }),
        rings(many, 1),
        python("CPython Pool", "pool.pool_imap_unordered", [some], tasks_per_second(some)),
        python("mpire", "thirdparty.mpire_imap_unordered", [few], tasks_per_second(few)),
    ];
    row("imap-unordered", "imap_unordered, each on its own,", systems)
}

fn ours(count: usize, chunk: Option<usize>) -> System {
    System::new("ours", move || {
        let pool = Pool::new(WORKERS)?;
        Ok(move || {
            rate(count, || {
                let task = pool.task(same);
                let task = if let Some(items) = chunk { task.chunk_size(items) } else { task };
                black_box(task.map(0..count as u64)?);
                Ok(())
            })
        })
    })
}

/// Nothing but the rings: no results are kept in order, nobody looks after the workers.
fn rings(count: usize, chunk: usize) -> System {
    System::limit("bare rings", move || {
        let mut pool = RingPool::new(WORKERS)?;
        Ok(move || rate(count, || pool.map(count, chunk)))
    })
}

fn procspawn_map(pool: &procspawn::Pool, count: usize) -> Result<()> {
    // A task that waits costs descriptors: with a thousand of them it is out of those.
    const OUTSTANDING: usize = 64;
    let numbers: Vec<u64> = (0..count as u64).collect();
    for some in numbers.chunks(OUTSTANDING) {
        let handles: Vec<_> = some.iter().map(|&n| pool.spawn(n, same)).collect();
        handles.into_iter().try_for_each(|handle| handle.join().map(drop))?;
    }
    Ok(())
}

/// Threads share their memory: no pool of processes can be faster.
fn rayon(count: usize, most: usize) -> System {
    System::ceiling("rayon", move || {
        let pool = ThreadPoolBuilder::new().num_threads(WORKERS).build()?;
        Ok(move || {
            rate(count, || {
                let items = (0..count).into_par_iter().with_max_len(most);
                let task = |n| same(black_box(n as u64));
                black_box(pool.install(|| items.map(task).collect::<Vec<_>>()));
                Ok(())
            })
        })
    })
}

fn peer(name: &'static str, what: &'static str, count: usize, chunk: usize) -> System {
    python(name, what, [count, chunk], tasks_per_second(count))
}

fn rate(count: usize, body: impl FnOnce() -> Result<()>) -> Result<f64> {
    seconds(body).map(tasks_per_second(count))
}

fn tasks_per_second(count: usize) -> impl Fn(f64) -> f64 {
    move |seconds| count as f64 / seconds
}
