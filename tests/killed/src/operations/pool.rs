//! Pools: one that loses a worker tells so of one item, and does all others.

use mp_pool::{Pool, TaskErrorKind};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};

/// How many items there are.
const ITEMS: u32 = 3;

pub(super) fn operations() -> Vec<Operation> {
    let worker = operation("Pool: from a worker's first instruction to its end, worker", |_| ())
        .parent(|(), notes| notes.reach(map(1)))
        .check(|(), notes| -> Verdict {
            let answered = notes.reached();
            ensure!(notes.is_finished() && answered + 1 >= ITEMS, "{answered} items were answered");
            Ok(())
        });
    let parent = operation("Pool: started, used and closed, parent", |_| ())
        .victim(|(), _| {
            Notes::mark();
            map(1);
        })
        .check(|(), _| Ok(()));
    vec![worker, parent]
}

/// Uses a pool from its beginning to its end; returns how many items were answered.
fn map(workers: usize) -> u32 {
    let pool = Pool::new(workers).unwrap();
    let results = pool.try_map(|item: u32| item * item, 0..ITEMS);
    pool.close();
    pool.join().unwrap();
    let mut answered = 0;
    for (item, result) in (0..ITEMS).zip(results) {
        match result {
            Ok(square) => {
                assert_eq!(square, item * item);
                answered += 1;
            }
            Err(error) => {
                assert!(matches!(error.kind, TaskErrorKind::WorkerLost { .. }), "{error}")
            }
        }
    }
    answered
}
