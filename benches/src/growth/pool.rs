//! Pools with more and more workers, and with more and more tasks.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use mp_pool::Pool;

use super::curve::{Curve, Point, task_bends, worker_bends};
use crate::options::Options;
use crate::pin::allowed;

const WORKERS: [usize; 6] = [1, 2, 4, 8, 16, 64];
const TASKS: [usize; 5] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// Workers of the pool that gets more and more tasks.
const FEW_WORKERS: usize = 2;

/// Some 10 to 20 us of arithmetic.
fn work(seed: u64) -> u64 {
    (0..10_000_u64).fold(seed, |state, n| black_box(state.wrapping_mul(31).wrapping_add(n)))
}

fn same(n: u64) -> u64 {
    n
}

/// Seconds that `body` took, each time; once more before, which does not count.
fn sample(runs: usize, mut body: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    body()?;
    let once = |_| {
        let begin = Instant::now();
        body()?;
        Ok(begin.elapsed().as_secs_f64())
    };
    (0..runs).map(once).collect()
}

/// Fixed work, for more and more workers.
pub(super) fn workers(name: &str, options: &Options) -> Result<Curve> {
    let count = if options.quick { 2_000 } else { 20_000 };
    let processors = allowed()?.len();
    let mut points = Vec::new();
    for workers in WORKERS {
        let pool = Pool::new(workers)?;
        let seconds = sample(options.growth_runs(), || {
            black_box(pool.task(work).map(0..count as u64)?);
            Ok(())
        })?;
        let rates = seconds.into_iter().map(|seconds| count as f64 / seconds).collect();
        points.push(Point::new(workers, rates));
    }
    let bends = worker_bends(&mut points, processors);
    Ok(Curve {
        name: name.into(),
        about: format!("map of {count} tasks of the same work, on {processors} processors"),
        of: "workers".into(),
        unit: "tasks/s".into(),
        noise: Vec::new(),
        points,
        bends,
    })
}

/// Tasks that do nothing, more and more of them.
pub(super) fn tasks(name: &str, chunk: Option<usize>, options: &Options) -> Result<Curve> {
    let pool = Pool::new(FEW_WORKERS)?;
    let most = if options.quick { 100_000 } else { usize::MAX };
    let mut points = Vec::new();
    for count in TASKS.into_iter().filter(|count| *count <= most) {
        let seconds = sample(options.growth_runs(), || {
            let task = pool.task(same);
            let task = if let Some(items) = chunk { task.chunk_size(items) } else { task };
            black_box(task.map(0..count as u64)?);
            Ok(())
        })?;
        let each = seconds.into_iter().map(|seconds| seconds * 1e9 / count as f64).collect();
        points.push(Point::new(count, each));
    }
    let bends = task_bends(&mut points);
    let chunk = if chunk.is_some() { "each on its own" } else { "in chunks as they come" };
    Ok(Curve {
        name: name.into(),
        about: format!("map of no-op tasks by {FEW_WORKERS} workers, {chunk}"),
        of: "tasks".into(),
        unit: "ns each".into(),
        noise: Vec::new(),
        points,
        bends,
    })
}
