//! Managers that keep objects on disk: what was acknowledged is there in the next server.

use std::fs;
use std::path::PathBuf;

use mp_manager::{DictProxy, ListProxy, Manager, ManagerError, Transaction};

use crate::notes::Notes;
use crate::operation::{Operation, Role, operation};

type Dict = DictProxy<u32, u32>;

pub(super) fn operations() -> Vec<Operation> {
    let kept = operation("Manager: kept values changed, server", |_| Place::new())
        .parent_of(Role::Server, |place, notes| change_and_look(place, notes))
        .check(|_, _| Ok(()));
    vec![kept]
}

/// Where the objects are kept; the files go with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        Place(std::env::temp_dir().join(format!("mp-killed-{}", std::process::id())))
    }

    fn open(&self) -> (Manager, Dict, ListProxy<u32>) {
        let manager = Manager::builder().persist(&self.0).start().unwrap();
        let (dict, list) = (manager.durable_dict("dict"), manager.durable_list("list"));
        (manager, dict.unwrap(), list.unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for end in ["", "-shm", "-wal"] {
            let mut file = self.0.clone().into_os_string();
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

/// Makes three changes one after the other, as far as the server lives, and looks at them in another.
fn change_and_look(place: &Place, notes: &Notes) {
    let (manager, dict, list) = place.open();
    notes.name_victim(manager.pid());
    notes.prepare();
    let changes: [&dyn Fn() -> Result<(), ManagerError>; 3] =
        [&|| dict.upsert_with(&1, &0, add_one, ()).map(drop), &|| list.push(&1), &|| {
            dict.transaction(set_both, ())
        }];
    let acknowledged = changes.iter().take_while(|change| match change() {
        Ok(()) => true,
        Err(error) => {
            assert!(error.is_server_lost(), "{error}");
            false
        }
    });
    let acknowledged = acknowledged.count();
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
