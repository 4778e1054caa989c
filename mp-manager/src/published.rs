//! [`Publish`]: what can be given a name.

/// A proxy, of whatever type, that can be [published](crate::Manager::publish) and
/// [found](crate::Manager::find). All proxies of this crate can, but those of pools, and no other
/// type.
///
/// Programs that were built from different sources agree on the type of an object if they call it
/// the same, apart from the modules that it is in.
pub trait Publish: sealed::Handle {}

impl<P: sealed::Handle> Publish for P {}

pub(crate) mod sealed {
    use crate::client::Reference;

    /// What a proxy has of its object.
    #[derive(Debug)]
    pub struct Grip(pub(crate) Reference);

    /// What all proxies have.
    pub trait Handle: Sized {
        #[doc(hidden)]
        fn grip(&self) -> Grip;
        #[doc(hidden)]
        fn from_grip(grip: Grip) -> Self;
        #[doc(hidden)]
        fn description() -> String;
    }
}

/// A type's name without the modules that it, and those in it, are in.
pub(crate) fn plain_name(name: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut plain = String::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let len = if is_part(first) {
            let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (_, last) = rest[..len].rsplit_once("::").unwrap_or(("", &rest[..len]));
            plain.push_str(last);
            len
        } else {
            plain.push(first);
            first.len_utf8()
        };
        rest = &rest[len..];
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain_name;

    #[test]
    fn modules_are_left_out() {
        for (name, plain) in [
            ("u8", "u8"),
            ("alloc::string::String", "String"),
            ("a::Dict<alloc::string::String, (u8, b::C<d::E>)>", "Dict<String, (u8, C<E>)>"),
            ("[a::b::T; 3]", "[T; 3]"),
            ("&a::T", "&T"),
            ("", ""),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }
}
