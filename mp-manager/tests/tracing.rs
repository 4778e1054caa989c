//! What becomes of those who come to the port of a server, as events of `tracing`.

mod common {
    pub(crate) mod knock;
    pub(crate) mod raw;
    pub(crate) mod watchdog;
}

use std::fmt::Debug;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use common::watchdog::watchdog;
use common::{knock, raw};
use mp_manager::Manager;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const KEY: &str = "a long secret";

/// Keeps each event as a line: level, message and reason.
#[derive(Clone, Default)]
struct Listener {
    lines: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Listener {
    /// Waits until there is such a line.
    fn wait_for(&self, wanted: &str) {
        let (lines, arrived) = &*self.lines;
        let lines = lines.lock().unwrap();
        drop(arrived.wait_while(lines, |lines| !lines.iter().any(|line| line == wanted)).unwrap());
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.0 += &format!(" {value:?}"),
            "reason" => self.0 += &format!(": {value:?}"),
            _ => {}
        }
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "mp_manager"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        let (lines, arrived) = &*self.lines;
        lines.lock().unwrap().push(line.0);
        arrived.notify_all();
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[mp_process::test]
fn who_is_refused_or_sent_off_is_told() {
    let _watchdog = watchdog();
    let listener = Listener::default();
    tracing::subscriber::set_global_default(listener.clone()).unwrap();
    let options = Manager::builder().key(KEY).max_clients(1);
    // On a busy machine an honest client may take a while, too.
    let server = options.handshake_timeout(Duration::from_secs(3)).server().unwrap();
    let address = server.address().unwrap().clone();
    let program = thread::spawn(move || server.serve_forever());

    let silent = knock::connect(&address);
    listener.wait_for("WARN client refused: it took too long to say who it is");
    drop(knock::connect(&address));
    listener.wait_for("WARN client refused: it went away before it was let in");
    knock::connect(&address).write_all(&[b'?'; 44]).unwrap();
    listener.wait_for("WARN client refused: it does not speak the protocol of managers");
    assert_eq!(raw::greet(&mut knock::connect(&address), "another"), 2);
    listener.wait_for("WARN client refused: it has another key");

    let mut bold = raw::admitted(&address, KEY);
    listener.wait_for("DEBUG client let in");
    assert_eq!(raw::greet(&mut knock::connect(&address), KEY), 3);
    listener.wait_for("WARN client refused: there are as many clients as it lets in");
    bold.write_all(&u32::MAX.to_le_bytes()).unwrap();
    listener.wait_for("WARN client sent off: a request longer than the server takes");
    knock::wait_for_end(bold);

    Manager::connect(&address, KEY).unwrap().shutdown();
    program.join().unwrap().unwrap();
    drop(silent);
}
