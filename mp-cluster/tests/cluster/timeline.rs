//! The run of a cluster, as a picture and as a trace.

use std::thread::sleep;
use std::time::Duration;

use crate::common::server::Server;
use crate::common::{Agent, pool, watchdog};

const NAP: Duration = Duration::from_millis(20);

fn nap(n: u32) -> u32 {
    if n == 13 {
        std::process::abort();
    }
    sleep(NAP);
    n
}

/// How long each bar of tasks is, in microseconds.
fn lengths(trace: &str) -> Vec<f64> {
    let of_tasks = trace.lines().filter(|line| line.contains("\"cat\":\"task\""));
    let length = |line: &str| line.split_once("\"dur\":")?.1.split(',').next()?.parse().ok();
    of_tasks.map(|line| length(line).expect("a duration")).collect()
}

#[mp_cluster::test]
fn a_timeline_has_the_tasks_of_all_machines_and_who_died() {
    const TEST: &str = "timeline::a_timeline_has_the_tasks_of_all_machines_and_who_died";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let insights = [("MP_CLUSTER_INSIGHTS", "1")];
    let _agents =
        [Agent::with(&server, TEST, 1, &insights), Agent::with(&server, TEST, 1, &insights)];
    let (pool, nats) = pool(&server, 2);
    pool.task(nap).chunk_size(1).map(0..10).unwrap();
    let timeline = pool.timeline();
    let lengths = lengths(&timeline.to_trace());
    assert_eq!(lengths.len(), 10);
    assert!(lengths.iter().all(|&length| length >= 1e6 * NAP.as_secs_f64()), "{lengths:?}");
    assert!(timeline.duration() >= 5 * NAP);
    let host = &nats.agents()[0].host;
    assert!(timeline.to_trace().contains(&format!("\"name\":\"{host} ")));
    assert!(timeline.to_html().contains("10 tasks by "));
    assert!(pool.task(nap).chunk_size(1).map([13]).is_err());
    assert!(pool.timeline().to_html().contains("1 workers died"));
}

#[mp_cluster::test]
fn workers_that_do_not_measure_are_not_in_a_timeline() {
    const TEST: &str = "timeline::workers_that_do_not_measure_are_not_in_a_timeline";
    let _watchdog = watchdog(TEST);
    let Some(server) = Server::start() else { return };
    let _agent = Agent::start(&server, TEST, 1);
    let (pool, _nats) = pool(&server, 1);
    pool.map(nap, 0..3).unwrap();
    assert!(pool.timeline().to_html().contains("0 tasks by 0 workers"));
}
