//! Finds the crate whose `init` functions the generated code calls.
//!
//! The tokens of an attribute do not say through which crate it was named, so the manifest of the
//! package that is being compiled has to: it knows the dependency, also under another name.

use proc_macro::{Span, TokenStream};
use proc_macro_crate::{FoundCrate, crate_name};

use crate::error::Error;
use crate::role::Role;

/// The packages that export the functions. A package that depends on several speaks to the first.
const PACKAGES: [&str; 3] = ["multiprocess", "mp-cluster", "mp-process"];

/// Returns `::multiprocess`, `::mp_process`, or the name that the dependency was given instead.
pub(crate) fn crate_root(role: Role) -> Result<TokenStream, Error> {
    for package in PACKAGES {
        match crate_name(package) {
            // Its own tests, examples and doc tests name it so. (The library itself cannot.)
            Ok(FoundCrate::Itself) => return absolute(role, &package.replace('-', "_")),
            Ok(FoundCrate::Name(name)) => return absolute(role, &name),
            Err(proc_macro_crate::Error::CrateNotFound { .. }) => {}
            Err(error) => return Err(unknown(role, &unreadable(&error))),
        }
    }
    let why =
        "neither `multiprocess` nor `mp-process` is a dependency in `Cargo.toml`: add one, or";
    Err(unknown(role, why))
}

fn absolute(role: Role, name: &str) -> Result<TokenStream, Error> {
    let path = format!("::{name}").parse();
    path.map_err(|_| unknown(role, &format!("`{name}` is not the name of a crate:")))
}

/// Says why there is no manifest to look into, as in a build without Cargo.
fn unreadable(error: &proc_macro_crate::Error) -> String {
    let error = error.to_string();
    format!("cannot read `Cargo.toml` ({}):", error.trim_end_matches('.'))
}

fn unknown(role: Role, why: &str) -> Error {
    let message = format!("{why} name the crate to call with `#[{}(crate = path)]`", role.name());
    Error::new(Span::call_site(), message)
}
