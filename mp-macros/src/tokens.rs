//! What every module does with tokens: write them, tell them apart, unwrap them.

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// Reads a piece of Rust that is written down in this crate. Its place is that of the attribute.
pub(crate) fn code(text: &str) -> TokenStream {
    text.parse().expect("the pieces of code in this crate are tokens")
}

pub(crate) fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

pub(crate) fn is_word(token: &TokenTree, words: &[&str]) -> bool {
    matches!(token, TokenTree::Ident(ident) if words.contains(&ident.to_string().as_str()))
}

/// Opens the invisible groups in which a `macro_rules!` hands on what it matched.
pub(crate) fn flatten(tokens: TokenStream) -> Vec<TokenTree> {
    let open = |token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => flatten(group.stream()),
        token => vec![token],
    };
    tokens.into_iter().flat_map(open).collect()
}
