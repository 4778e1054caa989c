//! Writes the function anew, with the call of `init` in front of all that it does.
//!
//! ```text
//! #[main] fn main() -> T { body }               fn main() -> T { ::mp::init(); body }
//!
//! #[main] #[rt::main]                           fn main() -> T {
//! async fn main() -> T { body }                     #[rt::main] async fn main() -> T { body }
//!                                                   ::mp::init();
//!                                                   main()
//!                                               }
//! ```
//!
//! The second form is there because a runtime starts its threads before the first line of an
//! async body, and a child shall have none. With the runtime's attribute above ours, the runtime
//! has turned the function into a plain one already, and the first form is right.

use proc_macro::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};

use crate::error::Error;
use crate::item::{Attribute, Function};
use crate::options::Options;
use crate::path::crate_root;
use crate::role::Role;
use crate::tokens::{code, is_punct};

/// Makes the function a test. It comes last, so that every other attribute can see it.
const TEST: &str = "#[::core::prelude::v1::test]";

/// The test that a runtime's attribute makes of the inner function is not collected, as it should
/// be: the compiler need not warn of it.
const HIDES_TEST: &str = "#[allow(unnameable_test_items)]";

/// Expands an attribute. The item of a wrong use stays, lest other errors hide the one told.
pub(crate) fn expand(role: Role, options: TokenStream, item: TokenStream) -> TokenStream {
    try_expand(role, options, item.clone()).unwrap_or_else(|error| {
        let mut output = error.into_compile_error();
        output.extend(item);
        output
    })
}

fn try_expand(role: Role, options: TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    let options = Options::parse(role, options)?;
    let function = Function::parse(role, item)?;
    check(role, &function)?;
    let call = call_init(role, options, &function.name)?;
    Ok(match function.asynchronous {
        Some(_) => wrap(role, function, call),
        None => insert(role, function, call),
    })
}

fn check(role: Role, function: &Function) -> Result<(), Error> {
    if role == Role::Main && function.name.to_string() != "main" {
        let message = "`#[main]` goes on `fn main`; elsewhere, call `init` first in `main`";
        return Err(Error::new(function.name.span(), message));
    }
    match function.asynchronous {
        Some(span) if function.attributes.iter().all(Attribute::is_outer) => {
            let runtime = role.name();
            let message = format!(
                "an async function needs the attribute of its runtime below `{role}`, such as \
                 `#[tokio::{runtime}]`"
            );
            Err(Error::new(span, message))
        }
        _ => Ok(()),
    }
}

/// Returns the statement `PATH::init();`, or what stands for it in a test or with a setup.
fn call_init(role: Role, options: Options, name: &Ident) -> Result<TokenStream, Error> {
    let mut call = options.root.map_or_else(|| crate_root(role), Ok)?;
    call.extend(code(match (role, options.setup.is_some()) {
        (Role::Main, false) => "::init",
        (Role::Main, true) => "::init_with",
        (Role::Test, false) => "::init_test",
        (Role::Test, true) => "::init_test_with",
    }));

    let mut arguments = TokenStream::new();
    if role == Role::Test {
        let name = Literal::string(&name.to_string());
        arguments.extend(code("::core::module_path!(),"));
        arguments.extend([TokenTree::from(name)]);
        arguments.extend(code(","));
    }
    arguments.extend(options.setup);
    call.extend([TokenTree::from(Group::new(Delimiter::Parenthesis, arguments))]);
    call.extend(code(";"));
    Ok(call)
}

/// Puts the call at the head of the body of a plain function.
fn insert(role: Role, function: Function, call: TokenStream) -> TokenStream {
    let is_test = function.attributes.iter().any(Attribute::is_test);
    let (mut body, rest) = split_inner_attributes(function.body.stream());
    body.extend(call);
    body.extend(rest);

    let mut output = TokenStream::new();
    output.extend(function.attributes.into_iter().flat_map(Attribute::into_tokens));
    if role == Role::Test && !is_test {
        output.extend(code(TEST));
    }
    output.extend(function.qualifiers);
    output.extend(function.signature);
    output.extend([block(body, function.body.span())]);
    output
}

/// Hides an async function, with the attribute of its runtime, in a plain one of the same name.
fn wrap(role: Role, function: Function, call: TokenStream) -> TokenStream {
    let (outer, inner): (Vec<_>, Vec<_>) =
        function.attributes.into_iter().partition(Attribute::is_outer);

    let mut body = TokenStream::new();
    body.extend(inner.into_iter().flat_map(Attribute::into_tokens));
    body.extend(code("async"));
    body.extend(function.signature.iter().cloned());
    body.extend([TokenTree::from(function.body.clone())]);
    body.extend(call);
    body.extend([TokenTree::from(function.name)]);
    body.extend(code("()"));

    let mut output = TokenStream::new();
    output.extend(outer.into_iter().flat_map(Attribute::into_tokens));
    if role == Role::Test {
        output.extend(code(HIDES_TEST));
        output.extend(code(TEST));
    }
    output.extend(function.qualifiers);
    output.extend(function.signature);
    output.extend([block(body, function.body.span())]);
    output
}

/// Splits off the `#![…]` that have to stay first in a body.
fn split_inner_attributes(body: TokenStream) -> (TokenStream, TokenStream) {
    let mut rest: Vec<TokenTree> = body.into_iter().collect();
    let is_attribute =
        |tokens: &&[TokenTree]| is_punct(&tokens[0], '#') && is_punct(&tokens[1], '!');
    let count = rest.chunks_exact(3).take_while(is_attribute).count();
    let attributes = rest.drain(..3 * count).collect();
    (attributes, rest.into_iter().collect())
}

fn block(body: TokenStream, span: Span) -> TokenTree {
    let mut block = Group::new(Delimiter::Brace, body);
    block.set_span(span);
    block.into()
}
