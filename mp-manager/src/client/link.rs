//! A connection, shared by the threads of this process.
//!
//! Who asks numbers its request, sends it, and waits for the answer with that number in the
//! [`Mailbox`].

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mp_handle::{Descriptor, Parcel};

use super::generation::{count_forks, generation};
use super::line::{self, Line, Lost, Outgoing};
use super::mailbox::Mailbox;
use super::registry;
use crate::error::{ManagerError, Refusal};
use crate::function::Shim;
use crate::origin::Origin;
use crate::remote::{Called, Identity, Route, call_server};
use crate::wire::{ANSWER_HEADER, DONE, NO_ANSWER, ObjectId, Put, RequestHeader, SERVER, op};

/// How long a server may take to let this process in.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of this process to a server.
pub(crate) struct Link {
    origin: Origin,
    /// The process that made it: one that is forked off inherits the memory, and must not use it.
    generation: u64,
    outgoing: Mutex<Sender>,
    mailbox: Mailbox,
}

struct Sender {
    line: Box<dyn Outgoing>,
    /// The number of the last request.
    last: u64,
    /// The numbers that stand for functions.
    functions: HashMap<Shim, u32>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// Connects. `is_alive` says whether it is still worth waiting.
    pub(super) fn connect(
        origin: &Origin,
        is_alive: impl FnMut() -> bool,
    ) -> Result<Arc<Self>, ManagerError> {
        let route = match origin {
            Origin::Local { server, .. } => {
                let line = line::connect_local(*server, PATIENCE, is_alive)?;
                return Ok(Self::over(origin.clone(), line));
            }
            Origin::Remote { route, .. } => route,
        };
        let called = call_server(route, PATIENCE)?;
        if called.identity.server != origin.server() {
            // Another one has taken its place.
            return Err(ManagerError::ServerLost { server: origin.to_string() });
        }
        Self::over_called(origin.clone(), called)
    }

    /// Connects to whichever server is there.
    pub(super) fn call(route: &Route, patience: Duration) -> Result<Arc<Self>, ManagerError> {
        let called = call_server(route, patience)?;
        let Identity { server, pid, .. } = called.identity;
        Self::over_called(Origin::Remote { server, pid, route: route.clone() }, called)
    }

    fn over_called(origin: Origin, called: Called) -> Result<Arc<Self>, ManagerError> {
        let line = called.into_line().map_err(ManagerError::system("share a connection"))?;
        Ok(Self::over(origin, line))
    }

    fn over(origin: Origin, (outgoing, incoming): Line) -> Arc<Self> {
        count_forks();
        Arc::new(Self {
            origin,
            generation: generation(),
            outgoing: Mutex::new(Sender {
                line: outgoing,
                last: NO_ANSWER,
                functions: HashMap::new(),
            }),
            mailbox: Mailbox::new(incoming),
        })
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) fn is_lost(&self) -> bool {
        self.mailbox.is_closed()
    }

    pub(super) fn is_of_this_process(&self) -> bool {
        self.generation == generation()
    }

    pub(super) fn is_of_use(&self) -> bool {
        self.is_of_this_process() && !self.is_lost()
    }

    /// Asks the server for a sign of life.
    pub(super) fn is_answered(&self) -> bool {
        self.ask(op::ADDRESS, |_| {}, None).is_ok()
    }

    fn lost(&self) -> ManagerError {
        ManagerError::ServerLost { server: self.origin.to_string() }
    }

    #[cold]
    fn lose(&self) -> ManagerError {
        self.mailbox.close();
        registry::forget(self);
        self.lost()
    }

    fn check(&self) -> Result<(), ManagerError> {
        if !self.is_of_this_process() {
            return Err(ManagerError::Forked);
        }
        if self.is_lost() { Err(self.lost()) } else { Ok(()) }
    }

    /// Asks, and waits for the answer: a frame whose header says that it is done.
    pub(crate) fn exchange(&self, request: &mut Parcel) -> Result<Vec<u8>, ManagerError> {
        self.check()?;
        let id = self.send(request)?;
        // What was sent is not needed any more, but its memory is.
        let answer = self.mailbox.receive(id, mem::take(request.bytes_mut()));
        let answer = answer.map_err(|Lost| self.lose())?;
        match answer.get(ANSWER_HEADER - 1) {
            Some(&DONE) => Ok(answer),
            _ => Err(refusal(answer)),
        }
    }

