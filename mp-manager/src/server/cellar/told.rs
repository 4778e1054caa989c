//! What is kept, under which name, and the answers that wait for it.

use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;

use super::store::{Keep, Row, Store};
use crate::error::Refusal;
use crate::objects::{Aide, Kind, Object, Reply, Ticket};
use crate::server::desk::reply_with;
use crate::server::roster::Hold;
use crate::server::state::{Entry, State};
use crate::wire::{ObjectId, Put, Reader, op};

/// How long a name may be.
const LENGTH: usize = 4096;

type Answered = (Ticket, Result<Reply, Refusal>);

/// The objects that are kept, if the server keeps any.
#[derive(Default)]
pub(in crate::server) struct Cellar {
    shelf: Option<Shelf>,
}

struct Shelf {
    store: Store,
    /// What kept objects need of the server.
    aide: Arc<Aide>,
    /// The numbers of the objects in the store.
    numbers: HashMap<ObjectId, i64>,
    /// The references that keep them in memory.
    names: BTreeMap<String, (Hold, Kind)>,
    /// Answers that wait until what they tell is kept.
    held: Vec<Answered>,
    /// Something was changed that is not kept yet.
    is_dirty: bool,
    /// Why nothing is kept any more. What is in memory is then ahead of the store, and not shown.
    failure: Option<String>,
}

impl Cellar {
    /// What an object needs of the server, if it is a kept one.
    #[inline]
    pub(in crate::server) fn aide(&self, id: ObjectId) -> Result<Option<&Arc<Aide>>, Refusal> {
        let Some(shelf) = &self.shelf else { return Ok(None) };
        if !shelf.numbers.contains_key(&id) {
            return Ok(None);
        }
        match &shelf.failure {
            None => Ok(Some(&shelf.aide)),
            Some(reason) => Err(Refusal::NotKept(reason.clone())),
        }
    }

    /// Writes down what was changed in an object, if it is a kept one.
    #[inline]
    pub(in crate::server) fn note(&mut self, id: ObjectId, object: &mut dyn Object) {
        if let Some(shelf) = &mut self.shelf
            && let Some(kept) = object.kept()
        {
            match shelf.numbers.get(&id) {
                Some(&number) => {
                    let changes = kept.take_changes();
                    if !changes.is_empty() {
                        shelf.write(|store| store.apply(number, changes));
                    }
                }
                None => kept.record(false),
            }
        }
    }

    #[inline]
    pub(in crate::server) fn holds_answers(&self) -> bool {
        self.shelf.as_ref().is_some_and(|shelf| shelf.is_dirty)
    }

    pub(in crate::server) fn hold(&mut self, ticket: Ticket, result: Result<&mut Reply, Refusal>) {
        if let Some(shelf) = &mut self.shelf {
            shelf.held.push((ticket, result.map(mem::take)));
        }
    }

    /// Keeps what was changed; returns the answers that have waited for it.
    #[inline]
    pub(in crate::server) fn commit(&mut self) -> Vec<Answered> {
        match &mut self.shelf {
            Some(shelf) if shelf.is_dirty => shelf.commit(),
            _ => Vec::new(),
        }
    }
}

impl Shelf {
    /// Writes to the store, for the next commit. After a failure nothing is written any more.
    fn write<T>(&mut self, write: impl FnOnce(&mut Store) -> Result<T, String>) -> Option<T> {
        self.is_dirty = true;
        if self.failure.is_some() {
            return None;
        }
        write(&mut self.store).map_err(|reason| self.failure = Some(reason)).ok()
    }

    fn discard(&mut self, name: &str) -> Option<ObjectId> {
        let (hold, _) = self.names.remove(name)?;
        let number = self.numbers.remove(&hold.id())?;
        self.write(|store| store.delete(number));
        Some(hold.id())
    }

    fn commit(&mut self) -> Vec<Answered> {
        self.write(Store::commit);
        self.is_dirty = false;
        let mut held = mem::take(&mut self.held);
        if let Some(reason) = &self.failure {
            for (_, result) in &mut held {
                *result = Err(Refusal::NotKept(reason.clone()));
            }
        }
        held
    }
}

