//! Numbers and text that travel in one piece, and what must not be copied so.

use std::collections::{BTreeSet, HashSet, VecDeque};

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};

use super::decode;
use super::tests::{bytes_of, convert, same};

/// Serializes by `serialize_seq` with a wrong hint, number by number.
struct OneByOne(Vec<f64>);

impl Serialize for OneByOne {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(1000))?;
        self.0.iter().try_for_each(|x| seq.serialize_element(x))?;
        seq.end()
    }
}

#[test]
fn packed_and_single_numbers_are_the_same() {
    let numbers = vec![1.0, 2.5, f64::MAX];
    assert!(bytes_of(&numbers).len() < bytes_of(&OneByOne(numbers.clone())).len());
    assert_eq!(convert::<Vec<f64>>(&OneByOne(numbers.clone())), numbers);
    assert_eq!(convert::<[f64; 3]>(&numbers).as_slice(), numbers);
    assert_eq!(convert::<VecDeque<f64>>(numbers.as_slice()), numbers);
    assert_eq!(convert::<serde_json::Value>(&[1_u8, 2].as_slice()), serde_json::json!([1, 2]));
    assert_eq!(convert::<Vec<u64>>(&vec![1_u16, 2]), [1, 2]);
    assert_eq!(convert::<Vec<Option<i64>>>(&vec![1_u16, 2]), [Some(1), Some(2)]);
    assert_eq!(convert::<serde_bytes::ByteBuf>(&vec![1_u8, 2]).as_slice(), [1, 2]);
    assert!(decode::<[f64; 2]>(&bytes_of(&numbers)).is_err());
}

#[test]
fn numbers_of_all_kinds_in_all_collections() {
    same((vec![i8::MIN, 1], vec![i16::MIN], vec![i32::MIN], vec![i64::MIN], vec![i128::MIN]));
    same((vec![u8::MAX], vec![u16::MAX], vec![u32::MAX], vec![u64::MAX], vec![u128::MAX]));
    same((vec![isize::MIN], vec![usize::MAX, 1], vec![1.5_f32], vec![1.5_f64], vec![true]));
    same((VecDeque::from([1_u32, 2]), HashSet::from([1_i64, 2]), BTreeSet::from([3_u8])));
    same((
        Some(vec![1_u64]),
        Box::new(vec![7_u16; 100]),
        vec![vec![1_u32], vec![]],
        vec!['a', 'b'],
    ));
    assert_eq!(bytes_of(&HashSet::from([1_i64, 2])).len(), 10 + 16 + 1);
}

/// A vector that is more than its numbers: its visitor makes a `Vec`, but looks at each number.
#[derive(Deserialize, Debug)]
struct Small(#[serde(deserialize_with = "small")] Vec<u8>);

fn small<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    struct Checked;
    impl<'de> Visitor<'de> for Checked {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("small numbers")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
            let mut numbers = Vec::new();
            while let Some(number) = seq.next_element()? {
                if number > 9 {
                    return Err(serde::de::Error::custom("too large"));
                }
                numbers.push(number);
            }
            Ok(numbers)
        }
    }
    deserializer.deserialize_seq(Checked)
}

#[test]
fn a_visitor_of_the_users_is_not_bypassed() {
    assert_eq!(convert::<Small>(&vec![1_u8, 9]).0, [1, 9]);
    assert!(decode::<Small>(&bytes_of(&vec![1_u8, 10])).is_err());
}

/// Understands bytes only.
#[derive(PartialEq, Debug)]
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesOnly;
        impl Visitor<'_> for BytesOnly {
            type Value = Bytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(BytesOnly)
    }
}

#[test]
fn packed_bytes_are_bytes() {
    assert_eq!(convert::<Bytes>(&vec![1_u8, 2]), Bytes(vec![1, 2]));
    assert_eq!(convert::<Bytes>(serde_bytes::Bytes::new(&[3])), Bytes(vec![3]));
}

#[test]
fn long_text_is_checked_everywhere() {
    for offset in 0..4 {
        let text = "x".repeat(offset) + &"äx€y😀".repeat(10_000);
        same(text.clone());
        let mut bytes = bytes_of(&text);
        for at in [9, bytes.len() / 2, bytes.len() - 2] {
            let good = std::mem::replace(&mut bytes[at], 0xFF);
            assert!(decode::<String>(&bytes).is_err(), "{at}");
            bytes[at] = good;
        }
    }
    // Nothing but bytes that continue a character: no piece has a start.
    let mut bytes = bytes_of(&"x".repeat(20_000));
    bytes[9..20_009].fill(0x80);
    assert!(decode::<String>(&bytes).is_err());
}

#[test]
fn text_of_every_length_is_checked() {
    for unit in ["x", "äx€y😀"] {
        for text in (1..600).map(|len| unit.chars().cycle().take(len).collect::<String>()) {
            same(text.clone());
            let mut bytes = bytes_of(&text);
            for at in [9, 9 + text.len() / 2, 8 + text.len()] {
                let good = std::mem::replace(&mut bytes[at], 0xFF);
                assert!(decode::<String>(&bytes).is_err(), "{at}: {text}");
                bytes[at] = good;
            }
        }
    }
}
