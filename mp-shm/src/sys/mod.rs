//! What the segments ask of the operating system.
//!
//! | file | what it supplies |
//! |---|---|
//! | `file` | files in memory, with and without a name: make, publish, open, examine, seal |
//! | `mapping` | the bytes of such a file in this process |
//!
//! Most functions are a thin cover of one call. Another system is another set of these files.

mod file;
mod mapping;

pub(crate) use file::{
    Facts, Seals, examine, file_size_limit, fix_size, memfd, open, seal, set_size, unlink,
};
pub(crate) use mapping::{Access, Mapping};
