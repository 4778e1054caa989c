//! Pools of two: many tasks that do nothing, and one at a time.

use std::hint::black_box;

use anyhow::Result;
use mp_pool::Pool;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::{python, seconds};
use crate::row::{Better, Row, Scale, System};

const WORKERS: usize = 2;

fn same(n: u64) -> u64 {
    n
}

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    vec![map_chunk_1(scale), map_default(scale), apply(scale)]
}

fn map_row(name: &str, about: &str, systems: Vec<System>) -> Row {
    Row {
        name: name.into(),
        about: format!("map of no-op tasks by {WORKERS} workers, {about}"),
        unit: "tasks/s",
        better: Better::Higher,
        ballast: 0,
        systems,
    }
}

/// The slow peers get fewer tasks; what counts is the rate.
fn map_chunk_1(scale: Scale) -> Row {
    let [many, some, few] = [100_000, 20_000, 3_000].map(|count| scale.of(count));
    let systems = vec![
        ours(many, Some(1)),
        System::new("procspawn", move || {
            let pool = procspawn::Pool::new(WORKERS)?;
            Ok(move || rate(few, || procspawn_map(&pool, few)))
        }),
        python("CPython Pool", "pool_map", [some, 1], tasks_per_second(some)),
        python("CPython Executor", "executor_map", [few, 1], tasks_per_second(few)),
        rayon(many, 1),
    ];
    map_row("map-chunk-1", "each on its own", systems)
}

fn map_default(scale: Scale) -> Row {
    let many = scale.of(100_000);
    let systems = vec![
        ours(many, None),
        python("CPython Pool", "pool_map", [many, 0], tasks_per_second(many)),
        rayon(many, usize::MAX),
    ];
    map_row("map-default", "in chunks as each likes them", systems)
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

fn procspawn_map(pool: &procspawn::Pool, count: usize) -> Result<()> {
    let handles: Vec<_> = (0..count as u64).map(|n| pool.spawn(n, same)).collect();
    handles.into_iter().try_for_each(|handle| handle.join().map(drop))?;
    Ok(())
}

/// Threads share their memory: no pool of processes can be faster.
fn rayon(count: usize, most: usize) -> System {
    System::new("rayon, threads", move || {
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

fn rate(count: usize, body: impl FnOnce() -> Result<()>) -> Result<f64> {
    seconds(body).map(tasks_per_second(count))
}

fn tasks_per_second(count: usize) -> impl Fn(f64) -> f64 {
    move |seconds| count as f64 / seconds
}

fn apply(scale: Scale) -> Row {
    let count = scale.of(1_000);
    let each = move |seconds: f64| seconds * 1e6 / count as f64;
    Row {
        name: "apply".into(),
        about: "one task, there and back".into(),
        unit: "us",
        better: Better::Lower,
        ballast: 0,
        systems: vec![
            System::new("ours", move || {
                let pool = Pool::new(WORKERS)?;
                let one = move |n| -> Result<()> {
                    black_box(pool.apply(same, (n,))?);
                    Ok(())
                };
                Ok(move || seconds(|| (0..count as u64).try_for_each(&one)).map(each))
            }),
            System::new("procspawn", move || {
                let pool = procspawn::Pool::new(WORKERS)?;
                let one = move |n| -> Result<()> {
                    black_box(pool.spawn(n, same).join()?);
                    Ok(())
                };
                Ok(move || seconds(|| (0..count as u64).try_for_each(&one)).map(each))
            }),
            python("CPython Pool", "pool_apply", [count], each),
            python("CPython Executor", "executor_apply", [count], each),
        ],
    }
}
