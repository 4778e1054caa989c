//! Objects that are published, so that programs find them which were not given a proxy.
//!
//! A name is a reference: the object lives as long as it is published. Beside it stands what the
//! publisher takes the object for, in words, which the server does not look into.

use std::collections::BTreeMap;

use super::desk::reply_with;
use super::roster::Hold;
use super::state::State;
use crate::error::Refusal;
use crate::objects::Ticket;
use crate::wire::{Put, Reader, op};

/// How many there may be, and how long a name, or a description.
const NAMES: usize = 1 << 16;
const LENGTH: usize = 4096;

/// What is published, by name.
pub(super) type Names = BTreeMap<String, Published>;

/// One that is published.
pub(super) struct Published {
    hold: Hold,
    description: String,
}

pub(super) fn serve(
    state: &mut State,
    ticket: Ticket,
    op: u8,
    mut fields: Reader<'_>,
) -> Result<(), Refusal> {
    if op == op::PUBLISHED {
        let names: Vec<String> = state.names.keys().cloned().collect();
        reply_with(state, ticket, |reply| {
            reply.number(names.len());
            names.iter().for_each(|name| reply.bytes.put_bytes(name.as_bytes()));
        });
        return Ok(());
    }
    let name = fields.text()?.to_owned();
    match op {
        op::PUBLISH => publish(state, name, fields)?,
        op::UNPUBLISH => match state.names.remove(&name) {
            Some(_) => {}
            None => return Err(Refusal::NotPublished(name)),
        },
        _ => return find(state, ticket, name),
    }
    reply_with(state, ticket, |_| {});
    Ok(())
}

fn publish(state: &mut State, name: String, mut fields: Reader<'_>) -> Result<(), Refusal> {
    let description = fields.text()?.to_owned();
    let hold = state.aide.roster.claim(fields.u64()?).ok_or(Refusal::NoObject)?;
    if name.len().max(description.len()) > LENGTH {
        return Err(Refusal::Limit(format!("{LENGTH} bytes a name")));
    }
    match state.names.get(&name) {
        Some(other) if other.hold.id() != hold.id() => return Err(Refusal::AlreadyPublished(name)),
        None if state.names.len() >= NAMES => return Err(Refusal::Limit(format!("{NAMES} names"))),
        _ => {}
    }
    state.names.insert(name, Published { hold, description });
    Ok(())
}

/// Answers with the description, the number of the object, and a reference to it.
fn find(state: &mut State, ticket: Ticket, name: String) -> Result<(), Refusal> {
    let published = state.names.get(&name).ok_or(Refusal::NotPublished(name))?;
    let (hold, description) = (published.hold.clone(), published.description.clone());
    reply_with(state, ticket, |reply| {
        reply.bytes.put_bytes(description.as_bytes());
        reply.bytes.put_u64(hold.id());
        reply.grants.push(hold);
    });
    Ok(())
}
