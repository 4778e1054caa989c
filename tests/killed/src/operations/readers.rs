//! [`RwLock`] between a writer and readers: who dies while it waits to write keeps no reader out.

use mp_sync::{LockError, RwLock};

use super::lockable::{Guarded, How, Lockable};
use crate::notes::Notes;
use crate::operation::{Operation, Verdict, operation};
use crate::partner::Partner;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        wanted("RwLock to write: taken from a reader", How::Wait),
        wanted("RwLock to write: waited for in vain, of a reader", How::ForAWhile),
        wanted("RwLock to write: tried in vain, of a reader", How::Try),
        given_to_a_reader(),
    ]
}

/// One that another process reads until it may go.
fn read(_: &Notes) -> Guarded<RwLock> {
    let mut guarded = Guarded::<RwLock>::new();
    guarded.partner = Some(Partner::holding(|inside| {
        let _guard = guarded.lock.read().unwrap();
        inside();
    }));
    guarded
}

/// Reads, as a survivor: it gets in, and may be told of one that died while it wrote or wanted to.
fn visit(lock: &RwLock, notes: &Notes) -> Verdict {
    match lock.read() {
        Ok(_) => Ok(()),
        Err(LockError::OwnerDied(_)) if !notes.is_finished() => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Who does not wait as long as it takes asks in vain: nobody lets the reader go.
fn wanted(name: &str, how: How) -> Operation {
    operation(name, read)
        .victim(move |guarded, notes| {
            RwLock::make().with(How::Wait, &mut || ());
            Notes::mark();
            guarded.write(how, notes);
        })
        .assist(move |guarded, _| {
            if matches!(how, How::Wait) {
                guarded.partner.iter().for_each(Partner::go);
            }
        })
        .check(|guarded, notes| {
            visit(&guarded.lock, notes)?;
            guarded.check(notes)
        })
}

fn given_to_a_reader() -> Operation {
    let awaited = |notes: &Notes| {
        let mut guarded = Guarded::<RwLock>::new();
        guarded.partner = Some(Partner::waiting(|| visit(&guarded.lock, notes)));
        guarded
    };
    operation("RwLock to write: given back to a reader who waits", awaited)
        .victim(|guarded, _| {
            guarded.lock.with(How::Wait, &mut || {
                guarded.partner.as_ref().unwrap().let_wait();
                Notes::mark();
            });
        })
        .check(Guarded::check)
}