impl State {
    /// Opens the store, and takes in what is kept there.
    pub(in crate::server) fn keep(&mut self, keep: &Keep) -> Result<(), String> {
        let store = Store::open(keep)?;
        let aide = Aide { allows_proxies: false, ..Aide::clone(&self.aide) };
        let (mut numbers, mut names) = (HashMap::new(), BTreeMap::new());
        for (number, name, kind) in store.objects()? {
            let corrupt = || format!("{name:?} is not what this version keeps");
            let kind = Kind::read(&mut Reader::new(&[kind])).map_err(|_| corrupt())?;
            let mut object = create(kind).ok_or_else(corrupt)?;
            let kept = object.kept().ok_or_else(corrupt)?;
            store.rows(number, |Row { row, bytes }| {
                kept.restore(row, bytes).map_err(|_| corrupt())
            })?;
            kept.record(true);
            let hold = self.aide.roster.enter();
            numbers.insert(hold.id(), number);
            self.objects.insert(hold.id(), Entry::Here(object));
            names.insert(name, (hold, kind));
        }
        let (aide, held) = (Arc::new(aide), Vec::new());
        let shelf = Shelf { store, aide, numbers, names, held, is_dirty: false, failure: None };
        self.cellar.shelf = Some(shelf);
        Ok(())
    }
}

/// Makes an empty object that can be kept.
fn create(kind: Kind) -> Option<Box<dyn Object>> {
    let is_kept = matches!(kind, Kind::Dict | Kind::List);
    if is_kept { kind.create(&mut Reader::new(&[])).ok() } else { None }
}

/// Serves what is asked of a server that keeps things.
pub(in crate::server) fn serve(
    state: &mut State,
    ticket: Ticket,
    op: u8,
    mut fields: Reader<'_>,
) -> Result<(), Refusal> {
    let Some(shelf) = &mut state.cellar.shelf else {
        let hint = "the server keeps nothing on disk: start it with `Builder::persist`";
        return Err(Refusal::Misuse(hint.into()));
    };
    if let Some(reason) = &shelf.failure {
        return Err(Refusal::NotKept(reason.clone()));
    }
    match op {
        op::KEPT => {
            let names: Vec<String> = shelf.names.keys().cloned().collect();
            reply_with(state, ticket, |reply| {
                reply.number(names.len());
                names.iter().for_each(|name| reply.bytes.put_bytes(name.as_bytes()));
            });
        }
        op::DISCARD => discard(state, ticket, fields.text()?),
        _ => open(state, ticket, &mut fields)?,
    }
    Ok(())
}

/// Answers with a reference to the object of a name, which is made if there is none.
fn open(state: &mut State, ticket: Ticket, fields: &mut Reader<'_>) -> Result<(), Refusal> {
    let (kind, name) = (Kind::read(fields)?, fields.text()?);
    let found = state.cellar.shelf.as_ref().and_then(|shelf| shelf.names.get(name));
    let hold = match found {
        Some((hold, found)) if *found == kind => hold.clone(),
        Some(_) => return Err(Refusal::Misuse(format!("{name:?} is kept as another type"))),
        None => make(state, kind, name)?,
    };
    reply_with(state, ticket, |reply| {
        reply.bytes.put_u64(hold.id());
        reply.grants.push(hold);
    });
    Ok(())
}

fn make(state: &mut State, kind: Kind, name: &str) -> Result<Hold, Refusal> {
    if state.objects.len() >= state.limits.objects {
        return Err(Refusal::Limit(format!("{} objects", state.limits.objects)));
    }
    if name.len() > LENGTH {
        return Err(Refusal::Limit(format!("{LENGTH} bytes a name")));
    }
    let mut object = create(kind).ok_or(Refusal::UnknownOp)?;
    object.kept().ok_or(Refusal::UnknownOp)?.record(true);
    let shelf = state.cellar.shelf.as_mut().ok_or(Refusal::UnknownOp)?;
    let hold = state.aide.roster.enter();
    // Should it fail, the answer says so.
    let number = shelf.write(|store| store.create(name, kind as u8)).unwrap_or_default();
    shelf.numbers.insert(hold.id(), number);
    shelf.names.insert(name.to_owned(), (hold.clone(), kind));
    state.objects.insert(hold.id(), Entry::Here(object));
    Ok(hold)
}

/// Answers whether there was an object of that name, which is not kept any longer.
fn discard(state: &mut State, ticket: Ticket, name: &str) {
    let shelf = state.cellar.shelf.as_mut();
    let discarded = shelf.and_then(|shelf| shelf.discard(name));
    if let Some(Entry::Here(object)) = discarded.and_then(|id| state.objects.get_mut(&id))
        && let Some(kept) = object.kept()
    {
        kept.record(false);
    }
    reply_with(state, ticket, |reply| reply.flag(discarded.is_some()));
}

#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
