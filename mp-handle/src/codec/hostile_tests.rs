//! What must fail: values that refuse or break the rules, and bytes that are damaged.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::ser::{Error, SerializeMap, SerializeTuple, Serializer};
use serde::{Deserialize, Serialize};

use super::format::{PACKED, SEQ, STR, U8, U64};
use super::tests::bytes_of;
use super::{CodecError, decode, encode};

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(super) enum Tree {
    Leaf(Vec<u32>),
    Node { name: String, children: Vec<Tree>, more: BTreeMap<char, Option<Tree>> },
    Point(i16, f32),
    Empty,
}

fn tree() -> Tree {
    let children = vec![Tree::Leaf(vec![1, 2, 3]), Tree::Point(-1, 0.5), Tree::Empty];
    let more = BTreeMap::from([('a', Some(Tree::Empty)), ('ß', None)]);
    Tree::Node { name: "root".into(), children, more }
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(untagged)]
pub(super) enum Loose {
    Number(f64),
    List(Vec<Loose>),
    Struct { a: Box<Loose>, b: Option<String> },
}

fn loose() -> Loose {
    let a = Box::new(Loose::List(vec![Loose::Number(1.0), Loose::List(vec![])]));
    Loose::Struct { a, b: Some("b".into()) }
}

pub(super) fn error_of<T: Serialize + ?Sized>(value: &T) -> CodecError {
    let mut out = vec![7];
    let error = encode(value, &mut out).expect_err("does not encode");
    assert_eq!(out, [7], "a failed encode leaves nothing");
    error
}

struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no thanks"))
    }
}

/// Hides that a part of it failed half-way.
struct Hides;

impl Serialize for Hides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(1)?;
        let _ = tuple.serialize_element(&(1, Refuses));
        tuple.serialize_element(&2)?;
        tuple.end()
    }
}

/// Announces another number of elements than it has.
struct Miscounts(usize);

impl Serialize for Miscounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0)?;
        tuple.serialize_element(&1)?;
        tuple.serialize_element(&2)?;
        tuple.end()
    }
}

/// Has a key, but no value.
struct KeyOnly;

impl Serialize for KeyOnly {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_key(&1)?;
        map.end()
    }
}

/// Fails to write itself as text.
struct Unprintable;

impl fmt::Display for Unprintable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half")?;
        Err(fmt::Error)
    }
}

impl Serialize for Unprintable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Leaves out what cannot be printed.
struct GoesOn;

impl Serialize for GoesOn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(2)?;
        let _ = tuple.serialize_element(&Unprintable);
        tuple.serialize_element(&1_u8)?;
        tuple.serialize_element(&2_u8)?;
        tuple.end()
    }
}

/// Has a name that does not fit the table.
struct LongName;

impl Serialize for LongName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = str::from_utf8(&[b'x'; 256]).expect("ASCII");
        serializer.serialize_unit_variant("", 0, name)
    }
}

#[test]
fn what_refuses_or_breaks_the_rules_is_not_sent() {
    assert_eq!(error_of(&(tree(), vec![Some(Refuses)])).to_string(), "no thanks");
    error_of(&Hides);
    error_of(&Miscounts(1));
    error_of(&Miscounts(3));
    error_of(&Miscounts(300));
    error_of(&KeyOnly);
    error_of(&Unprintable);
    error_of(&LongName);
    let bytes = bytes_of(&GoesOn);
    assert_eq!(decode::<(u8, u8)>(&bytes).unwrap(), (1, 2));
    assert!(decode::<Tree>(&bytes_of(&tree())).is_ok(), "errors leave nothing behind");
}

/// Encodes another value while it is being encoded.
struct Encodes;

impl Serialize for Encodes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&bytes_of(&tree()))
    }
}

#[test]
fn a_value_may_encode_another() {
    let bytes = bytes_of(&(tree(), Encodes, tree()));
    let (first, inner, last): (Tree, serde_bytes::ByteBuf, Tree) = decode(&bytes).unwrap();
    assert_eq!(decode::<Tree>(&inner).unwrap(), tree());
    assert_eq!((first, last), (tree(), tree()));
}

#[test]
fn errors_name_both_sides() {
    let error = |bytes: &[u8]| decode::<u32>(bytes).unwrap_err().to_string();
    assert_eq!(error(&bytes_of("x")), "expected u32, found string");
    assert_eq!(error(&bytes_of(&-1)), "expected u32, found integer `-1`");
    assert_eq!(error(&bytes_of(&u64::MAX)), format!("expected u32, found integer `{}`", u64::MAX));
    assert_eq!(error(&bytes_of(&tree())), "expected u32, found enum");
    let error = decode::<Tree>(&bytes_of(&1.5)).unwrap_err().to_string();
    assert_eq!(error, "expected enum Tree, found floating point number");
    let error = decode::<(u8,)>(&bytes_of(&(1, 2))).unwrap_err().to_string();
    assert_eq!(error, "a compound value has elements too many: 1");
    let error = decode::<bool>(&bytes_of(&"long".repeat(1000))).unwrap_err().to_string();
    assert_eq!(error, "expected a boolean, found string");
}

#[test]
fn lengths_are_compared_with_what_is_there() {
    for tag in [[STR].as_slice(), &[SEQ], &[PACKED, U8], &[PACKED, U64], &[PACKED, STR]] {
        for length in [u64::MAX, u64::MAX / 8 + 2, 1 << 40, 3] {
            let bytes = [tag, &length.to_ne_bytes(), &[0, 0, 0]].concat();
            assert!(decode::<Vec<u64>>(&bytes).is_err());
            assert!(decode::<Vec<()>>(&bytes).is_err());
            assert!(decode::<String>(&bytes).is_err());
            assert!(decode::<serde_json::Value>(&bytes).is_err());
        }
    }
}

#[track_caller]
fn every_prefix_fails<T: DeserializeOwned>(bytes: &[u8]) {
    for length in 0..bytes.len() {
        assert!(decode::<T>(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
    }
    assert!(decode::<T>(&[bytes, &[0]].concat()).is_err(), "with a byte too many");
}

#[test]
fn truncated_values_are_refused() {
    every_prefix_fails::<Tree>(&bytes_of(&tree()));
    every_prefix_fails::<Loose>(&bytes_of(&loose()));
    every_prefix_fails::<(String, Vec<u64>)>(&bytes_of(&("text", vec![0_u64; 3])));
    every_prefix_fails::<serde_json::Value>(&bytes_of(&serde_json::json!({"a": [1, "b"]})));
}

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn flipped_bits_never_panic() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for original in [bytes_of(&tree()), bytes_of(&loose())] {
        for _ in 0..20_000 {
            let mut bytes = original.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            let _ = decode::<Tree>(&bytes);
            let _ = decode::<Loose>(&bytes);
            let _ = decode::<serde_json::Value>(&bytes);
        }
    }
}
