//! The limit of nesting, in both directions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decode;
use super::format::{MAX_DEPTH, SOME};
use super::hostile_tests::{Loose, Tree, error_of};
use super::tests::bytes_of;

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct List(Option<Box<List>>);

fn list(length: u32) -> List {
    (1..length).fold(List(None), |list, _| List(Some(Box::new(list))))
}

#[test]
fn nesting_is_limited_when_encoding() {
    let deepest = list(MAX_DEPTH / 2);
    assert_eq!(decode::<List>(&bytes_of(&deepest)).unwrap(), deepest);
    let error = error_of(&list(MAX_DEPTH / 2 + 1)).to_string();
    assert!(error.contains("levels deep"), "{error}");
}

fn nested<T: Serialize>(depth: u32, leaf: T, wrap: impl Fn(T) -> T) -> T {
    (0..depth).fold(leaf, |value, _| wrap(value))
}

#[test]
fn the_deepest_values_fit_a_small_stack() {
    let value = nested(MAX_DEPTH, serde_json::json!(1), |value| serde_json::json!([value]));
    assert_eq!(decode::<serde_json::Value>(&bytes_of(&value)).unwrap(), value);
    error_of(&serde_json::json!([value]));
    let value = nested(MAX_DEPTH, Loose::Number(1.0), |value| Loose::Struct {
        a: Box::new(value),
        b: None,
    });
    assert!(decode::<Loose>(&bytes_of(&value)).is_ok());
    let value = nested(MAX_DEPTH / 3, Tree::Empty, |value| Tree::Node {
        name: String::new(),
        children: vec![value],
        more: BTreeMap::new(),
    });
    assert_eq!(decode::<Tree>(&bytes_of(&value)).unwrap(), value);
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Chain {
    End,
    Link(Box<Chain>),
}

#[test]
fn what_can_be_encoded_is_not_too_deep_to_decode() {
    let chain = nested(MAX_DEPTH, Chain::End, |chain| Chain::Link(Box::new(chain)));
    assert_eq!(decode::<Chain>(&bytes_of(&chain)).unwrap(), chain);
    error_of(&Chain::Link(Box::new(chain)));
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(transparent)]
struct Transparent(Option<Box<Transparent>>);

#[test]
fn nesting_is_limited_when_decoding() {
    let mut bytes = vec![SOME; 1_000_000];
    bytes.push(0);
    let error = decode::<List>(&bytes).unwrap_err().to_string();
    assert!(error.contains("levels deep"), "{error}");
    // These types go down for ever without taking a byte.
    assert!(decode::<Transparent>(&bytes_of(&1_u8)).is_err());
    assert!(decode::<List>(&bytes_of(&1_u8)).is_err());
    assert!(decode::<Vec<List>>(&bytes_of(&vec![1_u8])).is_err());
    assert!(decode::<Vec<Transparent>>(&bytes_of(&vec![1_u8])).is_err());
}
