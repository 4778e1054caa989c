//! Takes a function apart, token by token.
//!
//! ```text
//! #[attributes]  vis async unsafe extern "C"  fn name(arguments) -> T where …  { body }
//! attributes     qualifiers                   signature                        body
//! ```
//!
//! That is all that the attributes need to know about Rust, and it spares their users the compile
//! time of a parser. The tokens keep their spans, so the compiler's messages about the function
//! point at what the user wrote. What is wrong inside of a part is left for the compiler to tell.

use std::iter::{self, Peekable};
use std::vec::IntoIter;

use proc_macro::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use crate::error::Error;
use crate::role::Role;
use crate::tokens::{flatten, is_punct, is_word};

/// The attributes that stay with the outer function when an async one is wrapped: those that say
/// how the item is compiled, documented or tested. Any other one belongs to the runtime.
const OUTER: &[&str] = &[
    "allow",
    "cfg",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "forbid",
    "ignore",
    "inline",
    "must_use",
    "should_panic",
    "warn",
];

const QUALIFIERS: &[&str] = &["pub", "const", "async", "unsafe", "safe", "extern"];

type Tokens = Peekable<IntoIter<TokenTree>>;

/// A function without arguments and generic parameters.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    /// What stands before `fn`, except `async`.
    pub(crate) qualifiers: Vec<TokenTree>,
    /// Where `async` stands.
    pub(crate) asynchronous: Option<Span>,
    /// From `fn` up to the body.
    pub(crate) signature: Vec<TokenTree>,
    pub(crate) name: Ident,
    pub(crate) body: Group,
}

impl Function {
    pub(crate) fn parse(role: Role, item: TokenStream) -> Result<Self, Error> {
        let mut tokens = flatten(item).into_iter().peekable();
        let attributes = take_attributes(&mut tokens);
        let start = tokens.peek().map_or_else(Span::call_site, TokenTree::span);
        let mut qualifiers: Vec<_> = iter::from_fn(|| tokens.next_if(is_qualifier)).collect();
        let asynchronous = remove_async(&mut qualifiers);

        let mut signature: Vec<TokenTree> = tokens.collect();
        let body = signature.pop();
        match (signature.as_slice(), body) {
            ([keyword, TokenTree::Ident(name), next, ..], Some(TokenTree::Group(body)))
                if is_word(keyword, &["fn"]) && body.delimiter() == Delimiter::Brace =>
            {
                check_no_parameters(role, next)?;
                let name = name.clone();
                Ok(Self { attributes, qualifiers, asynchronous, signature, name, body })
            }
            _ => Err(Error::new(start, format!("`{role}` goes on a function with a body"))),
        }
    }
}

/// One `#[…]`; a doc comment is one as well.
pub(crate) struct Attribute {
    pound: TokenTree,
    content: Group,
}

impl Attribute {
    pub(crate) fn is_test(&self) -> bool {
        last_segment(self.content.stream()).is_some_and(|name| is_word(&name, &["test"]))
    }

    /// Whether the attribute stays with the outer function when an async one is wrapped.
    pub(crate) fn is_outer(&self) -> bool {
        is_outer(self.content.stream())
    }

    pub(crate) fn into_tokens(self) -> [TokenTree; 2] {
        [self.pound, self.content.into()]
    }
}

/// Judges `cfg_attr(condition, attribute)` by the attribute that it stands for.
fn is_outer(content: TokenStream) -> bool {
    let Some(name) = last_segment(content.clone()) else {
        return false;
    };
    match content.into_iter().last() {
        Some(TokenTree::Group(arguments)) if is_word(&name, &["cfg_attr"]) => {
            let condition = |token: &TokenTree| !is_punct(token, ',');
            is_outer(arguments.stream().into_iter().skip_while(condition).skip(1).collect())
        }
        _ => is_word(&name, OUTER),
    }
}

/// Returns the `test` of `tokio::test(flavor = "…")`.
fn last_segment(content: TokenStream) -> Option<TokenTree> {
    let in_path = |token: &TokenTree| matches!(token, TokenTree::Ident(_)) || is_punct(token, ':');
    flatten(content).into_iter().take_while(in_path).last()
}

fn take_attributes(tokens: &mut Tokens) -> Vec<Attribute> {
    let mut attributes = Vec::new();
    while let Some(pound) = tokens.next_if(|token| is_punct(token, '#')) {
        let Some(TokenTree::Group(content)) = tokens.next() else {
            break;
        };
        attributes.push(Attribute { pound, content });
    }
    attributes
}

fn is_qualifier(token: &TokenTree) -> bool {
    match token {
        // The `(crate)` of a visibility and the `"C"` of an ABI.
        TokenTree::Group(group) => group.delimiter() == Delimiter::Parenthesis,
        TokenTree::Literal(_) => true,
        token => is_word(token, QUALIFIERS),
    }
}

fn remove_async(qualifiers: &mut Vec<TokenTree>) -> Option<Span> {
    let position = qualifiers.iter().position(|token| is_word(token, &["async"]))?;
    Some(qualifiers.remove(position).span())
}

/// Looks at the token behind the function's name.
fn check_no_parameters(role: Role, next: &TokenTree) -> Result<(), Error> {
    let what = match next {
        TokenTree::Group(arguments) if arguments.stream().is_empty() => return Ok(()),
        TokenTree::Group(_) => "arguments",
        _ => "generic parameters",
    };
    Err(Error::new(next.span(), format!("a function with `{role}` takes no {what}")))
}
