//! Managers: if the server is killed, every client is told at once, and nothing is left over.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use mp_handle::Parcel;
use mp_manager::{
    DictProxy, EventProxy, ListProxy, LockProxy, Manager, ManagerError, QueueProxy, Transaction,
};
use mp_pool::Calls;
use mp_process::{Process, spawn};
use nix::unistd::{Pid, gettid};

use crate::notes::Notes;
use crate::operation::{Operation, Role, operation};
use crate::partner::wait_until;
use crate::victim::is_asleep;

/// More than a ring holds.
const LARGE: usize = 300_000;

/// What a client does between the server's sleep and the server's end.
struct Objects {
    manager: Manager,
    dict: DictProxy<u32, u32>,
    list: ListProxy<Vec<u8>>,
    queue: QueueProxy<u32>,
    lock: LockProxy,
}

type Told = Result<(), ManagerError>;

pub(super) fn operations() -> Vec<Operation> {
    fn add(value: &mut u32) {
        *value += 1;
    }
    fn set_two(dict: &mut Transaction<u32, u32>) {
        dict.set(&1, &1);
        dict.set(&2, &2);
    }
    vec![
        asked("value got", |to| to.dict.get(&1).map(drop)),
        asked("value set", |to| to.dict.set(&1, &1)),
        asked("value updated", |to| to.dict.upsert_with(&1, &0, add, ()).map(drop)),
        asked("transaction", |to| to.dict.transaction(set_two, ())),
        asked("large value pushed and got", |to| {
            to.list.push(&vec![7; LARGE])?;
            to.list.pop().map(drop)
        }),
        asked("put into a queue and got", |to| {
            to.queue.put(&1)?;
            to.queue.get().map(drop)
        }),
        asked("lock taken and given back", |to| to.lock.lock().map(drop)),
        asked("list made and dropped", |to| to.manager.list::<u8>().map(drop)),
        asked("proxy sent and received", sent),
        asked("object made and called", |to| {
            let object = to.manager.create(|| 0_u32, ())?;
            object.call(add, ())
        }),
        asked("semaphore acquired and given back", |to| {
            let semaphore = to.manager.semaphore(1)?;
            semaphore.acquire().map(drop)
        }),
        asked("event set and waited for", |to| {
            let event = to.manager.event()?;
            event.set()?;
            event.wait()
        }),
        asked("published and found", |to| {
            to.manager.publish("name", &to.dict)?;
            to.manager.find::<DictProxy<u32, u32>>("name").map(drop)
        }),
        asked("task put, got, done and joined", |to| {
            let queue = to.manager.joinable_queue(0)?;
            queue.put(&1)?;
            queue.get()?;
            queue.task_done()?;
            queue.join()
        }),
        asked("pool made and asked", |to| {
            let pool = to.manager.pool(1)?;
            // That the task was lost with the server is no news: what it says, the next call tells.
            let _ = pool.apply(|n: u32| n + 1, (1,));
            pool.close()
        }),
        awaited(),
    ]
}

fn sent(to: &Objects) -> Told {
    let sent = match Parcel::encode(&to.dict) {
        Ok(parcel) => parcel.decode::<DictProxy<u32, u32>>(),
        Err(error) => Err(error),
    };
    // That the codec failed is no news: why, the next call tells.
    sent.map_or_else(|_| to.dict.len().map(drop), |dict| dict.len().map(drop))
}

impl Objects {
    fn new() -> Result<Objects, ManagerError> {
        let manager = Manager::start()?;
        Ok(Objects {
            dict: manager.dict()?,
            list: manager.list()?,
            queue: manager.queue(0)?,
            lock: manager.lock()?,
            manager,
        })
    }

    /// Returns when the server is about to be killed.
    fn prepare(&self, notes: &Notes) {
        notes.name_victim(self.manager.pid());
        notes.prepare();
    }

    /// Ends the server. It may be dead already, and then that is known.
    fn end(self) {
        let dict = self.dict.clone();
        self.manager.shutdown();
        assert_lost(dict.len());
    }
}

/// The one error that there may be.
fn assert_lost<T>(told: Result<T, ManagerError>) {
    let error = told.err().expect("a dead server does not answer");
    assert!(error.is_server_lost(), "{error}");
}

/// A request is done, or the error says that the server is gone.
fn asked(name: &str, ask: fn(&Objects) -> Told) -> Operation {
    operation(format!("Manager: {name}, server"), |_| ())
        .parent_of(Role::Server, move |(), notes| {
            let objects = Objects::new().unwrap();
            objects.prepare(notes);
            if let Err(error) = ask(&objects) {
                assert!(error.is_server_lost(), "{error}");
                assert_lost(objects.dict.len());
            }
            objects.end();
        })
        .check(|(), _| Ok(()))
}

/// A thread that waits for the server, and sleeps by now.
fn waiting<T: Send + 'static>(
    wait: impl FnOnce() -> Result<T, ManagerError> + Send + 'static,
) -> JoinHandle<()> {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        sender.send(gettid()).unwrap();
        assert_lost(wait());
    });
    let id: Pid = receiver.recv().unwrap();
    wait_until(|| is_asleep(id));
    thread
}

fn wait_elsewhere(is_there: EventProxy, event: EventProxy) {
    // Whether it hears the answer to this does not matter.
    let _ = is_there.set();
    assert_lost(event.wait());
}

/// All who wait are told, in whatever process; and another server can be started.
fn awaited() -> Operation {
    operation("Manager: many waiting, server", |_| ())
        .parent_of(Role::Server, |(), notes| {
            let objects = Objects::new().unwrap();
            let event = objects.manager.event().unwrap();
            let is_there = objects.manager.event().unwrap();
            let both = (is_there.clone(), event.clone());
            let child: Process<()> = spawn(wait_elsewhere, both).unwrap();
            is_there.wait().unwrap();
            let (queue, dict) = (objects.queue.clone(), objects.dict.clone());
            let threads = [
                waiting(move || queue.get()),
                waiting(move || dict.wait_for(&7)),
                waiting(move || event.wait()),
            ];
            wait_until(|| is_asleep(Pid::from_raw(child.pid() as i32)));
            objects.prepare(notes);
            let _ = objects.dict.set(&1, &1);
            objects.end();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            child.join().unwrap();
            Objects::new().unwrap().end();
        })
        .check(|(), _| Ok(()))
}
