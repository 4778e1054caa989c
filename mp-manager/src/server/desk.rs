//! What is asked of the server itself: to make objects, and to keep the books on them.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use mp_handle::{Descriptor, Parcel};

use super::cellar;
use super::errands::{Called, Errand};
use super::limits::FUNCTIONS;
use super::names;
use super::state::{Entry, State};
use crate::error::Refusal;
use crate::function::Shim;
use crate::objects::{Kind, Reply, Ticket, deadline};
use crate::wire::{Put, Reader, SERVER, op};

pub(super) fn serve(
    state: &mut State,
    ticket: Ticket,
    op: u8,
    mut fields: Reader<'_>,
    descriptors: &[Descriptor],
) -> Result<Option<Errand>, Refusal> {
    match op {
        op::CREATE => return create(state, ticket, fields),
        op::RELEASE => release(state, ticket, &mut fields)?,
        op::CLAIM => claim(state, ticket, &mut fields)?,
        op::LEASE => lease(state, ticket, &mut fields, descriptors)?,
        op::FUNCTION => function(state, ticket, fields.bytes()?)?,
        op::INFO => info(state, ticket),
        op::SHUTDOWN => state.has_ended = true,
        op::ADDRESS => address(state, ticket)?,
        op::JOIN => join(state, ticket, &mut fields)?,
        op::PUBLISH | op::UNPUBLISH | op::FIND | op::PUBLISHED => {
            names::serve(state, ticket, op, fields)?;
        }
        op::KEEP | op::DISCARD | op::KEPT => cellar::serve(state, ticket, op, fields)?,
        _ => return Err(Refusal::UnknownOp),
    }
    Ok(None)
}

fn create(
    state: &mut State,
    ticket: Ticket,
    mut fields: Reader<'_>,
) -> Result<Option<Errand>, Refusal> {
    state.bury();
    if state.objects.len() >= state.limits.objects {
        return Err(Refusal::Limit(format!("{} objects", state.limits.objects)));
    }
    let kind = Kind::read(&mut fields)?;
    if kind.is_for_family() && state.client(ticket.client).is_none_or(|client| client.is_remote()) {
        return Err(Refusal::OtherProgram);
    }
    let constructor = match kind.constructor() {
        Some(op) => Some((op, state.function(ticket.client, &mut fields)?)),
        None => None,
    };
    let object = kind.create(&mut fields)?;
    let hold = state.aide.roster.enter();
    let id = hold.id();
    if let Some((op, shim)) = constructor {
        let away = Entry::Away { waiting: VecDeque::new(), ended: Vec::new() };
        state.objects.insert(id, away);
        let (fields, aide) = (fields.rest().to_vec(), Arc::clone(&state.aide));
        let (called, creation) = (Called { shim, op, fields, aide }, Some(hold));
        return Ok(Some(Errand { object, id, ticket, called, creation }));
    }
    state.objects.insert(id, Entry::Here(object));
    reply_with(state, ticket, |reply| {
        reply.bytes.put_u64(id);
        reply.grants.push(hold);
    });
    Ok(None)
}

fn claim(state: &mut State, ticket: Ticket, fields: &mut Reader<'_>) -> Result<(), Refusal> {
    let hold = state.aide.roster.claim(fields.u64()?).ok_or(Refusal::NoObject)?;
    reply_with(state, ticket, |reply| reply.grants.push(hold));
    Ok(())
}

fn release(state: &mut State, ticket: Ticket, fields: &mut Reader<'_>) -> Result<(), Refusal> {
    let id = fields.u64()?;
    if let Some(client) = state.client(ticket.client) {
        client.release(id);
    }
    Ok(())
}

/// A proxy begins to travel: it lives until the other end of the descriptor is closed everywhere.
fn lease(
    state: &mut State,
    ticket: Ticket,
    fields: &mut Reader<'_>,
    descriptors: &[Descriptor],
) -> Result<(), Refusal> {
    let hold = state.aide.roster.claim(fields.u64()?).ok_or(Refusal::NoObject)?;
    let line = descriptors.first().ok_or(Refusal::Malformed)?;
    let kept = state.door.keep_lease(line.clone(), hold);
    kept.map_err(|error| Refusal::Limit(format!("proxies on their way: {error}")))?;
    reply_with(state, ticket, |_| {});
    Ok(())
}

/// From now on the client's next number stands for this function.
fn function(state: &mut State, ticket: Ticket, bytes: &[u8]) -> Result<(), Refusal> {
    let shim = Parcel::from_parts(bytes.to_vec(), Vec::new()).decode::<Shim>();
    let client = state.client(ticket.client).ok_or(Refusal::Malformed)?;
    match shim {
        Ok(shim) if client.functions.len() < FUNCTIONS && !client.is_remote() => {
            client.functions.push(shim)
        }
        // Nothing that it asks for next would be what it means.
        _ => client.is_lost = true,
    }
    Ok(())
}

/// Answers with the number of objects, and what each of them is.
fn info(state: &mut State, ticket: Ticket) {
    state.bury();
    let objects = mem::take(&mut state.objects);
    reply_with(state, ticket, |reply| {
        reply.number(objects.len());
        for (id, entry) in &objects {
            let name = match entry {
                Entry::Here(object) => object.name(),
                Entry::Away { .. } => "busy",
            };
            reply.bytes.put_u64(*id);
            reply.bytes.put_bytes(name.as_bytes());
        }
    });
    state.objects = objects;
}

/// Answers with where other programs find the server, if they do.
fn address(state: &mut State, ticket: Ticket) -> Result<(), Refusal> {
    let encoded = Parcel::encode(&state.address);
    let encoded = encoded.map_err(|error| Refusal::NotEncoded(error.to_string()))?;
    reply_with(state, ticket, |reply| reply.bytes.put_value(encoded.bytes(), [].into_iter()));
    Ok(())
}

/// Waits until the server ends, which nobody is told, or the time is over.
fn join(state: &mut State, ticket: Ticket, fields: &mut Reader<'_>) -> Result<(), Refusal> {
    let deadline = deadline(fields)?;
    state.park(SERVER, ticket, deadline);
    Ok(())
}

pub(super) fn reply_with(state: &mut State, ticket: Ticket, write: impl FnOnce(&mut Reply)) {
    let mut reply = Reply::default();
    write(&mut reply);
    state.answer(ticket, Ok(&mut reply));
}
