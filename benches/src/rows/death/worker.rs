//! The worker of a task is killed.

use std::process;

use anyhow::Result;
use mp_pool::Pool;

use super::case::{self, Ready};
use super::{python, row};
use crate::row::Row;
use crate::rows::kill::{Reports, busy};

pub(super) fn rows() -> Vec<Row> {
    let systems = vec![
        case::system("ours", |ready| ours(ready).expect("a pool")),
        case::system("procspawn", |ready| procspawn(ready).expect("a pool")),
        python("CPython Pool", "death.pool_worker"),
        python("CPython Executor", "death.executor_worker"),
        python("loky", "death.loky_worker"),
        python("mpire", "death.mpire_worker"),
        python("pebble", "death.pebble_worker"),
    ];
    vec![row("pool-worker", "the worker of a task is killed: this task, and the next one", systems)]
}

fn ours(ready: Ready) -> Result<String> {
    let pool = Pool::new(1)?;
    let reports = Reports::new()?;
    let task = pool.apply_async(busy, (reports.name(),));
    reports.kill_first()?;
    ready.say();
    let told = case::outcome(task.get());
    Ok(format!("{told}, then {}", case::outcome(pool.apply(process::id, ()))))
}

fn procspawn(ready: Ready) -> Result<String> {
    procspawn::init();
    let pool = procspawn::Pool::new(1)?;
    let reports = Reports::new()?;
    let task = pool.spawn(reports.name(), busy);
    reports.kill_first()?;
    ready.say();
    let told = case::outcome(task.join());
    Ok(format!("{told}, then {}", case::outcome(pool.spawn((), |()| ()).join())))
}
