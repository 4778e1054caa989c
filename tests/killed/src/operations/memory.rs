//! [`Value`], [`Array`], [`ArrayPart`], [`RawValue`]: no change is lost or torn, and nobody told.

use std::sync::atomic::Ordering::SeqCst;

use mp_shm::{AccessError, Array, ArrayPart, LockError, RawValue, Value};

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};
use crate::partner::Partner;

/// What a victim [reaches](Notes::reach) when it has claimed a part.
const CLAIMED: u32 = 1;
/// And before it gives the part back.
const WRITTEN: u32 = 2;

type Pair = Value<[u64; 2]>;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = values();
    all.extend(arrays());
    all.extend(parts());
    all
}

fn pair() -> Pair {
    Value::new([0; 2]).unwrap()
}

fn values() -> Vec<Operation> {
    let raw = operation("RawValue: added to", |_| RawValue::new(7_u64).unwrap())
        .victim(|value, _| {
            Notes::mark();
            value.fetch_add(1, SeqCst);
        })
        .check(|value, notes| {
            let now = value.get();
            ensure!(now == 8 || (now == 7 && !notes.is_finished()), "it is {now}");
            Ok(())
        });
    vec![
        changed("Value: set", |value| value.set([1, 1])),
        changed("Value: updated", |value| value.update(|[a, b]| [a + 1, b + 1]).map(drop)),
        changed("Value: written under its lock", |value| {
            let mut guard = value.lock().unwrap();
            guard[0] = 1;
            guard[1] = 1;
            Ok(())
        }),
        updated_after_another(),
        raw,
    ]
}

/// The one change is there or not, or half there and told.
fn judge(value: &Pair, notes: &Notes) -> Verdict {
    let (found, is_told) = match value.lock() {
        Ok(guard) => (*guard, false),
        Err(LockError::OwnerDied(died)) => (*died.recover(), true),
        Err(error) => return Err(error.to_string()),
    };
    ensure!(is_told || found[0] == found[1], "{found:?}, and nobody died");
    let is_done = found == [1, 1] && !is_told;
    ensure!(is_done || !notes.is_finished(), "{found:?} after all was done");
    ensure!(found.iter().all(|&half| half <= 1), "{found:?}: done twice");
    value.get().map(drop).map_err(|error| error.to_string())
}

fn changed(name: &str, change: fn(&Pair) -> Result<(), AccessError>) -> Operation {
    operation(name, |_| pair())
        .victim(move |value, _| {
            let _ = pair().get();
            Notes::mark();
            change(value).unwrap();
        })
        .check(|value, notes| judge(value, notes))
}

fn updated_after_another() -> Operation {
    let held = |_: &Notes| {
        let value = pair();
        let partner = Partner::holding(|inside| {
            let _guard = value.lock().unwrap();
            inside();
        });
        (value, partner)
    };
    operation("Value: updated after another process", held)
        .victim(|(value, _), _| {
            let _ = pair().get();
            Notes::mark();
            value.update(|[a, b]| [a + 1, b + 1]).unwrap();
        })
        .assist(|(_, partner), _| partner.go())
        .check(|(value, partner), notes| {
            partner.join()?;
            judge(value, notes)
        })
}

fn arrays() -> Vec<Operation> {
    let judge = |array: &mut Array<u32>, notes: &Notes| {
        let (found, is_told) = match array.lock() {
            Ok(guard) => (guard.to_vec(), false),
            Err(LockError::OwnerDied(died)) => (died.recover().to_vec(), true),
            Err(error) => return Err(error.to_string()),
        };
        let is_whole = found.iter().all(|&element| element == found[0]);
        ensure!(is_told || is_whole, "{found:?}, and nobody died");
        ensure!(found[0] == 1 || !notes.is_finished(), "{found:?} after all was done");
        array.to_vec().map(drop).map_err(|error| error.to_string())
    };
    let written = operation("Array: filled under its lock", |_| Array::zeroed(8).unwrap())
        .victim(|array, _| {
            let _ = pair().get();
            Notes::mark();
            array.lock().unwrap().fill(1);
        })
        .check(judge);
    let set = operation("Array: one element set", |_| Array::zeroed(1).unwrap())
        .victim(|array, _| {
            let _ = pair().get();
            Notes::mark();
            array.set(0, 1).unwrap();
        })
        .check(judge);
    vec![written, set]
}

