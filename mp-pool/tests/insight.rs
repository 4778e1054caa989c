//! What a pool tells of itself: figures, what it is at, and the run as a picture.

mod common;
#[path = "common/gate.rs"]
mod gate;

use std::time::{Duration, SystemTime};
use std::{process, thread};

use common::Watchdog;
use gate::Gate;
use mp_pool::{Activity, Pool, worker_id};

fn fate(n: u32) -> u32 {
    match n {
        3 => panic!("three"),
        5 => process::abort(),
        n => n,
    }
}

#[mp_process::test]
fn figures_tell_what_became_of_tasks() {
    let _watchdog = Watchdog::new("figures_tell_what_became_of_tasks");
    let pool = Pool::builder().workers(2).retries(2).build().unwrap();
    let results = pool.task(fate).chunk_size(3).try_map(0..20);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 18);
    let figures = pool.statistics();
    assert_eq!((figures.received, figures.finished, figures.failed), (20, 19, 1));
    assert_eq!((figures.lost, figures.retried), (1, 2));
    assert_eq!((figures.queued, figures.given), (0, 0));
    // The last lost one may not have a successor yet.
    assert!((2..=3).contains(&figures.restarts), "{figures:?}");
    assert!(figures.slowest.is_empty(), "nobody has measured");
    let again = pool.map(fate, [1; 100]).unwrap();
    assert_eq!(again.len(), 100);
    let figures = pool.statistics();
    assert_eq!((figures.received, figures.finished, figures.restarts), (120, 119, 3));
    for worker in &figures.workers {
        assert!(worker.busy.is_none() && worker.waiting.is_none());
        assert!(worker.startup.is_none_or(|startup| startup <= worker.age));
    }
}

#[mp_process::test]
fn row_41_it_is_seen_which_worker_did_what_and_for_how_long() {
    let _watchdog = Watchdog::new("row_41_it_is_seen_which_worker_did_what_and_for_how_long");
    /// The seventh ends when the others have, and takes longer than any of them could have.
    fn work((ended, start): &(Gate, SystemTime), n: u64) -> usize {
        if n == 7 {
            ended.wait(19);
            thread::sleep(start.elapsed().unwrap());
        } else {
            thread::sleep(Duration::from_millis(2));
            ended.step();
        }
        worker_id().unwrap()
    }
    let pool = Pool::builder().workers(2).insights(true).build().unwrap();
    while pool.statistics().workers.iter().any(|worker| worker.startup.is_none()) {
        thread::yield_now();
    }
    let run = (Gate::new(), SystemTime::now());
    let ids = pool.task(work).with(&run).chunk_size(2).map(0..20).unwrap();
    let figures = pool.statistics();
    for worker in &figures.workers {
        let tasks = ids.iter().filter(|&&id| id == worker.id).count() as u64;
        assert_eq!(worker.tasks, tasks);
        assert!(worker.busy.unwrap() >= Duration::from_millis(2 * tasks), "{worker:?}");
        let known = worker.busy.unwrap() + worker.waiting.unwrap() + worker.startup.unwrap();
        assert!(known <= worker.age, "{worker:?}");
    }
    let slowest = &figures.slowest[0];
    assert_eq!((slowest.index, figures.slowest.len()), (7, 5));
    // Two workers have slept nineteen times meanwhile.
    assert!(slowest.duration >= Duration::from_millis(19));
    let of_slowest = figures.workers.iter().find(|worker| worker.pid == slowest.pid).unwrap();
    assert_eq!(of_slowest.id, ids[7]);
}

