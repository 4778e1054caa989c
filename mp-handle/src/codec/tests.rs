//! Round trips of every type of serde's data model, in and out of packed arrays.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU16;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::{decode, encode};

pub(super) fn bytes_of<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes).expect("encodes");
    bytes
}

/// Sends a value as `T`, and receives it as `U`.
pub(super) fn convert<U: DeserializeOwned>(value: &(impl Serialize + ?Sized)) -> U {
    decode(&bytes_of(value)).expect("decodes")
}

#[track_caller]
pub(super) fn same<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    assert_eq!(convert::<T>(&value), value);
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone, Default)]
pub(super) struct Plain {
    id: u32,
    name: String,
    numbers: Vec<f64>,
    next: Option<Box<Plain>>,
}

pub(super) fn plain() -> Plain {
    let inner = Plain { id: 2, name: "inner".into(), ..Plain::default() };
    Plain { id: 1, name: "é".into(), numbers: vec![0.5, -1.0], next: Some(Box::new(inner)) }
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Unit;
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Newtype(Vec<u16>);
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Pair(i8, char);
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Empty {}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
pub(super) enum External {
    Unit,
    Newtype(Option<u8>),
    Nothing(()),
    Tuple(u8, String),
    Struct {
        x: i64,
        inner: Option<Box<External>>,
    },
    #[serde(rename = "other name")]
    Renamed,
}

#[test]
fn numbers_keep_their_extremes() {
    same((i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN, isize::MIN));
    same((u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX, usize::MAX));
    same((i128::MAX, 1_i128, u128::from(u64::MAX), f32::MIN_POSITIVE, f64::NEG_INFINITY));
    assert!(convert::<f64>(&f64::NAN).is_nan());
}

#[test]
fn scalars_text_and_empty_things() {
    same((true, false, 'x', '\u{10ffff}', String::new(), "text \0 ü".to_owned()));
    same(((), Unit, Empty {}, [0_u8; 0], Vec::<u64>::new(), Vec::<String>::new()));
    same((HashMap::<u8, u8>::new(), None::<u8>, PathBuf::new()));
    same(serde_bytes::ByteBuf::from(vec![0, 255]));
}

#[test]
fn structs_and_enums() {
    same((plain(), Newtype(vec![1, 2]), Pair(-1, 'c')));
    let inner = Some(Box::new(External::Tuple(3, "t".into())));
    same(vec![External::Unit, External::Newtype(None), External::Newtype(Some(1))]);
    same(vec![External::Nothing(()), External::Struct { x: -1, inner }, External::Renamed]);
}

#[test]
fn nested_options_stay_apart() {
    same(vec![None, Some(None), Some(Some(None)), Some(Some(Some(1_u8)))]);
    same((Some(()), None::<()>, Some(Some(()))));
}

#[test]
fn maps_have_any_keys() {
    let map = HashMap::from([((1_u8, "a".to_owned()), vec![Some(1.5_f32), None])]);
    same(map);
    same(BTreeMap::from([(External2::B, 1), (External2::A, 2)]));
    same(BTreeMap::from([(vec![1_u64], 'a'), (vec![], 'b')]));
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum External2 {
    A,
    B,
}

#[test]
fn types_of_the_standard_library() {
    same((IpAddr::from([127, 0, 0, 1]), Ipv6Addr::LOCALHOST, SocketAddr::from(([1, 2, 3, 4], 5))));
    same((Duration::new(1, 2), SystemTime::UNIX_EPOCH, PathBuf::from("/a/b")));
    same((Range { start: 1, end: 2 }, NonZeroU16::MIN, Ok::<u8, String>(1), Err::<u8, _>(Unit)));
    same((Box::<str>::from("boxed"), Box::<[u32]>::from([1, 2]), std::ffi::OsString::from("os")));
}

#[test]
fn json_values() {
    same(serde_json::json!({"a": [1, -2, 0.5, null, true], "b": {"c": "d"}, "e": []}));
}

/// Asks for a struct, but understands maps only, as many visitors made by hand.
#[derive(Serialize, PartialEq, Debug)]
struct ByHand {
    x: u8,
}

impl<'de> Deserialize<'de> for ByHand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapOnly;
        impl<'de> Visitor<'de> for MapOnly {
            type Value = ByHand;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByHand, A::Error> {
                let (_, x) = map.next_entry::<String, u8>()?.expect("has a field");
                Ok(ByHand { x })
            }
        }
        deserializer.deserialize_struct("ByHand", &["x"], MapOnly)
    }
}

#[test]
fn visitors_made_by_hand_get_maps() {
    same(vec![ByHand { x: 1 }, ByHand { x: 2 }]);
}
