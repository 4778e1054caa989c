//! [`Served`]: an object on a manager's server, which victim and survivors have proxies of.

use std::cell::Cell;
use std::mem;

use mp_handle::Parcel;
use mp_manager::{Manager, ManagerError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::notes::Notes;
use crate::operation::{Script, Verdict, ensure, operation};
use crate::partner::{Partner, wait_until};

/// A server of its own for each performance, and one object on it.
pub(super) struct Served<P> {
    pub(super) manager: Manager,
    /// The survivor's.
    proxy: Option<P>,
    /// On its way to the victim, which has a connection of its own.
    sent: Option<Parcel>,
    pub(super) partner: Option<Partner>,
    /// What the victim waits for was done.
    is_assisted: Cell<bool>,
}

impl<P: Serialize + DeserializeOwned> Served<P> {
    pub(super) fn new(make: impl Fn(&Manager) -> Result<P, ManagerError>) -> Served<P> {
        let manager = Manager::start().unwrap();
        let proxy = make(&manager).unwrap();
        let sent = Parcel::encode(&(&manager, &proxy)).unwrap();
        let (partner, is_assisted) = (None, Cell::new(false));
        Served { manager, proxy: Some(proxy), sent: Some(sent), partner, is_assisted }
    }

    /// As [`new`](Self::new), with a partner within `hold`.
    pub(super) fn held(
        make: impl Fn(&Manager) -> Result<P, ManagerError>,
        hold: impl Fn(&P, &mut dyn FnMut()),
    ) -> Served<P> {
        let mut served = Served::new(make);
        let sent = Parcel::encode(served.proxy()).unwrap();
        served.partner = Some(Partner::holding(|inside| hold(&sent.decode().unwrap(), inside)));
        served
    }

    pub(super) fn proxy(&self) -> &P {
        self.proxy.as_ref().expect("it is there up to the end of the check")
    }

    /// Connects the victim.
    pub(super) fn enter(&mut self) -> (Manager, P) {
        self.sent.take().expect("there is one victim").decode().unwrap()
    }

    /// Does what the victim waits for, once.
    pub(super) fn once(&self, assist: impl FnOnce(&P)) {
        if !self.is_assisted.replace(true) {
            assist(self.proxy());
        }
    }

    /// Checks what the victim has left, and that nothing of it, nor of the object, stays.
    pub(super) fn check(
        &mut self,
        check: impl FnOnce(&P, &Manager) -> Result<(), String>,
    ) -> Verdict {
        self.partner.take().map_or(Ok(()), |partner| partner.join())?;
        self.wait_for_objects(1);
        check(self.proxy(), &self.manager)?;
        drop((self.proxy.take(), self.sent.take()));
        self.wait_for_objects(0);
        Ok(())
    }

    /// Waits until the server has so many; the victim had one of its own.
    fn wait_for_objects(&self, count: usize) {
        wait_until(|| self.manager.objects().unwrap().len() == count);
    }
}

/// An operation of a client; `act` is what is stepped through.
pub(super) fn client<P: Serialize + DeserializeOwned + 'static>(
    name: &str,
    set_up: impl Fn() -> Served<P> + 'static,
    act: impl Fn(&Manager, &P, &Notes) + 'static,
) -> Script<Served<P>> {
    operation(format!("Manager: {name}, client"), move |_| set_up()).victim(move |served, notes| {
        let (manager, proxy) = served.enter();
        // Its end tells that the server knows of the victim's.
        mem::forget(manager.list::<u8>().unwrap());
        Notes::mark();
        act(&manager, &proxy, notes);
        mem::forget((manager, proxy));
    })
}

/// What was to be done once is done once or, if it was not acknowledged, not at all.
pub(super) fn at_most_once(found: u32, notes: &Notes) -> Verdict {
    ensure!(found <= 1, "done {found} times");
    ensure!(found == 1 || !notes.is_finished(), "what was acknowledged is not done");
    Ok(())
}

/// Says in words what went wrong with a survivor's own call.
pub(super) fn told<T>(result: Result<T, ManagerError>) -> Result<T, String> {
    result.map_err(|error| format!("a survivor is told: {error}"))
}
