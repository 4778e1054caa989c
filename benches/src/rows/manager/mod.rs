//! A dict that a process serves to others: one item at a time, many at once, and a new dict.
//!
//! The clients are processes of CPython, threads of everybody else: each has a connection of its
//! own, and waits for one reply before it asks again.

mod ceiling;
mod clients;
mod ours;
mod redis;
mod rings;

use anyhow::{Context, Result};
use mp_manager::Manager;

use self::ceiling::Threads;
use self::clients::{Client, Clients, Verb};
use self::ours::Ours;
use self::redis::Redis;
use self::rings::Rings;
use super::{python, seconds};
use crate::row::{Better, Row, Scale, System};

/// Items of an update at once.
const BULK: usize = 1_000;

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for how_many in [1, 2] {
        rows.push(single(scale, Verb::Get, how_many));
        rows.push(single(scale, Verb::Set, how_many));
    }
    rows.extend([Verb::Get, Verb::Set].map(|verb| over_tcp(scale, verb)));
    rows.push(bulk(scale));
    rows.push(create(scale));
    rows
}

fn single(scale: Scale, verb: Verb, how_many: usize) -> Row {
    let [most, many, some, few] =
        [200_000, 20_000, 2_000, 1_000].map(|count| scale.of(count) / how_many * how_many);
    let what = match verb {
        Verb::Get => "manager.gets",
        Verb::Set => "manager.puts",
    };
    let systems = vec![
        System::new("ours", move || {
            let mut clients = Clients::new(Ours::start(how_many)?)?;
            Ok(move || clients.seconds(verb, many).map(per_second(many)))
        }),
        System::limit("bare ring server", move || {
            let mut clients = Clients::new(Rings::start(how_many)?)?;
            Ok(move || clients.seconds(verb, many).map(per_second(many)))
        }),
        System::ceiling("Mutex<HashMap>", move || {
            let mut clients = Clients::new(Threads::start(how_many))?;
            Ok(move || clients.seconds(verb, most).map(per_second(most)))
        }),
        System::new("Redis, Unix socket", move || {
            let mut clients = Clients::new(Redis::start(how_many)?)?;
            Ok(move || clients.seconds(verb, some).map(per_second(some)))
        }),
        python("CPython Manager", what, [few, how_many], per_second(few)),
    ];
    let (word, suffix) = (verb.word(), if how_many > 1 { "-2" } else { "" });
    row(format!("manager-{word}{suffix}"), format!("{word} an item, {how_many} client(s)"), systems)
}

/// As programs do that were started apart, over the loopback interface.
fn over_tcp(scale: Scale, verb: Verb) -> Row {
    let count = scale.of(2_000);
    let systems = vec![
        System::new("ours", move || {
            let mut clients = Clients::new(Ours::start_tcp(1)?)?;
            Ok(move || clients.seconds(verb, count).map(per_second(count)))
        }),
        System::new("Redis, TCP", move || {
            let mut clients = Clients::new(Redis::start_tcp(1)?)?;
            Ok(move || clients.seconds(verb, count).map(per_second(count)))
        }),
    ];
    let word = verb.word();
    row(format!("manager-{word}-tcp"), format!("{word} an item over TCP, 1 client"), systems)
}

fn per_second(count: usize) -> impl Fn(f64) -> f64 + Copy {
    move |seconds| count as f64 / seconds
}

fn bulk(scale: Scale) -> Row {
    let [many, few] = [200, 20].map(|calls| scale.of(calls));
    let systems = vec![
        System::new("ours", move || update(Ours::start(1)?, many)),
        System::limit("bare ring server", move || update(Rings::start(1)?, many)),
        System::ceiling("Mutex<HashMap>", move || update(Threads::start(1), many)),
        System::new("Redis, pipelined", move || update(Redis::start(1)?, few)),
        python("CPython Manager", "manager.bulk", [BULK, few], items_per_second(few)),
    ];
    row("manager-bulk".into(), format!("update with {BULK} items in one call"), systems)
}

fn update<C: Client>(clients: Vec<C>, calls: usize) -> Result<impl FnMut() -> Result<f64>> {
    let mut client = clients.into_iter().next().context("one client")?;
    let items: Vec<_> = (0..BULK as u64).map(|n| (format!("key-{n}"), n)).collect();
    Ok(move || {
        let all = || (0..calls).try_for_each(|_| client.update(&items));
        seconds(all).map(items_per_second(calls))
    })
}

fn items_per_second(calls: usize) -> impl Fn(f64) -> f64 {
    move |seconds| (BULK * calls) as f64 / seconds
}

fn create(scale: Scale) -> Row {
    let count = scale.of(40);
    let per_second = move |seconds: f64| count as f64 / seconds;
    let ours = System::new("ours", move || {
        let manager = Manager::start()?;
        Ok(move || {
            let create = |_| manager.dict::<String, u64>().map(drop);
            seconds(|| Ok((0..count).try_for_each(create)?)).map(per_second)
        })
    });
    let systems = vec![ours, python("CPython Manager", "manager.create", [count], per_second)];
    row("manager-create".into(), "create a dict on the server".into(), systems)
}

fn row(name: String, about: String, systems: Vec<System>) -> Row {
    Row { name, about, unit: "ops/s", better: Better::Higher, ballast: 0, systems }
}
