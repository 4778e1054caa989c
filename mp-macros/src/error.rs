//! A wrong use of an attribute: what is wrong and where, told by `compile_error!`.

use proc_macro::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

use crate::tokens::code;

/// What the user has to change, and the tokens that the compiler shall point at.
pub(crate) struct Error {
    span: Span,
    message: String,
}

impl Error {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }

    /// Returns `::core::compile_error! { "message" }`, every token of it at the error's place.
    pub(crate) fn into_compile_error(self) -> TokenStream {
        let message = TokenTree::from(Literal::string(&self.message));
        let argument = Group::new(Delimiter::Brace, message.into());
        let mut call = code("::core::compile_error!");
        call.extend([TokenTree::from(argument)]);

        let at = |mut token: TokenTree| {
            token.set_span(self.span);
            token
        };
        call.into_iter().map(at).collect()
    }
}