    fn send(&self, request: &mut Parcel) -> Result<u64, ManagerError> {
        let mut sender = lock(&self.outgoing);
        let limit = sender.line.max_frame();
        if request.bytes().len() > limit {
            return Err(ManagerError::Limit { what: format!("{limit} bytes a request") });
        }
        sender.last += 1;
        let id = sender.last;
        if let Some(place) = request.bytes_mut().first_chunk_mut() {
            *place = id.to_le_bytes();
        }
        sender.line.send(id, request).map_err(|Lost| self.lose())?;
        Ok(id)
    }

    /// Sends a request that has no answer. If the server is gone, it is not needed either.
    pub(crate) fn tell(&self, request: &Parcel) {
        if self.check().is_ok() && lock(&self.outgoing).line.send(NO_ANSWER, request).is_err() {
            drop(self.lose());
        }
    }

    /// The number that stands for a function from now on.
    pub(crate) fn number(&self, function: Shim) -> Result<u32, ManagerError> {
        self.check()?;
        if self.origin.route().is_some() {
            return Err(ManagerError::OtherProgram);
        }
        if let Some(number) = lock(&self.outgoing).functions.get(&function) {
            return Ok(*number);
        }
        let encoded = Parcel::encode(&function).map_err(ManagerError::Encode)?;
        let mut sender = lock(&self.outgoing);
        if let Some(number) = sender.functions.get(&function) {
            return Ok(*number);
        }
        let number = sender.functions.len() as u32;
        let request = own_request(op::FUNCTION, |bytes| bytes.put_bytes(encoded.bytes()));
        sender.line.send(NO_ANSWER, &request).map_err(|Lost| self.lose())?;
        sender.functions.insert(function, number);
        Ok(number)
    }

    /// Gives a reference back.
    pub(crate) fn release(&self, id: ObjectId) {
        self.tell(&own_request(op::RELEASE, |bytes| bytes.put_u64(id)));
    }

    /// Gets one more reference to an object.
    pub(crate) fn claim(&self, id: ObjectId) -> Result<(), ManagerError> {
        self.ask(op::CLAIM, |bytes| bytes.put_u64(id), None).map(drop)
    }

    /// Has the server keep an object until the descriptor that is returned is closed everywhere.
    pub(crate) fn lease(&self, id: ObjectId) -> Result<Descriptor, ManagerError> {
        if let Some(route) = self.origin.route() {
            return self.lease_far_away(route, id);
        }
        let (reader, writer) = std::io::pipe().map_err(ManagerError::system("make a pipe"))?;
        let theirs = Descriptor::from(std::os::fd::OwnedFd::from(reader));
        self.ask(op::LEASE, |bytes| bytes.put_u64(id), Some(theirs))?;
        Ok(Descriptor::from(std::os::fd::OwnedFd::from(writer)))
    }

    /// A pipe does not reach there: a connection of its own, with nothing but a reference, does.
    fn lease_far_away(&self, route: &Route, id: ObjectId) -> Result<Descriptor, ManagerError> {
        let called = call_server(route, PATIENCE)?;
        let lease = called.descriptor().map_err(ManagerError::system("share a connection"))?;
        Self::over_called(self.origin.clone(), called)?.claim(id)?;
        Ok(lease)
    }

    /// Asks the server itself.
    pub(crate) fn ask(
        &self,
        op: u8,
        write: impl FnOnce(&mut Vec<u8>),
        descriptor: Option<Descriptor>,
    ) -> Result<Vec<u8>, ManagerError> {
        let (bytes, _) = own_request(op, write).into_parts();
        self.exchange(&mut Parcel::from_parts(bytes, descriptor.into_iter().collect()))
    }

    /// Tells the server to end, and waits until it has.
    pub(crate) fn shut_down(&self) {
        // It has no answer but the end of the server.
        drop(self.ask(op::SHUTDOWN, |_| {}, None));
        drop(self.lose());
    }

    /// Tells the server to end; the caller has its process to wait for.
    pub(crate) fn dismiss(&self) {
        self.tell(&own_request(op::SHUTDOWN, |_| {}));
        drop(self.lose());
    }
}

/// A request to the server itself.
fn own_request(op: u8, write: impl FnOnce(&mut Vec<u8>)) -> Parcel {
    let mut request = Parcel::new();
    let bytes = request.bytes_mut();
    RequestHeader { id: NO_ANSWER, object: SERVER, op }.write(bytes);
    write(bytes);
    request
}

#[cold]
fn refusal(answer: Vec<u8>) -> ManagerError {
    let body = answer.get(ANSWER_HEADER..).unwrap_or_default().to_vec();
    match Parcel::from_parts(body, Vec::new()).decode::<Refusal>() {
        Ok(refusal) => refusal.into(),
        Err(_) => ManagerError::Protocol { what: "a refusal without a reason" },
    }
}
