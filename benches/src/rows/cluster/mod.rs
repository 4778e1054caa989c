//! The same pool with a server between it and its workers: what the network's engine costs, and what
//! is made of it.
//!
//! Everything runs on this machine: client, server and workers share its processors. So the ratios
//! tell more than the rates.

mod bare;
mod ours;
mod server;

use anyhow::Result;

use self::bare::Bare;
use self::ours::Cluster;
use crate::row::{Better, Row, Scale, System};
use crate::rows::{python, seconds};

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let [many, some, few] = [20_000, 5_000, 500].map(|count| scale.of(count));
    let mut rows = vec![
        Row {
            name: "cluster-chunk-1".into(),
            about: "map of no-op tasks by two workers over a server, each on its own".into(),
            unit: "tasks/s",
            better: Better::Higher,
            ballast: 0,
            systems: vec![
                ours("ours", 2, many, Some(1)),
                System::limit("bare async-nats", move || {
                    let mut bare = Bare::new(2)?;
                    Ok(move || rate(many, || bare.map(many as u64)))
                }),
                peer("mpi4py.futures", "cluster.mpi_map", some, 1),
                peer("Ray", "cluster.ray_map", some, 1),
                peer("Dask", "cluster.dask_map", few, 1),
            ],
        },
        Row {
            name: "cluster-default".into(),
            about: "map of no-op tasks by two workers over a server, in chunks".into(),
            unit: "tasks/s",
            better: Better::Higher,
            ballast: 0,
            systems: vec![
                ours("ours", 2, 50 * many, None),
                peer("mpi4py.futures", "cluster.mpi_map", 10 * many, 100),
            ],
        },
        Row {
            name: "cluster-apply".into(),
            about: "one task after the other over a server, and its result".into(),
            unit: "us",
            better: Better::Lower,
            ballast: 0,
            systems: vec![
                System::new("ours", move || {
                    let cluster = Cluster::new(2)?;
                    Ok(move || micros(few, || cluster.apply(same, few)))
                }),
                System::limit("bare async-nats", move || {
                    let mut bare = Bare::new(2)?;
                    Ok(move || micros(few, || bare.apply(few as u64)))
                }),
            ],
        },
    ];
    rows.push(growth(scale.of(400)));
    rows
}

/// Tasks that take two milliseconds, and need no processor for it, by more and more agents.
fn growth(count: usize) -> Row {
    let agents = [1, 2, 4, 8].map(|agents| {
        let plural = if agents == 1 { "" } else { "s" };
        System::new(format!("ours, {agents} agent{plural}"), move || {
            let cluster = Cluster::new(agents)?;
            Ok(move || rate(count, || cluster.map(nap, count, Some(1))))
        })
    });
    Row {
        name: "cluster-agents".into(),
        about: "map of naps of 2 ms by agents of one worker; 0.25x: four times what one agent does"
            .into(),
        unit: "tasks/s",
        better: Better::Higher,
        ballast: 0,
        systems: agents.into(),
    }
}

fn same(n: u64) -> u64 {
    n
}

fn nap(n: u64) -> u64 {
    std::thread::sleep(std::time::Duration::from_millis(2));
    n
}

fn ours(name: &str, agents: usize, count: usize, chunk: Option<usize>) -> System {
    System::new(name, move || {
        let cluster = Cluster::new(agents)?;
        Ok(move || rate(count, || cluster.map(same, count, chunk)))
    })
}

fn peer(name: &str, what: &'static str, count: usize, chunk: usize) -> System {
    python(name, what, [count, chunk], move |seconds| count as f64 / seconds)
}

fn rate(count: usize, body: impl FnOnce() -> Result<()>) -> Result<f64> {
    Ok(count as f64 / seconds(body)?)
}

/// How long each of so many takes.
fn micros(count: usize, body: impl FnOnce() -> Result<()>) -> Result<f64> {
    Ok(1e6 * seconds(body)? / count as f64)
}
