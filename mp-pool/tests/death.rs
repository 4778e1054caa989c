//! What happens when workers, or the parent, die: every task ends, once; nobody hangs.

mod common;

use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{process, thread};

use common::Watchdog;
use mp_handle::{Kind, Region};
use mp_pool::{Pool, TaskError, TaskErrorKind};
use mp_process::{ExitStatus, Limit, Process, Stdio};

const COUNTERS: Kind = Kind::new(1000, "counters");

/// Counts its calls, works for a moment, and returns its number.
fn counted(region: Region, n: u32) -> u32 {
    region.atomic_u32(4 * n as usize).unwrap().fetch_add(1, Ordering::Relaxed);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(20) {
        std::hint::spin_loop();
    }
    n
}

fn calls(region: &Region, n: u32) -> u32 {
    region.atomic_u32(4 * n as usize).unwrap().load(Ordering::Relaxed)
}

/// Kills a worker for each thousand tasks that have ended while `work` runs; returns how many.
///
/// So whatever else the machine does, the work is done one day. Only those are killed that were
/// ready: if none came so far, the pool would have to give up.
fn while_killing<R>(pool: &Pool, work: impl FnOnce() -> R) -> (R, usize) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let killer = scope.spawn(|| {
            let mut kills = 0;
            while !done.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
                let mut statistics = pool.statistics();
                if statistics.finished < 1000 * (kills as u64 + 1) {
                    continue;
                }
                statistics.workers.retain(|worker| worker.startup.is_some());
                if let Some(worker) = statistics.workers.get(kills % 2) {
                    kill(worker.pid);
                    kills += 1;
                }
            }
            kills
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        (result, killer.join().unwrap())
    })
}

/// Kills a worker of a pool of this process. A pid that is not one of its children any more is
/// left alone.
fn kill(pid: u32) {
    if let Some(worker) = mp_process::active_children().iter().find(|child| child.pid() == pid) {
        worker.kill().unwrap();
    }
}

#[mp_process::test]
fn every_task_ends_once_while_workers_are_killed() {
    let _watchdog = Watchdog::new("every_task_ends_once_while_workers_are_killed");
    const TASKS: u32 = 30_000;
    for chunk_size in [1, 100] {
        // A round may be over before the killer has its turn often.
        let mut all_kills = 0;
        while all_kills <= 10 {
            all_kills += tasks_that_end_once(TASKS, chunk_size);
        }
    }
}

/// Runs tasks while workers are killed; returns how many kills there were.
fn tasks_that_end_once(tasks: u32, chunk_size: usize) -> usize {
    let region = Region::create(COUNTERS, 0, 4 * tasks as usize).unwrap();
    let pool = Pool::new(2).unwrap();
    let items = (0..tasks).map(|n| (region.clone(), n));
    let task = pool.task(counted).chunk_size(chunk_size);
    let (results, kills) = while_killing(&pool, || task.try_starmap(items));
    let mut lost = 0;
    for (n, result) in (0..).zip(&results) {
        match result {
            Ok(value) => assert_eq!((*value, calls(&region, n)), (n, 1)),
            Err(TaskError { kind: TaskErrorKind::WorkerLost { status, .. }, .. }) => {
                assert!(matches!(status, ExitStatus::Signaled { signal: 9, .. }), "{status}");
                assert!(calls(&region, n) <= 1, "task {n} was begun twice");
                lost += 1;
            }
            Err(error) => panic!("task {n}: {error}"),
        }
    }
    assert!(lost <= kills, "{kills} kills cost {lost} tasks");
    kills
}

#[mp_process::test]
fn with_retries_every_result_is_right_while_workers_are_killed() {
    let _watchdog = Watchdog::new("with_retries_every_result_is_right_while_workers_are_killed");
    const TASKS: u32 = 30_000;
    let region = Region::create(COUNTERS, 0, 4 * TASKS as usize).unwrap();
    let mut all_kills = 0;
    while all_kills <= 10 {
        let pool = Pool::builder().workers(3).retries(1000).build().unwrap();
        let items = (0..TASKS).map(|n| (region.clone(), n));
        let (results, kills) = while_killing(&pool, || pool.starmap(counted, items));
        assert_eq!(results.unwrap(), (0..TASKS).collect::<Vec<_>>());
        all_kills += kills;
    }
}

