//! Names: an object is there as a whole or not at all, and never under another name.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use mp_shm::{Array, RawArray, RawValue, ShareableList, SharedArray, SharedMemory, Value};
use mp_sync::{
    Barrier, BoundedSemaphore, Condition, Event, Lock, LockError, RLock, RwLock, Semaphore,
    SystemSemaphore,
};
use ndarray::Ix2;

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};

/// How long others may be at making what has no name yet.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often one who waits for a name to vanish looks.
const LOOK: Duration = Duration::from_millis(1);

/// The name, and how to use what has it.
struct Named {
    name: String,
    kind: Kind,
    /// What had names before, of whomever.
    before: Vec<String>,
}

#[derive(Clone, Copy)]
struct Kind {
    what: &'static str,
    /// What the name of the file begins with.
    prefix: &'static str,
    create: fn(&str) -> Verdict,
    open_or_create: Option<fn(&str) -> Verdict>,
    /// Opens and uses it.
    open: fn(&str) -> Verdict,
    unlink: fn(&str) -> Verdict,
}

impl Named {
    fn new(kind: Kind) -> Named {
        Named { name: format!("killed-{}", std::process::id()), kind, before: names() }
    }

    fn created(kind: Kind) -> Named {
        let named = Named::new(kind);
        (kind.create)(&named.name).unwrap();
        named
    }

    fn exists(&self) -> bool {
        fs::exists(format!("/dev/shm/{}{}", self.kind.prefix, self.name)).unwrap()
    }

    /// What has the name can be used, and the name is free after it is unlinked.
    fn check(&mut self, notes: &Notes, is_there_at_last: bool) -> Verdict {
        let is_as_told = !notes.is_finished() || self.exists() == is_there_at_last;
        ensure!(is_as_told, "what was acknowledged is undone");
        let Kind { open, create, unlink, .. } = self.kind;
        if self.exists() {
            open(&self.name)?;
            unlink(&self.name)?;
        }
        create(&self.name)?;
        unlink(&self.name)?;
        let [own, victim] = [std::process::id(), notes.victim()].map(|pid| pid.to_string());
        let is_ours = |name: &str| {
            let mut words = name.split(|c: char| !c.is_alphanumeric());
            words.any(|word| word == own || word == victim) || is_draft(name)
        };
        let end = Instant::now() + PATIENCE;
        // Drafts of others, who live, are there for a moment.
        while let Some(name) =
            names().iter().find(|name| is_ours(name) && !self.before.contains(name))
        {
            ensure!(Instant::now() < end, "{name} is left over");
            thread::sleep(LOOK);
        }
        Ok(())
    }
}

fn names() -> Vec<String> {
    let names = fs::read_dir("/dev/shm").unwrap().flatten().map(|entry| entry.file_name());
    names.filter_map(|name| name.into_string().ok()).collect()
}

/// Tells whether it is what the C library calls a semaphore that has no name yet.
fn is_draft(name: &str) -> bool {
    let is_random = |name: &str| name.len() == 6 && name.chars().all(char::is_alphanumeric);
    name.strip_prefix("sem.").is_some_and(is_random)
}

macro_rules! kind {
    ($object:ident, ($($arguments:expr)?), $use:expr) => {
        kind!($object, "mp.", ($($arguments)?), $use)
    };
    ($object:ident, $prefix:expr, ($($arguments:expr)?), $use:expr) => {
        Kind {
            open_or_create: Some(|name| {
                in_order($object::open_or_create(name $(, $arguments)?))
            }),
            ..kind!(($object), $prefix, ($($arguments)?), $use)
        }
    };
    (($object:ty), $prefix:expr, ($($arguments:expr)?), $use:expr) => {
        Kind {
            what: stringify!($object),
            prefix: $prefix,
            create: |name| in_order(<$object>::create(name $(, $arguments)?)),
            open_or_create: None,
            open: |name| {
                let object = <$object>::open(name).map_err(|error| error.to_string())?;
                let used: fn(&$object) = $use;
                used(&object);
                Ok(())
            },
            unlink: |name| in_order(<$object>::unlink(name)),
        }
    };
}

