//! Tasks are done once, by the living.

mod common {
    pub(crate) mod watchdog;
}

use std::thread;
use std::time::{Duration, Instant};

use common::watchdog::watchdog;
use mp_process::spawn;
use mp_queue::{JoinError, JoinableQueue, Queue};

#[mp_process::test]
fn join_waits_until_all_is_done() {
    let _watchdog = watchdog();
    let tasks = JoinableQueue::bounded(10).unwrap();
    tasks.join().unwrap();
    thread::scope(|scope| {
        tasks.put_many(vec![1, 2, 3]).unwrap();
        let joining = scope.spawn(|| tasks.join());
        for unfinished in [3, 2, 1] {
            assert_eq!(tasks.unfinished(), unfinished);
            assert_eq!(tasks.try_join(), Err(JoinError::TimedOut { unfinished }));
            tasks.get().unwrap();
            assert_eq!(tasks.unfinished(), unfinished);
            assert!(!joining.is_finished());
            tasks.task_done().unwrap();
        }
        joining.join().unwrap().unwrap();
    });
}

#[mp_process::test]
fn task_done_cannot_be_called_too_often() {
    let tasks = JoinableQueue::new().unwrap();
    assert!(tasks.task_done().is_err());
    tasks.put(()).unwrap();
    assert!(tasks.task_done().is_err());
    tasks.get().unwrap();
    tasks.task_done().unwrap();
    assert!(tasks.task_done().is_err());
}

#[mp_process::test]
fn join_ends_in_time() {
    let tasks = JoinableQueue::new().unwrap();
    tasks.put(1).unwrap();
    let (start, timeout) = (Instant::now(), Duration::from_millis(60));
    let error = tasks.join_timeout(timeout).unwrap_err();
    assert_eq!(error, JoinError::TimedOut { unfinished: 1 });
    assert!(start.elapsed() >= timeout);
}

fn take_two(tasks: JoinableQueue<u32>, taken: Queue<()>) {
    tasks.get().unwrap();
    tasks.get().unwrap();
    tasks.get().unwrap();
    tasks.task_done().unwrap();
    taken.put(()).unwrap();
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn a_consumer_that_dies_with_tasks_is_named() {
    let _watchdog = watchdog();
    let (tasks, taken) = (JoinableQueue::new().unwrap(), Queue::new().unwrap());
    tasks.put_many((0..5).collect()).unwrap();
    let child = spawn(take_two, (tasks.clone(), taken.clone())).unwrap();
    taken.get().unwrap();
    let process = child.pid();
    assert_eq!(tasks.unfinished(), 4);
    thread::scope(|scope| {
        let joining = scope.spawn(|| tasks.join());
        child.kill().unwrap();
        child.join().unwrap_err();
        let error = joining.join().unwrap().unwrap_err();
        assert_eq!(error, JoinError::ConsumerDied { process, lost: 2 });
    });
    assert_eq!(tasks.unfinished(), 2);
    for _ in 0..2 {
        tasks.get().unwrap();
        tasks.task_done().unwrap();
    }
    tasks.join().unwrap();
}

fn work(tasks: JoinableQueue<u32>) {
    loop {
        tasks.get().unwrap();
        tasks.task_done().unwrap();
    }
}

/// Kills consumers at any moment; what they had is reported, and the rest is done.
#[mp_process::test]
fn no_death_makes_join_hang_or_the_count_wrong() {
    let _watchdog = watchdog();
    let tasks = JoinableQueue::bounded(1000).unwrap();
    for round in 0..30_u32 {
        let children = [(); 2].map(|()| spawn(work, (tasks.clone(),)).unwrap());
        tasks.put_many((0..2000 + 37 * round).collect()).unwrap();
        let [first, second] = children;
        first.kill().unwrap();
        first.join().unwrap_err();
        let mut deaths = 0;
        while let Err(error) = tasks.join() {
            assert!(matches!(error, JoinError::ConsumerDied { lost: 1, .. }), "{error}");
            deaths += 1;
        }
        assert!(deaths <= 1);
        assert_eq!((tasks.unfinished(), tasks.len()), (0, 0));
        second.kill().unwrap();
        second.join().unwrap_err();
        tasks.join().unwrap();
    }
}