#[mp_process::test]
fn row_42_a_result_that_does_not_come_is_seen_to_be_stuck_and_where() {
    let _watchdog =
        Watchdog::new("row_42_a_result_that_does_not_come_is_seen_to_be_stuck_and_where");
    fn maybe_sleep(n: u32) {
        if n == 2 {
            thread::sleep(Duration::MAX);
        }
    }
    for insights in [false, true] {
        let pool = Pool::builder().workers(1).insights(insights).build().unwrap();
        let stuck = pool.task(maybe_sleep).chunk_size(1).map_async(0..100);
        let queued = loop {
            let dump = pool.dump();
            if dump.workers[0].activity == Activity::Running(2) {
                break dump.queued;
            }
            thread::yield_now();
        };
        thread::sleep(Duration::from_millis(20));
        let dump = pool.dump();
        let worker = &dump.workers[0];
        assert!(worker.since >= Duration::from_millis(20), "{dump}");
        assert!(dump.queued <= queued && dump.queued + worker.given == 98, "{dump}");
        assert_eq!(dump.next.first().map(|next| *next as u64), Some(100 - dump.queued));

        let pid = rustix::process::Pid::from_raw(worker.pid.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        while pool.dump().workers[0].process_state != Some('T') {
            thread::yield_now();
        }
        let text = pool.dump().to_string();
        let line = format!("worker 0 (pid {}): running task 2 for ", worker.pid);
        assert!(text.starts_with("pool running: ") && text.contains(&line), "{text}");
        assert!(text.ends_with("stopped by a signal"), "{text}");
        assert!(format!("{pool:?}").contains("running task 2"));
        drop(pool);
        stuck.get().unwrap_err();
    }
}

#[mp_process::test]
fn idle_workers_and_those_that_start_are_seen_as_such() {
    let _watchdog = Watchdog::new("idle_workers_and_those_that_start_are_seen_as_such");
    fn never() {
        loop {
            thread::park();
        }
    }
    let pool = Pool::new(2).unwrap();
    pool.map(|n: u32| n, 0..10).unwrap();
    while pool.dump().workers.iter().any(|worker| worker.activity != Activity::Idle) {
        thread::yield_now();
    }
    let starting = Pool::builder().workers(1).initializer(never, ()).build().unwrap();
    assert_eq!(starting.dump().workers[0].activity, Activity::Starting);
    starting.terminate();
    starting.join().unwrap();
    assert_eq!(starting.dump().to_string(), "pool terminated: 0 tasks queued");
}

/// A run with a death, all of it written.
fn run() -> mp_pool::Timeline {
    let pool = Pool::builder().workers(2).insights(true).build().unwrap();
    pool.task(fate).chunk_size(1).try_map(0..20);
    pool.close();
    pool.join().unwrap();
    pool.timeline()
}

#[mp_process::test]
fn the_trace_has_every_task_and_every_death() {
    let _watchdog = Watchdog::new("the_trace_has_every_task_and_every_death");
    let trace: serde_json::Value = serde_json::from_str(&run().to_trace()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let named = |name: &str| events.iter().filter(|event| event["name"] == name).count();
    let tasks = events.iter().filter(|event| event["cat"] == "task");
    let sum =
        |what: &str| tasks.clone().map(|bar| bar["args"][what].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("tasks"), sum("failed")), (20, 2));
    assert_eq!((named("death"), named("start")), (1, 3));
    let death = events.iter().find(|event| event["name"] == "death").unwrap();
    assert!(death["args"]["how"].as_str().unwrap().contains("SIGABRT"));
    for bar in tasks {
        assert!(bar["ts"].as_f64().unwrap() >= 0.0 && bar["dur"].as_f64().unwrap() >= 0.0);
    }
}

#[mp_process::test]
fn the_page_shows_every_worker_and_its_end() {
    let _watchdog = Watchdog::new("the_page_shows_every_worker_and_its_end");
    let directory = std::env::temp_dir().join(format!("timeline-{}", process::id()));
    std::fs::create_dir(&directory).unwrap();
    let (page, trace) = (directory.join("run.html"), directory.join("run.json"));
    let timeline = run();
    timeline.write_html(&page).unwrap();
    timeline.write_trace(&trace).unwrap();
    let page = std::fs::read_to_string(page).unwrap();
    for text in ["by 2 workers", ">worker 0<", ">worker 1<", "(SIGABRT)", "in task 5</title>"] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    assert!(!page.contains("NaN") && !page.contains("src="), "{page}");
    for tag in ["svg", "g", "table", "title", "text"] {
        let opened =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    assert!(std::fs::metadata(trace).unwrap().len() > 0);
    std::fs::remove_dir_all(directory).unwrap();
}

#[mp_process::test]
fn a_pool_without_insights_has_a_picture_of_its_workers() {
    let pool = Pool::new(2).unwrap();
    pool.map(|n: u32| n, 0..10).unwrap();
    let page = pool.timeline().to_html();
    assert!(page.contains("10 tasks by 2 workers"));
}
