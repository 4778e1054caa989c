//! The decoder of parcels.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use bolero::check;
use mp_fuzz::spoil;
use mp_handle::Parcel;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

/// A type with one of everything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Record {
    name: String,
    numbers: Vec<f64>,
    small: (i8, u16, char, bool),
    #[serde(default)]
    shape: Shape,
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
enum Shape {
    #[default]
    Empty,
    One(Box<Record>),
    Two(u128, Option<()>),
    Named {
        bytes: Vec<u8>,
        units: Vec<()>,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Text(String),
    Many(Vec<Either>),
}

fn record() -> Record {
    let inner = Record { name: "inner".into(), numbers: vec![1.5; 3], ..Record::default() };
    let named = Shape::Named { bytes: vec![1, 2, 3], units: vec![(); 4] };
    let rest = BTreeMap::from([("extra".into(), 7), ("more".into(), 8)]);
    let middle = Record { shape: named, rest, small: (-1, 2, 'ß', true), ..inner.clone() };
    Record { shape: Shape::One(Box::new(middle)), ..inner }
}

fn encoded(value: &impl Serialize) -> Vec<u8> {
    Parcel::encode(value).expect("a value that can be encoded").into_parts().0
}

/// Decodes; what comes out can be encoded, and comes out of that as the same bytes.
fn decode<T: Debug + Serialize + DeserializeOwned>(bytes: &[u8]) {
    let parcel = Parcel::from_parts(bytes.to_vec(), Vec::new());
    if let Ok(value) = parcel.decode::<T>() {
        let again = encoded(&value);
        let parcel = Parcel::from_parts(again.clone(), Vec::new());
        assert_eq!(encoded(&parcel.decode::<T>().expect("what was encoded just now")), again);
    }
}

#[test]
fn any_bytes_decode_to_a_value_or_an_error() {
    let either = Either::Many(vec![Either::Number(-1), Either::Text("text".into())]);
    let map = HashMap::from([(1_u8, vec![Some("a"), None])]);
    let valid = [encoded(&record()), encoded(&either), encoded(&map), encoded(&vec![(1, 2.5); 9])];
    check!().for_each(|input: &[u8]| {
        let (&which, input) = input.split_first().unwrap_or((&0, &[]));
        let bytes = spoil(&valid[usize::from(which) % valid.len()], input);
        decode::<Record>(&bytes);
        decode::<Either>(&bytes);
        decode::<BTreeMap<u8, Vec<Option<String>>>>(&bytes);
        decode::<Vec<(i32, f64)>>(&bytes);
        decode::<Vec<Vec<()>>>(&bytes);
        decode::<Vec<u8>>(&bytes);
        let parcel = Parcel::from_parts(bytes, Vec::new());
        let _ = parcel.decode::<IgnoredAny>();
    });
}