#[mp_process::test]
fn each_way_to_die_costs_one_result_and_says_how() {
    let _watchdog = Watchdog::new("each_way_to_die_costs_one_result_and_says_how");
    fn fate(n: u32) -> u32 {
        match n {
            1 => process::exit(3),
            2 => process::abort(),
            3 => {
                // SAFETY: a signal to this process itself.
                unsafe { libc::raise(libc::SIGKILL) };
                unreachable!("killed")
            }
            n => n,
        }
    }
    let pool = Pool::new(2).unwrap();
    for chunk_size in [1, 6] {
        let results = pool.task(fate).chunk_size(chunk_size).try_map(0..6);
        let status = |n: usize| match &results[n] {
            Err(TaskError { kind: TaskErrorKind::WorkerLost { status, .. }, .. }) => *status,
            other => panic!("{other:?}"),
        };
        assert_eq!(status(1), ExitStatus::Exited(3));
        assert!(matches!(status(2), ExitStatus::Signaled { signal: 6, .. }));
        assert!(matches!(status(3), ExitStatus::Signaled { signal: 9, .. }));
        for n in [0, 4, 5] {
            assert_eq!(results[n], Ok(n as u32));
        }
    }
    assert_eq!(pool.map(fate, [7; 10]).unwrap(), [7; 10], "the pool is whole again");
}

#[mp_process::test]
fn a_task_that_kills_its_worker_is_not_retried_for_ever() {
    let _watchdog = Watchdog::new("a_task_that_kills_its_worker_is_not_retried_for_ever");
    fn die(region: Region) {
        region.atomic_u32(0).unwrap().fetch_add(1, Ordering::Relaxed);
        process::abort();
    }
    let region = Region::create(COUNTERS, 0, 4).unwrap();
    let pool = Pool::builder().workers(1).retries(30).build().unwrap();
    let error = pool.apply(die, (region.clone(),)).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::WorkerLost { .. }), "{error}");
    assert_eq!(calls(&region, 0), 31);
}

#[mp_process::test]
fn an_initializer_that_fails_ends_the_pool_with_its_reason() {
    let _watchdog = Watchdog::new("an_initializer_that_fails_ends_the_pool_with_its_reason");
    fn fails(path: String) -> Result<(), String> {
        Err(format!("no model at {path}"))
    }
    fn panics() {
        panic!("no model at all");
    }
    fn dies() {
        process::abort();
    }
    let builder = || Pool::builder().workers(2);
    let pools = [
        (builder().initializer(fails, ("/nowhere".into(),)), "no model at /nowhere"),
        (builder().initializer(panics, ()), "no model at all"),
        (builder().initializer(dies, ()), "SIGABRT"),
    ];
    for (builder, reason) in pools {
        let pool = builder.build().unwrap();
        for _ in 0..2 {
            let error = pool.apply(|| 1, ()).unwrap_err();
            assert!(matches!(&error.kind, TaskErrorKind::PoolBroken { .. }), "{error}");
            assert!(error.to_string().contains(reason), "{error}");
        }
        pool.close();
        pool.join().unwrap();
    }
}

#[mp_process::test]
fn tasks_that_kill_their_worker_do_not_break_the_pool() {
    let _watchdog = Watchdog::new("tasks_that_kill_their_worker_do_not_break_the_pool");
    fn die(_: u32) {
        process::abort();
    }
    let pool = Pool::builder().workers(2).restarts(1).build().unwrap();
    let results = pool.try_map(die, 0..50);
    let is_lost = |error: &TaskError| matches!(error.kind, TaskErrorKind::WorkerLost { .. });
    assert!(results.iter().all(|result| result.as_ref().is_err_and(is_lost)));
    assert_eq!(pool.apply(|| 1, ()).unwrap(), 1);
}

/// A program with a pool: says who the workers are, and works until it is killed.
fn parent_of_a_pool() {
    let pool = Pool::new(3).unwrap();
    println!("{:?}", pool.worker_pids());
    let _ = pool.map(|_: u32| thread::sleep(Duration::from_secs(1000)), 0..10);
}

#[mp_process::test]
fn row_14_no_worker_outlives_a_killed_parent() {
    let _watchdog = Watchdog::new("row_14_no_worker_outlives_a_killed_parent");
    let mut parent = Process::builder().stdout(Stdio::Piped).spawn(parent_of_a_pool, ()).unwrap();
    let mut said = BufReader::new(parent.take_stdout().unwrap());
    let mut line = String::new();
    while !line.starts_with('[') {
        line.clear();
        said.read_line(&mut line).unwrap();
    }
    parent.kill().unwrap();
    parent.wait();
    // The workers hold the pipe as their standard output: it ends when the last of them is gone.
    said.read_to_string(&mut String::new()).unwrap();
    for pid in line.trim_matches(['[', ']', '\n']).split(", ") {
        let stat = format!("/proc/{pid}/stat");
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            thread::yield_now();
        }
    }
}

