//! The names of fields and variants on their way out: written once a message, behind the value.
//!
//! A schema is a list of names: those of a struct's fields, or the one of a variant. A value
//! refers to it by number, so a thousand structs carry their field names once.
//!
//! Which fields a struct will have is known only when it ends (`skip_serializing_if`). So a
//! [`Shape`] guesses the schema that came out the last time a struct of that name and length was
//! written, compares each name with the guess as the fields come by (a comparison of pointers,
//! nearly always), and looks the schema up only when a guess failed.
//!
//! Schemas outlive the message: the thread keeps them, with their bytes, for its next one. The
//! first time is slow, after that a small struct is encoded without allocating.
//!
//! The table: the schemas (count `u32`, then each name with its length `u8`), the offset `u32` of
//! each, the length `u32` of all schemas, their count `u32`, and the byte `TABLE`. A name is short,
//! because it may be received as a `String` each time that few bytes refer to it.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;
use std::ptr;

use super::error::CodecError;
use super::format::TABLE;

/// How many guesses are remembered; more kinds of structs than this share places.
const GUESSES: usize = 64;

/// A thread that has met more schemas than this starts anew: names can be leaked without end.
const KEPT: usize = 1024;

thread_local! {
    /// The schemas that this thread has met, while it is not encoding.
    static SPARE: Cell<Option<Box<Schemas>>> = const { Cell::new(None) };
}

/// The schemas that are known to a thread, and which of them this message uses.
pub(super) struct Schemas {
    known: Vec<Schema>,
    /// The names of the known schemas, one schema after the other.
    names: Vec<&'static str>,
    by_names: HashMap<Box<[&'static str]>, usize>,
    /// Index into `known` by a hash of name and length. Any value is allowed: it is only a guess.
    guesses: [usize; GUESSES],
    /// Names of unfinished structs whose guess failed, innermost last.
    pending: Vec<&'static str>,
    /// What this message uses, in the order of their numbers.
    used: Vec<usize>,
}

struct Schema {
    /// Where its names are among those of all schemas.
    names: Range<usize>,
    /// The names as they stand in a table, unless one is too long for that.
    bytes: Option<Box<[u8]>>,
    /// The number in this message, if it is used there.
    number: Option<u32>,
}

impl Schemas {
    /// Takes what the thread keeps. A `Serialize` that itself encodes finds nothing there, and
    /// starts anew.
    pub(super) fn take() -> Box<Self> {
        SPARE.try_with(Cell::take).ok().flatten().unwrap_or_else(|| {
            Box::new(Self {
                known: Vec::new(),
                names: Vec::new(),
                by_names: HashMap::new(),
                guesses: [0; GUESSES],
                pending: Vec::new(),
                used: Vec::new(),
            })
        })
    }

    /// Writes the table, and gives the schemas back to the thread.
    pub(super) fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.write_table(out)?;
        for index in self.used.drain(..) {
            self.known[index].number = None;
        }
        if self.known.len() <= KEPT {
            // While the thread ends there is no place to keep them: they are dropped.
            let _ = SPARE.try_with(|spare| spare.set(Some(self)));
        }
        Ok(())
    }

    fn write_table(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let start = out.len();
        for &index in &self.used {
            let bytes = self.known[index].bytes.as_deref();
            out.extend_from_slice(bytes.ok_or_else(too_long)?);
        }
        // Every number in the table is smaller than this one, so this is the only check.
        let length = u32::try_from(out.len() - start).map_err(|_| too_long())?;
        let mut offset = 0_u32;
        for &index in &self.used {
            out.extend_from_slice(&offset.to_ne_bytes());
            offset += self.known[index].bytes.as_deref().map_or(0, <[u8]>::len) as u32;
        }
        out.extend_from_slice(&length.to_ne_bytes());
        out.extend_from_slice(&(self.used.len() as u32).to_ne_bytes());
        out.push(TABLE);
        Ok(())
    }

    /// Gives the number of the schema of a variant's name.
    #[inline]
    pub(super) fn variant(&mut self, name: &'static str) -> u32 {
        let slot = slot(name, 1);
        let guess = self.guesses[slot];
        match self.known.get(guess).map(|schema| &self.names[schema.names.clone()]) {
            Some([known]) if same(known, name) => self.number(guess),
            _ => {
                self.pending.push(name);
                self.look_up(self.pending.len() - 1, slot)
            }
        }
    }

