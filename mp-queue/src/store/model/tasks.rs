//! Tasks: each is done by somebody, or is known to be lost with a process that was killed.

use mp_sync::model::{check, spawn, spawn_doomed_within};

use super::*;
use crate::store::JoinRefusal;

fn with_tasks() -> Settings {
    Settings { has_tasks: true, ..Settings::default() }
}

/// Joins until all is done; returns how many were lost.
fn join(end: &End) -> u32 {
    let mut lost = 0;
    loop {
        match end.store.join(Deadline::NEVER) {
            Ok(()) => return lost,
            Err(JoinRefusal::Lost(some)) => lost += some.count,
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn all_who_join_go_on_when_the_last_is_done() {
    check(|| {
        let end = store(with_tasks());
        (0..2).for_each(|number| put(&end, (0, number), SMALL).expect("room"));
        let joiners = [(); 2].map(|()| {
            let end = Arc::clone(&end);
            spawn(move || join(&end))
        });
        let workers = [(); 2].map(|()| {
            let end = Arc::clone(&end);
            spawn(move || {
                get_next(&end);
                assert!(end.task_done());
            })
        });
        assert!(workers.into_iter().all(|worker| worker.join().is_some()));
        assert!(joiners.into_iter().all(|joiner| joiner.join() == Some(0)));
        assert!(!end.task_done(), "one task too many");
    });
}

#[test]
fn tasks_of_a_killed_worker_are_known_to_be_lost() {
    check(|| {
        const TASKS: u8 = 3;
        let (end, done) = (store(with_tasks()), Log::default());
        (0..TASKS).for_each(|number| put(&end, (0, number), SMALL).expect("room"));
        let worker = |log: &Log| {
            let (end, log) = (Arc::clone(&end), Arc::clone(log));
            move || {
                while let Ok(name) = get(&end, None) {
                    assert!(end.task_done());
                    note(&log, name);
                }
            }
        };
        let doomed = spawn_doomed_within(2 * LIFE, worker(&done));
        let joiner = {
            let end = Arc::clone(&end);
            spawn(move || join(&end))
        };
        let survivor = spawn(worker(&done));
        let was_killed = doomed.join().is_none();
        survivor.join().expect("not killed");
        // What neither has come to see, for the other had the lock just then.
        worker(&done)();
        let lost = joiner.join().expect("not killed");
        assert_eq!(end.store.unfinished(), 0);
        // One may be done though the killed one did not live to write it down.
        let known = noted(&done).len() + lost as usize;
        let unknown = usize::from(TASKS).checked_sub(known).expect("none is lost that was done");
        assert!(unknown <= usize::from(was_killed), "{unknown}");
    });
}
