//! Locks in processes that were forked from one which used locks itself.

mod common {
    pub(crate) mod watchdog;
}

use std::thread;

use common::watchdog::watchdog;
use mp_process::Context;
use mp_sync::{Event, Identity, Lock, LockError};

/// Makes the server note who it is, and which thread.
fn use_locks() {
    let _own = Identity::current();
    drop(Lock::new().unwrap().lock().unwrap());
}

fn hold(lock: Lock, held: Event) {
    let _guard = lock.lock().unwrap();
    held.set();
    loop {
        thread::park();
    }
}

#[mp_process::test]
fn a_forked_holder_that_dies_is_named_and_survived() {
    let _watchdog = watchdog();
    let context = Context::fork_server().preload(use_locks);
    for _ in 0..3 {
        let (lock, held) = (Lock::new().unwrap(), Event::new().unwrap());
        let holder = context.spawn(hold, (lock.clone(), held.clone())).unwrap();
        held.wait();
        holder.kill().unwrap();
        holder.wait();
        match lock.lock() {
            Err(LockError::OwnerDied(died)) => {
                assert_eq!(died.process(), Some(holder.pid()));
                drop(died.recover());
            }
            taken => panic!("nobody died: {taken:?}"),
        }
    }
}

#[mp_process::test]
fn a_forked_process_has_an_identity_of_its_own() {
    let _watchdog = watchdog();
    let context = Context::fork_server().preload(use_locks);
    let child = context.spawn(|| Identity::current().to_bits(), ()).unwrap();
    let pid = child.pid();
    assert_eq!(Identity::from_bits(child.join().unwrap()).pid(), pid);
}