fn in_order<T, E: ToString>(done: Result<T, E>) -> Verdict {
    done.map(drop).map_err(|error| error.to_string())
}

fn kinds() -> [Kind; 16] {
    [
        kind!(Lock, (), |lock| drop(lock.lock().or_else(LockError::recover).unwrap())),
        kind!(RLock, (), |lock| drop(lock.lock().or_else(LockError::recover).unwrap())),
        kind!(RwLock, (), |lock| drop(lock.write().or_else(LockError::recover).unwrap())),
        kind!(Semaphore, (2), |semaphore| assert_eq!(semaphore.available(), 2)),
        kind!(BoundedSemaphore, (2), |semaphore| assert_eq!(semaphore.limit(), 2)),
        kind!(SystemSemaphore, "sem.", (2), |semaphore| assert_eq!(semaphore.available(), 2)),
        kind!(Condition, (), |condition| condition.notify_all()),
        kind!(Event, (), |event| event.set()),
        kind!(Barrier, (3), |barrier| assert_eq!(barrier.parties(), 3)),
        kind!((Value<u64>), "mp.", (7), |value| {
            assert_eq!(*value.lock().or_else(LockError::recover).unwrap(), 7);
        }),
        kind!((Array<u32>), "mp.", (&[7; 9]), |array| {
            assert_eq!(*array.lock().or_else(LockError::recover).unwrap(), [7; 9]);
        }),
        kind!((RawValue<u64>), "mp.", (7), |value| assert_eq!(value.get(), 7)),
        kind!((RawArray<u32>), "mp.", (&[7; 9]), |array| assert_eq!(array.to_vec(), [7; 9])),
        kind!((SharedArray<u32, Ix2>), "mp.", ((2, 3)), |matrix| {
            assert_eq!(matrix.lock().or_else(LockError::recover).unwrap().view().dim(), (2, 3));
        }),
        kind!((SharedMemory), "", (9), |memory| assert_eq!(memory.size(), 9)),
        kind!((ShareableList), "", ([7; 9]), |list| assert_eq!(list.count(7).unwrap(), 9)),
    ]
}

pub(super) fn operations() -> Vec<Operation> {
    let made = |kind: Kind| {
        let any = kind.open_or_create;
        let mut all = vec![act(kind, "created", Named::new, kind.create, true)];
        all.extend(any.map(|any| act(kind, "opened or created", Named::new, any, true)));
        all.push(act(kind, "opened", Named::created, kind.open, true));
        all.push(act(kind, "unlinked", Named::created, kind.unlink, false));
        all
    };
    let mut all: Vec<_> = kinds().into_iter().flat_map(made).collect();
    all.push(act(filled_memory(), "created with bytes", Named::new, create_filled, true));
    all
}

fn create_filled(name: &str) -> Verdict {
    in_order(SharedMemory::create_from(name, &[7; 9]))
}

/// Memory that has its bytes as soon as it has a name.
fn filled_memory() -> Kind {
    Kind {
        create: create_filled,
        ..kind!((SharedMemory), "", (9), |memory| {
            let mut bytes = [0; 9];
            memory.read(0, &mut bytes).unwrap();
            assert_eq!(bytes, [7; 9]);
        })
    }
}

fn act(
    kind: Kind,
    what: &str,
    set_up: fn(Kind) -> Named,
    act: fn(&str) -> Verdict,
    is_there_at_last: bool,
) -> Operation {
    let name = kind.what.split('<').next().unwrap_or_default();
    operation(format!("{name}, named: {what}"), move |_| set_up(kind))
        .victim(move |named, _| {
            Notes::mark();
            act(&named.name).unwrap();
        })
        .check(move |named, notes| named.check(notes, is_there_at_last))
}
