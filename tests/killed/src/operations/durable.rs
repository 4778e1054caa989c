//! Managers that keep objects on disk: what was acknowledged is there in the next server.

use std::fs;
use std::path::PathBuf;

use mp_handle::Parcel;
use mp_manager::{DictProxy, Durability, ListProxy, Manager, ManagerError, Transaction};

use super::served::{at_most_once, told};
use crate::notes::Notes;
use crate::operation::{Operation, Role, Verdict, ensure, operation};

type Dict = DictProxy<u32, u32>;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        changed("kept values changed", Durability::Kill),
        changed("values kept for a loss of power changed", Durability::PowerLoss),
        made_and_forgotten(),
        set_by_client(),
    ]
}

/// Where the objects are kept; the files go with it.
struct Place {
    path: PathBuf,
    durability: Durability,
}

impl Place {
    fn new(durability: Durability) -> Place {
        let path = std::env::temp_dir().join(format!("mp-killed-{}", std::process::id()));
        Place { path, durability }
    }

    fn start(&self) -> Manager {
        Manager::builder().persist_with(&self.path, self.durability).start().unwrap()
    }

    fn open(&self) -> (Manager, Dict, ListProxy<u32>) {
        let manager = self.start();
        let (dict, list) = (manager.durable_dict("dict"), manager.durable_list("list"));
        (manager, dict.unwrap(), list.unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for end in ["", "-shm", "-wal"] {
            let mut file = self.path.clone().into_os_string();
            file.push(end);
            // Not all of them are there in the end.
            let _ = fs::remove_file(file);
        }
    }
}

fn add_one(value: &mut u32) {
    *value += 1;
}

fn set_both(dict: &mut Transaction<u32, u32>) {
    dict.set(&2, &1);
    dict.set(&3, &1);
}

/// Does one after the other as far as the server lives; returns how many were acknowledged.
fn acknowledged(calls: &[&dyn Fn() -> Result<(), ManagerError>]) -> usize {
    let is_done = |call: &&&dyn Fn() -> Result<(), ManagerError>| match call() {
        Ok(()) => true,
        Err(error) => {
            assert!(error.is_server_lost(), "{error}");
            false
        }
    };
    calls.iter().take_while(is_done).count()
}

fn changed(name: &str, durability: Durability) -> Operation {
    operation(format!("Manager: {name}, server"), move |_| Place::new(durability))
        .parent_of(Role::Server, |place, notes| change_and_look(place, notes))
        .check(|_, _| Ok(()))
}

/// Makes three changes one after the other, as far as the server lives, and looks at them in another.
fn change_and_look(place: &Place, notes: &Notes) {
    let (manager, dict, list) = place.open();
    notes.name_victim(manager.pid());
    notes.prepare();
    let acknowledged = acknowledged(&[
        &|| dict.upsert_with(&1, &0, add_one, ()).map(drop),
        &|| list.push(&1),
        &|| dict.transaction(set_both, ()),
    ]);
    manager.shutdown();

    let (manager, dict, list) = place.open();
    let both = dict.get_many([2, 3]).unwrap();
    assert!(both == [None; 2] || both == [Some(1); 2], "half of a transaction: {both:?}");
    let found =
        [dict.get(&1).unwrap() == Some(1), list.snapshot().unwrap() == [1], both == [Some(1); 2]];
    let count = found.iter().take_while(|&&is_there| is_there).count();
    assert!(
        (acknowledged..=acknowledged + 1).contains(&count) && !found[count..].contains(&true),
        "{acknowledged} changes were acknowledged, and of all {found:?} are there"
    );
    manager.shutdown();
}

/// One that is made is there, with what it has, until it is forgotten.
fn made_and_forgotten() -> Operation {
    operation("Manager: kept dict made and forgotten, server", |_| Place::new(Durability::Kill))
        .parent_of(Role::Server, |place, notes| {
            let manager = place.start();
            notes.name_victim(manager.pid());
            notes.prepare();
            let acknowledged = acknowledged(&[
                &|| manager.durable_dict::<u32, u32>("new").and_then(|dict| dict.set(&1, &1)),
                &|| manager.forget_durable("new").map(drop),
            ]);
            manager.shutdown();

            let manager = place.start();
            let names = manager.durable_names().unwrap();
            let is_there = names == ["new"];
            assert!(is_there || names.is_empty(), "kept are {names:?}");
            assert!(!is_there || acknowledged < 2, "what was forgotten is there");
            let dict: Dict = manager.durable_dict("new").unwrap();
            let value = dict.get(&1).unwrap();
            assert!(value.is_none() || (value == Some(1) && is_there), "{value:?} of nobody");
            assert!(acknowledged != 1 || !is_there || value == Some(1), "what was kept is lost");
            manager.shutdown();
        })
        .check(|_, _| Ok(()))
}

/// What a client sets, and what the next server finds.
struct Kept {
    place: Place,
    server: Option<(Manager, Dict)>,
    /// On its way to the victim, which has a connection of its own.
    sent: Option<Parcel>,
}

impl Kept {
    fn new() -> Kept {
        let place = Place::new(Durability::Kill);
        let (manager, dict, _) = place.open();
        let sent = Some(Parcel::encode(&dict).unwrap());
        Kept { place, server: Some((manager, dict)), sent }
    }

    /// It is done once or not at all, and the next server knows no better.
    fn check(&mut self, notes: &Notes) -> Verdict {
        let (manager, dict) = self.server.take().expect("there is one check");
        let found = told(dict.get(&1))?;
        at_most_once(found.unwrap_or_default(), notes)?;
        manager.shutdown();
        let (manager, dict, _) = self.place.open();
        let kept = told(dict.get(&1))?;
        manager.shutdown();
        ensure!(kept == found || found.is_none(), "seen was {found:?}, and kept is {kept:?}");
        ensure!(kept.is_none_or(|value| value == 1), "kept is {kept:?}");
        Ok(())
    }
}

fn set_by_client() -> Operation {
    operation("Manager: kept value set, client", |_| Kept::new())
        .victim(|kept, _| {
            let dict: Dict = kept.sent.take().expect("there is one victim").decode().unwrap();
            assert_eq!(dict.len().unwrap(), 0);
            Notes::mark();
            dict.set(&1, &1).unwrap();
            std::mem::forget(dict);
        })
        .check(Kept::check)
}
