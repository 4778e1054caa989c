//! `#[derive(Data)]`: the layout of a type as a fingerprint, and the proof that it is plain.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Data, DataEnum, DataStruct, DeriveInput, Error, Fields, Ident, Index, Member};

/// Writes the implementations, or says what is wrong with the type.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let expanded = syn::parse2(input).and_then(|input: DeriveInput| {
        let root = crate_root()?;
        if let Some(parameter) = input.generics.params.first() {
            return Err(Error::new(parameter.span(), "shared data has no generic parameters"));
        }
        match &input.data {
            Data::Struct(data) => structure(&root, &input, data),
            Data::Enum(data) => enumeration(&root, &input, data),
            Data::Union(data) => {
                Err(Error::new(data.union_token.span, "a union has no values that can be checked"))
            }
        }
    });
    expanded.unwrap_or_else(Error::into_compile_error)
}

/// A structure is plain if all its fields are, and there is no byte between and behind them.
fn structure(
    root: &TokenStream,
    input: &DeriveInput,
    data: &DataStruct,
) -> Result<TokenStream, Error> {
    let name = &input.ident;
    let layout = reprs(input)?;
    if !layout.iter().any(|repr| repr == "C" || repr == "transparent") {
        return Err(Error::new(
            name.span(),
            "shared data needs #[repr(C)] or #[repr(transparent)]",
        ));
    }
    let members: Vec<Member> = members(&data.fields);
    let names = members.iter().map(|member| match member {
        Member::Named(name) => name.to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    });
    let types: Vec<_> = data.fields.iter().map(|field| &field.ty).collect();
    let title = name.to_string();
    Ok(quote! {
        const _: () = {
            const fn is_plain<T: #root::Plain>() {}
            #(is_plain::<#types>();)*
            assert!(
                ::core::mem::size_of::<#name>() == 0 #(+ ::core::mem::size_of::<#types>())*,
                "shared data has no padding: reorder the fields or add some that fill the gaps",
            );
        };

        // SAFETY: `repr(C)` or `transparent`, all fields plain, without padding: checked above.
        unsafe impl #root::bytemuck::Zeroable for #name {}
        // SAFETY: as above.
        unsafe impl #root::bytemuck::Pod for #name {}

        impl #root::Data for #name {
            const FINGERPRINT: u64 = {
                let mut hash = #root::fingerprint(#title.as_bytes(), 0);
                #(
                    hash = #root::fingerprint(#names.as_bytes(), hash);
                    hash = #root::fingerprint_of(<#types as #root::Data>::FINGERPRINT, hash);
                    let offset = ::core::mem::offset_of!(#name, #members) as u64;
                    hash = #root::fingerprint_of(offset, hash);
                )*
                #root::fingerprint_of(::core::mem::align_of::<#name>() as u64, hash)
            };
        }
    })
}

/// An enum is checked: its bits are an integer, and some of these are a variant.
fn enumeration(
    root: &TokenStream,
    input: &DeriveInput,
    data: &DataEnum,
) -> Result<TokenStream, Error> {
    const INTEGERS: [&str; 8] = ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"];
    let name = &input.ident;
    let bits = reprs(input)?.into_iter().find(|repr| INTEGERS.iter().any(|known| repr == known));
    let Some(bits) = bits else {
        return Err(Error::new(name.span(), "a shared enum needs an integer as its #[repr]"));
    };
    if let Some(variant) = data.variants.iter().find(|variant| !variant.fields.is_empty()) {
        return Err(Error::new(variant.span(), "the variants of a shared enum have no fields"));
    }
    let variants: Vec<&Ident> = data.variants.iter().map(|variant| &variant.ident).collect();
    let texts = variants.iter().map(ToString::to_string);
    let constants: Vec<Ident> =
        (0..variants.len()).map(|number| format_ident!("VARIANT_{number}")).collect();
    let title = name.to_string();
    Ok(quote! {
        const _: () = assert!(
            ::core::mem::size_of::<#name>() == ::core::mem::size_of::<#bits>(),
            "a shared enum is as large as its integer, and not aligned to more",
        );

        // SAFETY: an enum without fields has the layout of its integer, without padding.
        unsafe impl #root::bytemuck::NoUninit for #name {}
        // SAFETY: the bits are that integer, and valid if they are those of a variant.
        unsafe impl #root::bytemuck::CheckedBitPattern for #name {
            type Bits = #bits;

            fn is_valid_bit_pattern(bits: &#bits) -> bool {
                #(const #constants: #bits = #name::#variants as #bits;)*
                match *bits {
                    #(#constants => true,)*
                    _ => false,
                }
            }
        }

        impl #root::Data for #name {
            const FINGERPRINT: u64 = {
                let bits = <#bits as #root::Data>::FINGERPRINT;
                let mut hash = #root::fingerprint(#title.as_bytes(), bits);
                #(
                    hash = #root::fingerprint(#texts.as_bytes(), hash);
                    hash = #root::fingerprint_of(#name::#variants as #bits as u64, hash);
                )*
                hash
            };
        }
    })
}

fn members(fields: &Fields) -> Vec<Member> {
    let member = |(at, field): (usize, &syn::Field)| match &field.ident {
        Some(name) => Member::Named(name.clone()),
        None => Member::Unnamed(Index::from(at)),
    };
    fields.iter().enumerate().map(member).collect()
}

/// Returns what stands in the `repr` attributes.
fn reprs(input: &DeriveInput) -> Result<Vec<Ident>, Error> {
    let mut found = Vec::new();
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        attribute.parse_nested_meta(|meta| {
            found.extend(meta.path.get_ident().cloned());
            if meta.input.peek(syn::token::Paren) {
                let content;
                syn::parenthesized!(content in meta.input);
                content.parse::<TokenStream>()?;
            }
            Ok(())
        })?;
    }
    if let Some(packed) = found.iter().find(|repr| *repr == "packed") {
        return Err(Error::new(packed.span(), "shared data is not packed: fields are referred to"));
    }
    Ok(found)
}

/// Returns the path of mp-shm, by itself or in the facade.
fn crate_root() -> Result<TokenStream, Error> {
    for (package, module) in [("mp-shm", quote!()), ("multiprocess", quote!(::shm))] {
        let name = match crate_name(package) {
            Ok(FoundCrate::Itself) => package.replace('-', "_"),
            Ok(FoundCrate::Name(name)) => name,
            Err(_) => continue,
        };
        let name = Ident::new(&name, Span::call_site());
        return Ok(quote!(::#name #module));
    }
    let message = "`Cargo.toml` has neither `mp-shm` nor `multiprocess` as a dependency";
    Err(Error::new(Span::call_site(), message))
}
