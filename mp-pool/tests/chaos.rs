//! Eight threads submit while workers are killed, stopped and crashed at random: every task ends
//! once, and what is said of it is true.
//!
//! Runs until so many tasks have ended and so many workers were hurt: 50,000 and 300 by default.
//!
//! ```sh
//! MP_CHAOS_TASKS=1000000 MP_CHAOS_KILLS=5000 cargo test --release -p mp-pool --test chaos
//! ```
//!
//! A seed (`MP_CHAOS_SEED`) makes everybody choose the same again; when it happens, the machine
//! decides.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, hint, thread};

use common::Watchdog;
use mp_pool::{Pool, TaskError, TaskErrorKind};
use mp_process::{Child, ExitStatus, active_children};

/// How many threads submit.
const CALLERS: u64 = 8;

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |value| value.parse().expect("a number"))
}

/// Numbers that look random (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0) % sides
    }
}

fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

/// A task: takes up to some ten microseconds, so that it is there to be hit.
fn work(n: u64) -> u64 {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(n % 64) {
        hint::spin_loop();
    }
    mix(n)
}

/// What everybody counts.
#[derive(Default)]
struct Score {
    ended: AtomicU64,
    lost: AtomicU64,
    hurt: AtomicU64,
}

impl Score {
    fn is_enough(&self, tasks: u64, kills: u64) -> bool {
        self.ended.load(Ordering::Relaxed) >= tasks && self.hurt.load(Ordering::Relaxed) >= kills
    }
}

/// Checks what is said of task `n`.
fn check(n: u64, result: Result<u64, TaskError>, retries: u32, score: &Score) {
    score.ended.fetch_add(1, Ordering::Relaxed);
    match result {
        Ok(value) => assert_eq!(value, mix(n), "task {n}"),
        Err(TaskError { kind: TaskErrorKind::WorkerLost { status, .. }, .. }) if retries == 0 => {
            let signal = match status {
                ExitStatus::Signaled { signal, .. } => signal,
                other => panic!("task {n}: {other}"),
            };
            assert!([libc::SIGKILL, libc::SIGSEGV].contains(&signal), "task {n}: {status}");
            score.lost.fetch_add(1, Ordering::Relaxed);
        }
        Err(error) => panic!("task {n}: {error}"),
    }
}

/// Submits once, in one of the ways there are, and checks all that comes of it.
fn submit(pool: &Pool, dice: &mut Dice, score: &Score) {
    let retries = if dice.roll(2) == 0 { 0 } else { 100_000 };
    let (first, count) = (dice.roll(1 << 32), 1 + dice.roll(300));
    let task = pool.task(work).retries(retries).chunk_size(1 + dice.roll(40) as usize);
    let shown = Arc::new(AtomicUsize::new(0));
    let task = task.on_item({
        let shown = Arc::clone(&shown);
        move |_, _| {
            shown.fetch_add(1, Ordering::Relaxed);
        }
    });
    let items = first..first + count;
    if dice.roll(4) == 0 {
        check(first, task.apply((first,)), retries, score);
        return;
    }
    let results = task.try_map(items.clone());
    assert_eq!(results.len(), items.clone().count());
    items.zip(results).for_each(|(n, result)| check(n, result, retries, score));
    // The last of these calls may be under way.
    while shown.load(Ordering::Relaxed) < count as usize {
        thread::yield_now();
    }
}

fn workers(pool: &Pool) -> Vec<Child> {
    let pids = pool.worker_pids();
    active_children().into_iter().filter(|child| pids.contains(&child.pid())).collect()
}

/// Hurts one worker. Whoever has ended meanwhile cannot be hurt.
fn hurt_one(pool: &Pool, dice: &mut Dice) {
    let workers = workers(pool);
    if workers.is_empty() {
        return;
    }
    let worker = &workers[dice.roll(workers.len() as u64) as usize];
    let _ = match dice.roll(3) {
        0 => worker.kill(),
        1 => worker.send_signal(libc::SIGSEGV),
        _ => {
            let _ = worker.send_signal(libc::SIGSTOP);
            thread::sleep(Duration::from_millis(dice.roll(5)));
            worker.send_signal(libc::SIGCONT)
        }
    };
}

#[mp_process::test]
fn every_task_ends_once_whatever_happens_to_the_workers() {
    let (tasks, kills) = (number("MP_CHAOS_TASKS", 50_000), number("MP_CHAOS_KILLS", 300));
    let seed = number("MP_CHAOS_SEED", std::process::id().into());
    println!("MP_CHAOS_SEED={seed}");
    let _watchdog = (kills <= 300).then(|| Watchdog::new("chaos"));
    // Whoever is slow may be hurt before it is ready, many times in a row.
    let pool = Pool::builder().workers(3).restarts(usize::MAX).build().unwrap();
    let score = Score::default();
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (pool, score) = (&pool, &score);
            scope.spawn(move || {
                let mut dice = Dice(seed ^ mix(caller + 1));
                while !score.is_enough(tasks, kills) {
                    submit(pool, &mut dice, score);
                }
            });
        }
        let mut dice = Dice(seed);
        while !score.is_enough(tasks, kills) {
            thread::sleep(Duration::from_millis(10));
            // What is missing then is done in peace, however long a worker takes to start.
            if score.hurt.fetch_add(1, Ordering::Relaxed) < kills {
                hurt_one(&pool, &mut dice);
            }
        }
    });
    pool.close();
    pool.join().unwrap();
    assert!(active_children().is_empty(), "a worker is left over");
    println!("{} tasks ended, {} lost", score.ended.into_inner(), score.lost.into_inner());
}
