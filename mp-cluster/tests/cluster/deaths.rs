//! Agents, workers and clients that die, or stand still.

use std::process;
use std::thread::sleep;
use std::time::Duration;

use mp_pool::{TaskError, TaskErrorKind};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::server::Server;
use crate::common::{Agent, Marks, mark, pool, wait_until, watchdog};

/// Leaves a mark when it begins, and takes a while.
fn slow(marks: String, n: u32) -> u32 {
    mark(&marks, "began");
    sleep(Duration::from_millis(300));
    n + 1
}

fn inputs(marks: &Marks, count: u32) -> Vec<(String, u32)> {
    (0..count).map(|n| (marks.path(), n)).collect()
}

#[mp_cluster::test]
fn the_tasks_of_a_killed_agent_are_done_by_another() {
    const TEST: &str = "deaths::the_tasks_of_a_killed_agent_are_done_by_another";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("killed");
    let victim = Agent::start(&server, TEST, 2);
    let _other = Agent::start(&server, TEST, 2);
    let (pool, nats) = pool(&server, 2);
    let results = pool.task(slow).chunk_size(1).starmap_async(inputs(&marks, 20));
    wait_until("task that runs", || marks.count("began") > 2);
    victim.signal(Signal::KILL);
    assert_eq!(results.get().unwrap(), (1..=20).collect::<Vec<_>>());
    wait_until("silence of the dead", || nats.agents().len() == 1);
}

#[mp_cluster::test]
fn what_a_frozen_agent_had_is_done_elsewhere_and_counts_once() {
    const TEST: &str = "deaths::what_a_frozen_agent_had_is_done_elsewhere_and_counts_once";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("frozen");
    let frozen = Agent::start(&server, TEST, 1);
    let (pool, _nats) = pool(&server, 1);
    let results = pool.task(slow).chunk_size(1).starmap_async(inputs(&marks, 6));
    wait_until("task that runs", || marks.count("began") > 0);
    frozen.signal(Signal::STOP);
    let _other = Agent::start(&server, TEST, 1);
    assert_eq!(results.get().unwrap(), (1..=6).collect::<Vec<_>>());
    frozen.signal(Signal::CONT);
    // What it sends now is of tasks that have their results.
    let again = pool.task(slow).chunk_size(1).starmap(inputs(&marks, 6));
    assert_eq!(again.unwrap(), (1..=6).collect::<Vec<_>>());
}

#[mp_cluster::test]
fn a_killed_worker_costs_one_task_and_no_lease() {
    const TEST: &str = "deaths::a_killed_worker_costs_one_task_and_no_lease";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::with(&server, TEST, 2, &[("MP_CLUSTER_LEASE", "3600")]);
    let (pool, _nats) = pool(&server, 1);
    fn kill(n: u32) -> u32 {
        if n == 3 {
            kill_process(Pid::from_raw(process::id() as i32).unwrap(), Signal::KILL).unwrap();
        }
        n
    }
    let results = pool.task(kill).chunk_size(4).try_map(0..8);
    for (n, result) in (0..).zip(results) {
        match result {
            Err(TaskError { kind: TaskErrorKind::WorkerLost { attempts, .. }, .. }) => {
                assert_eq!((n, attempts), (3, 1));
            }
            result => assert_eq!(result, Ok(n)),
        }
    }
}

#[mp_cluster::test]
fn a_task_that_kills_each_agent_is_lost_in_the_end() {
    const TEST: &str = "deaths::a_task_that_kills_each_agent_is_lost_in_the_end";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("poison");
    /// The parent of a worker is its agent.
    fn poison(marks: String) {
        mark(&marks, "began");
        kill_process(rustix::process::getppid().unwrap(), Signal::KILL).unwrap();
        sleep(Duration::from_secs(600));
    }
    // Long enough for the client to call the task off before a fifth agent gets it.
    let agent = || Agent::with(&server, TEST, 1, &[("MP_CLUSTER_LEASE", "5")]);
    let agents: Vec<Agent> = (0..5).map(|_| agent()).collect();
    let (pool, nats) = pool(&server, 5);
    let error = pool.apply(poison, (marks.path(),)).unwrap_err();
    assert!(matches!(error.kind, TaskErrorKind::WorkerLost { attempts: 3, .. }), "{error}");
    // The fourth may have begun before it was called off, and no other has.
    wait_until("beats", || (1..=2).contains(&nats.agents().len()));
    assert!((3..=4).contains(&marks.count("began")));
    assert_eq!(pool.apply(|| 7, ()), Ok(7));
    drop(agents);
}

#[mp_cluster::test]
fn a_task_that_is_longer_than_the_lease_runs_once() {
    const TEST: &str = "deaths::a_task_that_is_longer_than_the_lease_runs_once";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let marks = Marks::new("long");
    // On a busy machine a short one is over before its holder comes to extend it.
    let agent = || Agent::with(&server, TEST, 1, &[("MP_CLUSTER_LEASE", "10")]);
    let _agents = [agent(), agent()];
    let (pool, _nats) = pool(&server, 2);
    fn long(marks: String) {
        mark(&marks, "began");
        sleep(Duration::from_secs(15));
    }
    pool.apply(long, (marks.path(),)).unwrap();
    assert_eq!(marks.count("began"), 1);
}

#[mp_cluster::test]
fn an_agent_that_comes_later_joins_what_runs() {
    const TEST: &str = "deaths::an_agent_that_comes_later_joins_what_runs";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let (pool, _nats) = pool(&server, 0);
    let results = pool.task(|n: u32| n * 2).chunk_size(1).map_async(0..50);
    let _agent = Agent::start(&server, TEST, 1);
    assert_eq!(results.get().unwrap(), (0..50).map(|n| n * 2).collect::<Vec<_>>());
}
