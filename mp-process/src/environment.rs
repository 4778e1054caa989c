//! The environment that a child is given: that of this process, with the changes of its builder.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::builder::Builder;
use crate::error::SpawnError;
use crate::wire::MARK;

/// What an error calls a part of it.
pub(crate) const VARIABLE: &str = "an environment variable";

/// The variables of a child, each `NAME=value`.
pub(crate) fn assignments(builder: &Builder) -> Vec<OsString> {
    let assign = |(mut name, value): (OsString, OsString)| {
        name.push("=");
        name.push(value);
        name
    };
    variables(builder).map(assign).collect()
}

/// The same as one text, in which each ends with a zero byte.
pub(crate) fn text(builder: &Builder) -> Result<Vec<u8>, SpawnError> {
    let set = builder.environment.iter().filter_map(|(name, value)| Some([name, value.as_ref()?]));
    if set.flatten().any(|part| part.as_bytes().contains(&0)) {
        return Err(SpawnError::NulByte { what: VARIABLE });
    }
    Ok(join(variables(builder)))
}

/// The environment of this process, as such a text.
pub(crate) fn own_text() -> Vec<u8> {
    join(variables(&Builder::default()))
}

fn join(variables: impl Iterator<Item = (OsString, OsString)>) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in variables {
        for part in [name.as_bytes(), b"=", value.as_bytes(), b"\0"] {
            text.extend_from_slice(part);
        }
    }
    text
}

fn variables(builder: &Builder) -> impl Iterator<Item = (OsString, OsString)> {
    let changes = &builder.environment;
    let changed = |name: &OsStr| changes.iter().any(|(changed, _)| changed == name);
    let own = env::vars_os().filter(|_| !builder.clear_environment);
    let kept = own.filter(move |(name, _)| !changed(name));
    let set = (changes.iter())
        .filter_map(|(name, value)| value.as_ref().map(|value| (name.clone(), value.clone())));
    kept.chain(set).filter(|(name, _)| name != MARK)
}
