//! The options in the parentheses of an attribute: `#[main(setup = path, crate = path)]`.

use proc_macro::{Delimiter, Ident, TokenStream, TokenTree};

use crate::error::Error;
use crate::role::Role;
use crate::tokens::is_punct;

/// What the user chose; each value is a path, with the spans of the user.
#[derive(Default)]
pub(crate) struct Options {
    /// The function that prepares each process, the program's own and its children.
    pub(crate) setup: Option<TokenStream>,
    /// The crate to call, in place of the one found in the package's manifest.
    pub(crate) root: Option<TokenStream>,
}

impl Options {
    pub(crate) fn parse(role: Role, tokens: TokenStream) -> Result<Self, Error> {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut options = Self::default();

        for option in tokens.split(|token| is_punct(token, ',')) {
            match option {
                [] => {}
                [TokenTree::Ident(key), equals, value @ ..] if is_punct(equals, '=') => {
                    options.set(role, key, value)?;
                }
                [first, ..] => return Err(Error::new(first.span(), known_options(role))),
            }
        }
        Ok(options)
    }

    fn set(&mut self, role: Role, key: &Ident, value: &[TokenTree]) -> Result<(), Error> {
        let name = key.to_string();
        let option = match name.as_str() {
            "setup" => &mut self.setup,
            "crate" => &mut self.root,
            _ => return Err(Error::new(key.span(), known_options(role))),
        };
        let path = parse_path(key, value)?;
        match option.replace(path) {
            None => Ok(()),
            Some(_) => Err(Error::new(key.span(), format!("`{name}` is given twice"))),
        }
    }
}

/// Checks that `value` looks like a path; the compiler itself finds what is wrong inside of it.
fn parse_path(key: &Ident, value: &[TokenTree]) -> Result<TokenStream, Error> {
    let wrong = value.iter().find(|token| !is_part_of_path(token));
    let span = match wrong {
        Some(token) => token.span(),
        None if value.is_empty() => key.span(),
        None => return Ok(value.iter().cloned().collect()),
    };
    let message = format!("`{key}` takes a path, without quotes: `{key} = some::path`");
    Err(Error::new(span, message))
}

fn is_part_of_path(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => matches!(punct.as_char(), ':' | '<' | '>'),
        // What a `$setup:path` of a `macro_rules!` comes in.
        TokenTree::Group(group) => group.delimiter() == Delimiter::None,
        TokenTree::Literal(_) => false,
    }
}

fn known_options(role: Role) -> String {
    format!("the options of `{role}` are `setup = path` and `crate = path`")
}
