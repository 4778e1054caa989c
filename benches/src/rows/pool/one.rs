//! One task at a time: what a caller waits who has nothing else to do.

use std::hint::black_box;

use anyhow::Result;
use mp_pool::Pool;
use rayon::ThreadPoolBuilder;

use super::rings::RingPool;
use super::{WORKERS, same};
use crate::row::{Better, Row, Scale, System};
use crate::rows::{python, seconds};

pub(super) fn rows(scale: Scale) -> Vec<Row> {
    vec![apply(scale), submit(scale)]
}

fn apply(scale: Scale) -> Row {
    let [many, count, few] = [10_000, 1_000, 300].map(|count| scale.of(count));
    let systems = vec![
        System::new("ours", move || {
            let pool = Pool::new(WORKERS)?;
            Ok(each(count, move |n| Ok(pool.apply(same, (n,))?)))
        }),
        ring(many),
        rayon(many),
        procspawn(count),
        peer("CPython Pool", "pool.pool_apply", few),
        peer("mpire", "thirdparty.mpire_apply", few),
    ];
    row("apply", "one task, there and back", systems)
}

fn submit(scale: Scale) -> Row {
    let [many, count, few] = [10_000, 1_000, 300].map(|count| scale.of(count));
    let systems = vec![
        System::new("ours", move || {
            let pool = Pool::new(WORKERS)?;
            Ok(each(count, move |n| Ok(pool.apply_async(same, (n,)).get()?)))
        }),
        ring(many),
        rayon(many),
        procspawn(count),
        peer("CPython Pool", "pool.pool_submit", few),
        peer("CPython Executor", "pool.executor_submit", few),
        peer("loky", "thirdparty.loky_submit", few),
        peer("mpire", "thirdparty.mpire_submit", few),
        peer("pebble", "thirdparty.pebble_submit", few),
    ];
    row("submit", "submit one task, and get its result from the handle", systems)
}

fn row(name: &str, about: &str, systems: Vec<System>) -> Row {
    let (name, about) = (name.into(), about.into());
    Row { name, about, unit: "us", better: Better::Lower, ballast: 0, systems }
}

/// Both of its ends spin while the other is on another processor, and sleep otherwise.
fn ring(count: usize) -> System {
    System::limit("bare ring", move || {
        let mut pool = RingPool::new(1)?;
        Ok(each(count, move |n| pool.apply(n)))
    })
}

fn rayon(count: usize) -> System {
    System::ceiling("rayon", move || {
        let pool = ThreadPoolBuilder::new().num_threads(WORKERS).build()?;
        Ok(each(count, move |n| Ok(pool.install(|| same(black_box(n))))))
    })
}

fn procspawn(count: usize) -> System {
    System::new("procspawn", move || {
        let pool = procspawn::Pool::new(WORKERS)?;
        Ok(each(count, move |n| Ok(pool.spawn(n, same).join()?)))
    })
}

fn peer(name: &'static str, what: &'static str, count: usize) -> System {
    python(name, what, [count], microseconds_each(count))
}

fn each(count: usize, mut one: impl FnMut(u64) -> Result<u64>) -> impl FnMut() -> Result<f64> {
    move || {
        let mut once = |n| {
            black_box(one(n)?);
            Ok(())
        };
        seconds(|| (0..count as u64).try_for_each(&mut once)).map(microseconds_each(count))
    }
}

fn microseconds_each(count: usize) -> impl Fn(f64) -> f64 {
    move |seconds| seconds * 1e6 / count as f64
}
