//! [`Lock`], [`RLock`], [`RwLock`]: who dies with one is told to the next, who dies without it is
//! in nobody's way.

use mp_sync::{Lock, RLock, RwLock};

use super::lockable::{Found, Guarded, How, Lockable, Reading, Twice};
use crate::notes::Notes;
use crate::operation::{Operation, ensure, operation};
use crate::partner::Partner;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![first::<Lock>(), first::<RwLock>()];
    all.extend(of::<Lock>());
    all.extend(of::<RLock>());
    all.extend(of::<Twice>());
    all.extend(of::<RwLock>());
    all.extend(of::<Reading>());
    all.extend([recover::<Lock>(), recover::<RLock>(), recover::<RwLock>()]);
    all.extend([
        leave::<Lock>(|lock| drop(lock.lock())),
        leave::<RLock>(|lock| drop(lock.lock())),
        leave::<RwLock>(|lock| drop(lock.write())),
    ]);
    all
}

fn of<L: Lockable>() -> Vec<Operation> {
    vec![
        free::<L>(How::Wait, "taken and given back"),
        free::<L>(How::Try, "tried, taken and given back"),
        free::<L>(How::ForAWhile, "taken in time and given back"),
        taken_from_another::<L>(How::Wait, "taken from another process"),
        taken_from_another::<L>(How::ForAWhile, "taken in time from another process"),
        in_vain::<L>(How::Try, "tried in vain"),
        in_vain::<L>(How::ForAWhile, "waited for in vain"),
        given_to_a_waiter::<L>(),
    ]
}

/// Makes this process known to the kernel, so that what follows is the lock alone.
fn warm_up<L: Lockable>() {
    L::make().with(How::Wait, &mut || ());
}

fn name<L: Lockable>(what: &str) -> String {
    format!("{}: {what}", L::NAME)
}

/// A process that has never used a lock makes itself known to the kernel first.
fn first<L: Lockable>() -> Operation {
    operation(name::<L>("the first of a process"), |_| Guarded::<L>::new())
        .victim(move |guarded, notes| {
            Notes::mark();
            guarded.write(How::Wait, notes);
        })
        .check(Guarded::check)
}

fn free<L: Lockable>(how: How, what: &str) -> Operation {
    operation(name::<L>(what), |_| Guarded::<L>::new())
        .victim(move |guarded, notes| {
            warm_up::<L>();
            Notes::mark();
            guarded.write(how, notes);
        })
        .check(Guarded::check)
}

fn taken_from_another<L: Lockable>(how: How, what: &str) -> Operation {
    operation(name::<L>(what), |_| Guarded::<L>::held())
        .victim(move |guarded, notes| {
            warm_up::<L>();
            Notes::mark();
            guarded.write(how, notes);
        })
        .assist(|guarded, _| guarded.partner.iter().for_each(Partner::go))
        .check(Guarded::check)
}

fn in_vain<L: Lockable>(how: How, what: &str) -> Operation {
    operation(name::<L>(what), |_| Guarded::<L>::held())
        .victim(move |guarded, notes| {
            warm_up::<L>();
            Notes::mark();
            assert_eq!(guarded.write(how, notes), Found::Held);
        })
        .check(Guarded::check)
}

fn given_to_a_waiter<L: Lockable>() -> Operation {
    operation(name::<L>("given back to one who waits"), Guarded::<L>::awaited)
        .victim(|guarded, _| {
            guarded.lock.with(How::Wait, &mut || {
                guarded.partner.as_ref().unwrap().let_wait();
                Notes::mark();
            });
        })
        .check(Guarded::check)
}

fn recover<L: Lockable>() -> Operation {
    operation(name::<L>("recovered from a dead process"), |_| Guarded::<L>::abandoned())
        .victim(|guarded, notes| {
            warm_up::<L>();
            Notes::mark();
            guarded.write(How::Wait, notes);
        })
        .check(|guarded, notes| {
            if notes.reached() == 0 {
                let found = guarded.lock.other(&mut || ());
                ensure!(matches!(found, Found::Died(_)), "the first death is forgotten");
            }
            guarded.check(notes)
        })
}

/// Whoever does not recover it leaves it as it was, killed or not.
fn leave<L: Lockable>(visit: fn(&L)) -> Operation {
    operation(name::<L>("left as a dead process left it"), |_| Guarded::<L>::abandoned())
        .victim(move |guarded, _| {
            warm_up::<L>();
            Notes::mark();
            visit(&guarded.lock);
        })
        .check(|guarded, _| {
            let found = guarded.lock.other(&mut || ());
            ensure!(matches!(found, Found::Died(_)), "the first death is forgotten");
            let again = guarded.lock.other(&mut || ());
            ensure!(again == Found::Free, "after a recovery it is {again:?}");
            Ok(())
        })
}