    /// Gives the number of a schema in this message.
    #[inline]
    fn number(&mut self, index: usize) -> u32 {
        match self.known[index].number {
            Some(number) => number,
            None => self.next_number(index),
        }
    }

    fn next_number(&mut self, index: usize) -> u32 {
        let number = self.used.len() as u32;
        self.known[index].number = Some(number);
        self.used.push(index);
        number
    }

    /// Finds or adds the schema whose names are pending from `base` on, makes it the guess for next
    /// time, and gives its number.
    #[cold]
    fn look_up(&mut self, base: usize, slot: usize) -> u32 {
        let names = &self.pending[base..];
        let index = self.by_names.get(names).copied().unwrap_or_else(|| {
            let start = self.names.len();
            self.names.extend_from_slice(names);
            self.by_names.insert(names.into(), self.known.len());
            let names = start..self.names.len();
            let bytes = table_entry(&self.names[names.clone()]);
            self.known.push(Schema { names, bytes, number: None });
            self.known.len() - 1
        });
        self.pending.truncate(base);
        self.guesses[slot] = index;
        self.number(index)
    }
}

/// Writes names as they stand in a table, unless one is too long.
fn table_entry(names: &[&'static str]) -> Option<Box<[u8]>> {
    let mut bytes = Vec::from((names.len() as u32).to_ne_bytes());
    for name in names {
        bytes.push(u8::try_from(name.len()).ok()?);
        bytes.extend_from_slice(name.as_bytes());
    }
    Some(bytes.into())
}

#[cold]
fn too_long() -> CodecError {
    CodecError::malformed("the name of a field or variant exceeds 255 bytes, or all exceed 4 GiB")
}

/// Where the guess for a struct or variant is kept.
#[inline]
fn slot(name: &'static str, len: usize) -> usize {
    (name.as_ptr().addr() ^ len.wrapping_mul(7)) % GUESSES
}

/// Compares names, which are nearly always the same constant.
#[inline]
fn same(one: &'static str, other: &'static str) -> bool {
    ptr::eq(one, other) || one == other
}

/// The names of a struct that is being written.
///
/// Its methods are inlined, and take it by value where they are not: kept in registers it costs a
/// third of what it does in memory.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    slot: usize,
    /// The guess, and what it still expects: a range of the known names. Once a name disagreed,
    /// nothing is expected any more.
    guess: usize,
    next: usize,
    end: usize,
    /// Where its names begin in `pending`, should the guess fail.
    base: usize,
}

impl Shape {
    #[inline]
    pub(super) fn new(schemas: &Schemas, name: &'static str, len: usize) -> Self {
        let slot = slot(name, len);
        let guess = schemas.guesses[slot];
        let names = schemas.known.get(guess).map_or(0..0, |schema| schema.names.clone());
        Self { slot, guess, next: names.start, end: names.end, base: schemas.pending.len() }
    }

    /// Takes note that the field `name` was written.
    #[inline(always)]
    pub(super) fn add(&mut self, schemas: &mut Schemas, name: &'static str) {
        if self.next < self.end && same(schemas.names[self.next], name) {
            self.next += 1;
        } else {
            *self = self.disagree(schemas);
            schemas.pending.push(name);
        }
    }

    /// Gives the number of the schema that has exactly the names added.
    #[inline(always)]
    pub(super) fn finish(self, schemas: &mut Schemas) -> u32 {
        if self.next == self.end && self.guess < schemas.known.len() {
            return schemas.number(self.guess);
        }
        let Self { base, slot, .. } = self.disagree(schemas);
        schemas.look_up(base, slot)
    }

    /// Moves the names that agreed to the pending ones.
    #[cold]
    fn disagree(self, schemas: &mut Schemas) -> Self {
        if let Some(schema) = schemas.known.get(self.guess) {
            let agreed = schema.names.start..self.next;
            schemas.pending.extend_from_slice(&schemas.names[agreed]);
        }
        Self { guess: usize::MAX, next: 0, end: 0, ..self }
    }
}
