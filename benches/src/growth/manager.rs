//! A manager with more and more clients, each a process.

use std::time::Instant;

use anyhow::{Context, Result};
use mp_manager::{DictProxy, Manager};
use mp_process::spawn;
use mp_sync::Barrier;

use super::curve::{Curve, Point, rate_bends};
use crate::options::Options;

const CLIENTS: [usize; 6] = [1, 2, 4, 8, 16, 64];
const KEYS: u64 = 100;

/// Clients that get items of one dict, all at once.
pub(super) fn clients(name: &str, options: &Options) -> Result<Curve> {
    let count = if options.quick { 3_200 } else { 64_000 };
    let mut points = Vec::new();
    for clients in CLIENTS {
        let seconds = seconds(clients, count / clients, options.growth_runs())?;
        let rates = seconds.into_iter().map(|seconds| count as f64 / seconds).collect();
        points.push(Point::new(clients, rates));
    }
    let bends = rate_bends(&mut points);
    Ok(Curve {
        name: name.into(),
        about: format!("{count} items got from a manager's dict by client processes"),
        of: "clients".into(),
        unit: "ops/s".into(),
        noise: Vec::new(),
        points,
        bends,
    })
}

/// How long all of them take together, each time; once more before, which does not count.
fn seconds(clients: usize, each: usize, runs: usize) -> Result<Vec<f64>> {
    let manager = Manager::start()?;
    let dict = manager.dict()?;
    (0..KEYS).try_for_each(|key| dict.set(&key, &key))?;
    let gate = Barrier::new(clients as u32 + 1)?;
    let start = |_| spawn(client, (dict.clone(), gate.clone(), each, runs + 1));
    let children = (0..clients).map(start).collect::<Result<Vec<_>, _>>()?;
    let once = || {
        gate.wait()?;
        let begin = Instant::now();
        gate.wait()?;
        anyhow::Ok(begin.elapsed().as_secs_f64())
    };
    once()?;
    let seconds = (0..runs).map(|_| once()).collect();
    children.into_iter().try_for_each(|child| child.join()).context("a client")?;
    seconds
}

fn client(dict: DictProxy<u64, u64>, gate: Barrier, each: usize, times: usize) {
    for _ in 0..times {
        gate.wait().expect("all are there");
        for key in (0..KEYS).cycle().take(each) {
            dict.get(&key).expect("the server is there");
        }
        gate.wait().expect("all are there");
    }
}
