//! The attributes `#[main]` and `#[test]` of `mp-process` and `multiprocess`, and the derive of
//! `mp-shm`.
//!
//! A child process runs the same program from its start, so something has to tell it, before the
//! program's own work begins, that it is a child. That is the call of `init`, and these attributes
//! write it at the place where it cannot be too late.
//!
//! Use them through [`multiprocess`] or [`mp-process`], which export both: `#[mp::main]`. The code
//! that they write calls the crate that the package's `Cargo.toml` names, also under another name
//! (`mp = { package = "multiprocess", … }`).
//!
//! [`multiprocess`]: https://docs.rs/multiprocess
//! [`mp-process`]: https://docs.rs/mp-process

#![forbid(unsafe_code)]

mod data;
mod error;
mod expand;
mod item;
mod options;
mod path;
mod role;
mod tokens;

use proc_macro::TokenStream;

use expand::expand;
use role::Role;

/// Makes `fn main` the main function of a program that starts processes.
///
/// The function's body begins with a call of `init`. In the program itself that returns at once;
/// in a child it runs the function that the child was started for and ends the process. So what
/// stands in `main` never runs in a child.
///
/// ```text
/// use multiprocess as mp;
///
/// #[mp::main]
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let child = mp::spawn(work, (21,))?;
///     …
/// }
/// ```
///
/// Return type, attributes and visibility of the function stay as they are.
///
/// # Options
///
/// - `setup = path`: a function that prepares the program and each of its children, say their
///   logging; `init_with(path)` is called in place of `init()`.
/// - `crate = path`: where the two functions are, when the package depends on neither crate but
///   gets them from another one that re-exports them.
///
/// # Asynchronous functions
///
/// An async `main` has the attribute of its runtime as well, best below this one:
///
/// ```text
/// #[mp::main]
/// #[tokio::main]
/// async fn main() { … }
/// ```
///
/// `init` is then called before the runtime starts its threads, in a function around the async
/// one; a child never has a runtime unless it starts its own. Doc comments, `cfg` and lint levels
/// stay with the outer function, all other attributes go with the async one. Above this attribute
/// `#[tokio::main]` works too, and so does any other that makes a plain `fn main` of an async one.
///
/// # Errors
///
/// It is an error at compile time if the item is not `fn main`, has arguments or generic
/// parameters, or is async without a runtime's attribute, if an option is unknown, and if
/// `Cargo.toml` names neither `multiprocess` nor `mp-process` and there is no `crate = path`.
///
/// # Examples
///
/// A framework exports the attribute and its own way to begin, and a program uses them:
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// mod framework {
///     pub use mp_macros::main;
///
///     pub fn init_with(setup: fn()) {
///         setup(); // and, in a child, on to the child's function
///     }
/// }
///
/// static PREPARED: AtomicBool = AtomicBool::new(false);
///
/// fn prepare() {
///     PREPARED.store(true, Ordering::Relaxed);
/// }
///
/// #[framework::main(setup = prepare, crate = framework)]
/// fn main() {
///     assert!(PREPARED.load(Ordering::Relaxed));
/// }
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(Role::Main, options, item)
}

/// Makes a function a test that can start processes.
///
/// A test has no `main` of its own: the test harness has it. A child of a test is therefore the
/// test binary, told to run just this one test, and the call of `init_test`, with which the test's
/// body begins, tells it that it is a child. There it runs the child's function and ends the
/// process; so what stands in the test never runs in a child.
///
/// ```text
/// #[cfg(test)]
/// mod tests {
///     #[multiprocess::test]
///     fn doubles() {
///         let child = multiprocess::spawn(double, (21,)).unwrap();
///         …
///     }
/// }
/// ```
///
/// It works in the unit tests of a library or program and in integration tests, under `cargo test`
/// and nextest; a library that starts no processes itself needs the crate in `[dev-dependencies]`
/// only. It stands in place of the usual `#[test]`. If another attribute shall make the test (one
/// whose last name is `test`), put that one below: above this attribute the usual `#[test]` cannot
/// be seen, and the test runs twice.
///
/// `#[should_panic]`, `#[ignore]` and a return type such as `Result<(), Box<dyn Error>>` mean what
/// they mean for any test. A child that a failed test leaves running is joined when all tests have
/// ended; one that never ends by itself had better be a daemon. `setup = path` calls `init_test_with`, and `crate = path` names the
/// crate to call, both as with [`main`](macro@main).
///
/// # Asynchronous functions
///
/// An async test has the attribute of its runtime as well, below or above this one; as in `main`,
/// no runtime has been started yet when `init_test` is called.
///
/// ```text
/// #[mp::test]
/// #[tokio::test]
/// async fn answers() { … }
/// ```
///
/// # Errors
///
/// The wrong uses of [`main`](macro@main) are errors at compile time here too, but the function
/// has any name.
///
/// # Examples
///
/// A test inside of an example is not run by rustdoc: see the tests of `mp-process` for tests that
/// start processes.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand(Role::Test, options, item)
}

/// Lets a type lie in shared memory: implements `Data` of `mp-shm`.
///
/// ```text
/// #[derive(Clone, Copy, Data)]
/// #[repr(C)]
/// struct Point {
///     x: f64,
///     y: f64,
/// }
/// ```
///
/// A structure is `#[repr(C)]` or `#[repr(transparent)]`, has no padding, and only fields that are
/// plain data themselves; an enum has an integer `repr` and no fields. Both are `Copy` and without
/// generic parameters. The fingerprint of the type is made of the names, types and places of its
/// fields, or of the names and numbers of its variants.
///
/// # Errors
///
/// All else is an error at compile time that says what is missing.
///
/// # Examples
///
/// See `Data` in `mp-shm`.
#[proc_macro_derive(Data)]
pub fn data(input: TokenStream) -> TokenStream {
    data::derive(input.into()).into()
}
