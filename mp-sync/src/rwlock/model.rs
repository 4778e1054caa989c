//! The read-write lock under the model checker.

use std::sync::Arc;
use std::time::Duration;

use super::slots::{Slots, Words};
use crate::outcome::Taken;
use crate::primitive::model::{check, spawn, spawn_doomed};
use crate::primitive::{AtomicU32, Deadline, Ordering, Robust};

#[derive(Clone, Default)]
struct Model {
    words: Arc<Words>,
    lock: Robust,
    /// Two words that a writer keeps equal.
    data: Arc<[AtomicU32; 2]>,
}

impl Model {
    fn slots(&self) -> Slots<'_> {
        Slots { words: &self.words, lock: &self.lock }
    }

    /// Reads, up to the deadline; `None` if it did not get in.
    fn read(&self, deadline: Deadline) -> Option<Taken> {
        let index = self.slots().read(0, deadline).expect("a free slot")?;
        let writer = self.lock.look();
        let (one, other) =
            (self.data[0].load(Ordering::SeqCst), self.data[1].load(Ordering::SeqCst));
        assert!(one == other || writer != Taken::Clean, "read while somebody wrote");
        self.slots().leave(index);
        Some(writer)
    }

    /// Writes, up to the deadline; tells whether it got in.
    fn write(&self, deadline: Deadline) -> bool {
        let Some(taken) = self.slots().write(deadline).expect("not ours") else { return false };
        let one = self.data[0].fetch_add(1, Ordering::SeqCst) + 1;
        self.data[1].store(one, Ordering::SeqCst);
        if taken != Taken::Clean {
            self.lock.recover();
        }
        self.slots().end_write();
        true
    }

    fn reader(&self) -> impl FnOnce() -> Option<Taken> + Send + 'static {
        let model = self.clone();
        move || model.read(Deadline::NEVER)
    }

    fn writer(&self) -> impl FnOnce() -> bool + Send + 'static {
        let model = self.clone();
        move || model.write(Deadline::NEVER)
    }
}

#[test]
fn readers_and_a_writer_keep_apart() {
    check(|| {
        let model = Model::default();
        let readers = [spawn(model.reader()), spawn(model.reader())];
        assert!(model.write(Deadline::NEVER));
        assert!(readers.into_iter().all(|reader| reader.join() == Some(Some(Taken::Clean))));
    });
}

#[test]
fn writers_keep_apart() {
    check(|| {
        let model = Model::default();
        let writers = [spawn(model.writer()), spawn(model.writer())];
        assert_eq!(model.read(Deadline::NEVER), Some(Taken::Clean));
        assert!(writers.into_iter().all(|writer| writer.join() == Some(true)));
        assert_eq!(model.data[1].load(Ordering::SeqCst), 2);
    });
}

#[test]
fn who_gives_up_disturbs_nobody() {
    check(|| {
        let model = Model::default();
        let soon = Deadline::after(Duration::from_secs(1));
        let (patient, impatient) = (spawn(model.reader()), model.clone());
        let impatient = spawn(move || impatient.write(soon));
        let written = model.write(Deadline::NEVER);
        assert!(written && impatient.join().is_some());
        assert_eq!(patient.join(), Some(Some(Taken::Clean)));
        assert_eq!(model.slots().try_write().unwrap(), Some(Taken::Clean));
    });
}

#[test]
fn a_killed_reader_keeps_nobody_out() {
    check(|| {
        let model = Model::default();
        let doomed = spawn_doomed(model.reader());
        let writer = spawn(model.writer());
        assert_eq!(model.read(Deadline::NEVER), Some(Taken::Clean));
        assert_eq!(writer.join(), Some(true));
        doomed.join();
        assert_eq!(model.slots().try_write().unwrap(), Some(Taken::Clean));
    });
}

#[test]
fn a_killed_writer_keeps_nobody_out_and_is_told_of() {
    check(|| {
        let model = Model::default();
        let doomed = spawn_doomed(model.writer());
        let reader = spawn(model.reader());
        // That nobody reads halves without being told is asserted in `read`.
        assert!(model.read(Deadline::NEVER).is_some());
        assert!(matches!(reader.join(), Some(Some(_))));
        doomed.join();
        assert!(model.write(Deadline::NEVER));
        assert_eq!(model.read(Deadline::NEVER), Some(Taken::Clean));
    });
}
