//! Pools: one that loses a worker tells so of one item, and does all others.

use std::{mem, thread};

use mp_pool::{Pool, TaskError, TaskErrorKind};
use mp_process::StartMethod;

use super::process;
use crate::notes::Notes;
use crate::operation::{Operation, Role, Verdict, ensure, operation};

/// How many items there are.
const ITEMS: u32 = 3;

pub(super) fn operations() -> Vec<Operation> {
    let worker = operation("Pool: from a worker's first instruction to its end, worker", |_| ())
        .parent(|(), notes| notes.reach(use_up(Pool::new(1).unwrap())))
        .check(all_but_one);
    let forked = operation("Pool: from a worker's fork to its end, forked worker", |_| ())
        .parent_of(Role::Grandchild, |(), notes| {
            process::prepare(notes);
            let builder = Pool::builder().workers(1).start_method(StartMethod::ForkServer);
            notes.reach(use_up(builder.build().unwrap()));
        })
        .check(all_but_one);
    vec![
        worker,
        forked,
        asked("Pool: from its sleep to its end, worker", |pool, notes| {
            notes.reach(answered(pool.try_map(square, 0..ITEMS)));
        }),
        asked("Pool: asked to try again if it dies, worker", |pool, notes| {
            let results = pool.task(square).retries(1).try_map(0..ITEMS);
            notes.reach(answered(results));
            assert_eq!(notes.reached(), ITEMS, "an item was not tried again");
        }),
        parent("Pool: started, used and closed, parent", || {
            Notes::mark();
            use_up(Pool::new(1).unwrap());
        }),
        parent("Pool: one item submitted and its result had, parent", || {
            let pool = warm();
            Notes::mark();
            assert_eq!(pool.submit(square, (3,)).result().unwrap(), 9);
            mem::forget(pool);
        }),
        parent("Pool: terminated amid a task, parent", || {
            let pool = warm();
            let result = pool.apply_async(thread::park, ());
            Notes::mark();
            pool.terminate();
            pool.join().unwrap();
            result.get().unwrap_err();
        }),
    ]
}

fn square(item: u32) -> u32 {
    item * item
}

/// One item may be lost with a worker, and the parent is in order.
fn all_but_one(_: &mut (), notes: &Notes) -> Verdict {
    let answered = notes.reached();
    ensure!(notes.is_finished() && answered + 1 >= ITEMS, "{answered} items were answered");
    Ok(())
}

/// A pool whose worker has done something before.
fn warm() -> Pool {
    let pool = Pool::new(1).unwrap();
    assert_eq!(pool.map(square, 0..ITEMS).unwrap(), [0, 1, 4]);
    pool
}

/// Uses a pool to its end; returns how many items were answered.
fn use_up(pool: Pool) -> u32 {
    let results = pool.try_map(square, 0..ITEMS);
    pool.close();
    pool.join().unwrap();
    answered(results)
}

fn answered(results: Vec<Result<u32, TaskError>>) -> u32 {
    let mut answered = 0;
    for (item, result) in (0..ITEMS).zip(results) {
        match result {
            Ok(answer) => {
                assert_eq!(answer, square(item));
                answered += 1;
            }
            Err(error) => {
                assert!(matches!(error.kind, TaskErrorKind::WorkerLost { .. }), "{error}");
            }
        }
    }
    answered
}

/// A worker is stepped through from where it sleeps until its pool is asked; then that goes on.
fn asked(name: &str, ask: fn(&Pool, &Notes)) -> Operation {
    operation(name, |_| ())
        .parent_of(Role::Server, move |(), notes| {
            let pool = warm();
            notes.name_victim(pool.worker_pids()[0]);
            notes.prepare();
            ask(&pool, notes);
            // If the worker lives, it may die of this.
            let again = answered(pool.try_map(square, 0..ITEMS));
            assert!(again + 1 >= ITEMS && again + notes.reached() + 1 >= 2 * ITEMS);
            pool.close();
            pool.join().unwrap();
        })
        .check(all_but_one)
}

/// Of a parent that is killed no worker is left over.
fn parent(name: &str, act: fn()) -> Operation {
    operation(name, |_| ()).victim(move |(), _| act()).check(|(), _| Ok(()))
}
