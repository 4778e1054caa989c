//! What workers are: their numbers, processors and environment, and pools within pools.

mod common;

use std::collections::BTreeSet;
use std::env;
use std::time::{Duration, Instant};

use common::Watchdog;
use mp_pool::{Pool, PoolError};
use rustix::process::{Resource, Rlimit};

/// The number of the worker.
fn id(_: u32) -> usize {
    mp_pool::worker_id().unwrap()
}

#[mp_process::test]
fn a_replacement_takes_the_number_of_the_worker_that_it_replaces() {
    let _watchdog = Watchdog::new("a_replacement_takes_the_number");
    /// Ends every third worker.
    fn perhaps_die(n: u32) -> usize {
        if n.is_multiple_of(3) {
            std::process::exit(1);
        }
        id(n)
    }
    let pool = Pool::new(3).unwrap();
    let results = pool.task(perhaps_die).chunk_size(1).try_map(0..60);
    let seen: BTreeSet<usize> = results.into_iter().filter_map(Result::ok).collect();
    assert!(seen.iter().all(|&id| id < 3), "{seen:?}");

    let recycled = Pool::builder().workers(2).max_tasks_per_child(1).build().unwrap();
    let ids = recycled.task(id).chunk_size(1).map(0..20).unwrap();
    assert!(ids.iter().all(|&id| id < 2), "{ids:?}");
}

#[mp_process::test]
fn each_worker_of_a_pool_has_its_own_number() {
    let _watchdog = Watchdog::new("each_worker_of_a_pool_has_its_own_number");
    /// Holds its worker until the other has one as well.
    fn meet(_: u32) -> (usize, u32) {
        std::thread::sleep(std::time::Duration::from_millis(5));
        (mp_pool::worker_id().unwrap(), std::process::id())
    }
    let pool = Pool::new(2).unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < 2 {
        seen.extend(pool.task(meet).chunk_size(1).map(0..4).unwrap());
    }
    let ids: BTreeSet<usize> = seen.iter().map(|(id, _)| *id).collect();
    let pids: BTreeSet<u32> = seen.iter().map(|(_, pid)| *pid).collect();
    assert_eq!((ids.len(), pids.len()), (2, 2), "{seen:?}");
}

#[mp_process::test]
fn a_variable_is_there_before_the_initializer() {
    let _watchdog = Watchdog::new("a_variable_is_there_before_the_initializer");
    fn check() -> Result<(), String> {
        match env::var("OMP_NUM_THREADS").as_deref() {
            Ok("1") => Ok(()),
            other => Err(format!("OMP_NUM_THREADS is {other:?}")),
        }
    }
    let builder = Pool::builder().workers(1).env("OMP_NUM_THREADS", "1");
    let pool = builder.initializer(check, ()).build().unwrap();
    assert_eq!(pool.apply(|| env::var("OMP_NUM_THREADS").ok(), ()), Ok(Some("1".into())));
    assert!(env::var_os("OMP_NUM_THREADS").is_none(), "here nothing has changed");
}

/// The processors that this thread may use, by what the system says.
fn allowed_cpus() -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    line.unwrap().trim().to_owned()
}

#[mp_process::test]
fn pinned_workers_have_one_processor_each() {
    let _watchdog = Watchdog::new("pinned_workers_have_one_processor_each");
    let pool = Pool::builder().workers(2).pin_to_cpus([0]).build().unwrap();
    assert_eq!(pool.map(|_: u32| allowed_cpus(), 0..4).unwrap(), ["0"; 4]);

    let pool = Pool::builder().workers(1).pin_to_cpus([]).build().unwrap();
    let own = pool.apply(allowed_cpus, ()).unwrap();
    assert!(own.parse::<usize>().is_ok(), "one of those that this process may use: {own}");
}

#[mp_process::test]
fn a_processor_that_is_not_there_is_an_error() {
    let _watchdog = Watchdog::new("a_processor_that_is_not_there_is_an_error");
    let absurd = Pool::builder().pin_to_cpus([1 << 20]).build().unwrap_err();
    assert!(matches!(absurd, PoolError::NoSuchCpu { cpu, .. } if cpu == 1 << 20), "{absurd}");
    // It could be there, but this machine does not have it.
    let pool = Pool::builder().workers(1).pin_to_cpus([1000]).build().unwrap();
    let error = pool.apply(|| 1, ()).unwrap_err();
    assert!(error.to_string().contains("processor 1000"), "{error}");
}

/// Makes a pool in which the next one is made, and so on; returns how many there were. It stops
/// at `most` by itself: should the limit not hold, there would be processes without end.
fn dig(limit: u32, most: u32) -> Result<u32, String> {
    let pool = Pool::builder().workers(1).max_depth(limit).build();
    match pool {
        Ok(_) if most == 0 => Err("it is not limited".into()),
        Ok(pool) => pool.apply(dig, (limit, most - 1)).unwrap().map(|depth| depth + 1),
        Err(error @ PoolError::TooDeep { .. }) => {
            assert!(error.to_string().contains("max_depth"), "{error}");
            Ok(0)
        }
        Err(error) => Err(error.to_string()),
    }
}

#[mp_process::test]
fn row_25_pools_within_pools_work_down_to_the_limit() {
    let _watchdog = Watchdog::new("row_25_pools_within_pools_work_down_to_the_limit");
    assert_eq!(dig(3, 5), Ok(3));
}

#[mp_process::test]
fn processes_between_pools_do_not_hide_the_depth() {
    let _watchdog = Watchdog::new("processes_between_pools_do_not_hide_the_depth");
    fn by_process() -> Result<u32, String> {
        mp_process::spawn(dig, (2, 4)).unwrap().join().unwrap()
    }
    let pool = Pool::new(1).unwrap();
    assert_eq!(pool.apply(by_process, ()), Ok(Ok(1)));
    assert_eq!(mp_process::spawn(dig, (1, 3)).unwrap().join().unwrap(), Ok(1));
}

#[mp_process::test]
fn the_pool_of_a_task_ends_with_it() {
    let _watchdog = Watchdog::new("the_pool_of_a_task_ends_with_it");
    fn leave() {
        std::process::exit(1);
    }
    fn inner(n: u32) -> Vec<u32> {
        let pool = Pool::new(2).unwrap();
        let squares = pool.map(|n: u32| n * n, 0..n).unwrap();
        pool.apply(leave, ()).unwrap_err();
        squares
    }
    let pool = Pool::new(2).unwrap();
    assert_eq!(pool.map(inner, [2, 3]).unwrap(), [vec![0, 1], vec![0, 1, 4]]);
}

#[mp_process::test]
fn a_pool_sleeps_though_it_has_more_descriptors_than_it_may_open() {
    let _watchdog = Watchdog::new("a_pool_sleeps_though_it_has_more_descriptors");
    /// Processor time of this process so far.
    fn cpu_time() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
    }
    /// In a process of its own, for its limit.
    fn alone() {
        let pool = Pool::new(3).unwrap();
        assert_eq!(pool.apply(|| 1, ()), Ok(1));
        let few = Rlimit { current: Some(2), maximum: Some(2) };
        rustix::process::setrlimit(Resource::Nofile, few).unwrap();
        let (begun, used) = (Instant::now(), cpu_time());
        std::thread::sleep(Duration::from_millis(500));
        let (elapsed, used) = (begun.elapsed(), cpu_time() - used);
        assert!(used < elapsed / 4, "{used:?} of processor time in {elapsed:?}");
        assert_eq!(pool.map(|n: u32| n * n, 0..100).unwrap()[99], 9801);
    }
    mp_process::spawn(alone, ()).unwrap().join().unwrap();
}
