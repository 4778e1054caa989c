//! Names: an object is there as a whole or not at all, and never under another name.

use std::fs;

use mp_shm::{Array, RawArray, RawValue, ShareableList, SharedMemory, Value};
use mp_sync::{Barrier, Condition, Event, Lock, LockError, RLock, RwLock, Semaphore};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};

/// The name, and how to use what has it.
struct Named {
    name: String,
    kind: Kind,
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
        Named { name: format!("killed-{}", std::process::id()), kind }
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
        let own = std::process::id().to_string();
        let victim = notes.victim().to_string();
        let is_ours = |name: &str| {
            name.split(|c: char| !c.is_alphanumeric()).any(|word| word == own || word == victim)
        };
        let names = fs::read_dir("/dev/shm").unwrap().flatten().map(|entry| entry.file_name());
        let mut names = names.filter_map(|name| name.into_string().ok());
        match names.find(|name| is_ours(name)) {
            Some(name) => Err(format!("{name} is left over")),
            None => Ok(()),
        }
    }
}

macro_rules! kind {
    ($object:ident, ($($arguments:expr)?), $use:expr) => {
        Kind {
            open_or_create: Some(|name| {
                in_order($object::open_or_create(name $(, $arguments)?))
            }),
            ..kind!(($object), "mp.", ($($arguments)?), $use)
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

fn kinds() -> [Kind; 13] {
    [
        kind!(Lock, (), |lock| drop(lock.lock().or_else(LockError::recover).unwrap())),
        kind!(RLock, (), |lock| drop(lock.lock().or_else(LockError::recover).unwrap())),
        kind!(RwLock, (), |lock| drop(lock.write().or_else(LockError::recover).unwrap())),
        kind!(Semaphore, (2), |semaphore| assert_eq!(semaphore.available(), 2)),
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
    kinds().into_iter().flat_map(made).collect()
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
