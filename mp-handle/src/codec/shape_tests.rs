//! Round trips of every way in which serde's attributes bend a type.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use super::decode;
use super::tests::{External, Plain, bytes_of, convert, plain, same};

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Untagged {
    Unit,
    Number(u64),
    Text(String),
    Address(IpAddr),
    Numbers(Vec<f64>),
    Pair(u8, String),
    Struct { plain: Plain, list: Vec<Untagged> },
    Enum(External),
    Option { value: Option<Option<u8>> },
}

#[test]
fn untagged_enums() {
    same(vec![Untagged::Unit, Untagged::Number(1), Untagged::Text("x".into())]);
    same(vec![Untagged::Numbers(vec![1.0]), Untagged::Pair(1, "p".into())]);
    same(Untagged::Struct { plain: plain(), list: vec![Untagged::Unit, Untagged::Number(2)] });
    same(Untagged::Enum(External::Newtype(Some(1))));
    same(Untagged::Enum(External::Tuple(1, "x".into())));
    same(Untagged::Enum(External::Struct { x: 1, inner: None }));
    same(vec![Untagged::Option { value: None }, Untagged::Option { value: Some(None) }]);
    same(Untagged::Option { value: Some(Some(1)) });
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum UntaggedAddress {
    Address(IpAddr),
    Bytes(serde_bytes::ByteBuf),
    Signed(i64),
}

#[test]
fn untagged_enums_of_types_with_two_forms() {
    same(UntaggedAddress::Address(IpAddr::from([1, 2, 3, 4])));
    same(UntaggedAddress::Bytes(serde_bytes::ByteBuf::from(vec![1])));
    same(UntaggedAddress::Signed(-5));
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "type")]
enum Internal {
    Unit,
    Newtype(Plain),
    Map(BTreeMap<String, u8>),
    Struct { kind: External, list: Vec<u8> },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Unit,
    Newtype(Vec<f32>),
    Tuple(u8, External),
    Struct { x: Option<u8> },
}

#[test]
fn internally_and_adjacently_tagged_enums() {
    same(vec![Internal::Unit, Internal::Newtype(plain())]);
    same(Internal::Map(BTreeMap::from([("k".into(), 1)])));
    same(Internal::Struct { kind: External::Tuple(1, "x".into()), list: vec![1, 2] });
    same(vec![Adjacent::Unit, Adjacent::Newtype(vec![1.0]), Adjacent::Tuple(1, External::Unit)]);
    same(vec![Adjacent::Struct { x: None }, Adjacent::Struct { x: Some(1) }]);
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Flat {
    first: u8,
    #[serde(flatten)]
    plain: Plain,
    #[serde(flatten)]
    variant: External,
    #[serde(flatten)]
    rest: HashMap<String, Vec<u16>>,
}

#[test]
fn flattened_structs_enums_and_maps() {
    let rest = HashMap::from([("extra".to_owned(), vec![1, 2]), ("more".to_owned(), vec![])]);
    let variant = External::Struct { x: 5, inner: Some(Box::new(External::Unit)) };
    same(Flat { first: 1, plain: plain(), variant, rest });
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Default, Clone)]
struct Sparse {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "bee")]
    b: Vec<u8>,
    #[serde(skip)]
    hidden: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<u8>,
}

#[test]
fn skipped_fields_change_from_one_struct_to_the_next() {
    let sparse = |bits: u8| Sparse {
        a: (bits & 1 != 0).then_some(bits),
        b: if bits & 2 != 0 { vec![bits] } else { vec![] },
        hidden: 0,
        c: (bits & 4 != 0).then_some(bits),
    };
    same([7, 6, 5, 4, 3, 2, 1, 0, 7, 3, 7, 7, 0, 5, 6, 3].map(sparse).to_vec());
    same(vec![(sparse(1), vec![sparse(2), sparse(0)], Some(sparse(3)))]);
}

/// Announces three fields, whatever it has.
struct Announces(u8);

impl Serialize for Announces {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Announces", 3)?;
        for name in ["a", "b", "c", "d"].iter().take(self.0.into()) {
            fields.serialize_field(name, &self.0)?;
        }
        fields.end()
    }
}

#[test]
fn structs_need_not_announce_the_right_length() {
    let maps: Vec<BTreeMap<String, u8>> = convert(&[4, 2, 3, 2, 0, 4].map(Announces));
    assert!(maps.iter().map(BTreeMap::len).eq([4, 2, 3, 2, 0, 4]));
}

#[derive(Serialize)]
struct Old {
    a: u8,
    unknown: Plain,
    numbers: Vec<u64>,
    c: u16,
}

#[derive(Deserialize, PartialEq, Debug)]
struct New {
    c: u64,
    #[serde(alias = "a")]
    renamed: u8,
    #[serde(default)]
    missing: Option<u8>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(rename = "a")]
    _a: u8,
}

#[test]
fn another_struct_matches_by_names() {
    let bytes = bytes_of(&Old { a: 1, unknown: plain(), numbers: vec![1], c: 3 });
    let new: New = decode(&bytes).unwrap();
    assert_eq!(new, New { c: 3, renamed: 1, missing: None });
    let error = decode::<Strict>(&bytes).unwrap_err().to_string();
    assert!(error.contains("unknown field `unknown`"), "{error}");
    let error = decode::<Sparse>(&bytes_of(&())).unwrap_err().to_string();
    assert_eq!(error, "expected struct Sparse, found unit value");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Shifted {
    #[serde(skip)]
    _Hidden,
    #[serde(alias = "was")]
    First,
    #[serde(skip_serializing)]
    _Old,
    Second(u8),
    #[serde(untagged)]
    Else(String),
}

#[test]
fn skipped_variants_do_not_shift_the_others() {
    same(vec![Shifted::First, Shifted::Second(1), Shifted::Else("x".into())]);
    assert_eq!(convert::<Shifted>("was"), Shifted::First);
}
