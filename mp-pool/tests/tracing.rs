//! The life of a pool as events of `tracing`.

mod common;

use std::fmt::Debug;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::Watchdog;
use mp_pool::Pool;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps each event as a line: level, message and fields, within the span that it came in.
#[derive(Clone, Default)]
struct Listener {
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.0 += &format!(" {value:?};"),
            name => self.0 += &format!(" {name}={value:?}"),
        }
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "mp_pool"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
        assert!(!self.lines.lock().unwrap().last().unwrap().contains("index=7"), "a bad listener");
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn fate(n: u32) -> u32 {
    match n {
        3 | 7 => process::abort(),
        5 => loop {
            std::thread::park();
        },
        n => n,
    }
}

#[mp_process::test]
fn each_turn_of_a_pools_life_is_told() {
    let _watchdog = Watchdog::new("each_turn_of_a_pools_life_is_told");
    let listener = Listener::default();
    let pids = tracing::subscriber::with_default(listener.clone(), || {
        let pool = Pool::builder().workers(1).retries(1).build().unwrap();
        let pids = pool.worker_pids();
        // On a busy machine a short item may take a while, too.
        let task = pool.task(fate).deadline(Duration::from_secs(3)).chunk_size(1);
        let results = task.try_map(0..10);
        assert_eq!(results.iter().filter(|result| result.is_err()).count(), 3);
        pool.close();
        pool.join().unwrap();
        pids
    });
    let lines = listener.lines.lock().unwrap();
    let all = lines.join("\n");
    assert_eq!(lines[0], "DEBUG pool made; workers=1");
    assert_eq!(lines[1], format!("DEBUG worker started; id=0 pid={}", pids[0]));
    assert!(lines[2].starts_with("DEBUG worker ready; id=0 ") && lines[2].contains("startup="));
    let count = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    // The listener panics at some of these, and hears the next all the same.
    assert_eq!((count("WARN worker died;"), count("(SIGABRT)")), (5, 8), "{all}");
    assert_eq!(
        (count("WARN task lost, tried again; index=3"), count("WARN task lost; index=3")),
        (1, 1)
    );
    assert_eq!(count("WARN task lost; index=5 pid="), 1, "{all}");
    assert_eq!(count("ran for more than 3s"), 1, "{all}");
    assert!(count("worker started") >= 5 && count("worker ready") >= 5, "{all}");
    assert_eq!(lines.last().unwrap(), "DEBUG pool ended;");
}