#[mp_process::test]
fn ten_thousand_queued_tasks_need_few_descriptors() {
    let _watchdog = Watchdog::new("ten_thousand_queued_tasks_need_few_descriptors");
    fn queue() -> u64 {
        let pool = Pool::new(4).unwrap();
        // Some are too large for a ring, and travel in files of their own.
        let bytes = |n: u64| vec![1_u8; if n.is_multiple_of(100) { 100_000 } else { 10 }];
        let task = pool.task(|bytes: Vec<u8>| bytes.len() as u64).chunk_size(1);
        task.map((0..10_000).map(bytes)).unwrap().iter().sum()
    }
    let limited = Process::builder().limit(Limit::OpenFiles, 256);
    assert_eq!(limited.spawn(queue, ()).unwrap().join().unwrap(), 100 * 100_000 + 9_900 * 10);
}

/// Closes what it finds, as functions that make a daemon do.
fn close_all() {
    // SAFETY: what is open in a worker between two chunks is used by nothing but calls that fail.
    unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
}

#[mp_process::test]
fn a_worker_that_has_lost_its_socket_is_replaced() {
    let _watchdog = Watchdog::new("a_worker_that_has_lost_its_socket_is_replaced");
    let pool = Pool::new(1).unwrap();
    pool.apply(close_all, ()).unwrap();
    // Too large for the ring.
    assert_eq!(pool.apply(|bytes: Vec<u8>| bytes.len(), (vec![1; 1 << 20],)), Ok(1 << 20));
}

fn parent_of_a_deaf_worker(pids: mp_handle::Descriptor) {
    let pool = Pool::new(1).unwrap();
    pool.apply(close_all, ()).unwrap();
    let mut pids = std::io::PipeWriter::from(pids.into_owned().unwrap());
    std::io::Write::write_all(&mut pids, format!("{}\n", pool.worker_pids()[0]).as_bytes())
        .unwrap();
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn not_even_a_worker_that_has_closed_everything_outlives_its_parent() {
    let _watchdog = Watchdog::new("a worker that has closed everything");
    let (reader, writer) = std::io::pipe().unwrap();
    let pids = mp_handle::Descriptor::from(std::os::fd::OwnedFd::from(writer));
    let parent = Process::builder().spawn(parent_of_a_deaf_worker, (pids,)).unwrap();
    let mut line = String::new();
    BufReader::new(reader).read_line(&mut line).unwrap();
    let worker = format!("/proc/{}", line.trim());
    parent.kill().unwrap();
    parent.wait();
    // Whoever takes it up may leave it a zombie.
    let lives = || {
        let stat = std::fs::read_to_string(format!("{worker}/stat")).unwrap_or_default();
        !stat.is_empty() && !stat.contains(") Z ")
    };
    while lives() {
        thread::sleep(Duration::from_millis(10));
    }
}

#[mp_process::test]
fn a_pool_goes_on_with_fewer_workers_while_no_other_can_be_started() {
    fn leave(status: i32) {
        process::exit(status);
    }
    /// In a process of its own, for its limit.
    fn alone() {
        let pool = Pool::builder().workers(2).restarts(0).build().unwrap();
        while pool.map(|_: u32| process::id(), 0..8).unwrap().windows(2).all(|w| w[0] == w[1]) {}
        let slow = pool.apply_async(thread::sleep, (Duration::from_millis(500),));
        let mut hogs: Vec<std::fs::File> = Vec::new();
        while let Ok(hog) = std::fs::File::open("/dev/null") {
            hogs.push(hog);
        }
        let lost = pool.apply(leave, (3,)).unwrap_err();
        assert!(matches!(lost.kind, TaskErrorKind::WorkerLost { .. }), "{lost:?}");
        assert_eq!(slow.get(), Ok(()));
    }
    let _watchdog = Watchdog::new("a pool that cannot start workers");
    let limited = Process::builder().limit(Limit::OpenFiles, 128).spawn(alone, ()).unwrap();
    limited.join().unwrap();
}
