//! What code in workers tells by `tracing` reaches the subscriber of the program.

mod common;
#[path = "common/gate.rs"]
mod gate;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use common::Watchdog;
use gate::Gate;
use mp_pool::Pool;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, debug, info, info_span, warn};

/// Keeps each event of workers as a line: the spans that it came in, level, message and fields.
#[derive(Clone, Default)]
struct Listener {
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<Mutex<BTreeMap<u64, String>>>,
    next: Arc<AtomicU64>,
    /// It does not listen before this is open.
    opens: Option<Gate>,
}

thread_local! {
    static WITHIN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "mp_pool::worker"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut line = Line(attributes.metadata().name().into());
        attributes.record(&mut line);
        self.spans.lock().unwrap().insert(id, line.0);
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.opens.iter().for_each(|gate| gate.wait(1));
        let within = WITHIN.with_borrow(Clone::clone);
        let spans = self.spans.lock().unwrap();
        let mut line = Line(within.iter().map(|id| format!("[{}] ", spans[id])).collect());
        line.0 += event.metadata().level().as_str();
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }

    fn enter(&self, id: &Id) {
        WITHIN.with_borrow_mut(|within| within.push(id.into_u64()));
    }

    fn exit(&self, _: &Id) {
        WITHIN.with_borrow_mut(|within| within.pop());
    }
}

/// Runs `program` with a pool; returns what its workers have told.
fn heard(builder: mp_pool::Builder, program: impl FnOnce(&Pool)) -> Vec<String> {
    heard_by(Listener::default(), builder, program)
}

fn heard_by(
    listener: Listener,
    builder: mp_pool::Builder,
    program: impl FnOnce(&Pool),
) -> Vec<String> {
    tracing::subscriber::with_default(listener.clone(), || {
        let pool = builder.build().unwrap();
        program(&pool);
        pool.close();
        pool.join().unwrap();
    });
    let lines = listener.lines.lock().unwrap();
    lines.clone()
}

fn work(n: u64) -> u64 {
    info_span!("work", n).in_scope(|| info!(half = n / 2, "at {n}"));
    n
}

#[mp_process::test]
fn an_event_of_a_task_comes_with_its_task_and_its_worker() {
    let _watchdog = Watchdog::new("an_event_of_a_task_comes_with_its_task_and_its_worker");
    for chunk_size in [1, 7, 100] {
        let mut pids = Vec::new();
        let lines = heard(Pool::builder().workers(2), |pool| {
            pids = pool.worker_pids();
            pool.task(work).chunk_size(chunk_size).map(100..200).unwrap();
        });
        assert_eq!(lines.len(), 100, "{lines:#?}");
        for index in 0..100 {
            let n = 100 + index;
            let start = format!("[task index={index}] INFO message=at {n} id=");
            let rest = format!(
                r#"origin="tracing_workers" spans="work{{n={n}}}" fields="half={}""#,
                n / 2
            );
            let line = lines.iter().find(|line| line.starts_with(&start)).expect(&start);
            assert!(line.ends_with(&rest), "{line}");
            assert!(pids.iter().any(|pid| line.contains(&format!("pid={pid} "))), "{line}");
        }
    }
}

#[mp_process::test]
fn what_was_told_before_a_death_is_heard() {
    let _watchdog = Watchdog::new("what_was_told_before_a_death_is_heard");
    fn dies(n: u32) {
        warn!("{n} dies");
        process::abort();
    }
    let lines = heard(Pool::builder().workers(1), |pool| {
        assert_eq!(pool.task(dies).chunk_size(5).try_map(0..5).len(), 5);
    });
    let deaths = (0..5).map(|n| format!("[task index={n}] WARN message={n} dies id=0"));
    assert!(deaths.zip(&lines).all(|(start, line)| line.starts_with(&start)), "{lines:#?}");
    assert_eq!(lines.len(), 5);
}

/// The number in a field of a line.
fn number(line: &str, field: &str) -> u64 {
    let (_, rest) = line.split_once(&format!(" {field}=")).expect("the field");
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[mp_process::test]
fn who_tells_too_much_is_not_held_up_and_what_is_lost_is_counted() {
    let _watchdog = Watchdog::new("who_tells_too_much_is_not_held_up_and_what_is_lost_is_counted");
    const MANY: u64 = 100_000;
    fn tell_all(told: Gate) {
        (0..MANY).for_each(|n| debug!(n, "again"));
        told.step();
    }
    let told = Gate::new();
    let deaf = Listener { opens: Some(told.clone()), ..Listener::default() };
    let lines = heard_by(deaf, Pool::builder().workers(1), |pool| {
        pool.apply(tell_all, (told,)).unwrap();
    });
    let (lost, told): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.contains("were lost"));
    let lost: u64 = lost.iter().map(|line| number(line, "count")).sum();
    assert_eq!(told.len() as u64 + lost, MANY);
    assert!(lost > 0 && !told.is_empty());
}

#[mp_process::test]
fn the_initializer_is_heard_and_may_have_a_subscriber_of_its_own() {
    let _watchdog = Watchdog::new("the_initializer_is_heard_and_may_have_a_subscriber_of_its_own");
    fn begin(own: bool) {
        info!("begins");
        if own {
            tracing::subscriber::set_global_default(Listener::default()).unwrap();
        }
    }
    for own in [false, true] {
        let builder = Pool::builder().workers(1).initializer(begin, (own,));
        let lines = heard(builder, |pool| drop(pool.map(work, 0..3).unwrap()));
        assert!(lines[0].starts_with("INFO message=begins id=0 "), "{lines:#?}");
        assert_eq!(lines.len(), if own { 1 } else { 4 }, "{lines:#?}");
    }
}

#[mp_process::test]
fn without_a_subscriber_nothing_is_told() {
    let _watchdog = Watchdog::new("without_a_subscriber_nothing_is_told");
    let enabled = || tracing::enabled!(tracing::Level::ERROR);
    let pool = Pool::new(1).unwrap();
    assert!(!pool.apply(enabled, ()).unwrap());
    let lines = heard(Pool::builder().workers(1), |pool| {
        assert!(pool.apply(enabled, ()).unwrap());
    });
    assert!(lines.is_empty());
}