struct Shared {
    part: ArrayPart<u32>,
    partner: Option<Partner>,
}

impl Shared {
    fn new() -> Shared {
        Shared { part: Array::zeroed(8).unwrap().part(2..6), partner: None }
    }

    /// One of which another process has some elements.
    fn held() -> Shared {
        let mut shared = Shared::new();
        let other = shared.part.array().part(4..8);
        shared.partner = Some(Partner::holding(|inside| {
            let _guard = other.claim().unwrap();
            inside();
        }));
        shared
    }

    /// One of which another process waits for some elements, or for all, if it is told to.
    fn awaited(notes: &Notes, for_all: bool) -> Shared {
        let mut shared = Shared::new();
        let wait = || {
            let found = if for_all {
                shared.part.array().lock().err().map(|error| error.to_string())
            } else {
                shared.part.array().part(0..3).claim().err().map(|error| error.to_string())
            };
            ensure!(found.is_none() || !notes.is_finished(), "{found:?} after the end");
            Ok(())
        };
        shared.partner = Some(Partner::waiting(wait));
        shared
    }

    fn write(&self, notes: &Notes) {
        let mut guard = self.part.claim().unwrap();
        notes.reach(CLAIMED);
        guard.fill(1);
        notes.reach(WRITTEN);
    }

    /// A death within the part is told, and all can be had after a recovery.
    fn check(&mut self, notes: &Notes) -> Verdict {
        self.partner.take().map_or(Ok(()), |partner| partner.join())?;
        let array = self.part.array();
        let (found, is_told) = match array.lock() {
            Ok(guard) => (guard[2..6].to_vec(), false),
            Err(LockError::OwnerDied(died)) => (died.recover()[2..6].to_vec(), true),
            Err(error) => return Err(error.to_string()),
        };
        let is_whole = found.iter().all(|&element| element == found[0]);
        ensure!(is_told || is_whole, "{found:?}, and nobody died");
        ensure!(is_told || notes.reached() != CLAIMED, "it died with a part, and nobody is told");
        ensure!(!is_told || !notes.is_finished(), "told of a death after the end");
        let all = array.part(0..8);
        let again = all.claim();
        ensure!(again.is_ok(), "after a recovery it cannot be claimed: {:?}", again.err());
        Ok(())
    }
}

fn parts() -> Vec<Operation> {
    let free = operation("ArrayPart: claimed and given back", |_| Shared::new())
        .victim(|shared, notes| {
            drop(Shared::new().part.claim());
            Notes::mark();
            shared.write(notes);
        })
        .check(Shared::check);
    let held = operation("ArrayPart: claimed after another process", |_| Shared::held())
        .victim(|shared, notes| {
            drop(Shared::new().part.claim());
            Notes::mark();
            shared.write(notes);
        })
        .assist(|shared, _| shared.partner.iter().for_each(Partner::go))
        .check(Shared::check);
    let awaited = |name: &str, for_all| {
        operation(name, move |notes| Shared::awaited(notes, for_all))
            .victim(|shared, _| {
                let guard = shared.part.claim().unwrap();
                shared.partner.iter().for_each(Partner::let_wait);
                Notes::mark();
                drop(guard);
            })
            .check(Shared::check)
    };
    vec![
        free,
        held,
        awaited("ArrayPart: given back to one who waits for a part", false),
        awaited("ArrayPart: given back to one who waits for the array", true),
    ]
}
