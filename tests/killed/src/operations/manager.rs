//! Managers: a client that is killed has done what it was told is done, and leaves nothing.

use mp_handle::Parcel;
use mp_manager::{DictProxy, ListProxy, Manager, ManagerError, Transaction};

use super::served::{Served, at_most_once, client, told};
use crate::notes::Notes;
use crate::operation::{Operation, ensure, operation};

/// More than a ring holds.
const LARGE: usize = 300_000;

pub(super) fn operations() -> Vec<Operation> {
    let mut all = dicts();
    all.extend([large(), entered(), pushed(), created(), sent_on()]);
    all
}

type Dict = DictProxy<u32, u32>;

fn dict(manager: &Manager) -> Result<Dict, ManagerError> {
    let dict = manager.dict()?;
    dict.extend([(1, 0), (2, 0)])?;
    Ok(dict)
}

fn add_one(value: &mut u32) {
    *value += 1;
}

/// Adds one to both values.
fn add_to_both(dict: &mut Transaction<u32, u32>) {
    for key in [1, 2] {
        let value = dict.get(&key).unwrap_or(0);
        dict.set(&key, &(value + 1));
    }
}

fn dicts() -> Vec<Operation> {
    fn changed(name: &str, change: fn(&Dict) -> Result<(), ManagerError>) -> Operation {
        let act = move |_: &Manager, dict: &Dict, _: &Notes| change(dict).unwrap();
        let script = client(name, || Served::new(dict), act);
        script.check(|served, notes| {
            served.check(|dict, _| {
                let both = told(dict.get_many([1, 2]))?;
                let is_one = both == [Some(1), Some(0)] || both == [Some(1); 2];
                ensure!(is_one || both == [Some(0); 2], "the values are {both:?}");
                at_most_once(u32::from(is_one), notes)
            })
        })
    }
    let got = client(
        "value got",
        || Served::new(dict),
        |_, dict, _| {
            assert_eq!(dict.get(&1).unwrap(), Some(0));
        },
    );
    let got = got.check(|served, _| served.check(|dict, _| told(dict.get(&1)).map(drop)));
    let both = client(
        "transaction",
        || Served::new(dict),
        |_, dict, _| {
            dict.transaction(add_to_both, ()).unwrap();
        },
    );
    let both = both.check(|served, notes| {
        served.check(|dict, _| {
            let both = told(dict.get_many([1, 2]))?;
            ensure!(both[0] == both[1], "half of a transaction: {both:?}");
            at_most_once(both[0].unwrap_or(9), notes)
        })
    });
    vec![
        got,
        changed("value set", |dict| dict.set(&1, &1)),
        changed("value updated", |dict| dict.update_with(&1, add_one, ()).map(drop)),
        changed("value compared and set", |dict| {
            dict.compare_and_set(&1, Some(&0), Some(&1)).map(drop)
        }),
        both,
    ]
}

fn large() -> Operation {
    let make = |manager: &Manager| manager.dict::<u32, Vec<u8>>();
    let script = client(
        "large value set",
        move || Served::new(make),
        |_, dict, _| {
            dict.set(&1, &vec![7; LARGE]).unwrap();
        },
    );
    script.check(|served, notes| {
        served.check(|dict, _| {
            let found = told(dict.get(&1))?;
            ensure!(found.as_ref().is_none_or(|value| *value == [7; LARGE]), "a value is torn");
            at_most_once(found.map_or(0, |_| 1), notes)
        })
    })
}

/// The whole of a connection.
fn entered() -> Operation {
    let script = operation("Manager: entered, client", |_| Served::new(dict));
    script
        .victim(|served, _| {
            Notes::mark();
            let (manager, dict) = served.enter();
            assert_eq!(dict.get(&1).unwrap(), Some(0));
            std::mem::forget((manager, dict));
        })
        .check(|served, _| served.check(|dict, _| told(dict.get(&1)).map(drop)))
}

type List = ListProxy<u32>;

fn list(manager: &Manager) -> Result<List, ManagerError> {
    manager.list()
}

fn pushed() -> Operation {
    let push = |_: &Manager, list: &List, _: &Notes| list.push(&1).unwrap();
    client("pushed to a list", || Served::new(list), push).check(|served, notes| {
        served.check(|list, _| {
            let found = told(list.snapshot())?;
            ensure!(found.iter().all(|&n| n == 1), "the list is {found:?}");
            at_most_once(found.len() as u32, notes)
        })
    })
}

/// Of what a victim made nothing is left; see [`Served::check`].
fn created() -> Operation {
    let act = |manager: &Manager, _: &List, _: &Notes| {
        let own = manager.list().unwrap();
        own.push(&1).unwrap();
        drop(own);
    };
    let script = client("list made and dropped", || Served::new(list), act);
    script.check(|served, _| served.check(|list, _| told(list.push(&2))))
}

/// Nor of a proxy on its way to somebody else, and in another object.
fn sent_on() -> Operation {
    type Outer = ListProxy<List>;
    let act = |manager: &Manager, outer: &Outer, _: &Notes| {
        let own = manager.list().unwrap();
        Parcel::encode(&own).unwrap().decode::<List>().unwrap();
        outer.push(&own).unwrap();
        outer.pop().unwrap();
    };
    let make = |manager: &Manager| manager.list::<List>();
    let script = client("proxy sent and received", move || Served::new(make), act);
    script.check(|served, _| {
        served.proxy().clear().unwrap();
        served.check(|outer, _| told(outer.len()).map(drop))
    })
}
