//! [`Value`], [`Array`], [`RawValue`], [`ShareableList`]: no change is lost, or torn and nobody told.

use std::sync::atomic::Ordering::SeqCst;

use mp_shm::{AccessError, Array, Item, LockError, RawArray, RawValue, ShareableList, Value};
use mp_sync::Lock;

use crate::notes::Notes;
use crate::operation::{Operation, Verdict, ensure, operation};
use crate::partner::Partner;

type Pair = Value<[u64; 2]>;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = values();
    all.extend(arrays());
    all.push(item_set());
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
        changed_together(),
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

/// Two under one lock, of which the second is changed if the first is, or all are told.
fn changed_together() -> Operation {
    let two = |_: &Notes| {
        let lock = Lock::new().unwrap();
        let [one, other] = [(); 2].map(|()| Value::with_lock(0_u32, &lock).unwrap());
        (lock, one, other)
    };
    operation("Value: two changed under one lock", two)
        .victim(|(lock, one, other), _| {
            let _ = pair().get();
            Notes::mark();
            let mut guard = lock.lock().unwrap();
            *one.borrow_mut(&mut guard).unwrap() = 1;
            *other.borrow_mut(&mut guard).unwrap() = 1;
        })
        .check(|(_, one, other), notes| {
            let is_told = match one.lock() {
                Ok(_) => false,
                Err(LockError::OwnerDied(died)) => {
                    drop(died.recover());
                    true
                }
                Err(error) => return Err(error.to_string()),
            };
            let found = [one, other].map(|value| value.get().map_err(|error| error.to_string()));
            let [one, other] = found;
            let (one, other) = (one?, other?);
            ensure!(is_told || one == other, "{one} and {other}, and nobody died");
            let is_done = (one, other) == (1, 1) && !is_told;
            ensure!(is_done || !notes.is_finished(), "{one} and {other} after all was done");
            Ok(())
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
    let raw =
        operation("RawArray: one element added to", |_| RawArray::from_slice(&[7_u32; 3]).unwrap())
            .victim(|array, _| {
                Notes::mark();
                array.fetch_add(1, 1, SeqCst).unwrap();
            })
            .check(|array, notes| {
                let now = array.to_vec();
                ensure!(
                    now == [7, 8, 7] || (now == [7; 3] && !notes.is_finished()),
                    "it is {now:?}"
                );
                Ok(())
            });
    vec![written, set, raw]
}

/// An item has no lock, and may be torn; but its neighbours are whole, and it can be set again.
fn item_set() -> Operation {
    let list = |_: &Notes| ShareableList::new(["zero", "one", "two"]).unwrap();
    operation("ShareableList: item set", list)
        .victim(|list, _| {
            Notes::mark();
            list.set(1, "1").unwrap();
        })
        .check(|list, notes| {
            let found = |index| list.get(index).map_err(|error| error.to_string());
            let around = [found(0)?, found(2)?];
            ensure!(around == ["zero", "two"].map(Item::from), "around it is {around:?}");
            ensure!(!notes.is_finished() || found(1)? == Item::from("1"), "it is {:?}", found(1));
            list.set(1, "uno").map_err(|error| error.to_string())?;
            ensure!(found(1)? == Item::from("uno"), "set again, it is {:?}", found(1));
            Ok(())
        })
}
